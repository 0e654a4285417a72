"""How far the log is proven: recorded, then signed by the notary, then cosigned by witnesses, and when.

A cosignature that stands in the database is shown only if it holds: the database's administrator cannot make one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.checkpoint import Checkpoint, open_checkpoint, open_note, with_lines
from audit.errors import NoteError
from audit.proof import ProofText, write_proof
from audit.tiles import span_hash, tiles_for
from audit.tree import consistency_path, consistency_proof, inclusion_path, inclusion_proof
from crypto.notes import VerifierKey, read_vkey
from service.flows.errors import NotThereError
from service.house import House
from service.store import trees, witnesses
from service.store.engine import Transaction
from service.store.trees import TreeRow
from service.store.values import from_ms
from service.store.witnesses import CosignatureRow, WitnessState

LATE = timedelta(hours=24)
"""A log whose last cosignature is older is shown in red."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A witness said, at ``time``, that it saw the log at ``size`` entries."""

    witness: str
    size: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeState:
    """A log: how many entries are recorded, how many of them signed, and what each witness cosigned last.

    ``late``: the newest cosignature is older than a day while entries have come since, or none ever came.
    """

    tree: TreeRow
    size: int
    signed: int
    cosigned: tuple[Cosigned, ...]
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Of some entries: up to which size all is signed, and for each index who cosigned it first and when."""

    signed: int = 0
    cosigned: Mapping[int, tuple[Cosigned, ...]] = field(default_factory=dict)


async def tree_state(tx: Transaction, house: House, tree: TreeRow) -> TreeState:
    """How far a whole log is proven."""
    size = (await trees.head(tx, tree.number)).size
    signed = await _signed(tx, house, tree)
    rows = await witnesses.largest_cosigned(tx, tree.number)
    cosigned = await _held(tx, house, tree, rows)
    newest = max((one.time for one in cosigned), default=None)
    covered = max((one.size for one in cosigned), default=0)
    late = newest is None or (covered < size and house.clock() - newest > LATE)
    return TreeState(tree=tree, size=size, signed=signed, cosigned=cosigned, late=late)


async def proven(tx: Transaction, house: House, tree: TreeRow, indices: Collection[int]) -> Proven:
    """How far these entries are proven."""
    rows = await witnesses.covering(tx, tree.number, indices)
    held = await _held(tx, house, tree, rows)
    return Proven(
        signed=await _signed(tx, house, tree), cosigned={index: _first(held, index) for index in indices}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A leaf, its proof of inclusion, and the signed checkpoint that it is included in."""

    index: int
    size: int
    leaf_hash: bytes
    hashes: tuple[bytes, ...]
    text: str


async def proof_of(tx: Transaction, house: House, tree: TreeRow, index: int, note: str) -> Proof:
    """The proof that entry ``index`` is in the tree of ``note``, which covers it, with the cosignatures there are."""
    size = _open(house, tree, note).size
    row = await trees.entry(tx, tree.number, index)
    if row is None:
        raise NotThereError
    wanted = tiles_for(inclusion_path(index, size), size)
    tiles = {tile: await trees.tile_bytes(tx, tree.number, tile) for tile in wanted}
    hashes = inclusion_proof(index, size, lambda span: span_hash(span, size, tiles))
    whole = await note_with_cosignatures(tx, house, tree, note)
    text = write_proof(ProofText(index=index, hashes=hashes, note=whole))
    return Proof(index=index, size=size, leaf_hash=row.leaf_hash, hashes=hashes, text=text)


async def growth_proof(tx: Transaction, tree: TreeRow, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the tree of ``new`` entries continues that of ``old``; O(log n) reads."""
    wanted = tiles_for(consistency_path(old, new), new)
    tiles = {tile: await trees.tile_bytes(tx, tree.number, tile) for tile in wanted}
    return consistency_proof(old, new, lambda span: span_hash(span, new, tiles))


async def best_note(tx: Transaction, house: House, tree: TreeRow, index: int) -> str | None:
    """The checkpoint that proves an entry best: the largest that a witness cosigned, else the newest that covers it;
    None where none does."""
    held = await _held(tx, house, tree, await witnesses.largest_cosigned(tx, tree.number))
    sizes = [one.size for one in held if one.size > index]
    if sizes:
        return await trees.checkpoint(tx, tree.number, max(sizes))
    note = await trees.newest_checkpoint(tx, tree.number)
    return note if note is not None and _open(house, tree, note).size > index else None


def _first(held: Collection[Cosigned], index: int) -> tuple[Cosigned, ...]:
    """Of each witness the first cosignature over a log that has this entry."""
    found: dict[str, Cosigned] = {}
    for one in held:
        if one.size > index and (one.witness not in found or one.size < found[one.witness].size):
            found[one.witness] = one
    return tuple(found[name] for name in sorted(found))


async def _signed(tx: Transaction, house: House, tree: TreeRow) -> int:
    note = await trees.newest_checkpoint(tx, tree.number)
    return 0 if note is None else _open(house, tree, note).size


def _open(house: House, tree: TreeRow, note: str) -> Checkpoint:
    """A stored checkpoint; raises NoteError for one that the log's key did not sign."""
    return open_checkpoint(note, house.notary.key(tree.origin))


async def _held(
    tx: Transaction, house: House, tree: TreeRow, rows: Collection[CosignatureRow]
) -> tuple[Cosigned, ...]:
    """The cosignatures that hold, under the checkpoint of their size and the key of their witness."""
    known = await witnesses.witnesses_of(tx, tree.number)
    keys = {one.name: read_vkey(one.vkey) for one in known if one.state is WitnessState.ACTIVE}
    found = []
    for row in rows:
        note = await trees.checkpoint(tx, tree.number, row.size)
        if note is not None and row.name in keys and _holds(house, tree, note, row, keys[row.name]):
            found.append(Cosigned(witness=row.name, size=row.size, time=from_ms(row.time * 1000)))
    return tuple(found)


def _holds(house: House, tree: TreeRow, note: str, row: CosignatureRow, key: VerifierKey) -> bool:
    try:
        whole = with_lines(note, row.line)
        signature = open_note(whole, (key,)).signatures[0]
        return _open(house, tree, note).size == row.size and signature.time == row.time
    except NoteError:
        return False


async def note_with_cosignatures(tx: Transaction, house: House, tree: TreeRow, note: str) -> str:
    """The note with the lines of the witnesses of its size that hold."""
    size = _open(house, tree, note).size
    rows = await witnesses.cosignatures(tx, tree.number, size)
    names = {one.witness for one in await _held(tx, house, tree, rows)}
    for row in rows:
        if row.name in names:
            note = with_lines(note, row.line)
    return note
