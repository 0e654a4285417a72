"""Entries and leaves that the tests of this folder share."""

import hashlib
from datetime import UTC, datetime, timedelta

from audit.event import Decision, Entry, Event, Flag, Purpose, Reason, Via, canonical
from crypto.notes import public_of, write_vkey

START = datetime(2026, 11, 23, 5, 50, 27, 179_000, tzinfo=UTC)
ORIGIN = "log.tsunagi.example/test"
SEED = b"\x01" * 32
VKEY = write_vkey(ORIGIN, public_of(SEED))


def digest(number: int) -> bytes:
    """A hash that only stands for one."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def full_entry(number: int = 0) -> Entry:
    """An entry that has every key."""
    return Entry(
        event=Event.CASE_READ,
        id=digest(number)[:16],
        actor="u_" + "1" * 32,
        role="npo_coordinator",
        organisation="o_" + "2" * 32,
        on_behalf_of="u_" + "3" * 32,
        subject="c_" + "4" * 32,
        object="r_" + "5" * 32,
        reference=0,
        digest=digest(1),
        decision=Decision.PERMIT,
        reason=Reason.NOT_OFFERED,
        purpose=Purpose.FOOD_SUPPORT,
        fields=("dietary", "name", "quantity"),
        withheld=("address", "consultation"),
        consent=("k_" + "6" * 32, 2, digest(2)),
        policy=digest(3),
        request_id="7" * 32,
        session="8" * 64,
        via=Via.API,
        count=1,
        flags=(Flag.AFTER_HOURS, Flag.BULK),
        detail=digest(4),
    )


def small_leaves(count: int) -> list[bytes]:
    """The first leaves of a small log, a millisecond apart."""
    entries = (Entry(event=Event.LOGIN_OK, id=digest(at)[:16], actor="u_" + "1" * 32) for at in range(count))
    return [canonical(entry, START + timedelta(milliseconds=at)) for at, entry in enumerate(entries)]


def many_leaves(count: int) -> list[bytes]:
    """The first leaves of a large log, a millisecond apart, written without checking each."""
    form = b'{"ev":"login.ok","id":"%032x","t":"2026-11-23T05:%02d:%02d.%03dZ","v":1}'
    return [form % (at, at // 60_000, at // 1000 % 60, at % 1000) for at in range(count)]
