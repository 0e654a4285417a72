"""Structured values: what comes in as decoded JSON, and what is stored as canonical JSON.

A shape is a frozen struct that refuses unknown keys and checks itself when made. Canonical JSON is UTF-8
with sorted keys and no spaces, every key written: the same struct gives the same bytes.
"""

import re
from enum import Enum
from typing import Self, TypeVar

import msgspec

from cases.errors import Fault, ShapeError
from cases.text import check_text

_PATH = re.compile(r" - at `\$\.?([^`]*)`")
_FAULTS = (
    ("Object contains unknown field", Fault.UNKNOWN_KEY),
    ("Object missing required field", Fault.MISSING_KEY),
    ("Invalid enum value", Fault.UNKNOWN_CODE),
    ("Expected `int` ", Fault.RANGE),
    ("Expected `array` of length", Fault.TOO_MANY),
    ("Expected `str` ", Fault.FORM),
    ("Invalid ", Fault.FORM),
)
LARGEST_FILE = 512 * 1024
"""The largest scan or signature, in bytes."""


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A structured value of a field."""

    def without_free_text(self) -> "Shape | None":
        """The same with codes, numbers and days only; None where nothing would be left."""
        return None


S = TypeVar("S", bound=Shape)


def read_shape(shape: type[S], raw: object) -> S:
    """The struct that decoded JSON stands for.

    Raises:
        ShapeError: the fault and the path of the part; the path holds keys of the struct, never what came in.
    """
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise _told(str(error)) from None


def store_shape(shape: Shape) -> bytes:
    """The canonical JSON of a struct: sorted keys, no spaces, UTF-8."""
    return msgspec.json.encode(shape, order="sorted")


class Reasons(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why each of the two conditions holds or does not, in the caseworker's words (manual step 1)."""

    hardship: str = ""
    willing: str = ""

    def __post_init__(self) -> None:
        check_text(self.hardship, path="hardship")
        check_text(self.willing, path="willing")


class EvidenceKind(Enum):
    """What a piece of evidence is."""

    SCAN = "scan"
    SIGNATURE = "signature"


class Media(Enum):
    """The forms in which evidence is kept."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"


class Evidence(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scan or a signature that shows a consent; ``data`` is base64 in JSON, at most 512 KiB of bytes."""

    kind: EvidenceKind
    media: Media
    data: bytes

    def __post_init__(self) -> None:
        if not self.data:
            raise ShapeError(Fault.EMPTY, "data")
        if len(self.data) > LARGEST_FILE:
            raise ShapeError(Fault.TOO_LONG, "data")

    def without_free_text(self) -> Self | None:
        """Nothing: a picture of a form is free text."""
        return None


def _told(message: str) -> ShapeError:
    """msgspec's message as a fault and a path. It quotes keys that came in only before the path."""
    found = _PATH.search(message)
    fault = next((fault for start, fault in _FAULTS if message.startswith(start)), Fault.TYPE)
    return ShapeError(fault, found[1] if found is not None else "")
