"""`tsunagi-verify` accepts a whole, signed, unchanged bundle, and nothing else, and never hangs over it."""

import dataclasses
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.bundle import verify_bundle
from audit.checkpoint import MAX_NOTE
from audit.event import canonical
from audit.policy import MAX_POLICY, read_policy
from audit.scan import Step, VerifyError
from audit.verify import Files, main, verify_path
from tests.audit.bundles import POLICY, Log, in_memory, little_memory, of_case, save, whole
from tests.audit.bundles import Files as Made
from tests.audit.examples import START, full_entry, small_leaves

TRUST = read_policy(POLICY.encode())
LEAVES = [canonical(full_entry(9), START), *small_leaves(4)[1:]]
LOG = Log(leaves=LEAVES)
FILES = whole(LOG)
CASE = of_case(LOG, "c_" + "4" * 32)
LANGUAGE = ("LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that asks for no language."""
    for name in LANGUAGE:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def policy(tmp_path: Path) -> str:
    """The auditor's own policy, as a file."""
    path = tmp_path / "policy.txt"
    path.write_text(f"# contact: Ms Sato\n{POLICY}", "utf-8")
    return str(path)


def refused(files: Mapping[str, bytes]) -> None:
    """A bundle that must be refused."""
    with pytest.raises(VerifyError):
        verify_bundle(in_memory(files), TRUST)


@pytest.mark.parametrize("files", [FILES, CASE], ids=["whole", "case"])
def test_every_changed_byte_is_refused(files: Made) -> None:
    """One byte changed anywhere in any file, and the bundle is refused."""
    verify_bundle(in_memory(files), TRUST)
    for name, data in files.items():
        for at, byte in enumerate(data):
            values = {byte ^ 1, byte ^ 0x20, byte ^ 0x80}
            if name == "checkpoint":  # the spare bits of base64 too
                values |= {(byte + step) % 256 for step in (-3, -2, -1, 1, 2, 3)} | {0x0A, 0x20, 0x30, 0}
            for value in values - {byte}:
                refused({**files, name: data[:at] + bytes([value]) + data[at + 1 :]})


def test_the_command_refuses_every_changed_byte(
    tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 1 wherever a byte was changed, and 0 again once it is put back."""
    bundle = save(FILES, tmp_path / "bundle")
    for name, data in FILES.items():
        for at in range(0, len(data), 3):
            (bundle / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert main([str(bundle), "--policy", policy]) == 1, (name, at)
        (bundle / name).write_bytes(data)
    capsys.readouterr()
    assert main([str(bundle), "--policy", policy]) == 0
    assert capsys.readouterr().out.startswith("OK: the records are unaltered. log.tsunagi.example/test: 4 ")


@pytest.mark.parametrize("files", [FILES, CASE], ids=["whole", "case"])
def test_every_cut_is_refused(files: Made) -> None:
    """A file that ends early is refused, and so is one that is not there."""
    for name, data in files.items():
        for at in range(len(data)):
            if name != "leaves" or at:  # one case's entries may be none: nothing is said to be complete
                refused({**files, name: data[:at]})
        if name != "entries.csv":  # a bundle may be without its table
            refused({path: data for path, data in files.items() if path != name})


@pytest.mark.parametrize("files", [FILES, CASE], ids=["whole", "case"])
@pytest.mark.parametrize("tail", [b"\n", b" ", b"x", b"\x00", b"\n\n", b"\r\n", bytes(32), b"x" * 9000])
def test_anything_behind_the_end_is_refused(files: Made, tail: bytes) -> None:
    """Nothing follows what a file says, not even a newline."""
    for name, data in files.items():
        refused({**files, name: data + tail})


def test_files_that_are_not_named_are_not_read(tmp_path: Path) -> None:
    """What lies beside the bundle, its own policy and verifier too, decides nothing."""
    beside = {
        "policy.txt": b"quorum none\n",
        "verify.py": b"raise SystemExit",
        "tile/9/000": b"x",
        "README": b"",
    }
    found = verify_path(save({**FILES, **beside}, tmp_path / "bundle"), TRUST)
    assert found == verify_bundle(in_memory(FILES), TRUST)


@settings(max_examples=60)
@given(st.sampled_from(sorted(FILES)), st.binary(max_size=400))
def test_no_rubbish_is_accepted(name: str, data: bytes) -> None:
    """Any other bytes in place of a file, or put into it, are refused by VerifyError and no other error."""
    refused({**FILES, name: data})
    refused({**FILES, name: FILES[name] + data + b"x"})
    refused({**FILES, name: FILES[name][:50] + b"\xff" + data + FILES[name][50:]})


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "nothing"])
def test_what_is_no_file_does_not_hang(tmp_path: Path, kind: str) -> None:
    """A pipe, a device without an end, a folder or a dead link in place of a file: as if it were not there."""
    for name in FILES:
        bundle = save(FILES, tmp_path / name.replace("/", "-"))
        (bundle / name).unlink()
        match kind:
            case "pipe":
                os.mkfifo(bundle / name)
            case "device":
                (bundle / name).symlink_to("/dev/zero")
            case "folder":
                (bundle / name).mkdir()
            case "nothing":
                (bundle / name).symlink_to("absent")
        without = {path: data for path, data in FILES.items() if path != name}
        if name == "entries.csv":
            assert verify_path(bundle, TRUST) == verify_bundle(in_memory(without), TRUST)
            continue
        with pytest.raises(VerifyError) as caught:
            verify_path(bundle, TRUST)
        with pytest.raises(VerifyError) as expected:
            verify_bundle(in_memory(without), TRUST)
        assert caught.value.args == expected.value.args


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_bundle_that_is_neither_folder_nor_file_does_not_hang(
    tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """A pipe or a device is no bundle."""
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    assert main([str(path), "--policy", policy, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "step": "scope",
        "index": None,
        "fault": "text",
        "call": "Ms Sato",
    }


def test_files_are_read_to_their_cap(tmp_path: Path) -> None:
    """At most so many bytes and one more, whatever the file's size; None where there is none."""
    files = Files(save({"a/b": b"0123456789"}, tmp_path))
    for limit, data in ((0, b"0"), (8, b"012345678"), (9, b"0123456789"), (99, b"0123456789")):
        assert files.read("a/b", limit) == data
    for name in ("a", "b", "a/b/c", ""):
        assert files.read(name, 9) is None
        assert files.open(name) is None
    stream = files.open("a/b")
    assert stream is not None
    with stream:
        assert stream.read() == b"0123456789"


def test_the_command_says_what_it_found(
    tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sentences, or one line of JSON; nothing on the other stream."""
    good = str(save(FILES, tmp_path / "good"))
    bad = str(save({**FILES, "entries.csv": b"x"}, tmp_path / "bad"))
    assert main([good, "--policy", policy]) == 0
    assert capsys.readouterr() == (
        "OK: the records are unaltered. log.tsunagi.example/test: 4 entries "
        "2026-11-23T05:50:27.179Z – 2026-11-23T05:50:27.182Z\n"
        "  root dd97094bd82fccb37fdc3636231b13c673911c9cb6af0687e2fd025f67340822\n"
        "  cosigned by npo at 2026-11-23T05:00:00Z\n",
        "",
    )
    assert main([good, "--policy", policy, "--json"]) == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert (said["ok"], said["size"], said["origin"], out.count("\n"), err) == (
        True,
        4,
        "log.tsunagi.example/test",
        1,
        "",
    )
    assert main([bad, "--policy", policy]) == 1
    assert capsys.readouterr() == (
        "REFUSED: the table entries.csv does not say what the entries say (table)\n"
        "Keep this folder as it is, use the log no further, and call Ms Sato.\n",
        "",
    )
    assert main([bad, "--policy", policy, "--json"]) == 1
    assert capsys.readouterr() == (
        '{"call": "Ms Sato", "fault": null, "index": null, "ok": false, "step": "table"}\n',
        "",
    )


@pytest.mark.parametrize(
    ("set_to", "japanese"),
    [
        ({}, False),
        ({"LANG": "ja_JP.UTF-8"}, True),
        ({"LANG": "ja"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8"}, True),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "C"}, False),
        ({"LC_MESSAGES": "C", "LC_ALL": "ja_JP.UTF-8"}, True),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "", "LC_ALL": ""}, True),
        ({"LANG": "C.ja"}, False),
    ],
)
def test_the_command_speaks_japanese_where_the_place_does(
    tmp_path: Path,
    policy: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    set_to: dict[str, str],
    japanese: bool,
) -> None:
    """A municipality's auditor is answered in Japanese, everybody else in English (POSIX order of names)."""
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    assert main([str(save(FILES, tmp_path / "good")), "--policy", policy]) == 0
    assert capsys.readouterr().out.startswith("記録は書き換えられていません。" if japanese else "OK: ")
    assert main([str(tmp_path), "--policy", policy]) == 1
    assert capsys.readouterr().out.startswith("記録を確認できません。" if japanese else "REFUSED: ")
    (tmp_path / "policy.txt").write_bytes(b"rubbish\n")
    assert main(["absent", "--policy", policy]) == 2
    words = (
        "方針のファイルを読めません。1行目：(line)"
        if japanese
        else "the policy file cannot be read: line 1: (line)"
    )
    assert capsys.readouterr() == ("", f"{policy}: {words}\n")


def test_an_older_checkpoint_is_compared(
    tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--since` takes a note that the auditor kept: continued 0, another past or a damaged note 1."""
    bundle, note = str(save(FILES, tmp_path / "bundle")), tmp_path / "old"
    changed = dataclasses.replace(LOG, leaves=[LEAVES[1], *LEAVES[1:]])
    unknown = "— s QUJDREVG\n"
    for data, code, said in (
        (LOG.note(3).encode(), 0, "continues your older checkpoint of 3 entries"),
        (changed.note(3).encode(), 1, "its past was changed (since: fork)"),
        (
            Log(leaves=small_leaves(9)).note().encode(),
            1,
            "entry 4: the log does not continue the older checkpoint",
        ),
        (b"", 1, "it is damaged (since: text)"),
        (LOG.note(3).encode() + b"\xff", 1, "it is damaged (since: text)"),
        (b"x" * (MAX_NOTE + 1), 1, "it is too long (since: size)"),
        (b"x" * (MAX_NOTE + 500), 1, "it is too long (since: size)"),
        (b"x" * MAX_NOTE, 1, "it is damaged (since: text)"),
        ((LOG.note(3) + unknown * 50).encode(), 0, "continues your older checkpoint of 3 entries"),
    ):
        note.write_bytes(data)
        assert main([bundle, "--policy", policy, "--since", str(note)]) == code
        assert said in capsys.readouterr().out


def test_what_was_not_checked_has_its_own_code(
    tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No bundle, no policy, a policy that cannot be read, no older checkpoint: 2, never 0 and never 1."""
    bundle, absent = str(save(FILES, tmp_path / "bundle")), str(tmp_path / "absent")
    for arguments, said in (
        ([absent, "--policy", policy], f"{absent}: No such file or directory\n"),
        ([f"{policy}/x", "--policy", policy], f"{policy}/x: Not a directory\n"),
        ([bundle, "--policy", absent], f"{absent}: No such file or directory\n"),
        ([bundle, "--policy", str(tmp_path)], f"{tmp_path}: Is a directory\n"),
        ([bundle, "--policy", policy, "--since", absent], f"{absent}: No such file or directory\n"),
        ([absent, "--policy", policy, "--json"], f"{absent}: No such file or directory\n"),
    ):
        assert main(arguments) == 2
        assert capsys.readouterr() == ("", said)


def test_a_policy_is_capped(tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """65,536 bytes of policy are read; one more is too many, and no more than that is read."""
    bundle = str(save(FILES, tmp_path / "bundle"))
    padding = b"#" + b"x" * (MAX_POLICY - len(POLICY) - 2) + b"\n" + POLICY.encode()
    Path(policy).write_bytes(padding)
    assert main([bundle, "--policy", policy]) == 0
    for more in (1, 5000):
        Path(policy).write_bytes(b"#" * more + padding)
        assert main([bundle, "--policy", policy]) == 2
    assert capsys.readouterr().err == f"{policy}: the policy file cannot be read: (size)\n" * 2


def test_a_policy_or_a_note_without_an_end_is_not_read_to_it(
    tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device in place of the auditor's own files is read to the cap."""
    bundle = str(save(FILES, tmp_path / "bundle"))
    with little_memory():
        assert main([bundle, "--policy", "/dev/zero"]) == 2
        assert main([bundle, "--policy", policy, "--since", "/dev/zero", "--json"]) == 1
    out, err = capsys.readouterr()
    assert err == "/dev/zero: the policy file cannot be read: (size)\n"
    assert json.loads(out)["fault"] == "size"


@pytest.mark.parametrize(
    "arguments",
    [[], ["bundle"], ["--policy", "x"], ["a", "b", "--policy", "x"], ["a", "--policy", "x", "--key", "y"]],
)
def test_wrong_usage_has_the_same_code(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The policy is asked for: keys come from the auditor and from nowhere else."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.startswith("usage: tsunagi-verify [-h] --policy FILE [--since CHECKPOINT]")) == (
        "",
        True,
    )


def test_the_help_says_what_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each argument in both languages."""
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in (
        "usage: tsunagi-verify [-h] --policy FILE [--since CHECKPOINT] [--json] BUNDLE",
        "Check an exported log offline. 書き出した記録を確かめます。",
        "BUNDLE folder or zip / 書き出したフォルダかzip",
        "--policy FILE your own policy, not the bundle's / 自分の方針",
        "--since CHECKPOINT a checkpoint kept earlier / 前のチェックポイント",
        "--json one line of JSON instead of sentences",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("encoding", "language"),
    [("ascii", "C"), ("ascii", "ja_JP"), ("cp932", "ja_JP"), ("utf-8", "ja_JP.UTF-8")],
)
def test_the_verdict_is_told_whatever_letters_the_terminal_has(
    tmp_path: Path, policy: str, encoding: str, language: str
) -> None:
    """What a terminal cannot print is spelled out: a true bundle is never refused for a letter."""
    Path(policy).write_text(f"# contact: 佐藤—Ü\n{POLICY}", "utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": language}
    bad = {**FILES, "scope": b"x"}
    for files, code in ((FILES, 0), (bad, 1)):
        bundle = save(files, tmp_path / str(code))
        command = [sys.executable, "-m", "audit.verify", str(bundle), "--policy", policy]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (code, b"")
        said = done.stdout.decode(encoding)
        start = {
            ("ja", 0): "記録は書き換え",
            ("ja", 1): "記録を確認",
            ("C", 0): "OK: ",
            ("C", 1): "REFUSED: ",
        }[language[:2], code]
        assert said.startswith(start.encode(encoding, "backslashreplace").decode(encoding))


@pytest.mark.parametrize("errors", ["strict", "replace"])
def test_what_the_terminal_lacks_is_spelled_out(
    tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch, errors: str
) -> None:
    """However the stream would have it: nothing is lost, nothing stops."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii", errors=errors))
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert main([str(save(FILES, tmp_path / "bundle")), "--policy", policy]) == 0
    sys.stdout.flush()
    assert written.getvalue().startswith(rb"\u8a18\u9332\u306f")


def test_the_same_path_is_read_anew(tmp_path: Path) -> None:
    """What was checked once is not remembered: a zip that was changed since is another bundle."""
    path = save(FILES, tmp_path / "bundle.zip")
    assert verify_path(path, TRUST).read == 4
    path.unlink()
    entries = bytearray(FILES["tile/entries/000.p/4"])
    entries[40] ^= 1
    save({**FILES, "tile/entries/000.p/4": bytes(entries)}, path)
    with pytest.raises(VerifyError) as caught:
        verify_path(path, TRUST)
    assert caught.value.step in (Step.TILE, Step.LEAF)
