"""The house: database, clock, keys, policy and log, put together once and handed to every flow.

Time and randomness are parameters here, so that a test's house has a clock of its own. Nothing in the house is a
decision: what holds is asked anew in each transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import urandom
from typing import TypeVar
from weakref import WeakValueDictionary

from audit.event import Via
from cases.ids import CaseId
from crypto.context import Random
from crypto.envelope import SlotKeyEntry
from crypto.keys import GroupKeys, RootKey, RootKeys, UserKeys
from crypto.password import DEFAULT, ArgonCost
from policies.matrix import Policy, default_policy, load_policy
from policies.who import Principal
from service.notary import Notary
from service.settings import Settings
from service.store.engine import Connect, Transaction, connect, empty_wal, open_connection
from service.store.macs import Macs
from service.store.reader import Reader
from service.store.writer import Committed, Job, Writer

Outcome = TypeVar("Outcome")
Clock = Callable[[], datetime]

MOST_KEPT = 64
"""How many opened groups, cases and, eight times that, sessions are kept at most."""


def system_clock() -> datetime:
    """The machine's time, aware, UTC."""
    return datetime.now(UTC)


class KeyHandle:
    """The signed-in user's keys, opened by the session; no byte of them is printed.

    What was opened with them is kept beside them, under the very rows that it was opened from: the rows are read
    from the database in each transaction, and other rows open anew. Kept are keys, never values, never a decision.
    """

    __slots__ = ("_groups", "_keys", "_seed", "_slots", "used")

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._keys: UserKeys | None = None
        self._groups: dict[Hashable, GroupKeys] = {}
        self._slots: dict[Hashable, tuple[SlotKeyEntry, ...]] = {}
        self.used = True

    def __repr__(self) -> str:
        return "<KeyHandle>"

    @property
    def seed(self) -> bytes:
        """The user's seed, 32 bytes."""
        return self._seed

    def user(self) -> UserKeys:
        """The user's keys."""
        if self._keys is None:
            self._keys = UserKeys.from_seed(self._seed)
        return self._keys

    def group(self, rows: Hashable, open: Callable[[], GroupKeys]) -> GroupKeys:
        """The group's keys of these rows, opened once."""
        return _kept(self._groups, rows, open)

    def slots(self, rows: Hashable, open: Callable[[], tuple[SlotKeyEntry, ...]]) -> tuple[SlotKeyEntry, ...]:
        """The slot keys of these rows, opened once."""
        return _kept(self._slots, rows, open)


def _kept(place: dict[Hashable, Outcome], rows: Hashable, open: Callable[[], Outcome]) -> Outcome:
    """What was opened from these rows; the oldest goes when there are too many."""
    found = place.get(rows)
    if found is None:
        found = open()
        if len(place) >= MOST_KEPT:
            place.pop(next(iter(place)))
        place[rows] = found
    return found


class Handles:
    """The handles of the sessions that were used in the last minute or two. A handle is found under the session's
    whole row, so that a changed row, or another token, finds nothing."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[Hashable, KeyHandle]] = {}

    def find(self, session: bytes, row: Hashable) -> KeyHandle | None:
        """The handle that was opened from exactly this row."""
        held = self._held.get(session)
        if held is None or held[0] != row:
            return None
        held[1].used = True
        return held[1]

    def keep(self, session: bytes, row: Hashable, handle: KeyHandle) -> None:
        """Keeps a handle; the oldest goes when there are too many."""
        if len(self._held) >= MOST_KEPT * 8:
            self._held.pop(next(iter(self._held)))
        self._held[session] = (row, handle)

    def forget(self, session: bytes) -> None:
        """Drops the session's handle and every key that was opened with it."""
        self._held.pop(session, None)

    def forget_unused(self) -> None:
        """Drops the handles that no request has used since the last call."""
        for session, (_, handle) in list(self._held.items()):
            if not handle.used:
                self.forget(session)
            handle.used = False


class Caller:
    """Whoever asks: somebody signed in (`Who`), or a witness's program (`Watcher`)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Who(Caller):
    """Who asks: the principal, the session that proved it, and the handle to its keys.

    ``name`` is the user's own, as typed. ``mark`` and ``request`` name session and request in the log, as hex;
    ``via`` is the channel.
    """

    principal: Principal
    name: str = field(repr=False)
    session: bytes
    mark: str
    request: str
    via: Via
    keys: KeyHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher(Caller):
    """A witness's program that asks: its key's name, and the one tree whose hashes it may have.

    Made by the session alone, as `Who` is.
    """

    name: str
    tree: int
    tree_name: str


class BusyError(Exception):
    """Too much waits already for the one thing that takes time: signing in."""


class House:
    """One running service. Build it with `open_house`."""

    def __init__(
        self,
        *,
        settings: Settings,
        roots: RootKeys,
        policy: Policy,
        notary: Notary,
        clock: Clock,
        random: Random,
        cost: ArgonCost,
        connect: Connect,
    ) -> None:
        self.settings = settings
        self.roots = roots
        self.policy = policy
        self.notary = notary
        self.clock = clock
        self.random = random
        self.cost = cost
        self.handles = Handles()
        macs = Macs(roots)
        self._writer = Writer(
            open_connection(settings.database, query_only=False, connect=connect), macs, clock
        )
        self._reader = Reader(open_connection(settings.database, query_only=True, connect=connect), macs)
        self._slow = ThreadPoolExecutor(settings.workers, thread_name_prefix="argon2")
        self._slow_waiting = 0
        self._rotating: WeakValueDictionary[CaseId, asyncio.Lock] = WeakValueDictionary()

    @property
    def root(self) -> RootKey:
        """The root key that wraps what is new."""
        return self.roots.current

    @property
    def commits(self) -> int:
        """How many transactions the writer has committed since it started."""
        return self._writer.commits

    @property
    def is_appending(self) -> bool:
        """Whether anything can be written, and so released."""
        return not self._writer.refusing

    def stop_appending(self) -> None:
        """From here on nothing is written and nothing released: the log is not the one that was signed."""
        self._writer.refuse()

    def start(self) -> None:
        """Starts the writer on the running event loop."""
        self._writer.start()

    async def stop(self) -> None:
        """Finishes what waits and closes every connection and thread."""
        try:
            await self._writer.stop()
        finally:
            self._reader.close()
            self._slow.shutdown(cancel_futures=True)

    async def commit(self, job: Job[Outcome]) -> Committed[Outcome]:
        """Runs the job in a transaction and returns once it is durable (see `Writer.commit`)."""
        return await self._writer.commit(job)

    async def look(self, query: Callable[[Transaction], Awaitable[Outcome]]) -> Outcome:
        """Runs a query that writes no entry on the read-only connection: sessions, health, standing again."""
        return await self._reader.look(query)

    async def forget_deleted(self) -> None:
        """Lets what was deleted leave the disk, in a thread of its own (formats.md, What is deleted)."""
        await asyncio.get_running_loop().run_in_executor(None, empty_wal, self.settings.database)

    def rotating(self, case: CaseId) -> asyncio.Lock:
        """The lock under which the case's keys are rotated: whoever comes second finds it done. It saves entries and
        work; what is right never depends on it."""
        return self._rotating.setdefault(case, asyncio.Lock())

    async def slowly(self, work: Callable[[], Outcome]) -> Outcome:
        """Runs Argon2id in its own few threads. Raises BusyError where too many wait already."""
        if self._slow_waiting >= 16 * self.settings.workers:
            raise BusyError
        self._slow_waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._slow, work)
        finally:
            self._slow_waiting -= 1


def open_house(
    settings: Settings,
    roots: RootKeys,
    notary: Notary,
    *,
    clock: Clock = system_clock,
    random: Random = urandom,
    cost: ArgonCost = DEFAULT,
    connect: Connect = connect,
) -> House:
    """A house on the database that the settings name, its policy loaded and checked.

    Raises PolicyError for files that do not fit, PragmaError and sqlite3.OperationalError for a database that
    cannot be opened safely.
    """
    return House(
        settings=settings,
        roots=roots,
        policy=_policy(settings),
        notary=notary,
        clock=clock,
        random=random,
        cost=cost,
        connect=connect,
    )


def _policy(settings: Settings) -> Policy:
    if settings.fields is None or settings.roles is None:
        return default_policy()
    return load_policy(settings.fields.read_bytes(), settings.roles.read_bytes())
