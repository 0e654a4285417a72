"""A log as a table for spreadsheets: a row an entry, a column a key of the leaf, safe to open.

UTF-8 with a byte order mark, every cell in quotes, lines end in CR LF. Cells are what the leaf says, so that a
verifier can make each row again; a cell that a spreadsheet would take for a formula gets an apostrophe in front.
"""

import re

from audit.leaf import KEYS, match_leaf

_LISTS = tuple(KEYS.index(key) for key in ("fld", "flg", "fno"))
_FORMULA = re.compile(r'"([=+\-@])')

HEADER = ("\ufeff" + ",".join(f'"{name}"' for name in ("index", *KEYS)) + "\r\n").encode("utf-8")


def write_row(index: int, leaf: bytes) -> bytes:
    """The row of the entry ``index``; raises EntryError for a leaf that breaks the rules."""
    cells = [text or "" for text in match_leaf(leaf).group(*KEYS)]
    return write_cells(index, cells)


def write_cells(index: int, cells: list[str]) -> bytes:
    """The row of an entry whose values, in the order of the keys, are these texts; lists are still JSON text."""
    for at in _LISTS:
        cells[at] = cells[at][2:-2].replace('","', " ")
    row = f'"{index}","' + '","'.join(cells) + '"\r\n'
    return _FORMULA.sub("\"'\\1", row).encode("ascii")
