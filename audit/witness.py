"""What a witness decides (C2SP tlog-witness): cosign a checkpoint only if it continues the one cosigned before.

Rules, in the order of the specification's answers:
1. The request is exactly its text form, capped before it is parsed.
2. The origin is a log that this witness knows, and the log's key signed the note.
3. The old size is not above the new one, and is that of the newest checkpoint that this witness cosigned.
4. No tree is larger than an index has room for; the same size has the same root; a larger one is proved to continue
   the smaller.
Whoever calls `consider` keeps the whole note, durably, before the cosignature leaves the machine.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.checkpoint import MAX_NOTE, Checkpoint, body_of, cosign, open_checkpoint, read_body
from audit.errors import NoteError, ProofError, WitnessError, WitnessFault
from audit.proof import verify_consistency
from audit.text import read_base64, write_base64
from audit.tree import EMPTY_ROOT, MAX_SIZE
from crypto.notes import SignerKey, VerifierKey

MAX_HASHES = 63
MAX_REQUEST = MAX_NOTE + 64 * 46  # characters
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request to cosign: the size that the witness has, the consistency proof from there, the log's note."""

    old: int
    hashes: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigning:
    """A checkpoint that the witness cosigns: the note to keep, and the line to answer with once it is kept."""

    checkpoint: Checkpoint
    note: str
    line: str


def write_request(request: AddCheckpoint) -> str:
    """The body of an ``add-checkpoint`` request."""
    hashes = map(write_base64, request.hashes)
    return "".join(f"{line}\n" for line in (f"old {request.old}", *hashes)) + "\n" + request.note


def read_request(text: str) -> AddCheckpoint:
    """The request that a body says; the note in it is not opened yet.

    Raises WitnessError(TEXT) for anything that ``write_request`` would not write.
    """
    if len(text) > MAX_REQUEST:
        raise WitnessError(WitnessFault.TEXT)
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    old = _OLD.fullmatch(lines[0])
    hashes = tuple(read_base64(line) or b"" for line in lines[1:])
    if old is None or not gap or len(hashes) > MAX_HASHES or any(len(one) != 32 for one in hashes):
        raise WitnessError(WitnessFault.TEXT)
    return AddCheckpoint(old=int(old[1]), hashes=hashes, note=note)


def consider(
    request: AddCheckpoint, kept: str | None, logs: Sequence[VerifierKey], signer: SignerKey, time: int
) -> Cosigning:
    """The cosigning of the request's checkpoint at ``time`` (Unix seconds).

    ``kept`` is the note cosigned last for the request's origin, None where there was none; ``logs`` are the keys
    of the logs that this witness knows. Raises WitnessError with the first rule that is broken.
    """
    checkpoint = _open(request.note, logs)
    before = _kept(kept)
    if request.old > checkpoint.size:
        raise WitnessError(WitnessFault.SIZE)
    if request.old != before.size:
        raise WitnessError(WitnessFault.BEHIND, before.size)
    if checkpoint.size > MAX_SIZE:
        raise WitnessError(WitnessFault.PROOF)
    if checkpoint.size == before.size and checkpoint.root != before.root:
        raise WitnessError(WitnessFault.FORK, before.size)
    _check_continues(before, checkpoint, request.hashes)
    body = body_of(request.note)
    return Cosigning(checkpoint=checkpoint, note=request.note, line=cosign(body, signer, time))


def _open(note: str, logs: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint of a note that the known log of its origin signed."""
    try:
        origin = read_body(body_of(note)).origin
    except NoteError:
        raise WitnessError(WitnessFault.TEXT) from None
    key = next((one for one in logs if one.name == origin), None)
    if key is None:
        raise WitnessError(WitnessFault.ORIGIN)
    try:
        return open_checkpoint(note, key)
    except NoteError:
        raise WitnessError(WitnessFault.SIGNATURE) from None


def _kept(note: str | None) -> Checkpoint:
    """What the witness cosigned last; the empty tree where nothing."""
    if note is None:
        return Checkpoint(origin="", size=0, root=EMPTY_ROOT)
    return read_body(body_of(note))


def _check_continues(before: Checkpoint, after: Checkpoint, hashes: tuple[bytes, ...]) -> None:
    """Refuse a proof that does not lead from ``before`` to ``after``; from nothing there is nothing to prove."""
    if before.size == 0:
        if hashes or (after.size == 0 and after.root != EMPTY_ROOT):
            raise WitnessError(WitnessFault.PROOF)
        return
    try:
        verify_consistency(before.size, after.size, hashes, before.root, after.root)
    except ProofError:
        raise WitnessError(WitnessFault.PROOF) from None
