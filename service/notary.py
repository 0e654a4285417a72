"""The notary's folder: the log's signing key, what was signed last, and the notes that it hands over.

Rules kept here:
- The state is the notary's own, outside the database, and moves, durably, before a signature leaves.
- A state that is missing is not an empty one: whoever deletes the file gets no signature.
- One process signs at a time. Where the notary runs apart, the service has no key, and takes the notes from here.

The folder: ``log.key`` (the signer key), ``log.pub`` (its verifier key), ``state``, ``notes/`` (the newest note a log).
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from audit.checkpoint import MAX_NOTE
from audit.errors import NotaryError, NotaryFault
from audit.notary import MAX_STATE, State, read_state, write_state
from crypto.notes import VerifierKey, note_key_id, public_of, write_vkey

_PATIENCE = 0.02


class Notary:
    """The notary's folder as one process uses it; ``seed`` is None where the key is somebody else's."""

    __slots__ = ("_folder", "public", "seed")

    def __init__(self, folder: Path, *, public: bytes, seed: bytes | None) -> None:
        self._folder = folder
        self.public = public
        self.seed = seed

    @classmethod
    def signing(cls, folder: Path, seed: bytes) -> "Notary":
        """A notary that signs with the Ed25519 key of ``seed``."""
        return cls(folder, public=public_of(seed), seed=seed)

    def __repr__(self) -> str:
        return "<Notary>"

    def key(self, origin: str) -> VerifierKey:
        """The verifier key of the log with this origin."""
        return VerifierKey(
            name=origin, algorithm=1, public=self.public, key_id=note_key_id(origin, self.public)
        )

    def vkey(self, origin: str) -> str:
        """The text of that key: what an auditor gets on another way than the log."""
        return write_vkey(origin, self.public)

    def begin(self) -> None:
        """Makes the folder and an empty state; raises FileExistsError where there is one."""
        (self._folder / "notes").mkdir(mode=0o755, parents=True, exist_ok=True)
        with (self._folder / "state").open("x", encoding="utf-8") as file:
            file.write(write_state({}))

    def read(self) -> State:
        """What was signed last of each log. Raises NotaryError(STATE) where that cannot be read or is missing."""
        try:
            with (self._folder / "state").open("rb") as file:
                return read_state(file.read(MAX_STATE + 1).decode("utf-8"))
        except (OSError, UnicodeDecodeError):
            raise NotaryError(NotaryFault.STATE) from None

    def write(self, state: State) -> None:
        """Keeps what was signed, durably, before it returns. Raises OSError."""
        self._replace(self._folder / "state", write_state(state))

    def hand_over(self, origin: str, note: str) -> None:
        """Lays the newest note of a log where the service finds it."""
        self._replace(self._note(origin), note)

    def handed_over(self, origin: str) -> str | None:
        """The newest note of a log that the notary laid here; not opened yet."""
        try:
            with self._note(origin).open("rb") as file:
                return file.read(MAX_NOTE + 1).decode("utf-8", "replace")
        except OSError:
            return None

    def _note(self, origin: str) -> Path:
        return self._folder / "notes" / sha256(origin.encode("utf-8")).hexdigest()[:32]

    def _replace(self, path: Path, text: str) -> None:
        """Puts the text in the file's place, whole or not at all, durable."""
        part = path.with_name(f".{path.name}.part")
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Holds the notary's lock: no other process reads the state to sign meanwhile."""
        with (self._folder / "lock").open("w") as lock:
            while not _taken(lock.fileno()):  # noqa: ASYNC110  # another process holds it
                await asyncio.sleep(_PATIENCE)
            yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
