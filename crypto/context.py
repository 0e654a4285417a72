"""Every label and every domain of the house: what a key or a blob is for, said in bytes.

1. A label goes into a key derivation (BLAKE2b's ``person``), a domain stands first in what is authenticated.
2. A label is ASCII, at most 16 bytes, and stands for one purpose; none is used twice.
3. A domain is ASCII and ends in NUL, so that none is the beginning of another.
4. After the domain come fixed-width parts in a fixed order, big-endian; ids are their 16 raw bytes.

The formats are in docs/formats.md. A number or an id that does not fit its place is an OpenError.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from crypto.errors import Blob, OpenError

Random = Callable[[int], bytes]
"""A source of ``n`` random bytes, handed in by the caller (``os.urandom`` in the service)."""

# Labels for keys that are derived from another key (formats.md, Labels).
LABEL_KID: Final = b"tsn1.kid"
LABEL_USER_X25519: Final = b"tsn1.usr.x25519"
LABEL_GROUP_X25519: Final = b"tsn1.grp.x25519"
LABEL_GROUP_ED25519: Final = b"tsn1.grp.ed25519"
LABEL_GROUP_WRAP: Final = b"tsn1.grp.wrap"
LABEL_GROUP_INDEX: Final = b"tsn1.grp.index"
LABEL_FINGERPRINT: Final = b"tsn1.fpr"
LABEL_PASSWORD_KEK: Final = b"tsn1.pw.kek"
LABEL_SESSION_ID: Final = b"tsn1.sess.id"
LABEL_SESSION_KEY: Final = b"tsn1.sess.key"
LABEL_SESSION_FORM: Final = b"tsn1.sess.form"
LABEL_SESSION_LOG: Final = b"tsn1.sess.log"
LABEL_TOTP_KEY: Final = b"tsn1.totp.key"
LABEL_ROW: Final = b"tsn1.row"
LABEL_ROOT_PROOF: Final = b"tsn1.root.proof"
LABEL_ROOT_FILE: Final = b"tsn1.root.file"
LABEL_IDEMPOTENCY: Final = b"tsn1.idem"
LABEL_DEVICE: Final = b"tsn1.device"
LABEL_CURSOR: Final = b"tsn1.cursor"
LABEL_THROTTLE: Final = b"tsn1.throttle"
LABEL_WITNESS: Final = b"tsn1.witness"

# Labels of the root wrap: the outer layer of everything at rest.
ROOT_UNLOCK: Final = b"tsn1.unlock"
ROOT_MEMBER: Final = b"tsn1.member"
ROOT_CSK: Final = b"tsn1.csk"
ROOT_TOTP: Final = b"tsn1.totp"
ROOT_DETAIL: Final = b"tsn1.detail"
ROOT_LABELS: Final = frozenset({ROOT_UNLOCK, ROOT_MEMBER, ROOT_CSK, ROOT_TOTP, ROOT_DETAIL})

# Labels of keyed hashes that the service may ask for by name (rowmac.keyed_hash).
HASH_LABELS: Final = frozenset({LABEL_IDEMPOTENCY, LABEL_DEVICE, LABEL_CURSOR, LABEL_THROTTLE, LABEL_WITNESS})

# Domains.
DOMAIN_FIELD: Final = b"TSN1-FIELD\0"
DOMAIN_ROOT: Final = b"TSN1-ROOT\0"
DOMAIN_CSK: Final = b"TSN1-CSK\0"
DOMAIN_BUNDLE: Final = b"TSN1-BUNDLE\0"
DOMAIN_GRANT: Final = b"TSN1-GRANT\0"
DOMAIN_GRANT_SIGNATURE: Final = b"TSN1-GRANTSIG\0"
DOMAIN_MEMBER: Final = b"TSN1-MEMBER\0"
DOMAIN_UNLOCK: Final = b"TSN1-UNLOCK\0"
DOMAIN_SESSION: Final = b"TSN1-SESS\0"
DOMAIN_WORDS: Final = b"TSN1-WORDS\0"
DOMAIN_CONSENT: Final = (
    b"TSN1-CONSENT\0"  # written by the package `consent`; named here so that it is used once
)
DOMAIN_SEARCH: Final = b"TSN1-SIDX\0"  # reserved for the search chunks

# Domains of row MACs: rows that give power, one domain a table (formats.md, Row MAC).
ROW_USER: Final = b"TSN1-ROW-USER\0"
ROW_ORGANISATION: Final = b"TSN1-ROW-ORGANISATION\0"
ROW_COLLABORATION: Final = b"TSN1-ROW-COLLABORATION\0"
ROW_SECTION: Final = b"TSN1-ROW-SECTION\0"
ROW_GROUP: Final = b"TSN1-ROW-GROUP\0"
ROW_PIN: Final = b"TSN1-ROW-PIN\0"
ROW_MEMBER: Final = b"TSN1-ROW-MEMBER\0"
ROW_CASE: Final = b"TSN1-ROW-CASE\0"
ROW_ASSIGNMENT: Final = b"TSN1-ROW-ASSIGNMENT\0"
ROW_APPOINTMENT: Final = b"TSN1-ROW-APPOINTMENT\0"
ROW_SESSION: Final = b"TSN1-ROW-SESSION\0"
ROW_SERIES: Final = b"TSN1-ROW-SERIES\0"
ROW_REQUEST: Final = b"TSN1-ROW-REQUEST\0"
ROW_BUNDLE: Final = b"TSN1-ROW-BUNDLE\0"
ROW_WITNESS: Final = b"TSN1-ROW-WITNESS\0"
ROW_DISCLOSURE: Final = b"TSN1-ROW-DISCLOSURE\0"
ROW_DOMAINS: Final = frozenset(
    {
        ROW_USER,
        ROW_ORGANISATION,
        ROW_COLLABORATION,
        ROW_SECTION,
        ROW_GROUP,
        ROW_PIN,
        ROW_MEMBER,
        ROW_CASE,
        ROW_ASSIGNMENT,
        ROW_APPOINTMENT,
        ROW_SESSION,
        ROW_SERIES,
        ROW_REQUEST,
        ROW_BUNDLE,
        ROW_WITNESS,
        ROW_DISCLOSURE,
    }
)

U8: Final = struct.Struct(">B")
U16: Final = struct.Struct(">H")
U32: Final = struct.Struct(">I")
U64: Final = struct.Struct(">Q")
_FIELD_END: Final = struct.Struct(">HHQ")
_BUNDLE_END: Final = struct.Struct(">IQ")
_COST: Final = struct.Struct(">IIB")


def ids(*parts: bytes) -> bytes:
    """The ids one after the other; each is exactly 16 bytes, else OpenError."""
    for part in parts:
        if len(part) != 16:
            raise OpenError(Blob.CONTEXT)
    return b"".join(parts)


def exactly(size: int, part: bytes) -> bytes:
    """``part`` itself; OpenError where it is not ``size`` bytes long."""
    if len(part) != size:
        raise OpenError(Blob.CONTEXT)
    return part


def numbers(layout: struct.Struct, *values: int) -> bytes:
    """The numbers in ``layout``; OpenError where one does not fit."""
    try:
        return layout.pack(*values)
    except struct.error:
        raise OpenError(Blob.CONTEXT) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldContext:
    """The place of one value: a sealed value opens at its own place and version and nowhere else.

    ``tenant`` is the owning organisation, ``record`` the case again for single fields and the request or
    row in thread slots; ids are 16 bytes, ``slot`` and ``column`` u16, ``version`` u64.
    """

    tenant: bytes
    case: bytes
    record: bytes
    slot: int
    version: int
    column: int = 0

    def encode(self) -> bytes:
        """The 60 bytes after the domain and the head in the AAD of a field value."""
        end = numbers(_FIELD_END, self.slot, self.column, self.version)
        return ids(self.tenant, self.case, self.record) + end


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleContext:
    """The place of an owner's own bundle: case, group and epoch, and the version that every write raises."""

    tenant: bytes
    case: bytes
    group: bytes
    group_epoch: int
    version: int

    def encode(self) -> bytes:
        """``ad`` of formats.md, Own bundle (72 bytes)."""
        end = numbers(_BUNDLE_END, self.group_epoch, self.version)
        return DOMAIN_BUNDLE + ids(self.tenant, self.case, self.group) + end


def member_context(group: bytes, epoch: int, user: bytes, user_public: bytes) -> bytes:
    """``ad`` of formats.md, Member seal (80 bytes)."""
    return DOMAIN_MEMBER + ids(group) + numbers(U32, epoch) + ids(user) + exactly(32, user_public)


def unlock_context(method: int, user: bytes, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    """``ad`` of formats.md, Unlock (54 bytes); ``cost`` is (m in KiB, t, p)."""
    return DOMAIN_UNLOCK + numbers(U8, method) + ids(user, salt) + numbers(_COST, *cost)


def session_context(sid: bytes, user: bytes, expiry: int) -> bytes:
    """AAD of formats.md, Session (66 bytes)."""
    return DOMAIN_SESSION + exactly(32, sid) + ids(user) + numbers(U64, expiry)


def shred_context(tenant: bytes, case: bytes) -> bytes:
    """Context of the root wrap of a case's shred key (32 bytes)."""
    return ids(tenant, case)


def detail_context(tree: bytes, index: int) -> bytes:
    """Context of the root wrap of a log detail: the tree's 16-byte id and the entry's index (24 bytes)."""
    return ids(tree) + numbers(U64, index)
