"""`tsunagi fsck`: works everything out again, and compares the database with the log (formats.md, What fsck says).

It reads only, in one state of the database, and opens no value. What the log names and a row does not say any more is
found; what the log does not name is not: it is as true as the row's MAC.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from audit.notary import State
from service.flows.fsck.findings import Code, Find, Finding
from service.flows.fsck.notes import check_witnesses, read_state
from service.flows.fsck.rows import compare_rows
from service.flows.fsck.sealed import compare_sealed
from service.flows.fsck.series import check_series
from service.flows.fsck.tables import check_macs
from service.flows.fsck.told import Told
from service.flows.fsck.walk import Walk
from service.house import House
from service.store import fsck, trees
from service.store.errors import TamperedError, UnavailableError
from service.store.fsck import Table
from service.store.trees import TreeRow

__all__ = ["Checked", "Code", "Finding", "Table", "check_house"]

_NAME = re.compile(r"[bo]_[0-9a-f]{32}(?:\.[0-9]{1,9})?", re.ASCII)

Progress = Callable[[int, int], None]
"""Hears how many of how many entries were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How much was looked at, and how many findings there were."""

    entries: int
    findings: int


async def check_house(house: House, find: Find, progress: Progress = lambda _done, _size: None) -> Checked:
    """Checks log and rows; ``find`` hears each finding as it is made. Raises UnavailableError."""
    count = 0

    def heard(finding: Finding) -> None:
        nonlocal count
        count += 1
        find(finding)

    state = read_state(house, heard)  # before the database: whatever was signed by now is in it
    await house.look(fsck.begin)
    try:
        entries = await _check(house, state, heard, progress)
    finally:
        await house.look(fsck.end)
    return Checked(entries=entries, findings=count)


async def _check(house: House, state: State, find: Find, progress: Progress) -> int:
    told = Told()
    known = await _trees(house, find)
    entries = await _walk(house, known, state, told, find, progress)
    for origin in sorted(state.keys() - {tree.origin for tree in known}):
        if not state[origin].ended and state[origin].frontier.size:
            find(Finding(code=Code.BEHIND, table=Table.TREE, tree=origin))
    for tree in known:
        # One that has ended, and is here without the one that goes on: an older database twice.
        one, onward = state.get(tree.origin), f"{tree.name}."
        if one is not None and one.ended and not any(other.name.startswith(onward) for other in known):
            find(Finding(code=Code.BEHIND, table=Table.TREE, tree=tree.name))
    await check_witnesses(house, known, told, find)
    unmarked = await check_macs(house.look, find)
    await check_series(house.look, told, unmarked, find)
    await compare_sealed(house.look, told, find)
    await compare_rows(house.look, told, find)
    return entries


async def _trees(house: House, find: Find) -> tuple[TreeRow, ...]:
    """The trees, by their numbers; a name that is none is not shown."""
    try:
        there = await house.look(trees.trees)
    except TamperedError:
        find(Finding(code=Code.UNREADABLE, table=Table.TREE))
        return ()
    found = [tree for tree in there if 0 <= tree.number < fsck.MOST_TREES]
    for tree in there:
        if tree not in found or not tree.origin.endswith(f"/{tree.name}"):
            find(Finding(code=Code.CHANGED, table=Table.TREE, tree=f"#{tree.number}"))
    for table in await house.look(lambda tx: fsck.strays(tx, [tree.number for tree in found])):
        find(Finding(code=Code.PLANTED, table=table))
    return tuple(
        tree if _NAME.fullmatch(tree.name) else replace(tree, name=f"#{tree.number}") for tree in found
    )


async def _walk(
    house: House, known: tuple[TreeRow, ...], state: State, told: Told, find: Find, progress: Progress
) -> int:
    """Goes through every tree, in the order in which they continue one another; gives back how many entries."""
    size = done = 0
    for tree in known:
        size += await house.look(partial(fsck.highest, tree=tree.number))
    for tree in known:
        walk = Walk(house, tree, state, told, find)
        try:
            while await house.look(walk.piece):
                progress(done + walk.size, size)
        except UnavailableError:
            told.gaps = told.records_gone = True
            find(Finding(code=Code.UNREADABLE, table=Table.ENTRY, tree=tree.name))
        done += walk.size
    return done
