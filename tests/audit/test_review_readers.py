"""The reviews that count reads: top readers, after hours and holidays, many cases in an hour."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.readers import percentile
from tests.audit.reviewing import (
    AT,
    HOLIDAY,
    TOKYO,
    Decision,
    Entry,
    Event,
    Flag,
    Reason,
    Review,
    Role,
    Timed,
    WorkingHours,
    at_once,
    case,
    entry,
    find,
    hit,
    hits,
    indices,
    read,
    received,
    tokyo,
    user,
)

# top readers


def test_readers_are_ranked_by_cases_then_by_reads() -> None:
    """More cases come first; of as many, more reads; of as many, the smaller id. The hit stands at the newest read."""
    made = [
        (tokyo(24, 10), read(1, 1)),
        (tokyo(24, 11), read(2, 1)),
        (tokyo(24, 11), read(2, 2)),
        (tokyo(24, 12), read(1, 1)),
        (tokyo(24, 12), read(1, 1)),
        (tokyo(24, 13), read(4, 2)),
        (tokyo(24, 14), read(3, 3)),
    ]
    found = [
        (one.index, one.actor, one.subject, one.time, one.count, one.reads)
        for one in hits(Review.TOP_READERS, made)
    ]
    assert found == [
        (20, user(2), None, tokyo(24, 11), 2, 2),
        (40, user(1), case(1), tokyo(24, 12), 1, 3),
        (60, user(3), case(3), tokyo(24, 14), 1, 1),
        (50, user(4), case(2), tokyo(24, 13), 1, 1),
    ]
    assert find(Review.TOP_READERS, made, 1).hits == hits(Review.TOP_READERS, made)[:1]


@pytest.mark.parametrize(
    "event", [Event.CASE_READ, Event.FIELD_RELEASE, Event.LEDGER_READ, Event.EXPORT_PRINT]
)
def test_every_way_to_open_a_case_is_a_read(event: Event) -> None:
    """A request, the ledger and a print count as the case's page does, on either side."""
    for one in (read(event=event), received(event=event), read(event=event, decision=None)):
        assert indices(Review.TOP_READERS, at_once(one)) == [0]


def test_what_shows_no_value_of_one_case_is_no_read() -> None:
    """Without fields, without a case, without a user, refused or only sealed again: nobody read anything."""
    made = at_once(
        read(fields=(), purpose=None),
        read(event=Event.CASE_SCAN, subject=None),
        read(actor=None),
        read(decision=Decision.DENY, reason=Reason.CLOSED),
        read(event=Event.KEY_ROTATE),
    )
    for review in (Review.TOP_READERS, Review.AFTER_HOURS, Review.BULK):
        late = [(tokyo(24, 22), one) for _, one in made]
        assert indices(review, late, fewest_bulk=0) == []


def test_a_list_opens_no_case() -> None:
    """Lines of a list are not ranked."""
    made = at_once(read(1, 1, event=Event.CASE_LIST), read(2, 1), read(1, 2, event=Event.CASE_LIST))
    assert [one.actor for one in hits(Review.TOP_READERS, made)] == [user(2)]


def test_only_the_period_is_ranked() -> None:
    """Reads before and after the period do not count."""
    made = [(tokyo(day, 10), read(1, day)) for day in (23, 24, 25, 26)]
    found = hits(Review.TOP_READERS, made, since=tokyo(24, 10), before=tokyo(26, 10))
    assert [(one.index, one.count, one.reads) for one in found] == [(20, 2, 2)]


reading = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), max_size=30)


@given(reading)
@settings(max_examples=40)
def test_the_ranking_is_what_counting_by_hand_gives(pairs: list[tuple[int, int]]) -> None:
    """For any reads, cases and reads of each user are counted, and the order is theirs."""
    found = hits(Review.TOP_READERS, at_once(*(read(who, of) for who, of in pairs)))
    by_hand = {who: {of for one, of in pairs if one == who} for who, _ in pairs}
    reads = Counter(who for who, _ in pairs)
    ranked = sorted(by_hand, key=lambda who: (-len(by_hand[who]), -reads[who], who))
    assert [(one.actor, one.count, one.reads) for one in found] == [
        (user(who), len(by_hand[who]), reads[who]) for who in ranked
    ]


# after hours and on holidays


@pytest.mark.parametrize(
    ("moment", "late"),
    [
        (tokyo(24, 8, 29, 59, 999), True),
        (tokyo(24, 8, 30), False),
        (tokyo(24, 17, 14, 59), False),
        (tokyo(24, 17, 14, 59, 999), False),
        (tokyo(24, 17, 15), True),
        (tokyo(24, 0), True),
        (tokyo(23, 12), True),  # a Monday, and the holiday
        (tokyo(20, 12), False),  # a Friday
        (tokyo(21, 12), True),  # a Saturday
        (tokyo(22, 12), True),  # a Sunday
        (tokyo(16, 12), False),  # another Monday
    ],
)
def test_the_working_day_has_exact_edges(moment: datetime, late: bool) -> None:
    """From 8:30 until before 17:15 in Tokyo, Monday to Friday, not on a holiday."""
    expected = hit(
        Review.AFTER_HOURS,
        0,
        actor=user(1),
        subject=case(1),
        time=moment,
        count=1,
        reads=1,
    )
    assert hits(Review.AFTER_HOURS, [(moment, read())]) == ((expected,) if late else ())


def test_hours_are_those_of_tokyo_wherever_it_is_told() -> None:
    """A leaf's time is UTC: 23:29 on Monday there is 8:29 on Tuesday here, a working day; the hit says the instant."""
    early = datetime(2026, 11, 23, 23, 29, 59, tzinfo=UTC)
    found = hits(Review.AFTER_HOURS, [(early, read()), (early + timedelta(seconds=1), read(2))])
    assert [(one.index, one.time) for one in found] == [(0, early)]


def test_other_hours_and_days_can_be_told() -> None:
    """Hours and days are those of the context; a holiday is what the predicate says."""
    hours = WorkingHours(opens=time(10), closes=time(11), days=frozenset({5}))
    made = [(tokyo(21, 9, 59), read(1)), (tokyo(21, 10), read(2)), (tokyo(21, 11), read(3)), (AT, read(4))]
    assert indices(Review.AFTER_HOURS, made, hours=hours) == [30, 20, 0]
    asked_for = []
    indices(Review.AFTER_HOURS, [(AT, read()), (AT, read())], is_holiday=asked_for.append)
    assert asked_for == [AT.date()]


def test_a_day_of_a_person_is_one_hit() -> None:
    """The hit counts cases and reads, stands at the newest, and names the case where it is the only one."""
    made = [
        (tokyo(23, 9), read(1, 1)),
        (tokyo(23, 10), read(1, 2)),
        (tokyo(23, 11), read(2, 3)),
        (tokyo(23, 12), read(1, 1, event=Event.CASE_LIST)),
        (tokyo(23, 13), read(2, 3)),
        (tokyo(24, 9), read(1, 1)),
        (tokyo(24, 20), read(1, 1)),
    ]
    found = [
        (one.index, one.actor, one.subject, one.time, one.count, one.reads)
        for one in hits(Review.AFTER_HOURS, made)
    ]
    assert found == [
        (60, user(1), case(1), tokyo(24, 20), 1, 1),
        (40, user(2), case(3), tokyo(23, 13), 1, 2),
        (30, user(1), None, tokyo(23, 12), 2, 3),
    ]


def test_of_a_day_the_newest_read_comes_first() -> None:
    """People of one day stand in the order of their newest reads, whoever they are."""
    made = [(tokyo(23, 9), read(who)) for who in (1, 3, 2, 1, 4)]
    assert [one.actor for one in hits(Review.AFTER_HOURS, made)] == [user(4), user(1), user(2), user(3)]


def test_a_day_ends_at_midnight_in_tokyo() -> None:
    """What a person read before and after midnight are two hits."""
    made = [(tokyo(24, 23, 59, 59, 999), read()), (tokyo(25, 0), read())]
    assert indices(Review.AFTER_HOURS, made) == [10, 0]
    next_week = [(tokyo(20, 22), read()), (tokyo(27, 22), read())]
    assert indices(Review.AFTER_HOURS, next_week) == [10, 0]


def test_what_was_flagged_when_it_was_read_is_a_hit() -> None:
    """A leaf that says after_hours is believed, whatever the hours are now; another flag is not that one."""
    made = at_once(read(1, flags=(Flag.BULK,)), read(2, flags=(Flag.AFTER_HOURS,)), read(3))
    assert indices(Review.AFTER_HOURS, made) == [10]


def test_only_reads_in_the_period_are_late() -> None:
    """A night that began before the period counts from the period on."""
    made = [(tokyo(24, hour), read(1, hour)) for hour in (20, 21, 22)]
    found = hits(Review.AFTER_HOURS, made, since=tokyo(24, 21))
    assert [(one.index, one.count, one.reads) for one in found] == [(20, 2, 2)]


def test_the_holiday_is_a_monday() -> None:
    """The example's holiday would be a working day without the predicate."""
    assert HOLIDAY.weekday() == 0
    assert indices(Review.AFTER_HOURS, [(tokyo(23, 12), read())], is_holiday=lambda _: False) == []


# bulk


def hours(*cases: int, actor: int = 1, day: int = 2, **said: object) -> list[Timed]:
    """One working hour of a user after the other, each with so many cases."""
    start = datetime(2026, 11, day, tzinfo=TOKYO)
    return [
        (start + timedelta(hours=at, seconds=number), read(actor, number, **said))
        for at, many in enumerate(cases)
        for number in range(many)
    ]


def test_more_cases_than_in_nearly_all_hours_are_a_hit() -> None:
    """With twenty hours, the largest exceeds the 95th percentile; the hit stands at the hour's newest read."""
    made = hours(*[10] * 19, 11)
    expected = hit(
        Review.BULK,
        2000,
        actor=user(1),
        subject=None,
        time=tokyo(2, 19, 0, 10),
        count=11,
        reads=11,
    )
    assert hits(Review.BULK, made) == (expected,)


def test_the_percentile_has_exact_edges() -> None:
    """With nineteen hours nothing exceeds it; as many as the percentile is not more; with forty two hours exceed."""
    assert indices(Review.BULK, hours(*[10] * 18, 11)) == []
    assert indices(Review.BULK, hours(*[10] * 18, 11, 11)) == []
    assert [one.count for one in hits(Review.BULK, hours(*[10] * 38, 11, 12))] == [12, 11]
    assert [one.count for one in hits(Review.BULK, hours(*[10] * 37, 11, 12, 13))] == [13, 12]


def test_few_cases_are_never_many() -> None:
    """Nine cases in an hour are no hit where colleagues read one; ten are; the number can be told."""
    assert indices(Review.BULK, hours(*[1] * 19, 9)) == []
    assert indices(Review.BULK, hours(*[1] * 19, 10)) == [280]
    assert indices(Review.BULK, hours(*[1] * 19, 9), fewest_bulk=9) == [270]
    assert indices(Review.BULK, hours(*[1] * 19, 10), fewest_bulk=11) == []


def test_the_same_case_again_is_not_another_case() -> None:
    """Different cases count, not reads; the hit tells both."""
    again = [(when, read(1, 1)) for when, _ in hours(*[1] * 19, 30)]
    assert indices(Review.BULK, again) == []
    more = [*hours(*[1] * 19, 10), (tokyo(2, 19, 30), read(1, 0))]
    assert [(one.index, one.count, one.reads) for one in hits(Review.BULK, more)] == [(290, 10, 11)]


def test_hours_of_a_role_are_compared_with_that_role() -> None:
    """What is usual for one role is not for another."""
    usual = hours(*[20] * 19, role=Role.SUPERVISOR, actor=2)
    quiet = hours(*[1] * 19, day=3)
    many = hours(12, day=4)
    assert len(indices(Review.BULK, [*usual, *quiet, *many])) == 1
    assert indices(Review.BULK, [*usual, *quiet, *hours(12, day=4, role=Role.SUPERVISOR)]) == []


def test_hours_of_all_people_of_a_role_are_compared() -> None:
    """Each user's hour counts by itself: two people in the same hour do not add up."""
    made = [pair for actor in range(1, 21) for pair in hours(9, actor=actor)]
    assert indices(Review.BULK, sorted(made, key=lambda pair: pair[0])) == []
    made += hours(12, actor=21)
    found = hits(Review.BULK, sorted(made, key=lambda pair: pair[0]))
    assert [(one.actor, one.count) for one in found] == [(user(21), 12)]


def test_lists_are_compared_with_lists() -> None:
    """Fifty cases in each list are usual and hide no twelve opened ones; a longer list is a hit of its own."""
    lists = hours(*[30] * 19, event=Event.CASE_LIST)
    opened = hours(*[1] * 19, 12, day=4)
    found = hits(Review.BULK, [*lists, *opened])
    assert [(one.count, one.time) for one in found] == [(12, tokyo(4, 19, 0, 11))]
    longer = [*lists, *hours(31, day=3, event=Event.CASE_LIST), *opened]
    assert [one.count for one in hits(Review.BULK, longer)] == [12, 31]


def test_an_hour_is_one_by_the_clock_of_its_day() -> None:
    """Reads before and after the full hour are of two hours; the same hour of the next day is another."""
    usual = hours(*[1] * 19)
    split = [(tokyo(4, 10, 59, 59, 999 - at), read(1, at)) for at in range(9, -1, -1)]
    over = [(tokyo(4, 11, 0, 0, at), read(1, 20 + at)) for at in range(5)]
    assert [one.count for one in hits(Review.BULK, [*usual, *split, *over])] == [10]
    days = [(tokyo(day, 10, 0, at), read(1, day * 10 + at)) for day in (4, 5) for at in range(6)]
    assert hits(Review.BULK, [*usual, *days]) == ()


def test_what_was_flagged_as_bulk_is_a_hit() -> None:
    """A leaf that says bulk is believed, whatever is usual; its case is named where it is the only one."""
    made = [
        (AT, read(1, 1, flags=(Flag.BULK,))),
        (AT, read(1, 1)),
        (AT, read(2, 1, flags=(Flag.AFTER_HOURS,))),
    ]
    found = hits(Review.BULK, made)
    assert [(one.index, one.subject, one.count, one.reads) for one in found] == [(10, case(1), 1, 2)]


def test_all_hours_are_compared_and_those_of_the_period_found() -> None:
    """Hours before the period say what is usual; an hour whose newest read is outside is not found."""
    made = hours(*[1] * 38, 11, 12)
    assert [one.count for one in hits(Review.BULK, made)] == [12, 11]
    last = made[-1][0]
    assert [one.count for one in hits(Review.BULK, made, since=last)] == [12]
    assert [one.count for one in hits(Review.BULK, made, before=last)] == [11]


def test_an_event_that_is_no_read_ends_no_hour() -> None:
    """Other entries between the reads of an hour change nothing."""
    made = hours(*[1] * 19, 10)
    between = [*made[:-1], (made[-2][0], entry(Event.LOGIN_OK)), made[-1]]
    assert [one.count for one in hits(Review.BULK, between)] == [10]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=120))
@settings(max_examples=60)
def test_the_percentile_is_the_smallest_that_95_in_100_do_not_exceed(numbers: list[int]) -> None:
    """It is one of the numbers; at least 95 in 100 are not above it, and of no smaller number can that be said."""
    found = percentile(Counter(numbers))

    def enough(bound: int) -> bool:
        return 100 * sum(one <= bound for one in numbers) >= 95 * len(numbers)

    assert found in numbers
    assert enough(found)
    assert not any(enough(one) for one in numbers if one < found)


def test_reads_of_several_people_do_not_mix() -> None:
    """Users who read in turns are counted each by themselves, in the night as in the hour."""
    turns: list[Entry] = [read(1 + at % 2, at) for at in range(24)]
    made = [*hours(*[1] * 38, actor=3), *((tokyo(10, 22, 0, at), one) for at, one in enumerate(turns))]
    assert [(one.actor, one.count) for one in hits(Review.AFTER_HOURS, made)][:2] == [
        (user(2), 12),
        (user(1), 12),
    ]
    assert [(one.actor, one.count) for one in hits(Review.BULK, made)] == [(user(2), 12), (user(1), 12)]
