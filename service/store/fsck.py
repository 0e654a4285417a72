"""What `tsunagi fsck` asks: whole tables in pieces, in one state of the database, with nothing believed.

Every value comes as it stands, whatever its kind; what is no UTF-8 in a text comes as marks of replacement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.macs import Column, Marked
from service.store.values import Row, Value, as_bytes, as_int

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
MOST_TREES = 1 << 15
"""Above any number of a tree whose tiles have keys."""
_INDEX = (1 << 40) - 1


class Table(StrEnum):
    """The tables that are looked at, by their names."""

    APPOINTMENT = "appointment"
    ASSIGNMENT = "assignment"
    BUNDLE = "bundle"
    CASES = "cases"
    CASE_KEY = "case_key"
    CHECKPOINT = "checkpoint"
    CONSENT_EVENT = "consent_event"
    CONSENT_SERIES = "consent_series"
    COSIGNATURE = "cosignature"
    DETAIL = "detail"
    DISCLOSURE = "disclosure"
    ENTRY = "entry"
    GROUP_KEY = "group_key"
    HEAD = "head"
    LEDGER_ROW = "ledger_row"
    MEMBERSHIP = "membership"
    MEMBER_SEAL = "member_seal"
    REQUEST = "request"
    SEALED = "sealed"
    SEALED_DIGEST = "sealed_digest"
    SEALED_GRANT = "sealed_grant"
    SESSION = "session"
    TILE = "tile"
    TREE = "tree"
    UNLOCK = "unlock"
    USER = "user"
    WITNESS = "witness"


_MARKED: Mapping[Marked, tuple[Table, str, str]] = {
    Marked.USER: (
        Table.USER,
        "id, organisation, login, name, role, state, sections, public_key",
        "version",
    ),
    Marked.MEMBERSHIP: (Table.MEMBERSHIP, "collaboration, organisation", "version"),
    Marked.GROUP_KEY: (Table.GROUP_KEY, '"group", organisation, epoch, x25519, ed25519', "version"),
    Marked.CASE: (
        Table.CASES,
        "id, number, collaboration, owner, sections, opened, closed, closing_reason, hardship, willing",
        "version",
    ),
    Marked.ASSIGNMENT: (Table.ASSIGNMENT, '"case", user', "version"),
    Marked.APPOINTMENT: (Table.APPOINTMENT, "user, tree", "version"),
    Marked.SESSION: (Table.SESSION, "id, user, transport, blob, created, expires", "version"),
    Marked.SERIES: (Table.CONSENT_SERIES, 'id, "case", recipient, purpose, number, last', "events"),
    Marked.REQUEST: (
        Table.REQUEST,
        'id, "case", recipient, stage, created, sent, accepted, ended, decline_reason',
        "version",
    ),
    Marked.BUNDLE: (Table.BUNDLE, '"case", "group", epoch, rotation_due, blob', "version"),
    Marked.WITNESS: (Table.WITNESS, "tree, name, vkey, token, url, state", "version"),
    Marked.DISCLOSURE: (
        Table.DISCLOSURE,
        'id, "case", since, until, asked_by, asked, approved_by, approved',
        "version",
    ),
}
"""Of each table with MACs: the columns under the MAC in their order, and the version's (formats.md, Row MAC)."""

_COMPARED: Mapping[Table, str] = {
    Table.ASSIGNMENT: '"case", user',
    Table.BUNDLE: '"case", rotation_due',
    Table.CASES: "id, closed",
    Table.CASE_KEY: '"case"',
    Table.CONSENT_SERIES: 'id, "case"',
    Table.COSIGNATURE: "tree, size, name, time, line",
    Table.LEDGER_ROW: 'id, "case", author, organisation, recipient, '
    '(SELECT thread FROM sealed s WHERE s."case" = ledger_row."case" AND s.record = ledger_row.id)',
    Table.MEMBER_SEAL: 'user, "group", epoch, (SELECT public_key FROM user u WHERE u.id = member_seal.user)',
    Table.REQUEST: 'id, "case", stage, EXISTS (SELECT 1 FROM ledger_row l WHERE l."case" = request."case" '
    "AND l.request = request.id AND l.kind = 'delivery')",
    Table.SEALED: '"case", record, slot, "column", thread, version, blob',
    Table.SEALED_GRANT: 'series, "case", digest, header',
    Table.UNLOCK: "user, salt, memory, passes, lanes",
    Table.USER: "id, role, state",
    Table.WITNESS: "tree, name, vkey, state",
}
"""Of each table that is compared with the log: what is compared."""


def table_of(marked: Marked) -> Table:
    """The table whose rows carry this MAC."""
    return _MARKED[marked][0]


async def begin(tx: Transaction) -> None:
    """From here on every look sees the database as it is now, whatever is written meanwhile.

    A text that is none is read all the same: one bad byte must not hide a whole table.
    """
    tx.connection.text_factory = lambda data: data.decode("utf-8", "replace")
    tx.rows("BEGIN")
    tx.rows("SELECT count(*) FROM tree")


async def end(tx: Transaction) -> None:
    """Looks see what is newest again, and only texts."""
    tx.connection.text_factory = str
    if tx.connection.in_transaction:
        tx.rows("ROLLBACK")


async def rows(tx: Transaction, table: Table, after: int, limit: int) -> Sequence[Row]:
    """The next rows behind the one with the rowid ``after``: rowid, then what is compared of the table."""
    sql = f"SELECT rowid, {_COMPARED[table]} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608  # constants
    return tx.rows(sql, after, limit)


async def events_of(tx: Transaction, series: bytes) -> Sequence[Row]:
    """The stored events of a series: number and bytes."""
    return tx.rows("SELECT number, event FROM consent_event WHERE series = ? ORDER BY number", series)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmarked:
    """Rows whose MAC does not fit, by their columns in order; ``after``: where to go on, None at the end."""

    rows: tuple[Row, ...]
    after: int | None


async def unmarked(tx: Transaction, marked: Marked, after: int, limit: int) -> Unmarked:
    """Which of the next rows of a table with MACs are not as the service wrote them."""
    table, columns, version = _MARKED[marked]
    sql = f"SELECT rowid, {version}, mac, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608  # constants
    found = tx.rows(sql, after, limit)
    bad = tuple(row[3:] for row in found if not _fits(tx, marked, row))
    return Unmarked(rows=bad, after=as_int(found[-1][0]) if len(found) == limit else None)


def _fits(tx: Transaction, marked: Marked, row: Row) -> bool:
    try:
        columns = [_column(value) for value in row[3:]]
        if marked is Marked.BUNDLE:
            columns[-1] = sha256(as_bytes(row[-1])).digest()
        tx.macs.check(marked, as_int(row[1]), columns, row[2])
    except TamperedError:
        return False
    return True


def _column(value: Value) -> Column:
    if isinstance(value, float):
        raise TamperedError("value")
    return value


# The log's own tables, by ranges of their keys.


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands beside the entries of a range of keys: records, details (tree and index), and signed checkpoints."""

    records: dict[int, Value]
    details: dict[int, Row]
    notes: tuple[Row, ...]


async def entries(tx: Transaction, tree: int, after: int, limit: int) -> Sequence[Row]:
    """The next entries of the tree behind the key ``after``: key, tree, index, text, hash."""
    return tx.rows(
        "SELECT id, tree, idx, leaf, leaf_hash FROM entry WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
        after,
        (tree + 1) << 40,
        limit,
    )


async def beside(tx: Transaction, tree: int, after: int, last: int) -> Beside:
    """What stands beside the entries of the tree behind the key ``after``, up to and with ``last``.

    A checkpoint stands at its size, which is one more than the index of its last entry; its row is key, tree, size
    and the note. That of the empty tree stands beside the first entry.
    """
    records = tx.rows("SELECT id, hashes FROM sealed_digest WHERE id > ? AND id <= ?", after, last)
    details = tx.rows("SELECT id, tree, idx FROM detail WHERE id > ? AND id <= ?", after, last)
    notes = tx.rows(
        "SELECT id, tree, size, note FROM checkpoint WHERE id > ? AND id <= ? ORDER BY id",
        after + 1 if after >= tree << 40 else after,
        min(last + 1, ((tree + 1) << 40) - 1),
    )
    return Beside(
        records={as_int(row[0]): row[1] for row in records},
        details={as_int(row[0]): row[1:] for row in details},
        notes=tuple(notes),
    )


async def head(tx: Transaction, tree: int) -> Row | None:
    """The tree's head: size, root, frontier, last time."""
    return tx.row("SELECT size, root, frontier, last FROM head WHERE tree = ?", tree)


async def tile(tx: Transaction, key: int) -> Row | None:
    """A stored tile: tree, level, number, data, root."""
    return tx.row("SELECT tree, level, n, data, root FROM tile WHERE id = ?", key)


async def tiles(tx: Transaction, tree: int) -> tuple[int, ...]:
    """The keys of all tiles that are stored of the tree."""
    found = tx.rows("SELECT id FROM tile WHERE id >= ? AND id < ? ORDER BY id", tree << 48, (tree + 1) << 48)
    return tuple(as_int(row[0]) for row in found)


async def note(tx: Transaction, tree: int, size: int) -> Value:
    """What stands for the signed note over the tree at that size; None where nothing does."""
    found = tx.row("SELECT note FROM checkpoint WHERE id = ?", (tree << 40) | size)
    return None if found is None else found[0]


async def highest(tx: Transaction, tree: int) -> int:
    """One more than the index of the tree's last entry."""
    found = tx.row("SELECT max(id) FROM entry WHERE id >= ? AND id < ?", tree << 40, (tree + 1) << 40)
    return 0 if found is None or found[0] is None else (as_int(found[0]) & _INDEX) + 1


async def strays(tx: Transaction, trees: Sequence[int]) -> tuple[Table, ...]:
    """The log's tables that hold rows of a tree that there is not."""
    shifts = {
        Table.ENTRY: 40,
        Table.CHECKPOINT: 40,
        Table.DETAIL: 40,
        Table.SEALED_DIGEST: 40,
        Table.TILE: 48,
    }
    found = [table for table, shift in shifts.items() if _strays(tx, table, shift, trees)]
    marks = ",".join("?" * len(trees)) or "NULL"
    if tx.row(f"SELECT 1 FROM head WHERE tree NOT IN ({marks}) LIMIT 1", *trees) is not None:  # noqa: S608  # places
        found.append(Table.HEAD)
    return tuple(found)


def _strays(tx: Transaction, table: Table, shift: int, trees: Sequence[int]) -> bool:
    """Whether a key lies in the ranges between those of the trees."""
    edges = [LOWEST, *(edge for tree in sorted(trees) for edge in ((tree << shift) - 1, (tree + 1) << shift))]
    gaps = zip(edges[::2], [*edges[1::2], HIGHEST], strict=True)
    sql = f"SELECT 1 FROM {table} WHERE id >= ? AND id <= ? LIMIT 1"  # noqa: S608  # a name of ours
    return any(tx.row(sql, first, last) is not None for first, last in gaps if first <= last)
