"""Input in another form than the formats' own is refused: at the file and the entry where it stands."""

from pathlib import Path

import pytest

from audit.checkpoint import MAX_NOTE, cosign, sign_note, with_lines
from audit.layout import MAX_BUNDLE
from audit.leaf import MAX_LEAF
from crypto.notes import COSIGNATURE, SignerKey, public_of, write_vkey
from tests.audit.bundles import POLICY, UNWITNESSED, WITNESS, of_case, since
from tests.audit.examples import ORIGIN, SEED, VKEY
from tests.audit.tamper.attempts import Refusal
from tests.audit.tamper.logs import CASES, Honest, honest
from tests.audit.tamper.notes import OTHER_SEED, blob_line, signed_as, with_signatures
from tests.audit.tamper.run import Shelf, refusal_of
from tests.audit.tamper.verifiers import ask

NUMBERS = (
    "01",
    "00",
    "0001",
    "+1",
    "-1",
    "-0",
    "1.0",
    "1e0",
    "1_0",
    "0x1",
    "１",
    "²",
    "①",
    "١",
    "1 ",
    " 1",
    "1\t",
    "",
    "x",
    "9" * 20,
    "1" * 5000,
)
"""Texts that some reader would take for a number, and none of ours writes."""


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Where bundles lie."""
    return Shelf(tmp_path)


def refusal(shelf: Shelf, log: Honest, name: str, data: bytes | None, policy: str = POLICY) -> Refusal | None:
    """What is said of the log's bundle with another file in it, or without that file."""
    files = {**log.files, name: data or b""}
    if data is None:
        del files[name]
    return refusal_of(ask(shelf.hold(files), policy))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_size_that_is_not_written_so_is_no_checkpoint(number: str, shelf: Shelf) -> None:
    """Leading zeros, signs and digits of other scripts are no size, though everybody signed them."""
    log = honest(1)
    root = log.note.split("\n")[2]
    if "\t" in number:
        return  # no note may hold a tab at all
    note = signed_as(f"{ORIGIN}\n{number}\n{root}\n", ORIGIN, SEED)
    assert refusal(shelf, log, "checkpoint", note.encode()) == Refusal("note", None, "body")


@pytest.mark.parametrize(
    "form",
    [
        "{o}\n1\n{r}\nextension\n",
        "{o}\n1\n",
        "{o}\n1\n{r}=\n",
        "{o}\n1\n{r} \n",
        "{o}\n1 \n{r}\n",
        "\n{o}\n1\n{r}\n",
        "{o} x\n1\n{r}\n",
        "{o}\n\n1\n{r}\n",
        "1\n{o}\n{r}\n",
        "x\n",
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(form: str, shelf: Shelf) -> None:
    """Three lines, no more, though everybody signed."""
    log = honest(1)
    text = form.format(o=ORIGIN, r=log.note.split("\n")[2])
    note = signed_as(text, ORIGIN, SEED)
    assert refusal(shelf, log, "checkpoint", note.encode()) == Refusal("note", None, "body")


def test_a_note_is_capped_before_it_is_read(shelf: Shelf) -> None:
    """A note of 65,536 bytes is read, a longer one is not, whatever stands in it."""
    log = honest(3)
    room = MAX_NOTE - len(log.note.encode()) - len("—  \n".encode())
    blob = "A" * (room // 4 * 4 - 4)
    note = f"{log.note}— {'a' * (room - len(blob))} {blob}\n".encode()
    assert len(note) == MAX_NOTE and refusal(shelf, log, "checkpoint", note) is None
    longer = note.replace(b"AAAA", b"AAAAAAAA", 1) + b"\n" * 7
    found = refusal(shelf, log, "checkpoint", longer)
    assert found is not None and found.fault in ("text", "size")  # it has fewer characters than bytes
    for more in (b"x", b"\n", b"\0" * 10**7):
        found = refusal(shelf, log, "checkpoint", b"x" * MAX_NOTE + more)
        assert found == Refusal("note", None, "size")


@pytest.mark.parametrize("data", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\x00", b"\r", b"\x1b[2J", b"\t"])
def test_a_note_of_other_characters_is_refused(data: bytes, shelf: Shelf) -> None:
    """A note is UTF-8 without control characters."""
    note = honest(3).note.encode()
    for at in (0, len(ORIGIN), len(note)):
        found = refusal(shelf, honest(3), "checkpoint", note[:at] + data + note[at:])
        assert found == Refusal("note", None, "text")


def test_keys_signers_and_quorums_are_told_apart(shelf: Shelf) -> None:
    """A false signature, another key, an unknown signer and a missing quorum have each their own fault."""
    log = honest(3)
    text = log.note.partition("\n\n")[0] + "\n"
    body = sign_note(text, ORIGIN, SEED)
    stranger = SignerKey(name="npo.example/w2", algorithm=COSIGNATURE, seed=OTHER_SEED)
    vkey = write_vkey(stranger.name, public_of(OTHER_SEED), COSIGNATURE)
    witness = POLICY.splitlines()[1]
    named = f"log {VKEY}\n{witness}\nquorum none\n"
    two = f"log {VKEY}\n{witness}\nwitness b {vkey}\ngroup all 2 npo b\nquorum all\n"
    key_id = log.note.splitlines()[-2].split(" ")[2][:5]
    cases = [
        (body, UNWITNESSED, None),
        (body, POLICY, "quorum"),
        (log.note, POLICY, None),
        (log.note, two, "quorum"),
        (with_lines(log.note, cosign(text, stranger, 1)), two, None),
        (with_lines(body, cosign(text, stranger, 1)), POLICY, "quorum"),
        (sign_note(text, ORIGIN, OTHER_SEED), UNWITNESSED, "other_key"),
        (signed_as(text, ORIGIN, OTHER_SEED), POLICY, "other_key"),
        (signed_as(text, "log.example", OTHER_SEED), POLICY, "unsigned"),
        (with_signatures(body, cosign(text, WITNESS, 1)), POLICY, "unsigned"),
        (body.replace("\n3\n", "\n4\n", 1), UNWITNESSED, "signature"),
        (body.replace(f"— {ORIGIN} {key_id}", f"— {ORIGIN} AAAA{key_id[4:]}"), UNWITNESSED, "other_key"),
        (with_lines(body, cosign(text + "x\n", WITNESS, 1)), named, "signature"),
        (with_lines(body, cosign(text + "x\n", WITNESS, 1)), UNWITNESSED, None),
        (with_lines(body, blob_line(WITNESS.name, WITNESS.verifier().key_id + b"x")), POLICY, "signature"),
    ]
    for note, policy, fault in cases:
        found = refusal(shelf, log, "checkpoint", note.encode(), policy)
        assert (found and found.fault) == fault, (note, policy, fault)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_the_scope_has_one_form(number: str, shelf: Shelf) -> None:
    """What the scope says is a number that would be written so."""
    log = honest(3)
    files = {**since(log.log, 1), "scope": f"tsunagi-export/v1\nsince {number}\n".encode()}
    assert refusal_of(ask(shelf.hold(files), POLICY)) == Refusal("scope")


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "whole",
        "whole\n",
        "tsunagi-export/v1\nwhole",
        "tsunagi-export/v1\nwhole\n\n",
        "tsunagi-export/v1\nwhole\nwhole\n",
        "tsunagi-export/v1\r\nwhole\r\n",
        "tsunagi-export/v1\nWhole\n",
        "tsunagi-export/v1\nwhole \n",
        "tsunagi-export/v2\nwhole\n",
        "\ufefftsunagi-export/v1\nwhole\n",
        "tsunagi-export/v1\nsince\n",
        "tsunagi-export/v1\ncase\n",
        f"tsunagi-export/v1\ncase {CASES[0].upper()}\n",
        f"tsunagi-export/v1\ncase {CASES[0]}0\n",
        f"tsunagi-export/v1\ncase {CASES[0][:-1]}\n",
        "tsunagi-export/v1\ncase ../../../../etc/passwd\n",
        "tsunagi-export/v1\nwhole\n" + "\n" * 10**6,
    ],
)
def test_another_scope_is_refused(scope: str, shelf: Shelf) -> None:
    """There are three scopes, each in one form; without the file there is none."""
    assert refusal(shelf, honest(3), "scope", scope.encode()) == Refusal("scope")
    assert refusal(shelf, honest(3), "scope", None) == Refusal("scope")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_before_a_line_has_one_form(number: str, shelf: Shelf) -> None:
    """The index of a line in ``leaves`` would be written so."""
    log = honest(31)
    files = of_case(log.log, CASES[0])
    lines = files["leaves"].split(b"\n")
    lines[1] = f"{number} ".encode() + lines[1].partition(b" ")[2]
    found = refusal_of(ask(shelf.hold({**files, "leaves": b"\n".join(lines)}), POLICY))
    assert found is not None and found.step == ("leaf" if number == "1 " else "entries")


def test_lines_in_another_form_are_refused(shelf: Shelf) -> None:
    """Each line of ``leaves`` ends, is no longer than a leaf may be, and the file is there."""
    files = of_case(honest(31).log, CASES[0])
    data = files["leaves"]
    for wrong in (
        data[:-1],
        data + b"\n",
        b"\n" + data,
        data + b"30",
        data.replace(b"\n", b"\r\n"),
        data.replace(b" ", b"\t", 1),
        b"\xef\xbb\xbf" + data,
        b"x" * 10**6,
        b"0 " + b"x" * (MAX_LEAF + 20) + b"\n",
        b"99 " + data.partition(b" ")[2],
    ):
        found = refusal_of(ask(shelf.hold({**files, "leaves": wrong}), POLICY))
        assert found is not None and found.step in ("entries", "leaf"), wrong[:40]
    del files["leaves"]
    assert refusal_of(ask(shelf.hold(files), POLICY)) == Refusal("entries")


def test_an_entry_bundle_in_another_form_is_refused(shelf: Shelf) -> None:
    """Exactly so many entries as the tile has hashes, each behind its length, none too long."""
    log = honest(257)
    for name, first in (("tile/entries/000", 0), ("tile/entries/001.p/1", 256)):
        data = log.files[name]
        long = (MAX_LEAF + 1).to_bytes(2, "big") + b"x" * (MAX_LEAF + 1)
        for wrong in (
            b"",
            b"\0",
            data[:-1],
            data[:1],
            data[1:],
            data + b"\0",
            data + b"\0\0",
            data + data,
            b"\0\0" + data,
            long + data[2 + int.from_bytes(data[:2], "big") :],
            b"\xff\xff" + data[2:],
            data + b"\0" * (MAX_BUNDLE + 1),
        ):
            assert refusal(shelf, log, name, wrong) == Refusal("entries", first)


def test_a_tile_in_another_form_is_refused(shelf: Shelf) -> None:
    """A tile has 32 bytes a hash, and exactly so many hashes; one that is not there is missing."""
    log = honest(513)
    for name, first in (
        ("tile/0/000", 0),
        ("tile/0/001", 256),
        ("tile/0/002.p/1", 512),
        ("tile/1/000.p/2", 0),
    ):
        data = log.files[name]
        for wrong in (None, b"", data[:-1], data + b"\0", data[:-32], data + bytes(32), bytes(10**6)):
            assert refusal(shelf, log, name, wrong) == Refusal("tile", first)


def test_a_table_in_another_form_is_refused(shelf: Shelf) -> None:
    """The table is byte for byte what the entries say: mark, quotes, line ends, no row more or less."""
    log = honest(5)
    data = log.files["entries.csv"]
    rows = data.splitlines(keepends=True)
    for wrong in (
        b"",
        rows[0],
        data[3:],
        data.replace(b"\r\n", b"\n"),
        data.replace(b'"', b""),
        data.replace(b'"', b"'"),
        data[:-1],
        data + b"\r\n",
        data + rows[-1],
        b"".join([rows[0], rows[2], rows[1], *rows[3:]]),
        b"".join([*rows[:2], *rows[3:]]),
        data.replace(b'"0"', b'"00"', 1),
        data.replace(b'"0"', b'"=0"', 1),
        data + bytes(10**6),
    ):
        assert refusal(shelf, log, "entries.csv", wrong) == Refusal("table")
