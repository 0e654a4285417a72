"""The log, short and long, in one run: the read job, proofs, appends, export, check and reviews (G10, G11).

Two houses stand beside each other, the same town with a log of 10,000 entries and with one of a million; whatever is
compared between them is asked of both in turn.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from audit.reviews import Context
from bench import appends, job, proofs, verifying
from bench.appends import Appending
from bench.figures import Figure, Size
from bench.growing import collaboration_tree, copy, entries, grow
from bench.town import COST, Town
from bench.verifying import Exported
from service.cli.opening import load_house
from service.flows.hours import is_holiday
from service.house import House

SEED = 20261123


@dataclass(frozen=True, slots=True, kw_only=True)
class _Built:
    """Both towns, and what was exported of them on the way, the largest first."""

    short: Town
    long: Town
    bundles: tuple[Exported, ...]


def measure(town: Town, size: Size) -> list[Figure]:
    """Every figure of the log."""
    short = copy(town, "short")
    bundles = [uvloop.run(_grow(short, size.few, 0))]
    long = copy(short, "long")
    for step, wanted in enumerate((size.few * 10, size.entries), 1):
        bundles.append(uvloop.run(_grow(long, wanted, step)))
    built = _Built(short=short, long=long, bundles=tuple(reversed(bundles)))
    job_figures = job.measure_growth(copy(short, "short-job"), long, size)  # whose reads are appended
    with_houses = uvloop.run(_with_houses(built, size))
    return [
        *job_figures,
        *with_houses,
        *verifying.measure(built.bundles, size.checks),
        verifying.one_file(bundles[1]),
    ]


async def _grow(town: Town, wanted: int, step: int) -> Exported:
    """Grows the town's log to so many entries, and exports it."""
    house = await asyncio.to_thread(load_house, town.settings, cost=COST)
    house.start()
    try:
        tree = (await collaboration_tree(house)).number
        await grow(house, tree, wanted, entries(SEED + step))
        return await verifying.export(house, tree, town.folder.with_name(f"bundle-{wanted}"))
    finally:
        await house.stop()


async def _with_houses(built: _Built, size: Size) -> list[Figure]:
    """What is asked of the open houses."""
    short = await asyncio.to_thread(load_house, built.short.settings, cost=COST)
    long = await asyncio.to_thread(load_house, built.long.settings, cost=COST)
    short.start()
    long.start()
    try:
        return await _asked(short, long, built.short.folder.parent, size)
    finally:
        await short.stop()
        await long.stop()


async def _asked(short: House, long: House, folder: Path, size: Size) -> list[Figure]:
    near, far = await collaboration_tree(short), await collaboration_tree(long)
    proved = await proofs.measure(await proofs.sign(short, near), await proofs.sign(long, far), size)
    context = Context(now=datetime.now(UTC), is_holiday=is_holiday)
    reviewed = await verifying.reviews(long, far.number, context, size.entries)
    entry = next(entries(SEED - 1))
    appended = await appends.measure(
        Appending(house=short, tree=near.number, entry=entry),
        Appending(house=long, tree=far.number, entry=entry),
        folder,
        size,
    )
    return [*proved, *appended, reviewed]
