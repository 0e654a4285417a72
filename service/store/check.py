"""Looks at a database before anything writes to it: is it ours, and which root key and what data does it hold?

The connection is opened ``mode=ro``: closing a read-write one would write a left-over WAL into the file, and a start
with the wrong root key must leave every byte as it was.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from audit.errors import AuditError
from audit.event import Flag, read_leaf
from service.store.values import as_bytes, as_int, as_text

DatabaseError = sqlite3.Error
"""What SQLite itself raises, named here for floors that do not know it."""


class NotOursError(Exception):
    """A file that is no database of this program, or one that was never set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a database says of itself.

    ``proof`` is that of the root key ``root_key``. ``practice_row`` is what its own row says, ``practice_log``
    what the first entries of its trees say, each that can be read; the row alone could be edited. ``unreadable``: one
    of them is no entry.
    """

    root_key: int
    proof: bytes
    practice_row: bool
    practice_log: frozenset[bool]
    unreadable: bool


def look_over(path: Path) -> Found:
    """What the database at ``path`` says of itself; nothing is written. Raises NotOursError."""
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    try:
        return _read(connection)
    except sqlite3.Error:
        raise NotOursError from None
    finally:
        connection.close()


def _read(connection: sqlite3.Connection) -> Found:
    row = connection.execute("SELECT root_key, root_proof, practice FROM instance WHERE id = 1").fetchone()
    if row is None:
        raise NotOursError
    first = connection.execute(
        "SELECT leaf FROM entry WHERE idx = 0 AND leaf IS NOT NULL AND id IN (SELECT number << 40 FROM tree)"
    )
    said = {_says_practice(as_text(leaf[0])) for leaf in first}
    return Found(
        root_key=as_int(row[0]),
        proof=as_bytes(row[1]),
        practice_row=as_int(row[2]) == 1,
        practice_log=frozenset(one for one in said if one is not None),
        unreadable=None in said,
    )


def _says_practice(leaf: str) -> bool | None:
    """Whether an entry is one of practice data; None for a text that is no entry."""
    try:
        return Flag.PRACTICE in read_leaf(leaf.encode("utf-8")).entry.flags
    except AuditError:
        return None
