"""Tiles and entry bundles lie where C2SP tlog-tiles puts them, and are read in that one form."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import AuditError, LayoutError
from audit.layout import (
    CHECKPOINT,
    MAX_BUNDLE,
    bundle_path,
    bundles_of,
    read_bundle,
    read_path,
    tile_of_leaf,
    tile_path,
    tiles_of,
    write_bundle,
)
from audit.tiles import Tile, completed_tiles

PATHS = {
    Tile(0, 1_234_067): "tile/0/x001/x234/067",  # the specification's own example
    Tile(1, 0, 17): "tile/1/000.p/17",
    Tile(0, 0): "tile/0/000",
    Tile(0, 999): "tile/0/999",
    Tile(0, 1000): "tile/0/x001/000",
    Tile(0, 1_000_000, 255): "tile/0/x001/x000/000.p/255",
    Tile(5, 2**32 - 1, 1): "tile/5/x004/x294/x967/295.p/1",
}


@pytest.mark.parametrize(("tile", "path"), PATHS.items())
def test_a_tile_lies_where_the_specification_says(tile: Tile, path: str) -> None:
    """Numbers are groups of three digits, all but the last with an x, the width behind (C2SP tlog-tiles)."""
    assert tile_path(tile) == path
    assert read_path(path) == (tile, False)
    entries = Tile(0, tile.number, tile.width)
    assert bundle_path(tile) == f"tile/entries/{path[7:]}"
    assert read_path(bundle_path(tile)) == (entries, True)
    assert CHECKPOINT == "checkpoint"


@settings(max_examples=150)
@given(st.integers(0, 5), st.integers(0, 2**32 - 1), st.integers(1, 256))
def test_every_path_reads_back(level: int, number: int, width: int) -> None:
    """A tile has one path, and the path names that tile."""
    tile = Tile(level, number, width)
    assert read_path(tile_path(tile)) == (tile, False)
    assert read_path(bundle_path(tile)) == (Tile(0, number, width), True)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/x001/x000",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/1000",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/1",
        "tile/6/000",
        "tile/00/000",
        "tile/-1/000",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/000/",
        "tile//000",
        "tile/entries/",
        "tile/entry/000",
        "tile/entries/000.p/256",
        "tile/0/x004/x294/x967/296",
        "tile/entries/x004/x294/x967/296",
        "tile/0/x999/x999/x999/999",
        "tile/0/x001/x000/x000/x000/000",
        "tile/0/../0/000",
        "checkpoint",
        "tile/0/" + "x001/" * 400 + "000",
    ],
)
def test_another_text_is_no_path(path: str) -> None:
    """A path that is not written so is refused: nothing outside of the layout can be named."""
    with pytest.raises(LayoutError) as caught:
        read_path(path)
    assert caught.value.args == ()
    assert isinstance(caught.value, AuditError)


def test_the_specifications_tree_has_the_tiles_that_it_counts() -> None:
    """A tree of 70,000: 273 and one of 112, one and one of 17, one of 1 (C2SP tlog-tiles, Partial Tiles)."""
    assert list(tiles_of(70_000)) == [
        *(Tile(0, number) for number in range(273)),
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        (0, []),
        (1, [Tile(0, 0, 1)]),
        (255, [Tile(0, 0, 255)]),
        (256, [Tile(0, 0), Tile(1, 0, 1)]),
        (257, [Tile(0, 0), Tile(0, 1, 1), Tile(1, 0, 1)]),
        (512, [Tile(0, 0), Tile(0, 1), Tile(1, 0, 2)]),
    ],
)
def test_a_small_tree_has_these_tiles(size: int, tiles: list[Tile]) -> None:
    """An empty tile is never there; a complete one is an entry of the level above."""
    assert list(tiles_of(size)) == tiles


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072])
def test_the_tiles_of_a_tree_are_those_that_were_completed_and_one_rest_a_level(size: int) -> None:
    """What an export names is what appending stored, and the rest of each level."""
    named = list(tiles_of(size))
    assert [tile for tile in named if tile.width == 256] == list(completed_tiles(0, size))
    rest = [tile for tile in named if tile.width != 256]
    assert rest == [
        Tile(level, size >> 8 * level + 8, part) for level in range(3) if (part := (size >> 8 * level) % 256)
    ]


def test_the_tiles_of_a_huge_tree_are_named_one_by_one() -> None:
    """A size that somebody only claims costs nothing until its tiles are asked for."""
    assert next(tiles_of(2**40)) == Tile(0, 0)
    assert list(itertools.islice(bundles_of(2**40, 7), 2)) == [Tile(0, 7), Tile(0, 8)]


@pytest.mark.parametrize(
    ("size", "first", "tiles"),
    [
        (0, 0, []),
        (300, 0, [Tile(0, 0), Tile(0, 1, 44)]),
        (300, 1, [Tile(0, 1, 44)]),
        (300, 2, []),
        (512, 1, [Tile(0, 1)]),
        (512, 2, []),
        (513, 2, [Tile(0, 2, 1)]),
    ],
)
def test_the_bundles_begin_where_they_are_asked_for(size: int, first: int, tiles: list[Tile]) -> None:
    """An export since an entry begins with that entry's whole bundle (formats.md §26)."""
    assert list(bundles_of(size, first)) == tiles
    if not first:
        assert list(bundles_of(size)) == tiles


def test_a_leaf_stands_in_its_tile() -> None:
    """The tile of an entry is complete, or as wide as the tree of that size makes it."""
    assert tile_of_leaf(0, 1) == Tile(0, 0, 1)
    assert tile_of_leaf(255, 256) == Tile(0, 0)
    assert tile_of_leaf(255, 300) == Tile(0, 0)
    assert tile_of_leaf(256, 300) == Tile(0, 1, 44)
    assert tile_of_leaf(299, 300) == Tile(0, 1, 44)
    assert tile_of_leaf(511, 513) == Tile(0, 1)
    assert tile_of_leaf(512, 513) == Tile(0, 2, 1)


def test_an_entry_bundle_has_these_bytes() -> None:
    """Each leaf behind its length as u16, big-endian; length 0 where the text is gone (formats.md §26)."""
    leaves = [b"a", None, b"bc" * 200, None]
    data = write_bundle(leaves)
    assert data == b"\x00\x01a\x00\x00\x01\x90" + b"bc" * 200 + b"\x00\x00"
    assert read_bundle(data, 4) == leaves
    assert write_bundle([]) == b""
    assert read_bundle(b"", 0) == []
    assert write_bundle([b""]) == b"\x00\x00"


@settings(max_examples=60)
@given(st.lists(st.none() | st.binary(min_size=1, max_size=300), max_size=20))
def test_every_entry_bundle_reads_back(leaves: list[bytes | None]) -> None:
    """What was written is what is read, and nothing follows it."""
    data = write_bundle(leaves)
    assert read_bundle(data, len(leaves)) == leaves
    for wrong, width in (
        (data, len(leaves) + 1),
        (data + b"\x00", len(leaves)),
        (data + bytes(2), len(leaves)),
    ):
        with pytest.raises(LayoutError):
            read_bundle(wrong, width)


def test_a_cut_entry_bundle_is_refused() -> None:
    """Bytes that end in a length or in a leaf are no bundle, at whatever byte they end."""
    data = write_bundle([b"one", None, b"three"])
    for at in range(len(data)):
        with pytest.raises(LayoutError) as caught:
            read_bundle(data[:at], 3)
        assert caught.value.args == ()
    with pytest.raises(LayoutError):
        read_bundle(data, 2)


def test_an_entry_has_at_most_2048_bytes() -> None:
    """The longest leaf is read, one byte more is refused; the longest bundle is what the cap says."""
    longest = [b"x" * 2048] * 256
    data = write_bundle(longest)
    assert len(data) == MAX_BUNDLE == 524_800
    assert read_bundle(data, 256) == longest
    with pytest.raises(LayoutError):
        read_bundle(write_bundle([b"x" * 2049]), 1)
    assert read_bundle(write_bundle([b"x" * 2048]), 1) == [b"x" * 2048]
