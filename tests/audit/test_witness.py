"""A witness cosigns a checkpoint only where it continues the one that it cosigned before (C2SP tlog-witness)."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import (
    Checkpoint,
    body_of,
    cosign,
    open_note,
    read_key,
    sign_note,
    with_lines,
    write_body,
)
from audit.errors import AuditError, NoteError, NoteFault, WitnessError, WitnessFault
from audit.tree import EMPTY_ROOT, MAX_SIZE, consistency_proof, hashes_from, leaf_hash, root_of
from audit.witness import MAX_HASHES, MAX_REQUEST, AddCheckpoint, consider, read_request, write_request
from crypto.notes import ED25519, SignerKey, public_of, write_vkey
from tests.audit.bundles import WITNESS, WITNESS_VKEY
from tests.audit.examples import ORIGIN, SEED, VKEY, digest

KNOWN = json.loads((Path(__file__).parents[1] / "vectors" / "log.json").read_text("utf-8"))
LEAVES = [digest(at) for at in range(40)]
LOG = read_key(VKEY)
OTHER = read_key(write_vkey("log.other.example", public_of(b"\x08" * 32)))
TIME = 1_795_410_000


def note_of(size: int, root: bytes | None = None, origin: str = ORIGIN, seed: bytes = SEED) -> str:
    """The log's note over its first leaves."""
    root = root_of(LEAVES[:size]) if root is None else root
    return sign_note(write_body(Checkpoint(origin=origin, size=size, root=root)), origin, seed)


def request(old: int, new: int) -> AddCheckpoint:
    """The request of an honest log that grew."""
    hashes = consistency_proof(old, new, hashes_from(LEAVES[:new])) if 0 < old < new else ()
    return AddCheckpoint(old=old, hashes=hashes, note=note_of(new))


def fault_of(asked: AddCheckpoint, kept: str | None = None) -> tuple[WitnessFault, int | None]:
    """Why a witness does not cosign, and the size that it answers with."""
    with pytest.raises(WitnessError) as caught:
        consider(asked, kept, [OTHER, LOG], WITNESS, TIME)
    assert caught.value.args == (caught.value.fault, caught.value.size)
    assert isinstance(caught.value, AuditError)
    return caught.value.fault, caught.value.size


def test_the_first_checkpoint_is_cosigned_as_in_the_known_answer() -> None:
    """The known answer's note and time give the known answer's line."""
    key = read_key(KNOWN["log"]["vkey"])
    asked = AddCheckpoint(old=0, hashes=(), note=KNOWN["note"])
    found = consider(asked, None, [key], WITNESS, KNOWN["witness"]["time"])
    assert with_lines(found.note, found.line) == KNOWN["cosigned_note"]
    root = base64.b64decode(KNOWN["roots"]["3"])
    assert found.checkpoint == Checkpoint(origin=key.name, size=3, root=root)


@settings(max_examples=60)
@given(st.integers(0, len(LEAVES)), st.integers(0, len(LEAVES)))
def test_a_log_that_grows_is_cosigned(one: int, other: int) -> None:
    """From any size to any larger one, and the same again; the answer is a line that holds."""
    old, new = sorted((one, other))
    found = consider(request(old, new), note_of(old), [LOG], WITNESS, TIME)
    assert found.checkpoint == Checkpoint(origin=ORIGIN, size=new, root=root_of(LEAVES[:new]))
    assert found.note == note_of(new)
    opened = open_note(with_lines(found.note, found.line), [read_key(WITNESS_VKEY)])
    assert [one.time for one in opened.signatures] == [TIME]


def test_a_larger_old_size_than_the_new_one_is_a_bad_request() -> None:
    """400: the old size must not be above the checkpoint's, whatever was cosigned before."""
    asked = AddCheckpoint(old=6, hashes=(), note=note_of(5))
    for kept in (None, note_of(5), note_of(6), note_of(7)):
        assert fault_of(asked, kept) == (WitnessFault.SIZE, None)
    assert fault_of(AddCheckpoint(old=1, hashes=(), note=note_of(0)), None) == (WitnessFault.SIZE, None)


def test_another_old_size_than_the_last_is_answered_with_the_last() -> None:
    """409 with the size: the client asks again from there; 0 where nothing was cosigned yet."""
    assert fault_of(request(0, 9), note_of(7)) == (WitnessFault.BEHIND, 7)
    assert fault_of(request(6, 9), note_of(7)) == (WitnessFault.BEHIND, 7)
    assert fault_of(request(8, 9), note_of(7)) == (WitnessFault.BEHIND, 7)
    assert fault_of(request(3, 9), None) == (WitnessFault.BEHIND, 0)
    assert fault_of(request(0, 5), note_of(7)) == (WitnessFault.BEHIND, 7)
    assert fault_of(request(5, 5), note_of(7)) == (WitnessFault.BEHIND, 7)


def test_another_root_of_the_same_size_is_a_fork() -> None:
    """409: two roots for one size are never both cosigned, with a proof or without, at size 0 neither."""
    for hashes in ((), (digest(1),)):
        asked = AddCheckpoint(old=7, hashes=hashes, note=note_of(7, digest(99)))
        assert fault_of(asked, note_of(7)) == (WitnessFault.FORK, 7)
    asked = AddCheckpoint(old=0, hashes=(), note=note_of(0, digest(99)))
    assert fault_of(asked, None) == (WitnessFault.FORK, 0)
    assert fault_of(asked, note_of(0)) == (WitnessFault.FORK, 0)


def test_a_log_that_changed_its_past_is_not_cosigned() -> None:
    """422: another past, a proof cut or too long, a proof where there is nothing to prove."""
    changed = [*LEAVES[:3], digest(99), *LEAVES[4:]]
    proof = consistency_proof(7, 12, hashes_from(changed[:12]))
    forged = AddCheckpoint(old=7, hashes=proof, note=note_of(12, root_of(changed[:12])))
    assert fault_of(forged, note_of(7)) == (WitnessFault.PROOF, None)
    honest = request(7, 12)
    for hashes in (honest.hashes[:-1], (*honest.hashes, digest(1)), (), honest.hashes[::-1]):
        asked = AddCheckpoint(old=7, hashes=hashes, note=honest.note)
        assert fault_of(asked, note_of(7)) == (WitnessFault.PROOF, None)
    for old, new in ((0, 12), (0, 0), (7, 7)):
        asked = AddCheckpoint(old=old, hashes=(digest(1),), note=note_of(new))
        assert fault_of(asked, note_of(old)) == (WitnessFault.PROOF, None)


def test_an_empty_tree_has_one_root() -> None:
    """422: even a kept note cannot make another root of the empty tree right."""
    wrong = note_of(0, digest(99))
    assert fault_of(AddCheckpoint(old=0, hashes=(), note=wrong), wrong) == (WitnessFault.PROOF, None)
    right = AddCheckpoint(old=0, hashes=(), note=note_of(0))
    assert consider(right, None, [LOG], WITNESS, TIME).checkpoint.root == EMPTY_ROOT


def test_a_size_that_no_tree_has_proves_nothing() -> None:
    """422: a tree of more leaves than an index has room for is not followed, from nothing neither."""
    for old in (0, 1):
        asked = AddCheckpoint(old=old, hashes=(digest(1),) * old, note=note_of(MAX_SIZE + 1, digest(5)))
        assert fault_of(asked, note_of(old)) == (WitnessFault.PROOF, None)
    too_large = note_of(MAX_SIZE + 1, digest(5))
    again = AddCheckpoint(old=MAX_SIZE + 1, hashes=(), note=note_of(MAX_SIZE + 1, digest(6)))
    assert fault_of(again, too_large) == (WitnessFault.PROOF, None)
    largest = AddCheckpoint(old=0, hashes=(), note=note_of(MAX_SIZE, digest(5)))
    assert consider(largest, None, [LOG], WITNESS, TIME).checkpoint.size == MAX_SIZE


def test_an_unknown_log_is_not_cosigned() -> None:
    """404: the origin is looked up before any signature, and under no other log's key."""
    stranger = note_of(3, origin="log.stranger.example")
    assert fault_of(AddCheckpoint(old=0, hashes=(), note=stranger)) == (WitnessFault.ORIGIN, None)
    assert fault_of(AddCheckpoint(old=9, hashes=(), note=stranger)) == (WitnessFault.ORIGIN, None)
    with pytest.raises(WitnessError) as caught:
        consider(request(0, 3), None, [], WITNESS, TIME)
    assert caught.value.fault is WitnessFault.ORIGIN


def test_only_the_logs_key_signs_for_the_log() -> None:
    """403: another key under the log's name, another log's line under its origin, a false line."""
    body = write_body(Checkpoint(origin=ORIGIN, size=3, root=root_of(LEAVES[:3])))
    false = f"— {ORIGIN} {base64.b64encode(LOG.key_id + bytes(64)).decode()}\n"
    for note in (
        note_of(3, seed=b"\x09" * 32),
        sign_note(body, OTHER.name, b"\x08" * 32),
        f"{body}\n{false}",
        f"{body}\n{cosign(body, WITNESS, 1)}",
    ):
        asked = AddCheckpoint(old=9, hashes=(), note=note)
        assert fault_of(asked) == (WitnessFault.SIGNATURE, None)
    others = with_lines(note_of(3), cosign(body, WITNESS, 1))
    asked = AddCheckpoint(old=0, hashes=(), note=others)
    assert consider(asked, None, [LOG], WITNESS, TIME).note == others


@pytest.mark.parametrize(
    "note", ["", "x", "x\n\n", note_of(3)[:-1], sign_note("hello\n", ORIGIN, SEED), "x" * 65_537]
)
def test_a_note_that_is_no_checkpoint_is_a_bad_request(note: str) -> None:
    """400: not a note, or signed but no checkpoint."""
    assert fault_of(AddCheckpoint(old=0, hashes=(), note=note)) == (WitnessFault.TEXT, None)


def test_a_key_that_is_no_witness_cosigns_nothing() -> None:
    """The answer is always a cosignature with a time."""
    plain = SignerKey(name=WITNESS.name, algorithm=ED25519, seed=WITNESS.seed)
    with pytest.raises(NoteError) as caught:
        consider(request(0, 3), None, [LOG], plain, TIME)
    assert caught.value.fault is NoteFault.KEY


def test_a_request_has_one_text() -> None:
    """`old`, the hashes in base64, an empty line, the note (C2SP tlog-witness, add-checkpoint)."""
    asked = AddCheckpoint(old=3, hashes=(bytes(32), b"\xff" * 32), note="a\nb\n\n— c d\n")
    text = f"old 3\n{'A' * 43}=\n{'/' * 42}8=\n\na\nb\n\n— c d\n"
    assert write_request(asked) == text
    assert read_request(text) == asked
    empty = AddCheckpoint(old=0, hashes=(), note="")
    assert write_request(empty) == "old 0\n\n"
    assert read_request("old 0\n\n") == empty


@settings(max_examples=60)
@given(st.integers(0, 10**19 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.text())
def test_every_request_reads_back(old: int, hashes: list[bytes], note: str) -> None:
    """What a log sends is what a witness reads, up to 63 hashes."""
    asked = AddCheckpoint(old=old, hashes=tuple(hashes), note=note)
    assert read_request(write_request(asked)) == asked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "old 3\n",
        "old 3",
        "old 3\nnote\n",
        "old 03\n\nnote",
        "old -1\n\nnote",
        "old +1\n\nnote",
        "old ٣\n\nnote",
        "old  3\n\nnote",
        "old 3 \n\nnote",
        "Old 3\n\nnote",
        "old 10000000000000000000\n\nnote",
        "old\n\nnote",
        f"old 3\n{'A' * 43}\n\nnote",
        f"old 3\n{'A' * 42}B=\n\nnote",
        f"old 3\n{'A' * 44}\n\nnote",
        f"old 3\n{'A' * 40}\n\nnote",
        f"old 3\n{'A' * 43}=\r\n\nnote",
        f"old 3\n {'A' * 43}=\n\nnote",
        f"{'A' * 43}=\nold 3\n\nnote",
        "old 3\nold 3\n\nnote",
    ],
)
def test_another_text_is_no_request(text: str) -> None:
    """400: numbers without signs or zeros in front, whole hashes in canonical base64."""
    with pytest.raises(WitnessError) as caught:
        read_request(text)
    assert (caught.value.fault, caught.value.size) == (WitnessFault.TEXT, None)


def test_a_request_is_capped() -> None:
    """63 hashes and 68,480 characters are read, one more of either is not."""
    line = "A" * 43 + "=\n"
    assert (MAX_HASHES, MAX_REQUEST) == (63, 65_536 + 64 * 46)
    assert len(read_request(f"old 3\n{line * 63}\nnote").hashes) == 63
    longest = "old 3\n\n" + "x" * (MAX_REQUEST - 7)
    assert len(read_request(longest).note) == MAX_REQUEST - 7
    for text in (f"old 3\n{line * 64}\nnote", longest + "x"):
        with pytest.raises(WitnessError) as caught:
            read_request(text)
        assert caught.value.fault is WitnessFault.TEXT


def test_the_leaves_of_the_known_answer_are_followed_from_size_to_size() -> None:
    """A witness follows the known roots from 1 to 300 with proofs of the known leaves."""
    hashes = [leaf_hash((KNOWN["leaf_template"] % at).encode()) for at in range(300)]
    kept = None
    for old, new in ((0, 1), (1, 2), (2, 3), (3, 255), (255, 256), (256, 257), (257, 300)):
        root = base64.b64decode(KNOWN["roots"][str(new)])
        proof = consistency_proof(old, new, hashes_from(hashes[:new])) if old else ()
        asked = read_request(write_request(AddCheckpoint(old=old, hashes=proof, note=note_of(new, root))))
        found = consider(asked, kept, [LOG], WITNESS, TIME)
        kept = found.note
        assert body_of(kept) == write_body(found.checkpoint)
