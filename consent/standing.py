"""What holds: the one function that turns a series of events and an instant into a standing.

1. Status is not validity: a consent whose last day is over is expired, whatever was or was not recorded.
2. What holds follows the recorded order. The day on the paper is information.
3. A spoken answer releases nothing until its witness confirms it, and an earlier live consent goes on. Not
   confirmed within 24 hours, or by the end of its last day, it counts as never recorded.
4. Refusing, narrowing and withdrawing need no witness and hold at once.
5. A consent holds through 23:59:59.999 of its last day in Asia/Tokyo: until the midnight after it, exclusive.
6. What does not fit counts for nothing: a confirmation of another event, by the recorder, with other parts.

Nothing of the result is stored anywhere. The hashes of the series are ``record.check_chain``'s to check.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum

from cases.fields import Slot
from consent.event import TOKYO, Event
from consent.record import Direction, EventKind, Method

WITNESS_WITHIN = timedelta(hours=24)
"""How long a spoken answer waits for its witness."""

_DAY = timedelta(days=1)


class State(Enum):
    """Where a series stands."""

    NONE = "none"
    REQUESTED = "requested"
    AWAITING_WITNESS = "awaiting_witness"
    LIVE = "live"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds at one instant for one case, recipient and purpose.

    ``fields``, ``directions`` and ``until`` (the first instant that is too late) are empty unless LIVE.
    ``event`` makes the state what it is; where LIVE it is the event that justifies, which a grant names.
    ``refused`` and ``asked`` (allowed or refused) are those of the person's last answer, also after the end,
    and where AWAITING_WITNESS those of the answer that waits. ``once``: what the last live consent allowed.
    ``waiting`` is the spoken answer that still waits for its witness. ``lapsed`` are the numbers of the
    spoken answers that count as never recorded; ``unswept`` those of them of which no event says so yet.
    ``asked_again``: the person was asked again after the last answer or end.
    """

    state: State
    fields: frozenset[Slot] = frozenset()
    directions: frozenset[Direction] = frozenset()
    until: datetime | None = None
    event: Event | None = None
    refused: frozenset[Slot] = frozenset()
    asked: frozenset[Slot] = frozenset()
    once: frozenset[Slot] = frozenset()
    waiting: Event | None = None
    lapsed: tuple[int, ...] = ()
    unswept: tuple[int, ...] = ()
    asked_again: bool = False
    ever_live: bool = False


def standing(events: Sequence[Event], now: datetime) -> Standing:
    """What the events of one series, in recorded order, allow at ``now`` (aware)."""
    so_far = _SoFar()
    for event in events:
        so_far = _after(_lapse(so_far, event.recorded_at), event)
    return _told(_lapse(so_far, now), now)


def known_to_recipient(events: Sequence[Event], now: datetime) -> Standing:
    """What a recipient may know of ``standing``: an answer that never became live changes nothing for it.

    After its last live consent ended it learns how that ended and nothing later: whether the person was asked again,
    refused or waits for a witness is personal. A refusal that ended a live consent is a withdrawal to it.
    """
    whole = standing(events, now)
    if whole.state is State.LIVE or not whole.ever_live:
        return whole
    last = max(n for n in range(1, len(events) + 1) if _live_after(events[:n]))
    justifying = standing(events[:last], events[last - 1].recorded_at).event
    lived = events[: last if justifying is None else justifying.number]
    if last == len(events):
        return standing(lived, now)
    if standing(lived, events[last].recorded_at).state is not State.LIVE:
        return standing(lived, max(now, events[last].recorded_at))
    ended = standing(events[: last + 1], now)
    if ended.state is not State.REFUSED:
        return ended
    before = standing(lived, lived[-1].recorded_at)
    return replace(ended, state=State.WITHDRAWN, refused=before.refused, asked=before.asked)


def _live_after(events: Sequence[Event]) -> bool:
    return standing(events, events[-1].recorded_at).state is State.LIVE


def end_of_day(day: date) -> datetime:
    """The first instant after a day in Asia/Tokyo: what ends on that day holds before it, not at it."""
    return datetime(day.year, day.month, day.day, tzinfo=TOKYO) + _DAY


def witness_by(event: Event) -> datetime:
    """The first instant at which a spoken answer can no longer be confirmed."""
    late = event.recorded_at + WITNESS_WITHIN
    return late if event.until is None else min(late, end_of_day(event.until))


def is_narrower(old: Standing, event: Event) -> bool:
    """Whether an event asks for no more than what is live: fields, directions and last day, all within."""
    if old.until is None or event.until is None:  # only what is live has an end
        return False
    within = event.allowed <= old.fields and event.directions <= old.directions
    return within and end_of_day(event.until) <= old.until


@dataclass(frozen=True, slots=True, kw_only=True)
class _SoFar:
    """What the events up to here come to. ``current`` is the event in force, unless its last day is over."""

    state: State = State.NONE
    current: Event | None = None
    last: Event | None = None  # the event that made the state
    answer: Event | None = None  # the last answer that counts
    once: frozenset[Slot] = frozenset()
    waiting: Event | None = None
    lapsed: tuple[int, ...] = ()
    unswept: tuple[int, ...] = ()
    asked_again: bool = False
    ever_live: bool = False


_ENDS = {
    EventKind.REFUSED: State.REFUSED,
    EventKind.WITHDRAWN: State.WITHDRAWN,
    EventKind.ENDED: State.ENDED,
}


def _after(so_far: _SoFar, event: Event) -> _SoFar:
    """The state after one more event."""
    match event.kind:
        case EventKind.REQUESTED:
            return _requested(so_far, event)
        case EventKind.GIVEN | EventKind.CHANGED | EventKind.RENEWED:
            return replace(so_far, waiting=event) if _must_wait(so_far, event) else _take(so_far, event)
        case EventKind.CONFIRMED:
            return _take(so_far, event) if _confirms(so_far.waiting, event) else so_far
        case EventKind.REFUSED | EventKind.WITHDRAWN | EventKind.ENDED:
            return _end(replace(so_far, waiting=None), event, _ENDS[event.kind])
        case EventKind.EXPIRED:
            return _end(so_far, event, State.EXPIRED) if so_far.current is not None else so_far
        case EventKind.INVALIDATED:
            return _invalidate(so_far, event)


def _requested(so_far: _SoFar, event: Event) -> _SoFar:
    """Asking takes nothing away and gives nothing: after an answer or an end it is only noted."""
    if so_far.state is State.NONE:
        return replace(so_far, state=State.REQUESTED, last=event)
    return replace(so_far, asked_again=not _is_live(so_far, event.recorded_at))


def _must_wait(so_far: _SoFar, event: Event) -> bool:
    return event.method is Method.ORAL_WITNESSED and not (
        event.kind is EventKind.CHANGED and is_narrower(_told(so_far, event.recorded_at), event)
    )


def _confirms(waiting: Event | None, event: Event) -> bool:
    """Whether an event is the confirmation of what waits: about it, by its witness, with the same parts."""
    if waiting is None or event.about != waiting.number or event.recorder in (None, waiting.recorder):
        return False
    return event.recorder == waiting.witness and same_answer(waiting, event)


def same_answer(one: Event, other: Event) -> bool:
    """Whether two events carry the same answer: fields, directions, validity, and to whom it is given."""
    return (one.allowed, one.refused, one.directions, one.valid_from, one.until, one.recipient, one.case) == (
        other.allowed,
        other.refused,
        other.directions,
        other.valid_from,
        other.until,
        other.recipient,
        other.case,
    )


def _take(so_far: _SoFar, event: Event) -> _SoFar:
    return replace(
        so_far,
        state=State.LIVE,
        current=event,
        last=event,
        answer=event,
        once=event.allowed,
        ever_live=True,
        waiting=None,
        asked_again=False,
    )


def _end(so_far: _SoFar, event: Event, state: State) -> _SoFar:
    answer = event if event.kind is EventKind.REFUSED else so_far.answer
    return replace(so_far, state=state, current=None, last=event, answer=answer, asked_again=False)


def _invalidate(so_far: _SoFar, event: Event) -> _SoFar:
    """Takes out the one event that it is about; another consent of the series goes on."""
    if event.about in so_far.unswept:
        return replace(so_far, unswept=tuple(n for n in so_far.unswept if n != event.about))
    if so_far.waiting is not None and so_far.waiting.number == event.about:
        return replace(so_far, waiting=None, lapsed=(*so_far.lapsed, event.about))
    if so_far.current is not None and event.about in (so_far.current.number, so_far.current.about):
        return _end(so_far, event, State.ENDED)
    return so_far


def _lapse(so_far: _SoFar, at: datetime) -> _SoFar:
    """Drops what waited too long for its witness: it counts as never recorded."""
    waiting = so_far.waiting
    if waiting is None or at < witness_by(waiting):
        return so_far
    number = waiting.number
    return replace(so_far, waiting=None, lapsed=(*so_far.lapsed, number), unswept=(*so_far.unswept, number))


def _told(so_far: _SoFar, now: datetime) -> Standing:
    """The standing of what the events come to, at ``now``."""
    current = so_far.current if _is_live(so_far, now) else None
    answer = so_far.answer if current is not None or so_far.waiting is None else so_far.waiting
    state = _state(so_far, current is not None)
    return Standing(
        state=state,
        fields=frozenset() if current is None else current.allowed,
        directions=frozenset() if current is None else current.directions,
        until=None if current is None else _until(current),
        event=so_far.waiting if state is State.AWAITING_WITNESS else so_far.last,
        refused=frozenset() if answer is None else answer.refused,
        asked=frozenset() if answer is None else answer.allowed | answer.refused,
        once=so_far.once,
        waiting=so_far.waiting,
        lapsed=so_far.lapsed,
        unswept=so_far.unswept,
        asked_again=so_far.asked_again,
        ever_live=so_far.ever_live,
    )


def _state(so_far: _SoFar, live: bool) -> State:
    if live:
        return State.LIVE
    if so_far.waiting is not None:
        return State.AWAITING_WITNESS
    return so_far.state if so_far.current is None else State.EXPIRED


def _is_live(so_far: _SoFar, at: datetime) -> bool:
    until = None if so_far.current is None else _until(so_far.current)
    return until is not None and at < until


def _until(event: Event) -> datetime | None:
    """The first instant after an event's last day; None, and so never live, for what cannot make live."""
    return None if event.until is None else end_of_day(event.until)
