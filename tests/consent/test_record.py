"""The stored bytes of consent events, and the chain of a series."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.fields import Purpose, Slot
from cases.ids import CaseId, OrganisationId, SeriesId, UserId
from consent.answer import give, withdraw
from consent.errors import RecordError, RecordFault
from consent.record import (
    FIRST,
    LIVE_KINDS,
    AgeClass,
    Basis,
    CopyGiven,
    Direction,
    Event,
    EventKind,
    GivenBy,
    IdentityCheck,
    Language,
    Method,
    Told,
    check_chain,
    decode,
    encode,
    event_hash,
    tokyo_day,
)
from tests.consent.makers import ANSWER, HOW, NAME, SERIES, START, TERMS, stamp

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "consent.json").read_text())

GIVEN = give(SERIES, (), stamp(), replace(ANSWER, sealed_names=bytes(range(40))), TERMS)

sets = st.frozensets(st.integers(1, 65535).map(Slot), max_size=6)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
ids = st.uuids()
some_code = {
    kind: st.none() | st.sampled_from(kind)
    for kind in (Basis, AgeClass, Language, Method, IdentityCheck, CopyGiven)
}


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    zone = timezone(timedelta(minutes=draw(st.integers(-14 * 60, 14 * 60))))
    return datetime.fromtimestamp(draw(st.integers(10**6, 4 * 10**9)), zone)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Events of every kind whose parts fit each other."""
    number = draw(st.integers(1, 2**32 - 1))
    kind = draw(st.sampled_from(EventKind))
    refers = kind in (EventKind.CONFIRMED, EventKind.EXPIRED, EventKind.INVALIDATED)
    number = max(number, 2) if refers else number
    at = draw(instants())
    allowed = draw(sets)
    start = tokyo_day(at) - timedelta(days=draw(st.integers(0, 400)))
    live = kind in LIVE_KINDS
    numbers = sorted(draw(st.frozensets(st.integers(1, 9))))
    return Event(
        series=SeriesId(draw(ids)),
        number=number,
        receipt=draw(st.from_regex(r"C-[0-9]{4}-[0-9]{5,9}", fullmatch=True)),
        case=CaseId(draw(ids)),
        kind=kind,
        about=draw(st.integers(1, number - 1)) if refers else 0,
        event_day=draw(days),
        recorded_at=at,
        basis=draw(some_code[Basis]),
        purpose=draw(st.sampled_from(Purpose)),
        age=draw(some_code[AgeClass]),
        notice_version=draw(st.integers(0, 65535)),
        notice_digest=draw(st.binary(min_size=32, max_size=32)),
        language=draw(some_code[Language]),
        told=tuple(Told(number=n, at=draw(instants())) for n in numbers),
        allowed=allowed,
        refused=draw(sets) - allowed,
        acknowledged=frozenset(slot for slot in allowed if draw(st.booleans())),
        directions=draw(st.frozensets(st.sampled_from(Direction))),
        recipient=OrganisationId(draw(ids)),
        recipient_key=draw(st.binary(min_size=32, max_size=32)),
        valid_from=start if live else None,
        until=start + timedelta(days=draw(st.integers(0, 400))) if live else None,
        retention_months=draw(st.integers(0, 65535)),
        given_by=draw(st.frozensets(st.sampled_from(GivenBy))),
        method=draw(some_code[Method]),
        identity=draw(some_code[IdentityCheck]),
        sealed_names=draw(st.binary(max_size=80)),
        copy=draw(some_code[CopyGiven]),
        recorder=draw(st.none() | ids.map(UserId)),
        witness=draw(st.none() | ids.map(UserId)),
        previous=FIRST if number == 1 else draw(st.binary(min_size=32, max_size=32).filter(any)),
        entry_id=draw(st.binary(min_size=16, max_size=16)),
    )


@settings(max_examples=150)
@given(events())
def test_an_event_comes_back_from_its_bytes(event: Event) -> None:
    """What is stored is what was recorded, whole, and stands for nothing else."""
    stored = encode(event)
    back = decode(stored)
    assert back == event
    assert back.recorded_at.utcoffset() == event.recorded_at.utcoffset()
    assert encode(back) == stored


def test_every_prefix_is_refused() -> None:
    """Bytes cut short anywhere are no event."""
    stored = encode(GIVEN)
    for size in range(len(stored)):
        with pytest.raises(RecordError):
            decode(stored[:size])
    for more in (b"\0", b"\1"):
        with pytest.raises(RecordError):
            decode(stored + more)


def test_every_flipped_bit_is_refused_or_says_something_else() -> None:
    """No two strings of bytes stand for one event: what still opens encodes to exactly the changed bytes."""
    stored = encode(GIVEN)
    for bit in range(len(stored) * 8):
        changed = bytearray(stored)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            event = decode(bytes(changed))
        except RecordError:
            continue
        assert encode(event) == changed
        assert event != GIVEN or event.recorded_at.utcoffset() != GIVEN.recorded_at.utcoffset()


@settings(max_examples=150)
@given(st.binary(max_size=400))
def test_any_other_bytes_are_refused_with_one_error(junk: bytes) -> None:
    """Whatever lies in the database, reading it raises RecordError and nothing else."""
    for stored in (junk, b"TSN1-CONSENT\0\1" + junk):
        with pytest.raises(RecordError):
            decode(stored)


def test_a_list_out_of_order_is_refused() -> None:
    """A set has one way of being written."""
    stored = encode(replace(GIVEN, allowed=frozenset((Slot(2), Slot(3))), acknowledged=frozenset()))
    rising, falling = b"\0\2\0\2\0\3", b"\0\2\0\3\0\2"
    assert stored.count(rising) == 1
    for wrong in (falling, b"\0\2\0\2\0\2"):
        with pytest.raises(RecordError):
            decode(stored.replace(rising, wrong))


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"receipt": "C-2026-1"}, RecordFault.RECEIPT),
        ({"receipt": "C-2026-５０３１８"}, RecordFault.RECEIPT),
        ({"receipt": "C-2026-50318\n"}, RecordFault.RECEIPT),
        ({"number": 0}, RecordFault.NUMBER),
        ({"about": 1}, RecordFault.NUMBER),
        ({"kind": EventKind.CONFIRMED}, RecordFault.NUMBER),
        ({"previous": bytes([1]) * 32}, RecordFault.PREVIOUS),
        ({"number": 2}, RecordFault.PREVIOUS),
        ({"notice_digest": bytes(31)}, RecordFault.LENGTH),
        ({"entry_id": bytes(15)}, RecordFault.LENGTH),
        ({"recipient_key": b""}, RecordFault.LENGTH),
        ({"sealed_names": bytes(65536)}, RecordFault.LENGTH),
        ({"recorded_at": START + timedelta(milliseconds=1)}, RecordFault.TIME),
        ({"recorded_at": START.replace(tzinfo=None)}, RecordFault.TIME),
        ({"recorded_at": datetime(1969, 1, 1, tzinfo=UTC)}, RecordFault.TIME),
        ({"told": (Told(number=1, at=START.replace(microsecond=5)),)}, RecordFault.TIME),
        ({"told": (Told(number=2, at=START), Told(number=1, at=START))}, RecordFault.RANGE),
        ({"allowed": frozenset((Slot(0),)), "acknowledged": frozenset()}, RecordFault.RANGE),
        ({"allowed": frozenset((Slot(65536),)), "acknowledged": frozenset()}, RecordFault.RANGE),
        ({"retention_months": -1}, RecordFault.RANGE),
        ({"refused": GIVEN.allowed}, RecordFault.SET),
        ({"acknowledged": GIVEN.refused}, RecordFault.SET),
        ({"until": None}, RecordFault.UNTIL),
        ({"valid_from": None}, RecordFault.UNTIL),
        ({"until": date(2026, 10, 17)}, RecordFault.UNTIL),
        ({"valid_from": date(2026, 10, 19)}, RecordFault.UNTIL),
        ({"kind": EventKind.REFUSED}, RecordFault.UNTIL),
    ],
)
def test_parts_that_do_not_fit_are_not_stored(parts: dict[str, object], fault: RecordFault) -> None:
    """An event that says two things, or too much, gets no bytes."""
    with pytest.raises(RecordError) as caught:
        encode(replace(GIVEN, **parts))  # type: ignore[arg-type]  # each row names parts of an event
    assert caught.value.fault is fault


def test_codes_are_frozen() -> None:
    """A stored number means the same for ever."""
    kinds = (EventKind, Basis, AgeClass, Language, Direction, GivenBy, Method, IdentityCheck, CopyGiven)
    found = {kind.__name__: {code.word: code.value for code in kind} for kind in kinds}
    assert found == VECTORS["codes"]
    assert all(kind.of(code.word) is code for kind in kinds for code in kind)
    assert EventKind.of("GIVEN") is None


def test_the_format_is_frozen() -> None:
    """Bytes that were stored once are read, and written the same, for ever."""
    for vector in VECTORS["events"]:
        stored = bytes.fromhex(vector["stored"])
        event = decode(stored)
        assert encode(event) == stored
        assert event_hash(stored).hex() == vector["hash"]
        assert event.kind.word == vector["kind"]
        assert sorted(event.allowed) == vector["allowed"]
        assert sorted(event.refused) == vector["refused"]
        assert event.recorded_at.isoformat() == vector["recorded_at"]
        assert str(event.until) == str(vector["until"])
    made = give(SERIES, (), stamp(), ANSWER, TERMS)
    assert encode(made).hex() == VECTORS["events"][0]["stored"]
    assert encode(withdraw((made,), stamp(timedelta(hours=1)), HOW)).hex() == VECTORS["events"][1]["stored"]


def chain() -> list[bytes]:
    made = give(SERIES, (), stamp(), ANSWER, TERMS)
    gone = withdraw((made,), stamp(timedelta(hours=1)), HOW)
    again = give(SERIES, (made, gone), stamp(timedelta(hours=2)), ANSWER, TERMS)
    return [encode(event) for event in (made, gone, again)]


def test_a_whole_chain_is_accepted() -> None:
    """A series reads back as its events, in order."""
    assert [event.number for event in check_chain(chain())] == [1, 2, 3]
    assert check_chain([]) == ()


def test_a_chain_missing_its_middle_or_its_start_is_refused() -> None:
    """No event goes away unnoticed, but the newest (the log holds its hash)."""
    first, second, third = chain()
    for broken in ([first, third], [second, third], [first, first], [second, first, third]):
        with pytest.raises(RecordError):
            check_chain(broken)


def test_a_changed_event_breaks_the_chain() -> None:
    """An event edited in the database no longer fits the next one."""
    first, second, third = chain()
    edited = encode(replace(decode(first), allowed=frozenset((NAME,)), acknowledged=frozenset()))
    with pytest.raises(RecordError) as caught:
        check_chain([edited, second, third])
    assert (caught.value.fault, caught.value.number) == (RecordFault.PREVIOUS, 2)


@pytest.mark.parametrize(
    "parts",
    [
        {"case": CaseId(UUID(int=99))},
        {"recipient": OrganisationId(UUID(int=99))},
        {"series": SeriesId(UUID(int=99))},
        {"purpose": Purpose.REFERRAL},
        {"receipt": "C-2026-00000"},
    ],
)
def test_an_event_of_another_series_is_refused(parts: dict[str, object]) -> None:
    """A consent for one organisation never stands in another's series."""
    first, second, _ = chain()
    foreign = encode(replace(decode(second), **parts))  # type: ignore[arg-type]  # parts of an event
    with pytest.raises(RecordError) as caught:
        check_chain([first, foreign])
    assert (caught.value.fault, caught.value.number) == (RecordFault.SERIES, 2)
