"""Connections that fail when told to: a real SQLite connection, and one statement that does not go through."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from tests.service.world import Template, World

LOG = ("entry", "head", "tile", "checkpoint", "sealed_digest", "detail", "denial", "throttle", "session")
"""Tables that move with every look. All the others are business."""


@dataclass
class Faults:
    """Counts statements over all connections of a house, and fails the one that is armed.

    ``at``: which statement fails, counted from 1 since `arm`; None: none. ``only``: only statements that begin so
    are counted. ``late``: the statement is carried out, and the failure comes afterwards.
    """

    at: int | None = None
    only: str = ""
    late: bool = False
    count: int = 0
    failed: list[str] = field(default_factory=list)

    def arm(self, at: int | None, *, only: str = "", late: bool = False) -> None:
        self.at, self.only, self.late, self.count = at, only, late, 0
        self.failed.clear()

    def fails(self, sql: str) -> bool:
        if not sql.startswith(self.only):
            return False
        self.count += 1
        if self.count == self.at:
            self.failed.append(sql)
            return True
        return False

    def connect(self, path: str) -> sqlite3.Connection:
        """What `service.store.engine.connect` makes, and it can fail."""
        faults = self

        class Failing(sqlite3.Connection):
            def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
                failing = faults.fails(sql)
                if failing and not faults.late:
                    raise sqlite3.OperationalError("disk I/O error")
                done = super().execute(sql, parameters)  # type: ignore[arg-type]  # the signature is SQLite's
                if failing:
                    raise sqlite3.OperationalError("disk I/O error")
                return done

        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Failing)


def failing_world(template: Template, folder: Path) -> tuple[World, Faults]:
    """A world whose database fails when told to."""
    faults = Faults()
    return World(template, folder, connect=faults.connect), faults


def business(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that is not the log's or a session's."""
    names = [str(row[0]) for row in world.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: sorted(world.sql(f'SELECT * FROM "{name}"'), key=repr) for name in names if name not in LOG}
