"""When people are at work: the clock of Asia/Tokyo, the hours of a working day, and nothing about holidays.

Which days are holidays is told from outside, as a predicate: no list of them stands in this package.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

TOKYO = timezone(timedelta(hours=9))
"""Asia/Tokyo: nine hours before UTC the whole year since 1951, so that no time zone file is needed."""

MONDAY_TO_FRIDAY = frozenset(range(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """The hours of a working day in Asia/Tokyo: from ``opens``, until before ``closes`` of the same day.

    ``days`` are weekdays, Monday is 0.
    """

    opens: time = time(8, 30)
    closes: time = time(17, 15)
    days: frozenset[int] = MONDAY_TO_FRIDAY

    def are_on(self, day: date, is_holiday: Callable[[date], bool]) -> bool:
        """Whether anybody works on ``day``."""
        return day.weekday() in self.days and not is_holiday(day)

    def hold_at(self, local: datetime) -> bool:
        """Whether ``local``, a time of Tokyo's clock, lies within the hours of its day."""
        return self.opens <= local.time() < self.closes
