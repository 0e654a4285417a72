"""What the log says of the rows: of each place, user, case, grant and request the newest entry that speaks of it.

Rules kept here:
- Only an entry that permits says anything of a row, and only one whose text is believed.
- An entry that wrote sealed rows commits to their records. Records that do not fit say nothing but that their places
  are not known any more.
- Where texts are gone (redacted, pruned, cut off) the log may have said more: then a row that it does not know is no
  finding (``gaps``). What it says, it says.

Keys are raw ids of 16 bytes; of two, one behind the other.
"""

import struct
from collections.abc import Callable, Mapping
from hashlib import sha256
from re import Match
from uuid import UUID

from audit.event import Event
from audit.leaf import match_leaf
from cases.ids import CaseId, UserId
from service.flows.digests import assignment_digest
from service.flows.fsck.findings import Code
from service.store.cases import RECORD_SIZE
from service.store.values import Value

GONE = b""
"""In the place of a digest: the newest entry says that the row was taken away."""
UNKNOWN = b""
"""In the place of a record: what the newest entry wrote there cannot be known."""

SEALING = frozenset(
    {
        Event.CASE_CLOSE,
        Event.CASE_CREATE,
        Event.CASE_UPDATE,
        Event.CONSENT_CHANGE,
        Event.CONSENT_GIVE,
        Event.CONSENT_RENEW,
        Event.KEY_ROTATE,
        Event.LEDGER_WRITE,
        Event.REQUEST_DRAFT,
        Event.REQUEST_SEND,
    }
)
"""The events whose ``dig``, where they have one, is that of sealed rows (formats.md, Log leaf)."""

RECORD = struct.Struct(">16sHH16sQ32s")
PLACE = struct.Struct(">16sHH")
WRITTEN = struct.Struct(">16s16sQ32s")
_NO_ROWS = sha256().digest()
NO_ID = bytes(16)


class Said:
    """One believed leaf, as the hearers below ask it."""

    __slots__ = ("_parts", "tree")

    def __init__(self, tree: int, parts: Match[str]) -> None:
        self.tree = tree
        self._parts = parts

    @property
    def event(self) -> str:
        return self._parts["ev"]

    def id(self, key: str) -> bytes:
        """The raw id of ``sub``, ``obj``, ``act`` or ``org``; zeros where it is not there."""
        text: str | None = self._parts[key]
        return NO_ID if text is None else bytes.fromhex(text[2:])

    @property
    def digest(self) -> bytes | None:
        """``dig``, 32 bytes."""
        text: str | None = self._parts["dig"]
        return None if text is None else bytes.fromhex(text)


class Told:
    """The newest that the log says of everything; `hear` is called with the entries in their order."""

    def __init__(self) -> None:
        self.gaps = False
        self.records_gone = False
        self.sealed: dict[bytes, bytes] = {}
        self.rights: dict[bytes, bytes] = {}
        self.unlocks: dict[bytes, bytes | None] = {}
        self.seals: dict[bytes, bytes] = {}
        self.assigned: dict[bytes, bool | None] = {}
        self.grants: dict[bytes, bytes] = {}
        self.due: dict[bytes, bool] = {}
        self.cases: dict[bytes, bool] = {}
        self.bundles: set[bytes] = set()
        self.shreds: set[bytes] = set()
        self.requests: dict[bytes, str] = {}
        self.ledger: dict[bytes, tuple[bytes, bytes, bytes]] = {}
        self.witnesses: dict[bytes, bool] = {}
        self.links: set[bytes] = set()

    def hear(self, tree: int, leaf: bytes, event: str, *, permitted: bool) -> Said | None:
        """What a believed leaf says is kept; gives it back taken apart where it may have written rows."""
        link = leaf.find(b'"cns":"')
        if link >= 0:
            self.links.add(leaf[link + 7 : leaf.index(b'"', link + 7)])
        if not permitted or event not in _HEARERS:
            return None
        said = Said(tree, match_leaf(leaf))
        _HEARERS[event](self, said)
        return said

    def hear_records(self, said: Said | None, records: Value) -> Code | None:
        """Keeps the records of the rows that an entry wrote; what is wrong with them, None where nothing is."""
        wanted = said.digest if said is not None and said.event in SEALING else None
        wanted = None if wanted == _NO_ROWS else wanted
        if records is None:
            self.records_gone = self.records_gone or wanted is not None
            return None if wanted is None else Code.DELETED
        if said is None or wanted is None:
            self.forget(records)
            return Code.PLANTED
        if not isinstance(records, bytes) or sha256(records).digest() != wanted:
            self.forget(records)
            self.records_gone = True
            return Code.CHANGED
        self.keep_records(said.id("sub"), records)
        return None

    def keep_records(self, case: bytes, records: bytes) -> None:
        """The newest that was written at each place; ``case`` is zeros where the entry's text is gone."""
        for record, slot, column, thread, version, hashed in RECORD.iter_unpack(_whole(records)):
            self.sealed[PLACE.pack(record, slot, column)] = WRITTEN.pack(case, thread, version, hashed)

    def forget(self, records: Value) -> None:
        """The places of records that are not believed are not known any more."""
        if isinstance(records, bytes):
            for record, slot, column, *_ in RECORD.iter_unpack(_whole(records)):
                self.sealed[PLACE.pack(record, slot, column)] = UNKNOWN


def _whole(records: bytes) -> bytes:
    """As many whole records as there are."""
    return records[: len(records) // RECORD_SIZE * RECORD_SIZE]


def _rights(told: Told, said: Said) -> None:
    told.rights[said.id("obj")] = said.digest or GONE


def _password(told: Told, said: Said) -> None:
    """A new password: by the user, who then acts, or by a colleague, about the user."""
    told.unlocks[said.id("act" if said.event == Event.PASSWORD_CHANGE else "obj")] = said.digest


def _certified(told: Told, said: Said) -> None:
    told.seals[said.id("obj")] = said.digest or GONE


def _removed(told: Told, said: Said) -> None:
    told.seals[said.id("obj")] = GONE


def _assigned(told: Told, said: Said) -> None:
    case, user = said.id("sub"), said.id("obj")
    given, taken = (
        assignment_digest(CaseId(UUID(bytes=case)), UserId(UUID(bytes=user)), taken=one)
        for one in (False, True)
    )
    told.assigned[case + user] = {given: True, taken: False}.get(said.digest or GONE)


def _sealed(told: Told, said: Said) -> None:
    told.grants[said.id("obj")] = said.digest or GONE


def _revoked(told: Told, said: Said) -> None:
    told.grants[said.id("obj")] = GONE
    told.due[said.id("sub")] = True


def _rotated(told: Told, said: Said) -> None:
    """Only the second entry of a rotation says that new keys are in use: it commits to what was sealed anew."""
    if said.digest is not None:
        told.due[said.id("sub")] = False


def _created(told: Told, said: Said) -> None:
    case = said.id("sub")
    told.cases[case] = False
    told.bundles.add(case)
    told.shreds.add(case)


def _closed(told: Told, said: Said) -> None:
    told.cases[said.id("sub")] = True


def _requested(told: Told, said: Said) -> None:
    told.requests[said.id("obj")] = said.event


def _handed_over(told: Told, said: Said) -> None:
    told.ledger[said.id("obj")] = (said.id("sub"), said.id("act"), said.id("org"))


def _witness(told: Told, said: Said) -> None:
    told.witnesses[witness_key(said.tree, said.digest or GONE)] = said.event == Event.WITNESS_ADD


def witness_key(tree: int, digest: bytes) -> bytes:
    """A witness of a tree, by the digest of its verifier key's text."""
    return tree.to_bytes(8, "big") + digest


def _nothing(_told: Told, _said: Said) -> None:
    """An entry that says nothing of a row by itself, but may have written sealed ones."""


_HEARERS: Mapping[str, Callable[[Told, Said], None]] = {
    **dict.fromkeys(SEALING, _nothing),
    **dict.fromkeys((Event.USER_ADD, Event.ROLE_CHANGE, Event.USER_DISABLE), _rights),
    **dict.fromkeys((Event.PASSWORD_CHANGE, Event.PASSWORD_RESET), _password),
    **dict.fromkeys((event for event in Event if event.value.startswith("request.")), _requested),
    **dict.fromkeys((Event.WITNESS_ADD, Event.WITNESS_REMOVE), _witness),
    Event.MEMBER_CERTIFY: _certified,
    Event.MEMBER_REMOVE: _removed,
    Event.CASE_ASSIGN: _assigned,
    Event.CASE_CREATE: _created,
    Event.CASE_CLOSE: _closed,
    Event.KEY_SEAL: _sealed,
    Event.KEY_REVOKE: _revoked,
    Event.KEY_ROTATE: _rotated,
    Event.LEDGER_WRITE: _handed_over,
}
