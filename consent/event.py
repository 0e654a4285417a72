"""A consent event: all its parts as values, and the rules that its parts keep among themselves.

An event says everything again: nothing has to be put together from several. Names stand in it only as
sealed bytes; everything else is ids, codes, days and times. The parts follow ISO/IEC TS 27560.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

from cases.fields import Purpose, Slot
from cases.ids import CaseId, OrganisationId, SeriesId, UserId
from consent.codes import (
    AgeClass,
    Basis,
    CopyGiven,
    Direction,
    EventKind,
    GivenBy,
    IdentityCheck,
    Language,
    Method,
)
from consent.errors import RecordError, RecordFault

TOKYO = timezone(timedelta(hours=9), "Asia/Tokyo")
"""Asia/Tokyo: nine hours before UTC the whole year since 1951, so that no time zone file is needed."""

FIRST = bytes(32)
"""What the first event of a series names as the hash of the event before it."""

LIVE_KINDS = frozenset((EventKind.GIVEN, EventKind.CONFIRMED, EventKind.CHANGED, EventKind.RENEWED))
"""The events that can make a consent live: they carry the whole set and an end."""

_ABOUT = frozenset((EventKind.CONFIRMED, EventKind.EXPIRED, EventKind.INVALIDATED))
_RECEIPT = re.compile(r"C-[0-9]{4}-[0-9]{5,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One statement of the notice, by its number (1 is ①), and when it was told (whole seconds)."""

    number: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of a consent series, whole.

    ``number`` counts from 1 in its series. ``about`` is the number of the event that a confirmation, an
    expiry or an invalidation concerns, else 0. ``event_day`` is the day on the paper, information only;
    ``recorded_at`` (whole seconds, with offset) is when the service recorded it. ``until`` is the last day,
    to its end in Asia/Tokyo. ``retention_months``: how long the recipient may keep its own papers after the
    end. ``witness`` is who is to confirm a spoken answer. ``recorder`` is None where the clock did it.
    ``previous``: 32 bytes; ``entry_id``: 16 bytes. Parts that do not belong to a kind are None or empty.
    """

    series: SeriesId
    number: int
    receipt: str
    case: CaseId
    kind: EventKind
    about: int = 0
    event_day: date
    recorded_at: datetime
    basis: Basis | None = None
    purpose: Purpose
    age: AgeClass | None = None
    notice_version: int = 0
    notice_digest: bytes = bytes(32)
    language: Language | None = None
    told: tuple[Told, ...] = ()
    allowed: frozenset[Slot] = frozenset()
    refused: frozenset[Slot] = frozenset()
    acknowledged: frozenset[Slot] = frozenset()
    directions: frozenset[Direction] = frozenset()
    recipient: OrganisationId
    recipient_key: bytes = bytes(32)
    valid_from: date | None = None
    until: date | None = None
    retention_months: int = 0
    given_by: frozenset[GivenBy] = frozenset()
    method: Method | None = None
    identity: IdentityCheck | None = None
    sealed_names: bytes = b""
    copy: CopyGiven | None = None
    recorder: UserId | None
    witness: UserId | None = None
    previous: bytes
    entry_id: bytes


def tokyo_day(at: datetime) -> date:
    """The day in Asia/Tokyo at an instant."""
    return at.astimezone(TOKYO).date()


def check_event(event: Event) -> None:
    """Lets pass an event whose parts fit each other and the format.

    Raises:
        RecordError: the first fault found.
    """
    _require(_RECEIPT.fullmatch(event.receipt) is not None, RecordFault.RECEIPT)
    _require(1 <= event.number < 1 << 32 and 0 <= event.about < event.number, RecordFault.NUMBER)
    _require((event.kind in _ABOUT) is (event.about > 0), RecordFault.NUMBER)
    _require((event.number == 1) is (event.previous == FIRST), RecordFault.PREVIOUS)
    _require(_lengths_hold(event), RecordFault.LENGTH)
    _require(_times_hold(event), RecordFault.TIME)
    _require(_numbers_hold(event), RecordFault.RANGE)
    _require(_sets_hold(event), RecordFault.SET)
    _require(_validity_holds(event), RecordFault.UNTIL)


def _require(holds: bool, fault: RecordFault) -> None:
    if not holds:
        raise RecordError(fault)


def _lengths_hold(event: Event) -> bool:
    return (
        len(event.notice_digest) == len(event.recipient_key) == len(event.previous) == 32
        and len(event.entry_id) == 16
        and len(event.sealed_names) < 1 << 16
    )


def _times_hold(event: Event) -> bool:
    return _is_stamp(event.recorded_at) and all(_is_stamp(told.at) for told in event.told)


def _is_stamp(at: datetime) -> bool:
    offset = at.utcoffset()
    whole = at.microsecond == 0 and offset is not None and offset % timedelta(minutes=1) == timedelta(0)
    return whole and datetime(1970, 1, 2, tzinfo=UTC) <= at < datetime(9999, 12, 30, tzinfo=UTC)


def _numbers_hold(event: Event) -> bool:
    slots = event.allowed | event.refused
    numbers = [told.number for told in event.told]
    rising = all(first < second for first, second in pairwise(numbers))
    small = (event.notice_version, event.retention_months)
    return (
        all(1 <= slot < 1 << 16 for slot in slots)
        and all(0 <= number < 1 << 16 for number in small)
        and all(1 <= number < 1 << 16 for number in numbers)
        and rising
    )


def _sets_hold(event: Event) -> bool:
    return not event.allowed & event.refused and event.acknowledged <= event.allowed


def _validity_holds(event: Event) -> bool:
    """A consent has a first and a last day, and starts no later than the day it is recorded."""
    if event.kind not in LIVE_KINDS:
        return event.until is None and event.valid_from is None
    if event.until is None or event.valid_from is None:
        return False
    return event.valid_from <= event.until and event.valid_from <= tokyo_day(event.recorded_at)
