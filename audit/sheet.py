"""A log as a table for spreadsheets: a row an entry, a column a key of the leaf, safe to open.

UTF-8 with a byte order mark, every cell in quotes, lines end in CR LF. Cells are what the leaf says, so that a
verifier can make each row again; a cell that a spreadsheet would take for a formula gets an apostrophe in front.
"""

import functools
import re
from collections.abc import Collection

from audit.leaf import KEYS, Values, scan_leaves

_FORMULA = re.compile(r'"([=+\-@])')
_LISTS, _BEHIND = KEYS.index("fld"), KEYS.index("fno") + 1  # the three lists stand side by side
_DET = KEYS.index("det")
_BETWEEN = '","'

HEADER = ("\ufeff" + ",".join(f'"{name}"' for name in ("index", *KEYS)) + "\r\n").encode("utf-8")


def write_row(index: int, leaf: bytes) -> bytes:
    """The row of the entry ``index``; raises EntryError for a leaf that breaks the rules."""
    return write_rows([(index, values) for values in scan_leaves([leaf])])


def write_rows(entries: Collection[tuple[int, Values]]) -> bytes:
    """The rows of entries: the index of each, and the values of its leaf as `scan_leaves` gives them."""
    rows = "".join([f'"{index}","{_BETWEEN.join(_cells(values))}"\r\n' for index, values in entries])
    if any(values[_DET] for _, values in entries):  # no other form lets a value begin with one of these
        rows = _FORMULA.sub("\"'\\1", rows)
    return rows.encode()


def _cells(values: Values) -> Values:
    return (*values[:_LISTS], *map(_join_list, values[_LISTS:_BEHIND]), *values[_BEHIND:])


@functools.lru_cache(maxsize=4096)
def _join_list(text: str) -> str:
    """The codes of a list's JSON text with spaces between."""
    return text[2:-2].replace(_BETWEEN, " ")
