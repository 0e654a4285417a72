"""What must hold before the house is opened, and that nothing is written where it does not."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from crypto.keys import RootKey
from service.cli.opening import OpeningError, load_house
from service.settings import Settings
from tests.cli.town import WEAK, Town, begin, settings_in


def every_byte(folder: Path) -> dict[str, bytes]:
    """Every file below the folder that holds anything of the database. (Shared memory, ``-shm``, is no data.)"""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm") and path.stat().st_size
    }


def refused(settings: Settings, practice: bool | None = None) -> OpeningError:
    with pytest.raises(OpeningError) as caught:
        load_house(settings, practice=practice, cost=WEAK)
    return caught.value


def replace_root_key(settings: Settings, text: str) -> None:
    settings.root_key.chmod(0o600)
    settings.root_key.write_text(text)
    settings.root_key.chmod(0o400)


@pytest.mark.parametrize("number", [1, 2])
def test_a_wrong_root_key_stops_before_any_write(town: Town, number: int) -> None:
    """The database stays byte for byte as it was, and the operator is told which file is wrong."""
    replace_root_key(town.settings, RootKey(number=number, key=bytes(32)).write_unsafe_text())
    before = every_byte(town.settings.data)
    error = refused(town.settings)
    assert error.path == town.settings.root_key
    assert every_byte(town.settings.data) == before


def test_the_right_key_under_another_number_is_a_wrong_key(town: Town) -> None:
    """A root key is its number and its bytes."""
    right = RootKey.read_text(town.settings.root_key.read_text())
    replace_root_key(town.settings, RootKey(number=7, key=right.key).write_unsafe_text())
    assert refused(town.settings).path == town.settings.root_key


def test_a_wrong_root_key_leaves_even_a_left_over_wal_alone(town: Town, tmp_path: Path) -> None:
    """After a crash the WAL is still there; a start with the wrong key does not write it into the database."""
    crashed = replace(town.settings, data=tmp_path / "crashed")
    crashed.data.mkdir()
    with closing(sqlite3.connect(town.settings.database)) as writer:
        writer.execute("INSERT INTO throttle (id, failures, until) VALUES (x'00', 1, 1)")
        writer.commit()
        for path in town.settings.data.glob("tsunagi.sqlite*"):
            shutil.copy(path, crashed.data / path.name)
    assert (crashed.data / "tsunagi.sqlite-wal").stat().st_size > 0
    before = every_byte(crashed.data)
    replace_root_key(crashed, RootKey(number=1, key=bytes(32)).write_unsafe_text())
    assert refused(crashed).path == crashed.root_key
    assert every_byte(crashed.data) == before


def test_a_missing_root_key_is_named(town: Town) -> None:
    """No key, no start; the file that is missing is named, and nothing is written."""
    town.settings.root_key.unlink()
    before = every_byte(town.settings.data)
    error = refused(town.settings)
    assert error.path == town.settings.root_key
    assert "missing" in error.why
    assert every_byte(town.settings.data) == before


@pytest.mark.parametrize("damage", ["", "tsunagi-root-key:1:00", "\x00\xff"])
def test_a_damaged_root_key_is_named(town: Town, damage: str) -> None:
    """A cut or overwritten key file is no key."""
    replace_root_key(town.settings, damage)
    assert refused(town.settings).path == town.settings.root_key


def test_a_missing_log_key_is_named(town: Town) -> None:
    """The service does not start without the key that signs its log."""
    town.settings.log_key.unlink()
    assert refused(town.settings).path == town.settings.log_key


@pytest.mark.parametrize("mode", [0o404, 0o644, 0o420])
def test_a_key_that_others_can_read_is_refused(town: Town, mode: int) -> None:
    """A key file is its owner's alone."""
    town.settings.root_key.chmod(mode)
    assert "chmod 0400" in refused(town.settings).why


def test_a_missing_database_says_init(town: Town) -> None:
    """The operator is told what makes one, and none is made meanwhile."""
    town.settings.database.unlink()
    assert "tsunagi init" in refused(town.settings).why
    assert not town.settings.database.exists()


def test_a_file_that_is_no_database_of_ours_is_refused(town: Town) -> None:
    """Another program's file is left as it is."""
    town.settings.database.write_bytes(b"name,address\n" * 1000)
    before = every_byte(town.settings.data)
    assert refused(town.settings).path == town.settings.database
    assert every_byte(town.settings.data) == before


def test_practice_data_is_never_served(tmp_path: Path) -> None:
    """What was set up for practice is refused where real data is asked for, and the other way round."""
    practice, real = settings_in(tmp_path / "practice"), settings_in(tmp_path / "real")
    begin(practice, practice=True)
    begin(real)
    before = every_byte(practice.data)
    assert "practice" in refused(practice, practice=False).why
    assert every_byte(practice.data) == before
    assert "real" in refused(real, practice=True).why


def test_practice_data_cannot_be_made_real_by_editing_a_row(tmp_path: Path) -> None:
    """The log's first entries say what the data is; a row that says otherwise is believed by nobody."""
    settings = settings_in(tmp_path)
    begin(settings, practice=True)
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute("UPDATE instance SET practice = 0")
        connection.commit()
    for practice in (False, True, None):
        assert "disagree" in refused(settings, practice).why


def test_a_good_house_opens(town: Town) -> None:
    """All checks hold: the house opens, and what it signs with is the key of its file."""
    house = load_house(town.settings, practice=False, cost=WEAK)
    root = RootKey.read_text(town.settings.root_key.read_text())
    assert house.root == root
    asyncio.run(house.stop())
