"""One part of a bundle, checked by itself: parts know nothing of each other, so that several are checked at once.

A part is a run of entry bundles. Every leaf in it keeps the rules of ``audit.leaf``, is not earlier than the one
before it, and hashes to its place in the tile of hashes. What concerns the whole log goes back to ``audit.bundle``.
"""

import enum
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from audit.codes import Event
from audit.errors import AuditError, EntryError, LayoutError
from audit.layout import MAX_BUNDLE, bundle_path, read_bundle, tile_path
from audit.leaf import SCANNED, WHOLE, Line, Values, scan_leaves
from audit.sheet import write_rows
from audit.tiles import WIDTH, Tile, tile_hashes, tile_root
from audit.tree import HASH_SIZE, leaf_hash

Read = Callable[[str, int], bytes | None]
"""A file of the bundle by its name, at most so many bytes and one more; None where there is none."""


class Step(enum.StrEnum):
    """The step of the check that failed."""

    NOTE = "note"
    SCOPE = "scope"
    TILE = "tile"
    ENTRIES = "entries"
    LEAF = "leaf"
    TIME = "time"
    ROOT = "root"
    UNIQUE = "unique"
    ABSENT = "absent"
    TABLE = "table"
    SINCE = "since"


class VerifyError(AuditError):
    """A bundle is refused: the step, the index of the entry where there is one, and the fault's code.

    ``begins``, where a part was refused: time and index of the part's first entry, which may be earlier than the
    part before it allows.
    """

    def __init__(self, step: Step, index: int | None = None, fault: str = "") -> None:
        """Carry where the check stopped."""
        super().__init__(step, index, fault)
        self.step = step
        self.index = index
        self.fault = fault
        self.begins = ("", 0)


@dataclass(slots=True, kw_only=True)
class Part:
    """What a part says to the rest of the check.

    ``roots``: the root of each complete tile. ``hashes``: the leaf hashes of the last, partial one. ``ids``: 16 bytes
    an entry that has text. ``first`` and ``last`` are times, ``first_at`` the index of the first. ``absent``: indices
    of entries without text. ``redacted`` and ``pruned``: what the entries of those kinds name in ``ref``, each with
    the entry's own index. ``length`` and ``digest``: those of the part's rows in the table for spreadsheets.
    """

    first_index: int
    roots: list[bytes] = field(default_factory=list)
    hashes: tuple[bytes, ...] = ()
    ids: bytearray = field(default_factory=bytearray)
    absent: list[int] = field(default_factory=list)
    redacted: list[tuple[int, int]] = field(default_factory=list)
    pruned: list[tuple[int, int]] = field(default_factory=list)
    first: str = ""
    first_at: int = 0
    last: str = ""
    length: int = 0
    digest: bytes = b""


Entry = tuple[int, Values]
"""An entry that has text: its index, and the values of its leaf that were taken."""
_REDACT = Event.REDACT_ENTRY.value
_NAMING = frozenset({_REDACT, Event.RETENTION_PRUNE.value})


def scan_part(read: Read, tiles: Sequence[Tile], *, table: bool) -> Part:
    """The entries of these level-0 tiles, checked; ``table``: their rows are made too.

    Raises VerifyError: TILE, ENTRIES, LEAF, TIME.
    """
    part = Part(first_index=tiles[0].number * WIDTH)
    try:
        return _scan_tiles(read, tiles, part, table=table)
    except VerifyError as error:
        error.begins = (part.first, part.first_at)
        raise


def _scan_tiles(read: Read, tiles: Sequence[Tile], part: Part, *, table: bool) -> Part:
    line = WHOLE if table else SCANNED
    digest = hashlib.sha256()
    for tile in tiles:
        leaves = read_leaves(read, tile)
        data = read_tile(read, tile)
        entries = _check_leaves(part, line, tile.number * WIDTH, leaves, data)
        _keep(part, line, entries)
        part.absent += [at for at, leaf in enumerate(leaves, tile.number * WIDTH) if leaf is None]
        if tile.width == WIDTH:
            part.roots.append(tile_root(data))
        else:
            part.hashes = tile_hashes(data)
        if table:
            rows = write_rows(entries)
            part.length += len(rows)
            digest.update(rows)
    part.digest = digest.digest()
    return part


def read_leaves(read: Read, tile: Tile) -> list[bytes | None]:
    """The leaves of a bundle, all None where its file is not there; raises VerifyError(ENTRIES)."""
    data = read(bundle_path(tile), MAX_BUNDLE)
    if data is None:
        return [None] * tile.width
    try:
        return read_bundle(data, tile.width)
    except LayoutError:
        raise VerifyError(Step.ENTRIES, tile.number * WIDTH) from None


def read_tile(read: Read, tile: Tile) -> bytes:
    """The hashes of a tile; raises VerifyError(TILE) where they are not there or not as many."""
    data = read(tile_path(tile), WIDTH * HASH_SIZE)
    if data is None or len(data) != tile.width * HASH_SIZE:
        raise VerifyError(Step.TILE, tile.number * WIDTH ** (tile.level + 1))
    return data


def _check_leaves(
    part: Part, line: Line, start: int, leaves: Sequence[bytes | None], data: bytes
) -> list[Entry]:
    """The entries of a tile that have text, checked together; where that fails, one by one, to name the first."""
    try:
        return _check_run(part, line, start, leaves, data)
    except VerifyError:
        places = range(0, len(data), HASH_SIZE)
        runs = (
            _check_run(part, line, start + at, [leaf], data[place : place + HASH_SIZE])
            for at, (leaf, place) in enumerate(zip(leaves, places, strict=True))
        )
        return [entry for run in runs for entry in run]


def _check_run(
    part: Part, line: Line, start: int, leaves: Sequence[bytes | None], data: bytes
) -> list[Entry]:
    """The entries that have text: all keep the rules, none is earlier than the one before, each is in its place.

    ``data`` are their hashes. An error names the first index: where several leaves are given, not the one at fault.
    """
    indices = [at for at, leaf in enumerate(leaves, start) if leaf is not None]
    try:
        found = scan_leaves([leaf for leaf in leaves if leaf is not None], line)
    except EntryError as error:
        raise VerifyError(Step.LEAF, start, error.fault) from None
    times = [part.last, *map(line.time, found)]
    if times != sorted(times):  # the form sorts as text in the order of time
        raise VerifyError(Step.TIME, start)
    if found and not part.first:
        part.first, part.first_at = times[1], indices[0]
    if _hashes(leaves, data) != data:
        raise VerifyError(Step.TILE, start)
    part.last = times[-1]
    return list(zip(indices, found, strict=True))


def _hashes(leaves: Sequence[bytes | None], data: bytes) -> bytes:
    """The hashes of the leaves; one without text has no other hash than the one in its tile."""
    return b"".join(
        [
            data[at * HASH_SIZE : (at + 1) * HASH_SIZE] if leaf is None else leaf_hash(leaf)
            for at, leaf in enumerate(leaves)
        ]
    )


def _keep(part: Part, line: Line, entries: Sequence[Entry]) -> None:
    """Keep of the entries what the rest of the check needs: ids, and what explains that a text is missing."""
    own, event, ref, decision = map(line.keys.index, ("id", "ev", "ref", "dec"))
    part.ids += bytes.fromhex("".join([values[own] for _, values in entries]))
    for index, values in entries:
        if values[event] in _NAMING and values[ref] and values[decision] != "deny":
            named = part.redacted if values[event] == _REDACT else part.pruned
            named.append((int(values[ref]), index))
