"""The types of a case's fields, and the one way in and out of a stored value.

1. A field has a slot: its number, never reused, never renumbered. A slot is the unit of sharing.
2. A new field always gets a new slot, else live consents would silently widen.
3. A stored value is the text as typed, or the canonical JSON of its struct; the empty value is no bytes.
4. A value that was read is stored and shown as the same value, byte for byte.
5. An error names the field, the fault and the path, never the value.

Which fields there are stands in ``policies/fields.toml``; this module knows types only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import NewType

import msgspec

from cases.errors import Fault, FieldError, ShapeError
from cases.ledger import Delivery, Observation, Reply
from cases.plan import Plan
from cases.request import Dietary, Pickup, Quantity
from cases.shapes import Evidence, Reasons, Shape, read_shape, store_shape
from cases.text import LONGEST_TEXT, check_kana, check_text, fold

__all__ = [
    "LONGEST_TEXT",
    "Category",
    "Field",
    "FieldCode",
    "FieldType",
    "Offer",
    "Purpose",
    "Slot",
    "fold",
    "read_value",
    "show_value",
    "show_without_free_text",
]

Slot = NewType("Slot", int)
"""A field's number, 1..65535. Inside the domain a field is its slot."""

FieldCode = NewType("FieldCode", str)
"""A field's word (``dietary``), for the edges: the files of policies, the API, the log."""


class Purpose(Enum):
    """What a consent is asked for."""

    FOOD_SUPPORT = "food_support"
    REFERRAL = "referral"


class Offer(Enum):
    """Whether the consent form of a purpose offers a field, and how it stands there before anybody ticks."""

    YES = "yes"
    OPTIONAL = "optional"
    OPTIONAL_OFF = "optional_off"
    WITH_RETURN = "with_return"  # only together with the direction recipient_to_owner
    NO = "no"


class Category(Enum):
    """What a field is about."""

    IDENTITY = "identity"
    CONTACT = "contact"
    SITUATION = "situation"
    HEALTH = "health"
    SUPPORT = "support"
    INTERNAL = "internal"


class FieldType(Enum):
    """How a field's values look: the JSON that comes in and goes out."""

    TEXT = "text"
    KANA = "kana"
    DATE = "date"
    CODE = "code"
    PLAN = "plan"
    QUANTITY = "quantity"
    DIETARY = "dietary"
    PICKUP = "pickup"
    DELIVERIES = "deliveries"
    OBSERVATIONS = "observations"
    REPLIES = "replies"
    REASONS = "reasons"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the registry.

    ``codes`` are the permitted values of a CODE field. ``thread``: it passes between the owner and one
    recipient, its values repeat, and ``read_value`` takes one of them (a request's, a row's). A purpose that
    is not in ``offers`` does not offer the field.
    """

    slot: Slot
    code: FieldCode
    label_ja: str
    label_en: str
    type: FieldType
    category: Category
    sensitive: bool
    codes: tuple[str, ...]
    thread: bool
    offers: Mapping[Purpose, Offer]


_SHAPES: Mapping[FieldType, type[Shape]] = {
    FieldType.PLAN: Plan,
    FieldType.QUANTITY: Quantity,
    FieldType.DIETARY: Dietary,
    FieldType.PICKUP: Pickup,
    FieldType.DELIVERIES: Delivery,
    FieldType.OBSERVATIONS: Observation,
    FieldType.REPLIES: Reply,
    FieldType.REASONS: Reasons,
    FieldType.FILE: Evidence,
}
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_value(field: Field, raw: object) -> bytes:
    """The bytes to store for a value as decoded JSON gives it; None and "" are the empty value.

    Raises:
        FieldError: the field's code, the fault, and the path inside the value.
    """
    if raw is None or raw == "":
        return b""
    try:
        shape = _SHAPES.get(field.type)
        return _read_text(field, raw) if shape is None else store_shape(read_shape(shape, raw))
    except ShapeError as error:
        raise FieldError(field.code, error.fault, error.path) from None


def show_value(field: Field, stored: bytes) -> object:
    """The JSON-able value of stored bytes; None for the empty value. What it gives, ``read_value`` takes.

    Raises:
        FieldError: ``not_canonical`` where the bytes are none that ``read_value`` gives.
    """
    if not stored:
        return None
    if field.type not in _SHAPES:
        return _decoded(field, stored)
    shown: object = msgspec.to_builtins(_stored_shape(field, stored))
    return shown


def show_without_free_text(field: Field, stored: bytes) -> object:
    """The value with nothing in it that somebody typed freely: codes, numbers and days only.

    A text is None as a whole; in a struct the free parts are None (or left out of a list), and its keys stay.
    """
    if not stored:
        return None
    if field.type not in _SHAPES:
        return _decoded(field, stored) if field.type in (FieldType.DATE, FieldType.CODE) else None
    bare = _stored_shape(field, stored).without_free_text()
    shown: object = None if bare is None else msgspec.to_builtins(bare)
    return shown


def _stored_shape(field: Field, stored: bytes) -> Shape:
    try:
        shape = read_shape(_SHAPES[field.type], msgspec.json.decode(stored))
    except (ShapeError, msgspec.MsgspecError, UnicodeDecodeError):
        raise FieldError(field.code, Fault.NOT_CANONICAL) from None
    if store_shape(shape) != stored:
        raise FieldError(field.code, Fault.NOT_CANONICAL)
    return shape


def _decoded(field: Field, stored: bytes) -> str:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        raise FieldError(field.code, Fault.NOT_CANONICAL) from None


def _read_text(field: Field, raw: object) -> bytes:
    if not isinstance(raw, str):
        raise ShapeError(Fault.TYPE)
    match field.type:
        case FieldType.KANA:
            check_kana(raw)
        case FieldType.DATE:
            _check_day(raw)
        case FieldType.CODE:
            if raw not in field.codes:
                raise ShapeError(Fault.UNKNOWN_CODE)
        case _:
            check_text(raw)
    return raw.encode()


def _check_day(text: str) -> None:
    if _ISO_DAY.fullmatch(text) is None:
        raise ShapeError(Fault.FORM)
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ShapeError(Fault.NO_SUCH_DAY) from None
