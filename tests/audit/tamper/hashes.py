"""Tampering with single bytes of any file, and with the tiles of hashes."""

from dataclasses import replace
from random import Random

from audit.errors import EntryFault
from audit.layout import read_path, tile_of_leaf, tile_path, tiles_of
from audit.tiles import WIDTH
from audit.tree import HASH_SIZE
from tests.audit.bundles import Files, Log, of_case, since, whole
from tests.audit.tamper.attempts import Attempt, Refusal, refused, start_of
from tests.audit.tamper.edits import pick
from tests.audit.tamper.logs import CASES, Honest, draw_gaps, take_out

_LEAF_FAULTS = frozenset(fault.value for fault in EntryFault)
_NOTE_FAULTS = ("text", "signature", "unsigned", "other_key", "quorum")


def other_byte(random: Random, data: bytes, at: int) -> bytes:
    """The bytes with another one at ``at``: any, the next, one bit, or what separates lines."""
    value = random.choice([random.randrange(256), data[at] ^ 1, data[at] ^ 0x20, data[at] ^ 0x80, 0x0A, 0x30])
    return data[:at] + bytes([value if value != data[at] else value ^ 1]) + data[at + 1 :]


def any_byte(random: Random, log: Honest) -> Attempt:
    """One byte of one file, whichever: there is none that does not matter."""
    name = random.choice([name for name, data in log.files.items() if data])
    data = log.files[name]
    at = random.randrange(len(data))
    files = {**log.files, name: other_byte(random, data, at)}
    return Attempt(files=files, expected=_named(name, data, at))


def _named(name: str, data: bytes, at: int) -> frozenset[Refusal]:
    """What is said of one byte of a file."""
    if name == "checkpoint":
        return frozenset(Refusal("note", None, fault) for fault in _NOTE_FAULTS)
    if name in ("scope", "entries.csv"):
        return refused("scope" if name == "scope" else "table")
    tile, entries = read_path(name)
    if not entries:
        index = tile.number * WIDTH + at // HASH_SIZE
        return refused("tile", index if tile.level == 0 else tile.number * WIDTH ** (tile.level + 1))
    return _named_entry(tile.number * WIDTH, data, at)


def _named_entry(first: int, data: bytes, at: int) -> frozenset[Refusal]:
    """What is said of one byte of an entry bundle: the bundle for a length, else the entry."""
    index, start = first, 0
    while (stop := start + 2 + int.from_bytes(data[start : start + 2], "big")) <= at:
        index, start = index + 1, stop
    if at < start + 2:
        return refused("entries", first)
    return frozenset(
        {
            Refusal("tile", index),
            Refusal("time", index),
            *(Refusal("leaf", index, fault) for fault in _LEAF_FAULTS),
        }
    )


def one_hash(random: Random, log: Honest) -> Attempt:
    """One hash of one tile of any level is another one."""
    tile = random.choice([*sorted(tiles_of(log.size), reverse=True)[:4], *tiles_of(log.size)])
    data = log.files[tile_path(tile)]
    at = random.randrange(tile.width)
    files = {**log.files, tile_path(tile): other_byte(random, data, at * HASH_SIZE + random.randrange(32))}
    first = tile.number * WIDTH ** (tile.level + 1)
    return Attempt(files=files, expected=refused("tile", first + at if tile.level == 0 else first))


def one_hash_and_above(random: Random, log: Honest) -> Attempt:
    """One leaf hash is another one, and every tile above fits it."""
    at = pick(random, log)
    return Attempt(files=whole(_other_hash(random, log.log, at)) | _note(log), expected=refused("tile", at))


def _other_hash(random: Random, log: Log, at: int) -> Log:
    hashes = [*log.all_hashes]
    hashes[at] = other_byte(random, hashes[at], random.randrange(HASH_SIZE))
    return replace(log, hashes=tuple(hashes))


def _note(log: Honest) -> Files:
    return {"checkpoint": log.files["checkpoint"]}


def hash_of_redacted(random: Random, log: Honest) -> Attempt:
    """The hash of an entry whose text is gone: no text to compare with, but the root is another one."""
    gaps = take_out(log.size, draw_gaps(random, log.size, prune=False))
    at = random.choice(gaps.redacted)
    forged = whole(_other_hash(random, gaps.log, at)) | _note(gaps)
    return Attempt(files=forged, expected=refused("root"))


def hash_below_since(random: Random, log: Honest) -> Attempt:
    """A hash below the entries that a bundle with scope ``since`` holds; the log has 257 entries or more."""
    size = random.randint(WIDTH, log.size)
    at = random.randrange(start_of(size))
    return _unscanned_hash(random, since(log.log, size), log, at)


def hash_beside_case(random: Random, log: Honest) -> Attempt:
    """Any hash of a bundle with one case's entries."""
    return _unscanned_hash(random, of_case(log.log, random.choice(CASES)), log, pick(random, log))


def _unscanned_hash(random: Random, files: Files, log: Honest, at: int) -> Attempt:
    """A hash of level 0 whose entry is not there: the tile above says so, where there is one, else the root."""
    tile = tile_of_leaf(at, log.size)
    data = files[tile_path(tile)]
    changed = other_byte(random, data, at % WIDTH * HASH_SIZE + random.randrange(HASH_SIZE))
    above = refused("tile", at // WIDTH**2 * WIDTH**2)
    return Attempt(
        files={**files, tile_path(tile): changed}, expected=above if tile.width == WIDTH else refused("root")
    )


def other_length(random: Random, log: Honest) -> Attempt:
    """A tile is gone, or has a byte or a hash more or less."""
    tile = random.choice([*tiles_of(log.size)])
    name, data = tile_path(tile), log.files[tile_path(tile)]
    files = {**log.files, name: random.choice([data[:-1], data[:-32], data + b"\0", data + data[:32], b""])}
    if random.random() < 0.2:
        del files[name]
    return Attempt(files=files, expected=refused("tile", tile.number * WIDTH ** (tile.level + 1)))
