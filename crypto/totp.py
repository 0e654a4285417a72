"""The second factor: time-based one-time passwords (RFC 6238): SHA-1, six digits, 30 seconds, one step aside.

1. A code counts once: a step not later than the last one accepted is refused.
2. The secret is closed under the user's own seed and the root key: neither alone gives a code.

Format: docs/formats.md, TOTP secret.
"""

import base64
import hmac
import re
import struct
from typing import Final
from urllib.parse import quote

from crypto import aead, context
from crypto.context import Random
from crypto.envelope import root_open, root_wrap
from crypto.errors import Blob, OpenError
from crypto.keys import RootKey

SECRET: Final = 20
STEP: Final = 30
"""Seconds a code is shown."""
WINDOW: Final = (0, -1, 1)
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)
_TRUNCATED: Final = struct.Struct(">I")


def new_secret(random: Random) -> bytes:
    """A fresh secret: 20 random bytes (RFC 4226 §4, R6)."""
    return random(SECRET)


def step_at(now: int) -> int:
    """The number of the 30-second step that Unix second ``now`` lies in."""
    return now // STEP


def code_at(secret: bytes, step: int) -> str:
    """The six digits of one step (RFC 4226 §5.3)."""
    mac = hmac.digest(secret, context.numbers(context.U64, step), "sha1")
    (number,) = _TRUNCATED.unpack_from(mac, mac[-1] & 0x0F)
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06d}"


def accept(secret: bytes, code: str, now: int, last_step: int | None) -> int | None:
    """The step of ``code``, to be stored as the next ``last_step``; None where the code does not count.

    ``now`` is in Unix seconds; the step before and the step after count too (RFC 6238 §5.2), each once.
    """
    if _CODE.fullmatch(code) is None:
        return None
    found: int | None = None
    for offset in WINDOW:
        step = step_at(now) + offset
        fresh = step >= 0 and (last_step is None or step > last_step)
        if fresh and hmac.compare_digest(code_at(secret, step), code) and found is None:
            found = step
    return found


def seal_totp(root: RootKey, seed: bytes, secret: bytes, user: bytes, random: Random) -> bytes:
    """The secret under the user's seed and the root key; ``user`` is a 16-byte id."""
    ad = context.ids(user)
    inner = aead.seal(_key(seed), context.exactly(SECRET, secret), ad, random)
    return root_wrap(root, context.ROOT_TOTP, inner, ad, random)


def open_totp(root: RootKey, seed: bytes, blob: bytes, user: bytes) -> bytes:
    """The secret; OpenError for another user's row, another seed, or any changed byte."""
    ad = context.ids(user)
    secret = aead.unseal(_key(seed), root_open(root, context.ROOT_TOTP, blob, ad), ad, Blob.TOTP)
    if len(secret) != SECRET:
        raise OpenError(Blob.TOTP)
    return secret


def _key(seed: bytes) -> bytes:
    return aead.subkey(context.exactly(32, seed), context.LABEL_TOTP_KEY)


def base32(secret: bytes) -> str:
    """The secret as it is typed into an authenticator: base32 without ``=`` (RFC 4648 §6)."""
    return base64.b32encode(secret).rstrip(b"=").decode("ascii")


def otpauth(secret: bytes, issuer: str, account: str) -> str:
    """The address that an authenticator scans; ``issuer`` and ``account`` may be any text."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    query = f"secret={base32(secret)}&issuer={quote(issuer, safe='')}&algorithm=SHA1&digits=6&period={STEP}"
    return f"otpauth://totp/{label}?{query}"
