"""Each format once more, from the page alone: libsodium, hashlib and joined bytes, nothing of the product.

The inputs and outputs are those of tests/vectors/crypto-*.json.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

from argon2.low_level import Type, hash_secret_raw
from nacl import bindings

VECTORS = Path(__file__).parents[1] / "vectors"
CASE_AND_TENANT: Final = b"\x10" * 16 + b"\x20" * 16


class Frozen:
    """The inputs and outputs of one file; hex is read as bytes."""

    def __init__(self, name: str) -> None:
        self.data = json.loads((VECTORS / f"crypto-{name}.json").read_text("utf-8"))

    def given(self, key: str) -> bytes:
        return bytes.fromhex(self.data["inputs"][key])

    def number(self, key: str) -> int:
        return int(self.data["inputs"][key])

    def stored(self, key: str = "blob") -> bytes:
        return bytes.fromhex(self.data["outputs"][key])


def b2(data: bytes, key: bytes = b"", person: bytes = b"", size: int = 32) -> bytes:
    return hashlib.blake2b(data, digest_size=size, key=key, person=person).digest()


def sub(key: bytes, label: bytes) -> bytes:
    return b2(b"", key=key, person=label)


def u(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def unlayer(key: bytes, blob: bytes, aad: bytes) -> bytes:
    assert blob[:1] == b"\x01"
    return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(blob[25:], aad, blob[1:25], key)


def unroot(known: Frozen, label: bytes, context: bytes) -> bytes:
    aad = b"TSN1-ROOT\0" + label + b"\0" + context
    return unlayer(sub(known.given("root_key"), label), known.stored(), aad)


def x25519(seed: bytes, label: bytes) -> tuple[bytes, bytes]:
    secret = sub(seed, label)
    return bindings.crypto_scalarmult_base(secret), secret


def test_field_value_as_written() -> None:
    """The head commits to the key, and the AAD is the head and the place."""
    known = Frozen("field")
    blob, key = known.stored(), known.given("slot_key")
    assert blob[:38] == b"\x01\x01" + u(7, 4) + sub(key, b"tsn1.kid")
    place = known.given("tenant") + known.given("case") + known.given("record")
    aad = b"TSN1-FIELD\0" + blob[:38] + place + u(3, 2) + u(4, 2) + u(5, 8)
    padded = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(blob[62:], aad, blob[38:62], key)
    assert padded == ("山田 太郎".encode() + b"\x80").ljust(64, b"\0")


def test_root_wraps_as_written() -> None:
    """Label and context stand in the AAD, the label chooses the key."""
    assert unroot(Frozen("root"), b"tsn1.detail", b"place") == b"detail"
    assert unroot(Frozen("shred"), b"tsn1.csk", CASE_AND_TENANT) == Frozen("shred").given("shred_key")
    detail = Frozen("detail")
    assert unroot(detail, b"tsn1.detail", detail.given("tree") + u(41, 8)) == b"203.0.113.9"
    index = sub(detail.given("group_seed"), b"tsn1.grp.index")
    words = unlayer(index, detail.stored("words"), b"TSN1-WORDS\0" + detail.given("request"))
    assert words == "やまだ".encode()


def test_bundle_as_written() -> None:
    """The key list lies under the group's wrap key, and that under the shred key."""
    known = Frozen("bundle")
    ids = known.given("tenant") + known.given("case") + known.given("group")
    ad = b"TSN1-BUNDLE\0" + ids + u(2, 4) + u(9, 8)
    inner = unlayer(known.given("shred_key"), known.stored(), b"TSN1-CSK\0" + ad)
    listed = unlayer(sub(known.given("group_seed"), b"tsn1.grp.wrap"), inner, ad)
    entries = sorted((e["slot"], e["thread"], e["epoch"], e["key"]) for e in known.data["inputs"]["entries"])
    body = b"".join(u(s, 2) + bytes.fromhex(t) + u(e, 4) + bytes.fromhex(k) for s, t, e, k in entries)
    assert listed == u(3, 2) + body + bytes(7 * 54)
    assert listed == Frozen("key-list").stored("list")


def grant_header(known: Frozen) -> bytes:
    terms = known.data["inputs"]["terms"]
    order = (
        "grant tenant case from_group from_epoch to_group to_epoch to_public series event_hash policy_digest"
    )
    parts = [terms[name] for name in order.split()]
    fixed = b"".join(u(part, 4) if isinstance(part, int) else bytes.fromhex(part) for part in parts)
    entries = sorted((e["slot"], e["epoch"], e["key"]) for e in known.data["inputs"]["entries"])
    slots = b"".join(u(s, 2) + u(e, 4) + sub(bytes.fromhex(k), b"tsn1.kid") for s, e, k in entries)
    return b"TSN1-GRANT\0" + fixed + u(terms["not_after"], 8) + u(len(entries), 2) + slots


def test_grant_as_written() -> None:
    """Header, sealed keys, signature and digest are those of the page."""
    known = Frozen("grant")
    header = known.stored("header")
    assert header == grant_header(known)
    box = unlayer(known.given("shred_key"), known.stored("sealed"), b"TSN1-CSK\0" + header)
    assert b2(box) == known.stored("digest")
    keys = bindings.crypto_box_seal_open(box, *x25519(known.given("to_seed"), b"tsn1.grp.x25519"))
    entries = sorted((e["slot"], e["key"]) for e in known.data["inputs"]["entries"])
    assert keys == b"".join(bytes.fromhex(key) for _, key in entries)
    signed = b"TSN1-GRANTSIG\0" + b2(header + b2(box), size=64)
    public, _ = bindings.crypto_sign_seed_keypair(sub(known.given("from_seed"), b"tsn1.grp.ed25519"))
    assert bindings.crypto_sign_open(known.stored("signature") + signed, public) == signed


def test_member_seal_as_written() -> None:
    """The sealed box holds a hash of its place and the group's seed."""
    known = Frozen("member")
    public, secret = x25519(known.given("user_seed"), b"tsn1.usr.x25519")
    ad = b"TSN1-MEMBER\0" + known.given("group") + u(2, 4) + known.given("user") + public
    message = bindings.crypto_box_seal_open(unroot(known, b"tsn1.member", ad), public, secret)
    assert message == b2(ad) + known.given("group_seed")


def test_unlock_as_written() -> None:
    """Method, user, salt and cost are authenticated twice, and the key comes from Argon2id."""
    known = Frozen("unlock")
    salt = known.stored("salt")
    ad = b"TSN1-UNLOCK\0" + u(1, 1) + known.given("user") + salt + u(8, 4) + u(1, 4) + u(1, 1)
    password = str(known.data["inputs"]["password"]).encode()
    raw = hash_secret_raw(password, salt, 1, 8, 1, 32, Type.ID, 19)
    assert unlayer(sub(raw, b"tsn1.pw.kek"), unroot(known, b"tsn1.unlock", ad), ad) == known.given("seed")


def test_session_as_written() -> None:
    """The database's id is a hash of the token, the key another one."""
    known = Frozen("session")
    token = known.given("token")
    sid = b2(token, person=b"tsn1.sess.id")
    aad = b"TSN1-SESS\0" + sid + known.given("user") + u(known.number("expiry"), 8)
    assert known.stored("id") == sid
    assert unlayer(sub(token, b"tsn1.sess.key"), known.stored(), aad) == known.given("seed")
    assert known.stored("log") == sub(token, b"tsn1.sess.log")[:16]


def test_totp_as_written() -> None:
    """The secret lies under a key from the user's seed, and that under the root key."""
    known = Frozen("totp")
    inner = unroot(known, b"tsn1.totp", known.given("user"))
    key = sub(known.given("seed"), b"tsn1.totp.key")
    assert unlayer(key, inner, known.given("user")) == known.given("secret")


def test_row_mac_as_written() -> None:
    """Domain, count, lengths, columns and version, under the row key."""
    known = Frozen("row")
    columns = [bytes.fromhex(column) for column in known.data["inputs"]["columns"]]
    body = b"".join(u(len(column), 4) + column for column in columns)
    data = b"TSN1-ROW-USER\0" + u(len(columns), 2) + body + u(12, 8)
    assert known.stored("mac") == b2(data, key=sub(known.given("root_key"), b"tsn1.row"))
    assert columns == [b"tnpo_coordinator", b"x\x01\x02", b"n", b"i7", b"b1"]


def test_derived_keys_as_written() -> None:
    """Every derived key is a subkey under its label."""
    known = Frozen("keys")
    group = known.given("group_seed")
    assert known.stored("user_x25519") == x25519(known.given("user_seed"), b"tsn1.usr.x25519")[0]
    assert known.stored("group_x25519") == x25519(group, b"tsn1.grp.x25519")[0]
    public, _ = bindings.crypto_sign_seed_keypair(sub(group, b"tsn1.grp.ed25519"))
    assert known.stored("group_ed25519") == public
    assert known.stored("group_wrap") == sub(group, b"tsn1.grp.wrap")
    both = known.stored("group_x25519") + public
    mark = b2(both, person=b"tsn1.fpr")
    assert known.stored("fingerprint") == mark
    digits = [int.from_bytes(mark[at : at + 4], "big") % 10_000 for at in range(0, 32, 4)]
    assert known.data["outputs"]["read_aloud"] == " ".join(f"{group:04}" for group in digits)


def test_sizes_are_those_of_the_formats_page() -> None:
    """docs/formats.md says how long each blob is, and it is."""
    sizes = {
        "shred": 73,
        "bundle": 624,
        "member": 153,
        "unlock": 114,
        "session": 73,
        "totp": 102,
        "field": 142,
    }
    assert {name: len(Frozen(name).stored()) for name in sizes} == sizes
    parts = {"header": 221 + 3 * 38, "sealed": 89 + 3 * 32, "signature": 64, "digest": 32}
    assert {part: len(Frozen("grant").stored(part)) for part in parts} == parts
