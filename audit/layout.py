"""Where things lie in C2SP tlog-tiles, and the bytes of an entry bundle: for the service, exports and verifiers.

Paths stand below the log's prefix: ``checkpoint``, ``tile/<L>/<N>[.p/<W>]``, ``tile/entries/<N>[.p/<W>]``.
A path is read only if writing it again gives the same text.
"""

import re
from collections.abc import Iterator, Sequence

from audit.errors import LayoutError
from audit.leaf import MAX_LEAF
from audit.tiles import WIDTH, Tile

CHECKPOINT = "checkpoint"
MAX_BUNDLE = WIDTH * (2 + MAX_LEAF)  # bytes of one entry bundle
_LEVELS = 6  # levels of hash tiles that a tree of 2^40 leaves can have
_MOST_TILES = 2**32  # tiles of one level in such a tree
_NAME = re.compile(r"tile/(entries|[0-5])/((?:x[0-9]{3}/){0,3}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


def tile_path(tile: Tile) -> str:
    """The path of a tile of hashes, such as ``tile/0/x001/x234/067`` or ``tile/1/000.p/17``."""
    return f"tile/{tile.level}/{_number(tile)}"


def bundle_path(tile: Tile) -> str:
    """The path of the entry bundle whose hashes are the level-0 tile ``tile``."""
    return f"tile/entries/{_number(tile)}"


def _number(tile: Tile) -> str:
    """The number in groups of three digits, all but the last with an ``x``; the width of a partial tile behind."""
    rest, group = divmod(tile.number, 1000)
    text = f"{group:03d}"
    while rest:
        rest, group = divmod(rest, 1000)
        text = f"x{group:03d}/{text}"
    return text if tile.width == WIDTH else f"{text}.p/{tile.width}"


def read_path(path: str) -> tuple[Tile, bool]:
    """The tile that a path names, and whether it is its bundle of entries; raises LayoutError for any other text."""
    found = _NAME.fullmatch(path)
    if found is None:
        raise LayoutError
    entries = found[1] == "entries"
    number = int(found[2].replace("x", "").replace("/", ""))
    tile = Tile(0 if entries else int(found[1]), number, int(found[3] or WIDTH))
    if tile.width > WIDTH or number >= _MOST_TILES or path != (bundle_path if entries else tile_path)(tile):
        raise LayoutError
    return tile, entries


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of hashes of a tree of ``size``: the complete ones and, last of each level, the partial one."""
    for level in range(_LEVELS):
        hashes = size >> 8 * level
        yield from _row(level, hashes)
        if hashes < WIDTH:
            return


def bundles_of(size: int, first: int = 0) -> Iterator[Tile]:
    """The level-0 tiles, from number ``first`` on, whose entry bundles hold the leaves of a tree of ``size``."""
    return _row(0, size, first)


def tile_of_leaf(index: int, size: int) -> Tile:
    """The level-0 tile of entry ``index`` in a tree of ``size``."""
    number = index // WIDTH
    return Tile(0, number, min(WIDTH, size - number * WIDTH))


def _row(level: int, hashes: int, first: int = 0) -> Iterator[Tile]:
    complete, rest = divmod(hashes, WIDTH)
    yield from (Tile(level, number) for number in range(first, complete))
    if rest and first <= complete:
        yield Tile(level, complete, rest)


def write_bundle(leaves: Sequence[bytes | None]) -> bytes:
    """An entry bundle: each leaf behind its length as u16 big-endian; a leaf without text has length 0."""
    return b"".join(len(leaf or b"").to_bytes(2, "big") + (leaf or b"") for leaf in leaves)


def read_bundle(data: bytes, width: int) -> list[bytes | None]:
    """The ``width`` leaves of an entry bundle, None where one has no text.

    Raises LayoutError unless the bytes are exactly so many entries of at most 2,048 bytes.
    """
    leaves: list[bytes | None] = []
    at, end = 0, len(data)
    for _ in range(width):
        start = at + 2
        if start > end:
            raise LayoutError
        at = start + (data[at] << 8 | data[at + 1])
        if at > end or at - start > MAX_LEAF:
            raise LayoutError
        leaves.append(data[start:at] if at > start else None)
    if at != end:
        raise LayoutError
    return leaves
