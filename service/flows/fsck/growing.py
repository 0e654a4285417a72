"""One tree's hashes, worked out again from its leaf hashes: its tiles at every level, its root at every size asked for.

After an entry that is missing nothing can be worked out any more: then there are no tiles and no roots.
"""

from collections.abc import Callable, Iterator, Sequence

from audit.tiles import WIDTH, Tile, tile_root
from audit.tree import EMPTY, Frontier, append

Point = tuple[int, Callable[[Frontier | None], None]]
"""A size, and who wants to know the tree's frontier there; None: it could not be worked out."""


class Growing:
    """A tree as its leaf hashes come in, in order."""

    __slots__ = ("_counts", "_rows", "frontier")

    def __init__(self) -> None:
        self.frontier: Frontier | None = EMPTY
        self._rows: list[list[bytes]] = [[]]
        self._counts = [0]

    def stop(self) -> None:
        """An entry is missing: from here on nothing can be worked out."""
        self.frontier = None

    def add(self, hashes: Sequence[bytes], points: Sequence[Point]) -> Iterator[tuple[Tile, bytes]]:
        """Adds leaf hashes, tells the points among their sizes, in order, and gives the tiles that are complete now."""
        grown = self.frontier
        for size, tell in points:
            grown = None if grown is None else self._to(grown, hashes, size)
            tell(grown)
        if self.frontier is not None:
            self.frontier = append(self.frontier, hashes)
            for one in hashes:
                yield from self._add(0, one)

    def _to(self, grown: Frontier, hashes: Sequence[bytes], size: int) -> Frontier | None:
        """The frontier at ``size``, from a smaller one; None where there are not so many."""
        first = 0 if self.frontier is None else self.frontier.size
        if size > first + len(hashes):
            return None
        return append(grown, hashes[grown.size - first : size - first])

    def _add(self, level: int, one: bytes) -> Iterator[tuple[Tile, bytes]]:
        row = self._rows[level]
        row.append(one)
        if len(row) < WIDTH:
            return
        data = b"".join(row)
        yield Tile(level, self._counts[level]), data
        self._counts[level] += 1
        row.clear()
        if len(self._rows) == level + 1:
            self._rows.append([])
            self._counts.append(0)
        yield from self._add(level + 1, tile_root(data))


def has_tile(size: int, level: int, number: int) -> bool:
    """Whether a tree of ``size`` has this complete tile."""
    return 0 <= number < size >> 8 * (level + 1)
