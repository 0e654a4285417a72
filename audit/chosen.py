"""The entries of a bundle that holds one case's only: they prove that they are in the log, not that they are all."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from audit.errors import EntryError
from audit.layout import tile_of_leaf
from audit.leaf import MAX_LEAF, scan_leaf
from audit.scan import Read, Step, VerifyError, read_tile
from audit.tiles import WIDTH, tile_hashes
from audit.tree import leaf_hash

CHOSEN = "leaves"
_LINE = re.compile(rb"(0|[1-9][0-9]{0,12}) ([^\n]*)")
_MARGIN = 16  # bytes of a line beside its leaf


@dataclass(slots=True)
class Chosen:
    """How many entries were read, and the times of the first and the last."""

    read: int = 0
    first: str = ""
    last: str = ""


def write_chosen(index: int, leaf: bytes) -> bytes:
    """The line of an entry in the file ``leaves``."""
    return b"%d %s\n" % (index, leaf)


def check_chosen(read: Read, file: BinaryIO, case: str, size: int) -> Chosen:
    """The entries in ``file``, each one naming ``case`` and in its place in the tiles of a tree of ``size``.

    Raises VerifyError: ENTRIES, LEAF, SCOPE, TIME, TILE.
    """
    found, last = Chosen(), -1
    for line in _lines(file):
        parts = _LINE.fullmatch(line)
        if parts is None or not last < int(parts[1]) < size:
            raise VerifyError(Step.ENTRIES, max(last, 0))
        index = int(parts[1])
        _check(read, case, index, parts[2], size, found)
        last = index
    return found


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream, each ended by a newline, none longer than a leaf may be."""
    while line := file.readline(MAX_LEAF + _MARGIN):
        if not line.endswith(b"\n"):
            raise VerifyError(Step.ENTRIES)
        yield line[:-1]


def _check(read: Read, case: str, index: int, leaf: bytes, size: int, found: Chosen) -> None:
    """One entry: its rules, its case, its time, its place."""
    try:
        said = scan_leaf(leaf)
    except EntryError as error:
        raise VerifyError(Step.LEAF, index, error.fault) from None
    if said["sub"] != case:
        raise VerifyError(Step.SCOPE, index)
    if said["t"] < found.last:
        raise VerifyError(Step.TIME, index)
    tile = tile_of_leaf(index, size)
    if tile_hashes(read_tile(read, tile))[index % WIDTH] != leaf_hash(leaf):
        raise VerifyError(Step.TILE, index)
    found.read += 1
    found.first, found.last = found.first or said["t"], said["t"]
