"""What both verifiers have in common where they are called: caps of the auditor's own files, and letters."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import standalone, verify
from tests.audit.bundles import POLICY, Log, little_memory, save, whole
from tests.audit.examples import small_leaves

LOG = Log(leaves=small_leaves(3))
FILES = whole(LOG)
MOST = 65_536
Main = Callable[[list[str]], int]
BOTH = pytest.mark.parametrize("main", [verify.main, standalone.main], ids=["package", "one file"])


def run(main: Main, *arguments: str) -> tuple[int, str]:
    """The exit code and the output; what argparse says of wrong usage is not asked for."""
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()):
        try:
            return main([*arguments]), said.getvalue()
        except SystemExit as ended:
            return int(str(ended.code)), said.getvalue()


def padded(text: str, size: int) -> str:
    """The text behind comments, so that it has this many bytes; a line has 2,000 at most."""
    lines = []
    missing = size - len(text.encode())
    while missing:
        length = min(missing, 2_000) if missing != 2_001 else 1_000
        lines.append("#" * (length - 1) + "\n")
        missing -= length
    return "".join(lines) + text


@BOTH
def test_the_longest_policy_is_read_whole(main: Main, tmp_path: Path) -> None:
    """Exactly 65,536 bytes, the quorum in the last line; one more is no policy."""
    bundle, policy = str(save(FILES, tmp_path / "bundle")), tmp_path / "policy"
    policy.write_text(padded(POLICY, MOST), "utf-8")
    assert policy.stat().st_size == MOST
    assert run(main, bundle, "--policy", str(policy))[0] == 0
    policy.write_text(padded(POLICY, MOST + 1), "utf-8")
    assert run(main, bundle, "--policy", str(policy))[0] == 2


@BOTH
def test_the_longest_older_checkpoint_is_read_whole(main: Main, tmp_path: Path) -> None:
    """Its own signature in the last line, behind others'; one byte more is no note."""
    bundle, policy, older = str(save(FILES, tmp_path / "bundle")), tmp_path / "policy", tmp_path / "older"
    policy.write_text(POLICY, "utf-8")
    body, _, lines = LOG.note(2).partition("\n\n")
    strange = "— s QUJDREVG\n"
    missing = MOST - len(f"{body}\n\n{strange}{lines}".encode())
    letters = "A" * (4 * (missing // 4))
    longest = f"{body}\n\n— s{'s' * (missing % 4)} {letters}QUJDREVG\n{lines}"
    older.write_text(longest, "utf-8")
    assert older.stat().st_size == MOST
    assert run(main, bundle, "--policy", str(policy), "--since", str(older))[0] == 0
    older.write_text(longest.replace("— s", "— ss", 1), "utf-8")
    code, said = run(main, bundle, "--policy", str(policy), "--since", str(older), "--json")
    assert (code, json.loads(said)["step"], json.loads(said)["fault"]) == (1, "since", "size")


@BOTH
def test_what_has_no_end_is_read_to_the_cap(main: Main, tmp_path: Path) -> None:
    """A device in place of the auditor's own files."""
    bundle, policy = str(save(FILES, tmp_path / "bundle")), tmp_path / "policy"
    policy.write_text(POLICY, "utf-8")
    with little_memory():
        assert run(main, bundle, "--policy", "/dev/zero")[0] == 2
        code, said = run(main, bundle, "--policy", str(policy), "--since", "/dev/zero", "--json")
    assert (code, json.loads(said)["fault"]) == (1, "size")


@BOTH
def test_whom_to_call_is_written_as_it_is(main: Main, tmp_path: Path) -> None:
    """Japanese letters stay letters in JSON."""
    bundle, policy = str(save({**FILES, "scope": b"x"}, tmp_path / "bundle")), tmp_path / "policy"
    policy.write_text(f"# contact: 佐藤 03-1234\n{POLICY}", "utf-8")
    code, said = run(main, bundle, "--policy", str(policy), "--json")
    assert (code, json.loads(said)["call"]) == (1, "佐藤 03-1234")
    assert "佐藤" in said
