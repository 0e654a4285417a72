"""The next event of a series: each kind built in one place, after its rules and the state were checked.

1. An event is built from the events so far, who records it and when. Nothing else is remembered.
2. Time never goes back in a series: an event is recorded no earlier than the one before it.
3. Agreeing needs every rule (rules.py). Narrowing, refusing and withdrawing need less and hold at once.
4. Withdrawing needs no reason, no key and no rule but that there is something to withdraw.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from consent.build import (
    Refusal,
    Series,
    Stamp,
    Terms,
    Withdrawal,
    agreed,
    bare,
    narrowed,
    previous_of,
    series_of,
    time_of,
    whole,
)
from consent.codes import Basis, EventKind, GivenBy
from consent.errors import AnswerError, AnswerFault, StateError, StateFault
from consent.event import Event, tokyo_day
from consent.rules import (
    Answer,
    Limits,
    Named,
    Offer,
    check_answer,
    check_directions,
    check_fields,
    check_told,
)
from consent.standing import Standing, State, is_narrower, standing

__all__ = [
    "Answer",
    "Limits",
    "Named",
    "Offer",
    "Refusal",
    "Series",
    "Stamp",
    "Terms",
    "Withdrawal",
    "change",
    "check_answer",
    "confirm",
    "due",
    "end",
    "expire",
    "give",
    "invalidate",
    "refuse",
    "renew",
    "request",
    "withdraw",
]


def request(series: Series, past: Sequence[Event], stamp: Stamp) -> Event:
    """The person is being asked. Raises StateError ``already_live``."""
    if _standing(past, stamp).state is State.LIVE:
        raise StateError(StateFault.ALREADY_LIVE)
    return bare(series, past, stamp, EventKind.REQUESTED)


def give(series: Series, past: Sequence[Event], stamp: Stamp, answer: Answer, terms: Terms) -> Event:
    """The person agreed. Raises AnswerError, and StateError ``already_live`` (then it is a change)."""
    if _standing(past, stamp).state is State.LIVE:
        raise StateError(StateFault.ALREADY_LIVE)
    return _agree(bare(series, past, stamp, EventKind.GIVEN), answer, terms)


def change(series: Series, past: Sequence[Event], stamp: Stamp, answer: Answer, terms: Terms) -> Event:
    """The person changed what was agreed; the whole set again. Narrower needs no new telling and no witness.

    Raises AnswerError, and StateError ``not_live``.
    """
    now = _live(past, stamp)
    start = bare(series, past, stamp, EventKind.CHANGED)
    built = agreed(start, answer, terms)
    if now.event is None or not is_narrower(now, built):
        return _agree(start, answer, terms)
    check_fields(answer, now.asked)
    check_directions(answer, terms.offer)
    _check_day(answer.event_day, start.recorded_at)
    if answer.until < tokyo_day(start.recorded_at):
        raise AnswerError(AnswerFault.UNTIL_PAST, "until")
    return narrowed(built, now.event)


def renew(series: Series, past: Sequence[Event], stamp: Stamp, answer: Answer, terms: Terms) -> Event:
    """The person agreed anew before the end. Raises AnswerError, and StateError ``not_live``."""
    _live(past, stamp)
    return _agree(bare(series, past, stamp, EventKind.RENEWED), answer, terms)


def confirm(past: Sequence[Event], stamp: Stamp) -> Event:
    """The witness confirms the spoken answer that waits, within 24 hours.

    Raises:
        StateError: ``nothing_to_confirm``, ``too_late``, ``by_recorder``, ``not_the_witness``.
    """
    now = _standing(past, stamp)
    waiting = now.waiting
    if waiting is None:
        late = bool(past) and (past[-1].number in now.lapsed or past[-1].about in now.lapsed)
        raise StateError(StateFault.TOO_LATE if late else StateFault.NOTHING_TO_CONFIRM)
    if stamp.by == waiting.recorder:
        raise StateError(StateFault.BY_RECORDER)
    if stamp.by is None or stamp.by != waiting.witness:
        raise StateError(StateFault.NOT_THE_WITNESS)
    return replace(
        waiting,
        number=len(past) + 1,
        kind=EventKind.CONFIRMED,
        about=waiting.number,
        recorded_at=time_of(past, stamp),
        recorder=stamp.by,
        previous=previous_of(past),
        entry_id=stamp.entry_id,
    )


def refuse(series: Series, past: Sequence[Event], stamp: Stamp, refusal: Refusal, terms: Terms) -> Event:
    """The person did not agree: every offered field is refused, and what was live ends. From any state.

    Raises AnswerError for statements that the notice does not have, or a day in the future.
    """
    at = time_of(past, stamp)
    check_told(refusal.told, refusal.notice_version, refusal.language, terms.offer, terms.notice, at)
    _check_day(refusal.event_day, at)
    represented = GivenBy.LEGAL_REPRESENTATIVE in refusal.given_by
    return replace(
        bare(series, past, stamp, EventKind.REFUSED),
        event_day=refusal.event_day,
        basis=Basis.LEGAL_REPRESENTATIVE if represented else Basis.PERSON,
        age=refusal.age,
        notice_version=terms.notice.version,
        notice_digest=terms.notice.digest,
        language=refusal.language,
        told=whole(refusal.told),
        refused=terms.offer.slots,
        given_by=refusal.given_by,
        method=refusal.method,
        identity=refusal.identity,
    )


def withdraw(past: Sequence[Event], stamp: Stamp, how: Withdrawal) -> Event:
    """The person withdraws: from live, waiting, or over by time alone.

    Raises:
        StateError: ``nothing_to_withdraw``.
        AnswerError: a day in the future.
    """
    now = _standing(past, stamp)
    if now.state not in (State.LIVE, State.AWAITING_WITNESS, State.EXPIRED) and not now.unswept:
        raise StateError(StateFault.NOTHING_TO_WITHDRAW)
    plain = bare(series_of(past), past, stamp, EventKind.WITHDRAWN)
    day = plain.event_day if how.event_day is None else how.event_day
    _check_day(day, plain.recorded_at)
    return replace(plain, event_day=day, given_by=how.given_by, method=how.method)


def expire(past: Sequence[Event], stamp: Stamp) -> Event:
    """Says that the last day is over. Raises StateError ``not_expired``."""
    now = _standing(past, stamp)
    if now.event is None or EventKind.EXPIRED not in due(now):
        raise StateError(StateFault.NOT_EXPIRED)
    return bare(series_of(past), past, stamp, EventKind.EXPIRED, now.event.number)


def end(past: Sequence[Event], stamp: Stamp) -> Event:
    """The case was closed, or a condition no longer holds. Raises StateError ``nothing_to_end``."""
    if _standing(past, stamp).state not in (State.LIVE, State.AWAITING_WITNESS, State.REQUESTED):
        raise StateError(StateFault.NOTHING_TO_END)
    return bare(series_of(past), past, stamp, EventKind.ENDED)


def invalidate(past: Sequence[Event], stamp: Stamp, about: int) -> Event:
    """Takes out one answer: a spoken one that nobody confirmed, or the one in force where it was void.

    ``about`` is its number. Raises StateError ``nothing_to_invalidate``.
    """
    now = _standing(past, stamp)
    known = set(now.unswept)
    if now.waiting is not None:
        known.add(now.waiting.number)
    if now.state is State.LIVE and now.event is not None:
        known.update((now.event.number, now.event.about))
    if about not in known - {0}:
        raise StateError(StateFault.NOTHING_TO_INVALIDATE)
    return bare(series_of(past), past, stamp, EventKind.INVALIDATED, about)


def due(now: Standing) -> tuple[EventKind, ...]:
    """What the clock's sweep has to record for a standing: EXPIRED, INVALIDATED (of each in ``unswept``)."""
    expired = now.state is State.EXPIRED and now.event is not None and now.event.kind is not EventKind.EXPIRED
    found = ((expired, EventKind.EXPIRED), (bool(now.unswept), EventKind.INVALIDATED))
    return tuple(kind for holds, kind in found if holds)


def _standing(past: Sequence[Event], stamp: Stamp) -> Standing:
    return standing(past, max(stamp.at, time_of(past, stamp)))


def _live(past: Sequence[Event], stamp: Stamp) -> Standing:
    now = _standing(past, stamp)
    if now.state is not State.LIVE:
        raise StateError(StateFault.NOT_LIVE)
    return now


def _check_day(day: date, at: datetime) -> None:
    if day > tokyo_day(at):
        raise AnswerError(AnswerFault.DAY_IN_FUTURE, "event_day")


def _agree(start: Event, answer: Answer, terms: Terms) -> Event:
    if start.recorder is None:
        raise ValueError("a person's answer has a recorder")
    check_answer(
        answer,
        terms.offer,
        terms.notice,
        conditions_both=terms.conditions_both,
        recorded_at=start.recorded_at,
        recorder=start.recorder,
        limits=terms.limits,
    )
    return agreed(start, answer, terms)
