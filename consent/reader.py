"""Reads the parts of a consent event off its stored bytes, strictly."""

import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeVar
from uuid import UUID

from cases.fields import Purpose, Slot
from cases.ids import UserId
from consent.codes import PURPOSES, Code
from consent.errors import RecordError, RecordFault
from consent.event import Told

C = TypeVar("C", bound=Code)

NIL = UUID(int=0)
"""Stored where there is nobody."""

NO_DAY = bytes(4)
"""Stored where there is no day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PURPOSES = {number: purpose for purpose, number in PURPOSES.items()}


@dataclass(slots=True)
class Reader:
    """Takes part after part off the front; every shortage and every unknown code is a RecordError."""

    rest: bytes

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if len(self.rest) < size:
            raise RecordError(RecordFault.LENGTH)
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def expect(self, wanted: bytes, fault: RecordFault) -> None:
        """Takes what must stand here, else the fault."""
        if self.take(len(wanted)) != wanted:
            raise RecordError(fault)

    def end(self) -> None:
        """Lets pass where nothing is left."""
        if self.rest:
            raise RecordError(RecordFault.LENGTH)

    def number(self, size: int) -> int:
        """An unsigned big-endian number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "big")

    def text(self) -> str:
        """A counted text; what it may hold is the event's to check."""
        return self.take(self.number(2)).decode("latin-1")

    def uuid(self) -> UUID:
        """Sixteen bytes of an id."""
        return UUID(bytes=self.take(16))

    def user(self) -> UserId | None:
        """A user, or None where there is nobody."""
        found = self.uuid()
        return None if found == NIL else UserId(found)

    def code(self, kind: type[C]) -> C:
        """A code that must be stated."""
        found = self.code_or_none(kind)
        if found is None:
            raise RecordError(RecordFault.CODE)
        return found

    def code_or_none(self, kind: type[C]) -> C | None:
        """A code, or None where zero says that it is not stated."""
        number = self.number(2)
        try:
            return kind(number) if number else None
        except ValueError:
            raise RecordError(RecordFault.CODE) from None

    def codes(self, kind: type[C]) -> frozenset[C]:
        """A counted set of codes."""
        return frozenset(self.code(kind) for _ in range(self.number(2)))

    def slots(self) -> frozenset[Slot]:
        """A counted set of slots."""
        return frozenset(Slot(self.number(2)) for _ in range(self.number(2)))

    def purpose(self) -> Purpose:
        """A purpose."""
        found = _PURPOSES.get(self.number(2))
        if found is None:
            raise RecordError(RecordFault.CODE)
        return found

    def day(self) -> date | None:
        """A day, or None."""
        taken = self.take(4)
        try:
            return None if taken == NO_DAY else date(*struct.unpack(">HBB", taken))
        except ValueError:
            raise RecordError(RecordFault.TIME) from None

    def some_day(self) -> date:
        """A day that must be stated."""
        found = self.day()
        if found is None:
            raise RecordError(RecordFault.TIME)
        return found

    def told(self) -> Told:
        """A told item: its number and its time."""
        return Told(number=self.number(2), at=_instant(self.number(8), 0))

    def stamp(self) -> datetime:
        """An instant with its offset."""
        seconds, minutes = struct.unpack(">Qh", self.take(10))
        return _instant(seconds, minutes)


def _instant(seconds: int, minutes: int) -> datetime:
    try:
        zone = timezone(timedelta(minutes=minutes))
        return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone)
    except (ValueError, OverflowError):
        raise RecordError(RecordFault.TIME) from None
