"""The table for spreadsheets says what the leaves say, and no cell of it is taken for a formula."""

import csv
import dataclasses
import io
import json

import pytest

from audit.errors import EntryError, EntryFault
from audit.event import Entry, Event, canonical
from audit.leaf import KEYS, match_leaf, scan_leaves
from audit.sheet import HEADER, write_row, write_rows
from tests.audit.examples import START, digest, full_entry

HEAD = (
    '"index","act","cns","dec","det","dig","ev","fld","flg","fno","id","n","obj","obo","org","pol","pur","ref",'
    '"rid","rol","rsn","ses","sub","t","v","via"'
)
COLUMNS = next(csv.reader([HEAD]))


def cells_of(row: bytes) -> dict[str, str]:
    """A row as a spreadsheet reads it, by column."""
    (cells,) = csv.reader(io.StringIO(row.decode("ascii"), newline=""))
    return dict(zip(COLUMNS, cells, strict=True))


def test_the_head_names_every_key() -> None:
    """A byte order mark, then the index and every key of the leaf in order (formats.md §26)."""
    assert HEADER.decode() == f"\ufeff{HEAD}\r\n"
    assert ("index", *KEYS) == tuple(COLUMNS)


def test_a_full_row_has_these_bytes() -> None:
    """Every cell in quotes, lists joined with spaces, CR LF at the end."""
    assert (
        write_row(81, canonical(full_entry(), START))
        == (
            '"81","u_11111111111111111111111111111111",'
            f'"k_66666666666666666666666666666666:2:{digest(2).hex()}","permit",'
            f'"gAXwLUP6BufQWF+2TJYdV+MYsnoUXIV7zTpr20E/9/w=","{digest(1).hex()}","case.read",'
            '"dietary name quantity","after_hours bulk","address consultation",'
            f'"{digest(0)[:16].hex()}","1","r_55555555555555555555555555555555",'
            '"u_33333333333333333333333333333333","o_22222222222222222222222222222222",'
            f'"sha256:{digest(3).hex()}","food_support","0","77777777777777777777777777777777",'
            f'"npo_coordinator","not_offered","{"8" * 64}","c_44444444444444444444444444444444",'
            '"2026-11-23T05:50:27.179Z","1","api"\r\n'
        ).encode()
    )


def test_a_row_says_what_its_leaf_says() -> None:
    """Each cell is the leaf's value, and an empty one where the leaf has no such key."""
    for entry in (full_entry(3), Entry(event=Event.LOGIN_OK, id=digest(1)[:16])):
        leaf = canonical(entry, START)
        said = json.loads(leaf)
        expected = {
            key: " ".join(value) if isinstance(value, list) else str(value) for key, value in said.items()
        }
        found = cells_of(write_row(0, leaf))
        assert found == dict.fromkeys(COLUMNS, "") | expected | {"index": "0"}
        assert len(found) == 26


def test_a_list_of_one_is_one_word() -> None:
    """One code stands alone in its cell, with neither bracket nor quote."""
    entry = dataclasses.replace(full_entry(), fields=("name",), withheld=(), flags=())
    found = cells_of(write_row(7, canonical(entry, START)))
    assert (found["fld"], found["fno"], found["flg"]) == ("name", "", "")


def test_a_value_that_looks_like_a_formula_is_marked() -> None:
    """A commitment may begin with a plus sign: the cell begins with an apostrophe, and nothing else is added."""
    detail = b"\xf8" + digest(4)[1:]  # base64 begins with +
    leaf = canonical(dataclasses.replace(full_entry(), detail=detail), START)
    det = json.loads(leaf)["det"]
    assert det.startswith("+")
    row = write_row(1, leaf)
    assert cells_of(row) == {**cells_of(write_row(1, canonical(full_entry(), START))), "det": f"'{det}"}
    assert b"\\" not in row


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("a=b", "a=b"),
        ("1-2", "1-2"),
        ("'=", "'="),
        ("", ""),
    ],
)
def test_every_cell_that_begins_like_a_formula_is_marked(text: str, cell: str) -> None:
    """=, +, - and @ at the beginning of a cell get an apostrophe in front, whichever cell it is."""
    cells = [text if at not in (6, 7, 8) else "" for at in range(25)]
    row = write_rows([(3, tuple(cells))])
    assert row == (
        '"3",' + ",".join(f'"{cell}"' if at not in (6, 7, 8) else '""' for at in range(25))
    ).encode() + (b"\r\n")


def test_a_leaf_that_breaks_the_rules_has_no_row() -> None:
    """The table is made of leaves that the log takes, and of nothing else."""
    with pytest.raises(EntryError) as caught:
        write_row(0, b'{"ev":"login.ok"}')
    assert caught.value.fault is EntryFault.FORM


def test_only_a_commitment_can_begin_like_a_formula() -> None:
    """No other form lets a value begin with =, +, - or @: so a row without one needs no mark."""
    full = canonical(full_entry(), START)
    found = match_leaf(full)
    begins = {
        (key, mark)
        for key in KEYS
        for mark in b"=+-@"
        if takes(full[: found.start(key)] + bytes([mark]) + full[found.start(key) + 1 :])
    }
    assert begins == {("det", ord("+"))}


def takes(leaf: bytes) -> bool:
    """Whether the log takes this leaf."""
    try:
        match_leaf(leaf)
    except EntryError:
        return False
    return True


def test_many_rows_are_the_rows_of_each() -> None:
    """Also where one of them has a cell to mark."""
    marked = canonical(dataclasses.replace(full_entry(1), detail=b"\xf8" + digest(4)[1:]), START)
    leaves = [canonical(full_entry(), START), marked, canonical(full_entry(2), START)]
    entries = list(zip((5, 7, 9), scan_leaves(leaves), strict=True))
    rows = [write_row(index, leaf) for (index, _), leaf in zip(entries, leaves, strict=True)]
    assert write_rows(entries) == b"".join(rows)
    assert rows[1].count(b"\"'+") == 1
    assert write_rows([]) == b""
