"""The one-file verifier's own Ed25519 judges every signature as libsodium does, the other side of each test here."""

import hashlib
import json
from pathlib import Path
from random import Random

import pytest
from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_base_noclamp

from audit import standalone
from crypto.notes import public_of, sign, verify

SHARED = Path(__file__).parents[3] / "shared" / "vectors"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/vectors beside the project")

ORDER = 2**252 + 27742317777372353535851937790883648493
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
SMALL_AND_LOOSE = [
    (y | sign << 255).to_bytes(32, "little")
    for sign in (0, 1)
    for y in (
        int.from_bytes(ORDER_8, "little"),
        2**255 - 19 - int.from_bytes(ORDER_8, "little"),
        *range(4),
        *range(2**255 - 22, 2**255),
    )
]
"""Encodings of the points of small order, and all those whose number is the prime or more."""


def scalar(number: int) -> bytes:
    """A number below the group's order, as 32 bytes."""
    return (number % ORDER).to_bytes(32, "little")


def point(number: int) -> bytes:
    """So many times the base point."""
    return crypto_scalarmult_ed25519_base_noclamp(scalar(number)) if number % ORDER else scalar(1)


def hashed(commitment: bytes, public: bytes, message: bytes) -> int:
    """The number that binds key and message to a signature (RFC 8032 §5.1.6)."""
    return int.from_bytes(hashlib.sha512(commitment + public + message).digest(), "little") % ORDER


def judged(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature holds, as libsodium and the one file both say."""
    found = standalone.is_signed(public, message, signature)
    assert found == verify(public, message, signature), (public, message, signature)
    return found


@needs_shared
def test_ed25519_is_that_of_wycheproof() -> None:
    """Valid signatures hold; forged, malleable and truncated ones do not."""
    groups = json.loads((SHARED / "wycheproof" / "ed25519_test.json").read_text("utf-8"))["testGroups"]
    cases = [(bytes.fromhex(group["publicKey"]["pk"]), test) for group in groups for test in group["tests"]]
    assert len(cases) > 100
    for public, test in cases:
        held = standalone.is_signed(public, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
        assert held == (test["result"] == "valid"), test


def test_signatures_are_judged_as_libsodium_judges_them() -> None:
    """Honest signatures hold; with a bit changed, a byte more or less, or a larger S they do not."""
    random = Random(1)
    for size in range(30):
        seed, message = random.randbytes(32), random.randbytes(size * 3)
        public, signature = public_of(seed), sign(seed, message)
        assert judged(public, message, signature)
        s = int.from_bytes(signature[32:], "little")
        for more in (ORDER, 2 * ORDER, 15 * ORDER):
            larger = s + more if s + more < 2**256 else s
            assert judged(public, message, signature[:32] + larger.to_bytes(32, "little")) == (larger == s)
        changed = bytearray(signature + public)
        changed[random.randrange(96)] ^= 1 << random.randrange(8)
        assert not judged(bytes(changed[64:]), message, bytes(changed[:64]))
        assert not judged(public, message + b"x", signature)
        for odd in (signature[:-1], signature + b"\x00", b"", random.randbytes(64)):
            assert not judged(public, message, odd)
        assert not judged(public[:-1], message, signature) and not judged(public + b"x", message, signature)


@pytest.mark.parametrize("encoding", SMALL_AND_LOOSE, ids=bytes.hex)
def test_keys_of_small_order_and_loose_encodings_never_hold(encoding: bytes) -> None:
    """A key with which anything verifies, and a point written in another way, are refused as libsodium does."""
    for number in (0, 1, 12345):
        assert not judged(encoding, b"message", point(number) + scalar(number))
        assert not judged(encoding, b"message", encoding + scalar(number))
    public = point(777)
    for commitment in (encoding, crypto_core_ed25519_add(point(5), point(6))):
        k = hashed(commitment, public, b"message")
        assert judged(public, b"message", commitment + scalar(k * 777 + 11)) == (commitment != encoding)


def test_keys_of_mixed_order_are_judged_as_libsodium_judges_them() -> None:
    """A key with a part of order 8 holds for one message in eight: the equation is not multiplied by 8."""
    public, commitment = crypto_core_ed25519_add(point(99), ORDER_8), point(7)
    held = []
    for number in range(40):
        message = b"%d" % number
        k = hashed(commitment, public, message)
        held.append(judged(public, message, commitment + scalar(7 + k * 99)))
        mixed = crypto_core_ed25519_add(commitment, ORDER_8)
        assert not judged(point(99), message, mixed + scalar(7 + hashed(mixed, point(99), message) * 99))
    assert {*held} == {True, False}
