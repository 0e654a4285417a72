"""The request to the recipient: what is asked, and the stages it goes through (manual step 4).

draft → sent → accepted | declined → delivered (with the first hand-over that names it) → completed;
cancelled by the owner before anything was handed over; stopped by the end of the consent while it is open.
"""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Annotated

import msgspec

from cases.errors import Fault, MoveError, ShapeError
from cases.shapes import Shape
from cases.text import check_text

_LONGEST_NOTE = 2048
_MEALS_A_DAY = 3


class Stage(Enum):
    """Where a request stands."""

    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


class Move(Enum):
    """What is done with a request: by its owner, by the addressed organisation, or by the end of consent."""

    SEND = "send"
    ACCEPT = "accept"
    DECLINE = "decline"
    DELIVER = "deliver"
    COMPLETE = "complete"
    CANCEL = "cancel"
    STOP = "stop"


class DeclineReason(Enum):
    """Why an organisation cannot take a request."""

    OUT_OF_STOCK = "out_of_stock"
    DATE = "date"
    AREA = "area"
    NOT_IN_SCOPE = "not_in_scope"
    OTHER = "other"


_MOVES: Mapping[tuple[Stage, Move], Stage] = {
    (Stage.DRAFT, Move.SEND): Stage.SENT,
    (Stage.DRAFT, Move.CANCEL): Stage.CANCELLED,
    (Stage.DRAFT, Move.STOP): Stage.STOPPED,
    (Stage.SENT, Move.ACCEPT): Stage.ACCEPTED,
    (Stage.SENT, Move.DECLINE): Stage.DECLINED,
    (Stage.SENT, Move.CANCEL): Stage.CANCELLED,
    (Stage.SENT, Move.STOP): Stage.STOPPED,
    (Stage.ACCEPTED, Move.DELIVER): Stage.DELIVERED,
    (Stage.ACCEPTED, Move.CANCEL): Stage.CANCELLED,
    (Stage.ACCEPTED, Move.STOP): Stage.STOPPED,
    (Stage.DELIVERED, Move.DELIVER): Stage.DELIVERED,
    (Stage.DELIVERED, Move.COMPLETE): Stage.COMPLETED,
    (Stage.DELIVERED, Move.STOP): Stage.STOPPED,
}
OPEN_STAGES = frozenset(stage for stage, move in _MOVES if move is Move.STOP)
"""The stages in which a request is not over: the end of the consent stops it there."""


def move(stage: Stage, move: Move) -> Stage:
    """The stage after a move. Raises MoveError for every move that the stage does not have."""
    try:
        return _MOVES[stage, move]
    except KeyError:
        raise MoveError(stage.value, move.value) from None


class Quantity(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much food: for so many people, for so many days, so many times."""

    adults: Annotated[int, msgspec.Meta(ge=0, le=50)]
    children: Annotated[int, msgspec.Meta(ge=0, le=50)]
    days: Annotated[int, msgspec.Meta(ge=1, le=31)]
    times: Annotated[int, msgspec.Meta(ge=1, le=60)]

    def __post_init__(self) -> None:
        if self.adults + self.children == 0:
            raise ShapeError(Fault.RANGE, "adults")

    @property
    def meals(self) -> int:
        """The meals of one hand-over: three a day for each person."""
        return (self.adults + self.children) * self.days * _MEALS_A_DAY

    def without_free_text(self) -> "Quantity":
        """All of it: numbers only."""
        return self


class Allergen(Enum):
    """What must not be in the food: the 28 foods of the labelling rules; ``other``, which the note names."""

    SHRIMP = "shrimp"
    CRAB = "crab"
    WALNUT = "walnut"
    WHEAT = "wheat"
    BUCKWHEAT = "buckwheat"
    EGG = "egg"
    MILK = "milk"
    PEANUT = "peanut"
    ALMOND = "almond"
    ABALONE = "abalone"
    SQUID = "squid"
    SALMON_ROE = "salmon_roe"
    ORANGE = "orange"
    CASHEW = "cashew"
    KIWI = "kiwi"
    BEEF = "beef"
    SESAME = "sesame"
    SALMON = "salmon"
    MACKEREL = "mackerel"
    SOY = "soy"
    CHICKEN = "chicken"
    BANANA = "banana"
    PORK = "pork"
    MACADAMIA = "macadamia"
    PEACH = "peach"
    YAM = "yam"
    APPLE = "apple"
    GELATIN = "gelatin"
    OTHER = "other"


class Dietary(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the food must be like. ``other`` among the allergens tells a reader without the note to ask."""

    allergens: tuple[Allergen, ...] = ()
    no_cooking: bool = False
    supplements: bool = False
    soft_food: bool = False
    note: str | None = None

    def __post_init__(self) -> None:
        if len(set(self.allergens)) != len(self.allergens):
            raise ShapeError(Fault.TWICE, "allergens")
        check_text(self.note or "", _LONGEST_NOTE, "note")
        if Allergen.OTHER in self.allergens and not (self.note or "").strip():
            raise ShapeError(Fault.NOTE_MISSING, "note")

    def without_free_text(self) -> "_DietaryCodes":
        """Allergens and ticks; the note is None, whether there is one or not."""
        return _DietaryCodes(
            allergens=self.allergens,
            no_cooking=self.no_cooking,
            supplements=self.supplements,
            soft_food=self.soft_food,
        )


class _DietaryCodes(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The codes of a dietary value. No value of its own: ``other`` may stand here without the note."""

    allergens: tuple[Allergen, ...]
    no_cooking: bool
    supplements: bool
    soft_food: bool
    note: None = None


class Carrier(Enum):
    """Who takes the food: the person, a member of staff for them, or the recipient brings it."""

    PERSON = "person"
    STAFF = "staff"
    DELIVERY = "delivery"


class Pickup(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and where: ``time`` is HH:MM, ``place`` a code of the collaboration's list of places.

    A delivery to the home names no place: it uses the field ``address``.
    """

    date: date
    time: Annotated[str, msgspec.Meta(pattern=r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z")] | None = None
    place: Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_]{0,39}\Z")] | None = None
    who: Carrier

    def __post_init__(self) -> None:
        if self.place is None and self.who is not Carrier.DELIVERY:
            raise ShapeError(Fault.MISSING_KEY, "place")
        if self.place is not None and self.who is Carrier.DELIVERY:
            raise ShapeError(Fault.RANGE, "place")

    def without_free_text(self) -> "Pickup":
        """All of it: codes, a day and a time."""
        return self
