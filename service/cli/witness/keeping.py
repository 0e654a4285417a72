"""The store: of each log the newest note that this witness cosigned, its own line included.

Rules kept here:
1. A note is durable in the store before its cosignature is handed to anybody.
2. Reading the kept note, deciding and keeping the new one happen under one lock, held across processes.
3. A store whose marker is not there is not an empty one; a kept note that does not hold is not a missing one.
4. A log that shows a larger cosignature of this witness than the store has, shows that the store went back.

The folder: ``witness`` (the marker, with the verifier key; also what is locked), ``<hash of the origin>.note``,
``<hash of the origin>.sent`` (which note the log has got), ``evidence/``.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from audit.checkpoint import MAX_NOTE, Checkpoint, body_of, lines_of, open_note, read_body, with_lines
from audit.errors import NoteError, WitnessError, WitnessFault
from audit.witness import AddCheckpoint, Cosigning, consider, write_request
from crypto.notes import COSIGNATURE, SignerKey, VerifierKey, write_vkey
from service.cli.witness.errors import StoreError, StoreFault
from service.cli.witness.files import sync_folder, write_new, write_whole

Clock = Callable[[], datetime]

_MARKER = "witness"
_EVIDENCE = "evidence"
_MOST_EVIDENCE = 1000  # folders; a log that forges more has been found out


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A note that is in the store: what it says, the whole note, and this witness's own line of it."""

    checkpoint: Checkpoint
    note: str
    line: str


def vkey_of(signer: SignerKey) -> str:
    """The text of the witness's verifier key, for the agreement's annex."""
    return write_vkey(signer.name, signer.verifier().public, COSIGNATURE)


def file_name(origin: str) -> str:
    """What a log's files are called."""
    return sha256(origin.encode("utf-8")).hexdigest()


class Store:
    """The store in a folder, of one witness's key."""

    __slots__ = ("_clock", "_folder", "_key", "_signer")

    def __init__(self, folder: Path, signer: SignerKey, clock: Clock) -> None:
        self._folder = folder
        self._signer = signer
        self._key = signer.verifier()
        self._clock = clock

    def __repr__(self) -> str:
        return "<Store>"

    def begin(self) -> None:
        """Makes an empty store, the marker last. Raises FileExistsError where there is a folder already."""
        self._folder.mkdir(mode=0o700, parents=True)
        (self._folder / _EVIDENCE).mkdir(mode=0o700)
        write_new(self._folder / _MARKER, self._marker(), 0o600)
        sync_folder(self._folder.parent)

    def check(self) -> None:
        """Returns where the store is there, and of this key. Raises StoreError."""
        with self._alone():
            return

    def kept(self, origin: str) -> Kept | None:
        """The note cosigned last of a log, None where none ever was. Raises StoreError."""
        with self._alone():
            return self._read(origin)

    def cosign(self, request: AddCheckpoint, logs: Sequence[VerifierKey]) -> Kept:
        """What is kept from here on: the request's checkpoint, cosigned now. ``logs`` are the known logs' keys.

        Raises WitnessError where it does not continue what was cosigned before, StoreError, OSError.
        """
        with self._alone():
            origin = _origin(request.note)
            before = self._read(origin)
            note = None if before is None else before.note
            made = consider(request, note, logs, self._signer, int(self._clock().timestamp()))
            if self._signed_larger(made, before):
                raise StoreError(StoreFault.OLDER)
            whole = self._whole(made)
            write_whole(self._note(origin), whole)
            return Kept(checkpoint=made.checkpoint, note=whole, line=made.line)

    def keep_evidence(self, request: AddCheckpoint, fault: WitnessFault) -> Path:
        """Keeps, once, both notes of a contradiction and the request; the folder. Raises StoreError, OSError."""
        with self._alone():
            kept = self._read(_origin(request.note))
            digest = sha256(f"{fault}\n{body_of(request.note)}".encode()).hexdigest()[:16]
            above = self._folder / _EVIDENCE
            there = sorted(path for path in above.iterdir() if not path.name.startswith("."))
            same = [path for path in there if path.name.endswith(f"-{digest}")]
            if same or len(there) >= _MOST_EVIDENCE:
                return same[0] if same else above
            folder = above / f"{self._clock().astimezone(UTC):%Y%m%dT%H%M%SZ}-{fault}-{digest}"
            texts = {"offered.note": request.note, "request": write_request(request)}
            _keep_folder(folder, texts if kept is None else {"kept.note": kept.note, **texts})
            return folder

    def is_sent(self, kept: Kept) -> bool:
        """Whether this very note was handed to the log."""
        try:
            with self._sent(kept.checkpoint.origin).open("rb") as file:
                return file.read(100).decode("ascii", "replace") == _digest(kept)
        except FileNotFoundError:
            return False

    def mark_sent(self, kept: Kept) -> None:
        """Remembers that this note was handed to the log. Raises OSError."""
        write_whole(self._sent(kept.checkpoint.origin), _digest(kept))

    def _note(self, origin: str) -> Path:
        return self._folder / f"{file_name(origin)}.note"

    def _sent(self, origin: str) -> Path:
        return self._folder / f"{file_name(origin)}.sent"

    def _marker(self) -> str:
        return f"tsunagi-witness/v1\n{vkey_of(self._signer)}\n"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Holds the store's lock, having seen that the store is there. Raises StoreError, OSError."""
        try:
            marker = os.open(self._folder / _MARKER, os.O_RDWR)
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(StoreFault.MISSING) from None
        with os.fdopen(marker, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if file.read(4096) != self._marker().encode():
                raise StoreError(StoreFault.OTHER_KEY)
            yield

    def _read(self, origin: str) -> Kept | None:
        """The kept note, if it is one that this witness cosigned. Raises StoreError."""
        try:
            with self._note(origin).open("rb") as file:
                note = file.read(4 * MAX_NOTE + 1).decode("utf-8")
            checkpoint = read_body(open_note(note, (self._key,)).body)
        except FileNotFoundError:
            return None
        except (NoteError, UnicodeDecodeError):
            raise StoreError(StoreFault.DAMAGED) from None
        if checkpoint.origin != origin:
            raise StoreError(StoreFault.DAMAGED)
        return Kept(checkpoint=checkpoint, note=note, line=lines_of(note, self._key))

    def _signed_larger(self, made: Cosigning, before: Kept | None) -> bool:
        """Whether the note shows a cosignature of this witness that the store does not know of."""
        if before is not None and before.checkpoint.size == made.checkpoint.size:
            return False
        body = body_of(made.note)
        lines = lines_of(made.note, self._key).split("\n")[:-1]
        return any(_holds(f"{body}\n{line}\n", self._key) for line in lines)

    def _whole(self, made: Cosigning) -> str:
        """The note with this witness's new line in place of any older one. Raises WitnessError(TEXT)."""
        text, gap, rest = made.note.rpartition("\n\n")
        own = set(lines_of(made.note, self._key).split("\n")[:-1])
        others = "".join(f"{line}\n" for line in rest.split("\n")[:-1] if line not in own)
        try:
            return with_lines(text + gap + others, made.line)
        except NoteError:
            raise WitnessError(WitnessFault.TEXT) from None


def _origin(note: str) -> str:
    """The origin that a note names; empty, which no log's is, where it names none."""
    try:
        return read_body(body_of(note)).origin
    except NoteError:
        return ""


def _digest(kept: Kept) -> str:
    return sha256(kept.note.encode("utf-8")).hexdigest()


def _holds(note: str, key: VerifierKey) -> bool:
    try:
        return bool(open_note(note, (key,)).signatures)
    except NoteError:
        return False


def _keep_folder(folder: Path, texts: dict[str, str]) -> None:
    """Makes the folder with these files, whole or not at all."""
    part = folder.with_name(f".{folder.name}")
    part.mkdir(mode=0o700, exist_ok=True)
    for name, text in texts.items():
        write_whole(part / name, text)
    part.rename(folder)
    sync_folder(folder.parent)
