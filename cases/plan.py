"""The support plan: what is to be reached, how often, from when until when (manual step 2)."""

from datetime import date
from typing import Annotated

import msgspec

from cases.errors import Fault, ShapeError
from cases.shapes import Shape
from cases.text import check_line

_LONGEST_GOAL = 4096


class Plan(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the support is for, ``per_month`` hand-overs (1..31), its first and last day, the next review."""

    goal: str
    per_month: Annotated[int, msgspec.Meta(ge=1, le=31)]
    first: date = msgspec.field(name="from")
    until: date
    next_review: date | None = None

    def __post_init__(self) -> None:
        check_line(self.goal.replace("\n", " "), _LONGEST_GOAL, "goal")
        if self.until < self.first:
            raise ShapeError(Fault.ORDER, "until")
        if self.next_review is not None and self.next_review < self.first:
            raise ShapeError(Fault.ORDER, "next_review")
