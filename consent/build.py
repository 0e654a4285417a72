"""The parts that every next event of a series has: its place in the chain, its time, what it is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from cases.fields import Purpose
from cases.ids import CaseId, OrganisationId, SeriesId, UserId
from consent.codes import AgeClass, EventKind, GivenBy, IdentityCheck, Language, Method
from consent.event import FIRST, Event, Told, tokyo_day
from consent.notice import Notice
from consent.record import encode, event_hash
from consent.rules import Answer, Limits, Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What a series is about: one case, one recipient, one purpose, and the receipt number people read."""

    series: SeriesId
    receipt: str
    case: CaseId
    recipient: OrganisationId
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When it is recorded (aware, with the offset to keep), by whom (None: the clock), its log entry's id."""

    at: datetime
    by: UserId | None
    entry_id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an answer is checked against, and the fingerprint of the recipient's public keys, 32 bytes."""

    offer: Offer
    notice: Notice
    conditions_both: bool
    recipient_key: bytes
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the recorder sends when a person did not agree: as much as there is."""

    told: tuple[Told, ...] = ()
    notice_version: int
    language: Language
    age: AgeClass | None = None
    given_by: frozenset[GivenBy]
    method: Method
    identity: IdentityCheck | None = None
    event_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What the recorder sends when a person withdraws: who and how, codes only. No reason."""

    given_by: frozenset[GivenBy]
    method: Method
    event_day: date | None = None


def series_of(past: Sequence[Event]) -> Series:
    """The series that its first event belongs to; there must be one."""
    first = past[0]
    return Series(
        series=first.series,
        receipt=first.receipt,
        case=first.case,
        recipient=first.recipient,
        purpose=first.purpose,
    )


def time_of(past: Sequence[Event], stamp: Stamp) -> datetime:
    """When the next event counts as recorded: whole seconds, never before the last event."""
    at = stamp.at.replace(microsecond=0)
    return max(at, past[-1].recorded_at) if past else at


def bare(series: Series, past: Sequence[Event], stamp: Stamp, kind: EventKind, about: int = 0) -> Event:
    """The next event with nothing in it but its place, its time and its recorder."""
    at = time_of(past, stamp)
    return Event(
        series=series.series,
        number=len(past) + 1,
        receipt=series.receipt,
        case=series.case,
        kind=kind,
        about=about,
        event_day=tokyo_day(at),
        recorded_at=at,
        purpose=series.purpose,
        recipient=series.recipient,
        recorder=stamp.by,
        previous=previous_of(past),
        entry_id=stamp.entry_id,
    )


def previous_of(past: Sequence[Event]) -> bytes:
    """What the next event names as the hash of the event before it."""
    return event_hash(encode(past[-1])) if past else FIRST


def agreed(start: Event, answer: Answer, terms: Terms) -> Event:
    """An event with everything that the person agreed to and refused."""
    return replace(
        start,
        event_day=answer.event_day,
        basis=answer.basis,
        age=answer.age,
        notice_version=terms.notice.version,
        notice_digest=terms.notice.digest,
        language=answer.language,
        told=whole(answer.told),
        allowed=answer.allowed,
        refused=answer.refused,
        acknowledged=answer.acknowledged,
        directions=answer.directions,
        recipient_key=terms.recipient_key,
        valid_from=answer.starts,
        until=answer.until,
        retention_months=answer.retention_months,
        given_by=answer.given_by,
        method=answer.method,
        identity=answer.identity,
        sealed_names=answer.sealed_names,
        copy=answer.copy,
        witness=answer.witness,
    )


def narrowed(built: Event, live: Event) -> Event:
    """The same with what was told, acknowledged and begun taken from the consent that is narrowed."""
    return replace(
        built,
        notice_version=live.notice_version,
        notice_digest=live.notice_digest,
        language=live.language,
        told=live.told,
        acknowledged=live.acknowledged & built.allowed,
        recipient_key=live.recipient_key,
        valid_from=live.valid_from,
        retention_months=min(live.retention_months, built.retention_months),
        witness=None,
    )


def whole(told: Sequence[Told]) -> tuple[Told, ...]:
    """The told items with their times in whole seconds."""
    return tuple(replace(item, at=item.at.replace(microsecond=0)) for item in told)
