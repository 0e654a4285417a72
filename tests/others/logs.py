"""Trees that the tests of this folder hand to other programs, as their leaves, their roots and their files."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from audit.tree import leaf_hash, root_of
from crypto.notes import SignerKey
from tests.audit.bundles import WITNESS, Log, entry_bundles, hash_tiles, save

LARGEST = 70_000
"""Leaves of the largest tree: three levels of tiles, the upper two of them partial."""

LEAVES = [b"leaf %d" % number for number in range(LARGEST)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
SIZES = (1, 2, 255, 256, 257, 700, 65_536, LARGEST)


@cache
def root(size: int) -> bytes:
    """Our root over the first ``size`` leaves."""
    return root_of(HASHES[:size])


def export(size: int, folder: Path, witnesses: Sequence[SignerKey] = (WITNESS,)) -> Path:
    """The first ``size`` leaves as a log in the layout of exports: checkpoint, tiles, entry bundles."""
    log = Log(leaves=LEAVES[:size], hashes=HASHES[:size], witnesses=witnesses)
    files = {"checkpoint": log.note().encode(), **hash_tiles(log.hashes), **entry_bundles(log.leaves)}
    return save(files, folder)


def damaged(data: bytes, at: int = 0) -> bytes:
    """The bytes with one bit of byte ``at`` turned."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
