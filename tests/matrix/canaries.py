"""Canaries: every value of every case is one of a kind, so that an answer betrays whose value it shows.

A text carries a mark, a kana text kana that stand for digits, a birth date a day before 1950; numbers and codes that
cannot carry a mark are a combination of their own. What a test writes into a request's body is marked too and is
permitted to nobody: an answer that echoes it is found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations

from cases.request import Allergen

_TEXT = re.compile(r"Qz\d{4}zQ|ずく[かきくけこさしすせそ]{4}|19[0-4]\d-\d\d-\d\d")
_KANA = "かきくけこさしすせそ"
_FIRST_DAY = date(1901, 1, 1)
_PAIRS = tuple(combinations([one.value for one in Allergen if one is not Allergen.OTHER], 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Where a value belongs: the case's code, field, recipient's thread, request; ``free``: typed freely."""

    kind: str
    field: str
    thread: str | None = None
    request: str | None = None
    free: bool = False


@dataclass
class Canaries:
    """All that were made. Keys are texts, or (field, combination) for what cannot carry a mark."""

    known: dict[object, Canary] = field(default_factory=dict)
    made: int = 0

    def _number(self) -> int:
        self.made += 1
        return self.made

    def mark(self, canary: Canary) -> str:
        """A text of its own, which is also base64 of six bytes."""
        text = f"Qz{self._number():04d}zQ"
        self.known[text] = canary
        return text

    def kana(self, canary: Canary) -> str:
        """Kana of their own."""
        text = "ずく" + "".join(_KANA[int(digit)] for digit in f"{self._number():04d}")
        self.known[text] = canary
        return text

    def day(self, canary: Canary) -> str:
        """A birth date of its own."""
        text = (_FIRST_DAY + timedelta(days=self._number())).isoformat()
        self.known[text] = canary
        return text

    def allergens(self, canary: Canary) -> list[str]:
        """Two allergens that nobody else has together."""
        pair = list(_PAIRS[self._number() % len(_PAIRS)])
        if ("allergens", tuple(pair)) in self.known:
            raise ValueError("more dietary values than pairs of allergens")
        self.known["allergens", tuple(pair)] = canary
        return pair

    def quantity(self, canary: Canary) -> dict[str, int]:
        """Numbers that nobody else has together."""
        number = self._number()
        made = {
            "adults": 1 + number % 49,
            "children": number % 47,
            "days": 1 + number % 31,
            "times": 1 + number // 60,
        }
        self.known["quantity", tuple(made.values())] = canary
        return made

    def pickup(self, canary: Canary) -> dict[str, str]:
        """A time of its own."""
        number = self._number()
        time = f"{number // 60 % 24:02d}:{number % 60:02d}"
        self.known["pickup", time] = canary
        return {"date": "2026-12-24", "time": time, "place": "office", "who": "person"}

    def in_text(self, text: str) -> Iterator[Canary]:
        """The canaries that a text holds."""
        for mark in _TEXT.findall(text):
            if mark in self.known:
                yield self.known[mark]

    def in_json(self, value: object) -> Iterator[Canary]:
        """The canaries that a JSON value holds, combinations included."""
        match value:
            case str():
                yield from self.in_text(value)
            case list():
                for one in value:
                    yield from self.in_json(one)
            case dict():
                yield from self._combined(value)
                for name, one in value.items():
                    yield from self.in_text(name)
                    yield from self.in_json(one)

    def _combined(self, value: dict[str, object]) -> Iterator[Canary]:
        keys: list[object] = []
        if "adults" in value:
            keys.append(
                ("quantity", tuple(value.get(part) for part in ("adults", "children", "days", "times")))
            )
        if "time" in value and "who" in value:
            keys.append(("pickup", value["time"]))
        allergens = value.get("allergens")
        if isinstance(allergens, list):
            keys.append(("allergens", tuple(allergens)))
        yield from (self.known[key] for key in keys if key in self.known)
