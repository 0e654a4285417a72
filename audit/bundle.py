"""Checks a bundle, the folder that an auditor gets, against the auditor's own policy (formats.md, Bundle).

A bundle is accepted only if
1. its checkpoint is signed by a log of the policy under its own origin, and the policy's quorum cosigned it;
2. every entry keeps every rule of ``audit.leaf``, no entry is earlier than the one before, no two have one id;
3. every entry, hashed again, is in its place in the tiles of hashes; the tiles lead to the checkpoint's root;
4. an entry without text is named by a later ``redact.entry``, or lies below a later ``retention.prune``;
5. the table for spreadsheets, where there is one, says what the entries say, row by row;
6. where an older checkpoint is given, the log continues it: it did not shrink and its past is the same.

Nothing in the bundle says which keys are right. Files that are not named here are not read.
"""

import hashlib
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from audit.checkpoint import MAX_NOTE, Checkpoint
from audit.chosen import CHOSEN, check_chosen
from audit.errors import NoteError, NoteFault
from audit.layout import CHECKPOINT, bundles_of, tile_of_leaf, tiles_of
from audit.policy import Cosigned, Policy, open_by_policy
from audit.scan import Part, Read, Step, VerifyError, read_tile, scan_part
from audit.sheet import HEADER
from audit.tiles import WIDTH, Tile, tile_hashes, tile_root
from audit.tree import EMPTY, MAX_SIZE, append, fold
from audit.whole import Whole

SCOPE, TABLE = "scope", "entries.csv"
TILES_A_PART = 64
_MAX_SCOPE = 128  # bytes
_SCOPE = re.compile(rb"tsunagi-export/v1\n(whole|since (?:0|[1-9][0-9]{0,12})|case c_[0-9a-f]{32})\n")

Scan = Callable[[Sequence[Tile]], Part]
Map = Callable[[Iterable[Sequence[Tile]]], Iterable[Part]]
"""Scans parts, in their order; where several are scanned at once is the caller's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle to check: its files by name, one of them as a stream, and what scans its parts."""

    read: Read
    open: Callable[[str], BinaryIO | None]
    scan: Callable[[bool], Map]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A bundle that holds.

    ``scope`` is ``whole``, ``since N`` (entries below N by their hashes only) or ``case c_…`` (inclusion only).
    ``first`` and ``last`` are the times of the first and last entry read. ``redacted`` are the indices of entries
    without text that a ``redact.entry`` names; below ``pruned`` the texts are gone. ``table``: one was compared.
    """

    cosigned: Cosigned
    scope: str
    read: int
    first: str
    last: str
    redacted: tuple[int, ...]
    pruned: int
    table: bool
    since: Checkpoint | None


def verify_bundle(bundle: Bundle, policy: Policy, since: str | None = None) -> Verified:
    """Return only if the bundle holds; ``since`` is the note of an older checkpoint, signed by the same log.

    Raises VerifyError with the first step that failed.
    """
    cosigned = _open(bundle.read(CHECKPOINT, MAX_NOTE), policy)
    scope = _read_scope(bundle.read(SCOPE, _MAX_SCOPE))
    size = cosigned.checkpoint.size
    old = None if since is None else _open_old(since, policy, cosigned.checkpoint)
    if scope.startswith("case "):
        return _verify_case(bundle, cosigned, scope, old)
    first = min(int(scope.removeprefix("since ")), size) // WIDTH if scope != "whole" else 0
    table = bundle.read(TABLE, 0) is not None
    below = _unscanned(bundle.read, itertools.islice(bundles_of(size), first))
    whole, same = _scan_all(bundle, bundles_of(size, first), table=table)
    _check_root(bundle.read, cosigned.checkpoint, _Hashes([*below.roots, *whole.roots], whole.hashes), old)
    pruned = whole.check(size)
    if table and not same:
        raise VerifyError(Step.TABLE)
    return Verified(
        cosigned=cosigned,
        scope=scope,
        read=len(whole.ids) // 16,
        first=whole.first,
        last=whole.last,
        redacted=tuple(at for at in whole.absent if at >= pruned),
        pruned=pruned,
        table=table,
        since=old,
    )


def _verify_case(bundle: Bundle, cosigned: Cosigned, scope: str, old: Checkpoint | None) -> Verified:
    """One case's entries: all hashes lead to the root, and each entry is in its place."""
    size = cosigned.checkpoint.size
    _check_root(bundle.read, cosigned.checkpoint, _unscanned(bundle.read, bundles_of(size)), old)
    file = bundle.open(CHOSEN)
    if file is None:
        raise VerifyError(Step.ENTRIES)
    with file:
        found = check_chosen(bundle.read, file, scope.removeprefix("case "), size)
    if bundle.read(TABLE, 0) is not None:  # it would be read, and nothing says that it is true
        raise VerifyError(Step.TABLE)
    return Verified(
        cosigned=cosigned,
        scope=scope,
        read=found.read,
        first=found.first,
        last=found.last,
        redacted=(),
        pruned=0,
        table=False,
        since=old,
    )


def _open(data: bytes | None, policy: Policy) -> Cosigned:
    """The bundle's checkpoint, under the policy; raises VerifyError(NOTE)."""
    if data is not None and len(data) > MAX_NOTE:
        raise VerifyError(Step.NOTE, fault=NoteFault.SIZE)
    try:
        cosigned = open_by_policy((data or b"").decode(), policy)
    except UnicodeDecodeError:
        raise VerifyError(Step.NOTE, fault=NoteFault.TEXT) from None
    except NoteError as error:
        raise VerifyError(Step.NOTE, fault=error.fault) from None
    if cosigned.checkpoint.size > MAX_SIZE:
        raise VerifyError(Step.NOTE, fault=NoteFault.BODY)
    return cosigned


def _open_old(note: str, policy: Policy, new: Checkpoint) -> Checkpoint:
    """The older checkpoint, signed by the same log (how many cosigned it is no matter now)."""
    if len(note.encode(errors="surrogateescape")) > MAX_NOTE:
        raise VerifyError(Step.SINCE, fault=NoteFault.SIZE)
    alone = Policy(
        logs=tuple(key for key in policy.logs if key.name == new.origin),
        witnesses={},
        groups={},
        quorum="none",
        urls={},
    )
    try:
        old = open_by_policy(note, alone).checkpoint
    except NoteError as error:
        raise VerifyError(Step.SINCE, fault=error.fault) from None
    if old.size > new.size:
        raise VerifyError(Step.SINCE, new.size, "shrank")
    return old


def _read_scope(data: bytes | None) -> str:
    """What the bundle holds; raises VerifyError(SCOPE)."""
    found = _SCOPE.fullmatch(data or b"")
    if found is None:
        raise VerifyError(Step.SCOPE)
    return found[1].decode()


@dataclass(frozen=True, slots=True)
class _Hashes:
    """The roots of the complete level-0 tiles, and the leaf hashes of the partial one."""

    roots: list[bytes]
    hashes: tuple[bytes, ...]


def _unscanned(read: Read, tiles: Iterable[Tile]) -> _Hashes:
    """The hashes of tiles whose entries are not in the bundle."""
    roots: list[bytes] = []
    hashes: tuple[bytes, ...] = ()
    for tile in tiles:
        data = read_tile(read, tile)
        if tile.width == WIDTH:
            roots.append(tile_root(data))
        else:
            hashes = tile_hashes(data)
    return _Hashes(roots, hashes)


def _scan_all(bundle: Bundle, tiles: Iterator[Tile], *, table: bool) -> tuple[Whole, bool]:
    """Every part scanned, in order; no more is asked for than was scanned well, however large the log says it is.

    The second is whether the table says what the entries say: it is read while other parts are scanned.
    """
    whole = Whole()
    parts = iter(lambda: tuple(itertools.islice(tiles, TILES_A_PART)), ())
    with bundle.open(TABLE) or io.BytesIO() as file:
        same = file.read(len(HEADER)) == HEADER
        try:
            for part in bundle.scan(table)(parts):
                whole.add(part)
                same = same and hashlib.sha256(file.read(part.length)).digest() == part.digest
        except VerifyError as error:
            whole.check_begins(*error.begins)
            raise
        return whole, same and not file.read(1)


def _check_root(read: Read, point: Checkpoint, found: _Hashes, old: Checkpoint | None) -> None:
    """Refuse tiles above the first level that are not the roots of those below, another root, another past."""
    rows = [found.roots]
    while len(rows[-1]) >= WIDTH:
        below = rows[-1]
        rows.append(
            [tile_root(b"".join(below[at : at + WIDTH])) for at in range(0, len(below) - WIDTH + 1, WIDTH)]
        )
    for tile in tiles_of(point.size):
        if tile.level:
            row = rows[tile.level - 1][tile.number * WIDTH : tile.number * WIDTH + tile.width]
            if b"".join(row) != read_tile(read, tile):
                raise VerifyError(Step.TILE, tile.number * WIDTH ** (tile.level + 1))
    if _root(found.roots, found.hashes) != point.root:
        raise VerifyError(Step.ROOT)
    if old is not None:
        complete, rest = divmod(old.size, WIDTH)
        hashes = found.hashes
        if complete < len(found.roots):  # the older end lies in a tile that is complete by now
            hashes = tile_hashes(read_tile(read, tile_of_leaf(old.size, point.size)))
        hashes = hashes[:rest]
        if _root(found.roots[:complete], hashes) != old.root:
            raise VerifyError(Step.SINCE, fault="fork")


def _root(roots: Sequence[bytes], hashes: Sequence[bytes]) -> bytes:
    """The root of a tree from the roots of its complete tiles and the leaf hashes behind them."""
    return fold([*append(EMPTY, roots).hashes, *append(EMPTY, hashes).hashes])


def scan_here(read: Read, table: bool) -> Map:
    """Scans the parts one after the other, in this process."""
    return lambda parts: (scan_part(read, part, table=table) for part in parts)
