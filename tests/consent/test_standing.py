"""What holds, by events and an instant."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.fields import Slot
from cases.ids import UserId
from consent.record import Direction, Event, EventKind, Method
from consent.standing import State, end_of_day, is_narrower, standing
from tests.consent.makers import (
    ADDRESS,
    ANSWER,
    BOTH_WAYS,
    LAST_INSTANT,
    NAME,
    ONE_WAY,
    RECORDER,
    START,
    STRANGER,
    UNTIL,
    WITNESS,
    event,
)

HOUR = timedelta(hours=1)
MS = timedelta(milliseconds=1)
SPOKEN = {"method": Method.ORAL_WITNESSED, "witness": WITNESS}


def spoken(number: int = 1, at: datetime = START, **parts: object) -> Event:
    return replace(event(EventKind.GIVEN, number, at), **{**SPOKEN, **parts})  # type: ignore[arg-type]  # as in makers


def confirmation(of: Event, number: int, after: timedelta, **parts: object) -> Event:
    made = replace(
        of,
        number=number,
        kind=EventKind.CONFIRMED,
        about=of.number,
        recorder=WITNESS,
        recorded_at=of.recorded_at + after,
    )
    return replace(made, **parts)  # type: ignore[arg-type]  # as in makers.event


def test_nothing_recorded_is_nothing_held() -> None:
    """No consent, no data."""
    now = standing((), START)
    assert (now.state, now.fields, now.directions, now.event) == (State.NONE, frozenset(), frozenset(), None)
    assert not now.ever_live


def test_given_is_live_with_what_was_allowed() -> None:
    """A consent covers the fields and directions that it names, and no other."""
    made = event(EventKind.GIVEN)
    now = standing((made,), START)
    assert now.state is State.LIVE
    assert (now.fields, now.refused) == (ANSWER.allowed, ANSWER.refused)
    assert now.asked == ANSWER.allowed | ANSWER.refused
    assert (now.directions, now.event, now.ever_live) == (BOTH_WAYS, made, True)


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (LAST_INSTANT, State.LIVE),
        (LAST_INSTANT + MS, State.EXPIRED),
        (datetime(2027, 3, 31, 14, 59, 59, 999_000, tzinfo=UTC), State.LIVE),
        (datetime(2027, 3, 31, 15, 0, tzinfo=UTC), State.EXPIRED),
        (datetime(2030, 1, 1, tzinfo=UTC), State.EXPIRED),
    ],
)
def test_a_consent_holds_through_its_last_day_in_tokyo(at: datetime, state: State) -> None:
    """Valid through 23:59:59.999 of the last day in Asia/Tokyo, wherever the server stands."""
    now = standing((event(EventKind.GIVEN),), at)
    assert now.state is state
    assert bool(now.fields) is (state is State.LIVE)
    assert now.until == (end_of_day(UNTIL) if state is State.LIVE else None)


def test_status_is_not_validity() -> None:
    """A consent whose last day is over is expired, though nobody recorded it."""
    now = standing((event(EventKind.GIVEN), event(EventKind.RENEWED, 2)), LAST_INSTANT + MS)
    assert (now.state, now.fields, now.ever_live) == (State.EXPIRED, frozenset(), True)
    assert now.once == ANSWER.allowed


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (EventKind.WITHDRAWN, State.WITHDRAWN),
        (EventKind.REFUSED, State.REFUSED),
        (EventKind.ENDED, State.ENDED),
        (EventKind.EXPIRED, State.EXPIRED),
    ],
)
def test_each_end_takes_everything_at_once(kind: EventKind, state: State) -> None:
    """Withdrawal, refusal and the ends hold from the very instant on."""
    now = standing((event(EventKind.GIVEN), event(kind, 2)), START)
    assert (now.state, now.fields, now.directions, now.until) == (state, frozenset(), frozenset(), None)
    assert now.ever_live
    assert now.once == ANSWER.allowed


def test_the_recorded_order_holds_not_the_day_on_the_paper() -> None:
    """An older paper that is recorded later counts later."""
    gone = event(EventKind.WITHDRAWN, 1, event_day=date(2026, 10, 17))
    back = event(EventKind.GIVEN, 2, START + HOUR, event_day=date(2026, 10, 1))
    assert standing((gone, back), START + HOUR).state is State.LIVE
    assert standing((replace(back, number=1), replace(gone, number=2)), START + HOUR).state is State.WITHDRAWN


def test_events_of_one_second_hold_in_their_order() -> None:
    """Two events of the same instant count in the order in which they were recorded."""
    made, gone = event(EventKind.GIVEN), event(EventKind.WITHDRAWN)
    assert standing((made, gone), START).state is State.WITHDRAWN
    assert standing((gone, made), START).state is State.LIVE


def test_a_spoken_consent_waits_for_its_witness() -> None:
    """Spoken and not confirmed releases nothing."""
    now = standing((spoken(),), START + HOUR)
    assert (now.state, now.fields, now.ever_live) == (State.AWAITING_WITNESS, frozenset(), False)
    assert (now.waiting, now.event) == (spoken(), spoken())
    assert now.asked == ANSWER.allowed | ANSWER.refused


def test_an_earlier_consent_goes_on_while_a_wider_one_waits() -> None:
    """A spoken widening changes nothing until its witness confirms it."""
    earlier = event(EventKind.GIVEN)
    wider = spoken(2, kind=EventKind.CHANGED, allowed=ANSWER.allowed | {ADDRESS}, refused=frozenset())
    now = standing((earlier, wider), START)
    assert (now.state, now.event, now.waiting) == (State.LIVE, earlier, wider)
    assert (now.fields, now.refused) == (ANSWER.allowed, ANSWER.refused)
    after = standing((earlier, wider, confirmation(wider, 3, HOUR)), START + HOUR)
    assert ADDRESS in after.fields


def test_a_confirmation_makes_live_and_justifies() -> None:
    """The witness's confirmation is the event that a grant names."""
    said = spoken()
    sure = confirmation(said, 2, 23 * HOUR)
    now = standing((said, sure), START + 23 * HOUR)
    assert (now.state, now.event, now.fields) == (State.LIVE, sure, ANSWER.allowed)


@pytest.mark.parametrize(
    "parts",
    [
        {"recorder": RECORDER},
        {"recorder": STRANGER},
        {"recorder": None},
        {"about": 7},
        {"allowed": ANSWER.allowed | {ADDRESS}, "refused": frozenset()},
        {"until": date(2027, 4, 1)},
        {"directions": ONE_WAY},
    ],
)
def test_what_is_no_true_confirmation_counts_for_nothing(parts: dict[str, object]) -> None:
    """Only the named witness confirms, and only the very answer that waits."""
    said = spoken()
    now = standing((said, confirmation(said, 2, HOUR, **parts)), START + HOUR)
    assert (now.state, now.fields) == (State.AWAITING_WITNESS, frozenset())


@pytest.mark.parametrize("witness", [None, RECORDER])
def test_an_answer_without_a_true_witness_is_never_confirmed(witness: UserId | None) -> None:
    """Even where no witness, or the recorder, was written down as one."""
    said = spoken(witness=witness)
    sure = confirmation(said, 2, HOUR, recorder=witness)
    assert standing((said, sure), START + HOUR).state is State.AWAITING_WITNESS


def test_a_spoken_answer_can_be_taken_out_while_it_waits() -> None:
    """Taken out by the sweep or by hand, it cannot be confirmed any more."""
    said = spoken()
    events = (said, event(EventKind.INVALIDATED, 2, START + HOUR, about=1))
    now = standing(events, START + HOUR)
    assert (now.state, now.lapsed, now.unswept) == (State.NONE, (1,), ())
    assert standing((*events, confirmation(said, 3, 2 * HOUR)), START + 2 * HOUR).fields == frozenset()


def test_a_spoken_answer_without_a_last_day_waits_and_lapses() -> None:
    """What does not fit is no reason to fail."""
    said = spoken(until=None)
    assert standing((said,), START + HOUR).state is State.AWAITING_WITNESS
    assert standing((said, confirmation(said, 2, HOUR)), START + HOUR).fields == frozenset()


@pytest.mark.parametrize(
    ("after", "state"),
    [(24 * HOUR - MS, State.AWAITING_WITNESS), (24 * HOUR, State.NONE), (25 * HOUR, State.NONE)],
)
def test_unconfirmed_after_a_day_counts_as_never_recorded(after: timedelta, state: State) -> None:
    """After 24 hours a spoken answer is as if nobody had recorded it, and is shown so."""
    now = standing((spoken(),), START + after)
    assert (now.state, now.ever_live) == (state, False)
    assert now.lapsed == ((1,) if state is State.NONE else ())
    assert now.unswept == now.lapsed


def test_a_confirmation_after_a_day_counts_for_nothing() -> None:
    """Too late is too late, whatever was written."""
    said = spoken()
    now = standing((said, confirmation(said, 2, 24 * HOUR)), START + 30 * HOUR)
    assert (now.state, now.fields) == (State.NONE, frozenset())


def test_the_last_day_also_ends_the_wait() -> None:
    """A spoken answer cannot be confirmed after its own last day."""
    said = spoken(until=START.date())
    midnight = end_of_day(START.date())
    assert standing((said,), midnight - MS).state is State.AWAITING_WITNESS
    assert standing((said,), midnight).state is State.NONE


def test_the_sweep_of_a_lapsed_answer_leaves_the_earlier_consent() -> None:
    """Saying that a spoken widening lapsed takes nothing from the consent before it."""
    wider = spoken(2, kind=EventKind.CHANGED, allowed=ANSWER.allowed | {ADDRESS}, refused=frozenset())
    swept = event(EventKind.INVALIDATED, 3, START + 25 * HOUR, about=2)
    now = standing((event(EventKind.GIVEN), wider, swept), START + 25 * HOUR)
    assert (now.state, now.fields, now.lapsed, now.unswept) == (State.LIVE, ANSWER.allowed, (2,), ())


def test_invalidating_the_consent_in_force_ends_it() -> None:
    """A consent found to be void holds nothing from then on."""
    said = spoken()
    events = (said, confirmation(said, 2, HOUR), event(EventKind.INVALIDATED, 3, START + 2 * HOUR, about=1))
    assert standing(events, START + 2 * HOUR).state is State.ENDED


def test_invalidating_something_else_takes_nothing() -> None:
    """An invalidation is about one event, and leaves every other."""
    said, made = spoken(), event(EventKind.GIVEN)
    other = event(EventKind.INVALIDATED, 2, START + HOUR, about=7)
    assert standing((said, other), START + HOUR).waiting == said
    assert standing((made, other), START + HOUR).state is State.LIVE


def test_an_expiry_of_nothing_is_nothing() -> None:
    """What was never live does not expire."""
    assert standing((event(EventKind.EXPIRED),), START).state is State.NONE
    events = (event(EventKind.WITHDRAWN), event(EventKind.EXPIRED, 2))
    assert standing(events, START).state is State.WITHDRAWN


def test_a_spoken_renewal_waits_even_where_it_asks_for_no_more() -> None:
    """A renewal is an answer of its own, and not a narrowing."""
    again = spoken(2, kind=EventKind.RENEWED)
    assert standing((event(EventKind.GIVEN), again), START).waiting == again


def test_spoken_narrowing_needs_no_witness() -> None:
    """Less holds at once, however it was said."""
    less = frozenset((NAME,))
    narrow = spoken(2, kind=EventKind.CHANGED, allowed=less, witness=None)
    now = standing((event(EventKind.GIVEN), narrow), START)
    assert (now.state, now.fields, now.event) == (State.LIVE, less, narrow)


@pytest.mark.parametrize(
    "parts",
    [
        {"allowed": ANSWER.allowed | {ADDRESS}},
        {"until": date(2027, 4, 1)},
    ],
)
def test_any_more_is_no_narrowing(parts: dict[str, object]) -> None:
    """One field or one day more is not narrower, and waits for a witness when spoken."""
    old = standing((event(EventKind.GIVEN),), START)
    more = spoken(2, kind=EventKind.CHANGED, **parts)
    assert not is_narrower(old, more)
    assert standing((event(EventKind.GIVEN), more), START).fields == ANSWER.allowed


def test_a_direction_more_is_no_narrowing() -> None:
    """The way back is asked for anew."""
    old = standing((event(EventKind.GIVEN, directions=ONE_WAY),), START)
    assert not is_narrower(old, event(EventKind.CHANGED, 2))
    assert is_narrower(old, event(EventKind.CHANGED, 2, directions=ONE_WAY))


def test_a_withdrawal_also_ends_what_waits() -> None:
    """After a withdrawal a confirmation revives nothing."""
    said = spoken()
    events = (said, event(EventKind.WITHDRAWN, 2, START + HOUR), confirmation(said, 3, 2 * HOUR))
    now = standing(events, START + 2 * HOUR)
    assert (now.state, now.fields) == (State.WITHDRAWN, frozenset())


def test_asking_again_is_shown_and_gives_nothing() -> None:
    """Asking after a refusal keeps the refusal in sight; asking during a consent changes nothing."""
    refused = event(EventKind.REFUSED, refused=ANSWER.allowed)
    now = standing((refused, event(EventKind.REQUESTED, 2)), START)
    assert (now.state, now.asked_again, now.refused) == (State.REFUSED, True, ANSWER.allowed)
    asked = standing((event(EventKind.REQUESTED),), START)
    assert (asked.state, asked.event) == (State.REQUESTED, event(EventKind.REQUESTED))
    assert standing((event(EventKind.GIVEN), event(EventKind.REQUESTED, 2)), START).state is State.LIVE
    late = event(EventKind.REQUESTED, 2, LAST_INSTANT + HOUR)
    assert standing((event(EventKind.GIVEN), late), LAST_INSTANT + HOUR).asked_again


def test_the_last_answer_stays_in_sight_after_the_end() -> None:
    """What was refused then, and what was agreed to, is known after the withdrawal too."""
    now = standing((event(EventKind.GIVEN), event(EventKind.WITHDRAWN, 2)), START)
    assert (now.refused, now.asked) == (ANSWER.refused, ANSWER.allowed | ANSWER.refused)
    refused = event(EventKind.REFUSED, 2, refused=ANSWER.allowed)
    assert standing((event(EventKind.GIVEN), refused), START).refused == ANSWER.allowed


def test_a_new_answer_ends_the_asking() -> None:
    """Asked again is over with the next yes or no."""
    asked = (event(EventKind.REFUSED), event(EventKind.REQUESTED, 2))
    assert standing(asked, START).asked_again
    for kind in (EventKind.GIVEN, EventKind.REFUSED):
        assert not standing((*asked, event(kind, 3)), START).asked_again


def test_an_event_without_a_last_day_is_never_live() -> None:
    """What does not fit counts for nothing."""
    live = standing((event(EventKind.GIVEN),), START)
    assert not is_narrower(live, event(EventKind.CHANGED, 2, until=None))
    assert standing((event(EventKind.GIVEN, until=None),), START).fields == frozenset()


slots = st.frozensets(st.integers(1, 6).map(Slot))
kinds = st.sampled_from(EventKind)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Event, ...]:
    """Series of any events in any order, with times that never go back."""
    made: list[Event] = []
    at = START
    for number in range(1, draw(st.integers(0, 7)) + 1):
        at += timedelta(hours=draw(st.sampled_from((0, 1, 23, 24, 30, 24 * 60))))
        kind = draw(kinds)
        allowed = draw(slots)
        about = draw(st.integers(0, max(0, number - 1)))
        if kind is EventKind.CONFIRMED and made and draw(st.booleans()):
            made.append(confirmation(made[-1], number, timedelta(0), recorded_at=at))
            continue
        days = draw(st.integers(0, 90))
        made.append(
            event(
                kind,
                number,
                at,
                about=about,
                allowed=allowed,
                refused=frozenset(map(Slot, range(1, 7))) - allowed,
                directions=draw(st.sampled_from((BOTH_WAYS, ONE_WAY))),
                until=START.date() + timedelta(days=days),
                method=draw(st.sampled_from(Method)),
                witness=draw(st.sampled_from((None, WITNESS, STRANGER))),
                recorder=draw(st.sampled_from((RECORDER, WITNESS))),
            )
        )
    return tuple(made)


moments = st.integers(0, 24 * 100).map(lambda hours: START + timedelta(hours=hours))


def at_the_end(events: Sequence[Event], now: datetime) -> datetime:
    return max([now, *(each.recorded_at for each in events)])


@settings(max_examples=200)
@given(histories(), moments, st.sampled_from((EventKind.REFUSED, EventKind.WITHDRAWN, EventKind.ENDED)))
def test_whatever_came_before_an_end_ends_it(
    events: tuple[Event, ...], now: datetime, kind: EventKind
) -> None:
    """Withdrawal always works and works at once."""
    at = at_the_end(events, now)
    after = standing((*events, event(kind, len(events) + 1, at)), at)
    assert not after.fields
    assert not after.directions
    assert after.waiting is None
    later = at + timedelta(days=1)
    assert not standing((*events, event(kind, len(events) + 1, at)), later).fields


@settings(max_examples=200)
@given(histories(), moments, slots)
def test_taking_away_never_widens(events: tuple[Event, ...], now: datetime, fewer: frozenset[Slot]) -> None:
    """A narrower change of anything live covers no more than before, in any words or by any method."""
    at = at_the_end(events, now)
    before = standing(events, at)
    for method in Method:
        less = event(
            EventKind.CHANGED,
            len(events) + 1,
            at,
            allowed=before.fields & fewer,
            directions=before.directions & ONE_WAY,
            until=at.date(),
            method=method,
        )
        after = standing((*events, less), at)
        assert after.fields <= (before.fields if is_narrower(before, less) else less.allowed)
        if before.state is State.LIVE and is_narrower(before, less):
            assert (after.fields, after.directions) == (less.allowed, less.directions)


@settings(max_examples=200)
@given(histories(), moments, moments)
def test_time_alone_never_widens(events: tuple[Event, ...], one: datetime, other: datetime) -> None:
    """Waiting gives nobody anything."""
    first = at_the_end(events, min(one, other))
    second = max(first, one, other)
    assert standing(events, second).fields <= standing(events, first).fields


@settings(max_examples=200)
@given(histories(), moments)
def test_only_a_live_state_covers_anything(events: tuple[Event, ...], now: datetime) -> None:
    """Fields, directions and an end are there exactly while a consent is live, by an event of this series."""
    found = standing(events, now)
    assert (found.state is State.LIVE) is (found.until is not None)
    if found.state is not State.LIVE:
        assert not found.fields
        assert not found.directions
        return
    assert found.event in events
    assert found.event is not None
    assert found.event.until is not None
    assert found.fields == found.event.allowed
    assert now < end_of_day(found.event.until)
    assert found.event.method is not Method.ORAL_WITNESSED or found.event.kind in (
        EventKind.CONFIRMED,
        EventKind.CHANGED,
    )


@settings(max_examples=200)
@given(histories(), moments)
def test_the_same_events_say_the_same(events: tuple[Event, ...], now: datetime) -> None:
    """Standing is a function of the events and the instant, whatever zone the instant is written in."""
    assert standing(events, now) == standing(list(events), now.astimezone(UTC))
    assert Direction.RECIPIENT_TO_OWNER not in standing(events, now).directions or events
