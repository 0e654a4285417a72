"""Small logs for the reviews: who, which case, when on Tokyo's clock."""

import dataclasses
from collections.abc import Iterable
from datetime import UTC, date, datetime

from audit.codes import Decision, Event, Flag, Purpose, Reason, Role, Via
from audit.event import Entry, Leaf, canonical, read_leaf
from audit.reviews import MOST, TOKYO, Account, Context, Findings, Hit, Review, WorkingHours, review_log

Timed = tuple[datetime, Entry]

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=TOKYO)
HOLIDAY = date(2026, 11, 23)
"""A Monday."""

CITY = "o_" + "a" * 32
NPO = "o_" + "b" * 32
SERIES = ("k_" + "c" * 32, 1, b"c" * 32)


def user(number: int) -> str:
    """The id of a user."""
    return f"u_{number:032x}"


def case(number: int) -> str:
    """The id of a case."""
    return f"c_{number:032x}"


def tokyo(day: int, hour: int, minute: int = 0, second: int = 0, ms: int = 0) -> datetime:
    """A time of November 2026 on Tokyo's clock; the 24th is a Tuesday."""
    return datetime(2026, 11, day, hour, minute, second, ms * 1000, tzinfo=TOKYO)


AT = tokyo(24, 10)
"""A time in working hours."""


def entry(event: Event, /, **said: object) -> Entry:
    """A permitted entry of the first user, who is a caseworker of the city, in what is not said otherwise."""
    plain = Entry(
        event=event,
        id=bytes(16),
        actor=user(1),
        role=Role.CASEWORKER,
        organisation=CITY,
        decision=Decision.PERMIT,
        via=Via.UI,
    )
    return dataclasses.replace(plain, **said)


def read(actor: int = 1, of: int = 1, /, **said: object) -> Entry:
    """A user of the city opened a case."""
    shown = {"subject": case(of), "fields": ("name",), "purpose": Purpose.OWN_WORK}
    return dataclasses.replace(entry(Event.CASE_READ, actor=user(actor), **shown), **said)


def received(actor: int = 9, of: int = 1, /, **said: object) -> Entry:
    """A user of the NPO opened a case under its consent."""
    npo = {"role": Role.NPO_COORDINATOR, "organisation": NPO, "purpose": Purpose.FOOD_SUPPORT}
    return read(actor, of, **{**npo, "consent": SERIES, **said})


def refused(reason: Reason, **said: object) -> Entry:
    """Opening a case was refused."""
    plain = entry(Event.CASE_READ, subject=case(1), decision=Decision.DENY, reason=reason)
    return dataclasses.replace(plain, **said)


def created(of: int = 1, **said: object) -> Entry:
    """A case was begun by the city."""
    return entry(Event.CASE_CREATE, subject=case(of), **said)


def raised(reference: int | None, **said: object) -> Entry:
    """Something was found in an entry."""
    return Entry(event=Event.FLAG_RAISE, id=bytes(16), reference=reference, detail=bytes(32), **said)


def denied(**said: object) -> Entry:
    """The NPO was refused because the consent is withdrawn."""
    npo = {"organisation": NPO, "actor": user(9), "consent": SERIES}
    return dataclasses.replace(refused(Reason.WITHDRAWN, **npo), **said)


def withdrawn(**said: object) -> Entry:
    """The consent of the first case was withdrawn."""
    return entry(Event.CONSENT_WITHDRAW, **{"subject": case(1), "consent": SERIES, **said})


def answer(event: Event, actor: int, /, **said: object) -> Entry:
    """An event of a consent."""
    return entry(event, **{"subject": case(1), "actor": user(actor), "consent": SERIES, **said})


def at_once(*entries: Entry) -> list[Timed]:
    """Entries of one instant, in working hours."""
    return [(AT, one) for one in entries]


def log(entries: Iterable[Timed]) -> list[tuple[int, Leaf]]:
    """The leaves as they are read, at the indices 0, 10, 20 and so on: what lies between was redacted."""
    return [
        (10 * at, read_leaf(canonical(one, time.astimezone(UTC)))) for at, (time, one) in enumerate(entries)
    ]


def asked(**said: object) -> Context:
    """A context with one holiday; what is not said stays as it is by default."""
    plain = Context(now=NOW, is_holiday=lambda day: day == HOLIDAY)
    return dataclasses.replace(plain, **said)


def find(review: Review, entries: Iterable[Timed], most: int = MOST, **said: object) -> Findings:
    """What one review finds in a log."""
    return review_log(log(entries), asked(**said), most)[review]


def hits(review: Review, entries: Iterable[Timed], **said: object) -> tuple[Hit, ...]:
    """The hits of one review."""
    return find(review, entries, **said).hits


def hit(review: Review, index: int, **said: object) -> Hit:
    """A hit that is not checked and says nothing but its place, in what is not said otherwise."""
    silent = dict.fromkeys(("actor", "subject", "time", "count", "reads"))
    return Hit(**{"review": review, "index": index, "checked": False, **silent, **said})


def indices(review: Review, entries: Iterable[Timed], **said: object) -> list[int | None]:
    """Where the hits of one review stand."""
    return [one.index for one in hits(review, entries, **said)]


__all__ = [
    "AT",
    "CITY",
    "HOLIDAY",
    "NOW",
    "NPO",
    "SERIES",
    "TOKYO",
    "Account",
    "Context",
    "Decision",
    "Entry",
    "Event",
    "Findings",
    "Flag",
    "Hit",
    "Leaf",
    "Reason",
    "Review",
    "Role",
    "Timed",
    "WorkingHours",
    "answer",
    "asked",
    "at_once",
    "case",
    "created",
    "denied",
    "entry",
    "find",
    "hit",
    "hits",
    "indices",
    "log",
    "raised",
    "read",
    "received",
    "refused",
    "review_log",
    "tokyo",
    "user",
    "withdrawn",
]
