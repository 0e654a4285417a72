"""I15: who writes the database, and has no key, gets a refusal or nothing; never another person's plaintext."""

import sqlite3
from contextlib import closing

import httpx
import pytest

from tests.service.consenting import HOW, change
from tests.service.disk import edit
from tests.service.world import NPO, OTHER_NPO, PASSWORD, World

MINE, OTHERS = "甲の氏名カナリア", "乙の氏名カナリア"
PUT_GRANT = "UPDATE sealed_grant SET header = ?, sealed = ?, signature = ?, digest = ? WHERE series = ?"
REFUSED = (401, 403, 404, 409, 500)


def blob(id: str) -> str:
    """An id's text form as an SQL literal."""
    return f"x'{id.partition('_')[2]}'"


def check_refused(answer: httpx.Response, *canaries: str) -> None:
    assert answer.status_code in REFUSED, (answer.status_code, answer.text)
    assert set(answer.json()) <= {"type", "title", "status", "code"}
    assert not any(canary in answer.text for canary in (MINE, OTHERS, *canaries))


def put(world: World, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(world.settings.database)) as connection, connection:
        connection.execute(sql, values)


@pytest.fixture
def two(world: World) -> tuple[World, str, str]:
    """Two cases, both shared with the NPO; the second also with nobody else."""
    cases = []
    for name in (MINE, OTHERS):
        case = world.new_case(fields={"name": name, "name_kana": "かな", "address": name, "phone": name})
        world.consent(case)
        world.accept(world.request(case))
        cases.append(case)
    return world, cases[0], cases[1]


def swap(table: str, key: str, columns: str, one: str, two: str, where: str = "") -> list[str]:
    """Statements that exchange ``columns`` of the rows of two cases."""
    names = columns.split(", ")
    sets = ", ".join(
        f"{name} = (SELECT b.{name} FROM kept b WHERE b.k = CASE WHEN {table}.{key} = {one} THEN {two} ELSE {one} END)"
        for name in names
    )
    return [
        f"CREATE TEMP TABLE kept AS SELECT {key} AS k, {columns} FROM {table} WHERE {key} IN ({one}, {two}) {where}",
        f"UPDATE {table} SET {sets} WHERE {key} IN ({one}, {two}) {where}",
    ]


@pytest.mark.parametrize(
    ("table", "columns", "where"),
    [
        ("sealed", "blob", "AND slot = 1"),
        ("sealed", "blob, version, thread", "AND slot = 6"),
        ("bundle", "blob, version", ""),
        ("case_key", "blob", ""),
        ("sealed_grant", "header, sealed, signature, digest", ""),
    ],
)
def test_rows_that_change_places_between_cases_open_nowhere(
    two: tuple[World, str, str], table: str, columns: str, where: str
) -> None:
    """Values, bundles, keys and grants belong to one case: in another they are an error, not a value."""
    world, mine, others = two
    edit(world, *swap(table, '"case"', columns, blob(mine), blob(others), where))
    who = {"sealed_grant": ("coordinator",), "bundle": ("caseworker",)}
    for login in who.get(table, ("coordinator", "caseworker")):
        for case in (mine, others):
            check_refused(world(login, "GET", f"/api/cases/{case}"))


def test_values_that_change_places_within_a_case_open_nowhere(two: tuple[World, str, str]) -> None:
    """A slot's value in another slot, or at another version, is an error."""
    world, mine, _ = two
    edit(
        world,
        f'UPDATE sealed SET slot = 107 - slot WHERE "case" = {blob(mine)} AND slot IN (1, 6)',
        f'UPDATE sealed SET slot = slot - 100 WHERE "case" = {blob(mine)} AND slot > 100',
    )
    for login in ("coordinator", "caseworker"):
        check_refused(world(login, "GET", f"/api/cases/{mine}"))


def test_a_version_that_was_edited_opens_nowhere(two: tuple[World, str, str]) -> None:
    """The version is part of the place."""
    world, mine, _ = two
    edit(world, f'UPDATE sealed SET version = version + 1 WHERE "case" = {blob(mine)} AND slot = 1')
    check_refused(world("caseworker", "GET", f"/api/cases/{mine}"))


def test_an_old_wider_grant_put_back_opens_nothing(two: tuple[World, str, str]) -> None:
    """keys.md, Grant: the header is compared with the live event, never with the row."""
    world, mine, _ = two
    series = world.sql('SELECT series FROM sealed_grant WHERE "case" = ?', bytes.fromhex(mine[2:]))[0][0]
    assert isinstance(series, bytes)
    old = world.sql("SELECT header, sealed, signature, digest FROM sealed_grant WHERE series = ?", series)[0]
    less = world.answer(refused=("name", "address", "phone"))
    change(world, f"k_{series.hex()}", less)
    put(world, PUT_GRANT, *old, series)
    check_refused(world("coordinator", "GET", f"/api/cases/{mine}"))


def test_a_grant_put_back_after_the_withdrawal_opens_nothing(two: tuple[World, str, str]) -> None:
    """A restored grant row without a live consent is nothing."""
    world, mine, _ = two
    row = world.sql('SELECT * FROM sealed_grant WHERE "case" = ?', bytes.fromhex(mine[2:]))[0]
    assert isinstance(row[0], bytes)
    assert world("volunteer", "POST", f"/api/consents/k_{row[0].hex()}/withdraw", HOW).status_code == 200
    put(world, "INSERT INTO sealed_grant VALUES (?, ?, ?, ?, ?, ?)", *row)
    answer = world("coordinator", "GET", f"/api/cases/{mine}")
    assert answer.json()["fields"] == {} and MINE not in answer.text


def test_a_grant_of_another_organisation_opens_nothing(two: tuple[World, str, str]) -> None:
    """A grant is sealed to one group: moved to another's series it is refused."""
    world, mine, _ = two
    world.consent(mine, OTHER_NPO, refused=("name",))
    world.accept(world.request(mine, OTHER_NPO), "other")
    recipients = world.sql(
        "SELECT g.series FROM sealed_grant g JOIN consent_series s ON s.id = g.series "
        'WHERE g."case" = ? ORDER BY s.rowid',
        bytes.fromhex(mine[2:]),
    )
    rich, poor = (row[0] for row in recipients)
    row = world.sql("SELECT header, sealed, signature, digest FROM sealed_grant WHERE series = ?", rich)[0]
    put(world, PUT_GRANT, *row, poor)
    check_refused(world("other", "GET", f"/api/cases/{mine}"))


@pytest.mark.parametrize("column", ["x25519", "ed25519"])
def test_public_keys_that_were_replaced_get_no_grant(world: World, column: str) -> None:
    """keys.md, Whose key is it: a group's public keys carry a MAC; a stranger's key in their place gets nothing."""
    case = world.new_case()
    npo = blob(world.ids[NPO])
    other = f"(SELECT {column} FROM group_key WHERE organisation = {blob(world.ids[OTHER_NPO])})"
    edit(world, f"UPDATE group_key SET {column} = {other} WHERE organisation = {npo}")
    body = {"recipient": world.ids[NPO], "purpose": "food_support", "answer": world.answer()}
    check_refused(world("caseworker", "POST", f"/api/cases/{case}/consents", body))
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]


def test_a_key_planted_as_a_newer_epoch_gets_no_grant(world: World) -> None:
    """Traps, 16: a planted epoch row is refused."""
    case = world.new_case()
    edit(
        world,
        'INSERT INTO group_key ("group", organisation, epoch, x25519, ed25519, created, version, mac) '
        f'SELECT o."group", n.organisation, 2, o.x25519, o.ed25519, 0, 1, n.mac FROM group_key n, group_key o '
        f"WHERE n.organisation = {blob(world.ids[NPO])} AND o.organisation = {blob(world.ids[OTHER_NPO])}",
    )
    body = {"recipient": world.ids[NPO], "purpose": "food_support", "answer": world.answer()}
    check_refused(world("caseworker", "POST", f"/api/cases/{case}/consents", body))
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]


RIGHTS = {
    "role": ("volunteer", "role = 'npo_coordinator'"),
    "role to auditor": ("stranger", "role = 'auditor'"),
    "organisation": ("other", "organisation = {npo}"),
    "sections": ("stranger", "sections = (SELECT sections FROM user WHERE login = 'caseworker')"),
    "version": ("volunteer", "version = version + 1"),
    "public key": ("other", "public_key = (SELECT public_key FROM user WHERE login = 'coordinator')"),
    "everything of another": (
        "volunteer",
        "(role, version, mac) = (SELECT role, version, mac FROM user WHERE login = 'coordinator')",
    ),
}


@pytest.mark.parametrize(("who", "change"), RIGHTS.values(), ids=RIGHTS.keys())
def test_rights_that_were_edited_are_rights_to_nothing(
    two: tuple[World, str, str], who: str, change: str
) -> None:
    """One UPDATE on a user shows nobody anything, in no session and in no new one."""
    world, mine, _ = two
    edit(world, f"UPDATE user SET {change.format(npo=blob(world.ids[NPO]))} WHERE login = '{who}'")
    for path in (f"/api/cases/{mine}", "/api/cases", "/api/inbox", "/api/log", f"/api/cases/{mine}/looks"):
        check_refused(world(who, "GET", path))
    check_refused(world.sign_in(who))


@pytest.mark.parametrize(
    "change",
    ["owner = {npo}", "sections = (SELECT sections FROM user WHERE login = 'stranger')", "closed = 1",
     "hardship = NULL", "version = version - 1", "number = '2026-00000'"],
)  # fmt: skip
def test_a_case_that_was_edited_is_nobodys(two: tuple[World, str, str], change: str) -> None:
    """Owner, sections and all the rest carry a MAC: the case opens for nobody."""
    world, mine, _ = two
    edit(world, f"UPDATE cases SET {change.format(npo=blob(world.ids[NPO]))} WHERE id = {blob(mine)}")
    edit(world, f'INSERT OR IGNORE INTO case_section ("case", section) SELECT {blob(mine)}, id FROM section')
    for who in ("coordinator", "volunteer", "stranger", "caseworker"):
        check_refused(world(who, "GET", f"/api/cases/{mine}"))


def test_a_section_added_by_hand_shows_nothing_in_the_list(two: tuple[World, str, str]) -> None:
    """The table that lists are narrowed with decides nothing by itself."""
    world, mine, _ = two
    edit(world, f'INSERT OR IGNORE INTO case_section ("case", section) SELECT {blob(mine)}, id FROM section')
    answer = world("stranger", "GET", "/api/cases")
    assert MINE not in answer.text and mine not in answer.text
    check_refused(world("stranger", "GET", f"/api/cases/{mine}"))


def test_an_assignment_by_hand_assigns_nobody(two: tuple[World, str, str]) -> None:
    """Neither an invented MAC nor that of another assignment."""
    world, mine, others = two
    stranger = blob(world.ids["stranger"])
    body = {"users": [world.ids["stranger"]]}
    made = world("supervisor", "POST", f"/api/cases/{others}/assign", body)
    assert made.status_code == 200
    edit(world, f'INSERT INTO assignment ("case", user, created, version, mac) '
                f"SELECT {blob(mine)}, {stranger}, created, version, mac FROM assignment")  # fmt: skip
    check_refused(world("stranger", "GET", f"/api/cases/{mine}"))


def test_an_appointment_by_hand_appoints_nobody(world: World) -> None:
    """An auditor of one tree does not become that of another by a row."""
    edit(world, "DELETE FROM appointment WHERE tree = 2", "UPDATE appointment SET tree = 2 WHERE tree = 1")
    name = str(world.sql("SELECT name FROM tree WHERE number = 2")[0][0])
    check_refused(world("auditor", "GET", f"/api/log/{name}/entries"))


def test_a_colleagues_seal_opens_nothing(two: tuple[World, str, str]) -> None:
    """The group's seed is sealed to one member: in another's row it does not open."""
    world, mine, _ = two
    mine_id, theirs = (blob(world.ids[login]) for login in ("coordinator", "volunteer"))
    seal = f"(SELECT blob FROM member_seal WHERE user = {theirs})"
    edit(world, f"UPDATE member_seal SET blob = {seal} WHERE user = {mine_id}")
    check_refused(world("coordinator", "GET", f"/api/cases/{mine}"))


def test_a_lock_put_in_anothers_place_lets_nobody_in(world: World) -> None:
    """Another user's password does not open this user's session: the lock names its user."""
    columns = ("salt", "memory", "passes", "lanes", "root_key", "blob")
    mine = blob(world.ids["volunteer"])
    sets = ", ".join(f"{name} = (SELECT {name} FROM unlock WHERE user = {mine})" for name in columns)
    edit(world, f"UPDATE unlock SET {sets} WHERE user = {blob(world.ids['coordinator'])}")
    check_refused(world.sign_in("coordinator", password=PASSWORD.format(login="volunteer")))
    check_refused(world.sign_in("coordinator"))
