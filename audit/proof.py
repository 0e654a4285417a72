"""Checking proofs of RFC 6962, and their text form (C2SP tlog-proof), for those who trust only a root.

Rules:
1. Every hash is 32 bytes, and there are exactly as many as the sizes ask for: none missing, none ignored.
2. About an empty tree nothing can be proved but that it is empty.
3. The index and the sizes come from whoever checks or from the signed note, never from the hashes.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.errors import ProofError, ProofFault
from audit.text import read_base64, write_base64
from audit.tree import EMPTY_ROOT, HASH_SIZE, consistency_path, inclusion_path, node_hash

MAX_PROOF = 65_536  # bytes of text, the note included
_MAX_HASHES = 64

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_EXTRA = re.compile(r"extra ([A-Za-z0-9+/]*={0,2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofText:
    """A proof to keep and to hand on: the leaf's index, the inclusion proof, the signed note with the root.

    ``extra`` is whatever the writer put in; nothing signs it.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes | None = None


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return only if the leaf with this hash is number ``index`` in the tree of ``size`` and ``root``.

    RFC 6962 §2.1.1. Raises ProofError.
    """
    _check_hashes(leaf_hash, root, *proof)
    path = inclusion_path(index, size)
    if len(path) != len(proof):
        raise ProofError(ProofFault.LENGTH)
    node = leaf_hash
    for span, sibling in zip(path, proof, strict=True):
        node = node_hash(sibling, node) if span.start < index else node_hash(node, sibling)
    _check_root(node, root)


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Return only if the tree of size ``new`` and ``new_root`` begins with that of ``old`` and ``old_root``.

    RFC 6962 §2.1.2. Raises ProofError. A tree is consistent with itself by the empty proof; from the empty
    tree to a larger one there is no proof, because nothing is said.
    """
    if old == new:
        _check_same(new, proof, old_root, new_root)
        return
    _check_hashes(old_root, new_root, *proof)
    path = consistency_path(old, new)
    if len(path) != len(proof):
        raise ProofError(ProofFault.LENGTH)
    start, begun = (0, old_root) if path[0].start >= old else (1, proof[0])
    old_node = new_node = begun
    for span, sibling in zip(path[start:], proof[start:], strict=True):
        if span.start < old:  # a subtree on the left is part of both trees
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
        else:
            new_node = node_hash(new_node, sibling)
    _check_root(old_node, old_root)
    _check_root(new_node, new_root)


def _check_same(size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Refuse two roots for one size, and any hash beside them; the empty tree has one root only."""
    if size < 0:
        raise ProofError(ProofFault.SIZE)
    if proof:
        raise ProofError(ProofFault.LENGTH)
    _check_root(old_root, new_root)
    if size == 0:
        _check_root(new_root, EMPTY_ROOT)


def _check_hashes(*hashes: bytes) -> None:
    """Refuse a hash that is not 32 bytes: it could be two, or none."""
    if any(len(one) != HASH_SIZE for one in hashes):
        raise ProofError(ProofFault.HASH)


def _check_root(found: bytes, expected: bytes) -> None:
    """Refuse another root."""
    if not hmac.compare_digest(found, expected):
        raise ProofError(ProofFault.ROOT)


def write_proof(proof: ProofText) -> str:
    """The text of a proof, C2SP tlog-proof version 1, the signed note last."""
    lines = [_HEADER]
    if proof.extra is not None:
        lines.append(f"extra {write_base64(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines.extend(map(write_base64, proof.hashes))
    return "\n".join(lines) + "\n\n" + proof.note


def read_proof(text: str) -> ProofText:
    """The proof that ``text`` says; nothing in it is checked yet, neither the note nor the hashes.

    Raises ProofError(TEXT) for anything that ``write_proof`` would not write.
    """
    if len(text) > MAX_PROOF:
        raise ProofError(ProofFault.TEXT)
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    extra = _EXTRA.fullmatch(lines[1]) if len(lines) > 1 else None
    at = 1 if extra is None else 2
    index = _INDEX.fullmatch(lines[at]) if len(lines) > at else None
    if lines[0] != _HEADER or index is None or not gap or not note or len(lines) > at + 1 + _MAX_HASHES:
        raise ProofError(ProofFault.TEXT)
    hashes = tuple(_read_hash(line) for line in lines[at + 1 :])
    said = None if extra is None else read_base64(extra[1])
    if extra is not None and said is None:
        raise ProofError(ProofFault.TEXT)
    return ProofText(index=int(index[1]), hashes=hashes, note=note, extra=said)


def _read_hash(line: str) -> bytes:
    """The hash that a line of the proof says."""
    one = read_base64(line)
    if one is None or len(one) != HASH_SIZE:
        raise ProofError(ProofFault.TEXT)
    return one
