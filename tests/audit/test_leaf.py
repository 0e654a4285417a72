"""Each rule of a leaf has its own fault and key, and the expression that keeps them is one for ever."""

import dataclasses
import json
import runpy
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from audit import leaf as module
from audit.codes import Flag, Purpose, Reason, Role, Via
from audit.errors import AuditError, EntryError, EntryFault
from audit.event import Entry, Event, canonical, detail_commitment, read_leaf
from audit.leaf import KEYS, MAX_LEAF, join_codes, match_leaf, scan_leaf, split_codes
from audit.text import read_base64
from audit.times import check_day, later, read_time, write_time
from tests.audit.examples import START, digest, full_entry

KNOWN = json.loads((Path(__file__).parents[1] / "vectors" / "log.json").read_text("utf-8"))
FULL: bytes = KNOWN["leaf"].encode()


def fault_of(leaf: bytes) -> tuple[EntryFault, str]:
    """Why a leaf is refused, and at which key; the same by both readers."""
    with pytest.raises(EntryError) as caught:
        match_leaf(leaf)
    with pytest.raises(EntryError) as scanned:
        scan_leaf(leaf)
    assert caught.value.args == scanned.value.args == (caught.value.fault, caught.value.key)
    assert isinstance(caught.value, AuditError)
    return caught.value.fault, caught.value.key


def plain(**changes: str | int | list[str]) -> bytes:
    """A small leaf with some keys set, in canonical order."""
    said = {"ev": "login.ok", "id": "0" * 32, "t": "2026-11-23T05:50:27.179Z", "v": 1, **changes}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def test_a_leaf_is_taken_apart_by_its_keys() -> None:
    """Every key has its text, lists as they stand; a key that is not there has none."""
    said = json.loads(FULL)
    found = match_leaf(FULL).groupdict()
    assert set(found) == {*KEYS, "day"}
    assert found["day"] == "2026-11-23"
    for key in KEYS:
        value = said[key]
        assert found[key] == (
            json.dumps(value, separators=(",", ":")) if isinstance(value, list) else str(value)
        )
    assert {key: text for key, text in match_leaf(plain()).groupdict().items() if text} == {
        "ev": "login.ok",
        "id": "0" * 32,
        "t": "2026-11-23T05:50:27.179Z",
        "day": "2026-11-23",
        "v": "1",
    }


def test_a_scan_keeps_what_the_verifier_needs() -> None:
    """The codes, and id, ref, sub and t; each text is that of the whole reading."""
    whole, quick = match_leaf(FULL).groupdict(), scan_leaf(FULL).groupdict()
    kept = "dec ev fld flg fno id pur ref rol rsn sub t via day"
    assert " ".join(sorted(quick)) == " ".join(sorted(kept.split()))
    assert quick == {key: whole[key] for key in quick}


def test_the_expression_of_a_leaf_is_the_same_each_time_it_is_built() -> None:
    """The rules do not depend on what was read before: built anew they are the same, and take the same leaves."""
    again = runpy.run_path(str(module.__file__), run_name=module.__name__)
    for name, leaf in (
        ("match_leaf", FULL),
        ("scan_leaf", FULL),
        ("match_leaf", plain()),
        ("scan_leaf", plain()),
    ):
        found, expected = again[name](leaf), getattr(module, name)(leaf)
        assert found.groupdict() == expected.groupdict()
        assert (found.re.pattern, found.re.flags) == (expected.re.pattern, expected.re.flags)


@pytest.mark.parametrize(
    ("leaf", "fault", "key"),
    [
        (b"x" * (MAX_LEAF + 1), EntryFault.SIZE, ""),
        (b"x" * MAX_LEAF, EntryFault.FORM, ""),
        (b"\xff", EntryFault.FORM, ""),
        (plain(ev="case.peek"), EntryFault.CODE, "ev"),
        (plain(dec="maybe"), EntryFault.CODE, "dec"),
        (plain(rsn="because"), EntryFault.CODE, "rsn"),
        (plain(pur="curiosity"), EntryFault.CODE, "pur"),
        (plain(rol="root"), EntryFault.CODE, "rol"),
        (plain(via="fax"), EntryFault.CODE, "via"),
        (plain(flg=["same_surname"]), EntryFault.CODE, "flg"),
        (plain(dec="deny"), EntryFault.REASON, "rsn"),
        (plain(fld=["b", "a"], pur="audit"), EntryFault.FIELDS, "fld"),
        (plain(fld=["a", "a"], pur="audit"), EntryFault.FIELDS, "fld"),
        (plain(fno=["b", "a"]), EntryFault.FIELDS, "fno"),
        (plain(flg=["bulk", "after_hours"]), EntryFault.FIELDS, "flg"),
        (plain(fld=["a", "b"], fno=["b", "c"], pur="audit"), EntryFault.FIELDS, "fno"),
        (plain(fld=["a"]), EntryFault.PURPOSE, "pur"),
        (plain(ev="case.search", sub="c_" + "1" * 32), EntryFault.SUBJECT, "sub"),
        (plain(ev="case.read"), EntryFault.SUBJECT, "sub"),
        (plain(t="2026-02-30T00:00:00.000Z"), EntryFault.TIME, "t"),
        (plain(t="2026-13-01T00:00:00.000Z"), EntryFault.TIME, "t"),
        (plain(t="2026-00-10T00:00:00.000Z"), EntryFault.TIME, "t"),
    ],
)
def test_a_broken_rule_is_told_with_its_key(leaf: bytes, fault: EntryFault, key: str) -> None:
    """The fault and the key of the leaf, never the value: it could be a name."""
    assert fault_of(leaf) == (fault, key)


def test_a_refusal_without_a_case_names_its_reason() -> None:
    """Only a denial, and only for what is decided before a case is found, goes without its case."""
    scan_leaf = runpy.run_path(str(module.__file__), run_name=module.__name__)[
        "scan_leaf"
    ]  # remembers nothing
    for reason in ("unknown_id", "role", "throttled"):
        scan_leaf(plain(ev="case.read", dec="deny", rsn=reason))
        assert fault_of(plain(ev="case.read", dec="permit", rsn=reason)) == (EntryFault.SUBJECT, "sub")
        assert fault_of(plain(ev="case.read", rsn=reason)) == (EntryFault.SUBJECT, "sub")
    assert fault_of(plain(ev="case.read", dec="deny", rsn="idle")) == (EntryFault.SUBJECT, "sub")
    scan_leaf(plain(ev="case.list"))
    scan_leaf(plain(ev="case.list", sub="c_" + "1" * 32))
    scan_leaf(plain(dec="permit"))
    scan_leaf(plain(rsn="role"))
    scan_leaf(plain(fno=["a"]))
    scan_leaf(plain(pur="audit"))
    scan_leaf(plain(flg=sorted(Flag)))
    scan_leaf(plain(flg=[min(Flag)]))
    scan_leaf(FULL)
    scan_leaf(plain(t="2028-02-29T00:00:00.000Z"))
    for kind, codes in (("rsn", Reason), ("pur", Purpose), ("rol", Role), ("via", Via)):
        for code in codes:
            scan_leaf(plain(**{kind: code}))


def test_codes_are_joined_as_json_and_split_again() -> None:
    """No codes are no text; a code with a quote would be read as two, and is refused."""
    assert join_codes(()) is None
    assert join_codes(("a",)) == '["a"]'
    assert join_codes(("a", "b_c")) == '["a","b_c"]'
    assert split_codes(None) == ()
    assert split_codes('["a"]') == ("a",)
    assert split_codes('["a","b_c"]') == ("a", "b_c")
    for wrong in (('a","b',), ('"',), ("a", 'b"')):
        with pytest.raises(EntryError) as caught:
            join_codes(wrong)
        assert caught.value.args == (EntryFault.FORM, "")


def test_what_cannot_be_written_says_why() -> None:
    """An entry is refused with the fault and key of its leaf; a text that brings keys of its own is no form."""
    cases: list[tuple[Entry, EntryFault, str]] = [
        (dataclasses.replace(full_entry(), actor="山田"), EntryFault.FORM, ""),
        (dataclasses.replace(full_entry(), fields=('a","b',)), EntryFault.FORM, ""),
        (dataclasses.replace(full_entry(), role="nobody"), EntryFault.CODE, "rol"),
        (Entry(event=Event.CASE_READ, id=digest(1)[:16]), EntryFault.SUBJECT, "sub"),
        (Entry(event=Event.LOGIN_OK, id=digest(1)[:16], fields=("name",)), EntryFault.PURPOSE, "pur"),
        (
            Entry(
                event=Event.LOGIN_OK,
                id=digest(1)[:16],
                object=f'r_{"5" * 32}","obo":"u_{"3" * 32}',
            ),
            EntryFault.FORM,
            "",
        ),
    ]
    for entry, fault, key in cases:
        with pytest.raises(EntryError) as caught:
            canonical(entry, START)
        assert caught.value.args == (fault, key)
    with pytest.raises(EntryError) as caught:
        detail_commitment(bytes(31), b"x")
    assert caught.value.args == (EntryFault.FORM, "det")


def test_the_least_entry_reads_back() -> None:
    """An entry without any key but the four has nothing else."""
    entry = Entry(event=Event.LOGIN_OK, id=bytes(16))
    leaf = canonical(entry, START)
    assert leaf == plain()
    assert read_leaf(leaf).entry == entry
    assert read_leaf(leaf).time == START


def test_a_time_without_a_zone_or_day_says_so() -> None:
    """TIME at the key t, whatever was asked."""
    naive = START.replace(tzinfo=None)
    for call in (
        lambda: write_time(naive),
        lambda: later(naive, None),
        lambda: read_time("2026-11-23"),
        lambda: read_time("2026-02-30T00:00:00.000Z"),
        lambda: read_time("2026-11-23T05:50:27.179Z\n"),
        lambda: read_time("1999-11-23T05:50:27.179Z"),
        lambda: check_day("2026-02-30"),
        lambda: check_day("2027-02-29"),
    ):
        with pytest.raises(EntryError) as caught:
            call()
        assert caught.value.args == (EntryFault.TIME, "t")
    check_day("2028-02-29")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_the_machines_zone_does_not_matter(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """The log's clock is UTC, wherever the machine stands."""
    tokyo = START.astimezone(timezone(timedelta(hours=9)))
    with monkeypatch.context() as place:
        place.setenv("TZ", zone)
        time.tzset()
        for moment in (START, tokyo):
            assert write_time(moment) == "2026-11-23T05:50:27.179Z"
            assert later(moment, tokyo) == START
            assert later(moment, tokyo).tzinfo is UTC
        assert read_time("2026-11-23T05:50:27.179Z") == START
    time.tzset()


def test_a_time_is_cut_to_its_millisecond() -> None:
    """Never rounded up, in whatever zone it was told, and never before the one that was."""
    exact = datetime(2026, 11, 23, 5, 50, 27, 179_999, tzinfo=UTC)
    assert write_time(exact) == "2026-11-23T05:50:27.179Z"
    assert write_time(exact.astimezone(timezone(timedelta(hours=-3)))) == "2026-11-23T05:50:27.179Z"
    assert write_time(START.replace(microsecond=0)) == "2026-11-23T05:50:27.000Z"
    assert later(exact, None) == START
    assert later(exact, START) == START
    assert later(START, exact) == exact
    assert later(exact, START + timedelta(milliseconds=1)) == START + timedelta(milliseconds=1)
    assert later(exact.astimezone(timezone(timedelta(hours=9))), None).tzinfo is UTC
    assert read_time("2026-11-23T05:50:27.179Z") == START
    assert read_time("2026-11-23T05:50:27.179Z").utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("QQ==", b"A"),
        ("QUI=", b"AB"),
        ("QUJD", b"ABC"),
        ("QR==", None),
        ("QUJ=", None),
        ("QQ", None),
        ("QQ=", None),
        ("QQ===", None),
        ("Q", None),
        ("QUJD\n", None),
        (" QUJD", None),
        ("QU_D", None),
        ("QU-D", None),
        ("ＱＵＪＤ", None),
        ("!", None),
    ],
)
def test_base64_has_one_text(text: str, data: bytes | None) -> None:
    """Padded, standard alphabet, no spare bits: what would be written otherwise is not read."""
    assert read_base64(text) == data
