"""The writer: many jobs, one commit, one receipt each; and nobody is refused for another's mistake."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from audit.errors import AuditError
from audit.event import Entry, Event
from service.app import create_app
from service.cli.opening import load_house
from service.flows.entries import entry
from service.store.engine import Connect, Transaction
from service.store.errors import UnavailableError
from service.store.log import Record
from service.store.writer import Committed, Done, Job
from tests.service.disk import edit
from tests.service.faults import Faults, failing_world
from tests.service.world import WEAK, Template, World

READERS = 64
PATIENCE = 5


@pytest.fixture
def failing(template: Template, tmp_path: Path) -> Iterator[tuple[World, Faults]]:
    made = failing_world(template, tmp_path / "world")
    yield made
    made[1].arm(None)
    made[0].end()


@pytest.fixture
def opened(template: Template, tmp_path: Path) -> Iterator[Callable[[Connect], World]]:
    """Makes one world on connections of the test's making."""
    worlds: list[World] = []

    def make(connect: Connect) -> World:
        worlds.append(World(template, tmp_path / "world", connect=connect))
        return worlds[0]

    yield make
    worlds[0].end()


def refusing(errors: dict[str, sqlite3.Error]) -> Connect:
    """Connections on which the next statement that begins with a key fails with its error, once."""

    class Refusing(sqlite3.Connection):
        def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
            for begin in [begin for begin in errors if sql.startswith(begin)]:
                raise errors.pop(begin)
            return super().execute(sql, parameters)  # type: ignore[arg-type]  # the signature is SQLite's

    return lambda path: sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Refusing)


def sqlite_error(kind: type[sqlite3.Error], code: int) -> sqlite3.Error:
    error = kind("as SQLite would")
    error.sqlite_errorcode = code
    return error


@asynccontextmanager
async def locked(world: World) -> AsyncIterator[None]:
    """Another process's connection holds the lock, as soon as it can have it."""
    with closing(sqlite3.connect(world.settings.database, isolation_level=None, timeout=0)) as blocker:
        async with asyncio.timeout(PATIENCE):
            while not blocker.in_transaction:
                with suppress(sqlite3.OperationalError):
                    blocker.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(0.05)
        yield


async def no_lock(world: World) -> None:
    """Nobody holds the lock any more."""
    async with locked(world):
        pass


def writers() -> int:
    """How many writers' threads there are."""
    return sum(thread.name == "writer" for thread in threading.enumerate())


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
    asked = asyncio.gather(*(world.house.commit(job) for job in jobs), return_exceptions=True)
    return await asyncio.wait_for(asked, PATIENCE)


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


def writes_and_is_none(made: Entry) -> Job[int]:
    """A job whose row is there until its entry is refused."""

    async def job(tx: Transaction) -> Done[int]:
        tx.rows("INSERT INTO throttle (id, failures, until) VALUES (x'aa', 1, 0)")
        return Done(outcome=1, records=(Record(tree=1, entry=replace(made, object="氏名")),))

    return job


def refuses_where_it_is_there(runs: list[int]) -> Job[int]:
    async def job(tx: Transaction) -> Done[int]:
        runs.append(1)
        if tx.rows("SELECT 1 FROM throttle WHERE id = x'aa'"):
            raise LookupError("there already")
        tx.rows("INSERT INTO throttle (id, failures, until) VALUES (x'aa', 2, 0)")
        return Done(outcome=2)

    return job


def test_an_error_waits_for_the_commit_as_a_success_does(world: World) -> None:
    """What a job saw of another that was undone is no answer: it is asked once more, alone, and that one counts."""
    runs: list[int] = []
    jobs = [writes_and_is_none(line(world)), refuses_where_it_is_there(runs)]
    bad, good = world.run(all_at_once(world, jobs))
    assert isinstance(bad, AuditError)
    assert isinstance(good, Committed) and good.outcome == 2
    assert len(runs) == 2, "the test wants a job that ran twice"
    assert world.sql("SELECT failures FROM throttle WHERE id = x'aa'") == [(2,)]


def test_an_error_of_a_batch_that_is_not_durable_is_not_told(failing: tuple[World, Faults]) -> None:
    """Where COMMIT fails nothing happened: whoever refused for what stood there is told so, as all others."""
    world, faults = failing

    async def writes(tx: Transaction) -> Done[int]:
        tx.rows("INSERT INTO throttle (id, failures, until) VALUES (x'aa', 1, 0)")
        return Done(outcome=1)

    faults.arm(1, only="COMMIT")
    landed = world.run(all_at_once(world, [writes, refuses_where_it_is_there([])]))
    assert all(isinstance(one, UnavailableError) for one in landed)
    assert world.sql("SELECT * FROM throttle WHERE id = x'aa'") == []


@pytest.mark.parametrize("end", [asyncio.CancelledError, GeneratorExit, SystemExit])
def test_a_job_that_would_end_the_writer_ends_only_itself(world: World, end: type[BaseException]) -> None:
    """Its caller gets an error, the others their receipts, and the writer goes on."""

    async def ends(tx: Transaction) -> Done[int]:
        tx.rows("INSERT INTO throttle (id, failures, until) VALUES (x'aa', 1, 0)")
        raise end

    first, ended, last = world.run(all_at_once(world, [job_of(line(world)), ends, job_of(line(world))]))
    assert isinstance(first, Committed) and isinstance(last, Committed)
    assert isinstance(ended, RuntimeError) and isinstance(ended.__cause__, end)
    assert world.sql("SELECT * FROM throttle WHERE id = x'aa'") == []
    assert isinstance(world.run(all_at_once(world, [job_of(line(world))]))[0], Committed)


def test_a_job_that_gives_nothing_is_told(world: World) -> None:
    """A job without an outcome is a programmer's mistake, and its caller does not wait for ever."""

    async def nothing(tx: Transaction) -> Done[int]:
        tx.rows("INSERT INTO throttle (id, failures, until) VALUES (x'aa', 1, 0)")
        return None  # type: ignore[return-value]  # the mistake

    told, good = world.run(all_at_once(world, [nothing, job_of(line(world))]))
    assert isinstance(told, TypeError) and isinstance(good, Committed)
    assert world.sql("SELECT * FROM throttle WHERE id = x'aa'") == []


def test_a_record_that_cannot_be_bound_refuses_nobody_else(world: World) -> None:
    """An error of SQLite's that one record causes is its job's alone."""

    async def wrong(tx: Transaction) -> Done[int]:
        odd: object = object()
        return Done(outcome=0, records=(Record(tree=1, entry=line(world), hashes=odd),))  # type: ignore[arg-type]

    before = size(world)
    jobs = [wrong if number == 2 else job_of(line(world)) for number in range(5)]
    landed = world.run(all_at_once(world, jobs))
    assert isinstance(landed[2], UnavailableError)
    assert sum(isinstance(one, Committed) for one in landed) == 4
    assert size(world) == before + 4


@pytest.mark.parametrize(
    ("kind", "code", "all_refused"),
    [
        (sqlite3.OperationalError, sqlite3.SQLITE_FULL, True),
        (sqlite3.OperationalError, sqlite3.SQLITE_IOERR_WRITE, True),
        (sqlite3.OperationalError, sqlite3.SQLITE_READONLY, True),
        (sqlite3.DatabaseError, sqlite3.SQLITE_CORRUPT, True),
        (sqlite3.OperationalError, sqlite3.SQLITE_ERROR, False),
        (sqlite3.DataError, sqlite3.SQLITE_TOOBIG, False),
        (sqlite3.IntegrityError, sqlite3.SQLITE_CONSTRAINT_TRIGGER, False),
    ],
)
def test_only_what_keeps_everybody_from_writing_refuses_everybody(
    opened: Callable[[Connect], World], kind: type[sqlite3.Error], code: int, all_refused: bool
) -> None:
    """A full disk is not tried again for each job; a statement that is wrong is."""
    errors: dict[str, sqlite3.Error] = {}
    world = opened(refusing(errors))
    errors["INSERT INTO entry"] = sqlite_error(kind, code)
    landed = world.run(all_at_once(world, [job_of(line(world)) for _ in range(4)]))
    assert not errors
    assert {type(one) for one in landed} == {UnavailableError if all_refused else Committed}


def test_what_could_not_be_undone_is_undone_before_the_next_batch(
    opened: Callable[[Connect], World],
) -> None:
    """COMMIT and the ROLLBACK behind it fail once: the batch after it is written, and nothing of the first stays."""
    errors: dict[str, sqlite3.Error] = {}
    world = opened(refusing(errors))
    before = size(world)
    for statement in ("COMMIT", "ROLLBACK"):
        errors[statement] = sqlite_error(sqlite3.OperationalError, sqlite3.SQLITE_IOERR)
    first = world.run(all_at_once(world, [job_of(line(world))]))
    assert isinstance(first[0], UnavailableError) and not errors
    second = world.run(all_at_once(world, [job_of(line(world))]))
    assert isinstance(second[0], Committed)
    assert size(world) == before + 1


def test_a_commit_may_append_more_than_sqlite_binds(opened: Callable[[Connect], World]) -> None:
    """Where SQLite has its default limit, too, thousands of entries land in one commit, each where its receipt says."""

    def limited(path: str) -> sqlite3.Connection:
        made = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        made.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        return made

    world = opened(limited)
    before, many = size(world), 6_600

    async def much(tx: Transaction) -> Done[int]:
        return Done(outcome=1, records=tuple(Record(tree=1, entry=line(world)) for _ in range(many)))

    (landed,) = world.run(all_at_once(world, [much]))
    assert isinstance(landed, Committed)
    rows = world.sql("SELECT idx, leaf_hash FROM entry WHERE tree = 1 AND idx >= ? ORDER BY idx", before)
    assert rows == [(one.index, one.leaf_hash) for one in landed.receipts]
    assert len(rows) == many and size(world) == before + many


def test_a_writer_that_was_ended_refuses_at_once(world: World) -> None:
    """Every task is cancelled, as at the loop's end: who waits and who comes is refused, and the lock is let go."""

    async def end() -> list[Committed[int] | BaseException]:
        async with locked(world):
            waiting = asyncio.gather(*(held(job_of(line(world))) for _ in range(3)), return_exceptions=True)
            await asyncio.sleep(0.05)
            late = asyncio.gather(held(job_of(line(world))), return_exceptions=True)
            await asyncio.sleep(0)
            for task in asyncio.all_tasks() - {asyncio.current_task()} - mine:
                task.cancel()
        told = [*await asyncio.wait_for(waiting, PATIENCE), *await asyncio.wait_for(late, PATIENCE)]
        return [*told, *await all_at_once(world, [job_of(line(world))])]

    mine: set[asyncio.Task[object] | None] = set()

    async def held(job: Job[int]) -> Committed[int]:
        mine.add(asyncio.current_task())
        return await world.house.commit(job)

    before = size(world)
    landed = world.run(end())
    assert [type(one) for one in landed] == [UnavailableError] * 5
    world.run(no_lock(world))
    assert size(world) == before


def test_a_stop_that_is_cancelled_lets_the_writer_finish(world: World) -> None:
    """What waited is durable, what comes is refused, and the thread ends all the same."""

    async def stop() -> Committed[int]:
        async with locked(world):
            waiting = asyncio.create_task(world.house.commit(job_of(line(world))))
            await asyncio.sleep(0.05)
            stopping = asyncio.create_task(world.house.stop())
            await asyncio.sleep(0)
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)
        done = await asyncio.wait_for(waiting, PATIENCE)
        await asyncio.sleep(0.05)
        return done

    before = writers()
    done = world.run(stop())
    assert done.receipts[0].index == size(world) - 1
    assert writers() == before - 1
    assert isinstance(world.run(all_at_once(world, [job_of(line(world))]))[0], UnavailableError)


@pytest.mark.parametrize("everything", [True, False])
def test_an_app_that_is_cancelled_closes_its_house(world: World, everything: bool) -> None:
    """Cancelled with every other task, as at the loop's end; or alone, and again while it notes that it stops."""
    before = writers()
    house = load_house(world.settings, clock=world.clock, cost=WEAK)
    app = create_app(house)
    lives = asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            lives.set()
            await asyncio.Event().wait()

    async def end() -> None:
        others = asyncio.all_tasks()
        living = asyncio.create_task(live())
        await asyncio.wait_for(lives.wait(), PATIENCE)
        async with locked(world):
            await asyncio.sleep(0.05)
            for task in asyncio.all_tasks() - others if everything else [living]:
                task.cancel()
            await asyncio.sleep(0.05)
            if not everything:
                living.cancel()
                await asyncio.sleep(0.05)
        await asyncio.wait([living], timeout=PATIENCE)
        assert living.cancelled()

    world.run(end())
    assert writers() == before
    with pytest.raises(UnavailableError):
        world.run(house.commit(job_of(line(world))))
