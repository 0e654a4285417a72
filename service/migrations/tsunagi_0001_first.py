"""The first schema. Written by hand: exact types, checks and triggers say what the table classes cannot.

Rules kept by triggers (formats.md, the log's tables): entries, tiles, checkpoints and consent events are only
ever added, in order; a head only grows. `INSERT OR REPLACE` fires no delete trigger unless
`recursive_triggers` is on, so every insert trigger also refuses a row that is there already.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-23T12:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "first schema"

TABLES = """
CREATE TABLE instance (
    id INTEGER PRIMARY KEY CHECK (id = 1), operator BLOB NOT NULL, practice INTEGER NOT NULL CHECK (practice IN (0, 1)),
    root_key INTEGER NOT NULL, root_proof BLOB NOT NULL, created INTEGER NOT NULL);
CREATE TABLE organisation (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE collaboration (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);
CREATE TABLE membership (
    id INTEGER PRIMARY KEY, collaboration BLOB NOT NULL REFERENCES collaboration, organisation BLOB NOT NULL REFERENCES organisation,
    version INTEGER NOT NULL, mac BLOB NOT NULL, UNIQUE (collaboration, organisation));
CREATE TABLE section (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), organisation BLOB NOT NULL REFERENCES organisation, name TEXT NOT NULL,
    UNIQUE (organisation, name));
CREATE TABLE place (
    id INTEGER PRIMARY KEY, collaboration BLOB NOT NULL REFERENCES collaboration, code TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (collaboration, code));

CREATE TABLE user (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), organisation BLOB NOT NULL REFERENCES organisation, login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL, role TEXT NOT NULL, state TEXT NOT NULL, sections BLOB NOT NULL, public_key BLOB NOT NULL,
    created INTEGER NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL);
CREATE TABLE unlock (
    user BLOB PRIMARY KEY REFERENCES user, salt BLOB NOT NULL, memory INTEGER NOT NULL, passes INTEGER NOT NULL,
    lanes INTEGER NOT NULL, root_key INTEGER NOT NULL, blob BLOB NOT NULL);
CREATE TABLE second_factor (
    user BLOB PRIMARY KEY REFERENCES user, root_key INTEGER NOT NULL, blob BLOB NOT NULL, last_step INTEGER NOT NULL);
CREATE TABLE session (
    id BLOB PRIMARY KEY CHECK (length(id) = 32), user BLOB NOT NULL REFERENCES user, transport TEXT NOT NULL, blob BLOB NOT NULL,
    created INTEGER NOT NULL, seen INTEGER NOT NULL, expires INTEGER NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL);
CREATE INDEX session_user ON session (user);
CREATE TABLE device (id BLOB PRIMARY KEY, user BLOB NOT NULL REFERENCES user, created INTEGER NOT NULL);
CREATE TABLE throttle (id BLOB PRIMARY KEY, failures INTEGER NOT NULL, until INTEGER NOT NULL);
CREATE TABLE denial (
    user BLOB PRIMARY KEY REFERENCES user, since INTEGER NOT NULL, logged INTEGER NOT NULL, suppressed INTEGER NOT NULL);
CREATE TABLE idempotency (
    id BLOB PRIMARY KEY, request_hash BLOB NOT NULL, status INTEGER NOT NULL, object TEXT NOT NULL, created INTEGER NOT NULL);

CREATE TABLE group_key (
    id INTEGER PRIMARY KEY, "group" BLOB NOT NULL, organisation BLOB NOT NULL REFERENCES organisation, epoch INTEGER NOT NULL,
    x25519 BLOB NOT NULL, ed25519 BLOB NOT NULL, created INTEGER NOT NULL, version INTEGER NOT NULL, mac BLOB NOT NULL,
    UNIQUE ("group", epoch), UNIQUE (organisation, epoch));
CREATE TABLE member_seal (
    id INTEGER PRIMARY KEY, "group" BLOB NOT NULL, epoch INTEGER NOT NULL, user BLOB NOT NULL REFERENCES user,
    root_key INTEGER NOT NULL, blob BLOB NOT NULL, UNIQUE (user, "group", epoch));

CREATE TABLE cases (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), number TEXT NOT NULL UNIQUE, collaboration BLOB NOT NULL REFERENCES collaboration,
    owner BLOB NOT NULL REFERENCES organisation, sections BLOB NOT NULL, opened INTEGER NOT NULL, closed INTEGER,
    closing_reason TEXT, hardship INTEGER, willing INTEGER, version INTEGER NOT NULL, mac BLOB NOT NULL);
CREATE INDEX cases_owner ON cases (owner, opened);
CREATE TABLE case_section (
    id INTEGER PRIMARY KEY, "case" BLOB NOT NULL REFERENCES cases, section BLOB NOT NULL REFERENCES section, UNIQUE (section, "case"));
CREATE TABLE assignment (
    id INTEGER PRIMARY KEY, "case" BLOB NOT NULL REFERENCES cases, user BLOB NOT NULL REFERENCES user, created INTEGER NOT NULL,
    version INTEGER NOT NULL, mac BLOB NOT NULL, UNIQUE (user, "case"));
CREATE TABLE case_key ("case" BLOB PRIMARY KEY REFERENCES cases, root_key INTEGER NOT NULL, blob BLOB NOT NULL);
CREATE TABLE bundle (
    "case" BLOB PRIMARY KEY REFERENCES cases, "group" BLOB NOT NULL, epoch INTEGER NOT NULL, version INTEGER NOT NULL,
    rotation_due INTEGER NOT NULL, blob BLOB NOT NULL, mac BLOB NOT NULL);
CREATE TABLE sealed (
    id INTEGER PRIMARY KEY, "case" BLOB NOT NULL REFERENCES cases, record BLOB NOT NULL, slot INTEGER NOT NULL, "column" INTEGER NOT NULL,
    thread BLOB NOT NULL, version INTEGER NOT NULL, blob BLOB NOT NULL, UNIQUE ("case", record, slot, "column"));

CREATE TABLE consent_series (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), "case" BLOB NOT NULL REFERENCES cases, recipient BLOB NOT NULL REFERENCES organisation,
    purpose TEXT NOT NULL, number TEXT NOT NULL UNIQUE, look_at INTEGER, events INTEGER NOT NULL, last BLOB NOT NULL, mac BLOB NOT NULL, UNIQUE ("case", recipient, purpose));
CREATE INDEX consent_look ON consent_series (look_at) WHERE look_at IS NOT NULL;
CREATE TABLE consent_event (
    id INTEGER PRIMARY KEY, series BLOB NOT NULL REFERENCES consent_series, number INTEGER NOT NULL, event BLOB NOT NULL,
    UNIQUE (series, number));
CREATE TABLE sealed_grant (
    series BLOB PRIMARY KEY REFERENCES consent_series, "case" BLOB NOT NULL REFERENCES cases, header BLOB NOT NULL,
    sealed BLOB NOT NULL, signature BLOB NOT NULL, digest BLOB NOT NULL);
CREATE INDEX sealed_grant_case ON sealed_grant ("case");

CREATE TABLE request (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), "case" BLOB NOT NULL REFERENCES cases, recipient BLOB NOT NULL REFERENCES organisation,
    stage TEXT NOT NULL, created INTEGER NOT NULL, sent INTEGER, accepted INTEGER, ended INTEGER, decline_reason TEXT,
    version INTEGER NOT NULL, mac BLOB NOT NULL);
CREATE INDEX request_case ON request ("case");
CREATE INDEX request_recipient ON request (recipient, stage);
CREATE TABLE ledger_row (
    id BLOB PRIMARY KEY CHECK (length(id) = 16), "case" BLOB NOT NULL REFERENCES cases, recipient BLOB NOT NULL REFERENCES organisation,
    request BLOB REFERENCES request, kind TEXT NOT NULL, author BLOB NOT NULL REFERENCES user,
    organisation BLOB NOT NULL REFERENCES organisation, recorded INTEGER NOT NULL, corrects BLOB REFERENCES ledger_row);
CREATE INDEX ledger_case ON ledger_row ("case", recipient);

CREATE TABLE tree (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, origin TEXT NOT NULL UNIQUE);
CREATE TABLE appointment (
    id INTEGER PRIMARY KEY, user BLOB NOT NULL REFERENCES user, tree INTEGER NOT NULL REFERENCES tree, version INTEGER NOT NULL,
    mac BLOB NOT NULL, UNIQUE (user, tree));
CREATE TABLE head (
    tree INTEGER PRIMARY KEY REFERENCES tree, size INTEGER NOT NULL, root BLOB NOT NULL, frontier BLOB NOT NULL, last INTEGER NOT NULL);
CREATE TABLE tile (
    id INTEGER PRIMARY KEY CHECK (id = ((tree << 48) | (level << 40) | n)), tree INTEGER NOT NULL REFERENCES tree,
    level INTEGER NOT NULL, n INTEGER NOT NULL, root BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = ((tree << 40) | size)), tree INTEGER NOT NULL REFERENCES tree, size INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TABLE detail (
    id INTEGER PRIMARY KEY CHECK (id = ((tree << 40) | idx)), tree INTEGER NOT NULL REFERENCES tree, idx INTEGER NOT NULL,
    salt BLOB NOT NULL, ciphertext BLOB NOT NULL);
CREATE TABLE sealed_digest (id INTEGER PRIMARY KEY, hashes BLOB NOT NULL)
"""

APPEND_ONLY = "tsunagi: append only"


# The generated columns and the length of their values; None where it varies. They are computed twice for each row,
# for the trigger and for the indexes: so each looks through the leaf once, and cuts out what it finds.
GENERATED = {"act": 34, "sub": 34, "obj": 34, "org": 34, "ev": None, "dec": None, "t": 24}
_LONGEST = 41  # of a code, with the quote behind it


def _value(key: str, length: int | None) -> str:
    """The string value of ``key`` in a canonical leaf, exact because no value holds a quote or a backslash."""
    start = f"nullif(instr(leaf, '\"{key}\":\"'), 0) + {len(key) + 4}"
    if length is not None:
        return f"substr(leaf, {start}, {length})"
    code = f"substr(leaf, {start}, {_LONGEST})"
    return f"substr({code}, 1, instr({code}, '\"') - 1)"


def _entry() -> str:
    columns = ", ".join(
        f"{key} TEXT GENERATED ALWAYS AS ({_value(key, length)}) VIRTUAL" for key, length in GENERATED.items()
    )
    return (
        "CREATE TABLE entry (id INTEGER PRIMARY KEY CHECK (id = ((tree << 40) | idx)), "
        "tree INTEGER NOT NULL REFERENCES tree, idx INTEGER NOT NULL CHECK (idx >= 0 AND idx < 1099511627776), "
        f"leaf TEXT, leaf_hash BLOB NOT NULL, {columns})"
    )


def _refuse(table: str, *, update: bool = True, delete: bool = True, there: str | None = None) -> list[str]:
    """Triggers that refuse changes; ``there`` is the condition of an insert that would replace or skip."""
    made = []
    if update:
        made.append(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END")
    if delete:
        made.append(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END")
    if there is not None:
        made.append(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {there} "
            f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        )
    return made


def statements() -> list[str]:
    """Every statement of this schema, in order."""
    made = [part.strip() for part in TABLES.split(";\n") if part.strip()]
    made.append(_entry())
    made += [f"CREATE INDEX entry_{key} ON entry (tree, {key})" for key in ("act", "sub", "org", "ev", "t")]
    made.append("CREATE INDEX entry_consent ON entry (obj, id) WHERE ev >= 'consent.' AND ev < 'consent/'")
    made.append("CREATE INDEX entry_denied ON entry (tree, idx) WHERE dec = 'deny'")
    made += _refuse(
        "entry",
        there=(
            "NEW.id IS NOT ((NEW.tree << 40) | NEW.idx) OR NEW.idx IS NOT "
            "coalesce((SELECT max(id) + 1 FROM entry WHERE id >= (NEW.tree << 40) AND id < ((NEW.tree + 1) << 40)) "
            "- (NEW.tree << 40), 0)"
        ),
    )
    made += _refuse("tile", there="EXISTS (SELECT 1 FROM tile WHERE id = NEW.id)")
    made += _refuse("checkpoint", there="EXISTS (SELECT 1 FROM checkpoint WHERE id = NEW.id)")
    made += _refuse("sealed_digest", there="EXISTS (SELECT 1 FROM sealed_digest WHERE id = NEW.id)")
    made += _refuse("tree", there="EXISTS (SELECT 1 FROM tree WHERE number = NEW.number OR name = NEW.name)")
    made += _refuse("ledger_row", there="EXISTS (SELECT 1 FROM ledger_row WHERE id = NEW.id)")
    made += _refuse(
        "consent_event",
        there=(
            "NEW.number IS NOT coalesce((SELECT max(number) + 1 FROM consent_event WHERE series = NEW.series), 1) "
            "OR EXISTS (SELECT 1 FROM consent_event WHERE id = NEW.id)"
        ),
    )
    made += _refuse("head", update=False, there="EXISTS (SELECT 1 FROM head WHERE tree = NEW.tree) OR NEW.size <> 0")
    made.append(
        "CREATE TRIGGER head_only_grows BEFORE UPDATE ON head WHEN NEW.tree <> OLD.tree OR NEW.size <= OLD.size "
        f"OR NEW.last < OLD.last BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
    )
    return made


async def forwards() -> MigrationManager:
    """Builds the schema in one transaction of Piccolo's."""
    from piccolo.engine import engine_finder

    manager = MigrationManager(migration_id=ID, app_name="tsunagi", description=DESCRIPTION)

    async def build() -> None:
        engine = engine_finder()
        if engine is None:
            raise RuntimeError("migrations need an engine")
        for statement in statements():
            await engine.run_ddl(statement)

    manager.add_raw(build)
    return manager
