"""The reviews of what did not happen: accounts that nobody uses, cases that were read and never supported."""

from datetime import UTC, timedelta

import pytest

from tests.audit.reviewing import (
    AT,
    CITY,
    NOW,
    NPO,
    Account,
    Decision,
    Entry,
    Event,
    Reason,
    Review,
    at_once,
    case,
    created,
    entry,
    find,
    hit,
    hits,
    indices,
    read,
    received,
    user,
)

DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)
OTHER = "o_" + "e" * 32
LONG_AGO = NOW - 200 * DAY


def account(**said: object) -> dict[str, Account]:
    """The first user's account, made long ago."""
    return {user(1): Account(**{"active": True, "created": LONG_AGO, **said})}


# dormant


@pytest.mark.parametrize(("ago", "found"), [(90 * DAY - MS, False), (90 * DAY, False), (90 * DAY + MS, True)])
def test_an_account_is_dormant_behind_the_ninetieth_day(ago: timedelta, found: bool) -> None:
    """A sign-in exactly 90 days ago is still use; a millisecond more is not, wherever the sign-in is told."""
    expected = hit(Review.DORMANT, 0, actor=user(1), time=NOW - ago, count=90)
    made = [(NOW - ago, entry(Event.LOGIN_OK))]
    assert hits(Review.DORMANT, made, accounts=account()) == ((expected,) if found else ())
    assert len(hits(Review.DORMANT, [], accounts=account(signed_in=NOW - ago))) == found
    assert len(hits(Review.DORMANT, [], accounts=account(created=NOW - ago))) == found


def test_an_account_that_never_signed_in_counts_from_its_making() -> None:
    """There is no time of a sign-in then, and no index: such a hit cannot be marked."""
    (found,) = hits(Review.DORMANT, [], accounts=account())
    assert (found.index, found.time, found.count, found.checked) == (None, None, 200, False)


def test_such_an_account_is_marked_until_it_signs_in_again() -> None:
    """The mark names the account; a sign-in after it, wherever it is told, opens the finding once it is due again."""
    marked = {user(1): NOW - 120 * DAY}
    for signed_in, checked in (
        (None, True),
        (NOW - 150 * DAY, True),
        (NOW - 120 * DAY, True),
        (NOW - 119 * DAY, False),
    ):
        (found,) = hits(Review.DORMANT, [], accounts=account(signed_in=signed_in), accounts_checked=marked)
        assert (found.index, found.checked) == (None, checked)
    (other,) = hits(Review.DORMANT, [], accounts=account(), accounts_checked={user(2): NOW})
    assert other.checked is False
    made = [(LONG_AGO, entry(Event.LOGIN_OK))]
    (found,) = hits(Review.DORMANT, made, accounts=account(), accounts_checked={user(1): NOW})
    assert (found.index, found.checked) == (0, False)
    found = find(Review.DORMANT, [], accounts=account(), accounts_checked={user(1): NOW})
    assert (found.total, found.unchecked) == (1, 0)


def test_stopped_accounts_and_users_without_account_are_not_dormant() -> None:
    """Only an active account of the context is looked at."""
    assert hits(Review.DORMANT, [(LONG_AGO, entry(Event.LOGIN_OK))], accounts=account(active=False)) == ()
    assert hits(Review.DORMANT, [(LONG_AGO, entry(Event.LOGIN_OK))]) == ()


def test_the_newest_sign_in_of_all_logs_counts() -> None:
    """Of this log's sign-ins and that of the other trees the newest is taken."""
    made = [(NOW - 150 * DAY, entry(Event.LOGIN_OK)), (NOW - 100 * DAY, entry(Event.LOGIN_OK))]
    for signed_in, last in ((None, 100), (NOW - 120 * DAY, 100), (NOW - 95 * DAY, 95)):
        (found,) = hits(Review.DORMANT, made, accounts=account(signed_in=signed_in))
        assert (found.count, found.time) == (last, NOW - last * DAY)
    assert hits(Review.DORMANT, made, accounts=account(signed_in=NOW - 3 * DAY)) == ()


def test_only_signing_in_is_use() -> None:
    """Another entry, and somebody else's sign-in, keep no account awake; the hit stands at its newest entry."""
    failed = entry(Event.LOGIN_FAIL, decision=Decision.DENY, reason=Reason.WRONG_PASSWORD)
    made = [
        (LONG_AGO, entry(Event.LOGIN_OK)),
        (AT, failed),
        (AT, entry(Event.LOGIN_OK, actor=user(2))),
        (AT, entry(Event.LOGIN_OK, actor=None)),
    ]
    (found,) = hits(Review.DORMANT, made, accounts=account())
    assert (found.index, found.time, found.count) == (10, LONG_AGO, 200)
    (found,) = hits(Review.DORMANT, made, accounts=account(), checked=frozenset({(Review.DORMANT, 10)}))
    assert found.checked is True


def test_the_longest_unused_account_comes_first() -> None:
    """Equal ones come in the order of their ids; the limit keeps the first."""
    accounts = {
        user(number): Account(active=True, created=NOW - days * DAY)
        for number, days in ((4, 100), (2, 300), (3, 300), (1, 200), (5, 90))
    }
    found = find(Review.DORMANT, [], 3, accounts=accounts)
    assert [one.actor for one in found.hits] == [user(2), user(3), user(1)]
    assert (found.total, found.unchecked) == (4, 4)


def test_other_spans_can_be_told() -> None:
    """The span is the context's."""
    assert len(hits(Review.DORMANT, [], accounts=account(), dormant_after=199 * DAY)) == 1
    assert len(hits(Review.DORMANT, [], accounts=account(), dormant_after=200 * DAY)) == 0
    made = [(LONG_AGO, received())]
    assert len(hits(Review.NEVER_SUPPORTED, made, supported_within=199 * DAY)) == 1
    assert len(hits(Review.NEVER_SUPPORTED, made, supported_within=200 * DAY)) == 0


# never supported


def supported(event: Event = Event.LEDGER_WRITE, **said: object) -> Entry:
    """The NPO did something for the first case."""
    return entry(event, **{"actor": user(8), "organisation": NPO, "subject": case(1), **said})


@pytest.mark.parametrize(("ago", "found"), [(90 * DAY - MS, False), (90 * DAY, False), (90 * DAY + MS, True)])
def test_a_case_that_was_read_waits_ninety_days_for_support(ago: timedelta, found: bool) -> None:
    """Behind the ninetieth day after the first read it is a hit, at that read, with how often it was read since."""
    expected = hit(
        Review.NEVER_SUPPORTED,
        10,
        actor=user(9),
        subject=case(1),
        time=(NOW - ago).astimezone(UTC),
        count=90,
        reads=2,
    )
    made = [(NOW - ago, created()), (NOW - ago, received()), (NOW - DAY, received(8))]
    assert hits(Review.NEVER_SUPPORTED, made) == ((expected,) if found else ())


@pytest.mark.parametrize("event", [Event.LEDGER_WRITE, Event.REQUEST_ACCEPT])
@pytest.mark.parametrize(
    ("after", "helped"), [(-DAY, True), (90 * DAY, True), (90 * DAY + MS, False), (150 * DAY, False)]
)
def test_support_counts_until_the_ninetieth_day(event: Event, after: timedelta, helped: bool) -> None:
    """Support before the first read, or exactly 90 days after it, is in time; later it is not."""
    made = sorted([(LONG_AGO, received()), (LONG_AGO + after, supported(event))], key=lambda pair: pair[0])
    assert len(hits(Review.NEVER_SUPPORTED, made)) == (not helped)


def test_the_first_support_counts() -> None:
    """Support in time is not undone by more of it later."""
    made = [(LONG_AGO, received()), (LONG_AGO + DAY, supported()), (LONG_AGO + 150 * DAY, supported())]
    assert hits(Review.NEVER_SUPPORTED, made) == ()


def test_support_is_for_the_case_by_the_organisation_that_read() -> None:
    """Help for another case, by another organisation, refused, or of another kind, is none."""
    for other in (
        supported(subject=case(2)),
        supported(organisation=OTHER),
        supported(decision=Decision.DENY, reason=Reason.NOT_LIVE),
        supported(Event.REQUEST_DECLINE),
        supported(Event.LEDGER_READ),
    ):
        made = [(LONG_AGO, created()), (LONG_AGO, received()), (LONG_AGO, other)]
        assert indices(Review.NEVER_SUPPORTED, made) == [10]
    assert (
        indices(Review.NEVER_SUPPORTED, [(LONG_AGO, received()), (LONG_AGO, supported(decision=None))]) == []
    )


def test_each_organisation_answers_for_its_own_reads() -> None:
    """Two recipients of a case are two hits, the newer first; one that helped is none."""
    made = [(LONG_AGO, received()), (LONG_AGO, received(7, organisation=OTHER)), (LONG_AGO, received(6, 2))]
    found = hits(Review.NEVER_SUPPORTED, made)
    assert [(one.index, one.actor, one.subject) for one in found] == [
        (20, user(6), case(2)),
        (10, user(7), case(1)),
        (0, user(9), case(1)),
    ]
    assert indices(Review.NEVER_SUPPORTED, [*made, (LONG_AGO, supported())]) == [20, 10]


def test_the_owners_reads_wait_for_nothing() -> None:
    """The owner's reads are none, whether the case's beginning is in the log or not."""
    own = [(LONG_AGO, created()), (LONG_AGO, read()), (LONG_AGO, received(organisation=CITY))]
    assert indices(Review.NEVER_SUPPORTED, own) == []
    assert indices(Review.NEVER_SUPPORTED, [(LONG_AGO, read())]) == []
    turned = [(LONG_AGO, created(organisation=NPO)), (LONG_AGO, received()), (LONG_AGO, read())]
    assert indices(Review.NEVER_SUPPORTED, turned) == [20]


def test_a_card_in_the_inbox_is_not_an_opened_case() -> None:
    """The inbox shows what came; a case is read when somebody opens it, and what is sealed again is not."""
    card, sealed = received(event=Event.CASE_LIST), received(event=Event.KEY_ROTATE)
    compared = received(event=Event.CASE_SCAN, subject=None)
    made = [(LONG_AGO, one) for one in (card, sealed, compared)]
    assert indices(Review.NEVER_SUPPORTED, made) == []
    opened = [(LONG_AGO, card), (LONG_AGO, received(event=Event.FIELD_RELEASE)), (LONG_AGO, card)]
    assert [(one.index, one.reads) for one in hits(Review.NEVER_SUPPORTED, opened)] == [(10, 1)]


def test_the_period_does_not_bound_what_is_so_now() -> None:
    """Dormant accounts and cases without support are found whatever period is looked at."""
    period = {"since": AT, "before": AT, "accounts": account()}
    assert len(hits(Review.NEVER_SUPPORTED, [(LONG_AGO, received())], **period)) == 1
    assert len(hits(Review.DORMANT, at_once(), **period)) == 1
