"""Witnesses of a tree and what they signed. A witness's row gives power and carries a MAC; a line proves itself."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from service.store.engine import Transaction
from service.store.macs import Marked
from service.store.values import Row, as_bytes, as_int, as_text, maybe_text
from service.tables.log import Cosignature, Witness


class WitnessState(StrEnum):
    """Whether a witness is asked and believed."""

    ACTIVE = "active"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessRow:
    """A witness of one tree: its key's name and text, the hash of its token, its address for pushes if it has one."""

    tree: int
    name: str
    vkey: str
    token: bytes
    url: str | None
    state: WitnessState
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignatureRow:
    """A signature line of a witness under the checkpoint of that size; ``time`` in Unix seconds."""

    size: int
    name: str
    time: int
    line: str


_COLUMNS = "tree, name, vkey, token, url, state, version, mac"


def _columns(row: WitnessRow) -> tuple[int | str | bytes | None, ...]:
    return (row.tree, row.name, row.vkey, row.token, row.url, row.state.value)


def _witness(tx: Transaction, row: Row) -> WitnessRow:
    found = WitnessRow(
        tree=as_int(row[0]),
        name=as_text(row[1]),
        vkey=as_text(row[2]),
        token=as_bytes(row[3]),
        url=maybe_text(row[4]),
        state=WitnessState(as_text(row[5])),
        version=as_int(row[6]),
    )
    tx.macs.check(Marked.WITNESS, found.version, _columns(found), row[7])
    return found


async def add_witness(tx: Transaction, row: WitnessRow) -> None:
    """A new witness of its tree."""
    await Witness.insert(
        Witness(
            tree=row.tree,
            name=row.name,
            vkey=row.vkey,
            token=row.token,
            url=row.url,
            state=row.state.value,
            version=row.version,
            mac=tx.macs.make(Marked.WITNESS, row.version, _columns(row)),
        )
    )


async def remove_witness(tx: Transaction, row: WitnessRow) -> None:
    """From here on the witness is neither asked nor let in; what it signed stays."""
    gone = replace(row, state=WitnessState.REMOVED, version=row.version + 1)
    tx.rows(
        "UPDATE witness SET state = ?, version = ?, mac = ? WHERE tree = ? AND name = ?",
        gone.state.value,
        gone.version,
        tx.macs.make(Marked.WITNESS, gone.version, _columns(gone)),
        row.tree,
        row.name,
    )


async def witnesses_of(tx: Transaction, tree: int) -> tuple[WitnessRow, ...]:
    """Every witness that the tree has or had, by name. Raises TamperedError."""
    rows = tx.rows(f"SELECT {_COLUMNS} FROM witness WHERE tree = ? ORDER BY name", tree)  # noqa: S608  # constants
    return tuple(_witness(tx, row) for row in rows)


async def witness_of_token(tx: Transaction, token: bytes) -> WitnessRow | None:
    """The witness whose token has this hash. Raises TamperedError."""
    found = tx.row(f"SELECT {_COLUMNS} FROM witness WHERE token = ?", token)  # noqa: S608  # constants
    return None if found is None else _witness(tx, found)


async def add_cosignature(tx: Transaction, tree: int, row: CosignatureRow) -> None:
    """Keeps a witness's line; one that is there already, of the same second, is not kept twice."""
    there = tx.row(
        "SELECT 1 FROM cosignature WHERE tree = ? AND name = ? AND size = ? AND time = ?",
        tree,
        row.name,
        row.size,
        row.time,
    )
    if there is None:
        await Cosignature.insert(
            Cosignature(tree=tree, size=row.size, name=row.name, time=row.time, line=row.line)
        )


async def cosignatures(tx: Transaction, tree: int, size: int) -> tuple[CosignatureRow, ...]:
    """The lines under the checkpoint of that size, the newest of each witness, by name."""
    rows = tx.rows(
        "SELECT size, name, max(time), line FROM cosignature WHERE tree = ? AND size = ? GROUP BY name ORDER BY name",
        tree,
        size,
    )
    return tuple(_cosignature(row) for row in rows)


async def largest_cosigned(tx: Transaction, tree: int) -> tuple[CosignatureRow, ...]:
    """For each witness the line under the largest size that it cosigned."""
    rows = tx.rows(
        "SELECT c.size, c.name, max(c.time), c.line FROM cosignature c WHERE c.tree = ? AND c.size = "
        "(SELECT max(size) FROM cosignature WHERE tree = c.tree AND name = c.name) GROUP BY c.name ORDER BY c.name",
        tree,
    )
    return tuple(_cosignature(row) for row in rows)


async def covering(tx: Transaction, tree: int, indices: Collection[int]) -> tuple[CosignatureRow, ...]:
    """The lines that say how far these entries are proven: of each witness the first one after each of them."""
    if not indices:
        return ()
    first, last = min(indices), max(indices)
    rows = tx.rows(
        "SELECT size, name, min(time), line FROM cosignature WHERE tree = ? AND size > ? AND size <= "
        "coalesce((SELECT min(size) FROM cosignature n WHERE n.tree = cosignature.tree AND n.name = cosignature.name "
        "AND n.size > ?), ?) GROUP BY name, size ORDER BY size, name",
        tree,
        first,
        last,
        1 << 41,
    )
    return tuple(_cosignature(row) for row in rows)


def _cosignature(row: Row) -> CosignatureRow:
    return CosignatureRow(
        size=as_int(row[0]), name=as_text(row[1]), time=as_int(row[2]), line=as_text(row[3])
    )
