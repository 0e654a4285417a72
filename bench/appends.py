"""G10: appends to the log, one at a time and many waiting, against a bare INSERT and COMMIT of the same bytes.

Both sides write to a WAL database with ``synchronous=FULL`` in the same folder. Beside it what an append costs in a
long log against a short one.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from audit.event import Entry, canonical
from bench.figures import Figure, Size, micro, rate
from service.house import House
from service.store.engine import Transaction
from service.store.log import Record
from service.store.writer import Done

WAITING = 128
_A_ROUND = {1: 400, WAITING: 12 * WAITING}
"""Appends a round: few, so that the short log stays short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appending:
    """A house and the tree that entries like ``entry`` go to."""

    house: House
    tree: int
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Appends a second, and the CPU seconds of each."""

    rate: float
    cpu: float


async def measure(short: Appending, long: Appending, folder: Path, size: Size) -> list[Figure]:
    """The figures of both ways; the logs have grown a little afterwards."""
    with _bare(folder / "bare.sqlite") as bare:
        return [
            *await _figures(short, long, bare, 1, size),
            *await _figures(short, long, bare, WAITING, size),
        ]


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


async def _figures(
    short: Appending, long: Appending, bare: sqlite3.Connection, waiting: int, size: Size
) -> list[Figure]:
    rows = [canonical(short.entry, short.house.clock()).decode("ascii")] * waiting
    await _append_round(short, waiting)
    await _append_round(long, waiting)
    rounds = [
        (await _append_round(short, waiting), await _append_round(long, waiting), _insert_round(bare, rows))
        for _ in range(size.rounds)
    ]
    how, goal = ("one at a time", "≥ 2,000 /s") if waiting == 1 else (f"{waiting} waiting", "≥ 12,000 /s")
    against_bare = Figure(
        name="G10",
        what=f"log appends / bare INSERT + COMMIT, {how}",
        goal=goal,
        ratios=[ours.rate / theirs for ours, _, theirs in rounds],
        ours=rate(ours.rate for ours, _, _ in rounds),
        theirs=rate(theirs for _, _, theirs in rounds),
    )
    growth = Figure(
        name="",
        what=f"   one append at {size.entries:,} entries / at {size.few:,}, CPU",
        goal="O(log n)",
        ratios=[far.cpu / near.cpu for near, far, _ in rounds],
        ours=micro(far.cpu for _, far, _ in rounds),
        theirs=micro(near.cpu for near, _, _ in rounds),
    )
    return [against_bare, growth]


async def _append_round(where: Appending, waiting: int) -> Round:
    """``waiting`` callers, each of which appends again when its entry is durable."""

    async def caller() -> None:
        for _ in range(_A_ROUND[waiting] // waiting):
            await _append(where)

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(waiting)))
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return Round(rate=_A_ROUND[waiting] / took, cpu=cpu / _A_ROUND[waiting])


async def _append(where: Appending) -> None:
    async def job(_: Transaction) -> Done[None]:
        record = Record(tree=where.tree, entry=replace(where.entry, id=os.urandom(16)))
        return Done(outcome=None, records=(record,))

    await where.house.commit(job)


def _insert_round(bare: sqlite3.Connection, rows: Sequence[str]) -> float:
    """Rows a second of one INSERT of these rows and a COMMIT, as many as are appended in a round."""
    sql = f"INSERT INTO bare (leaf) VALUES {','.join(['(?)'] * len(rows))}"
    begun = time.perf_counter()
    for _ in range(_A_ROUND[len(rows)] // len(rows)):
        bare.execute("BEGIN IMMEDIATE")
        bare.execute(sql, rows)
        bare.execute("COMMIT")
    return _A_ROUND[len(rows)] / (time.perf_counter() - begun)
