"""One round with one log: its newest checkpoint, the proof that it continues the one cosigned before, the cosignature.

The steps, and where each one ends the round:
1. What was cosigned last is read before the log is asked, so that nothing newer can look like a step back.
2. The log's checkpoint is opened with the key that the configuration names.
3. Where it is the one cosigned last, there is nothing to cosign.
4. The proof is built from the log's tiles; they are believed as far as the two roots bear them out.
5. The store decides and keeps. A contradiction is kept as evidence instead.
6. Only then the note goes to the log; one that was not taken goes again in the next round.
"""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.errors import ProofError, WitnessError, WitnessFault
from audit.tiles import span_hash, tiles_for
from audit.tree import consistency_path, consistency_proof
from audit.witness import AddCheckpoint
from crypto.notes import VerifierKey
from service.cli.witness.config import Pull
from service.cli.witness.errors import ContradictionError, StartError
from service.cli.witness.fetching import SECONDS, Server
from service.cli.witness.files import read_closed, write_whole
from service.cli.witness.keeping import Kept, Store, file_name

_CONTRADICTIONS = frozenset({WitnessFault.SIZE, WitnessFault.FORK, WitnessFault.PROOF})
_TOKEN = re.compile(r"[!-~]{1,500}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a round came to: how many entries were cosigned before (None: nothing ever was), and how many now."""

    before: int | None
    now: int
    sent: bool


async def pull(store: Store, key: VerifierKey, how: Pull, seconds: float = SECONDS) -> Pulled:
    """One round with the log of ``key``.

    Raises ContradictionError, WitnessError, NoteError, LogError, StoreError, StartError (the token's file), OSError.
    """
    async with Server(how.url, how.tree, read_token(how.token), seconds) as server:
        before = await asyncio.to_thread(store.kept, key.name)
        note = await server.note()
        shown = open_checkpoint(note, key)
        kept = before
        if kept is None or shown != kept.checkpoint:
            kept = await _cosign(store, server, key, note, shown, before)
        sent = await _hand_over(store, server, how, kept)
    return Pulled(
        before=None if before is None else before.checkpoint.size, now=kept.checkpoint.size, sent=sent
    )


def read_token(path: Path) -> str:
    """The bearer token of a file. Raises StartError."""
    token = read_closed(path, "token")
    if _TOKEN.fullmatch(token) is None:
        raise StartError(path, "is no token")
    return token


async def _cosign(
    store: Store, server: Server, key: VerifierKey, note: str, shown: Checkpoint, before: Kept | None
) -> Kept:
    """What is kept from here on; a contradiction is kept as evidence."""
    old = 0 if before is None else before.checkpoint.size
    request = AddCheckpoint(old=old, hashes=await _proof(server, old, shown.size), note=note)
    try:
        return await asyncio.to_thread(store.cosign, request, (key,))
    except WitnessError as error:
        if error.fault not in _CONTRADICTIONS:
            raise
        folder = await asyncio.to_thread(store.keep_evidence, request, error.fault)
        raise ContradictionError(error.fault, shown.size, old, folder) from None


async def _proof(server: Server, old: int, new: int) -> tuple[bytes, ...]:
    """The consistency proof from the log's tiles; none where the sizes ask for none. Raises LogError."""
    try:
        spans = consistency_path(old, new)
    except ProofError:
        return ()
    tiles = await server.tiles(tiles_for(spans, new))
    return consistency_proof(old, new, lambda span: span_hash(span, new, tiles))


async def _hand_over(store: Store, server: Server, how: Pull, kept: Kept) -> bool:
    """Gives the cosigned note to the log, or to the folder for it, if it has not got it; whether it was given."""
    if await asyncio.to_thread(store.is_sent, kept):
        return False
    if how.out is None:
        await server.send(kept.note)
    else:
        name = f"{file_name(kept.checkpoint.origin)}-{kept.checkpoint.size}.note"
        await asyncio.to_thread(write_whole, how.out / name, kept.note)
    await asyncio.to_thread(store.mark_sent, kept)
    return True
