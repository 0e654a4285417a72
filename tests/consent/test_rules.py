"""The rules that an answer must keep, each with what is said when it is broken."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.fields import Purpose, Slot
from cases.ids import UserId
from consent.answer import Answer, Limits, Named, Offer, check_answer
from consent.errors import AnswerError, AnswerFault
from consent.notice import Notice, notice
from consent.record import TOKYO, AgeClass, Basis, Direction, GivenBy, Language, Method, Told
from consent.rules import months_later
from tests.consent.makers import (
    ADDRESS,
    ANSWER,
    DIETARY,
    HEALTH,
    NAME,
    NOTICE,
    OBSERVATIONS,
    OFFER,
    OFFERED,
    ONE_WAY,
    RECORDER,
    SPOKEN,
    START,
    TOLD,
    WITNESS,
)

SELF, HELPED, REPRESENTED = GivenBy.SELF, GivenBy.SELF_WITH_HELP, GivenBy.LEGAL_REPRESENTATIVE
NAMED = frozenset(Named)


def check(
    answer: Answer,
    *,
    offer: Offer = OFFER,
    told_from: Notice = NOTICE,
    both: bool = True,
    at: datetime = START,
    recorder: UserId = RECORDER,
    limits: Limits | None = None,
) -> None:
    check_answer(
        answer,
        offer,
        told_from,
        conditions_both=both,
        recorded_at=at,
        recorder=recorder,
        limits=Limits() if limits is None else limits,
    )


def fault_of(answer: Answer, limits: Limits | None = None) -> tuple[AnswerFault, str, tuple[int, ...]]:
    with pytest.raises(AnswerError) as caught:
        check(answer, limits=limits)
    return caught.value.fault, caught.value.path, caught.value.items


def test_an_answer_that_keeps_every_rule_passes() -> None:
    """A whole answer is recorded."""
    check(ANSWER)
    check(SPOKEN)


def test_each_of_the_five_must_be_told() -> None:
    """Items 2 and 3 were not told: no consent, and it says which."""
    partly = tuple(item for item in TOLD if item.number not in (2, 3))
    assert fault_of(replace(ANSWER, told=partly)) == (AnswerFault.NOT_TOLD, "told", (2, 3))
    for number in range(1, 6):
        others = tuple(item for item in TOLD if item.number != number)
        assert fault_of(replace(ANSWER, told=others)) == (AnswerFault.NOT_TOLD, "told", (number,))


def test_what_the_notice_does_not_say_cannot_be_told() -> None:
    """A sixth statement, or one twice, is no telling of this notice."""
    sixth = (*TOLD, Told(number=6, at=START))
    assert fault_of(replace(ANSWER, told=sixth)) == (AnswerFault.TOLD_UNKNOWN, "told", (6,))
    assert fault_of(replace(ANSWER, told=(TOLD[0], *TOLD)))[0] is AnswerFault.TOLD_UNKNOWN


def test_nothing_is_told_after_it_is_recorded() -> None:
    """The telling comes before the answer."""
    later = (*TOLD[:4], Told(number=5, at=START + timedelta(seconds=1)))
    assert fault_of(replace(ANSWER, told=later)) == (AnswerFault.TOLD_LATER, "told", (5,))


def test_the_wording_is_the_one_that_was_told() -> None:
    """Another version or language than the one checked is not recorded as told."""
    assert fault_of(replace(ANSWER, notice_version=2))[0] is AnswerFault.NOTICE
    assert fault_of(replace(ANSWER, language=Language.EN))[0] is AnswerFault.NOTICE
    check(replace(ANSWER, language=Language.EN), told_from=notice(Purpose.FOOD_SUPPORT, Language.EN))


def test_the_form_and_the_wording_have_one_purpose() -> None:
    """Nobody is told one thing and asked another."""
    with pytest.raises(AnswerError) as caught:
        check(ANSWER, offer=replace(OFFER, purpose=Purpose.REFERRAL))
    assert caught.value.fault is AnswerFault.PURPOSE


def test_both_conditions_must_hold() -> None:
    """No food support where one of the two conditions does not hold."""
    with pytest.raises(AnswerError) as caught:
        check(ANSWER, both=False)
    assert caught.value.fault is AnswerFault.CONDITIONS


@pytest.mark.parametrize(
    ("parts", "fault", "path", "items"),
    [
        ({"refused": frozenset((HEALTH,))}, AnswerFault.NOT_ANSWERED, "allowed", (ADDRESS,)),
        ({"allowed": ANSWER.allowed | {Slot(10)}}, AnswerFault.NOT_OFFERED, "allowed", (10,)),
        ({"refused": ANSWER.refused | {Slot(10)}}, AnswerFault.NOT_OFFERED, "refused", (10,)),
        ({"refused": ANSWER.refused | {NAME}}, AnswerFault.ALLOWED_AND_REFUSED, "allowed", (NAME,)),
        ({"allowed": frozenset(), "refused": OFFERED}, AnswerFault.NOTHING_ALLOWED, "allowed", ()),
        ({"acknowledged": frozenset()}, AnswerFault.NOT_ACKNOWLEDGED, "acknowledged", (DIETARY,)),
        (
            {"acknowledged": frozenset((DIETARY, HEALTH))},
            AnswerFault.NOT_TO_ACKNOWLEDGE,
            "acknowledged",
            (HEALTH,),
        ),
        (
            {"acknowledged": frozenset((DIETARY, NAME))},
            AnswerFault.NOT_TO_ACKNOWLEDGE,
            "acknowledged",
            (NAME,),
        ),
        ({"directions": ONE_WAY}, AnswerFault.NEEDS_DIRECTION, "allowed", (OBSERVATIONS,)),
        (
            {"directions": frozenset((Direction.RECIPIENT_TO_OWNER,))},
            AnswerFault.DIRECTION_MISSING,
            "directions",
            (),
        ),
    ],
)
def test_every_field_is_answered_in_so_many_words(
    parts: dict[str, object], fault: AnswerFault, path: str, items: tuple[int, ...]
) -> None:
    """Nothing is agreed to by silence, and nothing beyond the form."""
    answer = replace(ANSWER, **parts)  # type: ignore[arg-type]  # each row names parts of an answer
    assert fault_of(answer) == (fault, path, items)


def test_the_way_back_can_be_refused_alone() -> None:
    """Food comes also to a person who wants nothing told to the city."""
    check(
        replace(
            ANSWER,
            directions=ONE_WAY,
            allowed=ANSWER.allowed - {OBSERVATIONS},
            refused=ANSWER.refused | {OBSERVATIONS},
        )
    )


@pytest.mark.parametrize(
    ("age", "given_by", "fault"),
    [
        (AgeClass.UNDER_12, {SELF}, AnswerFault.REPRESENTATIVE_MISSING),
        (AgeClass.UNDER_12, {HELPED}, AnswerFault.REPRESENTATIVE_MISSING),
        (AgeClass.UNDER_12, {REPRESENTED}, None),
        (AgeClass.FROM_12_TO_14, {SELF}, AnswerFault.REPRESENTATIVE_MISSING),
        (AgeClass.FROM_12_TO_14, {REPRESENTED}, AnswerFault.PERSON_MISSING),
        (AgeClass.FROM_12_TO_14, {SELF, REPRESENTED}, None),
        (AgeClass.FROM_12_TO_14, {HELPED, REPRESENTED}, None),
        (AgeClass.FROM_15_UP, {REPRESENTED}, AnswerFault.PERSON_MISSING),
        (AgeClass.FROM_15_UP, {SELF}, None),
        (AgeClass.FROM_15_UP, {HELPED}, None),
        (AgeClass.FROM_15_UP, set(), AnswerFault.GIVEN_BY),
        (AgeClass.FROM_15_UP, {SELF, HELPED}, AnswerFault.GIVEN_BY),
    ],
)
def test_who_must_answer_depends_on_age(
    age: AgeClass, given_by: set[GivenBy], fault: AnswerFault | None
) -> None:
    """Under 12 the representative, from 12 to 14 both, from 15 the person."""
    answer = replace(ANSWER, age=age, given_by=frozenset(given_by), named=NAMED)
    if fault is None:
        check(answer)
    else:
        assert fault_of(answer)[:2] == (fault, "given_by")


def test_age_limits_are_settings() -> None:
    """A municipality may ask for the representative of older children too."""
    strict = Limits(need_representative=frozenset(AgeClass))
    assert fault_of(ANSWER, strict)[0] is AnswerFault.REPRESENTATIVE_MISSING


def test_helper_and_representative_are_named() -> None:
    """Whoever helped or represented is written down."""
    helped = replace(ANSWER, given_by=frozenset((HELPED,)))
    assert fault_of(helped) == (AnswerFault.HELPER_NAME_MISSING, "names", ())
    child = replace(ANSWER, age=AgeClass.UNDER_12, given_by=frozenset((REPRESENTED,)))
    assert fault_of(child) == (AnswerFault.REPRESENTATIVE_NAME_MISSING, "names", ())
    assert (helped.basis, child.basis) == (Basis.PERSON, Basis.LEGAL_REPRESENTATIVE)


def test_a_spoken_answer_needs_a_witness_who_is_not_the_recorder() -> None:
    """Nobody is the witness of what they wrote down themselves."""
    assert fault_of(replace(SPOKEN, witness=None))[0] is AnswerFault.WITNESS_MISSING
    assert fault_of(replace(SPOKEN, witness=RECORDER))[0] is AnswerFault.WITNESS_IS_RECORDER
    assert fault_of(replace(ANSWER, witness=WITNESS))[0] is AnswerFault.WITNESS_NEEDLESS
    assert fault_of(replace(SPOKEN, method=Method.SCREEN))[0] is AnswerFault.WITNESS_NEEDLESS


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"event_day": date(2026, 10, 19)}, AnswerFault.DAY_IN_FUTURE),
        ({"valid_from": date(2026, 10, 19)}, AnswerFault.STARTS_LATER),
        ({"valid_from": date(2026, 10, 17)}, AnswerFault.STARTS_BEFORE),
        ({"until": date(2026, 10, 17)}, AnswerFault.UNTIL_PAST),
        ({"until": date(2027, 10, 19)}, AnswerFault.UNTIL_TOO_FAR),
        ({"until": date(2027, 10, 18)}, None),
        ({"until": date(2026, 10, 18)}, None),
        ({"event_day": date(2026, 10, 1), "until": date(2027, 10, 2)}, AnswerFault.UNTIL_TOO_FAR),
        ({"event_day": date(2026, 10, 1), "until": date(2027, 10, 1)}, None),
        (
            {"event_day": date(2026, 10, 1), "valid_from": date(2026, 10, 18), "until": date(2027, 10, 18)},
            None,
        ),
        ({"retention_months": -1}, AnswerFault.RETENTION),
        ({"retention_months": 121}, AnswerFault.RETENTION),
    ],
)
def test_days_are_neither_future_nor_past_nor_too_far(
    parts: dict[str, object], fault: AnswerFault | None
) -> None:
    """A consent starts no later than the day it is recorded and lasts at most twelve months."""
    answer = replace(ANSWER, **parts)  # type: ignore[arg-type]  # each row names parts of an answer
    if fault is None:
        check(answer)
    else:
        assert fault_of(answer)[0] is fault


def test_the_day_is_the_day_in_tokyo() -> None:
    """At 15:00 UTC the next day has begun for the people concerned."""
    answer = replace(ANSWER, event_day=date(2026, 10, 19))
    check(answer, at=datetime(2026, 10, 19, 0, 0, tzinfo=TOKYO))
    with pytest.raises(AnswerError):
        check(answer, at=datetime(2026, 10, 18, 23, 59, 59, tzinfo=TOKYO))


def test_no_setting_lasts_longer_than_twelve_months() -> None:
    """A setting can shorten the longest term, never lengthen it."""
    assert fault_of(replace(ANSWER, until=date(2027, 10, 19)), Limits(longest_months=24))[0] is (
        AnswerFault.UNTIL_TOO_FAR
    )
    assert fault_of(replace(ANSWER, until=date(2027, 4, 19)), Limits(longest_months=6))[0] is (
        AnswerFault.UNTIL_TOO_FAR
    )


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 1, 1), 0, date(2026, 1, 1)),
    ],
)
def test_months_end_on_the_same_number_or_the_last_day(day: date, months: int, last: date) -> None:
    """Civil Code of Japan, article 143."""
    assert months_later(day, months) == last


UNOFFERED = Slot(10)
ticks = st.fixed_dictionaries(
    {slot: st.sampled_from(("yes", "yes", "no", "no", "yes no", "")) for slot in sorted(OFFERED)}
    | {UNOFFERED: st.sampled_from(("", "", "yes", "no"))}
)


@settings(max_examples=200)
@given(ticks, st.sampled_from((frozenset(), frozenset((HEALTH,)))), st.frozensets(st.sampled_from(Direction)))
def test_whatever_passes_was_offered_answered_and_acknowledged(
    ticked: dict[Slot, str], forgotten: frozenset[Slot], directions: frozenset[Direction]
) -> None:
    """No combination slips past the form."""
    allowed = frozenset(slot for slot, tick in ticked.items() if "yes" in tick)
    refused = frozenset(slot for slot, tick in ticked.items() if "no" in tick)
    acknowledged = (allowed & OFFER.sensitive) - forgotten
    answer = replace(
        ANSWER, allowed=allowed, refused=refused, acknowledged=acknowledged, directions=directions
    )
    try:
        check(answer)
    except AnswerError:
        return
    assert allowed | refused == OFFERED
    assert not allowed & refused
    assert allowed & OFFER.sensitive == acknowledged
    assert OBSERVATIONS not in allowed or Direction.RECIPIENT_TO_OWNER in directions
    assert Direction.OWNER_TO_RECIPIENT in directions
