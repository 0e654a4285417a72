"""`tsunagi fsck` as an operator types it: a line a finding, how many at the end, and an exit code that says which."""

import sqlite3
from contextlib import closing

import pytest

from cases.ids import ORGANISATION, write_id
from service.flows.fsck import Code, Table
from tests.cli.conftest import Tsunagi
from tests.cli.people import staffed
from tests.cli.town import Town
from tests.house.rules import ROOT


def damage(town: Town, *statements: str) -> None:
    """Statements of somebody who can write the file."""
    with closing(sqlite3.connect(town.settings.database)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            connection.execute(statement)


def test_a_house_that_is_whole_exits_with_0(
    tsunagi: Tsunagi, town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is found, and the last line says in how many entries."""
    staffed(town)
    entries = town.rows("SELECT count(*) FROM entry")[0][0]
    capsys.readouterr()
    assert tsunagi("fsck") == 0
    assert capsys.readouterr().out == f"0 found in {entries} entries and the rows beside them\n"
    assert town.rows("SELECT count(*) FROM entry")[0][0] == entries


def test_damage_exits_with_1_and_names_the_place_and_no_value(
    tsunagi: Tsunagi, town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each finding is one line on standard output: code, table, place."""
    staffed(town)
    damage(
        town,
        "UPDATE user SET name = '別人 花子' WHERE login = 'case'",
        "UPDATE head SET last = last + 1 WHERE tree = 1",
    )
    user = town.rows("SELECT lower(hex(id)) FROM user WHERE login = 'case'")[0][0]
    tree = town.rows("SELECT name FROM tree WHERE number = 1")[0][0]
    capsys.readouterr()
    assert tsunagi("fsck") == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[:2] == [f"time head {tree}", f"mac user u_{user}"]
    assert shown.out.splitlines()[2].startswith("2 found in ")
    assert "花子" not in shown.out + shown.err and "case" not in shown.out


@pytest.mark.parametrize("text", ["'{}'", "'あ'", "replace(leaf, 'v', 'w')"])
def test_a_first_entry_that_cannot_be_read_is_found_and_stops_the_others(
    tsunagi: Tsunagi, town: Town, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """A log that begins with no entry is checked here; any other command says to run this one."""
    staffed(town)
    damage(town, f"UPDATE entry SET leaf = {text} WHERE idx = 0 AND tree = 1")
    tree = town.rows("SELECT name FROM tree WHERE number = 1")[0][0]
    capsys.readouterr()
    assert tsunagi("fsck") == 1
    assert f"changed entry {tree}/0\n" in capsys.readouterr().out
    assert tsunagi("log", "export", str(town.settings.data.parent / "bundle")) == 1
    assert "run `tsunagi fsck`" in capsys.readouterr().err
    assert not (town.settings.data.parent / "bundle").exists()


def test_a_log_that_is_behind_is_checked_and_not_refused(
    tsunagi: Tsunagi, town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other commands refuse a log with fewer entries than were signed; this one says so and goes on."""
    name = write_id(ORGANISATION, town.made.city)
    number = town.rows("SELECT number FROM tree WHERE name = ?", name)[0][0]
    size = len(town.leaves(name))
    target = town.settings.data.parent / "bundle"
    assert tsunagi("log", "export", str(target), "--tree", name) == 0
    damage(town, f"DELETE FROM entry WHERE tree = {number} AND idx = {size}")
    capsys.readouterr()
    assert tsunagi("fsck") == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"size head {name}/{size}" in lines and f"behind entry {name}/{size + 1}" in lines


def test_a_check_that_was_not_run_exits_with_2(
    tsunagi: Tsunagi, town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """No database, or a wrong key: nothing was found because nothing was looked at."""
    town.settings.root_key.unlink()
    assert tsunagi("fsck") == 2
    assert capsys.readouterr().out == ""


def test_every_code_of_a_finding_is_documented() -> None:
    """formats.md says of each code what it means."""
    page = (ROOT / "docs" / "formats.md").read_text("utf-8").partition("What fsck says")[2]
    assert [code.value for code in Code if f"| `{code.value}` |" not in page] == []
    assert [table.value for table in Table if f"`{table.value}`" not in page] == []
