"""``tsunagi-verify FILE --key VKEY``: checks a log file offline, with nothing but the log's public key.

The file (formats.md, "Log file"): the signed checkpoint, an empty line, the leaves one a line, and a newline
at the very end. It is accepted only if
1. the checkpoint has exactly one signature line, and the key that was given made it (no key from the file);
2. the checkpoint's origin is that key's name;
3. every leaf keeps every rule of ``audit.leaf``, and no leaf is earlier than the one before;
4. there are as many leaves as the checkpoint says, and every leaf, hashed again, leads to its root;
5. no two leaves have the same id.

The file is read once, in pieces; 32 bytes a leaf are kept for rule 5. This is the only module of the package
that reads files, the environment or arguments. Exit codes: 0 accepted, 1 refused, 2 not checked (usage).
"""

import argparse
import enum
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from audit.checkpoint import MAX_NOTE, Checkpoint, open_checkpoint, read_key
from audit.errors import AuditError, EntryError, NoteError, NoteFault
from audit.leaf import MAX_LEAF, scan_leaf
from audit.tree import EMPTY, append, leaf_hash
from crypto.notes import VerifierKey

PIECE = 1 << 20  # bytes read at once


class Step(enum.StrEnum):
    """The step of the check that failed."""

    NOTE = "note"
    LEAF = "leaf"
    TIME = "time"
    END = "end"
    COUNT = "count"
    ROOT = "root"
    UNIQUE = "unique"


class VerifyError(AuditError):
    """A log file is refused: the step, the index of the leaf where there is one, and the fault's code."""

    def __init__(self, step: Step, index: int | None = None, fault: str = "") -> None:
        """Carry where the check stopped."""
        super().__init__(step, index, fault)
        self.step = step
        self.index = index
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A log file that holds: its checkpoint, the times of its first and last leaf (empty without leaves)."""

    checkpoint: Checkpoint
    first: str
    last: str


def verify_log(file: BinaryIO, key: VerifierKey, *, piece: int = PIECE) -> Verified:
    """Return only if ``file``, read from its start, is a whole log that ``key`` signed.

    ``file`` can seek; ``piece`` is the number of bytes to read at once, and changes no outcome. Raises
    VerifyError with the first step that failed.
    """
    checkpoint, rest = _read_head(file, key)
    frontier, first, last = EMPTY, "", ""
    ids: defaultdict[str, bytearray] = defaultdict(bytearray)
    for leaves in _batches(rest, file, checkpoint.size, piece):
        hashes: list[bytes] = []
        for leaf in leaves:
            time, leaf_id = _scan(leaf, frontier.size + len(hashes), last)
            ids[leaf_id[:2]] += leaf_id.encode("ascii")
            first, last = first or time, time
            hashes.append(leaf_hash(leaf))
        frontier = append(frontier, hashes)
    if frontier.size != checkpoint.size:
        raise VerifyError(Step.COUNT, min(frontier.size, checkpoint.size))
    if frontier.root != checkpoint.root:
        raise VerifyError(Step.ROOT)
    _check_unique(ids, file, key)
    return Verified(checkpoint=checkpoint, first=first, last=last)


def _read_head(file: BinaryIO, key: VerifierKey) -> tuple[Checkpoint, bytes]:
    """The checkpoint, and what was read of the leaves behind the empty line."""
    file.seek(0)
    head = file.read(MAX_NOTE)
    body, _, rest = head.partition(b"\n\n")
    line, gap, rest = rest.partition(b"\n\n")
    if not gap or b"\n" in line:  # one signature line: nothing in the file may stand unsigned
        raise VerifyError(Step.NOTE, fault=NoteFault.TEXT)
    try:
        note = (body + b"\n\n" + line + b"\n").decode("utf-8")
        return open_checkpoint(note, key), rest
    except UnicodeDecodeError:
        raise VerifyError(Step.NOTE, fault=NoteFault.TEXT) from None
    except NoteError as error:
        raise VerifyError(Step.NOTE, fault=error.fault) from None


def _batches(rest: bytes, file: BinaryIO, size: int, piece: int = PIECE) -> Iterator[list[bytes]]:
    """The lines behind the head, a piece of the file at a time; never much more than ``size`` of them."""
    count, data, rest = 0, rest, b""
    while data or (data := file.read(piece)):
        lines = (rest + data).split(b"\n")
        rest, data = lines.pop(), b""
        if len(rest) > MAX_LEAF:  # no need to wait for the end of a line that is too long already
            lines.append(rest)
        count += len(lines)
        yield lines
        if count > size:
            raise VerifyError(Step.COUNT, size)
    if rest:
        raise VerifyError(Step.END, count)


def _scan(leaf: bytes, index: int, last: str) -> tuple[str, str]:
    """Time and id of a leaf that keeps every rule and is not earlier than ``last``."""
    try:
        found = scan_leaf(leaf)
    except EntryError as error:
        raise VerifyError(Step.LEAF, index, error.fault) from None
    if found[0] < last:  # the form sorts as text in the order of time
        raise VerifyError(Step.TIME, index)
    return found


def _check_unique(ids: dict[str, bytearray], file: BinaryIO, key: VerifierKey) -> None:
    """Refuse two leaves with one id; the file is read again only to name the index of the second."""
    for some in ids.values():
        seen: set[bytes] = set()
        for at in range(0, len(some), 32):
            one = bytes(some[at : at + 32])
            if one in seen:
                raise VerifyError(Step.UNIQUE, _index_of_second(one, file, key))
            seen.add(one)


def _index_of_second(leaf_id: bytes, file: BinaryIO, key: VerifierKey) -> int:
    """The index of the second leaf with this id (32 hex digits)."""
    checkpoint, rest = _read_head(file, key)
    leaves = (leaf for some in _batches(rest, file, checkpoint.size) for leaf in some)
    found = (index for index, leaf in enumerate(leaves) if b'"id":"' + leaf_id + b'"' in leaf)
    next(found)
    return next(found)


_SAID: dict[Step, tuple[str, str]] = {
    Step.NOTE: (
        "the checkpoint is damaged, or not signed with this key",
        "チェックポイントが壊れているか、この鍵の署名ではありません",
    ),
    Step.LEAF: ("this entry does not keep the rules of the log", "この項目は記録の決まりに合いません"),
    Step.TIME: ("this entry is earlier than the one before", "この項目は前の項目より古い時刻です"),
    Step.END: ("the file is cut off, or does not end in a newline", "ファイルが途中で切れています"),
    Step.COUNT: ("there are not as many entries as were signed", "項目の数が署名された数と違います"),
    Step.ROOT: (
        "entries were changed, moved or exchanged",
        "項目が書き換え、入れ替え、または差し替えられています",
    ),
    Step.UNIQUE: ("two entries have the same id", "同じ番号の項目が2つあります"),
}


def write_refusal(error: VerifyError, japanese: bool) -> str:
    """What is wrong, in a sentence, with the step, the index and the fault's code."""
    said = _SAID[error.step][japanese]
    fault = f" ({error.step}: {error.fault})" if error.fault else f" ({error.step})"
    if japanese:
        return (
            "記録を確認できません。" + ("" if error.index is None else f"索引{error.index}：") + said + fault
        )
    return "REFUSED: " + ("" if error.index is None else f"entry {error.index}: ") + said + fault


def write_verified(found: Verified, japanese: bool) -> str:
    """What was proved, in a sentence."""
    origin, size = found.checkpoint.origin, found.checkpoint.size
    span = f" {found.first} – {found.last}" if size else ""
    if japanese:
        return f"記録は書き換えられていません。{origin}：{size}件{span}"
    return f"OK: the records are unaltered. {origin}: {size} entries{span}"


def _write_json(outcome: Verified | VerifyError) -> str:
    """The outcome as one line of JSON with sorted keys."""
    said: dict[str, str | int | bool | None]
    if isinstance(outcome, VerifyError):
        said = {"ok": False, "step": outcome.step, "index": outcome.index, "fault": outcome.fault or None}
    else:
        point = outcome.checkpoint
        said = {"ok": True, "origin": point.origin, "size": point.size, "root": point.root.hex()}
        said |= {"first": outcome.first or None, "last": outcome.last or None}
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def _speaks_japanese() -> bool:
    """Whether the environment asks for Japanese (POSIX order: LC_ALL, LC_MESSAGES, LANG)."""
    named = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next((value for value in named if value), "").startswith("ja")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; the program ends with code 2 where they are wrong."""
    parser = argparse.ArgumentParser(
        prog="tsunagi-verify", description="Check an exported log file offline. 記録のファイルを確かめます。"
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the exported log / 書き出した記録")
    parser.add_argument(
        "--key", metavar="VKEY", action="append", required=True, help="the log's public key / 記録の公開鍵"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a sentence")
    arguments = parser.parse_args(argv)
    if len(arguments.key) != 1:
        parser.error("--key: 1")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Check one file and say so; the exit code: 0 accepted, 1 refused, 2 not checked."""
    arguments = _parse(argv)
    japanese = _speaks_japanese()
    try:
        key = read_key(arguments.key[0])
        with arguments.file.open("rb") as file:
            found = verify_log(file, key)
    except VerifyError as error:
        print(_write_json(error) if arguments.json else write_refusal(error, japanese))
        return 1
    except NoteError:
        print("--key: not a verifier key / 公開鍵の形が違います", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{arguments.file}: {error.strerror}", file=sys.stderr)
        return 2
    print(_write_json(found) if arguments.json else write_verified(found, japanese))
    return 0


if __name__ == "__main__":
    sys.exit(main())
