"""A checkpoint counts only with a valid signature of a key that the reader already had."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import (
    MAX_NOTE,
    Checkpoint,
    body_of,
    cosign,
    cosigned,
    lines_of,
    open_checkpoint,
    open_note,
    read_body,
    read_key,
    sign_note,
    with_lines,
    write_body,
)
from audit.errors import NoteError, NoteFault
from crypto.notes import (
    COSIGNATURE,
    ED25519,
    SignerKey,
    note_key_id,
    public_of,
    sign,
    write_vkey,
)
from tests.audit.examples import ORIGIN, SEED, VKEY, digest

KNOWN = json.loads((Path(__file__).parents[1] / "vectors" / "log.json").read_text("utf-8"))
LOG = read_key(KNOWN["log"]["vkey"])
WITNESS = read_key(KNOWN["witness"]["vkey"])
POINT = Checkpoint(origin=LOG.name, size=3, root=base64.b64decode(KNOWN["roots"]["3"]))


def fault_of(note: str, *keys: str) -> NoteFault:
    """Why a note is refused."""
    with pytest.raises(NoteError) as caught:
        open_note(note, [read_key(key) for key in keys or (LOG_KEY,)])
    return caught.value.fault


LOG_KEY = KNOWN["log"]["vkey"]
WITNESS_KEY = KNOWN["witness"]["vkey"]


def test_the_signed_checkpoint_is_the_known_answer() -> None:
    """Our signature is the one that other programs make and accept (C2SP signed-note, tlog-checkpoint)."""
    seed = bytes.fromhex(KNOWN["log"]["seed"])
    assert sign_note(write_body(POINT), LOG.name, seed) == KNOWN["note"]
    assert write_vkey(LOG.name, public_of(seed)) == LOG_KEY
    assert open_checkpoint(KNOWN["note"], LOG) == POINT


def test_the_cosignature_is_the_known_answer() -> None:
    """A witness's cosignature by another program is verified, with its time (C2SP tlog-cosignature)."""
    note = open_note(KNOWN["cosigned_note"], [LOG, WITNESS])
    assert [(one.key, one.time) for one in note.signatures] == [(LOG, None), (WITNESS, 1_767_225_600)]
    assert note.unknown == 0
    assert open_note(KNOWN["cosigned_note"], [LOG]).unknown == 1
    seed = bytes.fromhex(KNOWN["witness"]["seed"])
    time = KNOWN["witness"]["time"]
    blob = WITNESS.key_id + time.to_bytes(8, "big") + sign(seed, cosigned(note.body, time))
    assert f"— {WITNESS.name} {base64.b64encode(blob).decode()}\n" in KNOWN["cosigned_note"]


def test_no_changed_byte_is_accepted() -> None:
    """A note with one byte changed anywhere is not the note that was signed."""
    data = KNOWN["note"].encode()
    for at in range(len(data)):
        for value in (data[at] ^ 1, data[at] ^ 0x20, 0x0A, 0x20, 0x41):
            if value == data[at]:
                continue
            changed = data[:at] + bytes([value]) + data[at + 1 :]
            with pytest.raises((NoteError, UnicodeDecodeError)):
                open_checkpoint(changed.decode(), LOG)


def test_a_key_from_the_note_is_never_used() -> None:
    """A note signed by somebody else is unsigned to us; under the log's name it says that the key is another."""
    forged = sign_note(write_body(POINT), LOG.name, b"\x09" * 32)
    assert fault_of(forged) is NoteFault.OTHER_KEY
    assert fault_of(forged, WITNESS_KEY, LOG_KEY) is NoteFault.OTHER_KEY
    assert fault_of(forged, WITNESS_KEY) is NoteFault.UNSIGNED
    assert fault_of(KNOWN["note"], WITNESS_KEY) is NoteFault.UNSIGNED
    both = with_lines(KNOWN["note"], "— " + forged.partition("— ")[2])
    assert (open_checkpoint(both, LOG), open_note(both, [LOG]).unknown) == (POINT, 1)


def test_a_bad_line_of_a_known_key_refuses_the_note() -> None:
    """A known key's line that does not verify, or stands twice, is not passed over."""
    body, _, line = KNOWN["note"].partition("\n\n")
    other = write_body(Checkpoint(origin=LOG.name, size=4, root=POINT.root))
    assert fault_of(f"{other}\n{line}") is NoteFault.SIGNATURE
    assert fault_of(f"{body}\n\n{line}{line}") is NoteFault.SIGNATURE
    short = base64.b64encode(LOG.key_id + b"\x00").decode()
    assert fault_of(f"{body}\n\n— {LOG.name} {short}\n") is NoteFault.SIGNATURE
    cut = base64.b64encode(WITNESS.key_id + b"\x00").decode()
    assert fault_of(f"{body}\n\n— {WITNESS.name} {cut}\n{line}", LOG_KEY, WITNESS_KEY) is NoteFault.SIGNATURE


def test_a_witness_signs_the_known_answer() -> None:
    """Our cosignature is the one that other programs make, byte for byte (C2SP tlog-cosignature)."""
    signer = SignerKey(name=WITNESS.name, algorithm=COSIGNATURE, seed=bytes.fromhex(KNOWN["witness"]["seed"]))
    line = cosign(body_of(KNOWN["note"]), signer, KNOWN["witness"]["time"])
    assert with_lines(KNOWN["note"], line) == KNOWN["cosigned_note"]
    assert cosigned("body\n", 7) == b"cosignature/v1\ntime 7\nbody\n"
    assert body_of(KNOWN["cosigned_note"]) == body_of(KNOWN["note"]) == write_body(POINT)
    assert lines_of(KNOWN["cosigned_note"], WITNESS) == line
    assert with_lines(KNOWN["note"], "") == KNOWN["note"]


def test_only_a_witness_key_cosigns_and_only_at_a_time() -> None:
    """A log's key makes no cosignature, and a time is a number of seconds below 2^63."""
    signer = SignerKey(name=WITNESS.name, algorithm=COSIGNATURE, seed=b"\x02" * 32)
    body = write_body(POINT)
    for time in (0, 1, 2**63 - 1):
        note = with_lines(KNOWN["note"], cosign(body, signer, time))
        assert [one.time for one in open_note(note, [WITNESS]).signatures] == [time]
    plain = SignerKey(name=WITNESS.name, algorithm=ED25519, seed=b"\x02" * 32)
    for key, time in ((signer, -1), (signer, 2**63), (plain, 1)):
        with pytest.raises(NoteError) as caught:
            cosign(body, key, time)
        assert caught.value.fault is NoteFault.KEY


def test_a_cosignature_of_no_time_is_refused() -> None:
    """A time of 2^63 seconds or more is none that a witness may sign (C2SP tlog-cosignature)."""
    body = write_body(POINT)
    for time, holds in ((2**63 - 1, True), (2**63, False), (2**64 - 1, False)):
        signed = time.to_bytes(8, "big") + sign(b"\x02" * 32, cosigned(body, time))
        line = f"— {WITNESS.name} {base64.b64encode(WITNESS.key_id + signed).decode()}\n"
        if holds:
            assert open_note(f"{body}\n{line}", [WITNESS]).signatures[0].time == time
        else:
            assert fault_of(f"{body}\n{line}", WITNESS_KEY) is NoteFault.SIGNATURE


@pytest.mark.parametrize(
    "lines",
    [
        "x",
        "\n",
        "— log.example",
        "— log.example QUJDREU=",
        "\n— log.example QUJDREU=\n",
        "body\n\n— a QUJDREU=\n",
    ],
)
def test_only_signature_lines_are_added_to_a_note(lines: str) -> None:
    """What is added changes nothing of the text that was signed; anything else is refused."""
    with pytest.raises(NoteError) as caught:
        with_lines(KNOWN["note"], lines)
    assert caught.value.fault is NoteFault.TEXT
    with pytest.raises(NoteError):
        with_lines("no note", "— log.example QUJDREU=\n")


def test_the_lines_of_a_key_are_found_whether_they_hold_or_not() -> None:
    """Lines of the same name with another key, or of a longer name, are not that key's."""
    body, line = write_body(POINT), KNOWN["note"].partition("\n\n")[2]
    false = f"— {LOG.name} {base64.b64encode(LOG.key_id + bytes(64)).decode()}\n"
    other = f"— {LOG.name} {base64.b64encode(bytes(68)).decode()}\n"
    longer = f"— {LOG.name}x {base64.b64encode(LOG.key_id + bytes(64)).decode()}\n"
    note = f"{body}\n{other}{line}{longer}{false}"
    assert lines_of(note, LOG) == line + false
    assert lines_of(note, WITNESS) == ""
    signed = sign_note(f"x\n\n{false}", LOG.name, SEED)  # what looks like a line stands in the text
    assert lines_of(signed, LOG) == signed.rpartition("\n\n")[2]
    assert body_of(signed) == f"x\n\n{false}"
    for wrong in ("", body, f"{body}\n", note[:-1]):
        with pytest.raises(NoteError) as caught:
            lines_of(wrong, LOG)
        assert caught.value.fault is NoteFault.TEXT
        with pytest.raises(NoteError):
            body_of(wrong)


def test_a_signature_over_the_text_alone_is_no_cosignature() -> None:
    """A witness signs the time too; its plain signature over the text does not count."""
    seed = bytes.fromhex(KNOWN["witness"]["seed"])
    body = write_body(POINT)
    blob = base64.b64encode(WITNESS.key_id + bytes(8) + sign(seed, body.encode())).decode()
    assert fault_of(f"{body}\n— {WITNESS.name} {blob}\n", WITNESS_KEY) is NoteFault.SIGNATURE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("— ", "- "),
        ("— ", "—  "),
        ("\n\n", "\n"),
        ("\n\n", "\n\n\n"),
        ("wo=\n", "wo="),
        ("wo=\n", "wp=\n"),
        ("wo=\n", "wo\n"),
        ("wo=\n", "wo=\n\n"),
        ("wo=\n", "wo=\r\n"),
        ("\n3\n", "\n3\x00\n"),
        ("\n3\n", "\n3\udc80\n"),
        ("kat qQ", "k+t qQ"),
        ("kat qQ", "k\u3000t qQ"),
        ("— log.tsunagi.example/kat ", "— log.tsunagi.example/kat QUJD\n— log.tsunagi.example/kat "),
    ],
)
def test_another_form_of_note_is_refused(old: str, new: str) -> None:
    """A note has one form: a dash, a name, canonical base64, one newline at the end."""
    assert fault_of(KNOWN["note"].replace(old, new)) in {NoteFault.TEXT, NoteFault.SIGNATURE}


def test_a_huge_note_is_refused_before_it_is_parsed() -> None:
    """The size is capped first, and so is the number of lines."""
    assert fault_of("a\n" * 40_000 + KNOWN["note"]) is NoteFault.SIZE
    line = KNOWN["note"].partition("\n\n")[2]
    unknown = f"— other.example {base64.b64encode(bytes(68)).decode()}\n"
    assert fault_of(write_body(POINT) + "\n" + unknown * 100 + line) is NoteFault.TEXT
    assert open_note(write_body(POINT) + "\n" + unknown * 99 + line, [LOG]).unknown == 99


def test_the_longest_note_is_read() -> None:
    """A note of 65,536 characters is read, one more is not, whoever asks for what."""
    body = "x" * (MAX_NOTE + 1 - len(sign_note("x\n", LOG.name, SEED))) + "\n"
    note = sign_note(body, LOG.name, SEED)
    assert (len(note), MAX_NOTE) == (65_536, 65_536)
    assert open_note(note, [LOG]).body == body_of(note) == body
    longer = "x" + note
    for call in (body_of, lambda text: lines_of(text, LOG), lambda text: open_note(text, [LOG])):
        with pytest.raises(NoteError) as caught:
            call(longer)
        assert caught.value.fault is NoteFault.SIZE
    with pytest.raises(NoteError) as caught:
        sign_note("x" + body, LOG.name, SEED)
    assert caught.value.fault is NoteFault.SIZE


def test_a_line_holds_a_key_id_and_something_behind_it() -> None:
    """A line of four bytes or fewer signs nothing; five of an unknown key are passed over."""
    for size, fault in ((4, NoteFault.TEXT), (3, NoteFault.TEXT), (5, None)):
        line = f"— other.example {base64.b64encode(bytes(size)).decode()}\n"
        if fault is None:
            assert open_note(KNOWN["note"] + line, [LOG]).unknown == 1
        else:
            assert fault_of(KNOWN["note"] + line) is fault


@pytest.mark.parametrize(
    "body",
    [
        "",
        f"{LOG.name}\n3\n{'A' * 43}=",
        f"{LOG.name}\n03\n{'A' * 43}=\n",
        f"{LOG.name}\n+3\n{'A' * 43}=\n",
        f"{LOG.name}\n³\n{'A' * 43}=\n",
        f"{LOG.name}\n99999999999999999999\n{'A' * 43}=\n",
        f"{LOG.name}\n3\n{'A' * 42}B=\n",
        f"{LOG.name}\n3\n{'A' * 44}\n",
        f"{LOG.name}\n3\n{'A' * 43}=\nextension\n",
        f"\n3\n{'A' * 43}=\n",
        f"two words\n3\n{'A' * 43}=\n",
    ],
)
def test_a_checkpoint_has_three_lines_in_one_form(body: str) -> None:
    """Numbers without signs or leading zeros, a whole root, no extension lines."""
    with pytest.raises(NoteError) as caught:
        read_body(body)
    assert caught.value.fault is NoteFault.BODY


def test_a_checkpoint_that_could_not_be_read_is_not_written() -> None:
    """Writing follows the reader's rules."""
    for wrong in (
        Checkpoint(origin="", size=0, root=bytes(32)),
        Checkpoint(origin="a\nb", size=0, root=bytes(32)),
        Checkpoint(origin="a", size=-1, root=bytes(32)),
        Checkpoint(origin="a", size=1, root=bytes(31)),
    ):
        with pytest.raises(NoteError) as caught:
            write_body(wrong)
        assert caught.value.fault is NoteFault.BODY


def test_the_origin_is_the_keys_name() -> None:
    """A checkpoint of another log is refused, though the same key signed it."""
    body = write_body(Checkpoint(origin="log.tsunagi.example/other", size=3, root=POINT.root))
    note = sign_note(body, ORIGIN, SEED)
    with pytest.raises(NoteError) as caught:
        open_checkpoint(note, read_key(VKEY))
    assert caught.value.fault is NoteFault.ORIGIN


def test_a_witness_key_does_not_make_a_log() -> None:
    """A witness's key never counts as the log's own, whatever it signed."""
    with pytest.raises(NoteError) as caught:
        open_checkpoint(KNOWN["cosigned_note"], WITNESS)
    assert caught.value.fault is NoteFault.KEY


def test_a_note_under_a_name_that_no_key_may_have_is_not_made() -> None:
    """What could not be read back is not signed."""
    for name in ("", "two words", "a+b", "a\nb"):
        with pytest.raises(NoteError) as caught:
            sign_note(write_body(POINT), name, SEED)
        assert caught.value.fault is NoteFault.TEXT
    for body in ("no newline at the end", "", "\n", "a\x00\n", KNOWN["note"].removesuffix("\n")):
        with pytest.raises(NoteError) as caught:
            sign_note(body, ORIGIN, SEED)
        assert caught.value.fault is NoteFault.TEXT
    assert sign_note("a\n\n", ORIGIN, SEED).startswith("a\n\n\n— ")  # a blank line is a line of the text


def test_a_damaged_verifier_key_is_refused() -> None:
    """A key that was copied wrongly is noticed by its own id."""
    for wrong in ("", VKEY[:-1], VKEY.replace("+", "-", 1), VKEY.replace(ORIGIN, ORIGIN + "x")):
        with pytest.raises(NoteError) as caught:
            read_key(wrong)
        assert caught.value.fault is NoteFault.KEY


@settings(max_examples=60)
@given(st.integers(0, 10**19 - 1), st.binary(min_size=32, max_size=32))
def test_every_checkpoint_reads_back(size: int, root: bytes) -> None:
    """What was signed is what is read."""
    point = Checkpoint(origin=ORIGIN, size=size, root=root)
    note = sign_note(write_body(point), ORIGIN, SEED)
    assert open_checkpoint(note, read_key(VKEY)) == point


def test_a_key_id_is_bound_to_its_name() -> None:
    """The same key under another name has another id (C2SP signed-note)."""
    assert note_key_id(ORIGIN, digest(1)) != note_key_id(ORIGIN + "x", digest(1))


def test_an_error_carries_its_fault() -> None:
    """As a value and as what is printed of it."""
    error = NoteError(NoteFault.ORIGIN)
    assert (error.fault, error.args) == (NoteFault.ORIGIN, (NoteFault.ORIGIN,))
