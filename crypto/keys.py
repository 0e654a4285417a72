"""The keys of the house: what each is, and which is derived from which (docs/keys.md).

1. A key prints no byte of itself, is compared in constant time, and cannot be hashed or pickled by accident.
2. Every derived key comes from one secret and one label of crypto/context.py.
3. A slot key is random and derived from nothing: handing one over tells nothing about another.
"""

import hmac
import re
import struct
from dataclasses import dataclass, field
from typing import ClassVar, Final, NoReturn, Self

from nacl.bindings import crypto_scalarmult_base, crypto_sign_seed_keypair

from crypto import context
from crypto.aead import blake2b, subkey
from crypto.errors import Blob, KeyMissingError, OpenError

_ROOT_TEXT: Final = re.compile(
    r"tsunagi-root-key:([1-9][0-9]{0,8}):([0-9a-f]{64}):([0-9a-f]{8})\n?", re.ASCII
)
_EIGHT: Final = struct.Struct(">8I")


class Secret:
    """A thing that holds key bytes: its text form is its type's name, equality takes the same time always."""

    __slots__ = ()
    __hash__: ClassVar[None]  # type: ignore[assignment] # unhashable on purpose: no key in a set or a dict

    def secret_bytes(self) -> bytes:
        """The bytes that two equal keys have in common."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret) or type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self.secret_bytes(), other.secret_bytes())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")


def _thirty_two(key: bytes) -> None:
    if len(key) != 32:
        raise ValueError("a key has 32 bytes")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RootKey(Secret):
    """The service's root key number ``number`` (from 1): the outer layer of everything at rest."""

    number: int
    key: bytes

    def __post_init__(self) -> None:
        _thirty_two(self.key)
        if not 1 <= self.number <= 999_999_999:
            raise ValueError("a root key's number starts at 1")

    def secret_bytes(self) -> bytes:
        return context.U32.pack(self.number) + self.key

    def proof(self) -> bytes:
        """32 bytes that may stand in the database: at start they tell the right root key from a wrong one."""
        return subkey(self.key, context.LABEL_ROOT_PROOF)

    def write_unsafe_text(self) -> str:
        """The key in clear, the text of the root key's file: number, 64 hex digits, check word, newline."""
        check = blake2b(self.secret_bytes(), digest_size=4, person=context.LABEL_ROOT_FILE).hexdigest()
        return f"tsunagi-root-key:{self.number}:{self.key.hex()}:{check}\n"

    @classmethod
    def read_text(cls, text: str) -> Self:
        """The key that ``write_unsafe_text`` wrote; OpenError for anything else, a missing digit included."""
        found = _ROOT_TEXT.fullmatch(text)
        if found is None:
            raise OpenError(Blob.ROOT_KEY)
        root = cls(number=int(found[1]), key=bytes.fromhex(found[2]))
        if root.write_unsafe_text().rstrip("\n") != text.rstrip("\n"):
            raise OpenError(Blob.ROOT_KEY)
        return root


@dataclass(frozen=True, slots=True, kw_only=True)
class RootKeys:
    """The root keys in use: what is new goes under ``current``; ``older`` ones open what they closed."""

    current: RootKey
    older: tuple[RootKey, ...] = ()

    def by_number(self, number: int) -> RootKey:
        """The root key of that number; KeyMissingError where the house does not hold it."""
        for root in (self.current, *self.older):
            if root.number == number:
                return root
        raise KeyMissingError(number)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SlotKey(Secret):
    """The random key of one slot of a case (in thread slots: slot and recipient), at one key epoch."""

    key: bytes
    epoch: int
    _kid: bytes = field(init=False, default=b"")

    def __post_init__(self) -> None:
        _thirty_two(self.key)

    def secret_bytes(self) -> bytes:
        return context.U32.pack(self.epoch) + self.key

    @property
    def kid(self) -> bytes:
        """The key's public name, 32 bytes; it commits to the key (formats.md, Field value: why kid)."""
        if not self._kid:  # reckoned once, and only for keys that are used
            object.__setattr__(self, "_kid", subkey(self.key, context.LABEL_KID))
        return self._kid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ShredKey(Secret):
    """A case's shred key, the outer layer of its bundle and grants: deleting it erases the case."""

    key: bytes

    def __post_init__(self) -> None:
        _thirty_two(self.key)

    def secret_bytes(self) -> bytes:
        return self.key


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UserKeys(Secret):
    """A user's keys, all from the seed that the password opens; ``public`` is X25519 (RFC 7748)."""

    seed: bytes
    public: bytes
    secret: bytes

    def secret_bytes(self) -> bytes:
        return self.seed

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The keys of a 32-byte seed; the same seed gives the same keys for ever."""
        _thirty_two(seed)
        secret = subkey(seed, context.LABEL_USER_X25519)
        return cls(seed=seed, public=crypto_scalarmult_base(secret), secret=secret)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GroupKeys(Secret):
    """A group's keys at one epoch, all from its seed.

    ``x25519_*`` receives grants, ``ed25519_*`` signs them (RFC 8032; ``ed25519_signing`` is libsodium's
    64 bytes), ``wrap`` closes the own bundles, ``index`` the search words.
    """

    seed: bytes
    x25519_public: bytes
    x25519_secret: bytes
    ed25519_public: bytes
    ed25519_signing: bytes
    wrap: bytes
    index: bytes

    def secret_bytes(self) -> bytes:
        return self.seed

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The keys of a 32-byte seed; the same seed gives the same keys for ever."""
        _thirty_two(seed)
        secret = subkey(seed, context.LABEL_GROUP_X25519)
        public, signing = crypto_sign_seed_keypair(subkey(seed, context.LABEL_GROUP_ED25519))
        return cls(
            seed=seed,
            x25519_public=crypto_scalarmult_base(secret),
            x25519_secret=secret,
            ed25519_public=public,
            ed25519_signing=signing,
            wrap=subkey(seed, context.LABEL_GROUP_WRAP),
            index=subkey(seed, context.LABEL_GROUP_INDEX),
        )


def fingerprint(x25519_public: bytes, ed25519_public: bytes) -> bytes:
    """The 32 bytes that name a group's two public keys, for pins, consent events and the log."""
    both = context.exactly(32, x25519_public) + context.exactly(32, ed25519_public)
    return blake2b(both, digest_size=32, person=context.LABEL_FINGERPRINT).digest()


def read_aloud(mark: bytes) -> str:
    """A fingerprint as eight groups of four digits, to be compared in person or by phone."""
    return " ".join(f"{group % 10_000:04d}" for group in _EIGHT.unpack(context.exactly(32, mark)))
