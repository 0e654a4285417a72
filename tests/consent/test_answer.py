"""The next event of a series, by what there is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from consent.answer import (
    Answer,
    Refusal,
    change,
    confirm,
    due,
    end,
    expire,
    give,
    invalidate,
    refuse,
    renew,
    request,
    withdraw,
)
from consent.errors import AnswerError, AnswerFault, StateError, StateFault
from consent.record import (
    AgeClass,
    Basis,
    Event,
    EventKind,
    GivenBy,
    IdentityCheck,
    Language,
    Method,
    check_chain,
    encode,
)
from consent.standing import State, standing
from tests.consent.makers import (
    ADDRESS,
    ANSWER,
    DIETARY,
    HOW,
    NAME,
    OBSERVATIONS,
    OFFERED,
    ONE_WAY,
    RECORDER,
    SERIES,
    SPOKEN,
    START,
    STRANGER,
    TERMS,
    TOLD,
    UNTIL,
    WITNESS,
    stamp,
)

HOUR = timedelta(hours=1)
OVER = timedelta(days=200)
REFUSAL = Refusal(
    notice_version=1,
    language=Language.JA,
    given_by=frozenset((GivenBy.SELF,)),
    method=Method.ORAL_WITNESSED,
    event_day=START.date(),
)
WIDER = replace(ANSWER, allowed=ANSWER.allowed | {ADDRESS}, refused=ANSWER.refused - {ADDRESS})
NARROWER = replace(
    ANSWER,
    told=(),
    allowed=frozenset((NAME, DIETARY)),
    refused=OFFERED - {NAME, DIETARY},
    acknowledged=frozenset(),
    directions=ONE_WAY,
)


def given_now() -> tuple[Event, ...]:
    return (give(SERIES, (), stamp(), ANSWER, TERMS),)


def spoken_now() -> tuple[Event, ...]:
    return (give(SERIES, (), stamp(), SPOKEN, TERMS),)


def fault(job: Callable[[], object]) -> StateFault:
    with pytest.raises(StateError) as caught:
        job()
    return caught.value.fault


def state(past: Sequence[Event], after: timedelta = HOUR) -> State:
    return standing(past, START + after).state


def test_a_whole_life_is_one_chain() -> None:
    """Every event names the one before it, from asking to withdrawal."""
    past: tuple[Event, ...] = (request(SERIES, (), stamp()),)
    past += (give(SERIES, past, stamp(HOUR), SPOKEN, TERMS),)
    past += (confirm(past, stamp(2 * HOUR, WITNESS)),)
    past += (change(SERIES, past, stamp(3 * HOUR), WIDER, TERMS),)
    past += (change(SERIES, past, stamp(4 * HOUR), NARROWER, TERMS),)
    past += (renew(SERIES, past, stamp(5 * HOUR), ANSWER, TERMS),)
    past += (withdraw(past, stamp(6 * HOUR), HOW),)
    past += (give(SERIES, past, stamp(7 * HOUR), ANSWER, TERMS),)
    past += (expire(past, stamp(OVER, None)),)
    past += (refuse(SERIES, past, stamp(OVER), replace(REFUSAL, event_day=date(2027, 5, 1)), TERMS),)
    assert check_chain([encode(event) for event in past]) == past
    assert [event.number for event in past] == list(range(1, 11))
    assert past[2].about == 2
    assert past[8].about == 8


def test_an_agreement_says_everything() -> None:
    """The event holds the wording, the telling, the sets, the validity and who took part."""
    (made,) = given_now()
    assert (made.notice_version, made.notice_digest) == (1, TERMS.notice.digest)
    assert made.told == TOLD
    assert (made.allowed, made.refused, made.acknowledged) == (ANSWER.allowed, ANSWER.refused, {DIETARY})
    assert (made.valid_from, made.until, made.recipient_key) == (START.date(), UNTIL, TERMS.recipient_key)
    assert (made.recorder, made.recorded_at, made.previous) == (RECORDER, START, bytes(32))


def test_no_event_is_built_without_the_rules() -> None:
    """Giving, widening and renewing check every rule, so that nobody can forget it."""
    bad = replace(ANSWER, told=TOLD[:4])
    no_conditions = replace(TERMS, conditions_both=False)
    for job in (
        lambda: give(SERIES, (), stamp(), bad, TERMS),
        lambda: give(SERIES, (), stamp(), ANSWER, no_conditions),
        lambda: change(SERIES, given_now(), stamp(HOUR), replace(WIDER, told=TOLD[:4]), TERMS),
        lambda: change(SERIES, given_now(), stamp(HOUR), WIDER, no_conditions),
        lambda: renew(SERIES, given_now(), stamp(HOUR), bad, TERMS),
        lambda: renew(SERIES, given_now(), stamp(HOUR), ANSWER, no_conditions),
    ):
        with pytest.raises(AnswerError):
            job()


def test_the_clock_agrees_to_nothing() -> None:
    """An agreement without a recorder is a mistake in the program."""
    with pytest.raises(ValueError, match="recorder"):
        give(SERIES, (), stamp(by=None), ANSWER, TERMS)


def test_what_is_live_is_changed_and_not_given_again() -> None:
    """A second consent does not lie beside the first."""
    assert fault(lambda: give(SERIES, given_now(), stamp(HOUR), ANSWER, TERMS)) is StateFault.ALREADY_LIVE
    assert fault(lambda: request(SERIES, given_now(), stamp(HOUR))) is StateFault.ALREADY_LIVE


@pytest.mark.parametrize("job", [change, renew])
def test_only_what_is_live_is_changed_or_renewed(job: Callable[..., Event]) -> None:
    """After the end the person is asked from the beginning."""
    gone = (*given_now(), withdraw(given_now(), stamp(HOUR), HOW))
    for past, after in (((), HOUR), (gone, 2 * HOUR), (given_now(), OVER), (spoken_now(), HOUR)):
        answer = replace(ANSWER, event_day=START.date())
        assert (
            fault(lambda p=past, a=after, w=answer: job(SERIES, p, stamp(a), w, TERMS)) is StateFault.NOT_LIVE
        )


def test_narrowing_needs_no_new_telling_and_keeps_what_was_told() -> None:
    """Less holds at once, by whatever method, also when the two conditions no longer hold."""
    past = given_now()
    for method in Method:
        answer = replace(NARROWER, method=method)
        made = change(SERIES, past, stamp(HOUR), answer, replace(TERMS, conditions_both=False))
        now = standing((*past, made), START + HOUR)
        assert (now.state, now.fields, now.directions) == (State.LIVE, NARROWER.allowed, ONE_WAY)
        assert (made.told, made.notice_digest) == (past[0].told, past[0].notice_digest)
        assert made.acknowledged == {DIETARY}


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"refused": frozenset()}, AnswerFault.NOT_ANSWERED),
        ({"allowed": frozenset(), "refused": OFFERED}, AnswerFault.NOTHING_ALLOWED),
        ({"until": date(2026, 10, 17)}, AnswerFault.UNTIL_PAST),
        ({"event_day": date(2026, 10, 19)}, AnswerFault.DAY_IN_FUTURE),
        ({"directions": frozenset()}, AnswerFault.DIRECTION_MISSING),
        (
            {"allowed": frozenset((OBSERVATIONS,)), "refused": OFFERED - {OBSERVATIONS}},
            AnswerFault.NEEDS_DIRECTION,
        ),
    ],
)
def test_a_narrowing_is_whole_too(parts: dict[str, object], why: AnswerFault) -> None:
    """A change lists the whole set again, also a narrower one."""
    answer = replace(NARROWER, **parts)  # type: ignore[arg-type]  # each row names parts of an answer
    with pytest.raises(AnswerError) as caught:
        change(SERIES, given_now(), stamp(HOUR), answer, TERMS)
    assert caught.value.fault is why


def test_a_spoken_widening_waits_and_the_earlier_goes_on() -> None:
    """A spoken change that adds a field changes nothing before its witness."""
    wider: Answer = replace(WIDER, method=Method.ORAL_WITNESSED, witness=WITNESS)
    past = given_now()
    past += (change(SERIES, past, stamp(HOUR), wider, TERMS),)
    assert standing(past, START + HOUR).fields == ANSWER.allowed
    past += (confirm(past, stamp(2 * HOUR, WITNESS)),)
    assert ADDRESS in standing(past, START + 2 * HOUR).fields


def test_the_witness_confirms_within_a_day() -> None:
    """A confirmation carries the whole answer, and makes it live."""
    past = spoken_now()
    sure = confirm(past, stamp(24 * HOUR - timedelta(seconds=1), WITNESS))
    assert (sure.allowed, sure.refused, sure.until) == (past[0].allowed, past[0].refused, past[0].until)
    assert state((*past, sure), 25 * HOUR) is State.LIVE


def test_nobody_else_and_not_later() -> None:
    """Not the recorder, not another, not the clock, not after 24 hours, not twice."""
    past = spoken_now()
    assert fault(lambda: confirm(past, stamp(HOUR, RECORDER))) is StateFault.BY_RECORDER
    assert fault(lambda: confirm(past, stamp(HOUR, STRANGER))) is StateFault.NOT_THE_WITNESS
    assert fault(lambda: confirm(past, stamp(HOUR, None))) is StateFault.NOT_THE_WITNESS
    assert fault(lambda: confirm(past, stamp(24 * HOUR, WITNESS))) is StateFault.TOO_LATE
    swept = (*past, invalidate(past, stamp(25 * HOUR, None), 1))
    assert fault(lambda: confirm(swept, stamp(26 * HOUR, WITNESS))) is StateFault.TOO_LATE
    sure = (*past, confirm(past, stamp(HOUR, WITNESS)))
    assert fault(lambda: confirm(sure, stamp(2 * HOUR, WITNESS))) is StateFault.NOTHING_TO_CONFIRM
    assert fault(lambda: confirm((), stamp(HOUR, WITNESS))) is StateFault.NOTHING_TO_CONFIRM
    assert fault(lambda: confirm(given_now(), stamp(HOUR, WITNESS))) is StateFault.NOTHING_TO_CONFIRM


def test_withdrawing_works_from_everything_that_could_hold() -> None:
    """From live, waiting, over by time alone and lapsed: afterwards nothing holds, by any clock."""
    for past, after in (
        (given_now(), HOUR),
        (given_now(), timedelta(0)),
        (given_now(), -HOUR),
        (spoken_now(), HOUR),
        (spoken_now(), 30 * HOUR),
        (given_now(), OVER),
    ):
        made = withdraw(past, stamp(after, STRANGER), HOW)
        assert state((*past, made), max(after, HOUR)) is State.WITHDRAWN
        assert made.recorded_at >= past[-1].recorded_at


def test_withdrawing_asks_for_nothing_else() -> None:
    """Who and how, in codes; the day is today unless said."""
    made = withdraw(given_now(), stamp(HOUR), HOW)
    assert (made.event_day, made.given_by, made.method) == (START.date(), HOW.given_by, HOW.method)
    assert not made.allowed
    with pytest.raises(AnswerError) as caught:
        withdraw(given_now(), stamp(HOUR), replace(HOW, event_day=date(2026, 10, 19)))
    assert caught.value.fault is AnswerFault.DAY_IN_FUTURE


def test_there_must_be_something_to_withdraw() -> None:
    """Withdrawing twice, or before anything was given, is a wrong state and does no harm."""
    gone = (*given_now(), withdraw(given_now(), stamp(HOUR), HOW))
    refused = (refuse(SERIES, (), stamp(), REFUSAL, TERMS),)
    ended = (*given_now(), end(given_now(), stamp(HOUR)))
    for past in ((), gone, refused, ended):
        assert fault(lambda p=past: withdraw(p, stamp(2 * HOUR), HOW)) is StateFault.NOTHING_TO_WITHDRAW


def test_a_refusal_is_recorded_from_any_state_and_names_every_field() -> None:
    """A no needs no witness, no condition and no telling, and ends what was live."""
    for past in ((), given_now(), spoken_now()):
        terms = replace(TERMS, conditions_both=False)
        made = refuse(SERIES, past, stamp(HOUR), REFUSAL, terms)
        now = standing((*past, made), START + HOUR)
        assert (now.state, now.refused, now.fields) == (State.REFUSED, OFFERED, frozenset())


def test_a_refusal_does_not_say_what_was_not() -> None:
    """No day in the future, and no statement that the notice does not have."""
    for bad in (replace(REFUSAL, event_day=date(2026, 10, 19)), replace(REFUSAL, notice_version=9)):
        with pytest.raises(AnswerError):
            refuse(SERIES, (), stamp(), bad, TERMS)


def test_the_sweep_records_what_time_has_ended() -> None:
    """Over by time: due once, recorded once."""
    past = given_now()
    assert due(standing(past, START + HOUR)) == ()
    assert fault(lambda: expire(past, stamp(HOUR, None))) is StateFault.NOT_EXPIRED
    assert due(standing(past, START + OVER)) == (EventKind.EXPIRED,)
    swept = (*past, expire(past, stamp(OVER, None)))
    assert due(standing(swept, START + OVER)) == ()
    assert fault(lambda: expire(swept, stamp(OVER, None))) is StateFault.NOT_EXPIRED


def test_the_sweep_records_what_nobody_confirmed() -> None:
    """Unconfirmed after a day: due once, recorded once."""
    past = spoken_now()
    assert due(standing(past, START + 23 * HOUR)) == ()
    assert due(standing(past, START + 24 * HOUR)) == (EventKind.INVALIDATED,)
    swept = (*past, invalidate(past, stamp(24 * HOUR, None), 1))
    assert due(standing(swept, START + 25 * HOUR)) == ()
    again = fault(lambda: invalidate(swept, stamp(25 * HOUR, None), 1))
    assert again is StateFault.NOTHING_TO_INVALIDATE


def test_the_end_of_a_case_ends_what_is_open() -> None:
    """Live, waiting and asked for end; what is over has nothing to end."""
    for past in (given_now(), spoken_now(), (request(SERIES, (), stamp()),)):
        assert state((*past, end(past, stamp(HOUR)))) is State.ENDED
    gone = (*given_now(), withdraw(given_now(), stamp(HOUR), HOW))
    for nothing in (gone, ()):
        assert fault(lambda p=nothing: end(p, stamp(2 * HOUR))) is StateFault.NOTHING_TO_END


def test_time_never_goes_back_in_a_series() -> None:
    """A clock that was set back changes no order."""
    past = given_now()
    assert change(SERIES, past, stamp(-HOUR), NARROWER, TERMS).recorded_at == START


def test_a_refusal_says_who_how_and_what_was_told() -> None:
    """A no is as whole a record as a yes: wording, telling, day, person and method."""
    made = refuse(
        SERIES,
        (),
        stamp(26 * HOUR),
        replace(REFUSAL, told=TOLD[:2], age=AgeClass.FROM_15_UP, identity=IdentityCheck.KNOWN),
        TERMS,
    )
    assert (made.event_day, made.basis, made.age) == (START.date(), Basis.PERSON, AgeClass.FROM_15_UP)
    assert (made.notice_version, made.notice_digest) == (1, TERMS.notice.digest)
    assert (made.language, made.told) == (Language.JA, TOLD[:2])
    assert (made.given_by, made.method) == (REFUSAL.given_by, Method.ORAL_WITNESSED)
    assert made.identity is IdentityCheck.KNOWN
    child = replace(REFUSAL, given_by=frozenset((GivenBy.LEGAL_REPRESENTATIVE,)))
    assert refuse(SERIES, (), stamp(), child, TERMS).basis is Basis.LEGAL_REPRESENTATIVE


def test_a_confirmation_is_recorded_when_it_was_made() -> None:
    """By the witness, at its own time, with its own log entry."""
    past = spoken_now()
    at = replace(stamp(HOUR, WITNESS), entry_id=bytes([5]) * 16)
    sure = confirm(past, at)
    assert (sure.recorded_at, sure.recorder, sure.entry_id) == (START + HOUR, WITNESS, bytes([5]) * 16)
    nobody = (replace(past[0], witness=None),)
    assert fault(lambda: confirm(nobody, stamp(HOUR, None))) is StateFault.NOT_THE_WITNESS


def test_a_void_answer_can_be_taken_out() -> None:
    """In force, confirmed or waiting: named by its number, and nothing else."""
    past = spoken_now()
    sure = (*past, confirm(past, stamp(HOUR, WITNESS)))
    for events, about, left in (
        (given_now(), 1, State.ENDED),
        (past, 1, State.NONE),
        (sure, 1, State.ENDED),
        (sure, 2, State.ENDED),
    ):
        made = invalidate(events, stamp(2 * HOUR), about)
        assert state((*events, made), 2 * HOUR) is left
    gone = (*given_now(), withdraw(given_now(), stamp(HOUR), HOW))
    for events, about in ((given_now(), 0), (given_now(), 2), (gone, 1), ((), 1)):
        none = fault(lambda e=events, n=about: invalidate(e, stamp(2 * HOUR), n))
        assert none is StateFault.NOTHING_TO_INVALIDATE


def test_a_narrowing_may_end_today() -> None:
    """The last day can be today, to its end; an earlier day is a withdrawal's job."""
    made = change(SERIES, given_now(), stamp(HOUR), replace(NARROWER, until=START.date()), TERMS)
    assert made.until == START.date()


def test_a_withdrawal_keeps_the_day_on_the_paper() -> None:
    """The day on which the person said so, where it was said earlier."""
    day = date(2026, 10, 16)
    assert withdraw(given_now(), stamp(HOUR), replace(HOW, event_day=day)).event_day == day
