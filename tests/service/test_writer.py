"""The writer: many jobs, one commit, one receipt each; and nobody is refused for another's mistake."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.errors import AuditError
from audit.event import Entry, Event
from service.flows.entries import entry
from service.store.engine import Transaction
from service.store.errors import UnavailableError
from service.store.log import Record
from service.store.writer import Committed, Done, Job
from tests.service.disk import edit
from tests.service.faults import Faults, failing_world
from tests.service.world import Template, World

READERS = 64


@pytest.fixture
def failing(template: Template, tmp_path: Path) -> Iterator[tuple[World, Faults]]:
    made = failing_world(template, tmp_path / "world")
    yield made
    made[1].arm(None)
    made[0].end()


def line(world: World, count: int = 1) -> Entry:
    """An entry of the clock."""
    return entry(world.house, None, Event.SYSTEM_START, count=count)


def job_of(made: Entry, runs: list[int] | None = None, outcome: int = 0) -> Job[int]:
    """A job that appends one entry to the first tree."""

    async def job(tx: Transaction) -> Done[int]:
        if runs is not None:
            runs.append(outcome)
        return Done(outcome=outcome, records=(Record(tree=1, entry=made),))

    return job


async def all_at_once(world: World, jobs: list[Job[int]]) -> list[Committed[int] | BaseException]:
    return await asyncio.gather(*(world.house.commit(job) for job in jobs), return_exceptions=True)


def size(world: World, tree: int = 1) -> int:
    found = world.sql("SELECT size FROM head WHERE tree = ?", tree)[0][0]
    assert isinstance(found, int)
    return found


def test_readers_that_wait_share_commits_and_each_has_its_entry(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    """64 waiting readers cause at most 8 commits, and each finds its receipt in the log, naming what it got."""
    case, _, _ = world.shared_case()
    before = world.house.commits

    async def read() -> list[dict[str, object]]:
        asked = (world.ask("coordinator", "GET", f"/api/cases/{case}") for _ in range(READERS))
        answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {200}
        return [answer.json() for answer in answers]

    seen = world.run(read())
    commits = world.house.commits - before
    assert 1 <= commits <= 8
    log = {(tree, idx): (bytes(str(leaf), "ascii"), hashed) for tree, idx, leaf, hashed in
           world.sql("SELECT tree, idx, leaf, leaf_hash FROM entry")}  # fmt: skip
    places = set()
    for one in seen:
        receipt = one["receipt"]
        assert isinstance(receipt, dict) and isinstance(one["fields"], dict)
        leaf, hashed = log[receipt["tree"], receipt["index"]]
        assert isinstance(hashed, bytes) and hashed.hex() == receipt["leaf_hash"]
        assert world.ids["coordinator"].encode() in leaf and case.encode() in leaf
        places.add((receipt["tree"], receipt["index"]))
    assert len(places) == READERS
    record_property("commits_for_64_readers", commits)


def test_a_lone_job_is_one_commit(world: World) -> None:
    """Nobody waits for company: one job, one commit."""
    before = world.house.commits
    committed = world.run(world.house.commit(job_of(line(world), outcome=7)))
    assert (committed.outcome, world.house.commits) == (7, before + 1)
    assert committed.receipts[0].index == size(world) - 1


def test_one_bad_entry_refuses_nobody_else(world: World) -> None:
    """A batch with a leaf that is none is tried singly: its job alone fails, the others are durable, each once."""
    bad = replace(line(world), object="山田 太郎")
    runs: list[int] = []
    before = size(world)
    jobs = [job_of(bad if number == 3 else line(world), runs, number) for number in range(8)]
    landed = world.run(all_at_once(world, jobs))
    assert isinstance(landed[3], AuditError)
    good = [one for one in landed if isinstance(one, Committed)]
    assert [one.outcome for one in good] == [0, 1, 2, 4, 5, 6, 7]
    assert size(world) == before + 7
    assert sorted(one.receipts[0].index for one in good) == list(range(before, before + 7))
    assert max(runs.count(number) for number in range(8)) == 2, "the test wants a job that ran twice"


def test_a_job_that_runs_twice_writes_once(world: World) -> None:
    """What the first run of a job wrote is undone before the second: no row stands twice."""

    def writes(name: bytes, made: Entry) -> Job[int]:
        async def job(tx: Transaction) -> Done[int]:
            tx.rows("INSERT INTO throttle (id, failures, until) VALUES (?, 1, 0)", name)
            return Done(outcome=1, records=(Record(tree=1, entry=made),))

        return job

    jobs = [
        writes(b"a", line(world)),
        writes(b"b", replace(line(world), object="氏名")),
        writes(b"c", line(world)),
    ]
    world.run(all_at_once(world, jobs))
    assert world.sql("SELECT id FROM throttle ORDER BY id") == [(b"a",), (b"c",)]


def test_a_job_that_fails_takes_nobody_along(world: World) -> None:
    """Each job has its savepoint: what it wrote is undone, the others of its batch are durable."""

    def writes(name: bytes, fails: bool) -> Job[int]:
        async def job(tx: Transaction) -> Done[int]:
            tx.rows("INSERT INTO throttle (id, failures, until) VALUES (?, 1, 0)", name)
            if fails:
                raise LookupError("mine")
            return Done(outcome=1)

        return job

    done = world.run(all_at_once(world, [writes(b"a", False), writes(b"b", True), writes(b"c", False)]))
    assert isinstance(done[1], LookupError)
    assert world.sql("SELECT id FROM throttle ORDER BY id") == [(b"a",), (b"c",)]


def test_the_handle_is_dead_when_the_job_has_ended(world: World) -> None:
    """A statement after the job is a programmer's mistake, and does not reach the database."""
    kept: list[Transaction] = []

    async def job(tx: Transaction) -> Done[None]:
        kept.append(tx)
        return Done(outcome=None)

    world.run(world.house.commit(job))
    world.run(world.house.look(lambda tx: looked(kept, tx)))
    assert len(kept) == 2
    for tx in kept:
        with pytest.raises(RuntimeError):
            tx.rows("SELECT 1")


async def looked(kept: list[Transaction], tx: Transaction) -> None:
    kept.append(tx)


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT", "INSERT INTO entry", "UPDATE head"])
def test_where_the_log_cannot_be_written_every_waiting_job_is_told(
    failing: tuple[World, Faults], statement: str
) -> None:
    """BEGIN, COMMIT or an append that fails: UnavailableError for all of the batch, no receipt, no entry."""
    world, faults = failing
    before = size(world)
    faults.arm(1, only=statement)
    landed = world.run(all_at_once(world, [job_of(line(world)) for _ in range(5)]))
    assert faults.failed
    assert all(isinstance(one, UnavailableError) for one in landed)
    assert size(world) == before
    landed = world.run(all_at_once(world, [job_of(line(world)) for _ in range(5)]))
    assert all(isinstance(one, Committed) for one in landed)
    assert size(world) == before + 5


def test_a_head_that_was_edited_stops_nothing_but_its_own_tree(world: World) -> None:
    """I16: an append that finds the head wrong is an error for its job; the writer goes on, nobody hangs."""
    edit(world, "DROP TRIGGER head_only_grows", "UPDATE head SET size = size + 1 WHERE tree = 1")

    async def other(tx: Transaction) -> Done[int]:
        return Done(outcome=1, records=(Record(tree=2, entry=line(world)),))

    async def both() -> list[Committed[int] | BaseException]:
        return await asyncio.wait_for(all_at_once(world, [job_of(line(world)), other]), 5)

    bad, good = world.run(both())
    assert isinstance(bad, RuntimeError) and isinstance(good, Committed)
    assert isinstance(world.run(asyncio.wait_for(world.house.commit(other), 5)), Committed)


def test_a_restart_finds_everything_that_was_answered(world: World) -> None:
    """What was acknowledged is there after a restart, word for word, and the log goes on where it was."""
    case, _, _ = world.shared_case()
    asked = [("caseworker", f"/api/cases/{case}"), ("coordinator", f"/api/cases/{case}"),
             ("coordinator", "/api/inbox"), ("caseworker", f"/api/cases/{case}/consents")]  # fmt: skip
    before = [without_receipt(world, who, path) for who, path in asked]
    grown = size(world)
    world.close()
    world.open()
    assert size(world) == grown
    assert [without_receipt(world, who, path) for who, path in asked] == before


def without_receipt(world: World, who: str, path: str) -> object:
    answer = world(who, "GET", path)
    assert answer.status_code == 200, answer.text
    return _bare(answer.json())


def _bare(found: object) -> object:
    if isinstance(found, list):
        return [_bare(one) for one in found]
    if isinstance(found, dict):
        return {key: _bare(one) for key, one in found.items() if key != "receipt"}
    return found


def test_a_house_that_stops_takes_no_more_jobs(world: World) -> None:
    """After the stop a job is refused, not forgotten."""
    house = world.house
    world.close()
    with pytest.raises(UnavailableError):
        world.run(house.commit(job_of(line(world))))
    world.open()
