"""A proof holds for what it was made for, and for nothing else."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import ProofError, ProofFault
from audit.proof import ProofText, read_proof, verify_consistency, verify_inclusion, write_proof
from audit.tree import (
    EMPTY_ROOT,
    consistency_proof,
    hashes_from,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)
from tests.audit.examples import digest

KNOWN = json.loads((Path(__file__).parents[1] / "vectors" / "log.json").read_text("utf-8"))
# transparency-dev/merkle testdata, commit 417fb0c3, Apache-2.0: 98 inclusion and 98 consistency cases
PUBLIC = Path(__file__).parents[2].parent / "shared" / "vectors" / "merkle" / "proofs.json"
LEAVES = [digest(at) for at in range(140)]


def refused(check: Callable[[], None]) -> bool:
    """Whether a check raises ProofError, and only that."""
    try:
        check()
    except ProofError:
        return True
    return False


@pytest.mark.skipif(not PUBLIC.exists(), reason="public Merkle vectors are not beside the project")
def test_all_196_public_proofs_are_judged_as_expected() -> None:
    """We accept and refuse the proofs that other programs accept and refuse (RFC 6962 §2.1)."""
    cases = json.loads(PUBLIC.read_text("utf-8"))

    def data(text: str | None) -> bytes:
        return base64.b64decode(text or "")

    judged = 0
    for name, case in cases["inclusion"].items():
        proof = [data(one) for one in case["proof"] or []]
        place = (data(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, data(case["root"]))
        assert refused(lambda place=place: verify_inclusion(*place)) == case["wantErr"], name
        judged += 1
    for name, case in cases["consistency"].items():
        proof = [data(one) for one in case["proof"] or []]
        sizes = (case["size1"], case["size2"], proof, data(case["root1"]), data(case["root2"]))
        assert refused(lambda sizes=sizes: verify_consistency(*sizes)) == case["wantErr"], name
        judged += 1
    assert judged == 196


@settings(max_examples=100)
@given(st.data())
def test_every_leaf_can_be_proved_and_nothing_else(data: st.DataObject) -> None:
    """A right inclusion proof holds; with another leaf, index, size, root or hash it does not."""
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    root, leaf = root_of(LEAVES[:size]), LEAVES[index]
    proof = inclusion_proof(index, size, hashes_from(LEAVES[:size]))
    verify_inclusion(leaf, index, size, proof, root)
    other = data.draw(st.integers(-1, size + 3).filter(lambda at: at != index))
    at = data.draw(st.integers(0, max(0, len(proof) - 1)))
    wrong = [
        (digest(999), index, size, proof, root),
        (leaf, other, size, proof, root),
        (leaf, index, size, proof, digest(999)),
        (leaf, index, size, (*proof, digest(999)), root),
        (leaf, index, size, (*proof, b""), root),
    ]
    if proof:
        wrong.append((leaf, index, size, proof[:-1], root))
        wrong.append((leaf, index, size, (*proof[:at], digest(999), *proof[at + 1 :]), root))
        wrong.append((leaf, index, size, (*proof[:at], proof[at][:-1], *proof[at + 1 :]), root))
    for case in wrong:
        with pytest.raises(ProofError):
            verify_inclusion(*case)


@settings(max_examples=100)
@given(st.data())
def test_growth_can_be_proved_and_nothing_else(data: st.DataObject) -> None:
    """A right consistency proof holds; with another size, root or hash it does not."""
    new = data.draw(st.integers(1, len(LEAVES)))
    old = data.draw(st.integers(1, new))
    roots = (root_of(LEAVES[:old]), root_of(LEAVES[:new]))
    proof = consistency_proof(old, new, hashes_from(LEAVES[:new]))
    verify_consistency(old, new, proof, *roots)
    at = data.draw(st.integers(0, max(0, len(proof) - 1)))
    wrong = [
        (old, new, proof, digest(999), roots[1]),
        (old, new, proof, roots[0], digest(999)),
        (old, new, (*proof, digest(999)), *roots),
        (0, new, proof, *roots),
        (new + 1, new, proof, *roots),
    ]
    if proof:
        wrong.append((old, new, proof[:-1], *roots))
        wrong.append((old, new, (*proof[:at], digest(999), *proof[at + 1 :]), *roots))
    for case in wrong:
        with pytest.raises(ProofError):
            verify_consistency(*case)


def test_an_edited_entry_has_no_consistency_proof() -> None:
    """Whoever holds an old root sees that an older entry was changed."""
    changed = [*LEAVES[:3], digest(999), *LEAVES[4:]]
    proof = consistency_proof(50, 100, hashes_from(changed[:100]))
    with pytest.raises(ProofError) as caught:
        verify_consistency(50, 100, proof, root_of(LEAVES[:50]), root_of(changed[:100]))
    assert caught.value.fault is ProofFault.ROOT


def test_hashes_of_other_lengths_prove_nothing() -> None:
    """Two hashes run together, or an empty one, are no hash: the lengths are checked before hashing."""
    left, right = LEAVES[0], LEAVES[1]
    root = node_hash(left, right)
    with pytest.raises(ProofError) as caught:
        verify_inclusion(left[:31], 0, 2, [left[31:] + right], root)
    assert caught.value.fault is ProofFault.HASH
    with pytest.raises(ProofError) as caught:
        verify_consistency(1, 2, [right + b""], left, root[:31])
    assert caught.value.fault is ProofFault.HASH


def test_the_empty_tree_proves_only_itself() -> None:
    """From old size 0 nothing follows; an empty tree has the one empty root."""
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    for old, new, proof, first, second in [
        (0, 0, [], digest(1), digest(1)),
        (0, 1, [], EMPTY_ROOT, leaf_hash(b"x")),
        (0, 1, [EMPTY_ROOT], EMPTY_ROOT, EMPTY_ROOT),
        (0, 0, [EMPTY_ROOT], EMPTY_ROOT, EMPTY_ROOT),
        (-1, -1, [], EMPTY_ROOT, EMPTY_ROOT),
    ]:
        with pytest.raises(ProofError):
            verify_consistency(old, new, proof, first, second)


def test_the_proof_text_is_frozen() -> None:
    """A proof that somebody kept is read for ever (C2SP tlog-proof)."""
    proof = read_proof(KNOWN["proof_text"])
    assert write_proof(proof) == KNOWN["proof_text"]
    assert proof.note == KNOWN["cosigned_note"]
    leaf = leaf_hash((KNOWN["leaf_template"] % 2).encode())
    verify_inclusion(leaf, proof.index, 3, proof.hashes, base64.b64decode(KNOWN["roots"]["3"]))


@settings(max_examples=50)
@given(st.integers(0, 10**18), st.integers(0, 63), st.one_of(st.none(), st.binary(max_size=80)))
def test_a_proof_text_reads_back(index: int, count: int, extra: bytes | None) -> None:
    """What is written is read as the same proof."""
    hashes = tuple(digest(at) for at in range(count))
    proof = ProofText(index=index, hashes=hashes, note=KNOWN["note"], extra=extra)
    assert read_proof(write_proof(proof)) == proof


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("index 2", "index 02"),
        ("index 2", "index ²"),
        ("index 2", "index 2 "),
        ("index 2\n", ""),
        ("index 2", "extra !\nindex 2"),
        ("index 2", "extra QR==\nindex 2"),
        ("=\n", "==\n"),
        ("\n\n", "\n"),
        ("\n", "\r\n"),
        ("index 2\n", "index 2\nQUJD\n"),
    ],
)
def test_a_proof_in_another_form_is_refused(old: str, new: str) -> None:
    """What would not be written is not read: no leading zeros, no spare bits, no carriage returns."""
    text = KNOWN["proof_text"]
    with pytest.raises(ProofError):
        read_proof(text.replace(old, new) if old == "\n\n" else text.replace(old, new, 1))


def test_a_huge_proof_is_refused_before_it_is_parsed() -> None:
    """The size is capped first."""
    with pytest.raises(ProofError):
        read_proof(KNOWN["proof_text"] + "x" * 70_000)
