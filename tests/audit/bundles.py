"""Bundles made in memory, as a dictionary of files, for the tests that verify them and those that tamper with them."""

import contextlib
import io
import resource
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit import standalone
from audit.bundle import Bundle, scan_here
from audit.checkpoint import Checkpoint, body_of, cosign, sign_note, with_lines, write_body
from audit.chosen import write_chosen
from audit.layout import bundle_path, bundles_of, tile_path, tiles_of, write_bundle
from audit.sheet import HEADER, write_row
from audit.tiles import WIDTH, tile_root
from audit.tree import leaf_hash, root_of
from crypto.notes import COSIGNATURE, SignerKey
from tests.audit.examples import ORIGIN, SEED, VKEY

WITNESS = SignerKey(name="npo.example/w1", algorithm=COSIGNATURE, seed=b"\x02" * 32)
WITNESS_VKEY = "npo.example/w1+8f097b91+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
POLICY = f"log {VKEY}\nwitness npo {WITNESS_VKEY}\nquorum npo\n"
UNWITNESSED = f"log {VKEY}\nquorum none\n"
COSIGNED_AT = 1_795_410_000

Files = dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log to export: its leaves (None: the text is gone), their hashes, and who signs."""

    leaves: Sequence[bytes | None]
    hashes: Sequence[bytes] = ()
    origin: str = ORIGIN
    seed: bytes = SEED
    witnesses: Sequence[SignerKey] = field(default=(WITNESS,))

    @property
    def all_hashes(self) -> Sequence[bytes]:
        """The leaf hashes: those given, else those of the leaves."""
        return self.hashes or [leaf_hash(leaf or b"") for leaf in self.leaves]

    def note(self, size: int | None = None) -> str:
        """The signed and cosigned checkpoint over the first ``size`` leaves, all unless named."""
        hashes = self.all_hashes if size is None else self.all_hashes[:size]
        body = write_body(Checkpoint(origin=self.origin, size=len(hashes), root=root_of(hashes)))
        note = sign_note(body, self.origin, self.seed)
        for witness in self.witnesses:
            note = with_lines(note, cosign(body_of(note), witness, COSIGNED_AT))
        return note


def hash_tiles(hashes: Sequence[bytes]) -> Files:
    """Every tile of hashes of a tree with these leaf hashes."""
    rows = [list(hashes)]
    while len(rows[-1]) >= WIDTH:
        row = rows[-1]
        rows.append(
            [tile_root(b"".join(row[at : at + WIDTH])) for at in range(0, len(row) - WIDTH + 1, WIDTH)]
        )
    return {
        tile_path(tile): b"".join(rows[tile.level][tile.number * WIDTH : tile.number * WIDTH + tile.width])
        for tile in tiles_of(len(hashes))
    }


def entry_bundles(leaves: Sequence[bytes | None], first: int = 0) -> Files:
    """The entry bundles; one whose texts are all gone is not written."""
    made = {}
    for tile in bundles_of(len(leaves), first):
        mine = leaves[tile.number * WIDTH : tile.number * WIDTH + tile.width]
        if any(leaf is not None for leaf in mine):
            made[bundle_path(tile)] = write_bundle(mine)
    return made


def table(leaves: Sequence[bytes | None], first: int = 0) -> bytes:
    """The table for spreadsheets, from entry ``first`` on."""
    rows = (write_row(at, leaf) for at, leaf in enumerate(leaves) if leaf is not None and at >= first)
    return HEADER + b"".join(rows)


def whole(log: Log) -> Files:
    """The bundle of a whole log."""
    return {
        "checkpoint": log.note().encode(),
        "scope": b"tsunagi-export/v1\nwhole\n",
        "entries.csv": table(log.leaves),
        **hash_tiles(log.all_hashes),
        **entry_bundles(log.leaves),
    }


def since(log: Log, size: int) -> Files:
    """The bundle with the entries from the one of number ``size`` on (whole entry bundles)."""
    first = size // WIDTH
    return {
        "checkpoint": log.note().encode(),
        "scope": b"tsunagi-export/v1\nsince %d\n" % size,
        "entries.csv": table(log.leaves, first * WIDTH),
        **hash_tiles(log.all_hashes),
        **entry_bundles(log.leaves, first),
    }


def of_case(log: Log, case: str) -> Files:
    """The bundle with one case's entries."""
    mark = f'"sub":"{case}"'.encode()
    chosen = (
        write_chosen(at, leaf) for at, leaf in enumerate(log.leaves) if leaf is not None and mark in leaf
    )
    return {
        "checkpoint": log.note().encode(),
        "scope": f"tsunagi-export/v1\ncase {case}\n".encode(),
        "leaves": b"".join(chosen),
        **hash_tiles(log.all_hashes),
    }


def in_memory(files: Mapping[str, bytes]) -> Bundle:
    """These files as a bundle to check, in one process, without a folder."""

    def read(name: str, limit: int) -> bytes | None:
        return files[name][: limit + 1] if name in files else None

    return Bundle(
        read=read,
        open=lambda name: io.BytesIO(files[name]) if name in files else None,
        scan=lambda table: scan_here(read, table),
    )


class _Handed:
    """Files in memory as the one-file verifier reads a zip."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.NameToInfo = files

    def open(self, name: str) -> io.BytesIO:
        return io.BytesIO(self.NameToInfo[name])


def second_opinion(files: Mapping[str, bytes], policy: str, old: str | None = None) -> dict[str, object]:
    """What the one-file verifier says of the same bundle, as it says it in JSON."""
    bundle = standalone.Bundle(Path("/"))
    bundle.zip = _Handed(files)
    older = None if old is None else old.encode("utf-8", "surrogateescape")
    try:
        return bundle.check(standalone.Policy(policy.encode()), older)
    except standalone.RefusedError as error:
        step, index, fault = error.args
        return {"ok": False, "step": step, "index": index, "fault": fault or None, "call": None}


def save(files: Mapping[str, bytes], path: Path) -> Path:
    """The bundle as a folder, or as a zip where the path ends so."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for name, data in files.items():
                file.writestr(name, data)
        return path
    for name, data in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return path


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """No more than half a gigabyte beside what is in use already, within; where the system says what that is."""
    sizes = Path("/proc/self/statm")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if sizes.exists():
        used = int(sizes.read_text("ascii").split()[0]) * resource.getpagesize()
        allowed = [limit for limit in (used + (1 << 29), soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(allowed), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
