"""When the office is closed: Japan's public holidays, and the hours of a working day."""

import functools
from datetime import date, datetime

import jpholiday

from audit.hours import TOKYO, WorkingHours

HOURS = WorkingHours()


@functools.lru_cache(maxsize=4096)
def is_holiday(day: date) -> bool:
    """Whether the day is a public holiday of Japan."""
    return bool(jpholiday.is_holiday(day))


def is_after_hours(now: datetime) -> bool:
    """Whether nobody works at this time: nights, weekends, holidays."""
    local = now.astimezone(TOKYO)
    return not (HOURS.are_on(local.date(), is_holiday) and HOURS.hold_at(local))
