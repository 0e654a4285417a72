"""One entry of the access log: what it says, and its leaf, the canonical text that is stored and hashed.

The rules of a leaf stand in ``audit.leaf``; writing goes through the same check as reading and verifying.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from audit.codes import Decision, Event, Flag, Purpose, Reason, Role, Via
from audit.errors import EntryError, EntryFault
from audit.leaf import FORMS, MAX_LEAF, join_codes, match_leaf, scan_leaf, scan_leaves, split_codes
from audit.text import read_base64, write_base64
from audit.times import later, read_time, write_time

__all__ = [
    "MAX_LEAF",
    "Decision",
    "Entry",
    "Event",
    "Flag",
    "Leaf",
    "Purpose",
    "Reason",
    "Role",
    "Via",
    "canonical",
    "canonical_all",
    "detail_commitment",
    "later",
    "read_leaf",
    "read_time",
    "scan_leaf",
    "write_time",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one entry says; ids are text forms (``u_…``), digests raw bytes, codes sorted tuples.

    ``id`` is 16 random bytes, so that a holder of hashes learns nothing. ``reference`` is the index of
    another entry of the same tree; ``count`` the number of records in the same request; ``consent`` the
    series' text form, the event's number from 1 and its 32-byte hash; ``policy`` the 32-byte digest of the
    policy in force; ``detail`` the 32-byte commitment to an erasable row. Nothing here takes words.
    """

    event: Event
    id: bytes
    actor: str | None = None
    role: str | None = None
    organisation: str | None = None
    on_behalf_of: str | None = None
    subject: str | None = None
    object: str | None = None
    reference: int | None = None
    digest: bytes | None = None
    decision: Decision | None = None
    reason: Reason | None = None
    purpose: Purpose | None = None
    fields: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    consent: tuple[str, int, bytes] | None = None
    policy: bytes | None = None
    request_id: str | None = None
    session: str | None = None
    via: Via | None = None
    count: int | None = None
    flags: tuple[Flag, ...] = ()
    detail: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One leaf read: the entry and its time (aware, UTC, whole milliseconds)."""

    entry: Entry
    time: datetime


def canonical(entry: Entry, time: datetime) -> bytes:
    """The leaf of ``entry`` at ``time``: canonical JSON, at most 2,048 bytes, the bytes that are hashed.

    Codes in ``fields``, ``withheld`` and ``flags`` must be sorted. Raises EntryError for an entry that
    breaks any rule of ``audit.leaf``.
    """
    return canonical_all((entry,), time)[0]


def canonical_all(entries: Iterable[Entry], time: datetime) -> list[bytes]:
    """The leaf of each entry, all at the same ``time``, as `canonical` writes it and for less."""
    said = write_time(time)
    texts = [_texts(entry, said) for entry in entries]
    leaves = [_write(one).encode(errors="replace") for one in texts]
    for one, found in zip(texts, scan_leaves(leaves), strict=True):
        if list(filter(None, one)) != list(filter(None, found)):  # a text that brought keys of its own
            raise EntryError(EntryFault.FORM)
    return leaves


def _write(texts: tuple[str | None, ...]) -> str:
    parts = [
        f'"{key}":{quote}{text}{quote}'
        for (key, quote, _), text in zip(FORMS, texts, strict=True)
        if text is not None
    ]
    return "{" + ",".join(parts) + "}"


def _texts(entry: Entry, time: str) -> tuple[str | None, ...]:
    """The text of each key's value in the order of ``KEYS``, None where the entry does not have it."""
    return (
        entry.actor,
        _write_consent(entry.consent),
        entry.decision,
        None if entry.detail is None else write_base64(entry.detail),
        None if entry.digest is None else entry.digest.hex(),
        entry.event,
        join_codes(entry.fields),
        join_codes(entry.flags),
        join_codes(entry.withheld),
        entry.id.hex(),
        None if entry.count is None else str(entry.count),
        entry.object,
        entry.on_behalf_of,
        entry.organisation,
        None if entry.policy is None else f"sha256:{entry.policy.hex()}",
        entry.purpose,
        None if entry.reference is None else str(entry.reference),
        entry.request_id,
        entry.role,
        entry.reason,
        entry.session,
        entry.subject,
        time,
        "1",
        entry.via,
    )


def _write_consent(consent: tuple[str, int, bytes] | None) -> str | None:
    """The text ``k_…:number:hash`` of a consent event."""
    return None if consent is None else f"{consent[0]}:{consent[1]}:{consent[2].hex()}"


def _read_consent(text: str | None) -> tuple[str, int, bytes] | None:
    """The consent event that ``_write_consent`` wrote."""
    if text is None:
        return None
    series, number, digest = text.split(":")
    return series, int(number), bytes.fromhex(digest)


def read_leaf(leaf: bytes) -> Leaf:
    """The entry and time that ``leaf`` says; raises EntryError where it is not the canonical text of one."""
    part = match_leaf(leaf)
    entry = Entry(
        event=Event(part["ev"]),
        id=bytes.fromhex(part["id"]),
        actor=part["act"],
        role=part["rol"],
        organisation=part["org"],
        on_behalf_of=part["obo"],
        subject=part["sub"],
        object=part["obj"],
        reference=_read_number(part["ref"]),
        digest=_read_hex(part["dig"]),
        decision=Decision(part["dec"]) if part["dec"] else None,
        reason=Reason(part["rsn"]) if part["rsn"] else None,
        purpose=Purpose(part["pur"]) if part["pur"] else None,
        fields=split_codes(part["fld"]),
        withheld=split_codes(part["fno"]),
        consent=_read_consent(part["cns"]),
        policy=_read_hex(part["pol"] and part["pol"].removeprefix("sha256:")),
        request_id=part["rid"],
        session=part["ses"],
        via=Via(part["via"]) if part["via"] else None,
        count=_read_number(part["n"]),
        flags=tuple(Flag(code) for code in split_codes(part["flg"])),
        detail=None if part["det"] is None else read_base64(part["det"]),
    )
    return Leaf(entry=entry, time=read_time(part["t"]))


def _read_number(text: str | None) -> int | None:
    """The number in a leaf."""
    return None if text is None else int(text)


def _read_hex(text: str | None) -> bytes | None:
    """The bytes that hex digits in a leaf say."""
    return None if text is None else bytes.fromhex(text)


def detail_commitment(salt: bytes, detail: bytes) -> bytes:
    """What stands in a leaf for an erasable detail row: SHA-256("tsunagi-detail/v1\\n" ‖ salt ‖ detail).

    ``salt`` is 32 random bytes that are erased with the row, so that nobody can guess the detail from the
    commitment. Raises EntryError(FORM) for a salt of another length, which would let two rows share one.
    """
    if len(salt) != 32:
        raise EntryError(EntryFault.FORM, "det")
    return hashlib.sha256(b"tsunagi-detail/v1\n" + salt + detail).digest()
