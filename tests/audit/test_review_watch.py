"""The reviews in which one entry is one hit: refusals, flags, witnesses, exports."""

import dataclasses
from hashlib import sha256

import pytest

from tests.audit.reviewing import (
    AT,
    CITY,
    NPO,
    SERIES,
    Decision,
    Entry,
    Event,
    Reason,
    Review,
    Role,
    answer,
    at_once,
    case,
    created,
    denied,
    entry,
    find,
    hit,
    hits,
    indices,
    raised,
    read,
    received,
    refused,
    tokyo,
    user,
    withdrawn,
)

OTHER_SERIES = ("k_" + "d" * 32, 1, b"d" * 32)


# not assigned


def test_a_refusal_for_want_of_an_assignment_is_a_hit() -> None:
    """A refusal because of not_assigned is found, with who, which case and when; another refusal is not."""
    made = at_once(refused(Reason.ROLE), refused(Reason.NOT_ASSIGNED), refused(Reason.NOT_A_PARTY))
    expected = hit(Review.NOT_ASSIGNED, 10, actor=user(1), subject=case(1), time=AT)
    assert hits(Review.NOT_ASSIGNED, made) == (expected,)


def test_a_permit_with_that_reason_is_no_refusal() -> None:
    """The reason alone, without a refusal, is no hit of not_assigned and none of after_withdrawal."""
    made = at_once(entry(Event.CONSENT_WITHDRAW, subject=case(1)), received(reason=Reason.WITHDRAWN))
    assert indices(Review.AFTER_WITHDRAWAL, made) == []
    assert indices(Review.NOT_ASSIGNED, at_once(received(reason=Reason.NOT_ASSIGNED))) == []


def test_a_read_that_no_assignment_explains_is_a_hit_where_sections_are_known() -> None:
    """A caseworker's read of a case of no own section, neither begun nor assigned, is found."""
    assert indices(Review.NOT_ASSIGNED, at_once(read(1)), in_section=lambda *_: False) == [0]
    assert indices(Review.NOT_ASSIGNED, at_once(read(1)), in_section=lambda *_: True) == []
    assert indices(Review.NOT_ASSIGNED, at_once(read(1))) == []


def test_sections_are_asked_for_user_and_case() -> None:
    """The predicate hears the user first and the case second."""
    made = at_once(read(1, 1), read(2, 1), read(1, 2))
    known = {(user(1), case(1)), (user(2), case(1))}
    assert indices(Review.NOT_ASSIGNED, made, in_section=lambda *pair: pair in known) == [20]


def test_only_roles_that_read_by_assignment_need_one() -> None:
    """A supervisor reads all cases; which roles need an assignment is told."""
    made = at_once(read(1, role=Role.SUPERVISOR), read(1))
    assert indices(Review.NOT_ASSIGNED, made, in_section=lambda *_: False) == [10]
    needs = frozenset({Role.SUPERVISOR})
    assert indices(Review.NOT_ASSIGNED, made, in_section=lambda *_: False, by_assignment=needs) == [0]


def test_beginning_a_case_and_being_assigned_explain_a_read() -> None:
    """Who began the case, or was given it before, reads it rightly; others, other cases and earlier reads do not."""
    made = at_once(
        read(2),
        created(actor=user(1)),
        entry(Event.CASE_ASSIGN, subject=case(1), object=user(2), actor=user(5)),
        read(1),
        read(2),
        read(3),
        read(1, 2),
        read(2, 2),
        read(5),
    )
    found = indices(Review.NOT_ASSIGNED, made, in_section=lambda *_: False)
    assert found == [80, 70, 60, 50, 0]


def assigned(said: str) -> Entry:
    """The first case was assigned to the second user, or taken back: the digest says it."""
    return entry(Event.CASE_ASSIGN, subject=case(1), object=user(2), digest=sha256(said.encode()).digest())


def test_an_assignment_taken_back_explains_nothing() -> None:
    """What an entry of an assignment did is said by its digest; a refused one did nothing."""
    give, back = (assigned(f"{user(2)}\n{case(1)}\n{word}") for word in ("given", "taken"))
    others = (assigned(f"{user(2)}\n{case(2)}\ntaken"), assigned(f"{user(3)}\n{case(1)}\ntaken"))
    never = [dataclasses.replace(one, decision=Decision.DENY, reason=Reason.ROLE) for one in (give, back)]
    alone = {"in_section": lambda *_: False}
    assert indices(Review.NOT_ASSIGNED, at_once(give, back, read(2)), **alone) == [20]
    assert indices(Review.NOT_ASSIGNED, at_once(give, back, give, read(2)), **alone) == []
    assert indices(Review.NOT_ASSIGNED, at_once(give, *others, read(2)), **alone) == []
    assert indices(Review.NOT_ASSIGNED, at_once(never[0], read(2)), **alone) == [10]
    assert indices(Review.NOT_ASSIGNED, at_once(give, never[1], read(2)), **alone) == []
    assert indices(Review.NOT_ASSIGNED, at_once(created(), back, back, read(2)), **alone) == [30]


def test_only_reads_need_an_assignment() -> None:
    """Writing, rotating, refusals for another reason, and a read by nobody are no reads without assignment."""
    made = at_once(
        entry(Event.CASE_UPDATE, subject=case(1)),
        read(event=Event.KEY_ROTATE),
        read(decision=Decision.DENY, reason=Reason.CLOSED),
        read(fields=(), purpose=None),
        read(event=Event.CASE_SEARCH, subject=None),
        read(actor=None),
        read(decision=None),
    )
    assert indices(Review.NOT_ASSIGNED, made, in_section=lambda *_: False) == [60]


# flags


@pytest.mark.parametrize("review", [Review.OWN_RECORD, Review.SAME_SURNAME])
def test_a_flag_makes_a_hit_of_the_read_that_it_names(review: Review) -> None:
    """The hit stands at the read, not at the flag, and says who read which case when."""
    made = [(AT, read(1, 1)), (tokyo(24, 11), read(2, 3)), (tokyo(24, 12), raised(10)), (AT, raised(0))]
    expected = hit(review, 10, actor=user(2), subject=case(3), time=tokyo(24, 11), checked=False)
    assert hits(review, made, flags={20: review.value}) == (expected,)
    for other in set(Review) - {review}:
        assert not any(one.index in (20, 30) for one in hits(other, made, flags={20: review.value}))


def test_flags_of_other_words_and_unopened_ones_are_no_hits() -> None:
    """Only the two words count; a flag that names nothing, and an entry that is no flag, are left out."""
    made = at_once(read(), raised(0), raised(None), read(2, reference=0), raised(0))
    flags = {10: "bulk", 20: "own_record", 30: "own_record"}
    assert indices(Review.OWN_RECORD, made, flags=flags) == []
    assert indices(Review.SAME_SURNAME, made, flags=flags) == []


def test_a_read_flagged_twice_is_one_hit() -> None:
    """The same read is listed once, the newest read in front."""
    made = at_once(read(1), read(2), raised(10), raised(0), raised(10))
    flags = dict.fromkeys((20, 30, 40), "own_record")
    found = find(Review.OWN_RECORD, made, flags=flags)
    assert ([one.index for one in found.hits], found.total) == ([10, 0], 2)
    assert [one.actor for one in found.hits] == [user(2), user(1)]


def test_a_flag_of_a_read_whose_text_is_gone_stays_a_hit() -> None:
    """What the read said is unknown then; the time is the flag's."""
    made = at_once(read(1), raised(5), raised(99))
    found = hits(Review.OWN_RECORD, made, flags={10: "own_record", 20: "own_record"})
    assert [(one.index, one.actor, one.subject, one.time) for one in found] == [
        (99, None, None, AT),
        (5, None, None, AT),
    ]


def test_a_flag_may_name_any_entry() -> None:
    """Beginning or writing one's own record can be flagged too, and an entry by nobody."""
    made = at_once(created(2), entry(Event.CASE_UPDATE, subject=case(1), actor=None), raised(0), raised(10))
    found = hits(Review.OWN_RECORD, made, flags={20: "own_record", 30: "own_record"})
    assert [(one.index, one.actor, one.subject) for one in found] == [
        (10, None, case(1)),
        (0, user(1), case(2)),
    ]


def test_the_period_of_a_flag_is_that_of_its_read() -> None:
    """A read in the period is found though it was flagged later; one before the period is not."""
    made = [(AT, read()), (tokyo(25, 10), raised(0))]
    flags = {10: "own_record"}
    assert indices(Review.OWN_RECORD, made, flags=flags, before=tokyo(25, 0)) == [0]
    assert indices(Review.OWN_RECORD, made, flags=flags, since=tokyo(25, 0)) == []


# after withdrawal


def test_a_refusal_after_the_withdrawal_is_a_hit() -> None:
    """The recipient's refusal behind the withdrawal of that case is found; one before it, or of another case, not."""
    made = at_once(created(), created(2), denied(), withdrawn(), denied(), denied(subject=case(2)))
    expected = hit(Review.AFTER_WITHDRAWAL, 40, actor=user(9), subject=case(1), time=AT)
    assert hits(Review.AFTER_WITHDRAWAL, made) == (expected,)


def test_the_owner_and_other_reasons_are_no_hits_after_a_withdrawal() -> None:
    """The owner's own refusal is none; nor is a refusal for another reason."""
    made = at_once(
        created(),
        withdrawn(),
        denied(organisation=CITY),
        denied(reason=Reason.EXPIRED),
        denied(reason=Reason.NOT_ASSIGNED),
    )
    assert indices(Review.AFTER_WITHDRAWAL, made) == []


def test_a_refused_withdrawal_withdraws_nothing() -> None:
    """Only a withdrawal that happened counts."""
    never = withdrawn(decision=Decision.DENY, reason=Reason.NOT_LIVE)
    assert indices(Review.AFTER_WITHDRAWAL, at_once(created(), never, denied())) == []


def test_without_the_beginning_of_the_case_the_consent_tells_the_recipient() -> None:
    """Where case.create is not in the log any more, an entry that names a consent is a recipient's."""
    made = at_once(withdrawn(), denied(), denied(consent=None))
    assert indices(Review.AFTER_WITHDRAWAL, made) == [10]


def test_a_refused_beginning_makes_no_owner() -> None:
    """A case.create that was refused says nothing of whose case it is."""
    never = created(organisation=NPO, decision=Decision.DENY, reason=Reason.ROLE)
    assert indices(Review.AFTER_WITHDRAWAL, at_once(never, withdrawn(), denied())) == [20]


# the recorder is the witness


@pytest.mark.parametrize("event", [Event.CONSENT_GIVE, Event.CONSENT_CHANGE, Event.CONSENT_RENEW])
def test_the_recorder_who_confirms_is_a_hit(event: Event) -> None:
    """Whoever recorded the answer and confirms it is found; another witness is not."""
    made = at_once(answer(event, 1), answer(Event.CONSENT_CONFIRM, 2), answer(Event.CONSENT_CONFIRM, 1))
    expected = hit(Review.RECORDER_IS_WITNESS, 20, actor=user(1), subject=case(1), time=AT)
    assert hits(Review.RECORDER_IS_WITNESS, made) == (expected,)


def test_trying_to_be_ones_own_witness_is_a_hit() -> None:
    """A confirmation that was refused is found too."""
    same = answer(Event.CONSENT_CONFIRM, 1, decision=Decision.DENY, reason=Reason.SAME_PERSON)
    assert indices(Review.RECORDER_IS_WITNESS, at_once(answer(Event.CONSENT_GIVE, 1), same)) == [10]


def test_the_newest_answer_of_the_same_series_counts() -> None:
    """Another series, an answer behind, a refused answer and other events of the series make no recorder."""
    confirm = answer(Event.CONSENT_CONFIRM, 1)
    give = answer(Event.CONSENT_GIVE, 1)
    never = answer(Event.CONSENT_GIVE, 1, decision=Decision.DENY, reason=Reason.ROLE)
    for before in (
        [],
        [answer(Event.CONSENT_GIVE, 1, consent=OTHER_SERIES)],
        [give, answer(Event.CONSENT_RENEW, 2)],
        [never],
        [answer(Event.CONSENT_REQUEST, 1)],
    ):
        assert indices(Review.RECORDER_IS_WITNESS, at_once(*before, confirm, give)) == []


def test_the_object_names_the_series_where_no_consent_does() -> None:
    """The series is that of the consent, or else the object; without either nobody is found."""
    bare = {"consent": None, "object": SERIES[0]}
    give, confirm = answer(Event.CONSENT_GIVE, 1, **bare), answer(Event.CONSENT_CONFIRM, 1, **bare)
    full = answer(Event.CONSENT_CONFIRM, 1, object=OTHER_SERIES[0])
    assert indices(Review.RECORDER_IS_WITNESS, at_once(give, confirm, full)) == [20, 10]
    none = [answer(event, 1, consent=None) for event in (Event.CONSENT_GIVE, Event.CONSENT_CONFIRM)]
    assert indices(Review.RECORDER_IS_WITNESS, at_once(*none)) == []
    nobody = [dataclasses.replace(one, actor=None) for one in (give, confirm)]
    assert indices(Review.RECORDER_IS_WITNESS, at_once(*nobody)) == []


# exports


@pytest.mark.parametrize(
    "event",
    [
        Event.EXPORT_CSV,
        Event.EXPORT_XLSX,
        Event.EXPORT_PRINT,
        Event.LOG_EXPORT,
        Event.DISCLOSURE_ISSUE,
    ],
)
def test_whatever_leaves_the_house_is_a_hit(event: Event) -> None:
    """Each kind of export is found, with how many records; a refused one left nothing."""
    never = entry(event, subject=case(2), decision=Decision.DENY, reason=Reason.ROLE)
    made = at_once(never, entry(event, subject=case(2), count=7))
    expected = hit(Review.EXPORTS, 10, actor=user(1), subject=case(2), time=AT, count=7)
    assert hits(Review.EXPORTS, made) == (expected,)


def test_reading_the_log_or_asking_for_a_sheet_is_no_export() -> None:
    """Nothing but the five kinds is found."""
    others = set(Event) - {
        Event.EXPORT_CSV,
        Event.EXPORT_XLSX,
        Event.EXPORT_PRINT,
        Event.LOG_EXPORT,
        Event.DISCLOSURE_ISSUE,
    }
    many = {Event.CASE_SCAN, Event.CASE_SEARCH}
    made = at_once(*(entry(one, subject=None if one in many else case(1)) for one in sorted(others)))
    assert indices(Review.EXPORTS, made) == []
