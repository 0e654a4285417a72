"""What a log shows to those who watch it: checkpoint, hashes, and, for its auditors alone, the entries themselves.

Rules kept here:
- Nothing beyond the newest signed checkpoint is shown: what is not signed yet can still not be proved.
- A witness's program sees the hashes of its one tree. They say how much was logged and nothing else: a leaf has a
  random id in it. So a look at hashes has no entry, or watching would make the log grow for ever.
- Leaves say who read what: they are for the tree's appointed auditors, and reading them is an entry.
"""

from collections.abc import Sequence

from audit.checkpoint import Checkpoint, body_of, lines_of, open_checkpoint, open_note
from audit.errors import LayoutError, NotaryError, NoteError, NoteFault
from audit.event import Event
from audit.event import Purpose as LogPurpose
from audit.event import Reason as LogReason
from audit.layout import read_path, write_bundle
from audit.tiles import WIDTH, Tile
from crypto.notes import VerifierKey, read_vkey
from policies.actions import Action
from service.flows.entries import Refusal, entry, refuse, settle
from service.flows.errors import InvalidError, NotThereError
from service.flows.log import admit_auditor, tree_of_looks
from service.flows.notary import check_held, publish
from service.flows.proven import note_with_cosignatures
from service.flows.views import ReceiptView, receipt_view
from service.house import Caller, House, Watcher, Who
from service.store import trees, witnesses
from service.store.engine import Transaction
from service.store.log import Record
from service.store.trees import TreeRow
from service.store.witnesses import CosignatureRow, WitnessState
from service.store.writer import Done


async def _tree(house: House, caller: Caller, action: Action, name: str) -> TreeRow:
    """The tree that this caller may watch. Raises NotThereError, NeverAllowedError."""
    if isinstance(caller, Watcher):
        found = await house.look(lambda tx: trees.tree_named(tx, name))
        if found is None or found.number != caller.tree:
            raise NotThereError
        return found
    if not isinstance(caller, Who):
        raise NotThereError
    who = caller

    async def job(tx: Transaction) -> Done[TreeRow] | Done[Refusal]:
        tree = await admit_auditor(tx, house, who, action, name)
        return tree if isinstance(tree, Done) else Done(outcome=tree)

    return (await settle(house, job)).outcome


async def read_note(house: House, caller: Caller, name: str) -> str:
    """The newest checkpoint of a tree, with every cosignature that came in for it.

    Raises NotThereError, NeverAllowedError, NotSignedError.
    """
    tree = await _tree(house, caller, Action.LOG_HASHES, name)
    return await newest_note(house, tree)


async def newest_note(house: House, tree: TreeRow) -> str:
    """The newest checkpoint with its cosignatures; the first one is signed when it is first asked for."""
    note = await house.look(lambda tx: trees.newest_checkpoint(tx, tree.number))
    if note is None:
        note = (await publish(house, tree))[0]
    return await house.look(lambda tx: note_with_cosignatures(tx, house, tree, note))


async def _signed_size(house: House, tree: TreeRow) -> int:
    note = await house.look(lambda tx: trees.newest_checkpoint(tx, tree.number))
    return 0 if note is None else open_checkpoint(note, house.notary.key(tree.origin)).size


def _read_tile(path: str) -> Tile:
    try:
        return read_path(path)[0]
    except LayoutError:
        raise NotThereError from None


def _fits(tile: Tile, size: int) -> bool:
    """Whether a tree of ``size`` has so many hashes there."""
    return tile.number * WIDTH + tile.width <= size >> 8 * tile.level


async def read_tile(house: House, caller: Caller, name: str, path: str) -> bytes:
    """The hashes of a tile (formats.md, Bundle; C2SP tlog-tiles). Raises NotThereError, NeverAllowedError."""
    tree = await _tree(house, caller, Action.LOG_HASHES, name)
    tile = _read_tile(path)
    if not _fits(tile, await _signed_size(house, tree)):
        raise NotThereError
    return await house.look(lambda tx: trees.tile_bytes(tx, tree.number, tile))


async def read_leaves(house: House, who: Who, name: str, path: str) -> tuple[bytes, ReceiptView]:
    """An entry bundle, for the tree's auditors, and the look's receipt. Raises NotThereError, NeverAllowedError."""
    tile = _read_tile(path)
    signed = await _signed_size(house, await _tree(house, who, Action.LOG_EXPORT, name))

    async def job(tx: Transaction) -> Done[bytes] | Done[Refusal]:
        tree = await admit_auditor(tx, house, who, Action.LOG_EXPORT, name)
        if isinstance(tree, Done):
            return tree
        first = tile.number * WIDTH
        rows = await trees.leaves(tx, tree.number, first, first + tile.width)
        if not _fits(tile, signed) or all(row.leaf is None for row in rows):
            return await refuse(tx, house, who, Event.LOG_EXPORT, LogReason.UNKNOWN_ID, NotThereError())
        made = entry(house, who, Event.LOG_EXPORT, purpose=LogPurpose.AUDIT, count=len(rows))
        data = write_bundle([None if row.leaf is None else row.leaf.encode("ascii") for row in rows])
        return Done(outcome=data, records=(Record(tree=await tree_of_looks(tx, tree), entry=made),))

    done = await settle(house, job)
    return done.outcome, receipt_view(done.receipts[0])


async def take_cosignatures(house: House, caller: Caller, name: str, note: str) -> int:
    """Keeps the witnesses' lines of a note that came back; gives how many of them hold.

    Raises NotThereError, NeverAllowedError, and InvalidError for a note that is none of ours, with what is wrong with
    it, or that bears no line of a witness of the tree that holds. One that our own key signed and our log does not
    hold proves that the log went back.
    """
    tree = await _tree(house, caller, Action.LOG_COSIGN, name)
    return await keep_cosignatures(house, tree, note)


async def keep_cosignatures(house: House, tree: TreeRow, note: str) -> int:
    """As `take_cosignatures`, for a caller who was let in already."""
    checkpoint = _open_own(house, tree, note)
    try:
        await check_held(house, tree, checkpoint)
    except NotaryError:
        raise InvalidError("note", "not_this_log") from None
    rows = await house.look(lambda tx: witnesses.witnesses_of(tx, tree.number))
    active = [read_vkey(row.vkey) for row in rows if row.state is WitnessState.ACTIVE]
    kept = _held(note, active, checkpoint.size)

    own = body_of(note) + "\n" + lines_of(note, house.notary.key(tree.origin))

    async def job(tx: Transaction) -> Done[None]:
        await trees.put_checkpoint(tx, tree.number, checkpoint.size, own)
        for one in kept:
            await witnesses.add_cosignature(tx, tree.number, one)
        return Done(outcome=None)

    await house.commit(job)
    return len(kept)


def _open_own(house: House, tree: TreeRow, note: str) -> Checkpoint:
    try:
        return open_checkpoint(note, house.notary.key(tree.origin))
    except NoteError as error:
        raise InvalidError("note", error.fault.value) from None


def _held(note: str, keys: Sequence[VerifierKey], size: int) -> list[CosignatureRow]:
    """The lines of these witnesses in the note that hold.

    Where none does, raises InvalidError: a false signature and another key of a witness's name are told apart from a
    note on which nobody of them stands.
    """
    kept, faults = [], {NoteFault.UNSIGNED}
    for key in keys:
        try:
            found = open_note(note, (key,)).signatures[0]
        except NoteError as error:
            faults.add(error.fault)
            continue
        line = lines_of(note, key)
        kept.append(CosignatureRow(size=size, name=key.name, time=found.time or 0, line=line))
    if not kept:
        worst = next(
            one for one in (NoteFault.SIGNATURE, NoteFault.OTHER_KEY, NoteFault.UNSIGNED) if one in faults
        )
        raise InvalidError("note", f"witness_{worst}")
    return kept
