"""The log's rows: entries are appended last, in the transaction of what they are about.

Rules kept here:
- One INSERT for 6,000 leaves of a commit; the head moves with them; complete tiles are written with them.
- A `Receipt` is made here only, after the commit, for one entry, and opens values once.
- What an entry may release is read from the entry itself, never from the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from audit.event import Entry, Event, canonical_all, later
from audit.tiles import WIDTH, Tile, completed_tiles, tile_root
from audit.tree import Frontier, append, leaf_hash
from service.store.details import Detail, put_detail
from service.store.engine import Transaction
from service.store.values import Value, as_bytes, as_int, from_ms, to_ms

RECEIPT_LIFE = timedelta(seconds=30)
_ROWS = 6_000
"""Rows of one INSERT at most: five values each stay below the 32,766 that SQLite binds by default."""
_COMPUTING = frozenset({Event.CASE_SCAN, Event.KEY_ROTATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One entry for one tree. ``hashes``: the records of the sealed rows that it wrote, 76 bytes each."""

    tree: int
    entry: Entry
    hashes: bytes = b""
    detail: Detail | None = None


class Receipt:
    """Proof that an entry is durable; whoever opens values spends it, once.

    ``tree``, ``index`` and ``leaf_hash`` (32 bytes) are what a reader keeps to ask for inclusion later.
    """

    __slots__ = ("_spent", "committed", "entry", "index", "leaf_hash", "tree")

    def __init__(self, *, tree: int, index: int, leaf_hash: bytes, entry: Entry, committed: datetime) -> None:
        self.tree = tree
        self.index = index
        self.leaf_hash = leaf_hash
        self.entry = entry
        self.committed = committed
        self._spent = False

    def release(self, *, actor: str, subject: str, fields: frozenset[str], now: datetime) -> None:
        """Spends the receipt for one case: raises RuntimeError unless the entry permits exactly this."""
        entry = self.entry
        self._spend(now, actor)
        if entry.subject != subject or not fields <= set(entry.fields) or entry.decision == "deny":
            raise RuntimeError("the entry does not name what is to be opened")

    def compute(self, *, actor: str, fields: frozenset[str], count: int, now: datetime) -> None:
        """Spends the receipt of a scan or a rotation: values are opened to compute with, and not shown."""
        entry = self.entry
        self._spend(now, actor)
        if entry.event not in _COMPUTING or not fields <= set(entry.fields) or (entry.count or 0) < count:
            raise RuntimeError("the entry is no scan or rotation of this")

    def _spend(self, now: datetime, actor: str) -> None:
        if self._spent:
            raise RuntimeError("a receipt opens values once")
        self._spent = True
        if self.entry.actor != actor or not abs(now - self.committed) < RECEIPT_LIFE:
            raise RuntimeError("the receipt is another's, or too old")


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """Where a record landed; becomes a receipt once the commit is through."""

    record: Record
    index: int
    leaf_hash: bytes


def append_records(tx: Transaction, records: Sequence[Record], now: datetime) -> list[Appended]:
    """Appends every record to its tree, in order, inside ``tx``. Raises EntryError for an entry that is none."""
    landed: dict[int, list[Appended]] = {}
    leaves: list[Value] = []
    order: list[Appended] = []
    for tree in sorted({record.tree for record in records}):
        mine = [record for record in records if record.tree == tree]
        landed[tree] = _append_to(tx, tree, mine, now, leaves)
    for first in range(0, len(leaves), 5 * _ROWS):
        values = leaves[first : first + 5 * _ROWS]
        places = ",".join(["(?,?,?,?,?)"] * (len(values) // 5))
        tx.rows(f"INSERT INTO entry (id, tree, idx, leaf, leaf_hash) VALUES {places}", *values)  # noqa: S608  # only places
    for record in records:
        order.append(landed[record.tree].pop(0))
    _keep_hashes(tx, order)
    for one in order:
        if one.record.detail is not None:
            put_detail(tx, one.record.tree, one.index, one.record.detail)
    return order


def _append_to(
    tx: Transaction, tree: int, records: list[Record], now: datetime, leaves: list[Value]
) -> list[Appended]:
    head = tx.row("SELECT size, frontier, last FROM head WHERE tree = ?", tree)
    if head is None:
        raise RuntimeError("no such tree")
    size, frontier_bytes, last = as_int(head[0]), as_bytes(head[1]), as_int(head[2])
    frontier = Frontier.decode(frontier_bytes)
    if frontier.size != size:
        raise RuntimeError("head and frontier disagree")
    moment = later(now, from_ms(last))
    texts = canonical_all((record.entry for record in records), moment)
    hashes = [leaf_hash(leaf) for leaf in texts]
    landed: list[Appended] = []
    for index, (record, leaf, hashed) in enumerate(zip(records, texts, hashes, strict=True), size):
        leaves += ((tree << 40) | index, tree, index, leaf.decode("ascii"), hashed)
        landed.append(Appended(record=record, index=index, leaf_hash=hashed))
    grown = append(frontier, hashes)
    _write_tiles(tx, tree, size, grown.size, hashes)
    tx.rows(
        "UPDATE head SET size = ?, root = ?, frontier = ?, last = ? WHERE tree = ?",
        grown.size,
        grown.root,
        grown.encode(),
        to_ms(moment),
        tree,
    )
    return landed


def _write_tiles(tx: Transaction, tree: int, old: int, new: int, hashes: list[bytes]) -> None:
    """Writes the tiles that became complete: level 0 from leaf hashes, the others from the tiles below."""
    for tile in completed_tiles(old, new):
        data = _from_leaves(tx, tree, old, hashes, tile) if tile.level == 0 else _from_tiles(tx, tree, tile)
        if len(data) != WIDTH * 32:
            raise RuntimeError("a complete tile has 256 hashes")
        tx.rows(
            "INSERT INTO tile (id, tree, level, n, root, data) VALUES (?, ?, ?, ?, ?, ?)",
            tile_id(tree, tile.level, tile.number),
            tree,
            tile.level,
            tile.number,
            tile_root(data),
            data,
        )


def tile_id(tree: int, level: int, number: int) -> int:
    """The integer key of a tile: ``(tree << 48) | (level << 40) | number``."""
    return (tree << 48) | (level << 40) | number


def _from_leaves(tx: Transaction, tree: int, old: int, hashes: list[bytes], tile: Tile) -> bytes:
    first = tile.number * WIDTH
    rows = tx.rows(
        "SELECT leaf_hash FROM entry WHERE id >= ? AND id < ? ORDER BY id",
        (tree << 40) | first,
        (tree << 40) | old,
    )
    new = hashes[max(0, first - old) : first + WIDTH - old]
    return b"".join([as_bytes(row[0]) for row in rows] + new)


def _from_tiles(tx: Transaction, tree: int, tile: Tile) -> bytes:
    """The roots of the tiles below, worked out again (once in 65,536 entries): no stored one is believed."""
    first = tile_id(tree, tile.level - 1, tile.number * WIDTH)
    rows = tx.rows("SELECT data FROM tile WHERE id >= ? AND id < ? ORDER BY id", first, first + WIDTH)
    return b"".join(tile_root(as_bytes(row[0])) for row in rows)


def _keep_hashes(tx: Transaction, landed: Sequence[Appended]) -> None:
    for one in landed:
        if one.record.hashes:
            tx.rows(
                "INSERT INTO sealed_digest (id, hashes) VALUES (?, ?)",
                (one.record.tree << 40) | one.index,
                one.record.hashes,
            )


def receipts(landed: Sequence[Appended], committed: datetime) -> tuple[Receipt, ...]:
    """The receipts of what was appended: called by the writer after the commit, and by nobody else."""
    return tuple(
        Receipt(
            tree=one.record.tree,
            index=one.index,
            leaf_hash=one.leaf_hash,
            entry=one.record.entry,
            committed=committed,
        )
        for one in landed
    )


def digest_of(hashes: bytes) -> bytes:
    """An entry's ``dig`` for sealed rows: SHA-256 of their concatenated hashes (formats.md, log leaf)."""
    return sha256(hashes).digest()
