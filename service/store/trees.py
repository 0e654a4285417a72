"""The log as it is read: trees, heads, filtered entries, hashes for proofs, checkpoints, appointments."""

from dataclasses import dataclass
from uuid import UUID

from audit.tiles import WIDTH, Tile, tile_root
from audit.tree import EMPTY, EMPTY_ROOT
from cases.ids import UserId
from service.store.engine import Transaction
from service.store.filters import Filter, conditions
from service.store.log import tile_id
from service.store.macs import Marked
from service.store.values import Row, Value, as_bytes, as_int, as_text, maybe_text
from service.tables.log import Appointment, Head, Tree
from service.tables.log import Checkpoint as CheckpointTable


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """A log tree: ``name`` is the id of what it belongs to (``b_…`` or ``o_…``), ``origin`` its C2SP name."""

    number: int
    name: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRow:
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """One entry: its index, its stored text (None where it was redacted) and its leaf hash."""

    index: int
    leaf: str | None
    leaf_hash: bytes


async def add_tree(tx: Transaction, name: str, origin: str) -> TreeRow:
    """A new, empty tree."""
    found = tx.row("SELECT coalesce(max(number), 0) + 1 FROM tree")
    number = as_int(found[0]) if found else 1
    await Tree.insert(Tree(number=number, name=name, origin=origin))
    tx.rows(
        "INSERT INTO head (tree, size, root, frontier, last) VALUES (?, 0, ?, ?, 0)",
        number,
        EMPTY_ROOT,
        EMPTY.encode(),
    )
    return TreeRow(number=number, name=name, origin=origin)


async def trees(tx: Transaction) -> tuple[TreeRow, ...]:
    return tuple(_tree(row) for row in tx.rows("SELECT number, name, origin FROM tree ORDER BY number"))


async def newest_tree(tx: Transaction, name: str) -> TreeRow | None:
    """The tree of that name that takes entries now: the newest of those that continue one another."""
    found = tx.row(
        "SELECT number, name, origin FROM tree WHERE name = ? OR (name > ? || '.' AND name < ? || '/') "
        "ORDER BY number DESC LIMIT 1",
        name,
        name,
        name,
    )
    return None if found is None else _tree(found)


async def growing_trees(tx: Transaction) -> tuple[TreeRow, ...]:
    """The trees that take entries: those that no other continues."""
    rows = tx.rows(
        "SELECT t.number, t.name, t.origin FROM tree t WHERE NOT EXISTS "
        "(SELECT 1 FROM tree c WHERE c.name > t.name || '.' AND c.name < t.name || '/') ORDER BY t.number"
    )
    return tuple(_tree(row) for row in rows)


async def unsigned_trees(tx: Transaction) -> tuple[TreeRow, ...]:
    """The trees that take entries, and have some behind their newest checkpoint."""
    rows = tx.rows(
        "SELECT t.number, t.name, t.origin FROM tree t JOIN head h ON h.tree = t.number WHERE h.size > "
        "coalesce((SELECT max(size) FROM checkpoint WHERE id >= t.number << 40 AND id < (t.number + 1) << 40), 0) "
        "AND NOT EXISTS (SELECT 1 FROM tree c WHERE c.name > t.name || '.' AND c.name < t.name || '/') "
        "ORDER BY t.number"
    )
    return tuple(_tree(row) for row in rows)


async def tree_of_number(tx: Transaction, number: int) -> TreeRow:
    """The tree of that number, which there is."""
    found = tx.row("SELECT number, name, origin FROM tree WHERE number = ?", number)
    if found is None:
        raise RuntimeError("no such tree")
    return _tree(found)


async def tree_named(tx: Transaction, name: str) -> TreeRow | None:
    found = tx.row("SELECT number, name, origin FROM tree WHERE name = ?", name)
    return None if found is None else _tree(found)


def _tree(row: Row) -> TreeRow:
    return TreeRow(number=as_int(row[0]), name=as_text(row[1]), origin=as_text(row[2]))


async def head(tx: Transaction, tree: int) -> HeadRow:
    found = await Head.select(Head.size, Head.root).where(Head.tree == tree).first()
    if found is None:
        raise RuntimeError("no such tree")
    return HeadRow(size=as_int(found["size"]), root=as_bytes(found["root"]))


async def entry(tx: Transaction, tree: int, index: int) -> EntryRow | None:
    found = tx.row("SELECT idx, leaf, leaf_hash FROM entry WHERE id = ?", (tree << 40) | index)
    return None if found is None else _entry(found)


async def leaves(tx: Transaction, tree: int, first: int, stop: int) -> tuple[EntryRow, ...]:
    """The entries of the tree from index ``first`` up to but not with ``stop``, in order."""
    rows = tx.rows(
        "SELECT idx, leaf, leaf_hash FROM entry WHERE id >= ? AND id < ? ORDER BY id",
        (tree << 40) | first,
        (tree << 40) | stop,
    )
    return tuple(_entry(row) for row in rows)


async def take_out_texts(tx: Transaction, tree: int, first: int, stop: int) -> int:
    """The texts of these entries become NULL, their hashes stay; gives back how many went."""
    gone = tx.rows(
        "UPDATE entry SET leaf = NULL WHERE id >= ? AND id < ? AND leaf IS NOT NULL RETURNING id",
        (tree << 40) | first,
        (tree << 40) | stop,
    )
    return len(gone)


async def first_index_since(tx: Transaction, tree: int, time: str) -> int | None:
    """The index of the first entry that is not earlier than ``time``, as the log writes it."""
    found = tx.row("SELECT idx FROM entry WHERE tree = ? AND t >= ? ORDER BY t, idx LIMIT 1", tree, time)
    return None if found is None else as_int(found[0])


async def pruned_below(tx: Transaction, tree: int) -> int:
    """Below this index the texts were pruned, as entries of the tree say; 0 where none were."""
    found = tx.row("SELECT max(ref) FROM entry WHERE tree = ? AND ev = 'retention.prune'", tree)
    return 0 if found is None or found[0] is None else as_int(found[0])


async def entries(
    tx: Transaction, tree: int, wanted: Filter, before: int | None, limit: int, first: int = 0
) -> tuple[EntryRow, ...]:
    """At most ``limit`` entries that pass the filter, newest first, with indices from ``first`` up to ``before``."""
    where: list[str] = ["id >= ?", "id < ?"]
    end = (tree + 1) << 40 if before is None else (tree << 40) | before
    values: list[Value] = [(tree << 40) | first, end]
    for column, value in conditions(wanted):
        where.append(column)
        values.append(value)
    if len(where) > 2:
        where.append("tree = ?")
        values.append(tree)
    rows = tx.rows(
        f"SELECT idx, leaf, leaf_hash FROM entry WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",  # noqa: S608
        *values,
        limit,
    )
    return tuple(_entry(row) for row in rows)


def _entry(row: Row) -> EntryRow:
    return EntryRow(index=as_int(row[0]), leaf=maybe_text(row[1]), leaf_hash=as_bytes(row[2]))


async def tile_bytes(tx: Transaction, tree: int, tile: Tile) -> bytes:
    """A tile's hashes: complete ones as stored, partial ones from the entries or the stored roots of the tiles below.

    For what others verify; what is to be found wrong here, `tile_anew` reads.
    """
    if tile.width < WIDTH and tile.level > 0:
        first, stop = _below(tree, tile)
        rows = tx.rows("SELECT root FROM tile WHERE id >= ? AND id < ? ORDER BY id", first, stop)
        return b"".join(as_bytes(row[0]) for row in rows)
    return await tile_anew(tx, tree, tile)


async def tile_anew(tx: Transaction, tree: int, tile: Tile) -> bytes:
    """As `tile_bytes`, with the roots of the tiles below a partial one worked out again. Raises TreeError."""
    if tile.width == WIDTH:
        found = tx.row("SELECT data FROM tile WHERE id = ?", tile_id(tree, tile.level, tile.number))
        return b"" if found is None else as_bytes(found[0])
    if tile.level == 0:
        start = (tree << 40) | tile.number * WIDTH
        rows = tx.rows(
            "SELECT leaf_hash FROM entry WHERE id >= ? AND id < ? ORDER BY id", start, start + tile.width
        )
        return b"".join(as_bytes(row[0]) for row in rows)
    rows = tx.rows("SELECT data FROM tile WHERE id >= ? AND id < ? ORDER BY id", *_below(tree, tile))
    return b"".join(tile_root(as_bytes(row[0])) for row in rows)


def _below(tree: int, tile: Tile) -> tuple[int, int]:
    """The keys of the complete tiles whose roots a tile above level 0 holds: from the first up to the second."""
    first = tile_id(tree, tile.level - 1, tile.number * WIDTH)
    return first, first + tile.width


async def checkpoint(tx: Transaction, tree: int, size: int) -> str | None:
    """The signed note over the tree at that size, where one was made."""
    found = tx.row("SELECT note FROM checkpoint WHERE id = ?", (tree << 40) | size)
    return None if found is None else as_text(found[0])


async def newest_checkpoint(tx: Transaction, tree: int) -> str | None:
    """The note over the largest size that was signed."""
    found = tx.row(
        "SELECT note FROM checkpoint WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
        tree << 40,
        (tree + 1) << 40,
    )
    return None if found is None else as_text(found[0])


async def put_checkpoint(tx: Transaction, tree: int, size: int, note: str) -> None:
    """Keeps a note; one that is there already stays as it is."""
    if await checkpoint(tx, tree, size) is None:
        await CheckpointTable.insert(CheckpointTable(id=(tree << 40) | size, tree=tree, size=size, note=note))


async def appoint(tx: Transaction, user: UserId, tree: int) -> None:
    """Lets the auditor read the tree."""
    await Appointment.insert(
        Appointment(
            user=user.bytes,
            tree=tree,
            version=1,
            mac=tx.macs.make(Marked.APPOINTMENT, 1, (user.bytes, tree)),
        )
    )


async def appointed_to(tx: Transaction, tree: int) -> tuple[UserId, ...]:
    """The auditors appointed to a tree, each appointment's MAC checked."""
    rows = tx.rows("SELECT user, version, mac FROM appointment WHERE tree = ? ORDER BY id", tree)
    for row in rows:
        tx.macs.check(Marked.APPOINTMENT, as_int(row[1]), (as_bytes(row[0]), tree), row[2])
    return tuple(UserId(UUID(bytes=as_bytes(row[0]))) for row in rows)


async def trees_of(tx: Transaction, user: UserId) -> tuple[TreeRow, ...]:
    """The trees that the user is appointed to, each appointment's MAC checked."""
    rows = tx.rows(
        "SELECT t.number, t.name, t.origin, a.version, a.mac FROM appointment a JOIN tree t ON t.number = a.tree "
        "WHERE a.user = ? ORDER BY t.number",
        user.bytes,
    )
    for row in rows:
        tx.macs.check(Marked.APPOINTMENT, as_int(row[3]), (user.bytes, as_int(row[0])), row[4])
    return tuple(_tree(row) for row in rows)
