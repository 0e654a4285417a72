"""What an attacker does past the product: writes rows by hand, keeps old ones and puts them back."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from tests.service.world import World

Cell = bytes | str | int | None
Statement = tuple[str, Sequence[Cell]]


def raw(id: str) -> bytes:
    """The 16 bytes of an id's text form."""
    return bytes.fromhex(id.partition("_")[2])


def write(world: World, *statements: Statement) -> None:
    """Statements of somebody who can write the file: the triggers that stand in the way are dropped first."""
    with closing(sqlite3.connect(world.settings.database)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        for sql, values in statements:
            connection.execute(sql, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Rows of a table as they once were."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def keep(world: World, table: str, where: str = "1", *values: Cell) -> Kept:
    """A copy of the rows, to be put back later."""
    with closing(sqlite3.connect(world.settings.database)) as connection:
        found = connection.execute(f'SELECT * FROM "{table}" WHERE {where}', values)
        columns = tuple(str(one[0]) for one in found.description)
        return Kept(table=table, columns=columns, rows=tuple(found.fetchall()))


def put_back(world: World, *kept: Kept) -> None:
    """The rows as they once were, in the place of what stands there now."""
    statements: list[Statement] = []
    for one in kept:
        names = ", ".join(f'"{name}"' for name in one.columns)
        marks = ", ".join("?" * len(one.columns))
        sql = f'INSERT OR REPLACE INTO "{one.table}" ({names}) VALUES ({marks})'
        statements += [(sql, row) for row in one.rows]
    write(world, *statements)
