"""A session: the user's seed under a token that only the browser or the program holds.

The database keeps a hash of the token and the closed seed; at rest a session cannot be opened by anybody.
Format: docs/formats.md, Session.
"""

import base64
import binascii
import hmac
import re
from typing import Final

from crypto import aead, context
from crypto.context import Random
from crypto.errors import Blob, OpenError

TOKEN: Final = 32
_TOKEN_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_token(random: Random) -> bytes:
    """A fresh token: 32 random bytes."""
    return random(TOKEN)


def write_token(token: bytes) -> str:
    """The token for a cookie or a bearer header: 43 characters of base64url without ``=`` (RFC 4648 §5)."""
    return _text(context.exactly(TOKEN, token))


def read_token(text: str) -> bytes:
    """The token that ``write_token`` wrote; OpenError(SESSION) for any other text."""
    if _TOKEN_TEXT.fullmatch(text) is None:
        raise OpenError(Blob.SESSION)
    try:
        token = base64.urlsafe_b64decode(text + "=")
    except binascii.Error:
        raise OpenError(Blob.SESSION) from None
    if _text(token) != text:
        raise OpenError(Blob.SESSION)
    return token


def session_id(token: bytes) -> bytes:
    """The 32 bytes under which the session is stored; they do not lead back to the token."""
    return aead.blake2b(
        context.exactly(TOKEN, token), digest_size=32, person=context.LABEL_SESSION_ID
    ).digest()


def seal_session(token: bytes, seed: bytes, user: bytes, expiry: int, random: Random) -> bytes:
    """The seed under the token, bound to the user (16-byte id) and to the expiry (Unix seconds)."""
    place = context.session_context(session_id(token), user, expiry)
    key = aead.subkey(token, context.LABEL_SESSION_KEY)
    return aead.seal(key, context.exactly(32, seed), place, random)


def open_session(token: bytes, blob: bytes, user: bytes, expiry: int) -> bytes:
    """The seed; OpenError(SESSION) for another token or user, or where the row's expiry was changed.

    Whether the expiry has passed is the caller's to compare: there is no clock here.
    """
    if len(token) != TOKEN:
        raise OpenError(Blob.SESSION)
    place = context.session_context(session_id(token), user, expiry)
    seed = aead.unseal(aead.subkey(token, context.LABEL_SESSION_KEY), blob, place, Blob.SESSION)
    if len(seed) != 32:
        raise OpenError(Blob.SESSION)
    return seed


def form_token(token: bytes) -> str:
    """The token that every form of this session carries; it is worth nothing in another session."""
    return _text(aead.subkey(token, context.LABEL_SESSION_FORM))


def is_form_token(token: bytes, text: str) -> bool:
    """Whether ``text`` is this session's form token; takes the same time always."""
    return hmac.compare_digest(form_token(token).encode(), text.encode("utf-8", "surrogatepass"))


def log_mark(token: bytes) -> bytes:
    """16 bytes that name the session in the log: salted by the token, so they lead nowhere without it."""
    return aead.subkey(token, context.LABEL_SESSION_LOG)[:16]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
