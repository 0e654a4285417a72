"""G11: what one proof costs in a long log against a short one, by CPU: both grow with the logarithm, not the size."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from bench.figures import Figure, Size, pace
from service.flows.notary import publish
from service.flows.proven import growth_proof, proof_of
from service.house import House
from service.store.engine import Transaction
from service.store.trees import TreeRow

_A_ROUND = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A log and the newest signed checkpoint of it."""

    house: House
    tree: TreeRow
    note: str
    size: int


Prove = Callable[[Signed, Random], Callable[[Transaction], Awaitable[object]]]


async def sign(house: House, tree: TreeRow) -> Signed:
    """The log, signed as it is now."""
    note, point = await publish(house, tree)
    return Signed(house=house, tree=tree, note=note, size=point.size)


async def measure(short: Signed, long: Signed, size: Size) -> list[Figure]:
    """A proof of inclusion with its checkpoint's signature, and a proof of growth."""
    return [
        await _figure("a proof of inclusion", _inclusion, short, long, size),
        await _figure("a proof of growth", _growth, short, long, size),
    ]


def _inclusion(log: Signed, random: Random) -> Callable[[Transaction], Awaitable[object]]:
    return lambda tx: proof_of(tx, log.house, log.tree, random.randrange(log.size), log.note)


def _growth(log: Signed, random: Random) -> Callable[[Transaction], Awaitable[object]]:
    return lambda tx: growth_proof(tx, log.tree, random.randrange(1, log.size), log.size)


async def _figure(what: str, prove: Prove, short: Signed, long: Signed, size: Size) -> Figure:
    await _cost(prove, short)
    await _cost(prove, long)
    rounds = [(await _cost(prove, short), await _cost(prove, long)) for _ in range(size.rounds)]
    return Figure(
        name="G11",
        what=f"{what} at {long.size:,} entries / at {short.size:,}, CPU",
        goal="O(log n)",
        ratios=[far / near for near, far in rounds],
        ours=pace(far for _, far in rounds),
        theirs=pace(near for near, _ in rounds),
    )


async def _cost(prove: Prove, log: Signed) -> float:
    """CPU seconds of one proof, at places all over the log that are the same each time."""
    query = prove(log, Random(_A_ROUND))
    begun = time.process_time()
    for _ in range(_A_ROUND):
        await log.house.look(query)
    return (time.process_time() - begun) / _A_ROUND
