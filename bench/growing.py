"""A town whose log has grown as years of use leave it behind: entries of 560 to 785 bytes by 40 people on 2,000 cases.

They are appended by the service's own writer, many in one commit, so that every index is as deep as it would be.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from audit.event import Decision, Entry, Event, Purpose, Reason, Via
from bench.town import SHARED, Town
from service.house import House
from service.store import trees
from service.store.engine import Transaction
from service.store.log import Record
from service.store.trees import TreeRow
from service.store.writer import Done

AT_ONCE = 4_000
_PEOPLE, _CASES, _SETS = 40, 2_000, 200
_KEPT_BACK = ("birth_date", "finances", "health", "public_support", "review_notes", "support_plan")


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """Who can be met in the log."""

    people: tuple[str, ...]
    organisations: tuple[str, ...]
    cases: tuple[str, ...]
    consents: tuple[tuple[str, int, bytes], ...]
    sets: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    policy: bytes


def _world(random: Random) -> _World:
    def ids(letter: str, count: int) -> tuple[str, ...]:
        return tuple(f"{letter}_{random.randbytes(16).hex()}" for _ in range(count))

    return _World(
        people=ids("u", _PEOPLE),
        organisations=ids("o", 4),
        cases=ids("c", _CASES),
        consents=tuple((series, random.randrange(1, 9), random.randbytes(32)) for series in ids("k", _CASES)),
        sets=tuple((_some(random, SHARED, 3), _some(random, _KEPT_BACK, 0)) for _ in range(_SETS)),
        policy=random.randbytes(32),
    )


def _some(random: Random, codes: tuple[str, ...], fewest: int) -> tuple[str, ...]:
    return tuple(sorted(random.sample(codes, random.randrange(fewest, len(codes) + 1))))


def entries(seed: int) -> Iterator[Entry]:
    """Entries without end, the same for the same seed: cases opened, listed, written to, and refused."""
    random = Random(seed)
    world = _world(random)
    while True:
        yield _entry(random, world)


def _entry(random: Random, world: _World) -> Entry:
    person, case = random.randrange(_PEOPLE), random.randrange(_CASES)
    read, withheld = random.choice(world.sets)
    looked = Entry(
        event=Event.CASE_READ,
        id=random.randbytes(16),
        actor=world.people[person],
        role="npo_coordinator",
        organisation=world.organisations[person % 4],
        subject=world.cases[case],
        decision=Decision.PERMIT,
        purpose=Purpose.FOOD_SUPPORT,
        fields=read,
        withheld=withheld,
        consent=world.consents[case],
        policy=world.policy,
        request_id=random.randbytes(16).hex(),
        session=random.randbytes(16).hex(),
        via=Via.API,
    )
    match random.randrange(10):
        case 0 | 1 | 2:
            return replace(looked, event=Event.CASE_LIST, fields=("name", "phone"), withheld=())
        case 3:
            return replace(
                looked, event=Event.LEDGER_WRITE, fields=(), withheld=(), digest=random.randbytes(32)
            )
        case 4:
            return replace(looked, decision=Decision.DENY, reason=Reason.WITHDRAWN, fields=())
        case _:
            return looked


def copy(town: Town, name: str) -> Town:
    """The town once more, in a folder beside its own; nobody may use it meanwhile."""
    return replace(town, folder=Path(shutil.copytree(town.folder, town.folder.with_name(name))))


async def collaboration_tree(house: House) -> TreeRow:
    """The log of the town's one collaboration."""
    return next(tree for tree in await house.look(trees.trees) if tree.name.startswith("b_"))


async def grow(house: House, tree: int, wanted: int, source: Iterator[Entry]) -> None:
    """Appends until the log has ``wanted`` entries."""
    missing = wanted - (await house.look(lambda tx: trees.head(tx, tree))).size
    while missing > 0:
        count = min(missing, AT_ONCE)
        records = tuple(Record(tree=tree, entry=next(source)) for _ in range(count))
        await _append(house, records)
        missing -= count


async def _append(house: House, records: tuple[Record, ...]) -> None:
    async def job(_: Transaction) -> Done[None]:
        return Done(outcome=None, records=records)

    await house.commit(job)
