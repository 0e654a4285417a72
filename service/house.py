"""The house: database, clock, keys, policy and log, put together once and handed to every flow.

Time and randomness are parameters here, so that a test's house has a clock of its own. Nothing in the house is a
decision: what holds is asked anew in each transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from os import urandom
from typing import TypeVar

from audit.event import Via
from crypto.context import Random
from crypto.keys import RootKey, RootKeys, UserKeys
from crypto.password import DEFAULT, ArgonCost
from policies.matrix import Policy, default_policy, load_policy
from policies.who import Principal
from service.settings import Settings
from service.store.engine import Connect, Transaction, connect, open_connection
from service.store.macs import Macs
from service.store.reader import Reader
from service.store.writer import Committed, Job, Writer

Outcome = TypeVar("Outcome")
Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware, UTC."""
    return datetime.now(UTC)


class KeyHandle:
    """The signed-in user's keys, opened by the session; derived when first asked for, gone with the request."""

    __slots__ = ("_keys", "_seed")

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._keys: UserKeys | None = None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who asks: the principal, the session that proved it, and the handle to its keys.

    ``mark`` and ``request`` name session and request in the log, as hex; ``via`` is the channel.
    """

    principal: Principal
    session: bytes
    mark: str
    request: str
    via: Via
    keys: KeyHandle


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
        log_seed: bytes,
        clock: Clock,
        random: Random,
        cost: ArgonCost,
        connect: Connect,
    ) -> None:
        self.settings = settings
        self.roots = roots
        self.policy = policy
        self.log_seed = log_seed
        self.clock = clock
        self.random = random
        self.cost = cost
        macs = Macs(roots)
        self._writer = Writer(
            open_connection(settings.database, query_only=False, connect=connect), macs, clock
        )
        self._reader = Reader(open_connection(settings.database, query_only=True, connect=connect), macs)
        self._slow = ThreadPoolExecutor(settings.workers, thread_name_prefix="argon2")
        self._slow_waiting = 0

    @property
    def root(self) -> RootKey:
        """The root key that wraps what is new."""
        return self.roots.current

    @property
    def commits(self) -> int:
        """How many transactions the writer has committed since it started."""
        return self._writer.commits

    def start(self) -> None:
        """Starts the writer on the running event loop."""
        self._writer.start()

    async def stop(self) -> None:
        """Finishes what waits and closes every connection and thread."""
        await self._writer.stop()
        self._reader.close()
        self._slow.shutdown(cancel_futures=True)

    async def commit(self, job: Job[Outcome]) -> Committed[Outcome]:
        """Runs the job in a transaction and returns once it is durable (see `Writer.commit`)."""
        return await self._writer.commit(job)

    async def look(self, query: Callable[[Transaction], Awaitable[Outcome]]) -> Outcome:
        """Runs a query that writes no entry on the read-only connection: sessions, health, standing again."""
        return await self._reader.look(query)

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
    log_seed: bytes,
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
        log_seed=log_seed,
        clock=clock,
        random=random,
        cost=cost,
        connect=connect,
    )


def _policy(settings: Settings) -> Policy:
    if settings.fields is None or settings.roles is None:
        return default_policy()
    return load_policy(settings.fields.read_bytes(), settings.roles.read_bytes())
