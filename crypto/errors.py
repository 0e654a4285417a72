"""What can go wrong in this package: a blob does not open, or a key is not there. Nothing else.

1. Everything that does not open or does not parse raises :class:`OpenError` and only it, whatever the cause.
2. No error carries a byte of a key, of a blob or of a value: an enum member or a key's number, no more.
"""

import enum


class Blob(enum.Enum):
    """Which format did not open."""

    CONTEXT = "context"
    FIELD = "field"
    ROOT = "root"
    ROOT_KEY = "root_key"
    KEY_LIST = "key_list"
    BUNDLE = "bundle"
    GRANT = "grant"
    MEMBER = "member"
    UNLOCK = "unlock"
    SESSION = "session"
    TOTP = "totp"
    DETAIL = "detail"
    ROW = "row"
    NOTE = "note"
    PUBLIC_KEY = "public_key"


class CryptoError(Exception):
    """Anything that this package refuses."""


class OpenError(CryptoError):
    """A blob, a row or a text form that does not open: damaged, moved, forged, or under another key.

    ``blob`` names the format. A wrong password is this error too (formats.md, Unlock).
    """

    def __init__(self, blob: Blob) -> None:
        super().__init__(blob.value)
        self.blob = blob


class KeyMissingError(CryptoError):
    """A row names a root key that this house does not hold; ``number`` is that key's number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
