"""Checkpoints: signed by the notary at each export and each minute when entries came, and kept.

The notary reads the entries' text since the size that it signed last, works the root out again, and refuses a tree
that shrank or changed. A log that it refuses takes no more entries (`House.stop_appending`). A log that has ended is
signed no more: what stands in the database of it is what is left.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from audit.checkpoint import Checkpoint, open_checkpoint, sign_note, write_body
from audit.errors import NotaryError, NotaryFault, NoteError, TreeError
from audit.notary import Signed, State, check_grown, grow, signed
from audit.tiles import span_hash, tiles_for
from audit.tree import Frontier, frontier_spans
from service.flows.errors import NotSignedError
from service.house import House
from service.logs import get_logger
from service.notary import Notary
from service.store import trees
from service.store.engine import Transaction
from service.store.reader import Look
from service.store.trees import EntryRow, HeadRow, TreeRow
from service.store.writer import Done

PIECE = 4096
"""Entries read at once."""


async def publish(house: House, tree: TreeRow) -> tuple[str, Checkpoint]:
    """The newest signed checkpoint of a tree: over all entries committed by now, where the notary runs inside.

    Raises NotaryError where the notary refuses, NotSignedError where one that runs apart, or the log that ended, has
    none.
    """
    try:
        if has_ended(house, tree):
            return await _newest(house, tree)
        if house.notary.seed is None:
            return await _collected(house, tree)
        note, checkpoint = await sign_tree(house.notary, house.look, tree)
    except OSError:
        get_logger().error("log_not_signed", tree=tree.name, reason=NotaryFault.STATE.value)
        raise NotaryError(NotaryFault.STATE) from None
    except NotaryError as error:
        if error.fault is not NotaryFault.STATE:
            house.stop_appending()
        get_logger().error("log_not_signed", tree=tree.name, reason=error.fault.value)
        raise
    await _keep(house, tree, checkpoint.size, note)
    return note, checkpoint


def has_ended(house: House, tree: TreeRow) -> bool:
    """Whether another log goes on after this one (`tsunagi log continue`). Raises NotaryError(STATE)."""
    one = house.notary.read().get(tree.origin)
    return one is not None and one.ended


async def sign_tree(notary: Notary, look: Look, tree: TreeRow) -> tuple[str, Checkpoint]:
    """The note over the tree's head, signed: nothing but the notary's state and the entries' text is believed."""
    async with notary.alone():
        state = notary.read()
        before = signed(state, tree.origin)
        if tree.origin in state and state[tree.origin].ended:
            raise NotaryError(NotaryFault.ENDED, before.size)
        _check_begun(state, tree)
        found = await look(lambda tx: trees.head(tx, tree.number))
        claimed = Checkpoint(origin=tree.origin, size=found.size, root=found.root)
        after = before
        while after.size < claimed.size:
            stop = min(after.size + PIECE, claimed.size)
            rows = await look(_leaves(tree.number, after.size, stop))
            if len(rows) != stop - after.size:
                raise NotaryError(NotaryFault.CHANGED, before.size)
            after = grow(after, (None if row.leaf is None else row.leaf.encode() for row in rows))
        check_grown(before, after, claimed)
        if notary.seed is None:
            raise NotaryError(NotaryFault.STATE)
        if after != before:
            notary.write({**state, tree.origin: Signed(frontier=after)})
        return sign_note(write_body(claimed), tree.origin, notary.seed), claimed


def _check_begun(state: State, tree: TreeRow) -> None:
    """Lets pass a first generation, and one whose elder has ended: a planted row would divert the log to itself.

    Raises NotaryError(CHANGED).
    """
    base, dot, generation = tree.name.partition(".")
    if not dot:
        return
    elder = base if generation == "2" else f"{base}.{int(generation) - 1}"
    before = state.get(tree.origin.removesuffix(tree.name) + elder)
    if before is None or not before.ended:
        raise NotaryError(NotaryFault.CHANGED)


def _leaves(tree: int, first: int, stop: int) -> Callable[[Transaction], Awaitable[tuple[EntryRow, ...]]]:
    async def query(tx: Transaction) -> tuple[EntryRow, ...]:
        return await trees.leaves(tx, tree, first, stop)

    return query


async def _collected(house: House, tree: TreeRow) -> tuple[str, Checkpoint]:
    """The newest checkpoint of a notary that runs apart: what it laid down is kept, if it is signed and fits."""
    note = house.notary.handed_over(tree.origin)
    if note is not None:
        try:
            checkpoint = open_checkpoint(note, house.notary.key(tree.origin))
        except NoteError as error:
            get_logger().error("note_refused", tree=tree.name, reason=error.fault.value)
        else:
            await check_held(house, tree, checkpoint)
            await _keep(house, tree, checkpoint.size, note)
    return await _newest(house, tree)


async def check_held(house: House, tree: TreeRow, checkpoint: Checkpoint) -> None:
    """Lets pass a checkpoint that our own key signed if the log had this root at this size.

    Else the log went back: raises NotaryError, and nothing is appended any more, unless another log goes on already.
    """
    if await house.look(lambda tx: holds(tx, tree, checkpoint)):
        return
    if not has_ended(house, tree):
        get_logger().error("log_behind", tree=tree.name, size=checkpoint.size)
        house.stop_appending()
    raise NotaryError(NotaryFault.SHRANK, checkpoint.size)


async def holds(tx: Transaction, tree: TreeRow, checkpoint: Checkpoint) -> bool:
    """Whether a tree begins with that of the checkpoint, by its stored hashes; O(log n) reads."""
    head = await trees.head(tx, tree.number)
    found = await frontier_at(tx, tree.number, head.size, checkpoint.size)
    return found is not None and found.root == checkpoint.root


async def _newest(house: House, tree: TreeRow) -> tuple[str, Checkpoint]:
    """The newest checkpoint that is kept. Raises NotSignedError."""
    found = await house.look(lambda tx: trees.newest_checkpoint(tx, tree.number))
    if found is None:
        raise NotSignedError
    return found, open_checkpoint(found, house.notary.key(tree.origin))


async def _keep(house: House, tree: TreeRow, size: int, note: str) -> None:
    async def job(tx: Transaction) -> Done[None]:
        await trees.put_checkpoint(tx, tree.number, size, note)
        return Done(outcome=None)

    kept = await house.look(lambda tx: trees.checkpoint(tx, tree.number, size))
    if kept is None:
        await house.commit(job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A log that is not the one that was signed: fewer entries than were signed, or other ones among those.

    ``size`` is how many there are here; ``signed`` and ``root`` are those of the last checkpoint that is known.
    """

    tree: int
    origin: str
    size: int
    signed: int
    root: bytes


async def find_behind(house: House) -> tuple[Behind, ...]:
    """The logs that hold less than what the notary signed, or something else, and those that ended and are here
    without the one that goes on. Raises NotaryError(STATE)."""
    state = house.notary.read()
    by_origin = {tree.origin: tree for tree in await house.look(trees.trees)}
    growing = {tree.origin for tree in await house.look(trees.growing_trees)}
    found = []
    for origin, one in state.items():
        tree = by_origin.get(origin)
        if one.ended and origin not in growing:
            continue
        size = 0 if tree is None else (await house.look(_head(tree.number))).size
        if not one.ended and tree is not None and await house.look(_had(tree, one.frontier)):
            continue
        found.append(
            Behind(
                tree=0 if tree is None else tree.number,
                origin=origin,
                size=size,
                signed=one.frontier.size,
                root=one.frontier.root,
            )
        )
    return tuple(found)


def _head(tree: int) -> Callable[[Transaction], Awaitable[HeadRow]]:
    async def query(tx: Transaction) -> HeadRow:
        return await trees.head(tx, tree)

    return query


def _had(tree: TreeRow, frontier: Frontier) -> Callable[[Transaction], Awaitable[bool]]:
    """Whether the tree begins with that of ``frontier``."""
    checkpoint = Checkpoint(origin=tree.origin, size=frontier.size, root=frontier.root)

    async def query(tx: Transaction) -> bool:
        return await holds(tx, tree, checkpoint)

    return query


async def frontier_at(tx: Transaction, tree: int, size: int, at: int) -> Frontier | None:
    """The frontier that a tree of ``size`` had at ``at`` entries, by its stored hashes; None where it has not so many
    or a tile is missing. O(log n) reads of tiles, and of at most 255 below each."""
    if at > size:
        return None
    spans = frontier_spans(at)
    try:
        tiles = {tile: await trees.tile_anew(tx, tree, tile) for tile in tiles_for(spans, size)}
        return Frontier(at, tuple(span_hash(span, size, tiles) for span in spans))
    except TreeError:
        return None


async def _grew(house: House, tree: TreeRow) -> bool:
    """Whether the tree has entries that are not signed; of a notary that runs apart, whether it may have some."""
    if house.notary.seed is None:
        return bool(await house.look(trees.unsigned_trees))
    return (await house.look(_head(tree.number))).size > signed(house.notary.read(), tree.origin).size


async def publish_dirty(house: House) -> int:
    """Publishes every tree that grew since it was signed last; gives back how many. One that is refused, or has no
    signature yet, stops no other. What was signed, the notary says: rows of checkpoints could be anybody's."""
    published = 0
    for tree in await house.look(trees.growing_trees):
        try:
            if not await _grew(house, tree):
                continue
            await publish(house, tree)
            published += 1
        except (NotaryError, NotSignedError):
            continue
    return published
