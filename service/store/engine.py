"""Our SQLite engine for Piccolo: connections that are kept, checked and fenced in.

Rules kept here:
- Every connection that is kept is durable (`synchronous=FULL`), overwrites what it deletes, and waits for a lock
  instead of failing. A connection that cannot be made so is refused.
- What SQL may do is an allow-list, set after the PRAGMAs: no PRAGMA, no DDL, no ATTACH can follow.
- A query runs only inside a transaction of the writer or on the reader; there is no connection otherwise.

Piccolo's stock engine opens a connection and starts a thread for each query outside a transaction, and its
transactions are DEFERRED: both were measured and are why this engine exists (docs/decisions/0002).
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from piccolo.engine.sqlite import SQLiteEngine
from piccolo.table import Table

from service.store.macs import Macs
from service.store.values import Row, Value

Connect = Callable[[str], sqlite3.Connection]

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "secure_delete": 1,
    "trusted_schema": 0,
    "recursive_triggers": 1,
    "busy_timeout": 4000,
    "temp_store": 2,
    "cell_size_check": 1,
}

_ALLOWED = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_RECURSIVE,
    }
)


class PragmaError(Exception):
    """A database that does not keep what is asked of it; ``pragma`` names the setting."""

    def __init__(self, pragma: str) -> None:
        super().__init__(pragma)
        self.pragma = pragma


def connect(path: str) -> sqlite3.Connection:
    """A plain connection in autocommit mode, usable from the writer's thread and from the event loop."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)


def open_connection(path: Path, *, query_only: bool, connect: Connect = connect) -> sqlite3.Connection:
    """A durable, fenced connection to the database at ``path``.

    Raises PragmaError where a PRAGMA does not take, sqlite3.OperationalError where the file cannot be opened.
    """
    if not path.is_file():
        raise sqlite3.OperationalError("unable to open database file")
    connection = connect(str(path))
    for name, value in {**PRAGMAS, "query_only": int(query_only)}.items():
        connection.execute(f"PRAGMA {name} = {value}")
        found = connection.execute(f"PRAGMA {name}").fetchone()
        if found is None or found[0] != value:
            connection.close()
            raise PragmaError(name)
    connection.set_authorizer(_authorize)
    return connection


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, whoever's file it is: for a notary that runs under another user.

    Raises sqlite3.OperationalError where the file cannot be opened.
    """
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    for name, value in (
        ("query_only", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("busy_timeout", 4000),
    ):
        connection.execute(f"PRAGMA {name} = {value}")
    connection.set_authorizer(_authorize)
    return connection


def empty_wal(path: Path) -> None:
    """Moves everything committed into the database file and cuts the WAL to nothing: what was deleted is gone from
    disk. On a connection of its own, for the fenced ones may run no PRAGMA. Does nothing where others are busy."""
    with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _authorize(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


class HouseEngine(SQLiteEngine):
    """Piccolo's queries, run on whatever connection the current transaction holds."""

    async def _run_in_existing_connection(
        self,
        connection: sqlite3.Connection,
        query: str,
        args: Sequence[Value] | None = None,
        query_type: str = "generic",
        table: type[Table] | None = None,
    ) -> list[dict[str, Value]]:
        """Rows as dictionaries. Runs in the event loop: a statement costs microseconds, a thread hop costs more."""
        cursor = connection.execute(query, args or ())
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    async def _run_in_new_connection(
        self,
        query: str,
        args: Sequence[Value] | None = None,
        query_type: str = "generic",
        table: type[Table] | None = None,
    ) -> list[dict[str, Value]]:
        raise RuntimeError("a query runs inside a job or on the reader, nowhere else")

    async def get_connection(self) -> NoReturn:
        raise RuntimeError("connections are opened by the store, not by Piccolo")


ENGINE = HouseEngine(path=":held-connections-only:")


class Transaction:
    """What a job works with: raw statements on the held connection; Piccolo finds it by its ContextVar.

    The handle is dead once the job has ended: a statement after that is a programmer's mistake.
    """

    __slots__ = ("_alive", "connection", "macs")

    def __init__(self, connection: sqlite3.Connection, macs: Macs) -> None:
        self.connection = connection
        self.macs = macs
        self._alive = True

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """Every row of a raw statement, as tuples. Values are bound, never written into the text."""
        if not self._alive:
            raise RuntimeError("the transaction of this job has ended")
        return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Value) -> Row | None:
        """The first row of a raw statement, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def end(self) -> None:
        """From here on the handle is dead."""
        self._alive = False
