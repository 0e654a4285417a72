"""What was signed over a tree: the checkpoints that are kept, what the notary says it signed, the witnesses' lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from audit.checkpoint import Checkpoint, open_checkpoint, open_note, read_key, with_lines
from audit.errors import NotaryError, NoteError
from audit.notary import State
from audit.tree import Frontier
from crypto.notes import VerifierKey
from service.flows.fsck.findings import Code, Find, Finding
from service.flows.fsck.growing import Point
from service.flows.fsck.tables import each, pages
from service.flows.fsck.told import Told, witness_key
from service.house import House
from service.store import fsck
from service.store.engine import Transaction
from service.store.errors import UnavailableError
from service.store.fsck import Table
from service.store.trees import TreeRow
from service.store.values import Row, Value
from service.store.witnesses import WitnessState


def read_state(house: House, find: Find) -> State:
    """What the notary signed last of each log; nothing, and a finding, where its file cannot be read."""
    try:
        return house.notary.read()
    except NotaryError:
        find(Finding(code=Code.STATE, table=Table.TREE))
        return {}


def signed_point(tree: TreeRow, state: State, find: Find) -> list[Point]:
    """Asks for the tree at the size that the notary signed last, and compares; none where the log has ended."""
    one = state.get(tree.origin)
    if one is None or one.ended:
        return []

    def tell(found: Frontier | None) -> None:
        if found is not None and found != one.frontier:
            find(Finding(code=Code.BEHIND, table=Table.ENTRY, tree=tree.name, index=one.frontier.size))

    return [(one.frontier.size, tell)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The checkpoints of one tree: ``key`` is the log's own."""

    tree: TreeRow
    key: VerifierKey
    find: Find

    def point(self, row: Row) -> list[Point]:
        """Checks a stored checkpoint's signature and place, and asks for the tree at its size.

        ``row``: key, tree, size and the note.
        """
        size = _size(row[0])
        note = self._open(row[3])
        if note is None:
            self._found(Code.SIGNATURE, size)
            return []
        if (note.size, self.tree.number, note.size) != (size, row[1], row[2]):
            self._found(Code.SIZE, size)
            return []

        def tell(found: Frontier | None) -> None:
            if found is not None and found.root != note.root:
                self._found(Code.ROOT, size)

        return [(size, tell)]

    def beyond(self, row: Row) -> None:
        """A checkpoint of more entries than there are."""
        self._found(Code.SIZE, _size(row[0]))

    def _open(self, note: Value) -> Checkpoint | None:
        try:
            return open_checkpoint(note, self.key) if isinstance(note, str) else None
        except NoteError:
            return None

    def _found(self, code: Code, size: int) -> None:
        self.find(Finding(code=code, table=Table.CHECKPOINT, tree=self.tree.name, index=size))


def _size(key: Value) -> int:
    return key & ((1 << 40) - 1) if isinstance(key, int) else 0


async def check_witnesses(house: House, trees: Sequence[TreeRow], told: Told, find: Find) -> None:
    """Finds witnesses that the log does not name so, and lines that are no signature of theirs."""
    by_number: dict[Value, TreeRow] = {tree.number: tree for tree in trees}
    keys: dict[tuple[Value, Value], Value] = {}

    def see(row: Row) -> None:
        tree, name, vkey, state = row
        keys[tree, name] = vkey
        code = _judge(told, tree, vkey, state)
        if code is not None:
            find(Finding(code=code, table=Table.WITNESS, tree=_name(by_number, tree)))

    if await each(house.look, Table.WITNESS, see, find):
        for key, active in told.witnesses.items():
            if active:
                tree = _name(by_number, int.from_bytes(key[:8], "big"))
                find(Finding(code=Code.DELETED, table=Table.WITNESS, tree=tree))
    try:
        async for page in pages(house.look, Table.COSIGNATURE):
            for line in page:
                await house.look(
                    partial(_check_line, house=house, trees=by_number, keys=keys, line=line, find=find)
                )
    except UnavailableError:
        find(Finding(code=Code.UNREADABLE, table=Table.COSIGNATURE))


def _judge(told: Told, tree: Value, vkey: Value, state: Value) -> Code | None:
    """What is wrong with a witness: the newest entry about its key says whether it is one."""
    number = tree if isinstance(tree, int) and tree >= 0 else 0
    digest = sha256(vkey.encode("utf-8") if isinstance(vkey, str) else b"").digest()
    active = told.witnesses.pop(witness_key(number, digest), None)
    if active is None:
        return None if told.gaps else Code.PLANTED
    return None if active == (state == WitnessState.ACTIVE) else Code.OLD


def _name(trees: Mapping[Value, TreeRow], number: Value) -> str:
    return trees[number].name if number in trees else ""


async def _check_line(
    tx: Transaction,
    house: House,
    trees: Mapping[Value, TreeRow],
    keys: Mapping[tuple[Value, Value], Value],
    line: Row,
    find: Find,
) -> None:
    """Finds a line that its witness did not sign; ``line``: tree, size, name, time and the line."""
    tree, size, name, time, text = line
    row = trees.get(tree)
    if row is None or not isinstance(size, int):
        find(Finding(code=Code.PLANTED, table=Table.COSIGNATURE))
        return
    note = await fsck.note(tx, row.number, size)
    if not _holds(house.notary.key(row.origin), note, keys.get((tree, name)), text, time):
        find(Finding(code=Code.SIGNATURE, table=Table.COSIGNATURE, tree=row.name, index=size))


def _holds(log: VerifierKey, note: Value, vkey: Value, line: Value, time: Value) -> bool:
    """Whether the line is the witness's, at that time, under the log's own note."""
    if not (isinstance(note, str) and isinstance(vkey, str) and isinstance(line, str)):
        return False
    try:
        witness = read_key(vkey)
        opened = open_note(with_lines(note, line), (log, witness))
    except NoteError:
        return False
    return {one.key: one.time for one in opened.signatures} == {log: None, witness: time}
