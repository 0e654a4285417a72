"""Clean text: what bytes must be before anything of ours reads them.

Rules:

1. Text is strict UTF-8, without NUL (PostgreSQL cannot store it) and without bidi controls (they make a
   name or a note read differently from what it is).
2. JSON is one document (RFC 8259), at most `DEPTH` levels deep, no name twice in an object, no NaN or
   Infinity, and rule 1 holds for its strings after their escapes.

Everything takes linear time, and nothing recurses deeper than `DEPTH`.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

DEPTH: Final = 64
BRACKETS: Final = 4096

_UNWANTED = re.compile("[\0\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""NUL, and the code points with the property Bidi_Control (Unicode Standard Annex #9)."""
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A JSON string, or what is left of one that never ends; possessive, so that it takes linear time."""
_NOT_BRACKET = re.compile(r"[^\[\]]++")
_AS_LISTS = str.maketrans("{}", "[]")


class Fault(Enum):
    """Which of the two rules is broken."""

    ENCODING = "encoding"
    JSON = "json"


class UncleanError(Exception):
    """Bytes that nothing of ours may read; carries the `Fault`, never the bytes."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def check_text(data: bytes) -> str:
    """``data`` as clean text (rule 1); raises `UncleanError`."""
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise UncleanError(Fault.ENCODING) from None
    if _UNWANTED.search(text) is not None:
        raise UncleanError(Fault.ENCODING)
    return text


def check_json(data: bytes) -> None:
    """``data`` is clean JSON (rules 1 and 2); raises `UncleanError`."""
    text = check_text(data)
    _check_brackets(text)
    _check_depth(text)
    try:
        value: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except ValueError:
        raise UncleanError(Fault.JSON) from None
    if "\\u" in text:  # only an escape can still hide something: the text itself is clean
        for string in _strings(value):
            check_text(string.encode("utf-8", "surrogatepass"))


def _check_brackets(text: str) -> None:
    """A body of ours has a few hundred brackets: whoever sends thousands wants to keep the machine busy."""
    if text.count("[") + text.count("{") > BRACKETS:
        raise UncleanError(Fault.JSON)


def _check_depth(text: str) -> None:
    """Brackets are balanced and nest at most `DEPTH` deep; which closes which is left to the parser."""
    brackets = _NOT_BRACKET.sub("", _STRING.sub("", text).translate(_AS_LISTS))
    for _ in range(DEPTH):
        if not brackets:
            return
        brackets = brackets.replace("[]", "")  # takes away exactly the innermost level
    if brackets:
        raise UncleanError(Fault.JSON)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UncleanError(Fault.JSON)
    return found


def _no_constant(_name: str) -> object:
    raise UncleanError(Fault.JSON)


def _strings(value: object) -> Iterator[str]:
    """Every string in ``value``, names of objects included."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _strings(item)
        case dict():
            for name, item in value.items():
                yield from _strings(name)
                yield from _strings(item)
        case _:
            return
