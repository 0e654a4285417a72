"""Canaries: values that occur nowhere else, so that wherever one turns up it is known whose and what it is."""

import itertools
import re
from dataclasses import dataclass, field
from datetime import date, timedelta

_KANA = "あいうえおかきくけこさしすせそた"
_FOUND = re.compile(r"canary-[0-9a-f]{8}|かなりあ[" + _KANA + r"]{8}|1[0-8][0-9]{2}-[01][0-9]-[0-3][0-9]")
_FIRST_DAY = date(1001, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """What a value is: of which case and field; for a thread field whose thread and which request or row.

    ``note``: free text inside a structured value. ``dead``: the value was replaced, nobody sees it any more.
    """

    case: str
    field: str
    thread: str | None = None
    record: str | None = None
    note: bool = False


@dataclass(slots=True)
class Cage:
    """Every canary that was let out."""

    known: dict[str, Canary] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def text(self) -> str:
        return f"canary-{next(self._numbers):08x}"

    def kana(self) -> str:
        return "かなりあ" + "".join(_KANA[int(digit, 16)] for digit in f"{next(self._numbers):08x}")

    def day(self) -> str:
        return (_FIRST_DAY + timedelta(days=next(self._numbers))).isoformat()

    def keep(self, value: object, canary: Canary) -> None:
        """Notes what every canary inside a value is."""
        for word in find(str(value)):
            self.known[word] = canary


def find(text: str) -> set[str]:
    """The canaries in a text."""
    return set(_FOUND.findall(text))
