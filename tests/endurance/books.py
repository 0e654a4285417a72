"""Holds a database against its own log, past the product: no row without its entry, and no entry without its row.

Entries are read once, as they come; the rest is read again each time, in one read transaction beside the server.
"""

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TypeVar

from tests.endurance.growing import Growing, hash_leaf, root_of_frontier
from tests.endurance.telling import Telling

Key = TypeVar("Key")
Value = TypeVar("Value")

GIVEN, WITHDRAWN = 2, 7
"""Kinds of consent events (formats.md §19)."""


def name_of(letter: str, raw: object) -> str:
    """The text of an id."""
    assert isinstance(raw, bytes)
    return f"{letter}_{raw.hex()}"


@dataclass(slots=True)
class Books:
    """Everything that was read of one database: its trees, what they tell, and what is wrong with the rows."""

    folder: Path
    trees: dict[int, Growing] = field(default_factory=dict)
    origins: dict[str, int] = field(default_factory=dict)
    told: Telling = field(default_factory=Telling)
    cases: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    stages: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, list[int]] = field(default_factory=dict)
    """Series → the kinds of its events, in their order."""
    wrong: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Reads the database as it is now and notes what is wrong. Another process must have it open: the last one
        to leave a database would tidy its write-ahead log away."""
        state = self.signed()
        path = self.folder / "data" / "tsunagi.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")
            for check in (_entries, _tiles, _checkpoints, _consents, _grants, _named, _sealed):
                self.wrong += [f"{check.__name__}: {what}" for what in check(self, connection)]
        self.wrong += self.ahead(state)

    def signed(self) -> dict[str, bytes]:
        """The notary's own state: origin → frontier (formats.md §24)."""
        first, *lines = (self.folder / "notary" / "state").read_text("ascii").splitlines()
        assert first == "tsunagi-notary/v1"
        words = [line.split(" ") for line in lines]
        return {origin: base64.b64decode(text, validate=True) for origin, _, text in words}

    def ahead(self, state: dict[str, bytes]) -> list[str]:
        """Logs of which the notary signed what is not there."""
        found = []
        for origin, frontier in state.items():
            size, root = root_of_frontier(frontier)
            roots = self.trees[self.origins[origin]].roots
            if size >= len(roots) or roots[size] != root:
                found.append(f"signed: {origin} at {size}, and the log has {len(roots) - 1}")
        return found


def _entries(books: Books, connection: sqlite3.Connection) -> Iterator[str]:
    """Each tree is its entries without a gap, and head and frontier are theirs."""
    heads = connection.execute(
        "SELECT number, origin, size, root, frontier FROM tree JOIN head ON tree = number"
    ).fetchall()
    for number, origin, size, root, frontier in heads:
        tree = books.trees.setdefault(number, Growing())
        books.origins[origin] = number
        rows = connection.execute(
            "SELECT id, idx, leaf, leaf_hash FROM entry WHERE id >= ? AND id < ? ORDER BY id",
            ((number << 40) + len(tree.leaves), (number + 1) << 40),
        )
        for key, index, leaf, hashed in rows:
            if index != len(tree.leaves) or hash_leaf(leaf) != hashed:
                yield f"tree {number}: entry {index} is not the next, or its hash is another"
            tree.append(hashed)
            books.told.hear(key, json.loads(leaf))
        if (size, root, frontier) != (len(tree.leaves), tree.roots[-1], tree.frontier):
            yield f"tree {number}: the head says {size}, there are {len(tree.leaves)} entries"


def _tiles(books: Books, connection: sqlite3.Connection) -> Iterator[str]:
    """Every complete tile is there, no other, and each is its entries' hashes."""
    stored = {
        (tree, level, n): data
        for tree, level, n, data in connection.execute("SELECT tree, level, n, data FROM tile")
    }
    due = {
        (number, level, n)
        for number, tree in books.trees.items()
        for level in range(5)
        for n in range(len(tree.leaves) >> (8 * (level + 1)))
    }
    if stored.keys() != due:
        yield f"{len(due - stored.keys())} are missing, {len(stored.keys() - due)} are too early"
    for (number, level, n), data in stored.items():
        if (number, level, n) in due and books.trees[number].tile(level, n) != data:
            yield f"tree {number}: level {level}, {n} is not its entries' hashes"


def _checkpoints(books: Books, connection: sqlite3.Connection) -> Iterator[str]:
    """A note that is kept is about the log as it was, and the notary's own state is not behind it."""
    newest: dict[str, int] = {}
    for number, size, note in connection.execute("SELECT tree, size, note FROM checkpoint ORDER BY id"):
        origin, said, root = note.split("\n")[:3]
        newest[origin] = size
        roots = books.trees[number].roots
        if int(said) != size or size >= len(roots) or base64.b64decode(root) != roots[size]:
            yield f"tree {number}: the note at {size}"
    state = books.signed()
    for origin, size in newest.items():
        if origin not in state or root_of_frontier(state[origin])[0] < size:
            yield f"{origin}: a note over {size} entries left before the notary kept that it signs it"


def _consents(books: Books, connection: sqlite3.Connection) -> Iterator[str]:
    """A consent's event and its entry are one: each names the other, in both directions."""
    named: dict[str, str] = {}
    books.kinds = {}
    rows = connection.execute(
        "SELECT s.id, s.events, e.number, e.event FROM consent_series s JOIN consent_event e ON e.series = s.id "
        "ORDER BY s.id, e.number"
    ).fetchall()
    for raw, events, number, event in rows:
        series = name_of("k", raw)
        kinds = books.kinds.setdefault(series, [])
        behind = 36 + int.from_bytes(event[34:36], "big") + 16
        kinds.append(int.from_bytes(event[behind : behind + 2], "big"))
        named[event[-16:].hex()] = f"{series}:{number}:{blake2b(event, digest_size=32).hexdigest()}"
        if number != len(kinds) or number > events:
            yield f"{series}: event {number} of {events}"
    if named != books.told.consents:
        yield f"{len(named)} events, {len(books.told.consents)} entries: {_difference(named, books.told.consents)}"


def _grants(books: Books, connection: sqlite3.Connection) -> Iterator[str]:
    """Keys are out exactly where the last entry about them says so."""
    rows = connection.execute("SELECT series, digest FROM sealed_grant")
    there = {name_of("k", series): digest.hex() for series, digest in rows}
    if there != books.told.grants:
        yield _difference(there, books.told.grants)


def _named(books: Books, connection: sqlite3.Connection) -> Iterator[str]:
    """Cases, rows of the ledger and requests, each at its stage, are those that the entries tell of."""
    told = books.told
    books.cases = {name_of("c", raw) for (raw,) in connection.execute("SELECT id FROM cases")}
    books.rows = {name_of("w", raw) for (raw,) in connection.execute("SELECT id FROM ledger_row")}
    rows = connection.execute("SELECT id, stage FROM request")
    books.stages = {name_of("r", raw): stage for raw, stage in rows}
    for there, said in ((books.cases, told.cases), (books.rows, told.rows)):
        if there != said:
            yield f"rows without an entry {sorted(there - said)}, entries without a row {sorted(said - there)}"
    if books.stages != told.stages:
        yield _difference(books.stages, told.stages)


def _sealed(books: Books, connection: sqlite3.Connection) -> Iterator[str]:
    """Each sealed value is, bit for bit, the newest that an entry commits to; and each entry's commitment is kept."""
    kept = dict(connection.execute("SELECT id, hashes FROM sealed_digest ORDER BY id").fetchall())
    said = {key: sha256(hashes).hexdigest() for key, hashes in kept.items()}
    if said != books.told.digests:
        yield f"commitments: {_difference(said, books.told.digests)}"
    newest: dict[bytes, bytes] = {}
    for hashes in kept.values():
        for start in range(0, len(hashes), 76):
            newest[hashes[start : start + 20]] = hashes[start + 20 : start + 76]
    there: dict[bytes, bytes] = {}
    rows = connection.execute('SELECT record, slot, "column", thread, version, blob FROM sealed')
    for record, slot, column, thread, version, blob in rows:
        place = record + slot.to_bytes(2, "big") + column.to_bytes(2, "big")
        there[place] = thread + version.to_bytes(8, "big") + sha256(blob).digest()
    if there != newest:
        yield f"values: {_difference(there, newest)}"


def _difference(rows: dict[Key, Value], told: dict[Key, Value]) -> str:
    keys = [key for key in rows.keys() | told.keys() if rows.get(key) != told.get(key)]
    return f"{len(keys)} differ between rows and entries, as {keys[:3]}"
