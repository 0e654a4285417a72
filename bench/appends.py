"""G10: appends to the log, one at a time and many waiting, against a bare INSERT and COMMIT of the same bytes; and
the offline check of a log against SHA-256 of the same bytes.

Both sides write to a WAL database with ``synchronous=FULL`` in the same folder.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from audit.event import Entry, read_leaf
from audit.policy import read_policy
from audit.verify import verify_path
from bench.figures import Figure, Size, rate
from bench.town import COST, Town
from service.cli.opening import load_house
from service.flows.export import NewFile, Wanted, export_log
from service.house import House
from service.store import trees
from service.store.engine import Transaction
from service.store.log import Record
from service.store.writer import Done

WAITING = 128


def measure(town: Town, size: Size) -> list[Figure]:
    """The three figures, on the town's own log; it has grown afterwards."""
    house = load_house(town.settings, cost=COST)
    return asyncio.run(_measure(house, town.folder, size))


async def _measure(house: House, folder: Path, size: Size) -> list[Figure]:
    house.start()
    try:
        tree, leaf = await house.look(_last_look)
        with _bare(folder / "bare.sqlite") as bare:
            single = await _appending(house, tree, leaf, bare, 1, size)
            grouped = await _appending(house, tree, leaf, bare, WAITING, size)
        return [single, grouped, await _verifying(house, tree, leaf, folder, size)]
    finally:
        await house.stop()


async def _last_look(tx: Transaction) -> tuple[int, bytes]:
    """The tree that has the coordinator's first look, and that look's leaf."""
    found = tx.row("SELECT tree, leaf FROM entry WHERE leaf LIKE '%case.read%' ORDER BY id DESC LIMIT 1")
    if found is None or not isinstance(found[0], int) or not isinstance(found[1], str):
        raise RuntimeError("the town's case was opened once")
    return found[0], found[1].encode("ascii")


@contextmanager
def _bare(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, leaf TEXT)")
    try:
        yield connection
    finally:
        connection.close()


async def _appending(
    house: House, tree: int, leaf: bytes, bare: sqlite3.Connection, waiting: int, size: Size
) -> Figure:
    entry, text = read_leaf(leaf).entry, leaf.decode("ascii")
    seconds = size.seconds / 2
    await _append_for(house, tree, entry, waiting, seconds / 4)
    rounds = [
        (
            await _append_for(house, tree, entry, waiting, seconds),
            _insert_for(bare, [text] * waiting, seconds),
        )
        for _ in range(size.rounds)
    ]
    how, goal = ("one at a time", "≥ 2,000 /s") if waiting == 1 else (f"{waiting} waiting", "≥ 12,000 /s")
    return Figure(
        name="G10",
        what=f"log appends / bare INSERT + COMMIT, {how}",
        goal=goal,
        ratios=[ours / theirs for ours, theirs in rounds],
        ours=rate(ours for ours, _ in rounds),
        theirs=rate(theirs for _, theirs in rounds),
    )


async def _append_for(house: House, tree: int, entry: Entry, waiting: int, seconds: float) -> float:
    """Appends a second with ``waiting`` callers, each of which appends again when its entry is durable."""
    until = time.perf_counter() + seconds

    async def caller() -> int:
        done = 0
        while time.perf_counter() < until:
            await _append(house, tree, entry)
            done += 1
        return done

    begun = time.perf_counter()
    done = sum(await asyncio.gather(*(caller() for _ in range(waiting))))
    return done / (time.perf_counter() - begun)


async def _append(house: House, tree: int, entry: Entry) -> None:
    async def job(_: Transaction) -> Done[None]:
        record = Record(tree=tree, entry=replace(entry, id=os.urandom(16)))
        return Done(outcome=None, records=(record,))

    await house.commit(job)


def _insert_for(bare: sqlite3.Connection, rows: Sequence[str], seconds: float) -> float:
    """Rows a second of one INSERT of these rows and a COMMIT."""
    sql = f"INSERT INTO bare (leaf) VALUES {','.join(['(?)'] * len(rows))}"
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute(sql, rows)
        bare.execute("COMMIT")
        done += len(rows)
    return done / (time.perf_counter() - begun)


async def _verifying(house: House, tree: int, leaf: bytes, folder: Path, size: Size) -> Figure:
    """The log is grown to the wanted number of entries, exported as a folder, and checked; both sides read files."""
    await _grow(house, tree, read_leaf(leaf).entry, size.entries)
    target = folder / "bundle"
    checkpoint = await export_log(house, Wanted(tree=tree), _files(target), lambda _done, _size: None)
    policy = read_policy(f"log {house.notary.vkey(checkpoint.origin)}\nquorum none\n".encode())
    parts = sorted(path for path in (target / "tile").rglob("*") if path.is_file())
    rounds: list[tuple[float, float]] = []
    for _ in range(size.rounds):
        begun = time.perf_counter()
        verify_path(target, policy)
        between = time.perf_counter()
        sha256(b"".join(path.read_bytes() for path in parts)).digest()
        rounds.append((between - begun, time.perf_counter() - between))
    million = 1e6 / checkpoint.size
    return Figure(
        name="G10",
        what=f"verify {checkpoint.size:,} entries and their table / SHA-256 of entries and hashes",
        goal="1 M: ≤ 3 s",
        ratios=[ours / theirs for ours, theirs in rounds],
        ours=f"{min(ours for ours, _ in rounds) * million:.2f} s per 1 M",
        theirs=f"{min(theirs for _, theirs in rounds) * million:.2f} s per 1 M",
    )


def _files(target: Path) -> NewFile:
    """New files below a folder."""

    @contextmanager
    def new(name: str) -> Iterator[BinaryIO]:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file

    return new


async def _grow(house: House, tree: int, entry: Entry, wanted: int) -> None:
    """Appends until there are ``wanted`` entries, many in one commit."""
    head = await house.look(lambda tx: trees.head(tx, tree))
    missing = wanted - head.size
    while missing > 0:
        count = min(missing, 2_000)
        await _append_many(house, tree, entry, count)
        missing -= count


async def _append_many(house: House, tree: int, entry: Entry, count: int) -> None:
    async def job(_: Transaction) -> Done[None]:
        records = tuple(Record(tree=tree, entry=replace(entry, id=os.urandom(16))) for _ in range(count))
        return Done(outcome=None, records=records)

    await house.commit(job)
