"""An entry and the erasable detail beside it, as far as both are believed."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from structlog import get_logger

from audit.errors import EntryError
from audit.event import Leaf, read_leaf
from service.store import details
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.trees import EntryRow, TreeRow


class Kept(enum.StrEnum):
    """What became of the detail that a leaf commits to; ``DAMAGED``: another one stands there, or the leaf is none."""

    KEPT = "kept"
    ERASED = "erased"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The detail beside an entry: which keys it has depends on the event (formats.md, Log detail)."""

    kept: Kept
    said: Mapping[str, str]


def read_row(row: EntryRow) -> Leaf:
    """The leaf of an entry that has its text. Raises TamperedError for a text that is no leaf."""
    try:
        return read_leaf((row.leaf or "").encode("utf-8"))
    except EntryError:
        raise TamperedError("entry") from None


async def read_beside(tx: Transaction, tree: TreeRow, row: EntryRow) -> tuple[Leaf | None, Mapping[str, str]]:
    """An entry and its detail; None where it has none, or where text or detail was erased. Raises TamperedError."""
    leaf = None if row.leaf is None else read_row(row)
    if leaf is None or leaf.entry.detail is None:
        return None, {}
    said = await details.detail(tx, tree.number, row.index, leaf.entry.detail)
    return (None, {}) if said is None else (leaf, said)


async def find_beside(tx: Transaction, tree: TreeRow, row: EntryRow) -> Beside | None:
    """What stands beside an entry that commits to a detail; what is not believed is reported, and shown as damaged."""
    if row.leaf is None or '"det":' not in row.leaf:
        return None
    try:
        leaf, said = await read_beside(tx, tree, row)
    except TamperedError as error:
        get_logger().error("tampered", table=error.table)
        return Beside(kept=Kept.DAMAGED, said={})
    return Beside(kept=Kept.ERASED if leaf is None else Kept.KEPT, said=said)
