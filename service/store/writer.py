"""The writer: jobs that wait are run in one transaction and made durable by one commit.

Rules kept here:
- BEGIN IMMEDIATE and COMMIT run in the writer's thread, statements in the event loop.
- Each job runs in a savepoint: one that fails takes nobody along. A job may run twice, and no more.
- All entries of all jobs are appended last; then COMMIT; then each job gets its receipts, or its error: what another
  job left uncommitted is no reason for either. In this order, always.
- Where the database cannot be written, every waiting job gets `UnavailableError` and nothing is released. So does
  everything that waits or comes once the writer has ended, for whatever reason.
"""

import asyncio
import contextlib
import functools
import sqlite3
from collections.abc import Awaitable, Callable
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

_UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
"""SQLite's reasons why nobody can write now. Any other is a mistake of somebody's statement, record or value."""


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
    """A job in the queue, what it gave or raised, and who waits for it."""

    __slots__ = ("done", "error", "future", "job", "landed")

    def __init__(self, job: Job[Outcome], future: "asyncio.Future[Committed[Outcome]]") -> None:
        self.job = job
        self.future = future
        self.done: Done[Outcome] | None = None
        self.error: Exception | None = None
        self.landed: list[Appended] = []

    async def run(self, tx: Transaction) -> None:
        self.done = self.error = None
        done = await self.job(tx)
        if not isinstance(done, Done):
            raise TypeError("a job gives back what it has done")
        self.done = done

    def tell(self, committed: datetime) -> None:
        """What came of the job, now that it is durable."""
        if self.error is not None:
            self.fail(self.error)
        elif self.done is not None and not self.future.done():
            made = receipts(self.landed, committed)
            self.future.set_result(Committed(outcome=self.done.outcome, receipts=made))

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
        self._batch: list[_Waiting[object]] = []
        self._wake = asyncio.Event()
        self._thread = OwnThread("writer")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._refusing = False
        self.commits = 0

    def start(self) -> None:
        """Starts the task on the running event loop."""
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._end)

    async def stop(self) -> None:
        """Finishes what waits, then ends the task, the thread and the connection; also where it is cancelled."""
        self._stopping = True
        self._wake.set()
        if self._task is None:
            self._end()
        else:
            await asyncio.wait([self._task])

    def _end(self, _: object = None) -> None:
        """Refuses what waits and what comes, and closes the thread and the connection: nothing writes any more."""
        self._refusing = True
        for waiting in (*self._batch, *self._queue):
            waiting.fail(UnavailableError())
        self._queue = []
        self._thread.stop()
        self._connection.close()

    @property
    def refusing(self) -> bool:
        """Whether every job is refused."""
        return self._refusing

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
            self._batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
            if not self._queue and not self._stopping:
                self._wake.clear()
            before = len(self._batch)
            if self._batch:
                await self._commit(self._batch)

    async def _commit(self, batch: list[_Waiting[object]]) -> None:
        """One transaction for the batch; where something in it is bad, one transaction for each job.

        No error ends the writer: whoever waits is told, and the next batch is tried.
        """
        shares = [batch]
        while shares:
            share = shares.pop(0)
            try:
                await self._transact(share)
            except Exception as error:
                if _is_unwritable(error):
                    for waiting in batch:
                        waiting.fail(UnavailableError())
                    return
                if len(share) == 1:
                    share[0].fail(_as_told(error))
                else:
                    shares = [[waiting] for waiting in share]
            else:
                committed = self._clock()
                for waiting in share:
                    waiting.tell(committed)

    async def _transact(self, share: list[_Waiting[object]]) -> None:
        tx = Transaction(self._connection, self._macs)
        mark = ENGINE.current_transaction.set(tx)  # type: ignore[arg-type]  # Piccolo asks it for .connection only
        try:
            await self._thread.run(self._begin)
            for waiting in share:
                await self._attempt(waiting, tx)
            ran = [(waiting, waiting.done.records) for waiting in share if waiting.done]
            every = [record for _, records in ran for record in records]
            landed = iter(append_records(tx, every, self._clock()))
            for waiting, records in ran:
                waiting.landed = [next(landed) for _ in records]
            tx.end()
            await self._thread.run(functools.partial(self._at_disk, "COMMIT"))
        except Exception:
            self._undo()
            raise
        finally:
            tx.end()
            ENGINE.current_transaction.reset(mark)
        self.commits += 1

    async def _attempt(self, waiting: _Waiting[object], tx: Transaction) -> None:
        """Runs one job in its savepoint; where it fails, its writes are undone, and its error waits for the commit."""
        self._execute("SAVEPOINT job")
        try:
            await waiting.run(tx)
        except BaseException as error:
            if self._is_ending(error) or not self._connection.in_transaction:  # SQLite may undo all by itself
                raise
            waiting.error = _as_told(error)
            self._execute("ROLLBACK TO job")
        self._execute("RELEASE job")

    def _is_ending(self, error: BaseException) -> bool:
        """Whether the writer itself is told to end, and not only a job."""
        if isinstance(error, asyncio.CancelledError):
            return self._task is not None and self._task.cancelling() > 0
        return isinstance(error, KeyboardInterrupt)

    def _begin(self) -> None:
        self._undo()
        self._at_disk("BEGIN IMMEDIATE")

    def _undo(self) -> None:
        """Rolls back what is open; where that fails, the next BEGIN finds it and tries again."""
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._execute("ROLLBACK")

    def _at_disk(self, statement: str) -> None:
        """BEGIN or COMMIT. Raises UnavailableError, IntegrityError where a row breaks what COMMIT checks."""
        try:
            self._execute(statement)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise UnavailableError from error

    def _execute(self, statement: str) -> None:
        self._connection.execute(statement)


def _is_unwritable(error: Exception) -> bool:
    """Whether nobody could write now. An operational error that has no code counts as one."""
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, UnavailableError)
    unknown = sqlite3.SQLITE_IOERR if isinstance(error, sqlite3.OperationalError) else sqlite3.SQLITE_ERROR
    return getattr(error, "sqlite_errorcode", unknown) & 0xFF in _UNWRITABLE


def _as_told(error: BaseException) -> Exception:
    """What the caller is told. A job that is cancelled or would exit ends itself, not its caller."""
    if isinstance(error, sqlite3.Error):
        return UnavailableError()
    if isinstance(error, Exception):
        return error
    told = RuntimeError(f"a job ended with {type(error).__name__}")
    told.__cause__ = error
    return told
