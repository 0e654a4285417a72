"""The tree gives the roots of RFC 6962, however it grew."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import ProofError, TreeError
from audit.tree import (
    EMPTY,
    EMPTY_ROOT,
    Frontier,
    append,
    consistency_path,
    hashes_from,
    inclusion_path,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)
from tests.audit.examples import digest

KNOWN = json.loads((Path(__file__).parents[1] / "vectors" / "log.json").read_text("utf-8"))
LEAVES = [leaf_hash((KNOWN["leaf_template"] % at).encode()) for at in range(300)]


@pytest.mark.parametrize("size", [int(size) for size in KNOWN["roots"]])
def test_roots_are_the_known_answers(size: int) -> None:
    """The same leaves have the same root as in every other program (RFC 6962 §2.1)."""
    assert base64.b64encode(root_of(LEAVES[:size])).decode() == KNOWN["roots"][str(size)]


def test_leaf_and_node_hashes_differ_in_kind() -> None:
    """No inner node can be passed off as a leaf: the prefixes 00 and 01 differ (RFC 6962 §2.1)."""
    left, right = digest(1), digest(2)
    assert leaf_hash(left + right) != node_hash(left, right)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 90), max_size=8))
def test_growing_in_any_grouping_gives_one_tree(groups: list[int]) -> None:
    """A batch of entries gives the tree that single entries give."""
    leaves = [digest(at) for at in range(sum(groups))]
    grown, at = EMPTY, 0
    for count in groups:
        grown = append(grown, leaves[at : at + count])
        at += count
        assert Frontier.decode(grown.encode()) == grown
    single = EMPTY
    for leaf in leaves:
        single = append(single, [leaf])
    assert grown == single
    assert grown.root == _plain_root(leaves)


def _plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1 written down as it is defined there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(_plain_root(leaves[:half]), _plain_root(leaves[half:]))


def test_appending_leaves_the_old_frontier_alone() -> None:
    """A transaction that fails has not moved the tree."""
    before = append(EMPTY, LEAVES[:5])
    copy = before.encode()
    append(before, LEAVES[5:9])
    assert before.encode() == copy


def test_the_frontier_bytes_are_frozen() -> None:
    """The head row of an old database is read for ever."""
    frontier = append(EMPTY, LEAVES[:7])
    assert frontier.encode().hex() == KNOWN["frontier_of_7"]
    assert frontier.root == root_of(LEAVES[:7])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        EMPTY.encode()[:-1],
        EMPTY.encode() + bytes(32),
        b"\x02" + EMPTY.encode()[1:],
        append(EMPTY, LEAVES[:3]).encode()[:-32],
        append(EMPTY, LEAVES[:3]).encode()[:-1],
        append(EMPTY, LEAVES[:1]).encode() + b"\x00",
        b"\x01" + (2**41).to_bytes(8, "big") + bytes(32),
    ],
)
def test_a_damaged_frontier_is_refused(data: bytes) -> None:
    """A head row that no tree has stops the append and guesses nothing."""
    with pytest.raises(TreeError):
        Frontier.decode(data)


def test_a_hash_of_another_length_is_not_appended() -> None:
    """Only SHA-256 values are in the tree."""
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(TreeError):
            append(EMPTY, [wrong])
    with pytest.raises(TreeError):
        Frontier(1, (b"short",))


def test_a_proof_asks_for_few_hashes() -> None:
    """A proof in a log of a million million entries is forty hashes."""
    assert len(inclusion_path(12_345, 2**40)) == 40
    assert len(consistency_path(2**39 + 1, 2**40)) <= 41
    assert len(inclusion_proof(0, 300, hashes_from(LEAVES))) == 9


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 2**40 + 1)])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index: int, size: int) -> None:
    """An index that the tree does not have is refused."""
    with pytest.raises(ProofError):
        inclusion_path(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3), (1, 2**40 + 1)])
def test_there_is_no_consistency_proof_for_sizes_that_did_not_grow(old: int, new: int) -> None:
    """An empty or a shrunken tree has no consistency proof."""
    with pytest.raises(ProofError):
        consistency_path(old, new)
