"""The stored bytes of a consent event, TSN1-CONSENT (formats.md), and the chain of a series.

1. Events are only added; the stored bytes are one for each event: fixed order, big-endian, lists with u16
   counts, sets sorted. Bytes that are not exactly what ``encode`` gives are refused.
2. An event names the hash of the event before it in its series, and the id of its log entry.
3. A series counts its events from 1 without a gap, and belongs to one case, recipient and purpose.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

from cases.ids import CaseId, OrganisationId, SeriesId
from consent.codes import (
    PURPOSES,
    AgeClass,
    Basis,
    Code,
    CopyGiven,
    Direction,
    EventKind,
    GivenBy,
    IdentityCheck,
    Language,
    Method,
)
from consent.errors import RecordError, RecordFault
from consent.event import FIRST, LIVE_KINDS, TOKYO, Event, Told, check_event, tokyo_day
from consent.reader import NIL, NO_DAY, Reader

__all__ = [
    "FIRST",
    "LIVE_KINDS",
    "TOKYO",
    "AgeClass",
    "Basis",
    "Code",
    "CopyGiven",
    "Direction",
    "Event",
    "EventKind",
    "GivenBy",
    "IdentityCheck",
    "Language",
    "Method",
    "Told",
    "check_chain",
    "check_event",
    "decode",
    "encode",
    "event_hash",
    "tokyo_day",
]

_DOMAIN = b"TSN1-CONSENT\0"
_VERSION = 1


def event_hash(stored: bytes) -> bytes:
    """BLAKE2b-256 of an event's stored bytes, 32 bytes: what the next event, a grant and the log name."""
    return hashlib.blake2b(stored, digest_size=32).digest()


def encode(event: Event) -> bytes:
    """The stored bytes of an event.

    Raises:
        RecordError: where the parts do not fit each other or the format.
    """
    check_event(event)
    return b"".join(
        (
            _DOMAIN,
            bytes((_VERSION,)),
            _identity(event),
            _notice(event),
            _content(event),
            _person(event),
            (event.recorder or NIL).bytes,
            (event.witness or NIL).bytes,
            event.previous,
            event.entry_id,
        )
    )


@lru_cache(maxsize=2048)
def decode(stored: bytes) -> Event:
    """The event of stored bytes, which are exactly what ``encode`` gives for it.

    The last events read are remembered by their bytes: they say the same for ever (no decision is kept).

    Raises:
        RecordError: for every other string of bytes.
    """
    reader = Reader(stored)
    reader.expect(_DOMAIN, RecordFault.DOMAIN)
    reader.expect(bytes((_VERSION,)), RecordFault.VERSION)
    event = _read_event(reader)
    reader.end()
    if encode(event) != stored:
        raise RecordError(RecordFault.ORDER)
    return event


def check_chain(stored: Sequence[bytes]) -> tuple[Event, ...]:
    """The events of a series in order, after checking that none is missing, moved, changed or foreign.

    Raises:
        RecordError: the fault, and the number that the event should have had.
    """
    events: list[Event] = []
    before = FIRST
    for number, item in enumerate(stored, 1):
        event = _numbered(item, number)
        if event.number != number:
            raise RecordError(RecordFault.NUMBER, number)
        if event.previous != before:
            raise RecordError(RecordFault.PREVIOUS, number)
        if events and _belongs_to(event) != _belongs_to(events[0]):
            raise RecordError(RecordFault.SERIES, number)
        events.append(event)
        before = event_hash(item)
    return tuple(events)


def _numbered(stored: bytes, number: int) -> Event:
    try:
        return decode(stored)
    except RecordError as error:
        raise RecordError(error.fault, number) from None


def _belongs_to(event: Event) -> tuple[object, ...]:
    return event.series, event.receipt, event.case, event.recipient, event.purpose


def _identity(event: Event) -> bytes:
    receipt = event.receipt.encode("ascii")
    return b"".join(
        (
            event.series.bytes,
            struct.pack(">IH", event.number, len(receipt)),
            receipt,
            event.case.bytes,
            struct.pack(">HI", event.kind.value, event.about),
            _day(event.event_day),
            _stamp(event.recorded_at),
            struct.pack(">HHH", _code(event.basis), PURPOSES[event.purpose], _code(event.age)),
        )
    )


def _notice(event: Event) -> bytes:
    told = b"".join(struct.pack(">HQ", told.number, int(told.at.timestamp())) for told in event.told)
    head = struct.pack(">H", event.notice_version) + event.notice_digest
    return head + struct.pack(">HH", _code(event.language), len(event.told)) + told


def _content(event: Event) -> bytes:
    return b"".join(
        (
            _list(event.allowed),
            _list(event.refused),
            _list(event.acknowledged),
            _list(direction.value for direction in event.directions),
            event.recipient.bytes,
            event.recipient_key,
            _day(event.valid_from),
            _day(event.until),
            struct.pack(">H", event.retention_months),
        )
    )


def _person(event: Event) -> bytes:
    return b"".join(
        (
            _list(given.value for given in event.given_by),
            struct.pack(">HH", _code(event.method), _code(event.identity)),
            struct.pack(">H", len(event.sealed_names)),
            event.sealed_names,
            struct.pack(">H", _code(event.copy)),
        )
    )


def _list(numbers: Iterable[int]) -> bytes:
    rising = sorted(numbers)
    return struct.pack(f">H{len(rising)}H", len(rising), *rising)


def _code(code: Code | None) -> int:
    return 0 if code is None else int(code.value)


def _day(day: date | None) -> bytes:
    return NO_DAY if day is None else struct.pack(">HBB", day.year, day.month, day.day)


def _stamp(at: datetime) -> bytes:
    offset = (at.utcoffset() or timedelta(0)) // timedelta(minutes=1)
    return struct.pack(">Qh", int(at.timestamp()), offset)


def _read_event(reader: Reader) -> Event:
    return Event(
        series=SeriesId(reader.uuid()),
        number=reader.number(4),
        receipt=reader.text(),
        case=CaseId(reader.uuid()),
        kind=reader.code(EventKind),
        about=reader.number(4),
        event_day=reader.some_day(),
        recorded_at=reader.stamp(),
        basis=reader.code_or_none(Basis),
        purpose=reader.purpose(),
        age=reader.code_or_none(AgeClass),
        notice_version=reader.number(2),
        notice_digest=reader.take(32),
        language=reader.code_or_none(Language),
        told=tuple(reader.told() for _ in range(reader.number(2))),
        allowed=reader.slots(),
        refused=reader.slots(),
        acknowledged=reader.slots(),
        directions=reader.codes(Direction),
        recipient=OrganisationId(reader.uuid()),
        recipient_key=reader.take(32),
        valid_from=reader.day(),
        until=reader.day(),
        retention_months=reader.number(2),
        given_by=reader.codes(GivenBy),
        method=reader.code_or_none(Method),
        identity=reader.code_or_none(IdentityCheck),
        sealed_names=reader.take(reader.number(2)),
        copy=reader.code_or_none(CopyGiven),
        recorder=reader.user(),
        witness=reader.user(),
        previous=reader.take(32),
        entry_id=reader.take(16),
    )
