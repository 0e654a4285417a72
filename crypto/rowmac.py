"""Row MACs: one UPDATE on a row that gives power is noticed when the row is next loaded.

1. Domain, number of columns, each column's length and the row's version are part of what is authenticated:
   no two different rows give the same bytes.
2. Keyed hashes for the service's other needs have a label of their own each.

Format: docs/formats.md, Row MAC.
"""

import hmac
from collections.abc import Sequence

from crypto import aead, context
from crypto.errors import Blob, OpenError
from crypto.keys import RootKey


def column(value: bytes | str | int | bool | None) -> bytes:
    """One column's bytes, with a letter for its type in front: NULL, empty text, 0 and false all differ."""
    match value:
        case None:
            return b"n"
        case bool():
            return b"b1" if value else b"b0"
        case int():
            return b"i" + str(value).encode("ascii")
        case str():
            return b"t" + value.encode("utf-8", "surrogatepass")
        case bytes():
            return b"x" + value


def row_mac(root: RootKey, domain: bytes, columns: Sequence[bytes], version: int) -> bytes:
    """The 32-byte MAC of a row; ``domain`` is a ROW_ constant of crypto/context.py, else ValueError."""
    if domain not in context.ROW_DOMAINS:
        raise ValueError("no domain of a row")
    parts = [domain, context.numbers(context.U16, len(columns))]
    for part in columns:
        parts += (context.numbers(context.U32, len(part)), part)
    parts.append(context.numbers(context.U64, version))
    key = aead.subkey(root.key, context.LABEL_ROW)
    return aead.blake2b(b"".join(parts), digest_size=32, key=key).digest()


def check_row(root: RootKey, domain: bytes, columns: Sequence[bytes], version: int, mac: bytes) -> None:
    """Nothing, where the row is the one that was written; OpenError(ROW) where any part of it was changed."""
    if not hmac.compare_digest(row_mac(root, domain, columns, version), mac):
        raise OpenError(Blob.ROW)


def keyed_hash(root: RootKey, label: bytes, data: bytes) -> bytes:
    """32 bytes that only this house computes from ``data``; ``label`` from HASH_LABELS, else ValueError."""
    if label not in context.HASH_LABELS:
        raise ValueError("no label of a keyed hash")
    return aead.blake2b(data, digest_size=32, key=aead.subkey(root.key, label)).digest()
