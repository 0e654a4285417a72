"""The one layout of authenticated encryption: ``01 ‖ nonce 24 ‖ ciphertext and tag``; subkeys; sealed boxes.

XChaCha20-Poly1305-IETF with a fresh random nonce (draft-irtf-cfrg-xchacha), BLAKE2b (RFC 7693) with a
``person`` for derivation, and libsodium's ``crypto_box_seal``. All else in this package stands on these.
"""

import hashlib
from typing import Final

from nacl import exceptions
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_box_easy,
    crypto_box_seal_open,
    crypto_scalarmult_base,
)

from crypto.context import Random
from crypto.errors import Blob, OpenError

VERSION: Final = b"\x01"
NONCE: Final = 24
TAG: Final = 16
OVERHEAD: Final = 1 + NONCE + TAG
LARGEST: Final = 1 << 24
"""No blob above 16 MiB is looked at."""
BOX_OVERHEAD: Final = 48

blake2b = hashlib.blake2b


def subkey(key: bytes, label: bytes) -> bytes:
    """The 32-byte key for one purpose: BLAKE2b-256(key, "", person = label) (formats.md, Labels)."""
    return blake2b(b"", digest_size=32, key=key, person=label).digest()


def digest(data: bytes) -> bytes:
    """BLAKE2b-256 of ``data``, without key and person."""
    return blake2b(data, digest_size=32).digest()


def seal(key: bytes, message: bytes, associated: bytes, random: Random) -> bytes:
    """``message`` under ``key``, bound to ``associated``; 41 bytes longer than the message."""
    nonce = random(NONCE)
    return VERSION + nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(message, associated, nonce, key)


def unseal(key: bytes, blob: bytes, associated: bytes, what: Blob) -> bytes:
    """What ``seal`` was given, or OpenError naming ``what``."""
    if not OVERHEAD <= len(blob) <= LARGEST or blob[:1] != VERSION:
        raise OpenError(what)
    return decrypt(key, blob[25:], associated, blob[1:25], what)


def decrypt(key: bytes, ciphertext: bytes, associated: bytes, nonce: bytes, what: Blob) -> bytes:
    """The message of a bare ciphertext and tag, or OpenError naming ``what``."""
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, associated, nonce, key)
    except exceptions.CryptoError:
        raise OpenError(what) from None


def box_seal(message: bytes, public: bytes, random: Random) -> bytes:
    """``message`` to the holder of ``public``, byte for byte libsodium's ``crypto_box_seal``.

    libsodium draws the one-time key itself; here it is drawn from ``random``, so that a known answer exists.
    A public key of small order is refused (RFC 7748 §6.1): OpenError.
    """
    if len(public) != 32:
        raise OpenError(Blob.PUBLIC_KEY)
    secret = random(32)
    once = crypto_scalarmult_base(secret)
    nonce = blake2b(once + public, digest_size=NONCE).digest()
    try:
        return once + crypto_box_easy(message, nonce, public, secret)
    except exceptions.CryptoError:
        raise OpenError(Blob.PUBLIC_KEY) from None


def box_open(blob: bytes, public: bytes, secret: bytes, what: Blob) -> bytes:
    """What ``box_seal`` was given, or OpenError naming ``what``."""
    if not BOX_OVERHEAD <= len(blob) <= LARGEST:
        raise OpenError(what)
    try:
        return crypto_box_seal_open(blob, public, secret)
    except exceptions.CryptoError:
        raise OpenError(what) from None
