"""The Merkle tree of RFC 6962 once more, for a log that is read as it grows: written from docs/formats.md §22 alone."""

from hashlib import sha256


def hash_leaf(leaf: str) -> bytes:
    return sha256(b"\x00" + leaf.encode("ascii")).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Growing:
    """Leaf hashes in their order, and the root and frontier that the tree had at each size."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.roots: list[bytes] = [sha256(b"").digest()]
        self._peaks: list[tuple[int, bytes]] = []

    def append(self, leaf: bytes) -> None:
        """Adds a leaf's hash."""
        self.leaves.append(leaf)
        width, peak = 1, leaf
        while self._peaks and self._peaks[-1][0] == width:
            peak = hash_node(self._peaks.pop()[1], peak)
            width *= 2
        self._peaks.append((width, peak))
        root = peak
        for _, left in reversed(self._peaks[:-1]):
            root = hash_node(left, root)
        self.roots.append(root)

    @property
    def frontier(self) -> bytes:
        """The column of the head row."""
        size = len(self.leaves).to_bytes(8, "big")
        return b"\x01" + size + b"".join(peak for _, peak in self._peaks)

    def tile(self, level: int, number: int) -> bytes:
        """A complete tile, from the leaves."""
        hashes = self.leaves[number * 256 ** (level + 1) : (number + 1) * 256 ** (level + 1)]
        for _ in range(level * 8):
            hashes = [hash_node(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
        assert len(hashes) == 256, (level, number)
        return b"".join(hashes)


def root_of_frontier(frontier: bytes) -> tuple[int, bytes]:
    """The size and the root that a stored frontier stands for."""
    size = int.from_bytes(frontier[1:9], "big")
    peaks = [frontier[start : start + 32] for start in range(9, len(frontier), 32)]
    assert frontier[0] == 1
    assert len(peaks) == size.bit_count(), "a frontier has a peak for each one in its size"
    root = peaks.pop() if peaks else sha256(b"").digest()
    while peaks:
        root = hash_node(peaks.pop(), root)
    return size, root
