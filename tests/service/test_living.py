"""What the app does while it lives: it asks first, then writes; and none of its works waits for another."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service import app as living
from service.app import create_app
from service.cli.opening import load_house
from service.flows.notary import publish_dirty
from service.house import House
from tests.service.checking import collaboration
from tests.service.world import WEAK, World

Work = Callable[[House], Awaitable[object]]
SOON = 5.0


def live(world: World, seen: Work) -> None:
    """Lives in the app of a second house over the same files until ``seen`` has had its look."""
    house = load_house(world.settings, clock=world.clock, cost=WEAK)

    async def work() -> None:
        async with create_app(house).lifespan():
            await asyncio.wait_for(seen(house), SOON)

    world.run(work())


async def nothing(_: House) -> None:
    """Does nothing."""


def test_witnesses_are_asked_before_anything_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one has seen more, not even the start is an entry; the app lives, and answers that it cannot write."""
    before = world.leaves()

    async def ahead(house: House) -> None:
        assert world.leaves() == before
        house.stop_appending()

    monkeypatch.setattr(living, "ask_witnesses", ahead)
    live(world, nothing)
    assert world.leaves() == before


def test_the_start_and_the_stop_are_entries(world: World) -> None:
    """Where nobody has seen more."""
    before = world.leaves()
    live(world, nothing)
    made = [leaf["ev"] for leaf in world.leaves() if leaf not in before]
    assert set(made) == {"system.start", "system.stop"}
    assert made.count("system.start") == made.count("system.stop")


@pytest.mark.parametrize("stuck", ["push_all", "sweep", "check_grants"])
def test_a_work_that_hangs_or_fails_keeps_nothing_from_being_signed(
    world: World, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    """A witness that does not answer, a sweep that never ends: the log is published all the same, each minute."""
    monkeypatch.setattr(living, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(living, "PUSH_DELAY", 0)
    published = asyncio.Event()
    times = 0

    async def hang(_: House) -> None:
        await asyncio.Event().wait()

    async def publish(house: House) -> None:
        nonlocal times
        times += 1
        if times == 2:
            await publish_dirty(house)
            raise RuntimeError("and fails")
        if times == 4:
            published.set()

    async def wait(_: House) -> None:
        await published.wait()

    monkeypatch.setattr(living, stuck, hang)
    monkeypatch.setattr(living, "publish_dirty", publish)
    world.shared_case()
    live(world, wait)
    tree = collaboration(world)
    assert world.sql("SELECT count(*) FROM checkpoint WHERE tree = ?", tree.number) != [(0,)]


def test_the_grants_are_checked_until_it_worked_and_then_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a start; where the database cannot be written then, a minute later."""
    monkeypatch.setattr(living, "SWEEP_SECONDS", 0.02)
    done: list[int] = []

    async def check(_: House) -> None:
        done.append(1)
        if len(done) < 3:
            raise RuntimeError("not yet")

    async def wait(_: House) -> None:
        await asyncio.sleep(0.3)

    monkeypatch.setattr(living, "check_grants", check)
    live(world, wait)
    assert len(done) == 3
