"""Details of entries: what may be erased from beside the log. The leaf holds a salted commitment only.

A detail is closed under the root key, at its place in its tree; salt and detail go together (formats.md, Log detail).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from audit.event import detail_commitment
from crypto.detail import open_detail, seal_detail
from crypto.errors import OpenError
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.values import as_bytes, as_text


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Detail:
    """What stands beside an entry: the detail's bytes, and the randomness that closes it (32 and 24 bytes)."""

    text: bytes
    salt: bytes
    nonce: bytes

    @property
    def commitment(self) -> bytes:
        """What stands in the leaf, 32 bytes."""
        return detail_commitment(self.salt, self.text)


def write_detail(said: Mapping[str, str]) -> bytes:
    """The bytes of a detail: one JSON object, keys sorted."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _place(tx: Transaction, tree: int) -> bytes:
    """The 16 bytes that stand for the tree: the beginning of the SHA-256 of its origin."""
    found = tx.row("SELECT origin FROM tree WHERE number = ?", tree)
    if found is None:
        raise RuntimeError("no such tree")
    return sha256(as_text(found[0]).encode("utf-8")).digest()[:16]


def put_detail(tx: Transaction, tree: int, index: int, detail: Detail) -> None:
    """Keeps the detail of an entry that lands at ``index``."""
    sealed = seal_detail(tx.macs.root, detail.text, _place(tx, tree), index, lambda _: detail.nonce)
    tx.rows(
        "INSERT INTO detail (id, tree, idx, salt, ciphertext) VALUES (?, ?, ?, ?, ?)",
        (tree << 40) | index,
        tree,
        index,
        detail.salt,
        sealed,
    )


async def detail(tx: Transaction, tree: int, index: int, commitment: bytes) -> Mapping[str, str] | None:
    """The detail of an entry whose leaf commits to it, None where it was erased. Raises TamperedError."""
    found = tx.row("SELECT salt, ciphertext FROM detail WHERE id = ?", (tree << 40) | index)
    if found is None:
        return None
    try:
        text = open_detail(tx.macs.root, as_bytes(found[1]), _place(tx, tree), index)
    except OpenError:
        raise TamperedError("detail") from None
    salt = as_bytes(found[0])
    if len(salt) != 32 or detail_commitment(salt, text) != commitment:
        raise TamperedError("detail")
    said: Mapping[str, str] = json.loads(text)
    return said


async def erase_details(tx: Transaction, tree: int, first: int, stop: int) -> None:
    """Erases the details of the entries from ``first`` up to but not with ``stop``; their leaves stay."""
    tx.rows("DELETE FROM detail WHERE id >= ? AND id < ?", (tree << 40) | first, (tree << 40) | stop)


async def erase_sign_ins(tx: Transaction, tree: int, stop: int) -> None:
    """Erases where the sign-ins before the entry ``stop`` came from; other details stay."""
    tx.rows(
        "DELETE FROM detail WHERE id >= ? AND id < ? AND EXISTS ("
        "SELECT 1 FROM entry e WHERE e.id = detail.id AND e.ev >= 'login.' AND e.ev < 'login/')",
        tree << 40,
        (tree << 40) | stop,
    )
