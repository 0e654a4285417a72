"""The lines of the sheet "who looked at my data", from the leaves of the log: pure, and without a word of prose.

Rules kept here:
- A line is one look, one handing over of keys, or one rotation; what opened no field and gave no key is no line.
- Looks that follow one another and do not differ in anything but the seconds are one line with a count.
- Nothing is left out for its number, and nothing of another case can come in: the leaves are of one case.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from audit.codes import Decision, Event, Via
from audit.event import Entry, Leaf


class Kind(Enum):
    """What a line tells of."""

    LOOK = "look"
    GRANT = "grant"
    ROTATION = "rotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A consent as a line names it: its receipt number, whom it allows, what for, and which fields at each event."""

    number: str
    recipient: str
    purpose: str
    allowed: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who stands behind an account now: the departments, and the name where the house shows names."""

    sections: tuple[str, ...] = ()
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ids of the leaves stand for: organisations' names, people and consents, by their text forms."""

    organisations: Mapping[str, str]
    people: Mapping[str, Person]
    consents: Mapping[str, Agreement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: when (the first of ``count``), who, what, for what purpose, on what ground, through which channel.

    ``organisation`` None: the service by itself. ``consent`` None: the organisation's own work. ``items`` are codes.
    """

    at: datetime
    kind: Kind
    organisation: str | None
    role: str | None
    person: Person
    items: tuple[str, ...]
    purpose: str | None
    consent: str | None
    recipient: str | None = None
    channel: Via | None = None
    count: int = 1


_UNKNOWN = Person()


def lines_of(leaves: Iterable[Leaf], known: Known) -> tuple[Line, ...]:
    """The lines of these leaves, in their order."""
    lines: list[Line] = []
    accounts: list[str | None] = []
    for leaf in leaves:
        line = _line(leaf, known)
        if line is None:
            continue
        if lines and accounts[-1] == leaf.entry.actor and _alike(lines[-1], line):
            lines[-1] = replace(lines[-1], count=lines[-1].count + 1)
            continue
        lines.append(line)
        accounts.append(leaf.entry.actor)
    return tuple(lines)


def looks_in(lines: Iterable[Line]) -> int:
    """How many looks the lines tell of."""
    return sum(line.count for line in lines if line.kind is Kind.LOOK)


def _alike(line: Line, other: Line) -> bool:
    """Whether two lines say the same within one minute of the clock."""
    return replace(line, at=_minute(line.at), count=1) == replace(other, at=_minute(other.at))


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)


def _line(leaf: Leaf, known: Known) -> Line | None:
    entry = leaf.entry
    kind = _kind(entry)
    if kind is None:
        return None
    agreement = None if entry.consent is None else known.consents[entry.consent[0]]
    line = Line(
        at=leaf.time,
        kind=kind,
        organisation=None if entry.organisation is None else known.organisations[entry.organisation],
        role=entry.role,
        person=known.people.get(entry.actor or "", _UNKNOWN),
        items=entry.fields,
        purpose=entry.purpose,
        consent=None if agreement is None else agreement.number,
        channel=_channel(entry),
    )
    if kind is not Kind.GRANT or agreement is None or entry.consent is None:
        return line
    fields = agreement.allowed[entry.consent[1] - 1]
    return replace(line, items=fields, purpose=agreement.purpose, recipient=agreement.recipient)


def _channel(entry: Entry) -> Via | None:
    """Through what it went; a print and a file that left the house are that, whatever asked for them."""
    if not entry.event.startswith("export."):
        return entry.via
    return Via.PRINT if entry.event is Event.EXPORT_PRINT else Via.CSV


def _kind(entry: Entry) -> Kind | None:
    if entry.decision is Decision.DENY:
        return None
    if entry.event is Event.KEY_SEAL:
        return Kind.GRANT
    if not entry.fields:
        return None
    return Kind.ROTATION if entry.event is Event.KEY_ROTATE else Kind.LOOK
