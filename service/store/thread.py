"""One thread for what may wait for a disk or another process, one thing after the other, beside the event loop.

A hop to it and back costs half of one through an executor's queues and futures, and each commit makes two.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

_Task = tuple[Callable[[], None], "asyncio.Future[None]"]


class OwnThread:
    """Runs what it is given in the order in which it is given."""

    def __init__(self, name: str) -> None:
        """Start the thread; it does not keep the process alive."""
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], None]) -> "asyncio.Future[None]":
        """Run ``work`` in the thread; whoever awaits gets what it raised."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks.put((work, future))
        return future

    def stop(self) -> None:
        """Return once everything that was given is done and the thread has ended."""
        self._tasks.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            work, future = task
            error: BaseException | None = None
            try:
                work()
            except BaseException as caught:
                error = caught
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_settle, future, error)


def _settle(future: "asyncio.Future[None]", error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
