"""Writes a log out as a bundle that anybody checks offline (formats.md, Bundle), in pieces of bounded size.

The entry about the export is committed first, and a checkpoint over it is signed, so that the bundle holds it too.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import audit
from audit.bundle import SCOPE, TABLE
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.chosen import CHOSEN, write_chosen
from audit.event import Event
from audit.layout import CHECKPOINT, bundle_path, bundles_of, tile_path, tiles_of, write_bundle
from audit.sheet import HEADER, write_row
from audit.tiles import WIDTH, Tile
from cases.ids import CASE, COLLABORATION, read_id, write_id
from service.flows.console import AdministrationError, Problem, record
from service.flows.export_words import write_policy, write_readme
from service.flows.log import tree_of_looks
from service.flows.notary import publish
from service.flows.people import tree_called
from service.flows.proven import note_with_cosignatures, tree_state
from service.flows.views import ReceiptView, receipt_view
from service.house import House
from service.store import cases, organisations, trees, witnesses
from service.store.engine import Transaction
from service.store.filters import Filter
from service.store.trees import EntryRow, TreeRow
from service.store.witnesses import WitnessRow, WitnessState
from service.store.writer import Done

PIECE = 4096
"""Entries read at once."""

VERIFIER = "verify.py"

NewFile = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens a new file of the bundle by its name; one at a time."""
Progress = Callable[[int, int], None]
"""Hears how many of how many entries are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is exported of a tree: all, or the entries from ``since`` on, or those of one case (``c_…``).

    ``cosigned``: up to the largest checkpoint that a witness has cosigned, for a policy that asks for witnesses.
    """

    tree: int
    since: int | None = None
    case: str | None = None
    cosigned: bool = False

    @property
    def scope(self) -> str:
        """The line of the file ``scope``."""
        if self.case is not None:
            return f"case {self.case}"
        return "whole" if self.since is None else f"since {self.since}"


def read_verifier() -> bytes:
    """The one-file verifier as it is installed: a copy lies in each bundle, for convenience."""
    return (Path(audit.__file__).parent / "standalone.py").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The checkpoint that a bundle ends with, and the receipt of the entry about the export."""

    checkpoint: Checkpoint
    receipt: ReceiptView


async def export_log(house: House, wanted: Wanted, new: NewFile, progress: Progress) -> Exported:
    """Writes the bundle, file by file.

    Raises AdministrationError(NO_TREE, BAD_SINCE, NOT_COSIGNED), NotaryError, NotSignedError.
    """
    tree, receipt = await _append_entry(house, wanted)
    note, checkpoint = await publish(house, tree)
    if wanted.cosigned:
        note, checkpoint = await _cosigned(house, tree)
    if (wanted.since or 0) > checkpoint.size:  # of a log that was cosigned up to less
        raise AdministrationError(Problem.BAD_SINCE)
    whole = await house.look(lambda tx: note_with_cosignatures(tx, house, tree, note))
    known = await house.look(lambda tx: witnesses.witnesses_of(tx, tree.number))
    _write(new, CHECKPOINT, whole.encode("utf-8"))
    _write(new, SCOPE, f"tsunagi-export/v1\n{wanted.scope}\n".encode("ascii"))
    _write(new, "policy.txt", _policy(house, tree, known))
    _write(new, "README.txt", write_readme(tree.origin, checkpoint.size, wanted.scope, receipt.number))
    _write(new, VERIFIER, read_verifier())
    for tile in tiles_of(checkpoint.size):
        _write(new, tile_path(tile), await house.look(_hashes(tree.number, tile)))
    if wanted.case is None:
        await _write_entries(house, wanted, checkpoint.size, new, progress)
    else:
        await _write_case(house, wanted, checkpoint.size, new, progress)
    return Exported(checkpoint=checkpoint, receipt=receipt)


async def _cosigned(house: House, tree: TreeRow) -> tuple[str, Checkpoint]:
    """The largest checkpoint that a witness has cosigned. Raises AdministrationError(NOT_COSIGNED)."""
    state = await house.look(lambda tx: tree_state(tx, house, tree))
    size = max((one.size for one in state.cosigned), default=0)
    note = await house.look(lambda tx: trees.checkpoint(tx, tree.number, size))
    if note is None:
        raise AdministrationError(Problem.NOT_COSIGNED)
    return note, open_checkpoint(note, house.notary.key(tree.origin))


def _write(new: NewFile, name: str, data: bytes) -> None:
    with new(name) as file:
        file.write(data)


def _policy(house: House, tree: TreeRow, known: tuple[WitnessRow, ...]) -> bytes:
    active = [row.vkey for row in known if row.state is WitnessState.ACTIVE]
    return write_policy(house.notary.vkey(tree.origin), active)


async def _append_entry(house: House, wanted: Wanted) -> tuple[TreeRow, ReceiptView]:
    """The tree to export; its own log says that it was, or, where that has ended, the one that goes on."""

    async def job(tx: Transaction) -> Done[TreeRow]:
        row = next((one for one in await trees.trees(tx) if one.number == wanted.tree), None)
        operated = await organisations.instance(tx)
        if row is None or operated is None:
            raise AdministrationError(Problem.NO_TREE)
        if not 0 <= (wanted.since or 0) <= (await trees.head(tx, row.number)).size:
            raise AdministrationError(Problem.BAD_SINCE)
        made = record(house, await tree_of_looks(tx, row), Event.LOG_EXPORT, operated.operator)
        about = replace(made, entry=replace(made.entry, subject=wanted.case))
        return Done(outcome=row, records=(about,))

    done = await house.commit(job)
    return done.outcome, receipt_view(done.receipts[0])


async def _write_entries(house: House, wanted: Wanted, size: int, new: NewFile, progress: Progress) -> None:
    """The entry bundles, and then the same entries as a table."""
    first = (wanted.since or 0) // WIDTH
    for tile in bundles_of(size, first):
        start = tile.number * WIDTH
        rows = await house.look(_leaves(wanted.tree, start, start + tile.width))
        leaves = [None if row.leaf is None else row.leaf.encode("ascii") for row in rows]
        if any(leaf is not None for leaf in leaves):
            _write(new, bundle_path(tile), write_bundle(leaves))
        if tile.number % 64 == 0 or start + tile.width == size:
            progress(start + tile.width, size)
    with new(TABLE) as file:
        file.write(HEADER)
        for start in range(first * WIDTH, size, PIECE):
            rows = await house.look(_leaves(wanted.tree, start, min(start + PIECE, size)))
            file.write(
                b"".join(
                    write_row(row.index, row.leaf.encode("ascii")) for row in rows if row.leaf is not None
                )
            )


def _hashes(tree: int, tile: Tile) -> Callable[[Transaction], Awaitable[bytes]]:
    async def query(tx: Transaction) -> bytes:
        return await trees.tile_bytes(tx, tree, tile)

    return query


def _leaves(tree: int, first: int, stop: int) -> Callable[[Transaction], Awaitable[tuple[EntryRow, ...]]]:
    async def query(tx: Transaction) -> tuple[EntryRow, ...]:
        return await trees.leaves(tx, tree, first, stop)

    return query


async def _write_case(house: House, wanted: Wanted, size: int, new: NewFile, progress: Progress) -> None:
    """The entries that name the case, oldest first."""
    rows: list[EntryRow] = []
    async for row in _of_case(house, wanted, size):
        rows.append(row)
        if len(rows) % PIECE == 0:
            progress(size - row.index, size)
    progress(size, size)
    with new(CHOSEN) as file:
        for row in reversed(rows):
            if row.leaf is not None:
                file.write(write_chosen(row.index, row.leaf.encode("ascii")))


async def _of_case(house: House, wanted: Wanted, size: int) -> AsyncIterator[EntryRow]:
    """The entries that name the case, newest first, a piece at a time."""
    asked = Filter(subject=wanted.case)
    before = size
    while True:
        rows = await house.look(_page(wanted.tree, asked, before))
        for row in rows:
            yield row
        if len(rows) < PIECE:
            return
        before = rows[-1].index


def _page(tree: int, asked: Filter, before: int) -> Callable[[Transaction], Awaitable[tuple[EntryRow, ...]]]:
    async def query(tx: Transaction) -> tuple[EntryRow, ...]:
        return await trees.entries(tx, tree, asked, before, PIECE)

    return query


async def tree_to_export(house: House, name: str | None) -> int:
    """The number of the tree called so; None: that of the only collaboration.

    Raises AdministrationError (NO_TREE, WHICH_COLLABORATION).
    """

    async def query(tx: Transaction) -> int:
        if name is not None:
            return await tree_called(tx, name)
        everything = await organisations.collaborations(tx)
        if len(everything) != 1:
            raise AdministrationError(Problem.WHICH_COLLABORATION)
        return await tree_called(tx, everything[0][1])

    return await house.look(query)


async def case_to_export(house: House, text: str, tree: str | None = None) -> tuple[str, int]:
    """The id's text of the case with that id or number, and the tree called so: its collaboration's newest unless
    named.

    Raises AdministrationError (NO_CASE, NO_TREE).
    """

    async def query(tx: Transaction) -> tuple[str, int]:
        found = await cases.case_called(tx, read_id(CASE, text), text)
        if found is None:
            raise AdministrationError(Problem.NO_CASE)
        return write_id(CASE, found.id), await tree_called(
            tx, tree or write_id(COLLABORATION, found.collaboration)
        )

    return await house.look(query)
