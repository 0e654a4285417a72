"""The sheet "who looked at my data": the period that it may cover, and the steps that lead to it.

Rules
1. A period is whole days, the first not after the last, the last not in the future, at most eight years.
2. Whoever asks does not approve: a second person does, within 24 hours.
3. Only what a second person approved is made for the person, within 24 hours of the approval.
4. One approval is one sheet: it is printed only after it was issued.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from cases.errors import Fault, ShapeError
from cases.ids import UserId

MOST_YEARS = 8
EARLIEST = date(2000, 1, 1)
"""No log is older, and no time before it can stand in one."""
WITHIN = timedelta(hours=24)


class Stage(Enum):
    """Where a disclosure stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    ISSUED = "issued"
    TOO_LATE = "too_late"


class Obstacle(Enum):
    """What stands against the next step."""

    SAME_PERSON = "same_person"
    TOO_LATE = "too_late"
    APPROVED = "approved"
    NOT_APPROVED = "not_approved"
    NOT_ISSUED = "not_issued"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Who asked and who approved, and when; ``issued``: the sheet was made once."""

    asked_by: UserId
    asked: datetime
    approved_by: UserId | None = None
    approved: datetime | None = None
    issued: bool = False

    @property
    def agreed(self) -> datetime | None:
        """When a second person approved; None where nobody did, or nobody but the one who asked."""
        second = self.approved_by is not None and self.approved_by != self.asked_by
        return self.approved if second else None


def check_period(since: date, until: date, today: date) -> None:
    """Lets pass a period that a sheet may cover (rule 1). Raises ShapeError: range, order, and which end."""
    if since < EARLIEST:
        raise ShapeError(Fault.RANGE, "since")
    if until < since:
        raise ShapeError(Fault.ORDER, "until")
    if until > today:
        raise ShapeError(Fault.RANGE, "until")
    years = until.year - since.year - ((until.month, until.day) <= (since.month, since.day))
    if years >= MOST_YEARS:
        raise ShapeError(Fault.RANGE, "since")


def against_approving(steps: Steps, by: UserId, now: datetime) -> Obstacle | None:
    """What stands against ``by`` approving at ``now`` (rule 2); None: nothing."""
    if by == steps.asked_by:
        return Obstacle.SAME_PERSON
    if steps.approved is not None:
        return Obstacle.APPROVED
    return Obstacle.TOO_LATE if now >= steps.asked + WITHIN else None


def against_issuing(steps: Steps, now: datetime) -> Obstacle | None:
    """What stands against making the sheet at ``now`` (rule 3); None: nothing."""
    agreed = steps.agreed
    if agreed is None:
        return Obstacle.NOT_APPROVED
    return Obstacle.TOO_LATE if now >= agreed + WITHIN else None


def against_printing(steps: Steps, now: datetime) -> Obstacle | None:
    """What stands against printing the sheet at ``now`` (rule 4); None: nothing."""
    obstacle = against_issuing(steps, now)
    return Obstacle.NOT_ISSUED if obstacle is None and not steps.issued else obstacle


def stage_at(steps: Steps, now: datetime) -> Stage:
    """Where the disclosure stands at ``now``; nothing of it is stored."""
    agreed = steps.agreed
    if steps.issued:
        return Stage.ISSUED
    if now >= (steps.asked if agreed is None else agreed) + WITHIN:
        return Stage.TOO_LATE
    return Stage.WAITING if agreed is None else Stage.APPROVED
