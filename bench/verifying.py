"""G10: the offline check of an exported log, with and without its table, against SHA-256 of the very files it reads.

SHA-256 is the floor: no check can be had for less. The check runs on every core that we have, in processes of its
own; so wall-clock time and CPU time of all of them stand side by side. Beside it what the export cost, what the
auditor's reviews cost, and the verifier of one file.
"""

import hashlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import audit
from audit.event import Leaf, read_leaf
from audit.policy import Policy, read_policy
from audit.reviews import Context, review_log
from audit.verify import verify_path
from bench.figures import Figure, micro
from bench.serving import on_every_core
from service.flows.export import NewFile, Wanted, export_log
from service.house import House
from service.store import trees

TABLE = "entries.csv"
_REVIEWED = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A bundle in a folder, with the policy to check it by; ``cpu``: what its export cost, in seconds."""

    folder: Path
    policy: Path
    size: int
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds by the clock, and CPU seconds of this process and all that it started."""

    wall: float
    cpu: float


async def export(house: House, tree: int, target: Path) -> Exported:
    """The whole log as a bundle in the new folder ``target``."""
    begun = time.process_time()
    done = await export_log(house, Wanted(tree=tree), _files(target), lambda _done, _size: None)
    cpu = time.process_time() - begun
    policy = target.with_suffix(".policy")
    policy.write_text(f"log {house.notary.vkey(done.checkpoint.origin)}\nquorum none\n")
    return Exported(folder=target, policy=policy, size=done.checkpoint.size, cpu=cpu)


def _files(target: Path) -> NewFile:
    """New files below a folder."""

    @contextmanager
    def new(name: str) -> Iterator[BinaryIO]:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file

    return new


def measure(bundles: Sequence[Exported], rounds: int) -> list[Figure]:
    """The figures of each bundle, the largest first; then how the cost of an entry grows from the smallest to it."""
    checked = [_check(bundle, rounds) for bundle in bundles]
    figures = [figure for bundle, one in zip(bundles, checked, strict=True) for figure in one.figures(bundle)]
    largest, smallest = bundles[0], bundles[-1]
    grown = Figure(
        name="",
        what=f"   export of an entry with its table, {largest.size:,} / {smallest.size:,}, CPU",
        goal="O(1)",
        ratios=[(largest.cpu / largest.size) / (smallest.cpu / smallest.size)],
        ours=micro([largest.cpu / largest.size]),
        theirs=micro([smallest.cpu / smallest.size]),
    )
    return [*figures, grown]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """What each round cost: the check with the table, SHA-256 of that, and both without the table."""

    with_table: Sequence[tuple[Cost, Cost]]
    without: Sequence[tuple[Cost, Cost]]

    def figures(self, bundle: Exported) -> list[Figure]:
        """Both, the one without the table first: it is what the goal means."""
        goal = "1 M: ≤ 3 s"
        return [
            _figure(
                f"verify {bundle.size:,} entries / SHA-256 of the same bytes", goal, bundle, self.without
            ),
            _figure("   and their table / SHA-256 of the same bytes", "", bundle, self.with_table),
        ]


def _figure(what: str, goal: str, bundle: Exported, rounds: Sequence[tuple[Cost, Cost]]) -> Figure:
    return Figure(
        name="G10" if goal else "",
        what=what,
        goal=goal,
        ratios=[ours.wall / theirs.wall for ours, theirs in rounds],
        ours=_said([ours for ours, _ in rounds], bundle.size),
        theirs=_said([theirs for _, theirs in rounds], bundle.size),
    )


def _said(costs: Sequence[Cost], size: int) -> str:
    wall = statistics.median(cost.wall for cost in costs)
    return f"{wall:.2f} s, CPU {micro(cost.cpu / size for cost in costs)} an entry"


def _check(bundle: Exported, rounds: int) -> _Checked:
    policy = read_policy(bundle.policy.read_bytes())
    with_table, without = [], []
    with on_every_core():
        for _ in range(rounds):
            with_table.append(_round(bundle, policy))
            with _without_table(bundle):
                without.append(_round(bundle, policy))
    return _Checked(with_table=with_table, without=without)


def _round(bundle: Exported, policy: Policy) -> tuple[Cost, Cost]:
    return _cost(lambda: verify_path(bundle.folder, policy)), _cost(lambda: _hash(bundle.folder))


@contextmanager
def _without_table(bundle: Exported) -> Iterator[None]:
    """The table is elsewhere for a while."""
    table, aside = bundle.folder / TABLE, bundle.folder.with_suffix(".csv")
    table.rename(aside)
    try:
        yield
    finally:
        aside.rename(table)


def _hash(folder: Path) -> None:
    """SHA-256 of every file of the bundle."""
    digest = hashlib.sha256()
    for place, _, names in os.walk(folder):
        for name in names:
            with (Path(place) / name).open("rb") as file:
                while data := file.read(1 << 20):
                    digest.update(data)


def _cost(work: Callable[[], object]) -> Cost:
    begun, cpu = time.perf_counter(), _cpu()
    work()
    return Cost(wall=time.perf_counter() - begun, cpu=_cpu() - cpu)


def _cpu() -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def one_file(bundle: Exported) -> Figure:
    """The verifier of one file, in plain Python on one core, against ours; once, for information."""
    policy = read_policy(bundle.policy.read_bytes())
    ours = _cost(lambda: verify_path(bundle.folder, policy))
    script = Path(audit.__file__).parent / "standalone.py"
    command = [sys.executable, str(script), str(bundle.folder), "--policy", str(bundle.policy)]
    theirs = _cost(lambda: subprocess.run(command, check=True, capture_output=True))
    return Figure(
        name="",
        what=f"   the one-file verifier / ours, {bundle.size:,} entries and their table, CPU",
        goal="",
        ratios=[theirs.cpu / ours.cpu],
        ours=micro([theirs.cpu / bundle.size]) + " an entry",
        theirs=micro([ours.cpu / bundle.size]) + " an entry",
    )


async def reviews(house: House, tree: int, context: Context, size: int) -> Figure:
    """The auditor's reviews of the first entries, against reading those leaves alone."""
    rows = await house.look(lambda tx: trees.leaves(tx, tree, 0, min(size, _REVIEWED)))
    texts = [row.leaf.encode("ascii") for row in rows if row.leaf is not None]
    leaves: list[Leaf] = []
    reading = _cost(lambda: leaves.extend(map(read_leaf, texts)))
    looking = _cost(lambda: review_log(enumerate(leaves), context))
    return Figure(
        name="",
        what=f"   the auditor's reviews of {len(texts):,} entries / reading their leaves, CPU",
        goal="",
        ratios=[looking.cpu / reading.cpu],
        ours=micro([looking.cpu / len(texts)]) + " an entry",
        theirs=micro([reading.cpu / len(texts)]) + " an entry",
    )
