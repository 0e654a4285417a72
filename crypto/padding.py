"""Padding to a few lengths, so that a ciphertext does not tell how long a value is (ISO/IEC 7816-4).

The lengths are 64, 128, 256, 512, 1024, 2048, 4096 bytes and then multiples of 4096: the byte 80, then zeros.
"""

from typing import Final

from crypto.errors import Blob, OpenError

SMALLEST: Final = 64
STEP: Final = 4096


def padded_size(length: int) -> int:
    """The padded length, in bytes, of a value of ``length`` bytes: always at least one byte more."""
    if length < STEP:
        return max(SMALLEST, 1 << length.bit_length())
    return (length // STEP + 1) * STEP


def pad(value: bytes) -> bytes:
    """``value``, the byte 80, and zeros up to the next of the lengths."""
    return (value + b"\x80").ljust(padded_size(len(value)), b"\0")


def unpad(padded: bytes) -> bytes:
    """The value; OpenError where the padding is not exactly the one that ``pad`` would have made."""
    value = padded.rstrip(b"\0")
    if value[-1:] != b"\x80" or len(padded) != padded_size(len(value) - 1):
        raise OpenError(Blob.FIELD)
    return value[:-1]
