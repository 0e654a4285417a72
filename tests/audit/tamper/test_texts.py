"""Proofs, policies and paths are read in one form only; every other text is refused by the format's own error."""

import base64
from random import Random

import pytest

from audit.checkpoint import open_note, read_body, read_key, write_body
from audit.errors import (
    LayoutError,
    NoteError,
    PolicyError,
    PolicyFault,
    ProofError,
    ProofFault,
    WitnessError,
)
from audit.layout import bundle_path, read_bundle, read_path, tile_path, write_bundle
from audit.policy import MAX_POLICY, read_policy
from audit.proof import MAX_PROOF, ProofText, read_proof, write_proof
from audit.witness import AddCheckpoint, read_request, write_request
from crypto.notes import COSIGNATURE, public_of, write_vkey
from tests.audit.bundles import POLICY, WITNESS_VKEY
from tests.audit.examples import VKEY, digest
from tests.audit.tamper.logs import honest, note_of
from tests.audit.tamper.test_malformed import NUMBERS

HASHES = tuple(digest(at) for at in range(3))
PROOF = write_proof(ProofText(index=1, hashes=HASHES, note=note_of(7), extra=b"abc"))
REQUEST = write_request(AddCheckpoint(old=1, hashes=HASHES, note=note_of(7)))
W2 = write_vkey("npo.example/w2", public_of(b"\x05" * 32), COSIGNATURE)
FULL_POLICY = (
    f"# contact: the auditors\n\nlog {VKEY} https://log.example\nwitness a {WITNESS_VKEY}\n"
    f"\twitness b {W2} https://w.example \ngroup g any a b\ngroup all 1 g\nquorum all\n"
)


def policy_fault(text: str | bytes) -> tuple[PolicyFault, int | None]:
    """Why a policy is refused, and in which line."""
    with pytest.raises(PolicyError) as caught:
        read_policy(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return caught.value.fault, caught.value.line


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_a_proof_has_one_form(number: str) -> None:
    """The index of a proof, and the old size of a request, would be written so."""
    with pytest.raises(ProofError) as caught:
        read_proof(PROOF.replace("index 1\n", f"index {number}\n"))
    assert caught.value.fault is ProofFault.TEXT
    with pytest.raises(WitnessError):
        read_request(REQUEST.replace("old 1\n", f"old {number}\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1 \n"),
        ("c2sp.org/tlog-proof@v1\n", "\ufeffc2sp.org/tlog-proof@v1\n"),
        ("c2sp.org/tlog-proof@v1\n", ""),
        ("extra YWJj\n", "extra YWJj\nextra YWJj\n"),
        ("extra YWJj\n", "extra YWJ\n"),
        ("extra YWJj\n", "extra YWJjZA\n"),
        ("extra YWJj\n", "extra YWJjZB==\n"),
        ("extra YWJj\n", "extra\n"),
        ("extra YWJj\n", "extra ＹWJj\n"),
        ("extra YWJj\nindex 1\n", "index 1\nextra YWJj\n"),
        ("index 1\n", "index 1\nindex 1\n"),
        ("index 1\n", "index 1\n" + "A" * 43 + "\n"),
        ("index 1\n", "index 1\n" + "A" * 42 + "B=\n"),
        ("index 1\n", "index 1\n" + base64.b64encode(bytes(31)).decode() + "\n"),
        ("index 1\n", "index 1\n" + base64.b64encode(bytes(33)).decode() + "\n"),
        ("index 1\n", "index 1\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 62),
        ("index 1\n", "index 1\r\n"),
        ("\n\nlog.", "\nlog."),
    ],
)
def test_a_proof_in_another_form_is_refused(old: str, new: str) -> None:
    """One header, at most one extra, one index, at most 64 whole hashes, an empty line."""
    assert old in PROOF
    with pytest.raises(ProofError) as caught:
        read_proof(PROOF.replace(old, new, 1))
    assert caught.value.fault is ProofFault.TEXT


def test_texts_are_capped_before_they_are_read() -> None:
    """The largest proof and the largest policy are read, one character more is not."""
    spare = MAX_PROOF - len(PROOF)
    largest = PROOF.replace("extra YWJj", f"extra {'A' * (spare // 4 * 4)}YWJj") + "x" * (spare % 4)
    assert len(largest) == MAX_PROOF and read_proof(largest).index == 1
    with pytest.raises(ProofError):
        read_proof(largest + "x")
    comment = "#" * (MAX_POLICY - len(POLICY) - 1) + "\n"
    assert read_policy((POLICY + comment).encode()) == read_policy(POLICY.encode())
    assert policy_fault(POLICY + "#" + comment) == (PolicyFault.SIZE, None)
    assert policy_fault(b"\xff" * 10**7) == (PolicyFault.SIZE, None)
    assert read_policy((POLICY + "\n" * 509).encode()) == read_policy(POLICY.encode())
    assert policy_fault(POLICY + "\n" * 510) == (PolicyFault.TEXT, None)


@pytest.mark.parametrize("number", [*(one for one in NUMBERS if one == one.strip()), "0", "3", "ANY"])
def test_a_number_in_a_policy_has_one_form(number: str) -> None:
    """How many of a group must cosign would be written so, and is neither none nor more than there are."""
    assert policy_fault(FULL_POLICY.replace("g any a b", f"g {number} a b"))[1] == 6


@pytest.mark.parametrize(
    ("old", "new", "fault", "line"),
    [
        ("\n\n", "\n\r\n", PolicyFault.TEXT, None),
        ("\n\n", "\n\x00\n", PolicyFault.TEXT, None),
        ("\n\n", "\n\udc80\n", PolicyFault.TEXT, None),
        ("quorum all\n", "quorum all", PolicyFault.TEXT, None),
        ("\n\n", "\nlogs\n", PolicyFault.LINE, 2),
        ("\n\n", "\nLOG x\n", PolicyFault.LINE, 2),
        ("\n\n", "\n\u3000\n", PolicyFault.LINE, 2),
        ("# contact", "\ufeff# contact", PolicyFault.LINE, 1),
        (" https://log.example", " https://log.example more", PolicyFault.LINE, 3),
        ("group all 1 g", "group all 1", PolicyFault.LINE, 7),
        ("group all 1 g", "group all 2 g", PolicyFault.LINE, 7),
        ("quorum all", "quorum all g", PolicyFault.LINE, 8),
        ("quorum all", "quorum", PolicyFault.LINE, 8),
        ("witness b", "witness a", PolicyFault.NAME, 5),
        ("witness b", "witness none", PolicyFault.NAME, 5),
        ("group g any a b", "group a any b", PolicyFault.NAME, 6),
        ("group g any a b", "group g any a a", PolicyFault.NAME, 6),
        ("group g any a b", "group g any a c", PolicyFault.NAME, 6),
        ("group g any a b", "group g any a g", PolicyFault.NAME, 6),
        ("group all 1 g", "group all 1 a", PolicyFault.NAME, 7),
        (W2, WITNESS_VKEY, PolicyFault.KEY, 5),
        (W2, VKEY, PolicyFault.KEY, 5),
        (VKEY, WITNESS_VKEY, PolicyFault.KEY, 3),
        (W2, W2[:-1], PolicyFault.KEY, 5),
        (W2, W2.replace("w2", "w3"), PolicyFault.KEY, 5),
        ("\n\n", f"\nlog {VKEY}\n", PolicyFault.KEY, 3),
        ("quorum all", "quorum c", PolicyFault.QUORUM, 8),
        ("quorum all", "quorum all\nquorum all", PolicyFault.QUORUM, 9),
        ("\n\n", "\nquorum all\n", PolicyFault.QUORUM, 2),
        ("quorum all\n", "", PolicyFault.QUORUM, None),
    ],
)
def test_a_policy_in_another_form_is_refused(
    old: str, new: str, fault: PolicyFault, line: int | None
) -> None:
    """Each fault of a policy is told apart, with the line where one is at fault (C2SP tlog-policy)."""
    assert read_policy(FULL_POLICY.encode()).quorum == "all" and old in FULL_POLICY
    assert policy_fault(FULL_POLICY.replace(old, new, 1)) == (fault, line)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x1/002",
        "tile/0/１23",
        "tile/0/²00",
        "tile/00/000",
        "tile/6/000",
        "tile/-1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/01",
        "tile/0/000.p/１",
        "tile/0/000.p",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../0/000",
        "tile/entries/000\n",
        "tile/Entries/000",
        "tile/0/x999/x999/x999/999",
    ],
)
def test_a_path_in_another_form_names_no_tile(path: str) -> None:
    """A path is read only if writing it again gives the same text."""
    with pytest.raises(LayoutError):
        read_path(path)


def mutate(random: Random, text: str) -> str:
    """The text with some pieces taken out, doubled, moved, or with characters put in."""
    for _ in range(random.randint(1, 3)):
        start = random.randrange(len(text) + 1)
        stop = min(len(text), start + random.choice([0, 1, 1, 2, 8, 45]))
        piece = random.choice(["", text[start:stop] * 2, random.choice("0 19\n\t\r=+—²１é\x00#Aa/\ud800")])
        text = text[:start] + piece + text[stop:]
    return text


def test_no_other_text_is_read_and_no_other_error_raised() -> None:
    """Thousands of damaged texts: each is refused by the format's error, or is written again as it was read."""
    random, bundle = Random(24), honest(7).files["tile/entries/000.p/7"].decode("latin-1")
    key, body = read_key(VKEY), note_of(7).partition("\n\n")[0] + "\n"
    read = 0
    for _ in range(3000):
        for text in (mutate(random, PROOF), mutate(random, REQUEST), mutate(random, FULL_POLICY)):
            read += write_again(text)
        read += same_path(mutate(random, random.choice(["tile/0/x001/234", "tile/entries/000.p/17"])))
        read += same_bundle(mutate(random, bundle).encode("latin-1", "replace"))
        read += same_body(mutate(random, body))
        try:
            assert open_note(mutate(random, note_of(7)), [key]).body == body
            read += 1
        except NoteError:
            pass
    assert read > 500  # not all of them were refused


def write_again(text: str) -> int:
    """1 for a proof, a request or a policy that is read; a proof and a request are then the same text again."""
    try:
        if text.startswith("c2sp"):
            assert write_proof(read_proof(text)) == text
        elif text.startswith("old"):
            assert write_request(read_request(text)) == text
        else:
            assert read_policy(text.encode("utf-8", "surrogatepass")).quorum
    except (ProofError, WitnessError, PolicyError):
        return 0
    return 1


def same_path(text: str) -> int:
    """1 for a path that names a tile, and is then the same text again."""
    try:
        tile, entries = read_path(text)
    except LayoutError:
        return 0
    assert (bundle_path if entries else tile_path)(tile) == text
    return 1


def same_bundle(data: bytes) -> int:
    """1 for bytes that are an entry bundle, and are then the same bytes again."""
    try:
        leaves = read_bundle(data, 7)
    except LayoutError:
        return 0
    assert write_bundle(leaves) == data
    return 1


def same_body(text: str) -> int:
    """1 for a text that is a checkpoint, and is then the same text again."""
    try:
        point = read_body(text)
    except NoteError:
        return 0
    assert write_body(point) == text
    return 1
