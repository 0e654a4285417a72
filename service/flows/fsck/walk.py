"""One tree, entry by entry in its order: all that can be worked out again is, and compared with what is kept.

Indices without a gap, each text against its hash and the rules of a leaf, times, ids, texts that are missing; the
tiles, the head, the checkpoints and what the notary signed; records and details beside the entries. What the entries
say of the rows goes to `Told`.
"""

import base64

from audit.codes import Decision
from audit.errors import EntryError
from audit.event import read_time
from audit.leaf import match_leaf, scan_leaf
from audit.notary import State
from audit.tiles import WIDTH, Tile, tile_root
from audit.tree import HASH_SIZE, leaf_hash
from service.flows.fsck.findings import Code, Find, Finding
from service.flows.fsck.growing import Growing, Point, has_tile
from service.flows.fsck.notes import Notes, signed_point
from service.flows.fsck.texts import Texts
from service.flows.fsck.told import NO_ID, Told
from service.house import House
from service.store import details, fsck
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.fsck import Beside, Table
from service.store.log import tile_id
from service.store.trees import TreeRow
from service.store.values import Row, Value, as_int, to_ms

PIECE = 2048
"""Entries read at once."""
_INDEX = (1 << 40) - 1


class Walk:
    """The way through one tree: `piece` as often as it says that there is more. ``size`` is how far it came."""

    def __init__(self, house: House, tree: TreeRow, state: State, told: Told, find: Find) -> None:
        self.size = 0
        self._tree = tree
        self._told = told
        self._find = find
        self._after = (tree.number << 40) - 1
        self._time, self._timed = "", -1
        self._hashes: list[bytes] = []
        self._whole = True
        self._growing = Growing()
        self._texts = Texts()
        self._notes = Notes(tree=tree, key=house.notary.key(tree.origin), find=find)
        self._signed = signed_point(tree, state, find)

    async def piece(self, tx: Transaction) -> bool:
        """Goes on for some entries; False once the end of the tree was looked at too."""
        number = self._tree.number
        rows = await fsck.entries(tx, number, self._after, PIECE)
        if not rows:
            await self._end(tx)
            return False
        last = as_int(rows[-1][0])
        beside = await fsck.beside(tx, number, self._after, last)
        commitments: dict[int, bytes] = {}
        for row in rows:
            self._entry(row, beside, commitments)
        await self._grow(tx, beside)
        for key in beside.records:
            self._planted(Table.SEALED_DIGEST, key, beside.records[key])
        for key in sorted(beside.details):
            await self._detail(tx, key, beside.details[key], commitments.get(key))
        self._after = last
        return True

    def _entry(self, row: Row, beside: Beside, commitments: dict[int, bytes]) -> None:
        key, tree, at, leaf, hashed = row
        index = as_int(key) & _INDEX
        if index > self.size:
            self._found(Code.DELETED, Table.ENTRY, self.size)
            self._whole, self._told.gaps = False, True
        self.size = index + 1
        sound = isinstance(hashed, bytes) and len(hashed) == HASH_SIZE
        if (tree, at) != (self._tree.number, index) or (leaf is None and not sound):
            self._found(Code.CHANGED, Table.ENTRY, index)
        self._whole = self._whole and sound
        if self._whole and isinstance(hashed, bytes):
            self._hashes.append(hashed)
        records = beside.records.pop(as_int(key), None)
        text = leaf.encode("utf-8") if isinstance(leaf, str) else b""
        if leaf is None:
            self._absent(index, records)
        elif self._leaf(index, text, hashed, records) and key in beside.details:
            det = match_leaf(text)["det"]
            if det is not None:
                commitments[as_int(key)] = base64.b64decode(det)

    def _absent(self, index: int, records: Value) -> None:
        """An entry without its text: what it wrote is known by its records alone."""
        self._texts.absent(index)
        self._told.gaps = True
        if isinstance(records, bytes):
            self._told.keep_records(NO_ID, records)

    def _leaf(self, index: int, leaf: bytes, hashed: Value, records: Value) -> bool:
        """Whether the text is believed; then it is heard."""
        try:
            if leaf_hash(leaf) != hashed:
                self._found(Code.CHANGED, Table.ENTRY, index)
                return self._unbelieved(records)
            found = scan_leaf(leaf)
        except EntryError:
            self._found(Code.RULES, Table.ENTRY, index)
            return self._unbelieved(records)
        if found["t"] < self._time:
            self._found(Code.TIME, Table.ENTRY, index)
        self._time, self._timed = found["t"], index
        self._texts.present(index, found)
        permitted = found["dec"] != Decision.DENY
        said = self._told.hear(self._tree.number, leaf, found["ev"], permitted=permitted)
        wrong = self._told.hear_records(said, records)
        if wrong is not None:
            self._found(wrong, Table.SEALED_DIGEST, index)
        return True

    def _unbelieved(self, records: Value) -> bool:
        self._told.gaps = True
        self._told.forget(records)
        return False

    async def _grow(self, tx: Transaction, beside: Beside) -> None:
        """Adds the piece's hashes to the tree, and compares tiles and whatever was signed on the way."""
        points: list[Point] = [point for row in beside.notes for point in self._notes.point(row)]
        points += [point for point in self._signed if point[0] <= self.size]
        self._signed = [point for point in self._signed if point[0] > self.size]
        points.sort(key=lambda point: point[0])
        for tile, data in self._growing.add(self._hashes, points):
            await self._tile(tx, tile, data)
        self._hashes.clear()
        if not self._whole:
            self._growing.stop()

    async def _tile(self, tx: Transaction, tile: Tile, data: bytes) -> None:
        number = self._tree.number
        stored = await fsck.tile(tx, tile_id(number, tile.level, tile.number))
        first = tile.number * WIDTH ** (tile.level + 1)
        if stored is None:
            self._found(Code.DELETED, Table.TILE, first)
        elif stored != (number, tile.level, tile.number, data, tile_root(data)):
            self._found(Code.CHANGED, Table.TILE, first + _differs(stored[3], data) * WIDTH**tile.level)

    async def _detail(self, tx: Transaction, key: int, row: Row, commitment: bytes | None) -> None:
        """A detail opens and fits the leaf that commits to it; one that was erased is no finding."""
        index = key & _INDEX
        if commitment is None:
            self._planted(Table.DETAIL, key, None)
            return
        try:
            if row != (self._tree.number, index):
                raise TamperedError(Table.DETAIL)
            await details.detail(tx, self._tree.number, index, commitment)
        except TamperedError:
            self._found(Code.CHANGED, Table.DETAIL, index)

    async def _end(self, tx: Transaction) -> None:
        """What stands behind the last entry, the head, and what only the whole tree can say."""
        number = self._tree.number
        beyond = await fsck.beside(tx, number, self._after, ((number + 1) << 40) - 1)
        for key, records in beyond.records.items():
            self._planted(Table.SEALED_DIGEST, key, records)
        for key in sorted(beyond.details):
            self._planted(Table.DETAIL, key, None)
        for row in beyond.notes:
            self._notes.beyond(row)
        for size, _ in self._signed:
            if size > self.size:
                self._found(Code.BEHIND, Table.ENTRY, size)
        self._head(await fsck.head(tx, number))
        for key in await fsck.tiles(tx, number):
            level = (key >> 40) & 0xFF
            if not has_tile(self.size, level, key & _INDEX):
                self._found(Code.PLANTED, Table.TILE, (key & _INDEX) * WIDTH ** (level + 1))
        for index in self._texts.unexplained():
            self._found(Code.TEXT, Table.ENTRY, index)
        for index in self._texts.twice():
            self._found(Code.TWICE, Table.ENTRY, index)

    def _head(self, row: Row | None) -> None:
        if row is None:
            self._found(Code.DELETED, Table.HEAD, None)
            return
        size, root, frontier, last = row
        if size != self.size:
            self._told.gaps = True
            self._found(Code.SIZE, Table.HEAD, self.size)
            return
        grown = self._growing.frontier
        if grown is not None and (grown.root, grown.encode()) != (root, frontier):
            self._found(Code.ROOT, Table.HEAD, None)
        if self._timed == self.size - 1 and self.size and to_ms(read_time(self._time)) != last:
            self._found(Code.TIME, Table.HEAD, None)

    def _planted(self, table: Table, key: int, records: Value) -> None:
        self._found(Code.PLANTED, table, key & _INDEX)
        self._told.forget(records)

    def _found(self, code: Code, table: Table, index: int | None) -> None:
        self._find(Finding(code=code, table=table, tree=self._tree.name, index=index))


def _differs(stored: Value, data: bytes) -> int:
    """The number of the first hash in which a stored tile differs."""
    found = stored if isinstance(stored, bytes) else b""
    starts = range(0, len(data), HASH_SIZE)
    return next(
        (at // HASH_SIZE for at in starts if found[at : at + HASH_SIZE] != data[at : at + HASH_SIZE]), 0
    )
