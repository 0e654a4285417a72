"""Values for the tests of consent: one series, its people, its form, and answers to vary."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from cases.fields import Purpose, Slot
from cases.ids import CaseId, OrganisationId, SeriesId, UserId
from consent.answer import Answer, Offer, Series, Stamp, Terms, Withdrawal
from consent.notice import notice
from consent.record import (
    TOKYO,
    AgeClass,
    CopyGiven,
    Direction,
    Event,
    EventKind,
    GivenBy,
    IdentityCheck,
    Language,
    Method,
    Told,
)

RECORDER = UserId(UUID(int=0xA1))
WITNESS = UserId(UUID(int=0xA2))
STRANGER = UserId(UUID(int=0xA3))
START = datetime(2026, 10, 18, 10, 30, tzinfo=TOKYO)
UNTIL = date(2027, 3, 31)
LAST_INSTANT = datetime(2027, 3, 31, 23, 59, 59, 999_000, tzinfo=TOKYO)
BOTH_WAYS = frozenset(Direction)
ONE_WAY = frozenset((Direction.OWNER_TO_RECIPIENT,))

NAME, AGE_BAND, ADDRESS, DIETARY, OBSERVATIONS, HEALTH = (Slot(n) for n in (1, 4, 6, 17, 21, 12))
OFFERED = frozenset((NAME, AGE_BAND, ADDRESS, DIETARY, OBSERVATIONS, HEALTH))

OFFER = Offer(
    purpose=Purpose.FOOD_SUPPORT,
    slots=OFFERED,
    optional=frozenset((ADDRESS, HEALTH)),
    sensitive=frozenset((DIETARY, HEALTH)),
    returning=frozenset((OBSERVATIONS,)),
)
NOTICE = notice(Purpose.FOOD_SUPPORT, Language.JA)
TERMS = Terms(offer=OFFER, notice=NOTICE, conditions_both=True, recipient_key=bytes([7]) * 32)
SERIES = Series(
    series=SeriesId(UUID(int=0x51)),
    receipt="C-2026-50318",
    case=CaseId(UUID(int=0xC1)),
    recipient=OrganisationId(UUID(int=0x0B)),
    purpose=Purpose.FOOD_SUPPORT,
)
TOLD = tuple(Told(number=n, at=START - timedelta(minutes=6 - n)) for n in range(1, 6))
ANSWER = Answer(
    told=TOLD,
    notice_version=1,
    language=Language.JA,
    allowed=frozenset((NAME, AGE_BAND, DIETARY, OBSERVATIONS)),
    refused=frozenset((ADDRESS, HEALTH)),
    acknowledged=frozenset((DIETARY,)),
    directions=BOTH_WAYS,
    age=AgeClass.FROM_15_UP,
    given_by=frozenset((GivenBy.SELF,)),
    method=Method.PAPER,
    identity=IdentityCheck.KNOWN,
    copy=CopyGiven.GIVEN,
    event_day=START.date(),
    until=UNTIL,
)
SPOKEN = replace(ANSWER, method=Method.ORAL_WITNESSED, witness=WITNESS)
HOW = Withdrawal(given_by=frozenset((GivenBy.SELF,)), method=Method.PAPER)


def stamp(after: timedelta = timedelta(0), by: UserId | None = RECORDER) -> Stamp:
    """A recording some time after START."""
    return Stamp(at=START + after, by=by, entry_id=bytes([9]) * 16)


def event(kind: EventKind, number: int = 1, at: datetime = START, **parts: object) -> Event:
    """An event as it lies in a series, made by hand for the tests of standing; hashes are not looked at."""
    live = kind in (EventKind.GIVEN, EventKind.CHANGED, EventKind.RENEWED, EventKind.CONFIRMED)
    made = Event(
        series=SERIES.series,
        number=number,
        receipt=SERIES.receipt,
        case=SERIES.case,
        kind=kind,
        event_day=START.date(),
        recorded_at=at,
        purpose=SERIES.purpose,
        allowed=ANSWER.allowed if live else frozenset(),
        refused=ANSWER.refused if live else frozenset(),
        directions=BOTH_WAYS if live else frozenset(),
        recipient=SERIES.recipient,
        valid_from=START.date() if live else None,
        until=UNTIL if live else None,
        method=Method.PAPER if live else None,
        recorder=RECORDER,
        previous=bytes(32) if number == 1 else bytes([1]) * 32,
        entry_id=bytes(16),
    )
    return replace(made, **parts)  # type: ignore[arg-type]  # the parts of a test are checked by its result


def utc(text: str) -> datetime:
    """An instant from its ISO form, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
