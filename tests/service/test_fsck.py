"""`tsunagi fsck`: nothing is found where nothing was done, and each kind of damage is found where it is."""

import random
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from audit.tiles import WIDTH, Tile, completed_tiles
from audit.tree import EMPTY as EMPTY_TREE
from audit.tree import Frontier, append, leaf_hash
from service.cli.opening import load_house
from service.flows.administration import stop_user
from service.flows.continuing import continue_logs
from service.flows.fsck import Table, check_house
from service.flows.fsck.growing import Growing
from service.flows.notary import publish_dirty
from service.flows.retention import prune_log
from service.flows.witnesses import remove_witness
from service.house import House
from tests.attacks.hands import Cell, keep, put_back, raw, write
from tests.attacks.test_second_pass import with_one_more_field
from tests.service.checking import NEW_PASSWORD, WITNESS, Story, collaboration, found, happen, opened, redact
from tests.service.consenting import HOW
from tests.service.world import OTHER_NPO, PASSWORD, WEAK, World

LAST = "(SELECT max(id) FROM entry WHERE tree = ?)"


@pytest.fixture(scope="module")
def story(template, tmp_path_factory: pytest.TempPathFactory) -> Story:  # type: ignore[no-untyped-def]  # the fixture's type is imported late
    """Everything happened once."""
    return happen(template, tmp_path_factory.mktemp("story"))


@pytest.fixture
def told(story: Story, tmp_path: Path) -> Iterator[World]:
    """A copy of that world of one's own."""
    with opened(story, tmp_path / "told") as world:
        yield world


def number_of(world: World) -> int:
    return collaboration(world).number


def value(world: World, sql: str, *values: Cell) -> int:
    found = world.sql(sql, *values)[0][0]
    assert isinstance(found, int)
    return found


def index_of(world: World, event: str, last: bool = False) -> int:
    """The index of the first, or last, entry of that event in the collaboration's tree."""
    which = "max" if last else "min"
    return value(world, f"SELECT {which}(idx) FROM entry WHERE tree = ? AND ev = ?", number_of(world), event)


def slot_of(world: World, code: str) -> int:
    return int(world.house.policy.registry.by_code[code].slot)


def signed_after(world: World, index: int) -> list[int]:
    """The sizes above ``index`` at which the collaboration's tree was signed."""
    sql = "SELECT size FROM checkpoint WHERE tree = ? AND size > ? ORDER BY size"
    return [int(str(row[0])) for row in world.sql(sql, number_of(world), index)]


def forked(world: World, tree: str, index: int) -> set[str]:
    """What shows that the entry at ``index`` is another one than it was, hash and all."""
    sizes = signed_after(world, index)
    lines = {f"root checkpoint {tree}/{size}" for size in sizes} | {f"root head {tree}"}
    if sizes:
        lines.add(f"behind entry {tree}/{sizes[-1]}")
    if index < WIDTH:
        lines.add(f"changed tile {tree}/{index}")
    return lines


def test_where_nothing_was_done_nothing_is_found(told: World) -> None:
    """After everything that people do once, log and rows say the same; and looking appends nothing."""
    before = told.sql("SELECT count(*) FROM entry")
    assert found(told) == []
    assert told.sql("SELECT count(*) FROM entry") == before


def test_a_text_that_two_people_took_out_is_no_finding(told: World) -> None:
    """A redacted entry has its `redact.entry` behind it; its hash stays and is compared."""
    redact(told)
    assert found(told) == []


def test_what_was_pruned_is_no_finding(told: World) -> None:
    """Years later the old texts are gone: the log may have known more, and nothing is called planted."""
    tree = collaboration(told)
    told.clock.advance(timedelta(days=8 * 365))
    assert told.run(prune_log(told.house, tree.number, told.clock().date().replace(year=2027))).count == WIDTH
    assert found(told) == []
    write(told, ("UPDATE entry SET leaf_hash = x'00' WHERE tree = ? AND idx = 3", (tree.number,)))
    assert found(told) == [f"changed entry {tree.name}/3"]


def test_what_is_written_meanwhile_is_no_finding(told: World) -> None:
    """All is read in one state of the database: rows that go while it is read are missed the next time."""
    lines: list[str] = []
    heard: list[int] = []

    def progress(done: int, _size: int) -> None:
        heard.append(done)
        write(told, ("DELETE FROM ledger_row", ()))

    told.run(check_house(told.house, lambda one: lines.append(one.line), progress))
    assert lines == [] and heard
    assert [line.split()[:2] for line in found(told)] == [["deleted", "ledger_row"]] * 4


def test_what_a_newer_registry_adds_is_no_finding(told: World) -> None:
    """A consent and a request seal empty values of fields that are newer than the case, and their entries say so."""
    agreed, asked = told.new_case(), told.new_case()
    told.consent(asked)
    with_one_more_field(told)
    told.consent(agreed)
    told.request(asked)
    assert found(told) == []


# Sealed values and their records


def test_an_old_value_that_was_put_back_is_found(told: World, story: Story) -> None:
    """The entry of the newer write commits to a newer version of that place."""
    case, slot = story.cases["shared"], slot_of(told, "phone")
    kept = keep(told, "sealed", '"case" = ? AND slot = ?', raw(case), slot)
    seen = told("caseworker", "GET", f"/api/cases/{case}").headers["ETag"]
    body = {"fields": {"phone": "080-2"}}
    assert told("caseworker", "PATCH", f"/api/cases/{case}", body, {"If-Match": seen}).status_code == 200
    assert found(told) == []
    put_back(told, kept)
    assert found(told) == [f"old sealed {case} slot {slot} column 0"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM sealed WHERE id = ?", "deleted"),
        ("UPDATE sealed SET blob = blob || x'00' WHERE id = ?", "changed"),
        ("UPDATE sealed SET version = version + 1 WHERE id = ?", "changed"),
        ("UPDATE sealed SET thread = randomblob(16) WHERE id = ?", "changed"),
    ],
)
def test_a_value_that_was_changed_or_deleted_is_found(told: World, story: Story, sql: str, code: str) -> None:
    """Each place is compared with the newest record of it."""
    case, slot = story.cases["shared"], slot_of(told, "dietary")
    row = value(told, 'SELECT id FROM sealed WHERE "case" = ? AND slot = ?', raw(case), slot)
    write(told, (sql, (row,)))
    assert found(told) == [f"{code} sealed {case} slot {slot} column 0"]


def test_a_value_that_nothing_wrote_is_found(told: World, story: Story) -> None:
    """A row whose place no entry names is planted."""
    case = story.cases["shared"]
    sql = 'INSERT INTO sealed ("case", record, slot, "column", thread, version, blob) VALUES (?, ?, 16, 0, ?, 1, ?)'
    write(told, (sql, (raw(case), random.randbytes(16), bytes(16), bytes(142))))
    assert found(told) == [f"planted sealed {case} slot 16 column 0"]


def test_a_value_that_was_moved_to_another_case_is_found(told: World, story: Story) -> None:
    """The record's entry names the case."""
    case, other, slot = story.cases["shared"], story.cases["closed"], slot_of(told, "phone")
    sql = 'UPDATE sealed SET "case" = ? WHERE "case" = ? AND slot = ?'
    write(told, (sql, (raw(other), raw(case), slot)))
    assert found(told) == [f"changed sealed {other} slot {slot} column 0"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE sealed_digest SET hashes = x'00' || substr(hashes, 2) WHERE id = ?", "changed"),
        ("UPDATE sealed_digest SET hashes = substr(hashes, 2) WHERE id = ?", "changed"),
        ("DELETE FROM sealed_digest WHERE id = ?", "deleted"),
    ],
)
@pytest.mark.parametrize("event", ["case.create", "key.rotate", "ledger.write"])
def test_records_that_were_edited_are_found(
    told: World, story: Story, sql: str, code: str, event: str
) -> None:
    """The entry's `dig` is that of its records; what they said of places is not believed any more."""
    key = value(
        told, "SELECT max(s.id) FROM sealed_digest s JOIN entry e ON e.id = s.id WHERE e.ev = ?", event
    )
    write(told, (sql, (key,)))
    assert found(told) == [f"{code} sealed_digest {story.tree}/{key & (1 << 40) - 1}"]


def test_records_beside_another_entry_are_found(told: World, story: Story) -> None:
    """An entry that wrote no rows has no records."""
    index = index_of(told, "case.list")
    write(told, ("INSERT INTO sealed_digest VALUES (?, ?)", (number_of(told) << 40 | index, bytes(76))))
    assert found(told) == [f"planted sealed_digest {story.tree}/{index}"]


# The log's own tables


@pytest.mark.parametrize("last", [False, True])
def test_a_text_that_was_edited_is_found(told: World, story: Story, last: bool) -> None:
    """The text does not hash to what the tree holds."""
    index = index_of(told, "case.list", last)
    sql = "UPDATE entry SET leaf = replace(leaf, '\"case.list\"', '\"case.read\"') WHERE tree = ? AND idx = ?"
    write(told, (sql, (number_of(told), index)))
    assert found(told) == [f"changed entry {story.tree}/{index}"]


@pytest.mark.parametrize("last", [False, True])
def test_a_text_that_was_edited_with_its_hash_is_found(told: World, story: Story, last: bool) -> None:
    """The tree has another root: head, tiles, every later checkpoint and the notary's own file say so."""
    index = index_of(told, "case.list", last)
    key = number_of(told) << 40 | index
    leaf = str(told.sql("SELECT leaf FROM entry WHERE id = ?", key)[0][0]).replace('"ui"', '"api"')
    edit(told, key, leaf.replace('"api"', '"ui"'))
    assert set(found(told)) == forked(told, story.tree, index)


def edit(world: World, key: int, leaf: str) -> None:
    """Another text in an entry's place, with the hash that goes with it."""
    write(
        world,
        ("UPDATE entry SET leaf = ?, leaf_hash = ? WHERE id = ?", (leaf, leaf_hash(leaf.encode()), key)),
    )


def leaf_at(world: World, index: int) -> str:
    return str(world.sql("SELECT leaf FROM entry WHERE tree = ? AND idx = ?", number_of(world), index)[0][0])


def test_entries_that_changed_places_are_found(told: World, story: Story) -> None:
    """The log's time only rises."""
    early, late = index_of(told, "case.create"), index_of(told, "case.list", last=True)
    edit(told, number_of(told) << 40 | late, leaf_at(told, early))
    lines = set(found(told))
    assert f"time entry {story.tree}/{late}" in lines and f"twice entry {story.tree}/{late}" in lines
    assert forked(told, story.tree, late) <= lines


def test_a_text_that_is_no_leaf_is_found(told: World, story: Story) -> None:
    """A name in the log, with a hash that fits it, breaks the rules of a leaf."""
    index = index_of(told, "case.list")
    edit(told, number_of(told) << 40 | index, leaf_at(told, index)[:-1] + ',"who":"山田"}')
    assert set(found(told)) == forked(told, story.tree, index) | {f"rules entry {story.tree}/{index}"}


def test_a_text_that_is_gone_without_an_entry_is_found(told: World, story: Story) -> None:
    """Only a `redact.entry` or a `retention.prune` takes a text out."""
    index = index_of(told, "case.list")
    write(told, ("UPDATE entry SET leaf = NULL WHERE tree = ? AND idx = ?", (number_of(told), index)))
    assert found(told) == [f"text entry {story.tree}/{index}"]


def test_an_entry_that_was_cut_off_is_found(told: World, story: Story) -> None:
    """Head, checkpoints and notary know of more entries than there are."""
    size = signed_after(told, 0)[-1]
    write(told, (f"DELETE FROM entry WHERE id = {LAST}", (number_of(told),)))
    assert set(found(told)) == {
        f"size head {story.tree}/{size - 1}",
        f"size checkpoint {story.tree}/{size}",
        f"behind entry {story.tree}/{size}",
    }


def test_an_end_that_was_cut_off_with_the_head_is_found(told: World, story: Story) -> None:
    """Where everything inside fits the shorter log, the notary's own file does not."""
    size, tree = signed_after(told, 0)[-1], number_of(told)
    grown: Frontier = append(
        EMPTY_TREE,
        [bytes(row[0]) for row in told.sql("SELECT leaf_hash FROM entry WHERE tree = ? ORDER BY id", tree)][
            :-1
        ],  # type: ignore[call-overload]  # a hash
    )
    last = value(told, "SELECT last FROM head WHERE tree = ?", tree)
    write(
        told,
        (f"DELETE FROM entry WHERE id = {LAST}", (tree,)),
        ("DELETE FROM checkpoint WHERE tree = ? AND size = ?", (tree, size)),
        (
            "UPDATE head SET size = ?, root = ?, frontier = ?, last = ? WHERE tree = ?",
            (size - 1, grown.root, grown.encode(), last, tree),
        ),
    )
    assert found(told) == [f"behind entry {story.tree}/{size}"]


def test_a_log_that_went_on_after_a_restored_backup_is_no_finding(told: World, story: Story) -> None:
    """An older database is behind what was signed; once its logs have ended and gone on, all fits again."""
    told.close()
    shutil.copytree(told.settings.data, told.folder / "backup")
    told.open()
    told.request(story.cases["shared"])
    told.run(publish_dirty(told.house))
    size = signed_after(told, 0)[-1]
    told.close()
    shutil.rmtree(told.settings.data)
    shutil.copytree(told.folder / "backup", told.settings.data)
    told.house = load_house(told.settings, behind=True, clock=told.clock, cost=WEAK)
    assert found(told) == [f"behind entry {story.tree}/{size}"]
    told.run(go_on(told.house))
    told.run(told.house.stop())
    told.open()
    told.request(story.cases["shared"])
    told.run(publish_dirty(told.house))
    assert collaboration(told).name == f"{story.tree}.2"
    assert found(told) == []


async def go_on(house: House) -> None:
    house.start()
    await continue_logs(house)


def test_a_log_under_another_name_is_found(told: World) -> None:
    """A log's origin ends with its name."""
    number = number_of(told)
    write(told, ("UPDATE tree SET name = 'b_' || lower(hex(randomblob(16))) WHERE number = ?", (number,)))
    assert found(told) == [f"changed tree #{number}"]


def test_a_log_that_was_deleted_is_found(told: World, story: Story) -> None:
    """A whole tree is gone: the notary signed it, and its rows lie about."""
    write(told, ("DELETE FROM tree WHERE number = ?", (number_of(told),)))
    lines = found(told)
    origin = f"{told.settings.origin}/{story.tree}"
    assert f"behind tree {origin}" in lines and "planted entry" in lines and "planted head" in lines


def test_an_entry_that_was_deleted_from_the_middle_is_found(told: World, story: Story) -> None:
    """Indices have no gap."""
    index = index_of(told, "case.list")
    write(told, ("DELETE FROM entry WHERE tree = ? AND idx = ?", (number_of(told), index)))
    assert found(told) == [f"deleted entry {story.tree}/{index}"]


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        (
            "UPDATE tile SET data = CAST(substr(data, 1, 64) || zeroblob(32) || substr(data, 97) AS BLOB) "
            "WHERE tree = ?",
            "changed {}/2",
        ),
        ("UPDATE tile SET root = zeroblob(32) WHERE tree = ?", "changed {}/0"),
        ("DELETE FROM tile WHERE tree = ?", "deleted {}/0"),
        (
            "INSERT INTO tile SELECT (tree << 48) | 7, tree, 0, 7, root, data FROM tile WHERE tree = ?",
            "planted {}/1792",
        ),
    ],
)
def test_a_tile_that_is_not_the_trees_is_found(told: World, story: Story, sql: str, line: str) -> None:
    """Every complete tile holds the hashes of its entries, and there is no other."""
    write(told, (sql, (number_of(told),)))
    code, place = line.format(story.tree).split()
    assert found(told) == [f"{code} tile {place}"]


def test_higher_tiles_are_worked_out_as_they_are_written() -> None:
    """65,536 leaves complete a tile of the second level, as the service computes them."""
    growing, hashes = Growing(), [index.to_bytes(32, "big") for index in range(WIDTH * WIDTH + 3)]
    told: list[Frontier | None] = []
    made = list(growing.add(hashes, [(WIDTH + 1, told.append), (len(hashes), told.append)]))
    assert {tile for tile, _ in made} == set(completed_tiles(0, len(hashes)))
    assert (made[-1][0], len(made[-1][1])) == (Tile(1, 0), 8192)
    assert told == [append(EMPTY_TREE, hashes[: WIDTH + 1]), append(EMPTY_TREE, hashes)]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE head SET root = zeroblob(32) WHERE tree = ?", "root head {}"),
        ("UPDATE head SET frontier = x'010000000000000000' WHERE tree = ?", "root head {}"),
        ("UPDATE head SET last = last + 1 WHERE tree = ?", "time head {}"),
        ("DELETE FROM head WHERE tree = ?", "deleted head {}"),
    ],
)
def test_a_head_that_was_changed_is_found(told: World, story: Story, sql: str, code: str) -> None:
    """The head is worked out again from the entries."""
    write(told, (sql, (number_of(told),)))
    assert found(told) == [code.format(story.tree)]


def test_a_checkpoint_in_another_ones_place_is_found(told: World, story: Story) -> None:
    """A note is over the size at which it stands, and of this log."""
    first, second = signed_after(told, 0)[:2]
    tree = number_of(told)
    take = "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE {}) WHERE id = ?"
    write(told, (take.format("id = ?"), (tree << 40 | second, tree << 40 | first)))
    assert found(told) == [f"size checkpoint {story.tree}/{first}"]
    write(told, (take.format("tree <> ? LIMIT 1"), (tree, tree << 40 | first)))
    assert found(told) == [f"signature checkpoint {story.tree}/{first}"]


def test_a_cosignature_that_its_witness_did_not_make_is_found(told: World, story: Story) -> None:
    """A witness's line is checked under the checkpoint of its size, at its time."""
    size = value(told, "SELECT size FROM cosignature")
    write(told, ("UPDATE cosignature SET time = time + 1", ()))
    assert found(told) == [f"signature cosignature {story.tree}/{size}"]
    write(told, ("UPDATE cosignature SET time = time - 1, name = 'other.example/w1'", ()))
    assert found(told) == [f"signature cosignature {story.tree}/{size}"]


def test_a_witness_that_was_removed_and_put_back_is_found(told: World, story: Story) -> None:
    """The log names who was taken out; what it signed holds all the same."""
    kept = keep(told, "witness")
    told.run(remove_witness(told.house, story.tree, WITNESS.name))
    assert found(told) == []
    put_back(told, kept)
    assert found(told) == [f"old witness {story.tree}"]


def test_a_notarys_file_that_is_gone_is_found(told: World) -> None:
    """Without the notary's state nothing says what was signed."""
    (told.settings.notary / "state").unlink()
    assert found(told) == ["state tree"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE detail SET salt = randomblob(32)", "changed"),
        ("UPDATE detail SET ciphertext = randomblob(length(ciphertext))", "changed"),
        ("UPDATE detail SET idx = idx + 1", "changed"),
        ("UPDATE detail SET id = id - 1, idx = idx - 1", "planted"),
    ],
)
def test_a_detail_that_its_entry_does_not_commit_to_is_found(
    told: World, story: Story, sql: str, code: str
) -> None:
    """A detail fits its leaf's commitment, at its place; one that was erased is no finding."""
    index = index_of(told, "disclosure.ask")
    one = f" WHERE idx = {index} AND tree = (SELECT number FROM tree WHERE name = ?)"
    write(told, ("PRAGMA ignore_check_constraints = ON", ()), (sql + one, (story.tree,)))
    at = index if code == "changed" else index - 1
    assert found(told) == [f"{code} detail {story.tree}/{at}"]
    write(told, ("DELETE FROM detail", ()))
    assert found(told) == []


# Rows with MACs, and older ones


@pytest.mark.parametrize(
    "table",
    [
        *(
            "user",
            "membership",
            "group_key",
            "cases",
            "assignment",
            "appointment",
            "session",
            "consent_series",
        ),
        *("request", "bundle", "witness", "disclosure"),
    ],
)
def test_a_row_whose_mac_does_not_fit_is_found(told: World, table: str) -> None:
    """Every row of every table with MACs is looked at, and no other is named."""
    row = value(told, f"SELECT max(rowid) FROM {table}")
    write(told, (f"UPDATE {table} SET mac = zeroblob(32) WHERE rowid = ?", (row,)))
    assert [line.split()[:2] for line in found(told)] == [["mac", table]]


def test_a_stopped_user_who_was_put_back_is_found(told: World) -> None:
    """The newest entry about the user says that they are stopped, and that their seal is gone."""
    user = told.ids["volunteer"]
    kept = [
        keep(told, table, f"{key} = ?", raw(user)) for table, key in (("user", "id"), ("member_seal", "user"))
    ]
    told.run(stop_user(told.house, "volunteer"))
    assert found(told) == []
    put_back(told, *kept)
    assert found(told) == [f"old user {user}", f"old member_seal {user}"]


def test_a_password_that_was_put_back_is_found(told: World) -> None:
    """The entry of the new password commits to its salt."""
    user = told.ids["coordinator"]
    kept = keep(told, "unlock", "user = ?", raw(user))
    body = {"old": PASSWORD.format(login="coordinator"), "new": NEW_PASSWORD.format(login="coordinator")}
    assert told("coordinator", "POST", "/api/session/password", body).status_code == 204
    assert found(told) == []
    put_back(told, kept)
    assert found(told) == [f"old unlock {user}"]


def test_an_assignment_that_was_taken_back_and_put_back_is_found(told: World, story: Story) -> None:
    """`case.assign` says whether the case was given or taken back."""
    case, user = story.cases["assigned"], told.ids["colleague"]
    kept = keep(told, "assignment")
    taken = {"users": [user], "remove": True}
    assert told("supervisor", "POST", f"/api/cases/{case}/assign", taken).status_code == 200
    assert found(told) == []
    put_back(told, kept)
    assert found(told) == [f"old assignment {case} {user}"]
    write(told, ("UPDATE assignment SET user = ?", (raw(told.ids["stranger"]),)))
    assert f"old assignment {case} {told.ids['stranger']}" in found(told)


def test_a_consent_that_was_put_back_is_found(told: World, story: Story) -> None:
    """An older state of the series, MAC and all: the log names a newer event. So is the grant that was revoked."""
    consent = story.consents["shared"]
    series = keep(told, "consent_series", "id = ?", raw(consent))
    grant = keep(told, "sealed_grant", "series = ?", raw(consent))
    events = value(told, "SELECT max(number) FROM consent_event WHERE series = ?", raw(consent))
    assert told("coordinator", "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200
    assert found(told) == []
    write(told, ("DELETE FROM consent_event WHERE series = ? AND number > ?", (raw(consent), events)))
    put_back(told, series)
    assert found(told) == [f"old consent_series {consent}"]
    put_back(told, grant)
    assert found(told) == [f"old consent_series {consent}", f"old sealed_grant {consent}"]


def test_a_grant_that_was_revoked_and_put_back_is_found(told: World, story: Story) -> None:
    """The log says of each grant whether it was revoked since."""
    consent = story.consents["shared"]
    kept = [keep(told, "sealed_grant", "series = ?", raw(consent)), keep(told, "bundle")]
    assert told("coordinator", "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200
    put_back(told, *kept)
    assert found(told) == [f"old bundle {story.cases['shared']}", f"old sealed_grant {consent}"]


def test_a_grant_moved_to_another_case_is_found(told: World, story: Story) -> None:
    """A grant's header says of which case and consent it is."""
    consent, other = story.consents["shared"], story.cases["closed"]
    write(told, ('UPDATE sealed_grant SET "case" = ? WHERE series = ?', (raw(other), raw(consent))))
    assert found(told) == [f"changed sealed_grant {consent}"]


@pytest.mark.parametrize(
    ("table", "word", "where"),
    [
        ("sealed_grant", "consents", "series"),
        ("request", "requests", "id"),
        ("cases", "cases", "id"),
        ("bundle", "cases", '"case"'),
        ("case_key", "cases", '"case"'),
    ],
)
def test_a_row_that_was_deleted_is_found(
    told: World, story: Story, table: str, word: str, where: str
) -> None:
    """The log names what is not there."""
    id = {"consents": story.consents, "requests": story.requests, "cases": story.cases}[word]["shared"]
    write(told, (f"DELETE FROM {table} WHERE {where} = ?", (raw(id),)))
    assert found(told) == [f"deleted {table} {id}"]


@pytest.mark.parametrize(
    "table", ["user", "member_seal", "assignment", "ledger_row", "request", "sealed_grant"]
)
def test_a_row_that_the_log_does_not_know_is_found(told: World, table: str) -> None:
    """A row with another id than any that the log names is planted, whatever else it says."""
    columns = [str(row[1]) for row in told.sql(f"PRAGMA table_info({table})")]
    random_id = {"user": "id", "ledger_row": "id", "request": "id", "sealed_grant": "series"}.get(
        table, "user"
    )
    chosen = ", ".join(
        f'randomblob(16) AS "{name}"' if name == random_id else f'"{name}"'
        for name in columns
        if name not in ("login",)
    )
    names = ", ".join(f'"{name}"' for name in columns if name != "login")
    names, chosen = (names + ", login", chosen + ", 'x'") if "login" in columns else (names, chosen)
    if table in ("assignment", "member_seal"):
        names, chosen = (text.replace('"id", ', "") for text in (names, chosen))
    write(told, (f"INSERT INTO {table} ({names}) SELECT {chosen} FROM {table} LIMIT 1", ()))
    assert [line.split()[1] for line in found(told) if line.startswith("planted")] == [table]


def test_a_ledger_row_that_was_deleted_or_given_another_author_is_found(told: World) -> None:
    """`ledger.write` names the row, its case, who wrote it and for whom."""
    id = told.sql("SELECT id FROM ledger_row WHERE kind = 'observation'")[0][0]
    assert isinstance(id, bytes)
    for column, other in (("author", "caseworker"), ("recipient", OTHER_NPO)):
        kept = keep(told, "ledger_row", "id = ?", id)
        write(told, (f"UPDATE ledger_row SET {column} = ? WHERE id = ?", (raw(told.ids[other]), id)))
        assert found(told) == [f"changed ledger_row w_{id.hex()}"]
        put_back(told, kept)
    write(told, ("DELETE FROM ledger_row WHERE id = ?", (id,)))
    assert found(told) == [f"deleted ledger_row w_{id.hex()}"]


def test_a_request_that_was_put_back_is_found(told: World, story: Story) -> None:
    """The newest entry about a request says its stage; one that was handed over is delivered."""
    request, other = story.requests["assigned"], story.requests["shared"]
    kept = keep(told, "request", "id = ?", raw(request))
    assert told("coordinator", "POST", f"/api/requests/{request}/accept").status_code == 200
    assert found(told) == []
    put_back(told, kept)
    assert found(told) == [f"old request {request}"]
    put_back(told, keep(told, "request", "id = ?", raw(request)))
    write(told, ("UPDATE request SET stage = 'accepted' WHERE id = ?", (raw(other),)))
    assert f"old request {other}" in found(told)


def test_a_closed_case_that_was_opened_again_is_found(told: World, story: Story) -> None:
    """The log knows that the case was closed; and the MAC does not fit the hand's work."""
    case = story.cases["closed"]
    write(told, ("UPDATE cases SET closed = NULL WHERE id = ?", (raw(case),)))
    assert found(told) == [f"mac cases {case}", f"old cases {case}"]


def test_an_event_of_a_consent_that_was_made_up_is_found(told: World, story: Story) -> None:
    """A series whose chain is broken is not believed; one of which the log names more has lost it."""
    consent = story.consents["closed"]
    sql = "INSERT INTO consent_event (series, number, event) SELECT series, 9, event FROM consent_event "
    sql += "WHERE series = ? LIMIT 1"
    write(told, (sql, (raw(consent),)))
    assert found(told) == [f"changed consent_series {consent}"]
    write(told, ("DELETE FROM consent_event WHERE series = ?", (raw(consent),)))
    assert found(told) == [f"old consent_series {consent}"]


def test_a_series_that_was_deleted_is_found(told: World, story: Story) -> None:
    """Every event that an entry names is missed."""
    consent = story.consents["closed"]
    write(
        told,
        ("DELETE FROM consent_event WHERE series = ?", (raw(consent),)),
        ("DELETE FROM consent_series WHERE id = ?", (raw(consent),)),
    )
    assert set(found(told)) == {f"deleted consent_event {consent}"}


def test_what_cannot_be_read_is_found_and_the_rest_is_looked_at(told: World, story: Story) -> None:
    """A text that is no text is another text; a table that is gone hides no other."""
    request, user = story.requests["shared"], told.ids["colleague"]
    write(
        told,
        ("UPDATE user SET role = CAST(x'ff' AS TEXT) WHERE id = ?", (raw(user),)),
        ("DROP TABLE unlock", ()),
        ("DELETE FROM request WHERE id = ?", (raw(request),)),
    )
    assert found(told) == [
        f"mac user {user}",
        f"old user {user}",
        "unreadable unlock",
        f"deleted request {request}",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("weird", ["NULL", "1.5", "CAST(x'ff' AS TEXT)", "9223372036854775807", "-1"])
def test_whatever_stands_in_a_column_the_check_ends(told: World, tmp_path: Path, weird: str) -> None:
    """No value stops the check, and no line shows it: a line is made of codes, ids and numbers alone."""
    write(told)
    place, ids = r"(?: #?[\w.-]+(?:/[\w.]+)?(?:/-?\d+)?)?", r"(?: [a-z]_(?:[0-9a-f]{32}|\?))*"
    line = re.compile(f"[a-z]+ [a-z_]+{place}{ids}(?: slot -?\\d+ column -?\\d+)?", re.ASCII)
    with closing(sqlite3.connect(told.settings.database, isolation_level=None)) as live:
        whole = sqlite3.connect(tmp_path / "whole")
        live.backup(whole)
        for pragma in ("ignore_check_constraints = ON", "foreign_keys = OFF"):
            live.execute(f"PRAGMA {pragma}")
        for table in Table:
            for column in live.execute(f"PRAGMA table_info({table})").fetchall():
                with suppress(sqlite3.Error):  # a constraint of the table itself
                    newest = f"(SELECT max(rowid) FROM {table})"
                    live.execute(f'UPDATE {table} SET "{column[1]}" = {weird} WHERE rowid = {newest}')
                assert [one for one in found(told) if not line.fullmatch(one)] == []
                whole.backup(live)
        whole.close()
