"""The Merkle tree of RFC 6962 §2.1: hashes, a frontier that grows, and which hashes a proof needs.

Everything is a value: appending gives a new frontier, a proof is asked for by spans of leaves and built from
their hashes, wherever those are kept. Hashes are 32 bytes of SHA-256.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit.errors import ProofError, ProofFault, TreeError

HASH_SIZE = 32
MAX_SIZE = 2**40  # leaves in one tree; the index of an entry has 40 bits in the table's key
EMPTY_ROOT = hashlib.sha256().digest()

_FRONTIER_VERSION = 1
_sha256 = hashlib.sha256


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf: SHA-256(00 ‖ leaf), RFC 6962 §2.1."""
    return _sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(01 ‖ left ‖ right), RFC 6962 §2.1."""
    return _sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that appending needs of a tree: its size and the roots of its perfect subtrees, largest first."""

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse with TreeError what no tree has: one 32-byte hash for each bit of the size."""
        if not 0 <= self.size <= MAX_SIZE or len(self.hashes) != self.size.bit_count():
            raise TreeError
        if any(len(one) != HASH_SIZE for one in self.hashes):
            raise TreeError

    @property
    def root(self) -> bytes:
        """The tree's root, RFC 6962 §2.1; EMPTY_ROOT for no leaves."""
        return fold(self.hashes)

    def encode(self) -> bytes:
        """The bytes for the head row: version 01, size u64 big-endian, the hashes."""
        return struct.pack(">BQ", _FRONTIER_VERSION, self.size) + b"".join(self.hashes)

    @classmethod
    def decode(cls, data: bytes) -> "Frontier":
        """The frontier that ``encode`` wrote; raises TreeError for any other bytes."""
        if len(data) < 9 or (len(data) - 9) % HASH_SIZE or data[0] != _FRONTIER_VERSION:
            raise TreeError
        (size,) = struct.unpack_from(">Q", data, 1)
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(9, len(data), HASH_SIZE)))


EMPTY = Frontier(0, ())


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees, largest first, as the sizes' bits split a tree (RFC 6962 §2.1)."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for one in reversed(hashes[:-1]):
        root = node_hash(one, root)
    return root


def append(frontier: Frontier, leaf_hashes: Sequence[bytes]) -> Frontier:
    """The frontier after the leaves with these hashes; the old one stays as it is.

    Raises TreeError where a hash is not 32 bytes or the tree would grow over MAX_SIZE.
    """
    if any(len(one) != HASH_SIZE for one in leaf_hashes):
        raise TreeError
    size = frontier.size + len(leaf_hashes)
    held = iter(reversed(frontier.hashes))  # smallest subtree first, as the bits of the size
    kept: list[bytes] = []
    nodes = list(leaf_hashes)
    for level in range(max(size.bit_length(), frontier.size.bit_length())):
        if frontier.size >> level & 1:
            nodes.insert(0, next(held))
        if len(nodes) % 2:
            kept.append(nodes.pop())
        nodes = [node_hash(*pair) for pair in zip(nodes[::2], nodes[1::2], strict=True)]
    return Frontier(size, tuple(reversed(kept)))


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes, RFC 6962 §2.1."""
    return append(EMPTY, leaf_hashes).root


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The leaves from ``start`` up to but not with ``stop``; a proof is a list of their subtrees' hashes."""

    start: int
    stop: int


def frontier_spans(size: int) -> tuple[Span, ...]:
    """The perfect subtrees of a tree of ``size``, largest first: those whose roots its frontier holds."""
    spans: list[Span] = []
    start = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            spans.append(Span(start, start + (1 << level)))
            start += 1 << level
    return tuple(spans)


HashOf = Callable[[Span], bytes]


def split(size: int) -> int:
    """The largest power of two below ``size`` (at least 2): where RFC 6962 §2.1 splits a tree."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(index: int, size: int) -> tuple[Span, ...]:
    """The spans whose hashes prove leaf ``index`` in a tree of ``size``, nearest first (RFC 6962 §2.1.1).

    Raises ProofError(SIZE) where there is no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError(ProofFault.SIZE)
    path: list[Span] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            path.append(Span(middle, stop))
            stop = middle
        else:
            path.append(Span(start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_path(old: int, new: int) -> tuple[Span, ...]:
    """The spans whose hashes prove that the tree of ``new`` begins with that of ``old`` (RFC 6962 §2.1.2).

    Raises ProofError(SIZE) unless 0 < old <= new: about an empty tree there is nothing to prove.
    """
    if not 0 < old <= new <= MAX_SIZE:
        raise ProofError(ProofFault.SIZE)
    path: list[Span] = []
    start, stop = 0, new
    while old != stop:
        middle = start + split(stop - start)
        if old <= middle:
            path.append(Span(middle, stop))
            stop = middle
        else:
            path.append(Span(start, middle))
            start = middle
    if start:  # the old tree's last subtree; where it is the whole old tree its root is known already
        path.append(Span(start, stop))
    return tuple(reversed(path))


def inclusion_proof(index: int, size: int, hash_of: HashOf) -> tuple[bytes, ...]:
    """The inclusion proof of leaf ``index`` in the tree of ``size``: O(log size) calls of ``hash_of``."""
    return tuple(hash_of(span) for span in inclusion_path(index, size))


def consistency_proof(old: int, new: int, hash_of: HashOf) -> tuple[bytes, ...]:
    """The consistency proof from size ``old`` to size ``new``: O(log new) calls of ``hash_of``."""
    return tuple(hash_of(span) for span in consistency_path(old, new))


def hashes_from(leaf_hashes: Sequence[bytes]) -> HashOf:
    """What a proof asks, answered from all leaf hashes of the tree, in O(size) a call."""

    def hash_of(span: Span) -> bytes:
        return root_of(leaf_hashes[span.start : span.stop])

    return hash_of
