"""Many leaves read at once say what each says alone, and are refused where one alone would be."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import EntryError, EntryFault
from audit.event import Decision, Entry, Event, Reason, canonical, canonical_all
from audit.leaf import KEYS, MAX_LEAF, SCANNED, WHOLE, Line, match_leaf, scan_leaf, scan_leaves
from tests.audit.examples import START, digest, full_entry, small_leaves

FULL = canonical(full_entry(), START)
BARE = canonical(dataclasses.replace(full_entry(1), fields=("name",), withheld=(), flags=()), START)
DENIED = canonical(
    Entry(event=Event.CASE_READ, id=digest(2)[:16], decision=Decision.DENY, reason=Reason.UNKNOWN_ID), START
)
FEW = (FULL, *small_leaves(3), BARE, DENIED)


def values(leaf: bytes, line: Line = WHOLE) -> tuple[str, ...]:
    """What a leaf says by itself."""
    return tuple(text or "" for text in match_leaf(leaf).group(*line.keys))


def fault_of(*leaves: bytes) -> EntryFault:
    """Why these leaves are refused, whichever of their values are taken."""
    faults = set()
    for line in (WHOLE, SCANNED):
        with pytest.raises(EntryError) as caught:
            scan_leaves(leaves, line)
        faults.add(caught.value.fault)
    (fault,) = faults
    return fault


@pytest.mark.parametrize("keys", [KEYS, ("id", "ref"), (), ("act", "via")])
def test_many_leaves_say_what_each_says_alone(keys: tuple[str, ...]) -> None:
    """In their order, each value as it stands, nothing for a key that is not there."""
    line = Line(keys)
    assert set(keys) <= set(line.keys)
    assert scan_leaves(FEW, line) == [values(leaf, line) for leaf in FEW]
    assert scan_leaves((FULL, FULL), line) == [values(FULL, line)] * 2
    assert scan_leaves([FULL], line) == [values(FULL, line)]
    assert scan_leaves((), line) == []


def test_what_is_taken_stands_in_the_order_of_the_keys() -> None:
    """All of them, where nothing else is asked for; for a scan what the rules and the check of a log ask for."""
    ruled = ("dec", "ev", "fld", "flg", "fno", "pur", "rol", "rsn", "sub", "t", "via")
    assert WHOLE.keys == Line(KEYS[::-1]).keys == KEYS
    assert SCANNED.keys == tuple(sorted((*ruled, "id", "ref")))
    assert Line(()).keys == Line(("t",)).keys == ruled
    assert scan_leaves(FEW) == scan_leaves(FEW, WHOLE)


def test_many_entries_are_written_as_each_alone() -> None:
    """One time for all, and the leaf of each is the one that it has alone."""
    entries = [full_entry(0), Entry(event=Event.LOGIN_OK, id=digest(1)[:16]), full_entry(2)]
    assert canonical_all(entries, START) == [canonical(entry, START) for entry in entries]
    assert canonical_all([], START) == []


def test_an_entry_that_brings_keys_spoils_those_beside_it() -> None:
    """The texts of each leaf are compared with its own entry's."""
    forged = dataclasses.replace(full_entry(), actor=f"u_{'1' * 32}", consent=None)
    brought = dataclasses.replace(forged, actor=f'u_{"1" * 32}","dec":"deny', decision=None)
    for entries in ([brought], [full_entry(), brought], [brought, full_entry()]):
        with pytest.raises(EntryError) as caught:
            canonical_all(entries, START)
        assert caught.value.fault is EntryFault.FORM


@pytest.mark.parametrize("at", range(len(FEW) + 1))
@pytest.mark.parametrize(
    ("leaf", "fault"),
    [
        (b"x" * (MAX_LEAF + 1), EntryFault.SIZE),
        (b"x" * MAX_LEAF, EntryFault.FORM),
        (b"", EntryFault.FORM),
        (b"\n", EntryFault.FORM),
        (FULL + b"\n", EntryFault.FORM),
        (b"\n" + FULL, EntryFault.FORM),
        (b"x" + FULL, EntryFault.FORM),
        (FULL + b"x", EntryFault.FORM),
        (FULL.replace(b"case.read", b"case.peek"), EntryFault.CODE),
        (FULL.replace(b'"permit"', b'"deny"').replace(b'"rsn":"not_offered",', b""), EntryFault.REASON),
        (FULL.replace(b'"pur":"food_support",', b""), EntryFault.PURPOSE),
        (FULL.replace(b'"dietary","name"', b'"name","dietary"'), EntryFault.FIELDS),
        (BARE.replace(b'"sub":"c_' + b"4" * 32 + b'",', b""), EntryFault.SUBJECT),
        (DENIED.replace(b"unknown_id", b"withdrawn"), EntryFault.SUBJECT),
        (FULL.replace(b"2026-11-23", b"2026-02-30"), EntryFault.TIME),
    ],
)
def test_one_that_breaks_a_rule_is_refused_among_others(leaf: bytes, fault: EntryFault, at: int) -> None:
    """Wherever it stands, and with the fault that it has alone."""
    assert fault_of(leaf) is fault
    assert fault_of(*FEW[:at], leaf, *FEW[at:]) is fault


@pytest.mark.parametrize("none", [b"", b"x", FULL[:-1]])
def test_a_leaf_that_is_two_does_not_stand_in_for_one_that_is_none(none: bytes) -> None:
    """As many lines as leaves are not enough: a line feed inside a leaf makes two lines of it."""
    two = FULL + b"\n" + BARE
    for leaves in ((two,), (two, none), (none, two), (FULL, two, none), (two, FULL, BARE, none)):
        assert fault_of(*leaves) is EntryFault.FORM


@pytest.mark.parametrize("key", ["act", "cns", "dig", "id", "obj", "obo", "org", "pol", "rid", "ses", "sub"])
def test_a_hex_digit_is_one_of_sixteen(key: str) -> None:
    """Of all 256 bytes, at the end of each value that is hex digits: 0 to 9 and a to f."""
    found = match_leaf(FULL)
    at = found.end(key) - 1
    taken = set()
    for byte in range(256):
        leaf = FULL[:at] + bytes([byte]) + FULL[at + 1 :]
        try:
            assert scan_leaves([leaf])[0][KEYS.index(key)] == values(leaf)[KEYS.index(key)]
            scan_leaves([leaf], SCANNED)
            taken.add(byte)
        except EntryError:
            assert fault_of(leaf) is EntryFault.FORM
    assert bytes(sorted(taken)) == b"0123456789abcdef"


@given(st.data())
def test_many_are_taken_only_where_each_is(data: st.DataObject) -> None:
    """A byte changed, taken out or put in anywhere: the run is taken if and only if every leaf of it is."""
    leaves = list(FEW)
    which = data.draw(st.integers(0, len(leaves) - 1))
    at = data.draw(st.integers(0, len(leaves[which])))
    byte = data.draw(st.sampled_from([b"", b"\n", b'"', b"0", b"f", b"g", b"}", b"{", b"\xe9", b"\x00"]))
    cut = data.draw(st.integers(0, 1))
    leaves[which] = leaves[which][:at] + byte + leaves[which][at + cut :]
    try:
        each = [scan_leaf(leaf) for leaf in leaves]
    except EntryError as error:
        assert fault_of(*leaves) is error.fault
    else:
        for line in (WHOLE, SCANNED):
            at = line.keys.index("id")
            assert [found[at] for found in scan_leaves(leaves, line)] == [found["id"] for found in each]
