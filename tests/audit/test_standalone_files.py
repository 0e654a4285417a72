"""The names and the lengths by which the one-file verifier reads a bundle's files."""

import io
from pathlib import Path

import pytest

from audit import standalone
from audit.layout import bundle_path, tile_path
from audit.tiles import Tile


class Shelf:
    """Files by name, as a zip has them."""

    def __init__(self, *names: str) -> None:
        """The same ten bytes under each name."""
        self.NameToInfo = dict.fromkeys(names)

    def open(self, name: str) -> io.BytesIO:
        """The file of that name."""
        assert name in self.NameToInfo
        return io.BytesIO(b"0123456789")


def bundle(*names: str) -> standalone.Bundle:
    """A bundle of such files."""
    made = standalone.Bundle(Path("/"))
    made.zip = Shelf(*names)
    return made


@pytest.mark.parametrize("number", [0, 7, 999, 1000, 1001, 67_890, 999_999, 1_000_000, 1_234_067, 2**32 - 1])
@pytest.mark.parametrize("width", [256, 1, 99, 255])
def test_tiles_are_named_as_the_layout_names_them(number: int, width: int) -> None:
    """Groups of three digits, however large the log is; the width behind where it is partial."""
    for level in (0, 1, 5):
        name = tile_path(Tile(level, number, width))
        assert bundle(name).load(99, f"tile/{level}", number, width) == b"0123456789"
    name = bundle_path(Tile(0, number, width))
    assert bundle(name).load(99, "tile/entries", number, width) == b"0123456789"
    assert bundle(name).load(99, "tile/entries", number + 1, width) == b""


def test_one_byte_more_than_the_limit_is_read() -> None:
    """So that what is too long is noticed, and no more."""
    for limit, found in ((3, b"0123"), (9, b"0123456789"), (10, b"0123456789"), (0, b"0")):
        assert bundle("scope").load(limit, "scope") == found
    assert bundle().load(3, "scope") == b""
    assert bundle().load(3, "scope", gone=b"ab") == b"ab"
