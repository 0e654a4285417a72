"""What all reviews have in common: they are complete, repeatable, counted, capped, and marked as checked."""

import dataclasses
import tracemalloc
from datetime import UTC, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.event import canonical, read_leaf
from audit.reviews import Reviewing
from tests.audit.reviewing import (
    AT,
    NPO,
    SERIES,
    Account,
    Decision,
    Entry,
    Event,
    Flag,
    Reason,
    Review,
    Timed,
    WorkingHours,
    answer,
    asked,
    at_once,
    case,
    created,
    denied,
    entry,
    find,
    indices,
    log,
    raised,
    read,
    received,
    refused,
    review_log,
    tokyo,
    user,
    withdrawn,
)


def everything() -> list[Timed]:
    """A log in which every review has hits; over one read in the night there is a flag of each kind."""
    busy = [
        (tokyo(day, hour, 5), read(2, of)) for day in (18, 19, 20) for hour in range(9, 17) for of in range(2)
    ]
    hoard = [(tokyo(21, 3), read(3, of)) for of in range(12)]
    calm = [(tokyo(20, 20, minute), read(4, minute)) for minute in range(2)]
    rest = [
        (tokyo(1, 9), created(1)),
        (tokyo(1, 10), received(9, 1)),
        (tokyo(2, 9), answer(Event.CONSENT_GIVE, 1)),
        (tokyo(2, 10), answer(Event.CONSENT_CONFIRM, 1)),
        (tokyo(3, 9), withdrawn()),
        (tokyo(3, 10), denied()),
        (tokyo(4, 9), refused(Reason.NOT_ASSIGNED)),
        (tokyo(5, 9), entry(Event.EXPORT_CSV, subject=case(1), count=3)),
        (tokyo(6, 9), entry(Event.LOGIN_OK, actor=user(6))),
    ]
    flags = [(tokyo(22, 9), raised(10)), (tokyo(22, 9), raised(10))]
    return sorted([*rest, *busy, *calm, *hoard, *flags], key=lambda pair: pair[0])


def context_of_everything(**said: object) -> dict[str, object]:
    """A context in which every review finds something in `everything`."""
    whole = everything()
    at = [10 * place for place, (_, one) in enumerate(whole) if one.event is Event.FLAG_RAISE]
    return {
        "now": tokyo(29, 9),
        "flags": {at[0]: "own_record", at[1]: "same_surname"},
        "accounts": {user(6): Account(active=True, created=tokyo(1, 1))},
        "dormant_after": timedelta(days=5),
        "supported_within": timedelta(days=5),
        "fewest_bulk": 2,
        **said,
    }


def test_every_review_is_answered_in_its_order() -> None:
    """There are eleven, each with its own name; in a log that has something for each, each has a hit."""
    found = review_log(log(everything()), asked(**context_of_everything()))
    assert [one.value for one in found] == [
        "top_readers",
        "not_assigned",
        "own_record",
        "same_surname",
        "after_hours",
        "bulk",
        "after_withdrawal",
        "recorder_is_witness",
        "exports",
        "dormant",
        "never_supported",
    ]
    assert all(found[review].review is review for review in Review)
    assert {review.value: found[review].total for review in Review} == {
        "top_readers": 4,
        "not_assigned": 1,
        "own_record": 1,
        "same_surname": 1,
        "after_hours": 3,
        "bulk": 1,
        "after_withdrawal": 1,
        "recorder_is_witness": 1,
        "exports": 1,
        "dormant": 1,
        "never_supported": 1,
    }


def test_nothing_is_found_in_an_empty_log() -> None:
    """Every review answers, with no hit."""
    for found in review_log([], asked()).values():
        assert (found.hits, found.total, found.unchecked) == ((), 0, 0)


@given(st.data())
@settings(max_examples=25)
def test_a_checked_hit_stays_listed_behind_the_others(data: st.DataObject) -> None:
    """Marks change which hits come first and nothing else; a mark of another review or place changes nothing."""
    plain = review_log(log(everything()), asked(**context_of_everything()))
    marks = {(review, hit.index) for review in Review for hit in plain[review].hits}
    chosen = frozenset(mark for mark in sorted(marks) if data.draw(st.booleans()))
    strange = frozenset({(Review.EXPORTS, 1), (Review.DORMANT, 2)})
    found = review_log(log(everything()), asked(**context_of_everything(checked=chosen | strange)))
    for review in Review:
        before, after = plain[review], found[review]
        marked = [dataclasses.replace(hit, checked=(review, hit.index) in chosen) for hit in before.hits]
        assert list(after.hits) == sorted(marked, key=lambda hit: hit.checked)
        assert (after.total, after.unchecked) == (before.total, sum(not hit.checked for hit in marked))


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_so_many_hits_are_kept_and_all_are_counted(most: int) -> None:
    """The first hits are those that would be first without a limit; the counts are of all."""
    made = at_once(*(refused(Reason.NOT_ASSIGNED) for _ in range(5)))
    marks = frozenset({(Review.NOT_ASSIGNED, 40), (Review.NOT_ASSIGNED, 0), (Review.NOT_ASSIGNED, 20)})
    found = find(Review.NOT_ASSIGNED, made, most, checked=marks)
    assert [hit.index for hit in found.hits] == [30, 10, 40, 20, 0][:most]
    assert (found.total, found.unchecked) == (5, 2)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_every_review_is_capped(most: int) -> None:
    """With a limit each review gives the first of its hits, and the same counts."""
    whole = log(everything())
    context = asked(**context_of_everything())
    full, some = review_log(whole, context), review_log(whole, context, most)
    for review in Review:
        assert some[review] == dataclasses.replace(full[review], hits=full[review].hits[:most])


@pytest.mark.parametrize("marked", [False, True])
def test_hits_beyond_the_limit_take_no_room(marked: bool) -> None:
    """Of thousands of hits only those that are asked for are held."""
    ((_, leaf),) = log(at_once(refused(Reason.NOT_ASSIGNED)))
    places = range(3000)
    checked = frozenset((Review.NOT_ASSIGNED, index) for index in places if marked)
    reviewing = Reviewing(asked(checked=checked), 1)
    tracemalloc.start()
    for index in places:
        reviewing.take(index, leaf)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 30_000
    assert reviewing.findings()[Review.NOT_ASSIGNED].total == len(places)


def test_a_hundred_hits_are_kept_where_nothing_is_said() -> None:
    """The default is 100; fewer than none cannot be asked for."""
    made = log(at_once(*(refused(Reason.NOT_ASSIGNED) for _ in range(101))))
    found = review_log(made, asked())[Review.NOT_ASSIGNED]
    assert (len(found.hits), found.total, found.hits[-1].index) == (100, 101, 10)
    with pytest.raises(ValueError, match="non-negative"):
        review_log(made, asked(), -1)


def test_the_period_has_its_first_instant_and_not_its_last() -> None:
    """Since is inside, before is outside, to the millisecond."""
    made = [(tokyo(24, 10, ms=ms), refused(Reason.NOT_ASSIGNED)) for ms in range(5)]
    bounds = {"since": tokyo(24, 10, ms=1), "before": tokyo(24, 10, ms=3)}
    assert indices(Review.NOT_ASSIGNED, made, **bounds) == [20, 10]
    assert indices(Review.NOT_ASSIGNED, made, since=bounds["since"]) == [40, 30, 20, 10]
    assert indices(Review.NOT_ASSIGNED, made, before=bounds["before"]) == [20, 10, 0]


def test_what_was_before_the_period_is_still_known() -> None:
    """A withdrawal, an answer and an assignment before the period explain what is in it."""
    made = [
        (tokyo(2, 9), created()),
        (tokyo(2, 9), answer(Event.CONSENT_GIVE, 1)),
        (tokyo(2, 9), withdrawn()),
        (AT, denied()),
        (AT, answer(Event.CONSENT_CONFIRM, 1)),
        (AT, read(1)),
    ]
    said = {"since": tokyo(20, 9), "in_section": lambda *_: False}
    assert indices(Review.AFTER_WITHDRAWAL, made, **said) == [30]
    assert indices(Review.RECORDER_IS_WITNESS, made, **said) == [40]
    assert indices(Review.NOT_ASSIGNED, made, **said) == []


unrelated = st.sampled_from(
    [
        entry(Event.SESSION_END, actor=user(50)),
        entry(Event.KEY_ROTATE, actor=user(50), subject=case(1), fields=("name",), purpose="own_work"),
        entry(Event.KEY_SEAL, actor=user(50), subject=case(1), consent=SERIES),
        entry(Event.CASE_SCAN, actor=user(50), fields=("name",), purpose="own_work", count=3),
        entry(Event.CASE_LIST, actor=user(50), count=0),
        entry(Event.CASE_UPDATE, actor=user(50), subject=case(1)),
        entry(Event.LOG_SEARCH, actor=user(50), purpose="audit", count=50),
        entry(Event.LOGIN_FAIL, actor=None, decision=Decision.DENY, reason=Reason.UNKNOWN_LOGIN),
        refused(Reason.UNKNOWN_ID, actor=user(50), subject=None),
        refused(Reason.EXPIRED, actor=user(50), organisation=NPO),
        entry(Event.CONSENT_EXPIRE, actor=None, subject=case(1), consent=SERIES),
        Entry(event=Event.FLAG_RAISE, id=bytes(16), reference=0),
    ]
)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9), unrelated), unique_by=lambda one: one[:2]))
@settings(max_examples=30)
def test_unrelated_entries_change_no_hit(added: list[tuple[int, int, Entry]]) -> None:
    """Whatever else stands between the entries, the findings are the same, place for place."""
    leaves = log(everything())
    more = []
    for at, between, one in added:
        index, leaf = leaves[at % len(leaves)]
        more.append((index + between, read_leaf(canonical(one, leaf.time))))
    whole = sorted([*leaves, *more], key=lambda pair: pair[0])
    context = asked(**context_of_everything())
    assert review_log(whole, context) == review_log(leaves, context)


irrelevant = st.fixed_dictionaries(
    {},
    optional={
        "id": st.binary(min_size=16, max_size=16),
        "on_behalf_of": st.just(user(77)),
        "digest": st.binary(min_size=32, max_size=32),
        "policy": st.binary(min_size=32, max_size=32),
        "request_id": st.just("7" * 32),
        "session": st.just("8" * 32),
        "withheld": st.just(("zz_other",)),
        "detail": st.binary(min_size=32, max_size=32),
        "flags": st.just((Flag.PRACTICE,)),
    },
)


@given(st.lists(irrelevant, min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_what_no_review_asks_for_changes_no_hit(
    changes: list[dict[str, object]], random: st.DataObject
) -> None:
    """Ids, digests, sessions and the order in which accounts, flags and marks are told do not matter."""
    whole = everything()
    said = context_of_everything()
    said["accounts"] = {
        user(number): Account(active=True, created=tokyo(1, number)) for number in (6, 7, 8, 9, 10)
    }
    changed = [
        (time.astimezone(UTC), dataclasses.replace(one, **changes[at % len(changes)]))
        for at, (time, one) in enumerate(whole)
    ]
    shuffled = {**said}
    for name in ("accounts", "flags"):
        pairs = list(dict(said[name]).items())
        random.shuffle(pairs)
        shuffled[name] = dict(pairs)
    assert review_log(log(changed), asked(**shuffled)) == review_log(log(whole), asked(**said))


def test_other_hours_and_limits_are_taken_from_the_context() -> None:
    """The defaults are those of the city: 8:30 to 17:15 on weekdays, 90 days, ten cases."""
    plain = asked()
    assert (plain.hours.opens.isoformat(), plain.hours.closes.isoformat()) == ("08:30:00", "17:15:00")
    assert (plain.hours.days, WorkingHours()) == (frozenset({0, 1, 2, 3, 4}), plain.hours)
    assert (plain.dormant_after, plain.supported_within) == (timedelta(days=90), timedelta(days=90))
    assert (plain.fewest_bulk, plain.by_assignment) == (10, frozenset({"caseworker"}))
    assert (plain.accounts, plain.flags, plain.checked) == ({}, {}, frozenset())
