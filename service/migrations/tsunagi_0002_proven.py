"""The log proven to outsiders: witnesses and their cosignatures, texts that may go once an entry says so, disclosures.

The one change of an entry that passes is its text to NULL with the hash as it was, once a committed `redact.entry`
names it, or a `retention.prune` names a later index (formats.md, the log's tables).
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-23T12:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "witnesses, cosignatures, redaction, disclosures"

APPEND_ONLY = "tsunagi: append only"

STATEMENTS = (
    "ALTER TABLE entry ADD COLUMN ref INTEGER GENERATED ALWAYS AS ("
    "CAST(substr(leaf, nullif(instr(leaf, '\"ref\":'), 0) + 6, 13) AS INTEGER)) VIRTUAL",
    "DROP TRIGGER entry_no_update",
    "CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry WHEN NOT ("
    "NEW.id IS OLD.id AND NEW.tree IS OLD.tree AND NEW.idx IS OLD.idx AND NEW.leaf_hash IS OLD.leaf_hash "
    "AND NEW.leaf IS NULL AND (EXISTS (SELECT 1 FROM entry e WHERE e.tree = OLD.tree AND e.ev = 'redact.entry' "
    "AND e.dec IS NOT 'deny' AND e.ref = OLD.idx AND e.idx > OLD.idx) "
    "OR EXISTS (SELECT 1 FROM entry e WHERE e.tree = OLD.tree AND e.ev = 'retention.prune' "
    "AND e.dec IS NOT 'deny' AND e.ref > OLD.idx AND e.idx >= e.ref))) "
    f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    "CREATE TABLE witness ("
    "id INTEGER PRIMARY KEY, tree INTEGER NOT NULL REFERENCES tree, name TEXT NOT NULL, vkey TEXT NOT NULL, "
    "token BLOB NOT NULL UNIQUE, url TEXT, state TEXT NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL, "
    "UNIQUE (tree, name))",
    "CREATE TABLE cosignature ("
    "id INTEGER PRIMARY KEY, tree INTEGER NOT NULL REFERENCES tree, size INTEGER NOT NULL, name TEXT NOT NULL, "
    "time INTEGER NOT NULL, line TEXT NOT NULL)",
    "CREATE INDEX cosignature_size ON cosignature (tree, name, size)",
    "CREATE TRIGGER cosignature_no_update BEFORE UPDATE ON cosignature "
    f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    "CREATE TRIGGER cosignature_no_delete BEFORE DELETE ON cosignature "
    f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    "CREATE TRIGGER cosignature_no_replace BEFORE INSERT ON cosignature "
    "WHEN EXISTS (SELECT 1 FROM cosignature WHERE id = NEW.id) "
    f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    "CREATE TABLE disclosure ("
    'id BLOB PRIMARY KEY CHECK (length(id) = 16), "case" BLOB NOT NULL REFERENCES cases, since INTEGER NOT NULL, '
    "until INTEGER NOT NULL, asked_by BLOB NOT NULL REFERENCES user, asked INTEGER NOT NULL, "
    "approved_by BLOB REFERENCES user, approved INTEGER, version INTEGER NOT NULL, mac BLOB NOT NULL)",
    "CREATE INDEX disclosure_asked ON disclosure (asked)",
)


async def forwards() -> MigrationManager:
    """Changes the schema in one transaction of Piccolo's."""
    from piccolo.engine import engine_finder

    manager = MigrationManager(migration_id=ID, app_name="tsunagi", description=DESCRIPTION)

    async def change() -> None:
        engine = engine_finder()
        if engine is None:
            raise RuntimeError("migrations need an engine")
        for statement in STATEMENTS:
            await engine.run_ddl(statement)

    manager.add_raw(change)
    return manager
