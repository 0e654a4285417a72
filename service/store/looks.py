"""What the log says of one case in a period: every look, over all trees that continue one another, without a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.times import write_time
from service.store.engine import Transaction
from service.store.trees import TreeRow
from service.store.values import Value, as_int, as_text

END = 1 << 62
"""Above the key of every entry."""

_ABOUT = "tree = ? AND sub = ? AND +t >= ? AND +t < ? AND id < ? AND +dec IS NOT 'deny'"
_OPENED = "instr(leaf, '\"fld\":') > 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: of these trees, about this case, from ``since`` until before ``until``, with keys below ``end``.

    The key of an entry is its tree's number times 2⁴⁰ plus its index.
    """

    trees: tuple[TreeRow, ...]
    subject: str
    since: datetime
    until: datetime
    end: int = END


async def generations(tx: Transaction, name: str) -> tuple[TreeRow, ...]:
    """The tree of that name and all that continue it, oldest first."""
    rows = tx.rows(
        "SELECT number, name, origin FROM tree WHERE name = ? OR (name > ? || '.' AND name < ? || '/') ORDER BY number",
        name,
        name,
        name,
    )
    return tuple(TreeRow(number=as_int(row[0]), name=as_text(row[1]), origin=as_text(row[2])) for row in rows)


def key_of(tree: int, index: int) -> int:
    """The key of an entry."""
    return (tree << 40) | index


async def count_looks(tx: Transaction, wanted: Wanted) -> int:
    """How many entries opened fields of the case for somebody to see; a rotation shows them to nobody."""
    return sum(
        _number(
            tx,
            f"SELECT count(*) FROM entry WHERE {_ABOUT} AND {_OPENED} AND ev <> 'key.rotate'",  # noqa: S608  # constants
            *values,
        )
        for values in _each(wanted)
    )


async def looks(tx: Transaction, wanted: Wanted) -> tuple[str, ...]:
    """The leaves that opened fields of the case or sealed keys of it to a recipient, in their order."""
    found: list[str] = []
    for values in _each(wanted):
        rows = tx.rows(
            f"SELECT leaf FROM entry WHERE {_ABOUT} AND ({_OPENED} OR ev = 'key.seal') ORDER BY id",  # noqa: S608
            *values,
        )
        found += [as_text(row[0]) for row in rows]
    return tuple(found)


def _each(wanted: Wanted) -> list[tuple[Value, ...]]:
    since, until = write_time(wanted.since), write_time(wanted.until)
    return [(tree.number, wanted.subject, since, until, wanted.end) for tree in wanted.trees]


async def count_gone(tx: Transaction, wanted: Wanted) -> int:
    """How many entries of these trees, whoever they were about, have no text any more and may be of the period.

    The log's times only rise, so that such an entry lies between those whose time is known; a tree that is continued
    by one with an entry before the period is older than the period.
    """
    count = 0
    for tree in reversed(wanted.trees):
        before = _edge(tx, tree, "t < ? ORDER BY t DESC, id DESC", wanted.since)
        behind = _edge(tx, tree, "t >= ? ORDER BY t, id", wanted.until)
        count += _number(
            tx,
            "SELECT count(*) FROM entry WHERE tree = ? AND ev IS NULL AND id > ? AND id < ?",  # a text says its event
            tree.number,
            key_of(tree.number, 0) - 1 if before is None else before,
            min(wanted.end, key_of(tree.number + 1, 0) if behind is None else behind),
        )
        if before is not None:
            break
    return count


def _edge(tx: Transaction, tree: TreeRow, which: str, time: datetime) -> int | None:
    """The key of the entry of known time that is nearest to ``time`` on one side, or None."""
    found = tx.row(
        f"SELECT id FROM entry WHERE tree = ? AND {which} LIMIT 1",  # noqa: S608  # constants of this module
        tree.number,
        write_time(time),
    )
    return None if found is None else as_int(found[0])


async def first_issue(tx: Transaction, trees: Sequence[TreeRow], disclosure: str) -> int | None:
    """The key of the entry with which the disclosure's sheet was made first; None where it never was."""
    for tree in trees:
        found = tx.row(
            "SELECT id FROM entry WHERE tree = ? AND ev = 'disclosure.issue' AND obj = ? AND dec IS NOT 'deny' "
            "ORDER BY id LIMIT 1",
            tree.number,
            disclosure,
        )
        if found is not None:
            return as_int(found[0])
    return None


def _number(tx: Transaction, sql: str, *values: Value) -> int:
    found = tx.row(sql, *values)
    return 0 if found is None else as_int(found[0])
