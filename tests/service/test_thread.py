"""The writer's thread does one thing after the other, tells what went wrong, and ends when it is told to."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from service.store.thread import OwnThread


@pytest.fixture
def thread() -> Iterator[OwnThread]:
    made = OwnThread("tried")
    yield made
    made.stop()


def noting(seen: list[tuple[object, str]], what: object) -> Callable[[], None]:
    """Work that leaves a note, and the name of the thread."""
    return lambda: seen.append((what, threading.current_thread().name))


def test_work_is_done_in_the_order_in_which_it_is_given(thread: OwnThread) -> None:
    """In the one thread, and whoever awaits goes on only afterwards."""
    seen: list[tuple[object, str]] = []

    async def run() -> None:
        given = [thread.run(noting(seen, at)) for at in range(5)]
        await given[4]
        assert all(one.done() for one in given)

    asyncio.run(run())
    assert seen == [(at, "tried") for at in range(5)]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3)])
def test_an_error_is_told_and_the_thread_goes_on(thread: OwnThread, error: BaseException) -> None:
    """The one who waits gets it, whatever it is; the next work is done."""

    def fail() -> None:
        raise error

    async def run() -> None:
        failed, after = thread.run(fail), thread.run(noting(seen, "after"))
        await after
        assert failed.exception() is error

    seen: list[tuple[object, str]] = []
    asyncio.run(run())
    assert seen == [("after", "tried")]


def test_whoever_went_away_stops_nothing(thread: OwnThread) -> None:
    """A future that was cancelled gets no answer; the work is done all the same."""
    seen: list[tuple[object, str]] = []

    async def run() -> None:
        thread.run(noting(seen, 1)).cancel()
        await thread.run(noting(seen, 2))
        await asyncio.sleep(0)

    asyncio.run(run())
    assert seen == [(1, "tried"), (2, "tried")]


def test_a_loop_that_was_closed_ends_no_thread(thread: OwnThread) -> None:
    """Nobody is left to be told; the next work, of another loop, is done."""
    seen: list[tuple[object, str]] = []
    gate = threading.Event()

    async def leave() -> None:
        thread.run(gate.wait)  # type: ignore[arg-type]  # what it gives is not asked

    async def come() -> None:
        await asyncio.wait_for(thread.run(noting(seen, "after")), 5)

    asyncio.run(leave())
    gate.set()
    asyncio.run(come())
    assert seen == [("after", "tried")]


def test_a_stop_comes_after_what_was_given() -> None:
    """Nothing that was given is dropped, and no thread is left over."""
    before = threading.active_count()
    made, seen = OwnThread("tried"), list[tuple[object, str]]()

    async def run() -> None:
        given = [thread_run(at) for at in range(3)]
        made.stop()
        await asyncio.gather(*given)

    def thread_run(at: int) -> "asyncio.Future[None]":
        return made.run(noting(seen, at))

    asyncio.run(run())
    assert [what for what, _ in seen] == [0, 1, 2]
    assert threading.active_count() == before
