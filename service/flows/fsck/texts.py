"""Which entries of one tree have no text, and whether a later entry says why; and whether an id stands twice.

The rule is the verifier's (formats.md, Bundle): a text may be missing where a later `redact.entry` names its index, or
below the `ref` of a later `retention.prune`, a multiple of 256.
"""

from collections.abc import Iterator
from re import Match

from audit.event import Decision, Event
from audit.tiles import WIDTH

_WIDTH = 16 + 5  # bytes of an id and of an index
_BUCKETS = 16


class Texts:
    """What is kept of the texts of a tree while its entries pass by, in order: runs, and 21 bytes an entry."""

    __slots__ = ("_absent", "_ids", "_pruned", "_redacted")

    def __init__(self) -> None:
        self._absent: list[range] = []
        self._redacted: set[int] = set()
        self._pruned = 0
        self._ids = [bytearray() for _ in range(_BUCKETS)]

    @property
    def any_absent(self) -> bool:
        """Whether an entry has no text."""
        return bool(self._absent)

    def absent(self, index: int) -> None:
        """The entry has no text."""
        if self._absent and self._absent[-1].stop == index:
            self._absent[-1] = range(self._absent[-1].start, index + 1)
        else:
            self._absent.append(range(index, index + 1))

    def present(self, index: int, leaf: Match[str]) -> None:
        """The entry has this text, which keeps the rules of a leaf."""
        id = bytes.fromhex(leaf["id"])
        self._ids[id[0] % _BUCKETS] += id + index.to_bytes(5, "big")
        if leaf["ref"] is None or leaf["dec"] == Decision.DENY:
            return
        named = int(leaf["ref"])
        if leaf["ev"] == Event.REDACT_ENTRY and named < index:
            self._redacted.add(named)
        if leaf["ev"] == Event.RETENTION_PRUNE and named <= index and not named % WIDTH:
            self._pruned = max(self._pruned, named)

    def unexplained(self) -> Iterator[int]:
        """The indices of the entries whose text is missing and no entry says why."""
        for run in self._absent:
            yield from (at for at in run if at >= self._pruned and at not in self._redacted)

    def twice(self) -> Iterator[int]:
        """The indices of the entries whose id an earlier one has."""
        for bucket in self._ids:
            seen: set[bytes] = set()
            for at in range(0, len(bucket), _WIDTH):
                id = bytes(bucket[at : at + 16])
                if id in seen:
                    yield int.from_bytes(bucket[at + 16 : at + _WIDTH], "big")
                seen.add(id)
