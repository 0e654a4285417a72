"""The reader: a connection that cannot write, for what needs no entry in the log."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from service.store.engine import ENGINE, Transaction
from service.store.errors import UnavailableError
from service.store.macs import Macs

Outcome = TypeVar("Outcome")


class Look(Protocol):
    """Runs a query that writes nothing, and gives back what it answers."""

    async def __call__(self, query: Callable[[Transaction], Awaitable[Outcome]]) -> Outcome:
        """What ``query`` answers."""


class Reader:
    """Runs queries in the event loop on a ``query_only`` connection; each sees the last committed state."""

    def __init__(self, connection: sqlite3.Connection, macs: Macs) -> None:
        self._connection = connection
        self._macs = macs

    async def look(self, query: Callable[[Transaction], Awaitable[Outcome]]) -> Outcome:
        """What ``query`` answers. It awaits only the store, so that nothing else runs in between.

        Raises UnavailableError where the database does not answer.
        """
        tx = Transaction(self._connection, self._macs)
        mark = ENGINE.current_transaction.set(tx)  # type: ignore[arg-type]  # Piccolo asks it for .connection only
        try:
            return await query(tx)
        except sqlite3.Error:
            raise UnavailableError from None
        finally:
            tx.end()
            ENGINE.current_transaction.reset(mark)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
