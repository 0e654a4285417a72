"""Goes through a whole table in pieces, and goes on where one cannot be read."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from service.flows.fsck.findings import Code, Find, Finding, ids_of
from service.store import fsck
from service.store.errors import UnavailableError
from service.store.fsck import Table, Unmarked
from service.store.macs import Marked
from service.store.reader import Look
from service.store.values import Row, as_int

PIECE = 1024
"""Rows read at once."""

KINDS = {
    Marked.USER: "u",
    Marked.MEMBERSHIP: "bo",
    Marked.GROUP_KEY: "go",
    Marked.CASE: "c",
    Marked.ASSIGNMENT: "cu",
    Marked.APPOINTMENT: "u",
    Marked.SESSION: "-u",
    Marked.SERIES: "kc",
    Marked.REQUEST: "rc",
    Marked.BUNDLE: "c",
    Marked.WITNESS: "",
    Marked.DISCLOSURE: "dc",
}
"""The kinds of the ids that stand first under a row's MAC; a dash for what is not told."""


async def pages(look: Look, table: Table, limit: int = PIECE) -> AsyncIterator[Sequence[Row]]:
    """The table's rows, so many at once, without their rowids. Raises UnavailableError."""
    after: int | None = fsck.LOWEST
    while after is not None:
        found = await look(partial(fsck.rows, table=table, after=after, limit=limit))
        yield [row[1:] for row in found]
        after = as_int(found[-1][0]) if len(found) == limit else None


async def each(
    look: Look, table: Table, see: Callable[[Row], None], find: Find, *, limit: int = PIECE
) -> bool:
    """Shows every row of the table; False, and a finding, where the database does not give them all."""
    try:
        async for page in pages(look, table, limit):
            for row in page:
                see(row)
    except UnavailableError:
        find(Finding(code=Code.UNREADABLE, table=table))
        return False
    return True


async def check_macs(look: Look, find: Find) -> frozenset[bytes]:
    """Finds every row whose MAC does not fit it; gives back the ids of the consent series among them."""
    series: set[bytes] = set()
    for marked in Marked:
        try:
            for row in await _unmarked(look, marked):
                kinds = ((kind, row[at]) for at, kind in enumerate(KINDS[marked]) if kind != "-")
                find(Finding(code=Code.MAC, table=fsck.table_of(marked), ids=ids_of(*kinds)))
                if marked is Marked.SERIES and isinstance(row[0], bytes):
                    series.add(row[0])
        except UnavailableError:
            find(Finding(code=Code.UNREADABLE, table=fsck.table_of(marked)))
    return frozenset(series)


async def _unmarked(look: Look, marked: Marked) -> list[Row]:
    bad: list[Row] = []
    after: int | None = fsck.LOWEST
    while after is not None:
        found: Unmarked = await look(partial(fsck.unmarked, marked=marked, after=after, limit=PIECE))
        bad += found.rows
        after = found.after
    return bad
