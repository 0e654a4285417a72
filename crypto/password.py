"""The password opens the user's seed, and that is the password check: no hash of it is stored anywhere.

1. Cost parameters come from a row that an attacker may have written: they are clamped before the KDF runs,
   and the root key's layer, which authenticates them, is opened before it too.
2. Passwords are NFC-normalised (Unicode §3.11), so that the same keys typed on two machines are one password.
3. For a user who does not exist ``burn`` spends the same time.

Argon2id v1.3 (RFC 9106). Format: docs/formats.md, Unlock.
"""

import enum
import unicodedata
from dataclasses import dataclass, field
from typing import Final, Self

from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw

from crypto import aead, context
from crypto.context import Random
from crypto.envelope import root_open, root_wrap
from crypto.errors import Blob, OpenError
from crypto.keys import RootKey

SALT: Final = 16


class Method(enum.IntEnum):
    """What opens the seed; part of the stored format, never renumbered."""

    PASSWORD = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgonCost:
    """What one guess costs: memory in KiB, passes, lanes. None out of bounds can be made: OpenError(UNLOCK).

    Bounds: 8 to 256 MiB, 1 to 10 passes, 1 lane.
    """

    m_kib: int
    t: int
    p: int = 1
    unsafe_weak: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        least = 8 if self.unsafe_weak else 8 << 10
        if not (least <= self.m_kib <= 256 << 10 and 1 <= self.t <= 10 and self.p == 1):
            raise OpenError(Blob.UNLOCK)

    @classmethod
    def weak_for_tests(cls, m_kib: int = 8, t: int = 1) -> Self:
        """A cost that protects nothing and takes no time; practice and tests only."""
        return cls(m_kib=m_kib, t=t, unsafe_weak=True)

    @classmethod
    def read(cls, m_kib: int, t: int, p: int, *, house: "ArgonCost") -> Self:
        """A row's cost; weak only where the house's own cost is weak. Out of bounds: OpenError(UNLOCK)."""
        return cls(m_kib=m_kib, t=t, p=p, unsafe_weak=house.unsafe_weak)


DEFAULT: Final = ArgonCost(m_kib=64 << 10, t=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """A user's row: fresh salt (16 bytes), cost, and the seed closed under password and root key."""

    salt: bytes
    cost: ArgonCost
    blob: bytes


def lock_seed(
    password: str,
    seed: bytes,
    user: bytes,
    method: Method,
    cost: ArgonCost,
    root: RootKey,
    random: Random,
) -> Unlock:
    """The seed (32 bytes) closed under the password, with a salt drawn now; ``user`` is a 16-byte id."""
    salt = random(SALT)
    ad = _context(method, user, salt, cost)
    inner = aead.seal(_kek(password, salt, cost), context.exactly(32, seed), ad, random)
    return Unlock(salt=salt, cost=cost, blob=root_wrap(root, context.ROOT_UNLOCK, inner, ad, random))


def open_seed(password: str, unlock: Unlock, user: bytes, method: Method, root: RootKey) -> bytes:
    """The seed; OpenError for a wrong password, another user's row, a changed byte or another root key."""
    ad = _context(method, user, unlock.salt, unlock.cost)
    inner = root_open(root, context.ROOT_UNLOCK, unlock.blob, ad)
    seed = aead.unseal(_kek(password, unlock.salt, unlock.cost), inner, ad, Blob.UNLOCK)
    if len(seed) != 32:
        raise OpenError(Blob.UNLOCK)
    return seed


def burn(password: str, cost: ArgonCost) -> None:
    """The time of ``open_seed`` and nothing else, for a user who does not exist."""
    _kek(password, bytes(SALT), cost)


def _context(method: Method, user: bytes, salt: bytes, cost: ArgonCost) -> bytes:
    return context.unlock_context(method, user, salt, (cost.m_kib, cost.t, cost.p))


def _kek(password: str, salt: bytes, cost: ArgonCost) -> bytes:
    """The key from the password; lone surrogates pass, so that no string ends the work early."""
    secret = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    raw = hash_secret_raw(
        secret=secret,
        salt=salt,
        time_cost=cost.t,
        memory_cost=cost.m_kib,
        parallelism=cost.p,
        hash_len=32,
        type=Type.ID,
        version=ARGON2_VERSION,
    )
    return aead.subkey(raw, context.LABEL_PASSWORD_KEK)
