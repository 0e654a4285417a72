"""The offline check accepts a whole, signed, unchanged log file, and nothing else."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import verify
from audit.checkpoint import MAX_NOTE, Checkpoint, read_key, sign_note, write_body
from audit.event import Entry, Event, canonical
from audit.verify import Step, VerifyError, main, verify_log
from crypto.notes import public_of, write_vkey
from tests.audit.examples import ORIGIN, SEED, START, VKEY, digest, full_entry, log_file, small_leaves

KEY = read_key(VKEY)
LEAVES = small_leaves(5)
FILE = log_file(LEAVES)


def step_of(data: bytes, vkey: str = VKEY) -> tuple[Step, int | None]:
    """The step and the index at which a file is refused."""
    with pytest.raises(VerifyError) as caught:
        verify_log(io.BytesIO(data), read_key(vkey))
    return caught.value.step, caught.value.index


def forged(leaves: Sequence[bytes], body: bytes | None = None) -> bytes:
    """The true file's signed head with other leaves behind it."""
    return FILE[: FILE.index(LEAVES[0])] + (
        b"".join(leaf + b"\n" for leaf in leaves) if body is None else body
    )


def save(folder: Path, data: bytes) -> str:
    """The path of a file with these bytes."""
    path = folder / "log.txt"
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 700])
def test_a_true_log_is_accepted(count: int) -> None:
    """No false alarm: every size is accepted, the empty log too."""
    found = verify_log(io.BytesIO(log_file(small_leaves(count))), KEY)
    assert (found.checkpoint.origin, found.checkpoint.size) == (ORIGIN, count)
    assert bool(found.first) == bool(found.last) == bool(count)


def test_every_changed_byte_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One byte changed anywhere in the file, and the file is refused, by the command too."""
    path = tmp_path / "log.txt"
    for at, byte in enumerate(FILE):
        near = {(byte + step) % 256 for step in (-3, -2, -1, 1, 2, 3)}  # the spare bits of base64 too
        for value in (near | {byte ^ 0x20, byte ^ 0x80, 0x0A, 0x20, 0x30, 0x61, 0x00}) - {byte}:
            changed = FILE[:at] + bytes([value]) + FILE[at + 1 :]
            with pytest.raises(VerifyError):
                verify_log(io.BytesIO(changed), KEY)
        path.write_bytes(FILE[:at] + bytes([byte ^ 1]) + FILE[at + 1 :])
        assert main([str(path), "--key", VKEY]) == 1, at
    path.write_bytes(FILE)
    assert main([str(path), "--key", VKEY]) == 0
    capsys.readouterr()


def test_every_cut_is_refused() -> None:
    """A file cut off at any byte is refused, at the end of a line too."""
    for at in range(len(FILE)):
        with pytest.raises(VerifyError):
            verify_log(io.BytesIO(FILE[:at]), KEY)
    assert step_of(FILE[:-1]) == (Step.END, 4)
    assert step_of(forged(LEAVES[:4])) == (Step.COUNT, 4)


@pytest.mark.parametrize(
    "tail", [b"\n", b" ", b"x", b"\x00", b"\n\n", LEAVES[4] + b"\n", LEAVES[4], b"x" * 5000]
)
def test_anything_behind_the_end_is_refused(tail: bytes) -> None:
    """The file ends in one newline, and nothing follows it."""
    assert step_of(FILE + tail)[0] in {Step.LEAF, Step.COUNT, Step.END}


def test_changed_logs_are_refused_where_they_changed() -> None:
    """Edited, deleted, doubled, exchanged and inserted entries are found, with step and index."""
    other = small_leaves(9)[8]
    edited = LEAVES[2].replace(b"login.ok", b"login.fail")
    assert step_of(forged([*LEAVES[:2], edited, *LEAVES[3:]])) == (Step.ROOT, None)
    assert step_of(forged([*LEAVES[:2], *LEAVES[3:]])) == (Step.COUNT, 4)
    assert step_of(forged([*LEAVES, other])) == (Step.COUNT, 5)
    assert step_of(forged([*LEAVES[:3], LEAVES[2], *LEAVES[4:]])) == (Step.ROOT, None)
    assert step_of(forged([LEAVES[1], LEAVES[0], *LEAVES[2:]])) == (Step.TIME, 1)
    assert step_of(forged([*LEAVES[:4], b"", LEAVES[4]])) == (Step.LEAF, 4)
    assert step_of(forged([*LEAVES[:4], LEAVES[4] + b"\r"])) == (Step.LEAF, 4)


def test_a_signed_log_that_breaks_the_rules_is_refused() -> None:
    """Even the log's own key cannot sign a leaf without schema, a time that goes back, an id used twice."""
    assert step_of(log_file([*LEAVES[:3], b'{"name":"x","v":1}'])) == (Step.LEAF, 3)
    assert step_of(log_file([LEAVES[0], LEAVES[2], LEAVES[1]])) == (Step.TIME, 2)
    same_id = canonical(Entry(event=Event.LOGIN_FAIL, id=digest(1)[:16]), START.replace(year=2027))
    assert step_of(log_file([*LEAVES, same_id])) == (Step.UNIQUE, 5)
    verify_log(io.BytesIO(log_file([LEAVES[0], canonical(full_entry(7), START)])), KEY)


def test_only_the_given_key_counts() -> None:
    """Unsigned, or signed by another key, under this name or another: refused."""
    head, gap, rest = FILE.partition(b"\n\n")
    unsigned = head + gap + rest.partition(b"\n\n")[2]
    assert step_of(unsigned)[0] is Step.NOTE
    assert step_of(log_file(LEAVES, seed=b"\x09" * 32)) == (Step.NOTE, None)
    assert step_of(FILE, write_vkey(ORIGIN, public_of(b"\x09" * 32))) == (Step.NOTE, None)
    assert step_of(FILE, write_vkey("other.example", public_of(SEED))) == (Step.NOTE, None)


def test_the_origin_is_the_keys_name() -> None:
    """Another log's checkpoint is refused, though the same key signed it."""
    assert step_of(log_file(LEAVES, origin="log.tsunagi.example/other")) == (Step.NOTE, None)


def test_a_second_signature_line_is_refused() -> None:
    """Nothing stands in the file that the one key did not sign."""
    line = FILE.split(b"\n\n")[1]
    assert step_of(FILE.replace(line, line + b"\n" + line)) == (Step.NOTE, None)
    stranger = sign_note("x\n", "stranger", b"\x09" * 32).split("\n\n")[1].strip().encode()
    assert step_of(FILE.replace(line, line + b"\n" + stranger)) == (Step.NOTE, None)
    assert step_of(FILE.replace(line, stranger + b"\n" + line)) == (Step.NOTE, None)


def test_a_checkpoint_of_another_size_is_refused() -> None:
    """Fewer or more leaves than were signed are not the log that was signed."""
    root = read_head(FILE).root
    for size in (0, 4, 6, 10**18):
        note = sign_note(write_body(Checkpoint(origin=ORIGIN, size=size, root=root)), ORIGIN, SEED)
        data = note.encode() + FILE[FILE.index(LEAVES[0]) - 1 :]
        assert step_of(data) == (Step.COUNT, min(5, size))


def read_head(data: bytes) -> Checkpoint:
    """The checkpoint of a true file."""
    return verify_log(io.BytesIO(data), KEY).checkpoint


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=400))
def test_no_rubbish_is_accepted(data: bytes) -> None:
    """Any other bytes are refused by VerifyError and no other error."""
    for some in (data, FILE[:120] + data, FILE + data + b"x"):
        with pytest.raises(VerifyError):
            verify_log(io.BytesIO(some), KEY)


def test_pieces_of_the_file_do_not_matter() -> None:
    """A large file is read in pieces, and gives what it gives when read at once."""
    leaves = small_leaves(600)
    whole = log_file(leaves)
    assert len(whole) > MAX_NOTE
    for piece in (1, 97, 1 << 20):
        assert verify_log(io.BytesIO(whole), KEY, piece=piece).checkpoint.size == 600
        for data, step, index in (
            (whole.replace(leaves[599], leaves[598]), Step.ROOT, None),
            (whole[:-1], Step.END, 599),
            (whole.replace(leaves[598], b"x" * 9000), Step.LEAF, 598),
        ):
            with pytest.raises(VerifyError) as caught:
                verify_log(io.BytesIO(data), KEY, piece=piece)
            assert (caught.value.step, caught.value.index) == (step, index)
    double = canonical(Entry(event=Event.LOGIN_OK, id=digest(450)[:16]), START.replace(year=2027))
    assert step_of(log_file([*leaves, double])) == (Step.UNIQUE, 600)


def test_the_command_says_step_and_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An auditor reads where the check stopped, as a sentence or as one line of JSON."""
    good, bad = save(tmp_path, FILE), forged([*LEAVES[:2], b"{}", *LEAVES[3:]])
    assert main([good, "--key", VKEY, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["size"], said["origin"]) == (True, 5, ORIGIN)
    assert (said["first"], said["last"]) == ("2026-11-23T05:50:27.179Z", "2026-11-23T05:50:27.183Z")
    path = save(tmp_path, bad)
    assert main([path, "--key", VKEY, "--json"]) == 1
    out = capsys.readouterr().out
    assert json.loads(out) == {"ok": False, "step": "leaf", "index": 2, "fault": "form"}
    assert out.count("\n") == 1
    assert main([path, "--key", VKEY]) == 1
    assert "2" in capsys.readouterr().out


def test_the_command_speaks_japanese_where_the_place_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A municipality's auditor is answered in Japanese, everybody else in English."""
    path = save(tmp_path, FILE)
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    for language, good, bad in (
        ("ja_JP.UTF-8", "記録は書き換えられていません", "記録を確認できません"),
        ("C.UTF-8", "OK", "REFUSED"),
    ):
        monkeypatch.setenv("LANG", language)
        assert main([path, "--key", VKEY]) == 0
        assert capsys.readouterr().out.startswith(good)
        for step in Step:
            assert verify.write_refusal(VerifyError(step, 3, "x"), language == "ja_JP.UTF-8").startswith(bad)


def test_what_was_not_checked_has_its_own_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file, no key, a damaged key or two keys: code 2, never 0 and never 1."""
    path = save(tmp_path, FILE)
    assert main([path, "--key", "rubbish"]) == 2
    assert main([str(tmp_path / "absent"), "--key", VKEY]) == 2
    assert main([str(tmp_path), "--key", VKEY]) == 2
    for arguments in ([path], [path, "--key", VKEY, "--key", VKEY], [], ["--key", VKEY]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert "OK" not in capsys.readouterr().out
