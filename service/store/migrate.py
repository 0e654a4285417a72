"""Migrations: Piccolo's own runner on Piccolo's stock engine, before the house opens its connections.

One process at a time: a lock file beside the database is held meanwhile.
"""

import asyncio
import contextlib
import fcntl
import io
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig
from piccolo.engine.sqlite import SQLiteEngine

DB = SQLiteEngine(path=":not-set:")
"""Piccolo's engine finder reads this name; its path is set for the length of one `migrate`."""

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


class MigrationError(Exception):
    """The schema could not be brought up to date."""


def migrate(path: Path) -> None:
    """Brings the database at ``path`` up to date, making it where it is not there. Raises MigrationError."""
    with _one_at_a_time(path):
        kept = (
            path.stat().st_mode & 0o040 if path.exists() else 0
        )  # an operator may let the notary's group read
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        path.chmod(kept | 0o600)
        DB.path = str(path)
        Migration._meta.db = DB
        os.environ["PICCOLO_CONF"] = __name__
        asyncio.run(_forwards())


async def _forwards() -> None:
    manager = ForwardsMigrationManager(app_name="tsunagi")
    with _piccolo_quiet():
        await manager.create_migration_table()
        config = AppConfig(app_name="tsunagi", migrations_folder_path=str(FOLDER))
        result = await manager.run_migrations(config)
    if not result.success:
        raise MigrationError


@contextlib.contextmanager
def _piccolo_quiet() -> Iterator[None]:
    """Piccolo prints its progress and puts the migrations' folder on the path; both are undone."""
    before = list(sys.path)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        sys.path[:] = before


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
