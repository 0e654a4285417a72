"""Writes a tree out as a log file that anybody checks offline (formats.md, Log file).

The entry about the export is committed first, so that the file holds it too.
"""

from collections.abc import Awaitable, Callable

from audit.checkpoint import Checkpoint
from audit.event import Event
from service.flows.console import AdministrationError, Problem, record
from service.flows.entries import entry
from service.flows.notary import publish
from service.flows.people import tree_called
from service.house import House, Who
from service.store import organisations, trees
from service.store.engine import Transaction
from service.store.log import Record
from service.store.trees import EntryRow, TreeRow
from service.store.writer import Done

PIECE = 4096
"""Entries read at once."""


class RedactedError(Exception):
    """An entry without its text: this first form of the file cannot say so. ``index`` is the entry's."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def vkey_of(house: House, origin: str) -> str:
    """The public key of a tree's log: what the auditor gets on another way than the file."""
    return house.notary.vkey(origin)


async def export_log(
    house: House,
    tree: int,
    write: Callable[[bytes], object],
    who: Who | None = None,
    *,
    progress: Callable[[int, int], None] = lambda _done, _size: None,
) -> Checkpoint:
    """Writes the tree of that number: signed checkpoint, empty line, a leaf a line, a newline at the end.

    ``progress`` hears how many of how many entries are written. Raises AdministrationError(NO_TREE),
    RedactedError.
    """
    row = await _append_entry(house, tree, who)
    note, checkpoint = await publish(house, row)
    write(f"{note}\n".encode())
    for first in range(0, checkpoint.size, PIECE):
        stop = min(first + PIECE, checkpoint.size)
        write(await house.look(_lines(tree, first, stop)))
        progress(stop, checkpoint.size)
    return checkpoint


async def _append_entry(house: House, tree: int, who: Who | None) -> TreeRow:
    async def job(tx: Transaction) -> Done[TreeRow]:
        row = next((one for one in await trees.trees(tx) if one.number == tree), None)
        operated = await organisations.instance(tx)
        if row is None or operated is None:
            raise AdministrationError(Problem.NO_TREE)
        if who is None:
            made = record(house, tree, Event.LOG_EXPORT, operated.operator)
        else:
            made = Record(tree=tree, entry=entry(house, who, Event.LOG_EXPORT))
        return Done(outcome=row, records=(made,))

    return (await house.commit(job)).outcome


def _lines(tree: int, first: int, stop: int) -> Callable[[Transaction], Awaitable[bytes]]:
    async def query(tx: Transaction) -> bytes:
        rows = await trees.leaves(tx, tree, first, stop)
        return b"".join(map(_line, rows))

    return query


def _line(row: EntryRow) -> bytes:
    if row.leaf is None:
        raise RedactedError(row.index)
    return row.leaf.encode("ascii") + b"\n"


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
