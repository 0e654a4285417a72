"""The rows of the handover ledger (引き継ぎ簿): what was handed over, what was noticed, what was answered.

1. Rows are only added. A correction is a new row of the same kind that names the old one.
2. An organisation corrects its own rows only, and a row once: a further correction names the newest row.
3. A free note on a hand-over tells the owner something: it needs the direction recipient_to_owner.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from cases.errors import CorrectionError, Fault, ShapeError
from cases.ids import OrganisationId, RowId
from cases.shapes import Shape
from cases.text import check_line, check_text

_LONGEST_ITEM = 200
_MOST_ITEMS = 50
_LONGEST_NOTE = 4096


class RowKind(Enum):
    """What a row of the ledger is."""

    DELIVERY = "delivery"
    OBSERVATION = "observation"
    REPLY = "reply"
    CORRECTION = "correction"


class Result(Enum):
    """How a hand-over went."""

    FULL = "full"
    PART = "part"
    NOT = "not"


class Why(Enum):
    """Why not everything was handed over."""

    ABSENT = "absent"
    DECLINED = "declined"
    POSTPONED = "postponed"


class Chip(Enum):
    """What was noticed, to tick."""

    CAME_EARLY = "came_early"
    RAN_OUT = "ran_out"
    UNWELL = "unwell"
    THINNER = "thinner"
    LOW_SPIRITS = "low_spirits"
    ALONE = "alone"
    UTILITIES_CUT = "utilities_cut"
    MONEY = "money"
    HOME = "home"
    CHILDREN = "children"
    NO_ANSWER = "no_answer"
    BETTER = "better"


class Delivery(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One hand-over: the day, how it went and why not in full, the items (a line each), a free note."""

    date: date
    result: Result
    why: Why | None = None
    items: tuple[str, ...] = ()
    note: str | None = None

    def __post_init__(self) -> None:
        if (self.why is None) is not (self.result is Result.FULL):
            raise ShapeError(Fault.MISSING_KEY if self.why is None else Fault.RANGE, "why")
        if len(self.items) > _MOST_ITEMS:
            raise ShapeError(Fault.TOO_MANY, "items")
        for index, item in enumerate(self.items):
            check_line(item, _LONGEST_ITEM, f"items[{index}]")
        check_text(self.note or "", _LONGEST_NOTE, "note")

    def without_free_text(self) -> "Delivery":
        """The day, the result and the code why."""
        return Delivery(date=self.date, result=self.result, why=self.why)

    @property
    def tells(self) -> bool:
        """Whether it carries a free note, which needs the direction recipient_to_owner."""
        return bool((self.note or "").strip())


class Observation(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the recipient noticed, for the owner: a text, chips, or both; urgent or not."""

    text: str = ""
    urgent: bool = False
    chips: tuple[Chip, ...] = ()

    def __post_init__(self) -> None:
        check_text(self.text, path="text")
        if not self.text.strip() and not self.chips:
            raise ShapeError(Fault.EMPTY, "text")
        if len(set(self.chips)) != len(self.chips):
            raise ShapeError(Fault.TWICE, "chips")

    def without_free_text(self) -> "Observation | None":
        """The chips and whether it is urgent; None where it is a text only."""
        return Observation(urgent=self.urgent, chips=self.chips) if self.chips else None


class Reply(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner's answer to what was noticed."""

    text: str

    def __post_init__(self) -> None:
        check_text(self.text, path="text")
        if not self.text.strip():
            raise ShapeError(Fault.EMPTY, "text")


ROW_SHAPES: Mapping[RowKind, type[Shape]] = {
    RowKind.DELIVERY: Delivery,
    RowKind.OBSERVATION: Observation,
    RowKind.REPLY: Reply,
}
"""The struct of each kind of row. A correction has the struct of the row that it corrects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowHead:
    """What stands in clear about a row: its id, its struct's kind, who wrote it, which row corrected it."""

    row: RowId
    kind: RowKind
    organisation: OrganisationId
    corrected_by: RowId | None = None


def check_correction(old: RowHead, kind: RowKind, organisation: OrganisationId) -> None:
    """Lets pass a correction of ``old`` that has its kind, comes from its writer and is the first one.

    Raises:
        CorrectionError: ``kind``, ``owner`` or ``corrected``.
    """
    if kind is not old.kind or kind is RowKind.CORRECTION:
        raise CorrectionError("kind")
    if organisation != old.organisation:
        raise CorrectionError("owner")
    if old.corrected_by is not None:
        raise CorrectionError("corrected")
