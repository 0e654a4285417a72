"""Tables for a terminal: Japanese and English align, because a wide character counts as two columns.

Only characters of one known width are drawn: lines of boxes and circled digits are one column wide in one
terminal and two in another (Unicode Standard Annex 11, class A), so rules are made of hyphens.
"""

import shutil
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

NARROWEST, WIDEST = 100, 132
GAP = "  "
CUT = ".."
_WIDE = frozenset("WF")
_NO_WIDTH = frozenset({"Mn", "Me", "Cf"})


def width(text: str) -> int:
    """How many columns ``text`` takes."""
    return sum(map(_columns, text))


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in _WIDE else 1


def fit(text: str, columns: int) -> str:
    """``text`` on one line, exactly ``columns`` wide: cut with two dots, or filled with spaces."""
    line = " ".join(text.split())
    if width(line) > columns:
        line = _head(line, columns - len(CUT)) + CUT
    return line + " " * (columns - width(line))


def wrap(text: str, columns: int) -> list[str]:
    """``text`` on as many lines as it takes, each at most ``columns`` wide; broken at spaces where there are some."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if width(joined) <= columns:
            lines[-1] = joined
            continue
        lines += [""] if lines[-1] else []
        while width(word) > columns:
            lines[-1:] = [_head(word, columns), ""]
            word = word.removeprefix(lines[-2])
        lines[-1] = word
    return lines


def _head(line: str, columns: int) -> str:
    """As much of the line's beginning as fits."""
    taken = 0
    for at, letter in enumerate(line):
        taken += _columns(letter)
        if taken > columns:
            return line[:at]
    return line


def page_width() -> int:
    """How wide tables are drawn here."""
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size((120, 40)).columns))


def draw(
    headings: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[int], *, whole: bool = False
) -> list[str]:
    """The table's lines. ``shares``: a positive number is columns, a negative one a share of what is left.

    A cell is one line, cut where it is too long; ``whole``: it goes on under itself instead.
    """
    widths = _widths(shares, page_width())
    lines = [_line(headings, widths), GAP.join("-" * columns for columns in widths)]
    shown = [line for row in rows for line in (_wrapped(row, widths) if whole else [row])]
    return [line.rstrip() for line in (*lines, *(_line(row, widths) for row in shown))]


def _wrapped(row: Sequence[str], widths: Sequence[int]) -> list[tuple[str, ...]]:
    cells = [wrap(cell, columns) for cell, columns in zip(row, widths, strict=True)]
    return list(zip_longest(*cells, fillvalue=""))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(fit(cell, columns) for cell, columns in zip(cells, widths, strict=True))


def _widths(shares: Sequence[int], page: int) -> list[int]:
    left = page - len(GAP) * (len(shares) - 1) - sum(share for share in shares if share > 0)
    parts = -sum(share for share in shares if share < 0)
    return [share if share > 0 else left * -share // parts for share in shares]
