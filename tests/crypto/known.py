"""The practice keys and places of these tests, and one maker for each stored format.

The random bytes are a fixed stream, so that every format has one known answer (tests/vectors/crypto-*.json).
Nothing here protects anything.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from crypto import aead, context
from crypto.context import BundleContext, FieldContext
from crypto.detail import seal_detail, seal_words
from crypto.envelope import SlotKeyEntry, encode_key_list, root_wrap, seal_bundle, seal_field, seal_shred
from crypto.grant import GrantExpectation, GrantTerms
from crypto.keys import GroupKeys, RootKey, ShredKey, SlotKey, UserKeys, fingerprint, read_aloud
from crypto.notes import SignerKey, write_vkey
from crypto.password import ArgonCost, Method, lock_seed
from crypto.rowmac import column, keyed_hash, row_mac
from crypto.sealing import SealedGrant, seal_grant, seal_member
from crypto.session import form_token, log_mark, seal_session, session_id
from crypto.totp import base32, code_at, seal_totp


@dataclass(slots=True)
class Drip:
    """A stream of bytes that is the same in every run; it remembers how much was asked for."""

    label: str = "known answer"
    asked: int = 0

    def __call__(self, count: int) -> bytes:
        start = self.asked
        self.asked += count
        return hashlib.shake_256(self.label.encode()).digest(self.asked)[start:]


TENANT: Final = b"\x10" * 16
CASE: Final = b"\x20" * 16
RECORD: Final = b"\x30" * 16
CITY: Final = b"\x40" * 16
NPO: Final = b"\x50" * 16
USER: Final = b"\x60" * 16
THREAD: Final = b"\x70" * 16
GRANT: Final = b"\x80" * 16
SERIES: Final = b"\x90" * 16
TREE: Final = b"\xa0" * 16
EVENT_HASH: Final = b"\xb1" * 32
POLICY: Final = b"\xb2" * 32
NOT_AFTER: Final = 1_806_505_199
EXPIRY: Final = 1_779_000_000
PASSWORD: Final = "がんばらない 2026 no hashi"
TOKEN: Final = bytes(range(32, 64))
SECRET: Final = b"12345678901234567890"

ROOT: Final = RootKey(number=1, key=bytes(range(64, 96)))
OTHER_ROOT: Final = RootKey(number=2, key=bytes(range(65, 97)))
SHRED: Final = ShredKey(key=bytes(range(96, 128)))
OTHER_SHRED: Final = ShredKey(key=bytes(range(97, 129)))
CITY_KEYS: Final = GroupKeys.from_seed(b"\xc1" * 32)
NPO_KEYS: Final = GroupKeys.from_seed(b"\xc2" * 32)
THIRD_KEYS: Final = GroupKeys.from_seed(b"\xc3" * 32)
STAFF: Final = UserKeys.from_seed(b"\xd1" * 32)
COLLEAGUE: Final = UserKeys.from_seed(b"\xd2" * 32)
WEAK: Final = ArgonCost.weak_for_tests()

PLACE: Final = FieldContext(tenant=TENANT, case=CASE, record=RECORD, slot=3, column=4, version=5)
BUNDLE: Final = BundleContext(tenant=TENANT, case=CASE, group=CITY, group_epoch=2, version=9)
SLOT_KEY: Final = SlotKey(key=bytes(range(32)), epoch=7)
ENTRIES: Final = (
    SlotKeyEntry(slot=17, key=SlotKey(key=b"\x17" * 32, epoch=1)),
    SlotKeyEntry(slot=1, key=SlotKey(key=b"\x01" * 32, epoch=3)),
    SlotKeyEntry(slot=16, thread=THREAD, key=SlotKey(key=b"\x16" * 32, epoch=2)),
)
TERMS: Final = GrantTerms(
    grant=GRANT,
    tenant=TENANT,
    case=CASE,
    from_group=CITY,
    from_epoch=2,
    to_group=NPO,
    to_epoch=4,
    to_public=NPO_KEYS.x25519_public,
    series=SERIES,
    event_hash=EVENT_HASH,
    policy_digest=POLICY,
    not_after=NOT_AFTER,
)
EXPECTED: Final = GrantExpectation(
    tenant=TENANT,
    case=CASE,
    from_group=CITY,
    from_epoch=2,
    to_group=NPO,
    to_epoch=4,
    to_public=NPO_KEYS.x25519_public,
    series=SERIES,
    event_hash=EVENT_HASH,
    not_after=NOT_AFTER,
    slots=frozenset({1, 16, 17, 18}),
)
COLUMNS: Final = (column("npo_coordinator"), column(b"\x01\x02"), column(None), column(7), column(True))


def granted(terms: GrantTerms = TERMS, entries: tuple[SlotKeyEntry, ...] = ENTRIES) -> SealedGrant:
    """A grant of the city to the NPO."""
    return seal_grant(terms, entries, SHRED, CITY_KEYS, Drip())


def regranted(row: SealedGrant, **parts: bytes) -> SealedGrant:
    """The stored grant with one column changed."""
    return replace(row, **parts)


def make_field() -> dict[str, str]:
    return {"blob": seal_field(SLOT_KEY, "山田 太郎".encode(), PLACE, lambda n: bytes(range(n))).hex()}


def make_root() -> dict[str, str]:
    return {"blob": root_wrap(ROOT, context.ROOT_DETAIL, b"detail", b"place", Drip()).hex()}


def make_shred() -> dict[str, str]:
    return {"blob": seal_shred(ROOT, SHRED, TENANT, CASE, Drip()).hex()}


def make_key_list() -> dict[str, str]:
    return {"list": encode_key_list(ENTRIES).hex()}


def make_bundle() -> dict[str, str]:
    return {"blob": seal_bundle(ENTRIES, SHRED, CITY_KEYS, BUNDLE, Drip()).hex()}


def make_grant() -> dict[str, str]:
    row = granted()
    return {
        "header": row.header.hex(),
        "sealed": row.sealed.hex(),
        "signature": row.signature.hex(),
        "digest": row.digest.hex(),
    }


def make_member() -> dict[str, str]:
    return {"blob": seal_member(ROOT, CITY_KEYS.seed, CITY, 2, USER, STAFF.public, Drip()).hex()}


def make_unlock() -> dict[str, str]:
    unlock = lock_seed(PASSWORD, STAFF.seed, USER, Method.PASSWORD, WEAK, ROOT, Drip())
    return {"salt": unlock.salt.hex(), "blob": unlock.blob.hex()}


def make_session() -> dict[str, str]:
    return {
        "id": session_id(TOKEN).hex(),
        "blob": seal_session(TOKEN, STAFF.seed, USER, EXPIRY, Drip()).hex(),
        "form": form_token(TOKEN),
        "log": log_mark(TOKEN).hex(),
    }


def make_totp() -> dict[str, str]:
    blob = seal_totp(ROOT, STAFF.seed, SECRET, USER, Drip())
    return {"blob": blob.hex(), "base32": base32(SECRET), "code_at_step_1": code_at(SECRET, 1)}


def make_row() -> dict[str, str]:
    return {
        "mac": row_mac(ROOT, context.ROW_USER, COLUMNS, 12).hex(),
        "idempotency": keyed_hash(ROOT, context.LABEL_IDEMPOTENCY, b"request").hex(),
        "device": keyed_hash(ROOT, context.LABEL_DEVICE, b"request").hex(),
        "cursor": keyed_hash(ROOT, context.LABEL_CURSOR, b"request").hex(),
        "throttle": keyed_hash(ROOT, context.LABEL_THROTTLE, b"request").hex(),
    }


def make_detail() -> dict[str, str]:
    return {
        "blob": seal_detail(ROOT, b"203.0.113.9", TREE, 41, Drip()).hex(),
        "words": seal_words(CITY_KEYS, "やまだ".encode(), RECORD, Drip()).hex(),
    }


def make_keys() -> dict[str, str]:
    mark = fingerprint(CITY_KEYS.x25519_public, CITY_KEYS.ed25519_public)
    return {
        "user_x25519": STAFF.public.hex(),
        "group_x25519": CITY_KEYS.x25519_public.hex(),
        "group_ed25519": CITY_KEYS.ed25519_public.hex(),
        "group_wrap": CITY_KEYS.wrap.hex(),
        "group_index": CITY_KEYS.index.hex(),
        "fingerprint": mark.hex(),
        "read_aloud": read_aloud(mark),
        "root_file": ROOT.write_unsafe_text(),
        "root_proof": ROOT.proof().hex(),
        "digest_of_nothing": aead.digest(b"").hex(),
    }


def make_note() -> dict[str, str]:
    signer = SignerKey(name="log.tsunagi.example/kat", algorithm=1, seed=b"\x01" * 32)
    log, witness = (
        signer.verifier(),
        SignerKey(name="npo.example/w1", algorithm=4, seed=b"\x02" * 32).verifier(),
    )
    return {
        "log": write_vkey(log.name, log.public),
        "witness": write_vkey(witness.name, witness.public, 4),
        "signer": signer.write_unsafe_text(),
    }


MAKERS: Final = {
    "field": make_field,
    "root": make_root,
    "shred": make_shred,
    "key-list": make_key_list,
    "bundle": make_bundle,
    "grant": make_grant,
    "member": make_member,
    "unlock": make_unlock,
    "session": make_session,
    "totp": make_totp,
    "row": make_row,
    "detail": make_detail,
    "keys": make_keys,
    "note": make_note,
}
