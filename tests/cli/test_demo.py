"""``tsunagi demo`` as somebody tries it: the story holds, nothing is in clear, nothing real is touched."""

import base64
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from audit.event import Flag, read_leaf
from audit.policy import read_policy
from audit.scan import VerifyError
from audit.verify import verify_path
from crypto.keys import RootKey
from crypto.totp import code_at, step_at
from policies.matrix import default_policy
from service.cli.demo.cases import WRITTEN, practice_cases, texts_of
from service.cli.demo.folder import practice_settings, remove_old_practice
from service.cli.demo.people import NPO, PEOPLE
from service.cli.demo.report import Report
from service.cli.demo.searching import find_in_clear
from service.cli.demo.table import draw, fit, width, wrap
from service.cli.demo.words import tokyo
from service.cli.main import main
from service.cli.opening import OpeningError
from service.settings import SettingError
from tests.cli.town import begin, settings_in

ROOT = Path(__file__).resolve().parents[2]
DATA = Path("var/practice/data")
POLICIES = ROOT / "policies"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**named: str) -> dict[str, str]:
    """This process's environment, without settings of Tsunagi but those named."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TSUNAGI_")}
    clean |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return clean | {f"TSUNAGI_{name}": value for name, value in named.items()}


def tsunagi(folder: Path, *argv: str, **named: str) -> subprocess.CompletedProcess[str]:
    """A command as a process, in ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *argv],
        cwd=folder,
        env=environment(PORT=str(free_port())) | environment(**named),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=180,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the story was played."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def played(folder: Path) -> subprocess.CompletedProcess[str]:
    """The story, played once for all tests that look at what it left."""
    return tsunagi(folder, "demo", "--once")


def texts() -> list[str]:
    """Every name, address, telephone and note of the practice cases."""
    today = tokyo(datetime.now(UTC)).date()
    return [text for case in practice_cases(today) for text in texts_of(case.fields)] + list(WRITTEN)


def files(folder: Path) -> dict[Path, bytes]:
    """Every file below the folder."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_story_holds(played: subprocess.CompletedProcess[str]) -> None:
    """Every step of the story is as HTTP answers, and the exit code says so."""
    wrong = [line for line in played.stdout.splitlines() if line.startswith("NG")]
    assert (played.returncode, wrong) == (0, []), played.stderr
    assert re.search(r"^[6-9][0-9] OK, 0 NG$", played.stdout, re.M)
    for said in ("受信箱に1件", "同じセッションのNPO担当者に、何も開きません", "REFUSED", "unaltered"):
        assert said in played.stdout


def test_a_run_that_ends_prints_no_password(played: subprocess.CompletedProcess[str], folder: Path) -> None:
    """Passwords and second factors are for who goes on trying: `--once` shows none, and no file has a token."""
    assert "password" not in played.stdout.lower()
    assert "Bearer" not in played.stdout
    log = (folder / DATA / "service.log").read_text("ascii")
    assert '"event":"request"' in log
    assert "Bearer" not in log and "token" not in log


def test_nothing_personal_is_in_clear(played: subprocess.CompletedProcess[str], folder: Path) -> None:
    """Database file, WAL, service log and export hold no name, address or note of any case."""
    assert played.returncode == 0
    left = files(folder / "var")
    assert {path.name for path in left if path.parent.name == "data" and path.suffix != ".lock"} <= {
        "service.log",
        "tsunagi.sqlite",
        "tsunagi.sqlite-shm",
        "tsunagi.sqlite-wal",
    }
    assert len([path for path in left if "practice-log-after" in path.parts]) >= 7
    found = [(path.name, text) for path, data in left.items() for text in texts() if text.encode() in data]
    assert found == []
    assert any(NPO.encode() in data for data in left.values())


def test_no_row_of_the_database_is_in_clear(played: subprocess.CompletedProcess[str], folder: Path) -> None:
    """What `sqlite3` prints of the practice database has no part of any text of a case."""
    assert played.returncode == 0
    with closing(sqlite3.connect(f"file:{folder / DATA / 'tsunagi.sqlite'}?mode=ro", uri=True)) as database:
        dump = "\n".join(database.iterdump())
    parts = {part for text in texts() for part in re.split("[、。 ]", text) if len(part) > 3}
    assert len(parts) > 100
    assert [part for part in sorted(parts) if part in dump] == []
    assert NPO in dump


def test_every_tree_says_that_it_is_practice(played: subprocess.CompletedProcess[str], folder: Path) -> None:
    """The first entry of each tree marks practice data."""
    assert played.returncode == 0
    with closing(sqlite3.connect(folder / DATA / "tsunagi.sqlite")) as database:
        leaves = database.execute("SELECT leaf FROM entry WHERE idx = 0").fetchall()
    assert len(leaves) == 1 + 6
    assert all(Flag.PRACTICE in read_leaf(leaf.encode()).entry.flags for (leaf,) in leaves)


def exported(played: subprocess.CompletedProcess[str], folder: Path) -> tuple[Path, Path]:
    """The bundle that the story exported, and the auditor's policy, as it printed them."""
    named = re.search(r"tsunagi-verify (\S+) --policy (\S+)", played.stdout)
    assert named is not None
    return folder / named[1], folder / named[2]


def refused(bundle: Path, policy: Path) -> bool:
    try:
        verify_path(bundle, read_policy(policy.read_bytes()))
    except VerifyError:
        return True
    return False


def test_the_exported_log_verifies(played: subprocess.CompletedProcess[str], folder: Path) -> None:
    """`tsunagi-verify` accepts what the demo exported, from another folder and with no setting."""
    bundle, policy = exported(played, folder)
    assert not refused(bundle, policy)
    copy = shutil.copytree(bundle, folder / "copy")
    command = [sys.executable, "-m", "audit.verify", str(copy), "--policy", str(policy)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60).returncode == 0


def test_any_changed_byte_is_refused(played: subprocess.CompletedProcess[str], folder: Path) -> None:
    """Every byte of the signed checkpoint, and bytes all over the entries and hashes: one bit changed is found."""
    bundle, policy = exported(played, folder)
    copy = shutil.copytree(bundle, folder / "changed")
    tiles = [path for path in sorted((bundle / "tile").rglob("*")) if path.is_file()]
    assert len(tiles) >= 2
    for path in (bundle / "checkpoint", bundle / "scope", bundle / "entries.csv", *tiles):
        data, target = path.read_bytes(), copy / path.relative_to(bundle)
        for at in {*range(0, len(data), max(1, len(data) // 150)), len(data) - 1}:
            target.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert refused(copy, policy), (path.name, at)
        target.write_bytes(data)
    assert not refused(copy, policy)


def test_an_unsigned_or_cut_log_is_refused(played: subprocess.CompletedProcess[str], folder: Path) -> None:
    """Without a signature line, or without the end of its entries, the bundle is no proof."""
    bundle, policy = exported(played, folder)
    copy = shutil.copytree(bundle, folder / "unsigned")
    lines = (bundle / "checkpoint").read_bytes().splitlines(keepends=True)
    for at, line in enumerate(lines):
        if line.startswith("— ".encode()):
            (copy / "checkpoint").write_bytes(b"".join([*lines[:at], *lines[at + 1 :]]))
            assert refused(copy, policy)
    (copy / "checkpoint").write_bytes(b"".join(lines))
    entries = next(path for path in (copy / "tile" / "entries").rglob("*") if path.is_file())
    entries.write_bytes(entries.read_bytes()[:-100])
    assert refused(copy, policy)


def test_serve_refuses_practice_data(played: subprocess.CompletedProcess[str], folder: Path) -> None:
    """Practice data is never served as real."""
    assert played.returncode == 0
    done = tsunagi(
        folder, "serve", DATA="var/practice/data", KEYS="var/practice/keys", NOTARY="var/practice/notary"
    )
    assert done.returncode == 1
    assert "practice" in done.stderr


@pytest.mark.slow
def test_a_step_that_does_not_hold_is_exit_code_1(tmp_path: Path) -> None:
    """With a policy that shows a volunteer the name, the story says what differs, and fails."""
    roles = (POLICIES / "roles.toml").read_text()
    wider, count = re.subn(r'^(name +=.*)"-"\]$', r'\1"c"]', roles, flags=re.M)
    assert count == 1
    (tmp_path / "roles.toml").write_text(wider)
    done = tsunagi(
        tmp_path, "demo", "--once", FIELDS=str(POLICIES / "fields.toml"), ROLES=str(tmp_path / "roles.toml")
    )
    assert done.returncode == 1
    assert "answered : ['deliveries', 'dietary', 'name', 'pickup', 'quantity']" in done.stdout
    assert "2 NG" in done.stdout


@pytest.mark.slow
def test_the_server_stays_with_the_accounts_printed(tmp_path: Path) -> None:
    """Without `--once` the server goes on; the printed password, key and address sign somebody in; it stops."""
    port = free_port()
    child = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "demo"],
        cwd=tmp_path,
        env=environment(PORT=str(port)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert child.stdout is not None
    try:
        accounts = dict(read_accounts(iter(child.stdout.readline, "")))
        assert set(accounts) == {person.login for person in PEOPLE}
        assert len({password for password, _ in accounts.values()}) == len(PEOPLE)
        address = f"http://127.0.0.1:{port}/api/session"
        with httpx.Client(trust_env=False) as client:
            assert client.post(address, json=signing("npo", accounts)).status_code == 201
            later = signing("admin", accounts, steps=1)  # the story used the code of its own moment
            assert client.post(address, json=later).status_code == 201
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 0
    finally:
        child.kill()
        child.stdout.close()
        child.wait(timeout=30)


def read_accounts(lines: Iterator[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Login, password and the second factor's key of each printed account."""
    row = re.compile(r"^([a-z0-9]+) +([a-z0-9]{5}(?:-[a-z0-9]{5}){3}) .*?([A-Z2-7]{32})?$")
    for line in lines:
        found = row.match(line.rstrip("\n"))
        if found is not None:
            yield found[1], (found[2], found[3] or "")
        if "Ctrl+C" in line:
            return


def signing(login: str, accounts: Mapping[str, tuple[str, str]], steps: int = 0) -> dict[str, str | None]:
    """A body that signs in."""
    password, key = accounts[login]
    assert len(password) >= 15
    code = None
    if key:
        code = code_at(base64.b32decode(key), step_at(int(datetime.now(UTC).timestamp())) + steps)
    return {"login": login, "password": password, "code": code}


def here(folder: Path, monkeypatch: pytest.MonkeyPatch, **named: str) -> None:
    """This process in ``folder``, with these settings."""
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("TSUNAGI_")]:
        monkeypatch.delenv(name)
    for name, value in named.items():
        monkeypatch.setenv(f"TSUNAGI_{name}", value)


def test_demo_refuses_a_real_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real data is left as it is, byte for byte, with its keys."""
    settings = settings_in(tmp_path)
    begin(settings)
    before = {path: data for path, data in files(tmp_path).items() if not path.name.endswith("-shm")}
    here(tmp_path, monkeypatch, DATA=str(settings.data), KEYS=str(settings.keys), PORT=str(free_port()))
    assert main(["demo", "--once"]) == 1
    assert "real data" in capsys.readouterr().err
    after = files(tmp_path)
    assert {path: after.get(path) for path in before} == before


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "city.example", "127.0.0.1.example"])
def test_demo_refuses_an_address_that_is_not_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    """Practice passwords stand on the screen, so nobody else may reach the server; nothing is made."""
    here(tmp_path, monkeypatch, HOST=host, PORT=str(free_port()))
    assert main(["demo", "--once"]) == 1
    assert "loopback" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_is_accepted_and_answers_to_no_other_name(host: str) -> None:
    """Each loopback address will do; the Host names that are answered are its own, whatever the setting says."""
    settings = practice_settings({"TSUNAGI_HOST": host, "TSUNAGI_HOSTS": "city.example"})
    assert all(name.startswith((host, f"[{host}]", "localhost")) for name in settings.allowed_hosts)
    assert settings.data == DATA


def test_practice_folders_are_kept_apart(tmp_path: Path) -> None:
    """Keys in the database's folder are refused here too."""
    with pytest.raises(SettingError):
        practice_settings({"TSUNAGI_DATA": str(tmp_path), "TSUNAGI_KEYS": str(tmp_path)})


def test_a_taken_port_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where something listens already, nothing is made, and the way out is named."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        here(tmp_path, monkeypatch, PORT=str(taken.getsockname()[1]))
        assert main(["demo", "--once"]) == 1
    said = capsys.readouterr().err
    assert "TSUNAGI_PORT" in said and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_an_older_practice_database_is_replaced(tmp_path: Path) -> None:
    """What an earlier run left goes, keys and all, so that the next one is fresh."""
    settings = settings_in(tmp_path)
    begin(settings, practice=True)
    remove_old_practice(settings)
    assert list(files(tmp_path)) == []
    begin(settings, practice=True)
    remove_old_practice(settings)


def test_practice_data_under_another_root_key_is_left_alone(tmp_path: Path) -> None:
    """A database whose root key does not lie beside it may be anybody's: it stays."""
    settings = settings_in(tmp_path)
    begin(settings, practice=True)
    settings.root_key.chmod(0o600)
    settings.root_key.write_text(RootKey(number=1, key=bytes(32)).write_unsafe_text())
    settings.root_key.chmod(0o400)
    before = set(files(tmp_path))
    with pytest.raises(OpeningError):
        remove_old_practice(settings)
    assert set(files(tmp_path)) >= before
    settings.root_key.unlink()
    with pytest.raises(OpeningError):
        remove_old_practice(settings)
    assert settings.database.exists()


def test_a_story_in_which_nothing_was_compared_did_not_hold() -> None:
    """The exit code is 0 only where something was compared, and all of it held."""
    said: list[str] = []
    report = Report(said.append)
    assert report.exit_code == 1
    report.same("what holds", [1], [1])
    assert report.exit_code == 0
    report.same("what does not", 404, 200)
    assert report.exit_code == 1
    assert said[-3:] == ["NG  what does not", "    story    : 404", "    answered : 200"]


def test_the_search_finds_each_way_of_writing(tmp_path: Path) -> None:
    """The search for clear text is not blind: UTF-8, UTF-16, escapes, and a part of a sentence are found."""
    text = "電気とガスが止まっている。三枝 正一"
    written = (text.encode(), text.encode("utf-16-le"), ascii(text).encode(), "三枝 正一".encode())
    for at, data in enumerate(written):
        there = tmp_path / str(at)
        there.mkdir()
        (there / "file").write_bytes(b"\x00" + data + b"\x00")
        assert "三枝 正一" in find_in_clear(there, [text, "三枝 正一"]), at
        assert find_in_clear(there, ["渡会 昭三"]) == []
    assert find_in_clear(tmp_path / "0", ["そこで 電気とガスが止まっている。"]) == [
        "電気とガスが止まっている"
    ]


def test_the_cases_are_whole_and_differ() -> None:
    """Five cases, each with what a city fills in, of fields that there are; no two share a name or an address."""
    cases = practice_cases(datetime.now(UTC).date())
    assert len(cases) == 5
    registry = default_policy().registry
    for case in cases:
        assert all(code in registry.by_code for code in case.fields)
        assert {"name", "name_kana", "address", "consultation", "handover_summary"} <= set(case.fields)
    names = [case.fields[code] for case in cases for code in ("name", "name_kana", "address")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_no_text_of_the_cases_is_a_day_that_the_log_writes(hour: int) -> None:
    """The story runs a minute at any hour: in none is a text, sought in clear, the day of an entry in UTC."""
    begun = datetime(2026, 11, 24, hour, 59, 30, tzinfo=UTC)
    days = {str((begun + timedelta(minutes=late)).date()) for late in range(60)}
    cases = practice_cases(tokyo(begun).date())
    assert days.isdisjoint(text for case in cases for text in texts_of(case.fields))


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("氏名", 4), ("ﾊﾝｶｸ", 4), ("か\u3099", 2), ("﨑", 2), ("𠮷野", 4), ("NPO法人", 7), ("", 0)],
)
def test_width_counts_columns(text: str, columns: int) -> None:
    """Wide characters take two columns, half-width kana one, combining marks none."""
    assert width(text) == columns


@pytest.mark.parametrize(
    "text", ["遠野 みゆき", "みどり浦市楠本二丁目15番3号 コーポ楠203", "a" * 50, "あ" * 50, ""]
)
@pytest.mark.parametrize("columns", [4, 9, 24, 25])
def test_cells_are_exactly_as_wide_as_their_column(text: str, columns: int) -> None:
    """Whatever stands in it, a cell fills its column and no more; wrapped, nothing of it is lost."""
    assert width(fit(text, columns)) == columns
    lines = wrap(text, columns)
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_tables_align_and_draw_nothing_ambiguous(
    played: subprocess.CompletedProcess[str],
) -> None:
    """Columns begin at the same place in every line, and rules are drawn with hyphens only."""
    lines = draw(("項目", "b"), [("氏名", "x"), ("abcdefghijk", "y"), ("ﾊﾝ角", "z")], (8, -1))
    assert [width(line[: line.rindex(mark)]) for line, mark in zip(lines[2:], "xyz", strict=True)] == [10] * 3
    assert lines[3].startswith("abcdef..  y")
    drawn = [letter for line in played.stdout.splitlines() for letter in line]
    boxes = {letter for letter in drawn if "BOX DRAWINGS" in unicodedata.name(letter, "")}
    assert boxes == set()
