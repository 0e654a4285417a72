"""Base64 as the log's formats use it: padded, standard alphabet, one text for each value."""

import base64
import binascii


def read_base64(text: str) -> bytes | None:
    """The bytes, or None where encoding them would give another text (spare bits, no padding)."""
    try:
        data = base64.b64decode(text)
    except (binascii.Error, ValueError):
        return None
    return data if write_base64(data) == text else None


def write_base64(data: bytes) -> str:
    """The text of the bytes."""
    return base64.b64encode(data).decode()
