"""Builds the ciphertext of trap 2: one that XChaCha20-Poly1305 accepts under two keys.

Poly1305 (RFC 8439 §2.5) is a polynomial over a prime field with one secret point a key. Two tags are equal
where one linear equation holds, and one free block of ciphertext is enough to solve it.
"""

import struct
from itertools import count
from typing import Final

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

P: Final = 2**130 - 5
TOP: Final = 2**128
WORDS: Final = struct.unpack("<4I", b"expand 32-byte k")


def opens_under_both(one: bytes, other: bytes, associated: bytes) -> tuple[bytes, bytes]:
    """(64 bytes of ciphertext and the tag, nonce): both plaintexts end in the padding byte 80."""
    nonce, first, second = _nonce_with_equal_end(one, other)
    keys = [_poly_key(key, nonce) for key in (one, other)]
    for guess in count():
        body = guess.to_bytes(16, "little") + bytes(16) + bytes(31) + bytes([first[63] ^ 0x80])
        tag_and_block = _solve(keys, associated, body)
        if tag_and_block is not None:
            block, tag = tag_and_block
            return body[:16] + block + body[32:] + tag, nonce
    raise AssertionError(second)


def _nonce_with_equal_end(one: bytes, other: bytes) -> tuple[bytes, bytes, bytes]:
    for number in count():
        nonce = number.to_bytes(24, "big")
        streams = [
            crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(64), b"", nonce, key) for key in (one, other)
        ]
        if streams[0][63] == streams[1][63]:
            return nonce, streams[0], streams[1]
    raise AssertionError


def _solve(keys: list[tuple[int, int]], associated: bytes, body: bytes) -> tuple[bytes, bytes] | None:
    """The second block of the ciphertext and the tag that both keys agree on, or None for this body."""
    blocks = _blocks(associated, body)
    free = -(-len(associated) // 16) + 1
    (r1, s1), (r2, s2) = keys
    blocks[free] = 0
    start1, start2 = _evaluate(blocks, r1), _evaluate(blocks, r2)
    power = len(blocks) - free
    slope = (pow(r1, power, P) - pow(r2, power, P)) % P
    for carry in range(-4, 5):
        x = (s2 - s1 + carry * TOP - start1 + start2) * pow(slope, -1, P) % P
        if not TOP <= x < 2 * TOP:
            continue
        blocks[free] = x
        tags = {(_evaluate(blocks, r) + s) % TOP for r, s in keys}
        if len(tags) == 1:
            return (x - TOP).to_bytes(16, "little"), tags.pop().to_bytes(16, "little")
    return None


def _blocks(associated: bytes, body: bytes) -> list[int]:
    padded = associated + bytes(-len(associated) % 16) + body + bytes(-len(body) % 16)
    data = padded + struct.pack("<QQ", len(associated), len(body))
    return [TOP + int.from_bytes(data[at : at + 16], "little") for at in range(0, len(data), 16)]


def _evaluate(blocks: list[int], r: int) -> int:
    total = 0
    for block in blocks:
        total = (total + block) * r % P
    return total


def _poly_key(key: bytes, nonce: bytes) -> tuple[int, int]:
    """(r, s) of XChaCha20-Poly1305: the first bytes of block 0 (draft-irtf-cfrg-xchacha §2.3)."""
    state = _rounds([*WORDS, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce[:16])])
    sub = state[:4] + state[12:]
    start = [*WORDS, *sub, 0, 0, *struct.unpack("<2I", nonce[16:])]
    block = struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(start, _rounds(start), strict=True)))
    r = int.from_bytes(block[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    return r, int.from_bytes(block[16:32], "little")


def _rounds(state: list[int]) -> list[int]:
    """The twenty rounds of ChaCha20 (RFC 8439 §2.3), without the addition at the end."""
    x = list(state)
    columns = [(i, i + 4, i + 8, i + 12) for i in range(4)]
    diagonals = [(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4) for i in range(4)]
    for _ in range(10):
        for a, b, c, d in columns + diagonals:
            for left, right, into, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[left] = (x[left] + x[right]) & 0xFFFFFFFF
                mixed = x[into] ^ x[left]
                x[into] = (mixed << by | mixed >> (32 - by)) & 0xFFFFFFFF
    return x
