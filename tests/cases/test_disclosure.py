"""The rules of the sheet "who looked at my data": its period, and two persons within their times."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.disclosure import (
    EARLIEST,
    WITHIN,
    Obstacle,
    Stage,
    Steps,
    against_approving,
    against_issuing,
    against_printing,
    check_period,
    stage_at,
)
from cases.errors import ShapeError
from cases.ids import UserId

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ASKER, SECOND = UserId(UUID(int=1)), UserId(UUID(int=2))
JUST_IN_TIME = WITHIN - timedelta(milliseconds=1)
HOURS = st.timedeltas(timedelta(), timedelta(hours=60))


def fault(since: date, until: date) -> tuple[str, str] | None:
    try:
        check_period(since, until, TODAY)
    except ShapeError as error:
        return error.path, error.fault.value
    return None


@pytest.mark.parametrize(
    ("since", "until", "wrong"),
    [
        (TODAY, TODAY, None),
        (date(2018, 11, 23), TODAY, None),
        (date(2018, 11, 22), TODAY, ("since", "range")),
        (date(2017, 1, 1), date(2025, 1, 1), None),
        (date(2017, 1, 1), date(2025, 1, 2), ("since", "range")),
        (date(2016, 2, 29), date(2024, 2, 29), None),
        (date(2016, 2, 29), date(2024, 3, 1), ("since", "range")),
        (TODAY, date(2026, 11, 24), ("until", "range")),
        (TODAY, date(2026, 11, 22), ("until", "order")),
        (EARLIEST, EARLIEST, None),
        (EARLIEST - timedelta(days=1), EARLIEST, ("since", "range")),
        (date.min, date.min, ("since", "range")),
        (date.max, date.max, ("until", "range")),
    ],
)
def test_a_period_is_whole_days_of_the_past_and_at_most_eight_years(
    since: date, until: date, wrong: tuple[str, str] | None
) -> None:
    """The first day not after the last, the last not in the future, within eight years; else which end, and why."""
    assert fault(since, until) == wrong


@given(st.dates(), st.dates())
def test_no_other_period_passes(since: date, until: date) -> None:
    """Whatever passes keeps the rule."""
    if fault(since, until) is None:
        assert EARLIEST <= since <= until <= TODAY
        assert (until - since).days <= 8 * 365 + 3


def steps(approved: timedelta | None = None, by: UserId = SECOND, issued: bool = False) -> Steps:
    if approved is None:
        return Steps(asked_by=ASKER, asked=NOW, issued=issued)
    return Steps(asked_by=ASKER, asked=NOW, approved_by=by, approved=NOW + approved, issued=issued)


@pytest.mark.parametrize(
    ("by", "after", "obstacle"),
    [
        (SECOND, timedelta(), None),
        (SECOND, JUST_IN_TIME, None),
        (SECOND, WITHIN, Obstacle.TOO_LATE),
        (ASKER, timedelta(), Obstacle.SAME_PERSON),
        (ASKER, WITHIN, Obstacle.SAME_PERSON),
    ],
)
def test_another_person_approves_within_24_hours(
    by: UserId, after: timedelta, obstacle: Obstacle | None
) -> None:
    """The one who asked never does; at the 24th hour it is too late."""
    assert against_approving(steps(), by, NOW + after) is obstacle


def test_what_is_approved_is_not_approved_again() -> None:
    """A second approval does not begin the time anew."""
    assert against_approving(steps(timedelta()), SECOND, NOW) is Obstacle.APPROVED


@pytest.mark.parametrize(
    ("found", "after", "obstacle"),
    [
        (steps(), timedelta(), Obstacle.NOT_APPROVED),
        (steps(), WITHIN, Obstacle.NOT_APPROVED),
        (steps(timedelta()), timedelta(), None),
        (steps(timedelta()), JUST_IN_TIME, None),
        (steps(timedelta()), WITHIN, Obstacle.TOO_LATE),
        (steps(JUST_IN_TIME), JUST_IN_TIME + JUST_IN_TIME, None),
        (steps(timedelta(), issued=True), WITHIN, Obstacle.TOO_LATE),
        (steps(timedelta(), by=ASKER), timedelta(), Obstacle.NOT_APPROVED),
    ],
)
def test_a_sheet_is_made_within_24_hours_of_the_approval(
    found: Steps, after: timedelta, obstacle: Obstacle | None
) -> None:
    """Not before, not later; and nobody's own approval counts."""
    assert against_issuing(found, NOW + after) is obstacle


def test_only_a_sheet_that_was_made_is_printed() -> None:
    """What stands against making it stands against the print too."""
    assert against_printing(steps(timedelta()), NOW) is Obstacle.NOT_ISSUED
    assert against_printing(steps(timedelta(), issued=True), NOW) is None
    assert against_printing(steps(timedelta(), issued=True), NOW + WITHIN) is Obstacle.TOO_LATE
    assert against_printing(steps(), NOW) is Obstacle.NOT_APPROVED


@given(approved=st.none() | HOURS, now=HOURS, second=st.booleans(), issued=st.booleans())
def test_the_stage_says_what_can_be_done(
    approved: timedelta | None, now: timedelta, second: bool, issued: bool
) -> None:
    """WAITING exactly where another may approve, APPROVED exactly where it may be made for the first time."""
    found = steps(approved, by=SECOND if second else ASKER, issued=issued)
    stage = stage_at(found, NOW + now)
    assert (stage is Stage.ISSUED) == issued
    if approved is None:
        assert (stage is Stage.WAITING) == (
            against_approving(found, SECOND, NOW + now) is None and not issued
        )
    assert (stage is Stage.APPROVED) == (against_issuing(found, NOW + now) is None and not issued)
