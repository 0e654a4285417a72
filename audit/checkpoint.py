"""Checkpoints (C2SP tlog-checkpoint) in signed notes (C2SP signed-note), with cosignatures of witnesses.

Rules:
1. The size is capped first; what does not encode to the same bytes again is refused.
2. A note counts only with a valid signature of a key that the caller gave; keys are never taken from a note.
3. Lines of unknown keys are ignored, as signed-note asks; a bad line of a known key refuses the whole note.
4. A checkpoint is three lines, with no extension lines, and its origin is the name of the log's key.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.errors import NoteError, NoteFault
from audit.text import read_base64, write_base64
from crypto.errors import OpenError
from crypto.notes import (
    COSIGNATURE,
    ED25519,
    SignerKey,
    VerifierKey,
    is_key_name,
    note_key_id,
    public_of,
    read_vkey,
    sign,
    verify,
)

MAX_NOTE = 65_536  # characters
_END_OF_TIME = 2**63  # seconds that no cosignature may name
_MAX_LINES = 100  # signature lines
_BODY = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")
_LINE = re.compile(r"— ([^\n ]+) ([A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the log says of itself: its origin (a name without spaces or plus), its size, its 32-byte root."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature that holds: the key that made it; for a witness the Unix seconds at which it signed."""

    key: VerifierKey
    time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note opened: its text, the signatures that hold, and how many lines of unknown keys it has."""

    body: str
    signatures: tuple[Signature, ...]
    unknown: int


def write_body(checkpoint: Checkpoint) -> str:
    """The text that is signed; raises NoteError(BODY) for a checkpoint that has no such text."""
    root = write_base64(checkpoint.root)
    body = f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"
    read_body(body)
    return body


def read_body(body: str) -> Checkpoint:
    """The checkpoint that a note's text says; raises NoteError(BODY) for any other text."""
    found = _BODY.fullmatch(body)
    if found is None or not is_key_name(found[1]):
        raise NoteError(NoteFault.BODY)
    root = read_base64(found[3])
    if root is None:
        raise NoteError(NoteFault.BODY)
    return Checkpoint(origin=found[1], size=int(found[2]), root=root)


def sign_note(body: str, name: str, seed: bytes) -> str:
    """The note of ``body`` with one signature line of the Ed25519 key of ``seed`` (32 bytes) under ``name``.

    ``body`` ends in a newline. Raises NoteError(TEXT) where the note could not be read back.
    """
    key_id = note_key_id(name, public_of(seed))
    blob = write_base64(key_id + sign(seed, body.encode()))
    note = f"{body}\n— {name} {blob}\n"
    if _split(note)[0] != body:
        raise NoteError(NoteFault.TEXT)
    return note


def open_note(note: str, keys: Sequence[VerifierKey]) -> Note:
    """The note's text, if at least one of ``keys`` signed it and none of them signed something else.

    Raises NoteError: SIZE, TEXT, SIGNATURE, UNSIGNED, OTHER_KEY.
    """
    body, lines = _split(note)
    signatures: list[Signature] = []
    for name, blob in lines:
        key = next((one for one in keys if (one.name, one.key_id) == (name, blob[:4])), None)
        if key is None:
            continue
        if any(one.key == key for one in signatures):
            raise NoteError(NoteFault.SIGNATURE)
        signatures.append(_check_line(body, key, blob[4:]))
    if not signatures:
        known = {key.name for key in keys}.intersection(name for name, _ in lines)
        raise NoteError(NoteFault.OTHER_KEY if known else NoteFault.UNSIGNED)
    return Note(body=body, signatures=tuple(signatures), unknown=len(lines) - len(signatures))


def cosign(body: str, signer: SignerKey, time: int) -> str:
    """The line, with its newline, by which a witness says at ``time`` (Unix seconds) that it saw this checkpoint.

    C2SP tlog-cosignature ``cosignature/v1``. Raises NoteError(KEY) for a key of another kind.
    """
    if signer.algorithm != COSIGNATURE or not 0 <= time < _END_OF_TIME:
        raise NoteError(NoteFault.KEY)
    signed = time.to_bytes(8, "big") + sign(signer.seed, cosigned(body, time))
    blob = write_base64(signer.verifier().key_id + signed)
    return f"— {signer.name} {blob}\n"


def with_lines(note: str, lines: str) -> str:
    """The note with more signature lines behind its own; raises NoteError where that is no note."""
    longer = note + lines
    if _split(longer)[0] != _split(note)[0]:
        raise NoteError(NoteFault.TEXT)
    return longer


def body_of(note: str) -> str:
    """The text that a note's lines sign, whoever signed; raises NoteError(SIZE, TEXT)."""
    return _split(note)[0]


def lines_of(note: str, key: VerifierKey) -> str:
    """The signature lines of ``key`` in a note, each with its newline, whether they hold or not.

    Raises NoteError(SIZE, TEXT).
    """
    _split(note)
    mark = f"— {key.name} "
    lines = (line for line in note.rpartition("\n\n")[2].split("\n") if line.startswith(mark))
    return "".join(line + "\n" for line in lines if _read_line(line)[1][:4] == key.key_id)


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint that the log's own ``key`` signed, and that names that key as its origin.

    Raises NoteError as ``open_note``, KEY for a witness's key, BODY, ORIGIN.
    """
    if key.algorithm != ED25519:
        raise NoteError(NoteFault.KEY)
    checkpoint = read_body(open_note(note, (key,)).body)
    if checkpoint.origin != key.name:
        raise NoteError(NoteFault.ORIGIN)
    return checkpoint


def read_key(text: str) -> VerifierKey:
    """The verifier key that a vkey text (``name+id+key``) says; raises NoteError(KEY)."""
    try:
        return read_vkey(text)
    except OpenError:
        raise NoteError(NoteFault.KEY) from None


def _split(note: str) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """The note's text and its signature lines as names and bytes, each with a key id and a signature."""
    if len(note) > MAX_NOTE:
        raise NoteError(NoteFault.SIZE)
    text, gap, rest = note.rpartition("\n\n")
    lines = rest.split("\n")
    if _CONTROL.search(note) or not text or not gap or lines.pop() or not 0 < len(lines) <= _MAX_LINES:
        raise NoteError(NoteFault.TEXT)
    return text + "\n", tuple(_read_line(line) for line in lines)


def _read_line(line: str) -> tuple[str, bytes]:
    """Name and bytes of one signature line."""
    found = _LINE.fullmatch(line)
    blob = read_base64(found[2]) if found is not None else None
    if found is None or not is_key_name(found[1]) or blob is None or len(blob) < 5:
        raise NoteError(NoteFault.TEXT)
    return found[1], blob


def _check_line(body: str, key: VerifierKey, signature: bytes) -> Signature:
    """The signature, if ``key`` made it over ``body``."""
    time, message = None, body.encode()
    if key.algorithm == COSIGNATURE:
        time = int.from_bytes(signature[:8], "big")
        message, signature = cosigned(body, time), signature[8:]
    if (time or 0) >= _END_OF_TIME or not verify(key.public, message, signature):
        raise NoteError(NoteFault.SIGNATURE)
    return Signature(key=key, time=time)


def cosigned(body: str, time: int) -> bytes:
    """What a witness signs at ``time`` (Unix seconds), C2SP tlog-cosignature ``cosignature/v1``."""
    return f"cosignature/v1\ntime {time}\n{body}".encode()
