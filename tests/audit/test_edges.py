"""The edges of trees, tiles and proofs: exact faults, and caps that are met and passed by one."""

import base64
import json
from pathlib import Path

import pytest

from audit.errors import AuditError, ProofError, ProofFault, TreeError
from audit.proof import MAX_PROOF, ProofText, read_proof, verify_consistency, verify_inclusion, write_proof
from audit.tiles import Tile, completed_tiles, span_hash, tile_data, tile_hashes, tile_root, tiles_for
from audit.tree import (
    EMPTY,
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    Span,
    append,
    consistency_path,
    consistency_proof,
    fold,
    frontier_spans,
    hashes_from,
    inclusion_path,
    inclusion_proof,
    node_hash,
    root_of,
    split,
)
from tests.audit.examples import digest

KNOWN = json.loads((Path(__file__).parents[1] / "vectors" / "log.json").read_text("utf-8"))
LEAVES = [digest(at) for at in range(300)]
TEXT: str = KNOWN["proof_text"]


def inclusion_fault(leaf: bytes, index: int, size: int, proof: tuple[bytes, ...], root: bytes) -> ProofFault:
    """Why an inclusion proof proves nothing."""
    with pytest.raises(ProofError) as caught:
        verify_inclusion(leaf, index, size, proof, root)
    assert caught.value.args == (caught.value.fault,)
    assert isinstance(caught.value, AuditError)
    return caught.value.fault


def consistency_fault(
    old: int, new: int, proof: tuple[bytes, ...], old_root: bytes, new_root: bytes
) -> ProofFault:
    """Why a consistency proof proves nothing."""
    with pytest.raises(ProofError) as caught:
        verify_consistency(old, new, proof, old_root, new_root)
    return caught.value.fault


def test_what_is_wrong_with_an_inclusion_proof_is_told() -> None:
    """Lengths of hashes first, then the index, then how many, then the root."""
    root, proof = root_of(LEAVES[:7]), inclusion_proof(2, 7, hashes_from(LEAVES[:7]))
    verify_inclusion(LEAVES[2], 2, 7, proof, root)
    assert inclusion_fault(LEAVES[2][:31], 2, 7, proof, root) is ProofFault.HASH
    assert inclusion_fault(LEAVES[2], 2, 7, proof, root + b"x") is ProofFault.HASH
    assert inclusion_fault(LEAVES[2], 2, 7, (*proof[:-1], b""), root) is ProofFault.HASH
    assert inclusion_fault(LEAVES[2], 7, 7, proof, root) is ProofFault.SIZE
    assert inclusion_fault(LEAVES[2], -1, 7, proof, root) is ProofFault.SIZE
    assert inclusion_fault(LEAVES[2], 0, MAX_SIZE + 1, proof, root) is ProofFault.SIZE
    assert inclusion_fault(LEAVES[2], 2, 7, proof[:-1], root) is ProofFault.LENGTH
    assert inclusion_fault(LEAVES[2], 2, 7, (*proof, digest(1)), root) is ProofFault.LENGTH
    assert inclusion_fault(LEAVES[3], 2, 7, proof, root) is ProofFault.ROOT
    verify_inclusion(LEAVES[0], 0, 1, (), LEAVES[0])


def test_what_is_wrong_with_a_consistency_proof_is_told() -> None:
    """Lengths of hashes first, then the sizes, then how many, then either root."""
    old, new = root_of(LEAVES[:5]), root_of(LEAVES[:7])
    proof = consistency_proof(5, 7, hashes_from(LEAVES[:7]))
    verify_consistency(5, 7, proof, old, new)
    assert consistency_fault(5, 7, proof, old[:31], new) is ProofFault.HASH
    assert consistency_fault(5, 7, proof, old, new + b"x") is ProofFault.HASH
    assert consistency_fault(5, 7, (b"", *proof[1:]), old, new) is ProofFault.HASH
    assert consistency_fault(0, 7, (), old, new) is ProofFault.SIZE
    assert consistency_fault(8, 7, (), old, new) is ProofFault.SIZE
    assert consistency_fault(-1, 7, (), old, new) is ProofFault.SIZE
    assert consistency_fault(1, MAX_SIZE + 1, (), old, new) is ProofFault.SIZE
    assert consistency_fault(5, 7, proof[:-1], old, new) is ProofFault.LENGTH
    assert consistency_fault(5, 7, (*proof, digest(1)), old, new) is ProofFault.LENGTH
    assert consistency_fault(5, 7, proof, digest(1), new) is ProofFault.ROOT
    assert consistency_fault(5, 7, proof, old, digest(1)) is ProofFault.ROOT
    assert consistency_fault(5, 7, proof[::-1], old, new) is ProofFault.ROOT


def test_what_is_wrong_with_one_size_is_told() -> None:
    """A size has one root and needs no proof; the empty tree has one root at all."""
    verify_consistency(7, 7, (), digest(1), digest(1))
    verify_consistency(0, 0, (), EMPTY_ROOT, EMPTY_ROOT)
    assert consistency_fault(7, 7, (), digest(1), digest(2)) is ProofFault.ROOT
    assert consistency_fault(7, 7, (digest(1),), digest(1), digest(1)) is ProofFault.LENGTH
    assert consistency_fault(0, 0, (), digest(1), digest(1)) is ProofFault.ROOT
    assert consistency_fault(-1, -1, (), digest(1), digest(1)) is ProofFault.SIZE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "c2sp.org/tlog-proof@v1\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nextra QUJD\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 0",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nnote\n",
        "index 0\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nextra QR==\nindex 0\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nextra QUJ\nindex 0\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra QUJD\n\nnote\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{'A' * 40}\n\nnote\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{'A' * 42}B=\n\nnote\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{'A' * 44}\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 10000000000000000000\n\nnote\n",
    ],
)
def test_another_text_is_no_proof(text: str) -> None:
    """Head, index, whole hashes, an empty line, a note; nothing else and nothing missing."""
    with pytest.raises(ProofError) as caught:
        read_proof(text)
    assert caught.value.fault is ProofFault.TEXT


def test_a_proof_text_is_capped() -> None:
    """65,536 characters and 64 hashes are read, one more of either is not."""
    least = "c2sp.org/tlog-proof@v1\nindex 0\n\n"
    longest = least + "x" * (MAX_PROOF - len(least))
    assert (MAX_PROOF, len(longest)) == (65_536, 65_536)
    assert read_proof(longest) == ProofText(index=0, hashes=(), note=longest[len(least) :])
    hashes = tuple(LEAVES[:64])
    for extra in (None, b"", b"ABC"):
        full = ProofText(index=10**19 - 1, hashes=hashes, note="note\n", extra=extra)
        assert read_proof(write_proof(full)) == full
        more = write_proof(ProofText(index=0, hashes=(*hashes, digest(1)), note="note\n", extra=extra))
        with pytest.raises(ProofError) as caught:
            read_proof(more)
        assert caught.value.fault is ProofFault.TEXT
    with pytest.raises(ProofError) as caught:
        read_proof(longest + "x")
    assert caught.value.fault is ProofFault.TEXT


def test_a_proof_has_these_lines() -> None:
    """Head, extra, index, hashes in base64, an empty line, the note as it is (C2SP tlog-proof)."""
    proof = ProofText(index=7, hashes=(bytes(32), b"\xff" * 32), note="a\n\n— b QQ==\n", extra=b"ABC")
    zeros, ones = (base64.b64encode(one).decode() for one in proof.hashes)
    assert write_proof(proof) == (
        f"c2sp.org/tlog-proof@v1\nextra QUJD\nindex 7\n{zeros}\n{ones}\n\na\n\n— b QQ==\n"
    )
    assert read_proof(write_proof(proof)) == proof
    assert read_proof(TEXT).extra is None


def test_the_largest_tree_has_a_frontier() -> None:
    """2^40 leaves are a tree, one more is none; a size has as many hashes as it has ones."""
    full = Frontier(MAX_SIZE, (digest(1),))
    assert Frontier.decode(full.encode()) == full
    almost = Frontier(MAX_SIZE - 1, tuple(LEAVES[:40]))
    assert append(almost, [digest(1)]).size == MAX_SIZE
    for call in (
        lambda: append(full, [digest(1)]),
        lambda: Frontier(MAX_SIZE + 1, (digest(1), digest(2))),
        lambda: Frontier(-1, (digest(1),)),
        lambda: Frontier(2, ()),
        lambda: Frontier(2, (digest(1), digest(2))),
        lambda: Frontier(3, (digest(1), b"short")),
        lambda: Frontier.decode(full.encode()[:8]),
        lambda: Frontier.decode(b"\x00" + full.encode()[1:]),
        lambda: append(EMPTY, [digest(1), digest(2)[:31]]),
    ):
        with pytest.raises(TreeError) as caught:
            call()
        assert caught.value.args == ()
    assert EMPTY.encode() == b"\x01" + bytes(8)
    assert Frontier.decode(b"\x01" + bytes(8)) == EMPTY


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 8, 13, 255, 256, 300])
def test_a_frontier_is_the_roots_of_its_spans(size: int) -> None:
    """The perfect subtrees of a tree lie one behind the other, largest first, and are the frontier's hashes."""
    spans = frontier_spans(size)
    frontier = append(EMPTY, LEAVES[:size])
    assert tuple(root_of(LEAVES[span.start : span.stop]) for span in spans) == frontier.hashes
    assert [span.start for span in spans] == [0, *(span.stop for span in spans)][: len(spans)]
    assert fold(frontier.hashes) == frontier.root
    assert (spans[-1].stop if spans else 0) == size
    widths = [span.stop - span.start for span in spans]
    assert widths == sorted(widths, reverse=True)


def test_the_spans_of_large_trees_are_these() -> None:
    """The bits of the size, from the highest."""
    assert frontier_spans(0) == ()
    assert frontier_spans(7) == (Span(0, 4), Span(4, 6), Span(6, 7))
    assert frontier_spans(2**40) == (Span(0, 2**40),)
    assert frontier_spans(2**39 + 1) == (Span(0, 2**39), Span(2**39, 2**39 + 1))


def test_a_tree_is_split_at_the_largest_power_of_two_below() -> None:
    """RFC 6962 §2.1: k < n ≤ 2k."""
    assert [split(size) for size in (2, 3, 4, 5, 8, 9, 2**40)] == [1, 2, 2, 4, 4, 8, 2**39]


def test_the_paths_have_these_spans() -> None:
    """Which hashes prove what, nearest first (RFC 6962 §2.1.3)."""
    assert inclusion_path(0, 7) == (Span(1, 2), Span(2, 4), Span(4, 7))
    assert inclusion_path(6, 7) == (Span(4, 6), Span(0, 4))
    assert inclusion_path(0, 1) == ()
    assert len(inclusion_path(MAX_SIZE - 1, MAX_SIZE)) == 40
    assert consistency_path(3, 7) == (Span(2, 3), Span(3, 4), Span(0, 2), Span(4, 7))
    assert consistency_path(4, 7) == (Span(4, 7),)
    assert consistency_path(6, 7) == (Span(4, 6), Span(6, 7), Span(0, 4))
    assert consistency_path(7, 7) == ()
    assert consistency_path(1, MAX_SIZE)[0] == Span(1, 2)
    for call in (
        lambda: inclusion_path(7, 7),
        lambda: inclusion_path(-1, 7),
        lambda: inclusion_path(0, 0),
        lambda: inclusion_path(0, MAX_SIZE + 1),
        lambda: consistency_path(0, 7),
        lambda: consistency_path(8, 7),
        lambda: consistency_path(1, MAX_SIZE + 1),
    ):
        with pytest.raises(ProofError) as caught:
            call()
        assert caught.value.fault is ProofFault.SIZE


def test_tiles_are_completed_from_nothing_to_anything() -> None:
    """The same size completes nothing, a smaller one or one below zero is refused."""
    assert completed_tiles(0, 0) == completed_tiles(256, 256) == ()
    assert completed_tiles(0, 256) == (Tile(0, 0, 256),)
    assert completed_tiles(0, 65_536)[-2:] == (Tile(0, 255), Tile(1, 0))
    for old, new in ((-1, 0), (1, 0), (257, 256)):
        with pytest.raises(TreeError) as caught:
            completed_tiles(old, new)
        assert caught.value.args == ()


def test_a_tile_is_its_hashes() -> None:
    """256 hashes and no others are a complete tile; 1 to 256 are read."""
    data = b"".join(LEAVES[:256])
    assert tile_data(LEAVES[:256]) == data
    assert tile_hashes(data) == tuple(LEAVES[:256])
    assert tile_hashes(LEAVES[0]) == (LEAVES[0],)
    assert tile_root(data) == root_of(LEAVES[:256])
    assert tile_root(data[:96]) == node_hash(node_hash(LEAVES[0], LEAVES[1]), LEAVES[2])
    for hashes in (LEAVES[:255], LEAVES[:257], [*LEAVES[:255], b"x" * 31], [*LEAVES[:255], b"x" * 33]):
        with pytest.raises(TreeError):
            tile_data(hashes)
    for wrong in (b"", data + bytes(32), data[:-1], data[:33], bytes(31)):
        with pytest.raises(TreeError) as caught:
            tile_hashes(wrong)
        assert caught.value.args == ()


def test_the_hash_of_a_span_comes_from_its_tiles() -> None:
    """Also where a span is two perfect subtrees in two tiles, on two levels."""
    tiles = {Tile(0, 0): b"".join(LEAVES[:256]), Tile(0, 1, 44): b"".join(LEAVES[256:300])}
    tiles[Tile(1, 0, 1)] = root_of(LEAVES[:256])
    for start, stop in ((0, 1), (255, 256), (256, 300), (0, 256), (0, 300), (128, 256), (288, 300)):
        span = Span(start, stop)
        assert span_hash(span, 300, tiles) == root_of(LEAVES[start:stop])
        assert set(tiles_for([span], 300)) <= set(tiles)
    assert tiles_for([Span(0, 300)], 300) == (Tile(0, 1, 44), Tile(1, 0, 1))
    assert tiles_for([Span(0, 1), Span(256, 257)], 300) == (Tile(0, 0), Tile(0, 1, 44))
    asked = {tile: tiles[tile] for tile in tiles_for([Span(0, 300)], 300)}
    for tile, data in asked.items():
        for wrong in (data + bytes(32), data[:-32], b""):
            with pytest.raises(TreeError) as caught:
                span_hash(Span(0, 300), 300, {**asked, tile: wrong})
            assert caught.value.args == ()
