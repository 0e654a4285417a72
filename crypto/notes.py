"""Ed25519 (RFC 8032) and the key texts of C2SP signed notes, for grants and for the log's checkpoints.

A verifier key is ``name+hash+base64(algorithm ‖ public key)``, a signer key
``PRIVATE+KEY+name+hash+base64(algorithm ‖ seed)``; the hash is the first four bytes of
SHA-256(name ‖ "\\n" ‖ algorithm ‖ public key), in hex (c2sp.org/signed-note).
Algorithm 1 is Ed25519, 4 a cosignature with time (c2sp.org/tlog-cosignature).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from nacl import exceptions
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from crypto.errors import Blob, OpenError
from crypto.keys import Secret

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
_ALGORITHMS: Final = frozenset({ED25519, COSIGNATURE})
_LONGEST: Final = 1024
_HASH: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)
_SIGNER: Final = "PRIVATE+KEY+"


def public_of(seed: bytes) -> bytes:
    """The 32-byte public key of a 32-byte Ed25519 seed."""
    return crypto_sign_seed_keypair(seed)[0]


def sign(seed: bytes, message: bytes) -> bytes:
    """The 64-byte signature; the same message gives the same signature (RFC 8032 §5.1.6)."""
    return sign_with(crypto_sign_seed_keypair(seed)[1], message)


def sign_with(signing: bytes, message: bytes) -> bytes:
    """As ``sign``, from libsodium's 64-byte signing key: spares deriving it from the seed."""
    return crypto_sign(message, signing)[:64]


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of ``public`` signed ``message``; keys and signatures of odd sizes never do."""
    if len(public) != 32 or len(signature) != 64:  # libsodium reads 32 bytes whatever it is handed
        return False
    try:
        crypto_sign_open(signature + message, public)
    except exceptions.CryptoError:
        return False
    return True


def note_key_id(name: str, public: bytes, algorithm: int = ED25519) -> bytes:
    """The four bytes that stand for the key in a signature line."""
    keyed = name.encode("utf-8") + b"\n" + bytes([algorithm]) + public
    return hashlib.sha256(keyed).digest()[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A key that verifies: its name, algorithm, the 32 public bytes and the four-byte id."""

    name: str
    algorithm: int
    public: bytes
    key_id: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SignerKey(Secret):
    """A key that signs under its name; ``seed`` has 32 bytes."""

    name: str
    algorithm: int
    seed: bytes

    def secret_bytes(self) -> bytes:
        return bytes([self.algorithm]) + self.seed + self.name.encode("utf-8")

    def verifier(self) -> VerifierKey:
        """The public half."""
        public = public_of(self.seed)
        return VerifierKey(
            name=self.name,
            algorithm=self.algorithm,
            public=public,
            key_id=note_key_id(self.name, public, self.algorithm),
        )

    def write_unsafe_text(self) -> str:
        """The signer key in clear, as it stands in the notary's file."""
        half = self.verifier()
        return _SIGNER + _write(self.name, half.key_id, bytes([self.algorithm]) + self.seed)

    @classmethod
    def read_text(cls, text: str) -> Self:
        """The key that ``write_unsafe_text`` wrote; OpenError(NOTE) for any other text."""
        if not text.startswith(_SIGNER):
            raise OpenError(Blob.NOTE)
        name, key_id, algorithm, seed = _read(text.removeprefix(_SIGNER))
        key = cls(name=name, algorithm=algorithm, seed=seed)
        if key.verifier().key_id != key_id:
            raise OpenError(Blob.NOTE)
        return key


def write_vkey(name: str, public: bytes, algorithm: int = ED25519) -> str:
    """The text of a verifier key; a name that is no key name: OpenError(NOTE)."""
    if not is_key_name(name) or algorithm not in _ALGORITHMS or len(public) != 32:
        raise OpenError(Blob.NOTE)
    return _write(name, note_key_id(name, public, algorithm), bytes([algorithm]) + public)


def read_vkey(text: str) -> VerifierKey:
    """The verifier key; OpenError(NOTE) for anything that ``write_vkey`` does not write."""
    name, key_id, algorithm, public = _read(text)
    if note_key_id(name, public, algorithm) != key_id:
        raise OpenError(Blob.NOTE)
    return VerifierKey(name=name, algorithm=algorithm, public=public, key_id=key_id)


def is_key_name(name: str) -> bool:
    """Whether ``name`` may name a key: printable, not empty, no space and no plus sign."""
    return 0 < len(name) <= 255 and name.isprintable() and not any(c.isspace() or c == "+" for c in name)


def _write(name: str, key_id: bytes, keyed: bytes) -> str:
    return f"{name}+{key_id.hex()}+{base64.b64encode(keyed).decode('ascii')}"


def _read(text: str) -> tuple[str, bytes, int, bytes]:
    """(name, key id, algorithm, 32 bytes), parsed strictly; whether the id fits is the caller's to check."""
    parts = text.split("+", 2)
    if (
        len(text) > _LONGEST
        or len(parts) != 3
        or not is_key_name(parts[0])
        or _HASH.fullmatch(parts[1]) is None
    ):
        raise OpenError(Blob.NOTE)
    try:
        keyed = base64.b64decode(parts[2], validate=True)
    except (binascii.Error, ValueError):
        raise OpenError(Blob.NOTE) from None
    if len(keyed) != 33 or keyed[0] not in _ALGORITHMS or base64.b64encode(keyed).decode("ascii") != parts[2]:
        raise OpenError(Blob.NOTE)
    return parts[0], bytes.fromhex(parts[1]), keyed[0], keyed[1:]
