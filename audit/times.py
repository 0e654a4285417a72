"""The log's clock text: UTC in milliseconds, one form, in the order of time when sorted as text."""

import functools
import re
from datetime import UTC, date, datetime, timedelta

from audit.errors import EntryError, EntryFault

_TIME = re.compile(
    r"2[0-9]{3}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z", re.ASCII
)


def write_time(time: datetime) -> str:
    """The text of ``time``, such as ``2026-11-23T05:50:27.179Z``; what is below a millisecond is cut off.

    Raises EntryError(TIME) for a time without a zone.
    """
    if time.utcoffset() is None:
        raise EntryError(EntryFault.TIME, "t")
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def read_time(text: str) -> datetime:
    """The aware UTC time that ``text`` says; raises EntryError(TIME) for any other form or no such day."""
    if _TIME.fullmatch(text) is None:
        raise EntryError(EntryFault.TIME, "t")
    check_day(text[:10])
    return datetime.fromisoformat(text)


@functools.lru_cache(maxsize=4096)
def check_day(text: str) -> None:
    """Refuse a day that no calendar has, such as 30 February; ``text`` has the form YYYY-MM-DD."""
    try:
        date.fromisoformat(text)
    except ValueError:
        raise EntryError(EntryFault.TIME, "t") from None


def later(time: datetime, previous: datetime | None) -> datetime:
    """The time for the next entry: ``time`` in whole milliseconds, but never less than ``previous``.

    ``previous`` is the time of the entry before, or None in an empty tree. A clock that was set back thus
    stands still in the log until it has caught up. Raises EntryError(TIME) for a time without a zone.
    """
    if time.utcoffset() is None:
        raise EntryError(EntryFault.TIME, "t")
    exact = time.astimezone(UTC)
    whole = exact - timedelta(microseconds=exact.microsecond % 1000)
    return whole if previous is None or whole >= previous else previous
