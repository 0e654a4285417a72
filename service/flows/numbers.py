"""Numbers that people read: digits drawn at random within the year, never counted up.

A counter would tell outsiders how many cases or consents there are.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from consent.record import tokyo_day
from service.house import House

_TRIES = 40


async def draw(house: House, taken: Callable[[str], Awaitable[bool]], prefix: str = "") -> str:
    """A number such as ``2026-48213`` that nobody has; two digits more where a year has become crowded."""
    year = tokyo_day(_now(house)).year
    for attempt in range(_TRIES):
        digits = 5 if attempt < _TRIES // 2 else 7
        span = 9 * 10 ** (digits - 1)
        drawn = 10 ** (digits - 1) + int.from_bytes(house.random(8), "big") % span
        number = f"{prefix}{year}-{drawn}"
        if not await taken(number):
            return number
    raise RuntimeError("no number is free")


def _now(house: House) -> datetime:
    return house.clock()
