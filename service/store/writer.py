"""The writer: jobs that wait are run in one transaction and made durable by one commit.

Rules kept here:
- BEGIN IMMEDIATE and COMMIT run in the writer's thread, statements in the event loop.
- Each job runs in a savepoint: one that fails takes nobody along. A job may run twice.
- All entries of all jobs are appended last; then COMMIT; then each job gets its receipts. In this order, always.
- Where the database cannot be written, every waiting job gets `UnavailableError` and nothing is released.
"""

import asyncio
import functools
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from service.store.engine import ENGINE, Transaction
from service.store.errors import UnavailableError
from service.store.log import Appended, Receipt, Record, append_records, receipts
from service.store.macs import Macs
from service.store.thread import OwnThread

Outcome = TypeVar("Outcome")
Outcome_co = TypeVar("Outcome_co", covariant=True)

BATCH = 256
WAITING = 2048
LINGER = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[Outcome_co]):
    """What a job gives back: the entries to append, and its outcome."""

    outcome: Outcome_co
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed(Generic[Outcome]):
    """An outcome that is durable, and the receipts of its entries in their order."""

    outcome: Outcome
    receipts: tuple[Receipt, ...]


Job = Callable[[Transaction], Awaitable[Done[Outcome]]]


class _Waiting(Generic[Outcome]):
    """A job in the queue, what it gave, and who waits for it."""

    __slots__ = ("done", "future", "job", "landed")

    def __init__(self, job: Job[Outcome], future: "asyncio.Future[Committed[Outcome]]") -> None:
        self.job = job
        self.future = future
        self.done: Done[Outcome] | None = None
        self.landed: list[Appended] = []

    async def run(self, tx: Transaction) -> None:
        self.done = None
        self.done = await self.job(tx)

    def succeed(self, committed: datetime) -> None:
        if self.done is not None and not self.future.done():
            made = receipts(self.landed, committed)
            self.future.set_result(Committed(outcome=self.done.outcome, receipts=made))

    @property
    def told(self) -> bool:
        """Whether the caller was already told an error: then the job must not run again behind its back."""
        return self.future.done() and not self.future.cancelled()

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Writer:
    """The one task that writes. ``clock`` gives aware UTC times."""

    def __init__(self, connection: sqlite3.Connection, macs: Macs, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._macs = macs
        self._clock = clock
        self._queue: list[_Waiting[object]] = []
        self._wake = asyncio.Event()
        self._thread = OwnThread("writer")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._refusing = False
        self.commits = 0

    def start(self) -> None:
        """Starts the task on the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finishes what waits, then ends the task, the thread and the connection."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._thread.stop()
        self._connection.close()

    def refuse(self) -> None:
        """From here on every job is refused, as where the database cannot be written."""
        self._refusing = True

    async def commit(self, job: Job[Outcome]) -> Committed[Outcome]:
        """Runs ``job`` in a transaction, shared with whoever waits too, and returns once it is durable.

        Raises what the job raised (its writes are undone), EntryError for an entry that is none, and
        UnavailableError where the database cannot be written.
        """
        if len(self._queue) >= WAITING or self._stopping or self._refusing or self._task is None:
            raise UnavailableError
        future: asyncio.Future[Committed[Outcome]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(job, future))  # type: ignore[arg-type]  # the queue forgets the outcome's type
        self._wake.set()
        return await future

    async def _run(self) -> None:
        before = 0
        while self._queue or not self._stopping:
            await self._wake.wait()
            if len(self._queue) < before:  # those who shared the last commit may be about to come back
                await asyncio.sleep(LINGER)
            batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
            if not self._queue and not self._stopping:
                self._wake.clear()
            before = len(batch)
            if batch:
                await self._commit(batch)

    async def _commit(self, batch: Sequence[_Waiting[object]]) -> None:
        """One transaction for the batch; where an entry of it is bad, one transaction for each job.

        No error ends the writer: whoever waits is told, and the next batch is tried.
        """
        try:
            await self._transact(batch)
        except Exception as error:
            refused = isinstance(error, sqlite3.Error)
            if refused and not isinstance(error, sqlite3.IntegrityError):
                for waiting in batch:
                    waiting.fail(UnavailableError())
            elif len(batch) == 1:
                batch[0].fail(UnavailableError() if refused else error)
            else:
                for waiting in batch:
                    if not waiting.told:
                        await self._commit([waiting])

    async def _transact(self, batch: Sequence[_Waiting[object]]) -> None:
        await self._thread.run(functools.partial(self._execute, "BEGIN IMMEDIATE"))
        tx = Transaction(self._connection, self._macs)
        mark = ENGINE.current_transaction.set(tx)  # type: ignore[arg-type]  # Piccolo asks it for .connection only
        try:
            ran = [waiting for waiting in batch if await self._attempt(waiting, tx)]
            records = [record for waiting in ran if waiting.done for record in waiting.done.records]
            landed = iter(append_records(tx, records, self._clock()))
            for waiting in ran:
                waiting.landed = [next(landed) for _ in waiting.done.records] if waiting.done else []
            tx.end()
            await self._thread.run(functools.partial(self._execute, "COMMIT"))
        except BaseException:
            self._undo()
            raise
        finally:
            tx.end()
            ENGINE.current_transaction.reset(mark)
        self.commits += 1
        committed = self._clock()
        for waiting in ran:
            waiting.succeed(committed)

    async def _attempt(self, waiting: _Waiting[object], tx: Transaction) -> bool:
        """Runs one job in its savepoint; False where it failed, its writes undone and its caller told."""
        self._execute("SAVEPOINT job")
        try:
            await waiting.run(tx)
        except sqlite3.Error:
            self._roll_back_job()
            waiting.fail(UnavailableError())
            return False
        except Exception as error:
            self._roll_back_job()
            waiting.fail(error)
            return False
        self._execute("RELEASE job")
        return True

    def _roll_back_job(self) -> None:
        self._execute("ROLLBACK TO job")
        self._execute("RELEASE job")

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    def _execute(self, statement: str) -> None:
        self._connection.execute(statement)
