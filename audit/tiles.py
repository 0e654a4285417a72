"""Tiles of C2SP tlog-tiles: the tree's hashes in rows of 256, written once when they are complete.

A tile of level L and number n holds the hashes of 256 perfect subtrees of 256^L leaves each. Only complete
tiles are stored; what is not complete yet is read as a partial tile: at level 0 from the entries' leaf
hashes, above from the roots of the complete tiles below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.errors import TreeError
from audit.tree import HASH_SIZE, Span, fold, root_of

WIDTH = 256  # hashes in a complete tile
_HEIGHT = 8  # levels of the tree in one level of tiles


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Where a tile stands, and how many hashes it holds (256 when complete)."""

    level: int
    number: int
    width: int = WIDTH


def completed_tiles(old: int, new: int) -> tuple[Tile, ...]:
    """The tiles that become complete when the tree grows from ``old`` to ``new`` leaves, lowest level first.

    Raises TreeError where the tree would shrink.
    """
    if not 0 <= old <= new:
        raise TreeError
    tiles: list[Tile] = []
    level = 0
    while new >> _HEIGHT * (level + 1):
        shift = _HEIGHT * (level + 1)
        tiles.extend(Tile(level, number) for number in range(old >> shift, new >> shift))
        level += 1
    return tuple(tiles)


def tile_data(hashes: Sequence[bytes]) -> bytes:
    """The 8,192 bytes of a complete tile: from 256 leaf hashes at level 0, above from 256 roots of tiles.

    Raises TreeError for any other number or length of hashes.
    """
    if len(hashes) != WIDTH or any(len(one) != HASH_SIZE for one in hashes):
        raise TreeError
    return b"".join(hashes)


def tile_hashes(data: bytes) -> tuple[bytes, ...]:
    """The hashes in a tile's bytes, complete or partial; raises TreeError where they are no whole hashes."""
    if not 0 < len(data) <= WIDTH * HASH_SIZE or len(data) % HASH_SIZE:
        raise TreeError
    return tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))


def tile_root(data: bytes) -> bytes:
    """The root over a tile's hashes: one hash of the tile above."""
    return root_of(tile_hashes(data))


def tiles_for(spans: Sequence[Span], size: int) -> tuple[Tile, ...]:
    """The tiles to read for the hashes of ``spans`` in a tree of ``size``: O(log size) of them, sorted.

    The last one of a level may be partial: its ``width`` says how many hashes the tree of that size has.
    """
    return tuple(sorted({_tile_of(part, size) for span in spans for part in _parts(span)}))


def span_hash(span: Span, size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    """The hash of a span that a proof asks for, from the bytes of the tiles that ``tiles_for`` named.

    Raises TreeError where a tile is missing or has another length than its width.
    """
    return fold([_part_hash(part, size, tiles) for part in _parts(span)])


def _parts(span: Span) -> list[Span]:
    """The span's perfect subtrees, largest first; a proof's spans start where their largest one may start."""
    parts: list[Span] = []
    start = span.start
    while start < span.stop:
        width = 1 << (span.stop - start).bit_length() - 1
        parts.append(Span(start, start + width))
        start += width
    return parts


def _place(part: Span) -> tuple[int, int, int]:
    """Where a perfect subtree's hashes are: the level of tiles, the first hash, and one past the last."""
    height = (part.stop - part.start).bit_length() - 1
    level = height // _HEIGHT
    return level, part.start >> _HEIGHT * level, part.stop >> _HEIGHT * level


def _tile_of(part: Span, size: int) -> Tile:
    """The tile that holds a perfect subtree's hashes in a tree of ``size``."""
    level, first, _ = _place(part)
    number = first // WIDTH
    return Tile(level, number, min(WIDTH, (size >> _HEIGHT * level) - number * WIDTH))


def _part_hash(part: Span, size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    """The hash of a perfect subtree, folded from its tile."""
    tile = _tile_of(part, size)
    data = tiles.get(tile)
    if data is None or len(data) != tile.width * HASH_SIZE:
        raise TreeError
    _, first, stop = _place(part)
    start = (first - tile.number * WIDTH) * HASH_SIZE
    return root_of(tile_hashes(data[start : start + (stop - first) * HASH_SIZE]))
