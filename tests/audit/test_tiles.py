"""Tiles are written once, when complete, and give every hash that a proof asks for."""

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import TreeError
from audit.tiles import Tile, completed_tiles, span_hash, tile_data, tile_hashes, tile_root, tiles_for
from audit.tree import EMPTY as NO_LEAVES
from audit.tree import (
    Span,
    append,
    consistency_path,
    consistency_proof,
    hashes_from,
    inclusion_path,
    inclusion_proof,
    node_hash,
    root_of,
)
from tests.audit.examples import digest

LEAVES = [digest(at) for at in range(256 * 3 + 17)]


def stored(leaves: list[bytes]) -> dict[Tile, bytes]:
    """The complete tiles as the append step writes them."""
    tiles: dict[Tile, bytes] = {}
    for tile in completed_tiles(0, len(leaves)):
        first = tile.number * 256
        below = (
            leaves[first : first + 256]
            if tile.level == 0
            else [tile_root(tiles[Tile(tile.level - 1, number)]) for number in range(first, first + 256)]
        )
        tiles[tile] = tile_data(below)
    return tiles


@functools.cache
def rows() -> dict[Tile, bytes]:
    """The tile table of the whole tree."""
    return stored(LEAVES)


def read(tile: Tile) -> bytes:
    """A tile as the store reads it: a row when complete, else leaf hashes or roots of rows."""
    if tile.width == 256:
        return rows()[tile]
    first = tile.number * 256
    if tile.level == 0:
        return b"".join(LEAVES[first : first + tile.width])
    return b"".join(tile_root(rows()[Tile(tile.level - 1, first + at)]) for at in range(tile.width))


@settings(max_examples=60)
@given(st.data())
def test_every_proof_can_be_built_from_tiles(data: st.DataObject) -> None:
    """A proof from tiles is the proof from all leaves, and reads few tiles."""
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    spans = inclusion_path(index, size) + consistency_path(old, size)
    named = tiles_for(spans, size)
    assert len(named) <= 12
    tiles = {tile: read(tile) for tile in named}

    def hash_of(span: Span) -> bytes:
        return span_hash(span, size, tiles)

    whole = hashes_from(LEAVES[:size])
    assert inclusion_proof(index, size, hash_of) == inclusion_proof(index, size, whole)
    assert consistency_proof(old, size, hash_of) == consistency_proof(old, size, whole)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 70_000), max_size=6))
def test_each_tile_is_completed_once(steps: list[int]) -> None:
    """However a tree grows, each complete tile is written exactly once, lowest level first in a step."""
    size, seen = 0, []
    for step in steps:
        new = completed_tiles(size, size + step)
        assert list(new) == sorted(new)
        seen.extend(new)
        size += step
    assert len(seen) == len(set(seen))
    assert sorted(seen) == sorted(completed_tiles(0, size))
    assert sum(tile.level == 0 for tile in seen) == size >> 8
    assert sum(tile.level == 1 for tile in seen) == size >> 16


def test_the_256th_leaf_completes_a_tile() -> None:
    """A tile appears with its last leaf, not before; its root is the tree's."""
    assert completed_tiles(0, 255) == ()
    assert completed_tiles(255, 256) == (Tile(0, 0),)
    assert completed_tiles(256, 511) == ()
    assert completed_tiles(65_535, 65_536) == (Tile(0, 255), Tile(1, 0))
    assert tile_root(rows()[Tile(0, 0)]) == root_of(LEAVES[:256])


def test_a_tree_never_shrinks() -> None:
    """A smaller new size is refused, not answered with no tiles."""
    with pytest.raises(TreeError):
        completed_tiles(5, 4)


def test_a_partial_tile_is_not_stored() -> None:
    """Only 256 whole hashes make a tile."""
    for wrong in (LEAVES[:255], LEAVES[:257], [*LEAVES[:255], b"short"]):
        with pytest.raises(TreeError):
            tile_data(wrong)
    for data in (b"", bytes(33), bytes(257 * 32)):
        with pytest.raises(TreeError):
            tile_hashes(data)


def test_a_missing_or_cut_tile_gives_no_hash() -> None:
    """A damaged tile table refuses a proof; it does not make a wrong one."""
    span = inclusion_path(0, 700)[-1]
    tiles = {tile: read(tile) for tile in tiles_for([span], 700)}
    for tile in tiles:
        for damaged in ({**tiles, tile: tiles[tile][:-32]}, {at: tiles[at] for at in tiles if at != tile}):
            with pytest.raises(TreeError):
                span_hash(span, 700, damaged)


def test_higher_tiles_hold_roots_of_lower_ones() -> None:
    """Level 1 is read from the roots of level 0 (C2SP tlog-tiles)."""
    (tile,) = tiles_for([Span(0, 512)], 768)
    assert tile == Tile(1, 0, 3)
    expected = node_hash(tile_root(rows()[Tile(0, 0)]), tile_root(rows()[Tile(0, 1)]))
    assert (
        span_hash(Span(0, 512), 768, {tile: read(tile)}) == expected == append(NO_LEAVES, LEAVES[:512]).root
    )
