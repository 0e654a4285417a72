"""What the one-file verifier says to people: each thing that it found, in two languages, and whom to call."""

import json
import sys
from pathlib import Path

import pytest

from audit import standalone
from audit.chosen import write_chosen
from tests.audit.bundles import POLICY, Files, of_case, save
from tests.audit.examples import ORIGIN
from tests.audit.tamper.logs import CASES, honest, note_of

LOG = honest(31)
CASE = of_case(LOG.log, CASES[0])
SCOPE = f"case {CASES[0]}"
MINE = [at for at, leaf in enumerate(LOG.texts) if CASES[0].encode() in leaf]


class Asked:
    """The verifier asked in one process, with a policy beside the bundle."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """An auditor's folder."""
        self.folder = folder
        self.capsys = capsys
        self.number = 0

    def __call__(self, files: Files, *options: str, contact: str = "") -> tuple[int, str]:
        """The exit code and the words; nothing on the other stream."""
        self.number += 1
        policy = self.folder / f"{self.number}.policy"
        policy.write_text(f"{contact}{POLICY}", "utf-8")
        bundle = save(files, self.folder / f"{self.number}")
        code = standalone.main([str(bundle), "--policy", str(policy), *options])
        out, err = self.capsys.readouterr()
        assert err == ""
        return code, out

    def refusal(self, files: Files) -> tuple[str, int | None, str | None]:
        """Where a bundle is refused."""
        code, out = self(files, "--json")
        said = json.loads(out)
        assert (code, out.count("\n"), said["ok"]) == (1, 1, False)
        return said["step"], said["index"], said["fault"]


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Asked:
    """An auditor whose machine says no language."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return Asked(tmp_path, capsys)


def cut(files: Files) -> Files:
    """A bundle whose entries do not fit."""
    return {**files, "tile/entries/000.p/31": b"\x00\x00" + files["tile/entries/000.p/31"]}


def test_it_says_what_it_found(asked: Asked, tmp_path: Path) -> None:
    """First whether the records are unaltered, then each thing that there is; whom to call is not said."""
    code, said = asked(LOG.files)
    lines = said.split("\n")
    assert (code, lines[0]) == (0, "OK: the records are unaltered")
    root = json.loads(asked(LOG.files, "--json")[1])["root"]
    assert lines[1:] == [
        "  ok: True",
        f"  origin: {ORIGIN}",
        "  size: 31",
        f"  root: {root}",
        "  cosigners: {'npo': 1795410000}",
        "  scope: whole",
        "  read: 31",
        f"  first: {json.loads(asked(LOG.files, '--json')[1])['first']}",
        f"  last: {json.loads(asked(LOG.files, '--json')[1])['last']}",
        "  pruned: 0",
        "  table: True",
        "",
    ]
    (tmp_path / "older").write_text(note_of(3), "utf-8")
    assert "\n  since: 3\n" in asked(LOG.files, "--since", str(tmp_path / "older"))[1]


def test_it_says_of_one_case_that_inclusion_alone_is_proved(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That these are all entries of the case, nobody can prove."""
    code, said = asked(CASE)
    assert (code, said.split("\n")[0]) == (
        0,
        "OK: these entries are in the log; whether they are all is not proved",
    )
    assert f"\n  scope: {SCOPE}\n  read: {len(MINE)}\n" in said
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert asked(CASE)[1].split("\n")[0] == "含まれていますが、全部とは限りません"


def test_it_says_what_is_wrong_where_and_whom_to_call(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step and the index, and the policy's contact; without one, who is there in every city."""
    refused = "REFUSED: entries were changed, moved, added or taken away\n  ok: False\n  step: entries\n  index: 0\n"
    call = "Keep this bundle, use the log no further, and call"
    assert asked(cut(LOG.files), contact="# contact: 03-1234\n") == (1, f"{refused}{call} 03-1234\n")
    assert asked(cut(LOG.files)) == (
        1,
        f"{refused}{call} the auditors and the city's information security officer\n",
    )
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert asked(cut(LOG.files))[1] == (
        "記録が書き換え、追加、または削除されています\n  ok: False\n  step: entries\n  index: 0\n"
        "この書き出しを保管し、記録の使用を止め、次に連絡してください： 監査担当と市の情報セキュリティ担当\n"
    )


def test_a_checkpoint_that_is_not_believed_is_said_so(asked: Asked, tmp_path: Path) -> None:
    """A step that has words of its own is told in them, with the fault behind it."""
    code, said = asked({**LOG.files, "checkpoint": b"x"})
    assert (code, said.split("\n")[:4]) == (
        1,
        ["REFUSED: the checkpoint is not to be believed", "  ok: False", "  step: note", "  fault: text"],
    )
    (tmp_path / "older").write_text(note_of(32), "utf-8")
    said = asked(LOG.files, "--since", str(tmp_path / "older"))[1]
    assert said.startswith("REFUSED: the log does not continue the older checkpoint\n")
    assert "\n  step: since\n  index: 31\n  fault: shrank\n" in said


@pytest.mark.parametrize(
    ("set_to", "japanese"),
    [
        ({}, False),
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
def test_it_speaks_japanese_where_the_place_does(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, set_to: dict[str, str], japanese: bool
) -> None:
    """As the names stand in POSIX: the first that is set counts."""
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    said = asked(LOG.files)[1]
    assert said.startswith(
        "記録は書き換えられていません\n" if japanese else "OK: the records are unaltered\n"
    )


def test_wrong_usage_and_what_cannot_be_read_are_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, nothing on the output, and what is at fault by name."""
    policy = tmp_path / "policy"
    policy.write_text(POLICY, "utf-8")
    (tmp_path / "broken").write_text("\nquorum\n", "utf-8")
    (tmp_path / "without").write_text("# nothing\n", "utf-8")
    bundle = str(save(LOG.files, tmp_path / "bundle"))
    for arguments, complaint in (
        ([bundle], "the following arguments are required: --policy"),
        (["--policy", str(policy)], "the following arguments are required: bundle"),
        (
            [str(tmp_path / "none"), "--policy", str(policy)],
            f"FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path / 'none'}'",
        ),
        (
            [bundle, "--policy", str(tmp_path / "none")],
            f"FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path / 'none'}'",
        ),
        (
            [bundle, "--policy", str(policy), "--since", str(tmp_path / "none")],
            f"FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path / 'none'}'",
        ),
        ([bundle, "--policy", str(tmp_path / "broken")], f"{tmp_path / 'broken'}:2 line"),
        ([bundle, "--policy", str(tmp_path / "without")], f"{tmp_path / 'without'}: quorum"),
    ):
        with pytest.raises(SystemExit) as caught:
            standalone.main(arguments)
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (2, "")
        assert err == (
            "usage: verify.py BUNDLE --policy FILE [--since CHECKPOINT] [--json]\n"
            f"{Path(sys.argv[0]).name}: error: {complaint}\n"
        )


def test_what_is_no_zip_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that should be a bundle and is none was handed over, so that is a verdict."""
    (tmp_path / "policy").write_text(POLICY, "utf-8")
    (tmp_path / "bundle.zip").write_bytes(b"no zip")
    assert (
        standalone.main([str(tmp_path / "bundle.zip"), "--policy", str(tmp_path / "policy"), "--json"]) == 1
    )
    assert capsys.readouterr().out == (
        '{"call": null, "fault": "text", "index": null, "ok": false, "step": "scope"}\n'
    )


def test_the_entries_of_a_case_are_read_line_by_line(asked: Asked) -> None:
    """Each line ends, is no longer than an entry may be, and names a later entry of the log and of the case."""
    lines = CASE["leaves"].splitlines(keepends=True)
    last = MINE[-1]

    def refusal(leaves: bytes) -> tuple[str, int | None, str | None]:
        return asked.refusal({**CASE, "leaves": leaves})

    assert refusal(CASE["leaves"][:-1]) == ("entries", None, None)
    assert refusal(CASE["leaves"] + write_chosen(31, lines[-1].partition(b" ")[2][:-1])) == (
        "entries",
        last,
        None,
    )
    assert refusal(lines[0] + lines[0]) == ("entries", MINE[0], None)
    assert refusal(b"x" + lines[0]) == ("entries", 0, None)
    assert refusal(lines[0] + lines[1].replace(b" ", b"  ", 1)) == ("leaf", MINE[1], "form")
    assert refusal(b"0 " + b"x" * 2049 + b"\n") == ("leaf", 0, "size")
    assert refusal(b"0 " + b"x" * 2061 + b"\n") == ("leaf", 0, "size")
    assert refusal(b"0 " + b"x" * 2062 + b"\n") == ("entries", None, None)
    assert refusal(b"0 " + b"x" * 2048 + b"\n") == ("leaf", 0, "form")
    without = {name: data for name, data in CASE.items() if name != "leaves"}
    assert asked.refusal(without) == ("entries", None, None)
    other = {**CASE, "scope": f"tsunagi-export/v1\ncase {CASES[1]}\n".encode()}
    assert asked.refusal(other) == ("scope", MINE[0], None)
