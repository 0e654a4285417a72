"""G8: a Piccolo select by key on our engine against Piccolo's stock SQLite engine, on the same database file."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from piccolo.engine.sqlite import SQLiteEngine

from bench.figures import Figure, Size, micro
from bench.town import COST, Town
from cases.ids import CASE, read_id
from service.cli.opening import load_house
from service.house import House
from service.store.engine import ENGINE, Transaction
from service.tables.cases import Case

_OURS, _STOCK = 2_000, 200
Select = Callable[[], Awaitable[object]]


def measure(town: Town, size: Size) -> list[Figure]:
    """The figure, by CPU time: threads that the stock engine starts count too."""
    house = load_house(town.settings, cost=COST)
    case = read_id(CASE, town.path.rpartition("/")[2])
    if case is None:
        raise RuntimeError("the path ends with the case")
    rounds = asyncio.run(_rounds(house, town, case.bytes, size.rounds))
    return [
        Figure(
            name="G8",
            what="Piccolo select by key: stock engine / ours, CPU",
            goal="≥ 10",
            ratios=[theirs / ours for ours, theirs in rounds],
            ours=micro(ours for ours, _ in rounds),
            theirs=micro(theirs for _, theirs in rounds),
        )
    ]


async def _rounds(house: House, town: Town, case: bytes, rounds: int) -> list[tuple[float, float]]:
    stock = SQLiteEngine(path=str(town.settings.database))

    async def query(_: Transaction | None = None) -> object:
        found = await Case.select().where(Case.id == case).first()
        if found is None:
            raise RuntimeError("the case is there")
        return found

    async def ours() -> object:
        return await house.look(query)

    house.start()
    made: list[tuple[float, float]] = []
    for _ in range(rounds):
        mine = await _cost(ours, _OURS)
        with _on(stock):
            made.append((mine, await _cost(query, _STOCK)))
    await house.stop()
    return made


@contextmanager
def _on(engine: SQLiteEngine) -> Iterator[None]:
    """The table's queries go to that engine."""
    Case._meta.db = engine
    try:
        yield
    finally:
        Case._meta.db = ENGINE


async def _cost(select: Select, times: int) -> float:
    """CPU seconds of one select, all threads of the process together."""
    begun = time.process_time()
    for _ in range(times):
        await select()
    return (time.process_time() - begun) / times
