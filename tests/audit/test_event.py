"""A leaf says one entry in one way, takes no words, and is refused in any other form."""

import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import EntryError, EntryFault
from audit.event import (
    MAX_LEAF,
    Decision,
    Entry,
    Event,
    Flag,
    Purpose,
    Reason,
    Role,
    Via,
    canonical,
    detail_commitment,
    later,
    read_leaf,
    read_time,
    scan_leaf,
    write_time,
)
from audit.tree import leaf_hash
from tests.audit.examples import START, digest, full_entry

KNOWN = json.loads((Path(__file__).parents[1] / "vectors" / "log.json").read_text("utf-8"))

hex32 = st.binary(min_size=16, max_size=16).map(bytes.hex)
bytes32 = st.binary(min_size=32, max_size=32)
times = st.integers(946_684_800_000_000, 32_503_679_999_999_999).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
codes = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True), unique=True, max_size=8).map(sorted)


def ids(kind: str) -> st.SearchStrategy[str]:
    """Text forms of ids of one kind."""
    return hex32.map(lambda text: f"{kind}_{text}")


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Entries that the log takes."""
    named = draw(codes)
    cut = draw(st.integers(0, len(named)))
    return Entry(
        event=draw(st.sampled_from([event for event in Event if event not in MANY])),
        id=draw(st.binary(min_size=16, max_size=16)),
        actor=draw(st.none() | ids("u")),
        role=draw(st.none() | st.sampled_from(Role)),
        organisation=draw(st.none() | ids("o")),
        on_behalf_of=draw(st.none() | ids("u")),
        subject=draw(ids("c")),
        object=draw(st.none() | ids("k") | ids("r")),
        reference=draw(st.none() | st.integers(0, 2**39)),
        digest=draw(st.none() | bytes32),
        decision=draw(st.none() | st.sampled_from(Decision)),
        reason=draw(st.sampled_from(Reason)),
        purpose=draw(st.sampled_from(Purpose)),
        fields=tuple(named[:cut]),
        withheld=tuple(named[cut:]),
        consent=draw(st.none() | st.tuples(ids("k"), st.integers(1, 999), bytes32)),
        policy=draw(st.none() | bytes32),
        request_id=draw(st.none() | hex32),
        session=draw(st.none() | hex32),
        via=draw(st.none() | st.sampled_from(Via)),
        count=draw(st.none() | st.integers(0, 10**6)),
        flags=tuple(sorted(draw(st.sets(st.sampled_from(Flag))))),
        detail=draw(st.none() | bytes32),
    )


MANY = {Event.CASE_SEARCH, Event.CASE_SCAN}


def plain(**changes: str | int | list[str]) -> bytes:
    """A small leaf with some keys set, in canonical order."""
    said = {"ev": "login.ok", "id": "0" * 32, "t": "2026-11-23T05:50:27.179Z", "v": 1, **changes}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def fault_of(leaf: bytes) -> EntryFault:
    """Why a leaf is refused."""
    with pytest.raises(EntryError) as caught:
        scan_leaf(leaf)
    with pytest.raises(EntryError):
        read_leaf(leaf)
    return caught.value.fault


def test_the_leaf_is_frozen() -> None:
    """An entry that was written once is read and hashed the same for ever."""
    leaf = canonical(full_entry(), START)
    assert leaf.decode() == KNOWN["leaf"]
    assert leaf_hash(leaf).hex() == KNOWN["leaf_hash"]


@settings(max_examples=150)
@given(entries(), times)
def test_every_entry_reads_back(entry: Entry, time: datetime) -> None:
    """The leaf says the whole entry, as canonical JSON, in printable ASCII without a backslash."""
    leaf = canonical(entry, time)
    assert read_leaf(leaf).entry == entry
    assert read_leaf(leaf).time == later(time, None)
    assert leaf == json.dumps(json.loads(leaf), sort_keys=True, separators=(",", ":")).encode()
    assert len(leaf) <= MAX_LEAF
    assert all(0x20 <= byte <= 0x7E and byte != 0x5C for byte in leaf)
    found = scan_leaf(leaf)
    assert (found["t"], found["id"]) == (write_time(time), entry.id.hex())


@settings(max_examples=200)
@given(st.integers(0, len(KNOWN["leaf"]) - 1), st.integers(0, 255))
def test_a_changed_byte_is_never_the_same_entry(at: int, value: int) -> None:
    """No two texts say the same entry: a changed leaf is refused or says something else."""
    leaf = KNOWN["leaf"].encode()
    changed = leaf[:at] + bytes([value]) + leaf[at + 1 :]
    try:
        read = read_leaf(changed)
    except EntryError:
        return
    assert (read == read_leaf(leaf)) == (changed == leaf)


TEXTS = ("actor", "role", "organisation", "on_behalf_of", "subject", "object", "request_id", "session")


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "text",
    ["山田太郎", "Yamada", "", "u_", 'u_1","org":"o_1', "u_\\u5c71", "a\nb", "\udc80", "A" * 32, "?" * 32],
)
def test_no_key_takes_words(name: str, text: str) -> None:
    """A name, Japanese or not, has no place in the log, nor has a text that brings keys of its own."""
    with pytest.raises(EntryError):
        canonical(dataclasses.replace(full_entry(), **{name: text}), START)


@pytest.mark.parametrize("fields", [("山田",), ("name ",), ("Name",), ('a","b',), ("a" * 41,), ("",)])
def test_no_field_code_takes_words(fields: tuple[str, ...]) -> None:
    """A field is named by its code, never by what stands in it."""
    with pytest.raises(EntryError):
        canonical(dataclasses.replace(full_entry(), fields=fields), START)


def test_a_text_cannot_bring_keys_of_its_own() -> None:
    """An attribute whose text would read as two keys is refused, though the leaf would be canonical."""
    forged = f'u_{"1" * 32}","obo":"u_{"3" * 32}'
    entry = dataclasses.replace(
        full_entry(), actor=f"u_{'1' * 32}", on_behalf_of=None, digest=None, detail=None
    )
    entry = dataclasses.replace(entry, object=f'r_{"5" * 32}","obo":"u_{"3" * 32}')
    with pytest.raises(EntryError):
        canonical(entry, START)
    with pytest.raises(EntryError):
        canonical(dataclasses.replace(full_entry(), actor=forged), START)


@pytest.mark.parametrize(
    "leaf",
    [
        plain(name="Yamada"),
        plain(act="u_" + "A" * 32),
        plain(act="c_" + "1" * 32),
        plain(obj="c_" + "1" * 32),
        plain(v=2),
        plain(n=-1),
        plain(t="2026-11-23T05:50:27Z"),
        plain(t="2026-11-23T24:00:00.000Z"),
        plain(id="0" * 31),
        plain(det="A" * 42 + "B="),
        plain(fld=[]),
        plain().replace(b'"v":1', b'"v":1.0'),
        plain().replace(b'"v":1', b'"v": 1'),
        plain(n=1).replace(b'"n":1', b'"n":1.5'),
        plain(n=1).replace(b'"n":1', b'"n":01'),
        plain(n=1).replace(b'"n":1,', b'"n":1,"n":1,'),
        plain().replace(b'"ev":"login.ok",', b""),
        b'{"v":1,' + plain()[1:].replace(b',"v":1', b""),
        plain() + b"\n",
        b" " + plain(),
        plain().replace(b"login.ok", b"login\\u002eok"),
        plain().replace(b"login.ok", "ログイン".encode()),
        plain().replace(b"05:50", b"\xb2\xb2:50"),
        b"",
        b"{}",
    ],
)
def test_any_other_form_is_refused(leaf: bytes) -> None:
    """Unknown keys, floats, spaces, doubled or unsorted keys, escapes: all refused, by reader and checker."""
    assert fault_of(leaf) is EntryFault.FORM


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ev", "case.peek"),
        ("dec", "maybe"),
        ("rsn", "because"),
        ("pur", "curiosity"),
        ("rol", "root"),
        ("via", "fax"),
        ("flg", ["same_surname"]),
    ],
)
def test_a_code_that_is_not_listed_is_refused(key: str, value: str | list[str]) -> None:
    """What is not on a closed list cannot be logged, nor pass the checker."""
    assert fault_of(plain(**{key: value})) is EntryFault.CODE


def test_a_leaf_of_2049_bytes_is_refused() -> None:
    """A leaf has at most 2,048 bytes."""
    fields = [f"f{at:039d}" for at in range(60)]
    base = plain(fld=fields[:40], pur="own_work")
    assert len(base) <= MAX_LEAF
    scan_leaf(base)
    assert fault_of(plain(fld=fields, pur="own_work")) is EntryFault.SIZE
    room = MAX_LEAF - len(plain(fld=[*fields[:44], "z"], pur="own_work"))
    longest = plain(fld=[*fields[:44], "z" * (1 + room)], pur="own_work")
    assert len(longest) == MAX_LEAF
    scan_leaf(longest)
    assert fault_of(longest.replace(b'"zz', b'"zzz')) is EntryFault.SIZE


@pytest.mark.parametrize(
    ("leaf", "fault"),
    [
        (plain(fld=["name", "address"], pur="own_work"), EntryFault.FIELDS),
        (plain(fld=["name", "name"], pur="own_work"), EntryFault.FIELDS),
        (plain(fld=["name"], fno=["name"], pur="own_work"), EntryFault.FIELDS),
        (plain(flg=["bulk", "after_hours"]), EntryFault.FIELDS),
        (plain(fld=["name"]), EntryFault.PURPOSE),
        (plain(dec="deny"), EntryFault.REASON),
        (plain(t="2026-02-30T05:50:27.179Z"), EntryFault.TIME),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(leaf: bytes, fault: EntryFault) -> None:
    """Codes are sorted sets, releases have a purpose, refusals a reason, and days are in the calendar."""
    assert fault_of(leaf) is fault


def test_what_is_about_a_case_names_it() -> None:
    """Case, consent, request, ledger and release entries name their case; a search names none."""
    case = "c_" + "1" * 32
    for event in Event:
        if event in MANY:
            assert fault_of(plain(ev=event, sub=case)) is EntryFault.SUBJECT
            scan_leaf(plain(ev=event))
        elif event.value.split(".")[0] in {"case", "consent", "request", "ledger", "field"} - {"case.list"}:
            scan_leaf(plain(ev=event, sub=case))
            if event is not Event.CASE_LIST:
                assert fault_of(plain(ev=event)) is EntryFault.SUBJECT
                assert fault_of(plain(ev=event, dec="deny", rsn="withdrawn")) is EntryFault.SUBJECT


def test_an_unknown_case_is_refused_without_a_name() -> None:
    """A refusal for an unknown id is an entry too, and it names nothing."""
    scan_leaf(plain(ev="case.read", dec="deny", rsn="unknown_id"))
    assert fault_of(plain(ev="case.read", dec="permit", rsn="unknown_id")) is EntryFault.SUBJECT


LISTED = """
login.ok/fail/lock session.end password.change/reset mfa.enrol/reset
case.create/read/list/search/scan/update/assign/close ledger.write/read field.release
request.draft/send/accept/decline/cancel/stop/complete
consent.request/tell/give/confirm/change/renew/refuse/withdraw/expire/end/invalidate
key.seal/revoke/rotate/pin member.invite/confirm/certify/remove export.csv/xlsx/print
policy.change role.change user.add/disable log.search/export/verify/open/continue
disclosure.issue flag.raise erase.case redact.entry retention.prune clock.step system.start/stop
deny.suppressed organisation.add
"""


def test_no_listed_event_disappears() -> None:
    """An old log is read for ever: every event of the agreed list is there under its name."""
    listed = {
        f"{thing}.{verb}"
        for thing, verbs in (word.split(".") for word in LISTED.split())
        for verb in verbs.split("/")
    }
    assert listed <= set(Event)


def test_time_never_goes_back() -> None:
    """A clock that is set back stands still in the log; milliseconds are cut, never rounded up."""
    assert later(START + timedelta(microseconds=999), None) == START
    assert later(START - timedelta(hours=1), START) == START
    assert later(START + timedelta(milliseconds=1), START) == START + timedelta(milliseconds=1)
    tokyo = START.astimezone(timezone(timedelta(hours=9)))
    assert write_time(later(tokyo, None)) == "2026-11-23T05:50:27.179Z"


def test_a_time_without_a_zone_is_refused() -> None:
    """The log never guesses a zone."""
    naive = START.replace(tzinfo=None)
    for call in (
        lambda: write_time(naive),
        lambda: later(naive, None),
        lambda: canonical(full_entry(), naive),
    ):
        with pytest.raises(EntryError):
            call()


@settings(max_examples=100)
@given(times, times)
def test_time_text_sorts_as_time(one: datetime, other: datetime) -> None:
    """The order of the texts is the order of the times."""
    first, second = later(one, None), later(other, None)
    assert (write_time(first) < write_time(second)) == (first < second)
    assert read_time(write_time(first)) == first


@pytest.mark.parametrize(
    "text", ["", "2026-11-23T05:50:27.179", "2026-11-23 05:50:27.179Z", "2026-02-29T00:00:00.000Z"]
)
def test_another_time_text_is_refused(text: str) -> None:
    """One form of time, and only days that exist."""
    with pytest.raises(EntryError):
        read_time(text)


def test_an_id_or_hash_of_another_length_is_refused() -> None:
    """A digest is 32 bytes and an id 16, never a part of one."""
    for change in ({"id": b"short"}, {"digest": bytes(31)}, {"policy": bytes(20)}, {"detail": bytes(33)}):
        with pytest.raises(EntryError):
            canonical(dataclasses.replace(full_entry(), **change), START)
    with pytest.raises(EntryError):
        canonical(dataclasses.replace(full_entry(), consent=("k_" + "6" * 32, 0, digest(2))), START)


def test_a_detail_is_only_committed_to() -> None:
    """The log holds a salted commitment to an erasable row, not the row; the salt has one length."""
    salt, detail = digest(1), b"198.51.100.7"
    commitment = detail_commitment(salt, detail)
    assert commitment == hashlib.sha256(b"tsunagi-detail/v1\n" + salt + detail).digest()
    assert detail_commitment(digest(2), detail) != commitment
    leaf = canonical(dataclasses.replace(full_entry(), detail=commitment), START)
    assert read_leaf(leaf).entry.detail == commitment
    with pytest.raises(EntryError):
        detail_commitment(salt + detail[:1], detail[1:])
