"""The log is only ever added to: through the app's own connection, and through any other while its triggers stand."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.house import House
from service.store.engine import PRAGMAS, PragmaError, connect, open_connection
from tests.service.disk import edit
from tests.service.world import World

GUARDED = ("entry", "head", "tile", "checkpoint", "sealed_digest", "tree", "ledger_row", "consent_event")

CHANGES = {
    "an entry's text is changed": "UPDATE entry SET leaf = '{}' WHERE id = (SELECT max(id) FROM entry)",
    "an entry's text is taken out": "UPDATE entry SET leaf = NULL WHERE id = (SELECT max(id) FROM entry)",
    "an entry's hash is changed": "UPDATE entry SET leaf_hash = x'00' WHERE id = (SELECT max(id) FROM entry)",
    "an entry is moved": "UPDATE OR REPLACE entry SET idx = idx + 1, id = id + 1",
    "an entry is deleted": "DELETE FROM entry WHERE id = (SELECT max(id) FROM entry)",
    "all entries are deleted": "DELETE FROM entry",
    "an entry is replaced by id": (
        "INSERT OR REPLACE INTO entry (id, tree, idx, leaf, leaf_hash) SELECT id, tree, idx, '{}', leaf_hash FROM entry"
        " ORDER BY id DESC LIMIT 1"
    ),
    "an entry is replaced by rowid": (
        "INSERT OR REPLACE INTO entry (rowid, tree, idx, leaf, leaf_hash) SELECT id, tree, idx, '{}', leaf_hash"
        " FROM entry ORDER BY id DESC LIMIT 1"
    ),
    "an entry is replaced by an upsert": (
        "INSERT INTO entry (id, tree, idx, leaf, leaf_hash) SELECT id, tree, idx, '{}', leaf_hash FROM entry WHERE true"
        " ORDER BY id DESC LIMIT 1 ON CONFLICT (id) DO UPDATE SET leaf = excluded.leaf"
    ),
    "an index is left out": (
        "INSERT INTO entry (id, tree, idx, leaf, leaf_hash) SELECT id + 2, tree, idx + 2, '{}', leaf_hash FROM entry"
        " ORDER BY id DESC LIMIT 1"
    ),
    "an index comes before the first": (
        "INSERT INTO entry (id, tree, idx, leaf, leaf_hash) SELECT (tree << 40) - 1, tree, -1, '{}', leaf_hash"
        " FROM entry LIMIT 1"
    ),
    "an entry stands at another's place": (
        "INSERT INTO entry (id, tree, idx, leaf, leaf_hash) SELECT id + 1, tree, idx, '{}', leaf_hash FROM entry"
        " ORDER BY id DESC LIMIT 1"
    ),
    "a head shrinks": "UPDATE head SET size = size - 1 WHERE size > 0",
    "a head stays and changes its root": "UPDATE head SET root = x'00' WHERE size > 0",
    "a head's time goes back": "UPDATE head SET size = size + 1, last = last - 1 WHERE size > 0",
    "a head is deleted": "DELETE FROM head",
    "a head is replaced": (
        "INSERT OR REPLACE INTO head (tree, size, root, frontier, last) SELECT tree, 0, root, frontier, last FROM head"
    ),
    "a head is upserted": (
        "INSERT INTO head (tree, size, root, frontier, last) SELECT tree, 0, root, frontier, last FROM head WHERE true"
        " ON CONFLICT (tree) DO UPDATE SET size = 0"
    ),
    "a head goes to another tree": "UPDATE OR REPLACE head SET tree = 2, size = size + 1 WHERE tree = 1",
    "a tile is changed": "UPDATE tile SET data = x'00'",
    "a tile is deleted": "DELETE FROM tile",
    "a tile is replaced": "INSERT OR REPLACE INTO tile SELECT id, tree, level, n, root, x'00' FROM tile",
    "a checkpoint is changed": "UPDATE checkpoint SET note = ''",
    "a checkpoint is deleted": "DELETE FROM checkpoint",
    "a checkpoint is replaced": "INSERT OR REPLACE INTO checkpoint SELECT id, tree, size, '' FROM checkpoint",
    "the hashes of rows are changed": "UPDATE sealed_digest SET hashes = x''",
    "the hashes of rows are deleted": "DELETE FROM sealed_digest",
    "the hashes of rows are replaced": "INSERT OR REPLACE INTO sealed_digest SELECT id, x'' FROM sealed_digest",
    "a tree is renamed": "UPDATE tree SET name = name || 'x'",
    "a tree is deleted": "DELETE FROM tree",
    "a tree is replaced by its name": (
        "INSERT OR REPLACE INTO tree (number, name, origin) SELECT number + 100, name, origin || 'x' FROM tree LIMIT 1"
    ),
    "a consent event is changed": "UPDATE consent_event SET event = x'00'",
    "a consent event is deleted": "DELETE FROM consent_event",
    "a consent event is replaced by id": (
        "INSERT OR REPLACE INTO consent_event (id, series, number, event) SELECT id, series, number + 1, x'00'"
        " FROM consent_event"
    ),
    "a consent event is replaced by its number": (
        "INSERT OR REPLACE INTO consent_event (series, number, event) SELECT series, number, x'00' FROM consent_event"
    ),
    "a consent event is left out": (
        "INSERT INTO consent_event (series, number, event) SELECT series, number + 2, x'00' FROM consent_event"
    ),
    "a row of the ledger is changed": "UPDATE ledger_row SET kind = 'reply'",
    "a row of the ledger is deleted": "DELETE FROM ledger_row",
}  # fmt: skip

FENCED = {
    "a trigger is dropped": "DROP TRIGGER entry_no_delete",
    "a table is dropped": "DROP TABLE entry",
    "a table is changed": "ALTER TABLE entry RENAME TO old",
    "a column is added": "ALTER TABLE entry ADD COLUMN x",
    "an index is dropped": "DROP INDEX entry_act",
    "the schema is made writable": "PRAGMA writable_schema = ON",
    "durability is switched off": "PRAGMA synchronous = OFF",
    "the reader is unlocked": "PRAGMA query_only = OFF",
    "recursive triggers are switched off": "PRAGMA recursive_triggers = OFF",
    "foreign keys are switched off": "PRAGMA foreign_keys = OFF",
    "the schema is edited": "UPDATE sqlite_master SET sql = '' WHERE type = 'trigger'",
    "a trigger is deleted from the schema": "DELETE FROM sqlite_master WHERE type = 'trigger'",
    "a temporary trigger is made": "CREATE TEMP TRIGGER t BEFORE INSERT ON entry BEGIN SELECT RAISE(IGNORE); END",
    "a temporary table hides the log": "CREATE TEMP TABLE entry (id INTEGER)",
    "a view is made": "CREATE VIEW v AS SELECT * FROM user",
    "another file is attached": "ATTACH DATABASE ':memory:' AS other",
    "everything is rewritten": "VACUUM",
    "the database is copied out": "VACUUM INTO 'copy.db'",
    "the indexes are rebuilt": "REINDEX",
    "statistics are written": "ANALYZE",
    "a virtual table is made": "CREATE VIRTUAL TABLE v USING fts5(x)",
}


@pytest.fixture
def filled(world: World) -> World:
    """A world with a row in every guarded table but `tile`, which needs 256 entries."""
    case, _, request = world.shared_case()
    body = {"kind": "delivery", "value": {"date": "2026-11-23", "result": "full"}, "request": request}
    assert world("coordinator", "POST", f"/api/cases/{case}/ledger", body).status_code == 201
    tree = world("auditor", "GET", "/api/log").json()["trees"][0]["name"]
    assert world("auditor", "GET", f"/api/log/{tree}/checkpoint").status_code == 200
    edit(
        world,
        "INSERT INTO tile (id, tree, level, n, root, data) VALUES ((1 << 48) | 7, 1, 0, 7, x'22', x'11')",
    )
    assert all(world.sql(f"SELECT count(*) FROM {table}") != [(0,)] for table in GUARDED)
    return world


def log(world: World) -> list[object]:
    return [world.sql(f"SELECT * FROM {table} ORDER BY 1") for table in GUARDED]


@pytest.fixture
def fenced(filled: World) -> Iterator[sqlite3.Connection]:
    """The app's own kind of connection."""
    connection = open_connection(filled.settings.database, query_only=False)
    yield connection
    connection.close()


@pytest.fixture
def plain(filled: World) -> Iterator[sqlite3.Connection]:
    """Anybody's connection, with SQLite's own defaults."""
    connection = sqlite3.connect(filled.settings.database, isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_triggers_alone_refuse_a_change(filled: World, plain: sqlite3.Connection, change: str) -> None:
    """I5: update, delete, replace, skip and shrink are refused, `recursive_triggers` or not."""
    before = log(filled)
    with pytest.raises(sqlite3.IntegrityError):
        plain.execute(change)
    assert log(filled) == before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_apps_connection_refuses_a_change(filled: World, fenced: sqlite3.Connection, change: str) -> None:
    """I5: the same through the connection that the service itself writes with."""
    before = log(filled)
    with pytest.raises(sqlite3.DatabaseError):
        fenced.execute(change)
    assert log(filled) == before


@pytest.mark.parametrize("statement", FENCED.values(), ids=FENCED.keys())
def test_the_apps_connection_cannot_leave_its_fence(
    filled: World, fenced: sqlite3.Connection, statement: str
) -> None:
    """What SQL may do is an allow-list: no PRAGMA, no schema, no other file, nothing temporary."""
    schema = filled.sql("SELECT sql FROM sqlite_master ORDER BY name")
    with pytest.raises(sqlite3.DatabaseError):
        fenced.execute(statement)
    assert filled.sql("SELECT sql FROM sqlite_master ORDER BY name") == schema
    assert fenced.execute("SELECT 1").fetchone() == (1,)


def test_the_fence_lets_through_what_the_service_does(fenced: sqlite3.Connection) -> None:
    """A fence that refuses everything would prove nothing."""
    fenced.execute("BEGIN IMMEDIATE")
    fenced.execute("SAVEPOINT job")
    fenced.execute("INSERT INTO throttle (id, failures, until) VALUES (x'01', 1, 0)")
    fenced.execute("UPDATE throttle SET failures = 2")
    fenced.execute("DELETE FROM throttle")
    fenced.execute("RELEASE job")
    fenced.execute("COMMIT")
    assert fenced.execute("SELECT count(*) FROM throttle").fetchone() == (0,)


def test_the_reader_writes_nothing(filled: World) -> None:
    """The connection for looks is `query_only`."""
    reader = open_connection(filled.settings.database, query_only=True)
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("INSERT INTO throttle (id, failures, until) VALUES (x'01', 1, 0)")
    reader.close()


def test_every_connection_of_a_house_is_durable(world: World) -> None:
    """`synchronous=FULL`, WAL, `secure_delete` and the rest stand on each connection, not on the first only."""
    made: list[sqlite3.Connection] = []
    seen: list[dict[str, object]] = []

    class Watched(sqlite3.Connection):
        def set_authorizer(self, authorizer: object) -> None:
            seen.append({name: self.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS})
            super().set_authorizer(authorizer)  # type: ignore[arg-type]  # passed on as it came

    def watched(path: str) -> sqlite3.Connection:
        made.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Watched))
        return made[-1]

    house = House(
        settings=world.house.settings, roots=world.house.roots, policy=world.house.policy, clock=world.clock,
        notary=world.house.notary, random=world.house.random, cost=world.house.cost, connect=watched,
    )  # fmt: skip
    world.run(house.stop())
    assert len(made) == len(seen) >= 2
    for found in seen:
        assert found == PRAGMAS
        assert (found["synchronous"], found["journal_mode"], found["secure_delete"]) == (2, "wal", 1)


@pytest.mark.parametrize("name", [*PRAGMAS, "query_only"])
def test_a_connection_that_does_not_keep_a_pragma_is_refused(world: World, name: str) -> None:
    """A setting that does not take ends the start, and names itself; the connection is closed."""
    made: list[sqlite3.Connection] = []
    world.close()
    edit(world, "PRAGMA journal_mode = DELETE")
    with pytest.raises(PragmaError) as refused:
        open_connection(world.settings.database, query_only=True, connect=deaf(name, made))
    assert refused.value.pragma == name
    with pytest.raises(sqlite3.ProgrammingError):
        made[0].execute("SELECT 1")
    world.open()


def deaf(name: str, made: list[sqlite3.Connection]) -> Callable[[str], sqlite3.Connection]:
    """Connections that do not hear one PRAGMA."""

    class Deaf(sqlite3.Connection):
        def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
            if sql.startswith(f"PRAGMA {name} ="):
                sql = f"PRAGMA {name} = {WRONG.get(name, 0)}"
            return super().execute(sql, parameters)  # type: ignore[arg-type]  # the signature is SQLite's

    def open_deaf(path: str) -> sqlite3.Connection:
        made.append(sqlite3.connect(path, isolation_level=None, factory=Deaf))
        return made[-1]

    return open_deaf


WRONG = {"journal_mode": "delete", "synchronous": 1, "trusted_schema": 1, "temp_store": 1}
"""For each PRAGMA a value that is not the house's; 0 where not named."""


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Opening never makes an empty database in the place of a lost one."""
    with pytest.raises(sqlite3.OperationalError):
        open_connection(tmp_path / "lost.db", query_only=False, connect=connect)
    assert list(tmp_path.iterdir()) == []
