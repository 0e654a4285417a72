"""A log that lost its end goes on as another one: a new origin, whose first entry holds the old one's last checkpoint.

Restoring a backup cuts every log short: what was signed after it is gone. Appending to the old log would fork it. So
the old log ends, where outsiders can see it, and the new one begins by saying what the old one was.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace

from audit.checkpoint import Checkpoint, body_of, open_checkpoint, read_body, write_body
from audit.errors import NoteError
from audit.event import Event, Flag
from audit.notary import Signed
from audit.tree import EMPTY
from service.flows.console import AdministrationError, Problem, record
from service.flows.notary import Behind, find_behind, holds, publish
from service.house import House
from service.store import organisations, trees
from service.store.engine import Transaction
from service.store.organisations import InstanceRow
from service.store.trees import TreeRow
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """An old log that ended at ``size`` entries, of which the database still has ``left``; and the new one's origin,
    None where the database knows nothing of what the log was for."""

    old: str
    size: int
    left: int
    new: str | None


async def continue_logs(house: House, notes: Collection[str] = ()) -> tuple[Continued, ...]:
    """Ends every log that is behind what was signed of it, and begins the one that goes on. Can be run again.

    ``notes``: checkpoints of ours that witnesses kept, for where the notary's own file was rolled back too.
    Raises NotaryError(STATE), AdministrationError(NOTARY_APART) where this process may not write the notary's state,
    and AdministrationError(BAD_NOTE) for a note that is no checkpoint of a log of this house.
    """
    if house.notary.seed is None:
        raise AdministrationError(Problem.NOTARY_APART)
    done = []
    known = [*await find_behind(house), *[one for note in notes for one in await _behind(house, note)]]
    found = {one.origin: one for one in sorted(known, key=lambda one: one.signed)}.values()
    gone = frozenset(one.origin for one in found)
    for behind in sorted(found, key=lambda one: _place(one.origin), reverse=True):
        tree = await _begin(house, behind, gone)
        async with house.notary.alone():
            state = house.notary.read()
            last = state.get(behind.origin, Signed(frontier=EMPTY))
            house.notary.write({**state, behind.origin: replace(last, ended=True)})
        if tree is not None:
            await publish(house, tree)
        done.append(
            Continued(
                old=behind.origin,
                size=behind.signed,
                left=behind.size,
                new=None if tree is None else tree.origin,
            )
        )
    return tuple(done)


async def _behind(house: House, note: str) -> tuple[Behind, ...]:
    """The log of a note that our key signed, where the log here is not the one that the note is over."""
    try:
        origin = read_body(body_of(note)).origin
        checkpoint = open_checkpoint(note, house.notary.key(origin))
    except NoteError:
        raise AdministrationError(Problem.BAD_NOTE) from None
    tree = next((one for one in await house.look(trees.growing_trees) if one.origin == origin), None)
    if tree is None:
        raise AdministrationError(Problem.BAD_NOTE)
    if await house.look(lambda tx: holds(tx, tree, checkpoint)):
        return ()
    size = (await house.look(lambda tx: trees.head(tx, tree.number))).size
    return (Behind(tree=tree.number, origin=origin, size=size, signed=checkpoint.size, root=checkpoint.root),)


def _place(origin: str) -> tuple[str, int]:
    """What an origin's log belongs to, and which of the logs that continue one another it is, from 1 on."""
    base, _, generation = origin.rpartition("/")[2].partition(".")
    return base, int(generation or 1)


async def _begin(house: House, behind: Behind, gone: Collection[str]) -> TreeRow | None:
    """The log that goes on after ``behind``; one that was begun already, and is none of ``gone``, is that one.

    Its generation is a new one, also where the database has lost logs that the notary has signed.
    """
    last = Checkpoint(origin=behind.origin, size=behind.signed, root=behind.root)
    digest = hashlib.sha256(write_body(last).encode("utf-8")).digest()
    base = _place(behind.origin)[0]
    signed = [_place(origin) for origin in house.notary.read()]

    async def job(tx: Transaction) -> Done[TreeRow | None]:
        newest = await trees.newest_tree(tx, base)
        operated = await organisations.instance(tx)
        if newest is None or operated is None:
            return Done(outcome=None)
        if newest.origin not in gone:
            return Done(outcome=newest)
        name = f"{base}.{max(number for of, number in (*signed, _place(newest.origin)) if of == base) + 1}"
        made = await trees.add_tree(tx, name, f"{house.settings.origin}/{name}")
        for user in await trees.appointed_to(tx, newest.number):
            await trees.appoint(tx, user, made.number)
        first = record(
            house, made.number, Event.LOG_CONTINUE, operated.operator, digest=digest, flags=_flags(operated)
        )
        return Done(outcome=made, records=(first,))

    return (await house.commit(job)).outcome


def _flags(operated: InstanceRow) -> tuple[Flag, ...]:
    return (Flag.PRACTICE,) if operated.practice else ()
