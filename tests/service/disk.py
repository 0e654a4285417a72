"""A world's database, past the product: every byte of it, and edits by hand."""

import sqlite3
import subprocess
from contextlib import closing

from tests.service.world import World


def on_disk(world: World) -> bytes:
    """The contents of every file beside the database, read by another process.

    A process that opens and closes a database file loses SQLite's POSIX locks on it.
    """
    files = sorted(str(file) for file in world.settings.data.rglob("*") if file.is_file())
    return subprocess.run(["cat", *files], check=True, capture_output=True).stdout


def edit(world: World, *statements: str) -> None:
    """What somebody does who can write the database and has no key: on a connection of their own."""
    with closing(sqlite3.connect(world.settings.database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
