"""``tsunagi-verify BUNDLE --policy FILE [--since CHECKPOINT]``: checks a bundle offline, trusting nobody.

BUNDLE is the folder or zip that ``tsunagi log export`` wrote; what is checked stands in ``audit.bundle``. The policy
is the auditor's own file: which log, which witnesses, how many of them (C2SP tlog-policy). CHECKPOINT is a note that
the auditor kept from an earlier time. Nothing in the bundle is believed for keys, and no server is asked.

This is the only module of the package that reads files, the environment or arguments.
Exit codes: 0 accepted, 1 refused, 2 not checked (wrong usage, a policy that cannot be read).
"""

import argparse
import errno
import functools
import io
import itertools
import os
import stat
import sys
import unicodedata
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import BinaryIO

from audit.bundle import Bundle, Map, Verified, scan_here, verify_bundle
from audit.checkpoint import MAX_NOTE
from audit.errors import PolicyError
from audit.policy import MAX_POLICY, Policy, read_policy
from audit.scan import Part, Step, VerifyError, scan_part
from audit.tiles import Tile
from audit.words import write_json, write_policy_fault, write_refusal, write_verified

MANY = 4
"""From so many parts on, several are checked at once."""
_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_FLAGS = 0x080E  # what a member may say of itself: how it was packed, its length behind it, UTF-8
_RENAMED = b"up"  # Info-ZIP's Unicode path: another name, which some programs believe
_NO_NAME = "\\:\0"  # with these, a name may be another one on some system


class Files:
    """The files of a bundle, a folder or a zip; what is no plain file, nor a link to one, is not there."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not (path.is_dir() or path.is_file()):
            raise zipfile.BadZipFile  # a pipe or a device, which would never end
        self._path = path
        self._zip = None if path.is_dir() else _open_zip(path)

    def open(self, name: str) -> BinaryIO | None:
        """The file of that name as a stream; None where there is none. Names are our own, never the bundle's."""
        if self._zip is None:
            file = self._path / name
            return file.open("rb") if file.is_file() else None
        if name not in self._zip.NameToInfo:
            return None
        return self._zip.open(name)  # type: ignore[return-value]  # an IO[bytes] that is one

    def read(self, name: str, limit: int) -> bytes | None:
        """At most ``limit`` bytes of a file, and one more where it is longer; None where there is none."""
        file = self.open(name)
        if file is None:
            return None
        with file:
            return file.read(limit + 1)


def _open_zip(path: Path) -> zipfile.ZipFile:
    """A zip of plain members, each with a name of its own; raises BadZipFile before anything else is read."""
    file = zipfile.ZipFile(path)
    members = file.infolist()
    names = {unicodedata.normalize("NFC", one.orig_filename.casefold()).removesuffix("/") for one in members}
    if len(names) != len(members) or not all(_is_plain(one, file.start_dir) for one in members):
        file.close()
        raise zipfile.BadZipFile
    return file


def _is_plain(member: zipfile.ZipInfo, end: int) -> bool:
    """Whether any program unpacks a member, which begins before ``end``, as we read it, and under its name."""
    name = member.orig_filename
    return (
        member.compress_type in _PACKED
        and not member.flag_bits & ~_FLAGS
        and not stat.S_ISLNK(member.external_attr >> 16)
        and 0 <= member.header_offset < end
        and _RENAMED not in _marks(member.extra)
        and not {*name} & {*_NO_NAME}
        and all(part and part[-1] not in ". " for part in name.removesuffix("/").split("/"))
    )


def _marks(extra: bytes) -> Iterator[bytes]:
    """The marks of a member's extra fields: each two bytes, before a length and so many bytes."""
    while extra:
        yield extra[:2]
        extra = extra[4 + int.from_bytes(extra[2:4], "little") :]


@functools.lru_cache(maxsize=1)
def _files(path: Path) -> Files:
    """The files that a process of the pool reads from, opened once there."""
    return Files(path)


def _scan(path: Path, table: bool, tiles: Sequence[Tile]) -> Part:
    """One part, in a process of the pool."""
    return scan_part(_files(path).read, tiles, table=table)


def _scan_at_once(path: Path, files: Files, table: bool) -> Map:
    """Scans several parts at once where there are many, each processor one; never far ahead of what is asked."""

    def scan(parts: Iterable[Sequence[Tile]]) -> Iterator[Part]:
        coming = iter(parts)
        few = list(itertools.islice(coming, MANY))
        if len(few) < MANY:
            yield from scan_here(files.read, table)(few)
            return
        workers = os.cpu_count() or 1
        with ProcessPoolExecutor(workers) as pool:
            waiting: deque[Future[Part]] = deque()
            try:
                for part in itertools.chain(few, coming):
                    waiting.append(pool.submit(_scan, path, table, part))
                    if len(waiting) > 2 * workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    return scan


def verify_path(path: Path, policy: Policy, since: str | None = None) -> Verified:
    """Return only if the bundle at ``path`` holds. Raises VerifyError, OSError where it could not be checked."""
    try:
        files = Files(path)
        scan = functools.partial(_scan_at_once, path, files)
        return verify_bundle(Bundle(read=files.read, open=files.open, scan=scan), policy, since)
    except BrokenProcessPool:  # a process of the pool was killed: nothing is known of the bundle
        raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD), str(path)) from None
    except MemoryError:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), str(path)) from None
    except Exception as error:  # whatever zipfile raises for a damaged zip, EINVAL for a seek to nowhere
        lost = isinstance(error, OSError) and (error.filename or error.errno not in (None, errno.EINVAL))
        if lost or isinstance(error, VerifyError) or path.is_dir():
            raise
        raise VerifyError(Step.SCOPE, fault="text") from None


def _speaks_japanese() -> bool:
    """Whether the environment asks for Japanese (POSIX order: LC_ALL, LC_MESSAGES, LANG)."""
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next((value for value in named if value), "").startswith("ja")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; the program ends with code 2 where they are wrong."""
    parser = argparse.ArgumentParser(
        prog="tsunagi-verify", description="Check an exported log offline. 書き出した記録を確かめます。"
    )
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="folder or zip / 書き出したフォルダかzip")
    parser.add_argument(
        "--policy",
        metavar="FILE",
        type=Path,
        required=True,
        help="your own policy, not the bundle's / 自分の方針",
    )
    parser.add_argument(
        "--since", metavar="CHECKPOINT", type=Path, help="a checkpoint kept earlier / 前のチェックポイント"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of sentences")
    return parser.parse_args(argv)


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)


def _verify(arguments: argparse.Namespace, policy: Policy) -> Verified:
    """The bundle of the arguments. Raises VerifyError, OSError."""
    since = None
    if arguments.since is not None:
        since = _read(arguments.since, MAX_NOTE).decode(errors="surrogateescape")
    return verify_path(arguments.bundle, policy, since)


def main(argv: Sequence[str] | None = None) -> int:
    """Check one bundle and say so; the exit code: 0 accepted, 1 refused, 2 not checked."""
    arguments = _parse(argv)
    japanese = _speaks_japanese()
    if isinstance(
        sys.stdout, io.TextIOWrapper
    ):  # a letter that the terminal lacks does not change the verdict
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        policy = read_policy(_read(arguments.policy, MAX_POLICY))
    except PolicyError as error:
        print(f"{arguments.policy}: {write_policy_fault(error, japanese)}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{arguments.policy}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        found = _verify(arguments, policy)
    except VerifyError as error:
        print(
            write_json(error, policy.contact)
            if arguments.json
            else write_refusal(error, japanese, policy.contact)
        )
        return 1
    except OSError as error:
        print(f"{error.filename or arguments.bundle}: {error.strerror}", file=sys.stderr)
        return 2
    print(write_json(found) if arguments.json else write_verified(found, japanese))
    return 0


if __name__ == "__main__":
    sys.exit(main())
