"""Runs one command's work in a house of its own, from opening it to closing it."""

import asyncio
from collections.abc import Awaitable, Callable

from service.cli.opening import load_house
from service.house import House
from service.settings import Settings


def in_house(settings: Settings, work: Callable[[House], Awaitable[int]], *, behind: bool = False) -> int:
    """The exit code of ``work``, done in the house that the settings name; ``behind`` as for `load_house`.

    Raises OpeningError and what ``work`` raises.
    """
    house = load_house(settings, behind=behind)

    async def run() -> int:
        house.start()
        try:
            return await work(house)
        finally:
            await house.stop()

    return asyncio.run(run())
