"""The commands as an operator types them: answers from standard input, one plain line for an error, exit codes."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli.main import main
from service.cli.saying import PASSWORDS, PROBLEMS
from service.flows.console import Problem
from service.flows.passwords import PasswordFault
from tests.cli.conftest import Tsunagi
from tests.cli.town import CITY, NPO, Town, settings_in

ROOT = Path(__file__).resolve().parents[2]
INIT = ["食支援", CITY, "admin", "管理 太郎", "water under the bridge"]


def one_line(text: str) -> str:
    """The last line of standard error, which is the error; it is ours and no traceback."""
    lines = text.splitlines()
    assert "Traceback" not in text
    assert lines[-1].startswith("tsunagi: ")
    return lines[-1]


def test_init_makes_a_house_from_five_lines(
    tsunagi: Tsunagi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal `init` reads its answers one a line, and shows the second factor once."""
    assert tsunagi("init", answers=INIT) == 0
    shown = capsys.readouterr()
    assert re.search(r"^  key   [A-Z2-7]{32}$", shown.out, re.M)
    assert "otpauth://totp/Tsunagi:admin?secret=" in shown.out
    assert INIT[-1] not in shown.out + shown.err
    assert settings_in(tmp_path).root_key.stat().st_mode & 0o777 == 0o400


def test_init_refuses_to_overwrite_before_it_asks(
    tsunagi: Tsunagi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second `init` changes no byte, reads no answer, and names the file that is there."""
    tsunagi("init", answers=INIT)
    settings = settings_in(tmp_path)
    before = [path.read_bytes() for path in (settings.root_key, settings.log_key, settings.database)]
    capsys.readouterr()
    assert tsunagi("init", answers=INIT) == 1
    assert str(settings.root_key) in one_line(capsys.readouterr().err)
    assert sys.stdin.readline() == f"{INIT[0]}\n"
    after = [path.read_bytes() for path in (settings.root_key, settings.log_key, settings.database)]
    assert after == before


def test_init_leaves_nothing_where_an_answer_is_refused(
    tsunagi: Tsunagi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A short password makes no file and no folder."""
    assert tsunagi("init", answers=[*INIT[:-1], "too short"]) == 1
    assert "15 characters" in one_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_answers_that_end_early_are_an_error(tsunagi: Tsunagi, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard input that ends is said so, and nothing hangs."""
    assert tsunagi("init", answers=INIT[:3]) == 1
    assert "answer is missing" in one_line(capsys.readouterr().err)


def test_a_day_at_the_console(tsunagi: Tsunagi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Partner, sections, people, a change of role, a reset and a stop, with passwords from standard input."""
    one, two, new = "a quiet morning by the sea", "an evening in the hills", "another day, another word"
    assert tsunagi("init", answers=INIT) == 0
    assert tsunagi("org", "add", NPO, "--kind", "npo") == 0
    assert tsunagi("org", "add", CITY, "--kind", "municipality", "--section", "福祉課") == 0
    add = ("user", "add")
    city = ("--org", CITY, "--section", "福祉課", "--name", "職員")
    assert tsunagi(*add, "one", *city, "--role", "supervisor", answers=[one]) == 0
    assert tsunagi(*add, "two", *city, "--role", "caseworker", answers=[two, "one", one]) == 0
    promote = ("user", "role", "two", "--role", "supervisor")
    assert tsunagi(*promote, answers=["one", one, two]) == 0
    assert tsunagi("user", "reset", "one", answers=[new, "two", two]) == 0
    assert tsunagi("user", "stop", "one") == 0
    capsys.readouterr()
    assert tsunagi("user", "stop", "two") == 1
    assert "last" in one_line(capsys.readouterr().err)
    assert tsunagi("org", "add", NPO, "--kind", "npo") == 1
    assert "taken" in one_line(capsys.readouterr().err)


def test_a_further_member_needs_a_colleagues_password(
    tsunagi: Tsunagi, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong password of the colleague adds nobody, and says no more than that."""
    tsunagi("init", answers=INIT)
    named = ("--org", CITY, "--name", "職員")
    tsunagi("user", "add", "one", *named, "--role", "supervisor", answers=["a quiet morning by the sea"])
    second = ("user", "add", "two", *named, "--role", "caseworker")
    capsys.readouterr()
    assert tsunagi(*second, answers=["an evening in the hills", "one", "not my password at all"]) == 1
    assert one_line(capsys.readouterr().err) == "tsunagi: login or password is wrong"
    assert tsunagi(*second, answers=["an evening in the hills"]) == 1


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("fly",),
        ("user", "add", "x"),
        ("user", "add", "x", "--org", "o", "--name", "n", "--role", "king"),
        ("user", "add", "x", "--org", "o", "--name", "n", "--role", "admin", "--password", "p"),
        ("org", "add", "x", "--kind", "club"),
        ("log", "verify", "x"),
    ],
)
def test_wrong_usage_is_exit_code_2(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A password as an argument is wrong usage like any other."""
    with pytest.raises(SystemExit) as caught:
        main(list(argv))
    assert caught.value.code == 2


def test_a_misspelt_setting_is_refused(
    tsunagi: Tsunagi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that begins with TSUNAGI_ and is not known stops every command."""
    monkeypatch.setenv("TSUNAGI_PROT", "8000")
    assert tsunagi("policy", "show") == 1
    assert "TSUNAGI_PROT" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("command", [("org", "add", "x", "--kind", "npo"), ("user", "stop", "x"), ("serve",)])
def test_without_a_house_the_missing_key_is_named(
    tsunagi: Tsunagi, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    """Before `init` every command says which file is missing, and makes none."""
    assert tsunagi(*command) == 1
    assert str(settings_in(tmp_path).root_key) in one_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_policy_show_prints_tables_and_digest(tsunagi: Tsunagi, capsys: pytest.CaptureFixture[str]) -> None:
    """The policy in force, or that of the files named."""
    assert tsunagi("policy", "show") == 0
    ours = capsys.readouterr().out
    assert "FIELDS" in ours and "digest sha256:" in ours
    files = ("--fields", str(ROOT / "policies/fields.toml"), "--roles", str(ROOT / "policies/roles.toml"))
    assert tsunagi("policy", "show", *files) == 0
    assert capsys.readouterr().out == ours
    assert tsunagi("policy", "show", *files[:2]) == 1


def test_policy_diff_says_what_would_change(
    tsunagi: Tsunagi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two folders, in plain words; a folder without the files is an error that names one."""
    old, new = str(ROOT / "policies"), tmp_path / "new"
    new.mkdir()
    (new / "fields.toml").write_bytes((ROOT / "policies/fields.toml").read_bytes())
    roles = (ROOT / "policies/roles.toml").read_text("utf-8")
    (new / "roles.toml").write_text(roles + "# a remark\n", "utf-8")
    assert tsunagi("policy", "diff", old, old) == 0
    assert capsys.readouterr().out == "Nothing changes.\n"
    assert tsunagi("policy", "diff", old, str(new)) == 0
    assert "comments or spacing" in capsys.readouterr().out
    (new / "roles.toml").write_text("schema = [", "utf-8")
    assert tsunagi("policy", "diff", old, str(new)) == 1
    assert "roles.toml: line 1" in one_line(capsys.readouterr().err)
    assert tsunagi("policy", "diff", old, str(tmp_path)) == 1
    assert "fields.toml" in one_line(capsys.readouterr().err)


def test_the_log_of_the_collaboration_is_the_default(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --tree it is the log in which the cases are."""
    assert tsunagi("log", "export", str(tmp_path / "shared.zip")) == 0
    assert f"b_{town.made.collaboration.hex}" in capsys.readouterr().out


def test_at_a_terminal_the_password_is_asked_twice_and_not_shown(tmp_path: Path) -> None:
    """Two different passwords are refused; neither appears on the screen."""
    settings = settings_in(tmp_path)
    master, slave = pty.openpty()
    environment = {**os.environ, "TSUNAGI_DATA": str(settings.data), "TSUNAGI_KEYS": str(settings.keys)}
    environment["TSUNAGI_NOTARY"] = str(settings.notary)
    child = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "init"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    screen, shown = b"", b""
    for answer in [*INIT[:-1], "the first long password", "the second long password"]:
        while not screen.rstrip().endswith(b":"):
            screen += os.read(master, 1024)
        shown, screen = shown + screen, b""
        os.write(master, f"{answer}\n".encode())
    try:
        while piece := os.read(master, 1024):
            screen += piece
    except OSError:
        pass
    os.close(master)
    assert child.wait(timeout=20) == 1
    assert b"differ" in screen
    assert b"long password" not in shown + screen
    assert list(tmp_path.iterdir()) == []


def test_everything_that_is_refused_has_its_sentence() -> None:
    """No code reaches the operator without words, and no sentence runs over a line."""
    assert PROBLEMS.keys() == set(Problem)
    assert PASSWORDS.keys() == set(PasswordFault)
    assert not [text for text in (*PROBLEMS.values(), *PASSWORDS.values()) if "\n" in text or not text]
