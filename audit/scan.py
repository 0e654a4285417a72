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
from audit.leaf import scan_leaf
from audit.sheet import write_row
from audit.tiles import WIDTH, Tile, tile_root
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


_REDACT, _PRUNE = Event.REDACT_ENTRY.value, Event.RETENTION_PRUNE.value


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
    rows = hashlib.sha256()
    for tile in tiles:
        leaves = read_leaves(read, tile)
        data = read_tile(read, tile)
        _check_leaves(part, leaves, data, tile)
        if tile.width == WIDTH:
            part.roots.append(tile_root(data))
        else:
            part.hashes = tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))
        if table:
            row = b"".join(
                write_row(tile.number * WIDTH + at, leaf)
                for at, leaf in enumerate(leaves)
                if leaf is not None
            )
            part.length += len(row)
            rows.update(row)
    part.digest = rows.digest()
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


def _scan(part: Part, index: int, leaf: bytes | None) -> bytes:
    """The hash of a leaf that keeps every rule; no bytes for one without text."""
    if leaf is None:
        part.absent.append(index)
        return b""
    try:
        found = scan_leaf(leaf)
    except EntryError as error:
        raise VerifyError(Step.LEAF, index, error.fault) from None
    time, event = found["t"], found["ev"]
    if time < part.last:  # the form sorts as text in the order of time
        raise VerifyError(Step.TIME, index)
    if not part.first:
        part.first, part.first_at = time, index
    part.last = time
    part.ids += bytes.fromhex(found["id"])
    if event in (_REDACT, _PRUNE) and found["ref"] and found["dec"] != "deny":
        (part.redacted if event == _REDACT else part.pruned).append((int(found["ref"]), index))
    return leaf_hash(leaf)


def _check_leaves(part: Part, leaves: Sequence[bytes | None], data: bytes, tile: Tile) -> None:
    """Refuse the first entry that breaks a rule, or whose hash is not the one in its tile."""
    hashes: list[bytes] = []
    start = tile.number * WIDTH
    try:
        hashes.extend(_scan(part, start + at, leaf) for at, leaf in enumerate(leaves))
    finally:  # an entry before the one at fault may not be in its place
        _compare(hashes, data, start)


def _compare(hashes: Sequence[bytes], data: bytes, start: int) -> None:
    """Refuse an entry whose hash is not the one in its tile; one without text has no other hash."""
    if b"".join(hashes) == data[: len(hashes) * HASH_SIZE]:
        return
    for at, one in enumerate(hashes):
        if one and one != data[at * HASH_SIZE : (at + 1) * HASH_SIZE]:
            raise VerifyError(Step.TILE, start + at)
