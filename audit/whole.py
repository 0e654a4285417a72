"""What all parts of a bundle said, put together in their order; what only the whole log can show is checked here."""

import itertools
import struct

from audit.scan import Part, Step, VerifyError
from audit.tiles import WIDTH


class Whole:
    """What all parts said, put together in their order."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.roots: list[bytes] = []
        self.hashes: tuple[bytes, ...] = ()
        self.ids = bytearray()
        self.different: set[bytes] = set()
        self.absent: list[int] = []
        self.first = ""
        self.last = ""

    def check_begins(self, first: str, index: int) -> None:
        """Refuse a part whose first entry is earlier than the last one before it."""
        if first and first < self.last:
            raise VerifyError(Step.TIME, index)

    def add(self, part: Part) -> None:
        self.check_begins(part.first, part.first_at)
        self.first, self.last = self.first or part.first, part.last or self.last
        self.roots += part.roots
        self.hashes = part.hashes
        self.ids += part.ids
        self.different.update(itertools.chain.from_iterable(struct.iter_unpack("16s", part.ids)))
        self.absent += part.absent
        part.ids = bytearray()
        self.parts.append(part)

    def check(self, size: int) -> int:
        """Refuse one id twice and a text that is missing without its entry; below the result texts were pruned."""
        if len(self.different) * 16 != len(self.ids):
            raise VerifyError(Step.UNIQUE, self._second())
        pruned = max(
            (ref for part in self.parts for ref, at in part.pruned if ref <= at and not ref % WIDTH),
            default=0,
        )
        redacted = {ref for part in self.parts for ref, at in part.redacted if ref < at}
        missing = next((at for at in self.absent if at >= pruned and at not in redacted), None)
        if missing is not None:
            raise VerifyError(Step.ABSENT, missing)
        return min(pruned, size) if self.absent and self.absent[0] < pruned else 0

    def _second(self) -> int:
        """The index of the first entry whose id an earlier one has."""
        seen: set[bytes] = set()
        without = set(self.absent)
        start = self.parts[0].first_index
        indices = (at for at in itertools.count(start) if at not in without)
        for at, index in zip(range(0, len(self.ids), 16), indices, strict=False):
            one = bytes(self.ids[at : at + 16])
            if one in seen:
                return index
            seen.add(one)
        raise VerifyError(Step.UNIQUE)
