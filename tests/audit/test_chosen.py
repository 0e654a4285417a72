"""A bundle of one case proves that its entries are in the log, each in its place; it holds no other's."""

import io
from collections.abc import Mapping

import pytest

from audit.chosen import CHOSEN, Chosen, check_chosen, write_chosen
from audit.event import Entry, Event, canonical
from audit.scan import Step, VerifyError
from tests.audit.bundles import Log, hash_tiles, in_memory, of_case
from tests.audit.examples import START, digest, small_leaves

CASE, OTHER = "c_" + "4" * 32, "c_" + "5" * 32
SIZE = 700


def leaf_of(number: int, case: str | None, second: int) -> bytes:
    """An entry about a case."""
    event = Event.LOGIN_OK if case is None else Event.CASE_READ
    return canonical(
        Entry(event=event, id=digest(number)[:16], subject=case), START.replace(minute=52, second=second)
    )


LEAVES = small_leaves(SIZE)
MINE = {3: 1, 255: 1, 256: 2, 511: 3, 699: 4}
for _at, _second in MINE.items():
    LEAVES[_at] = leaf_of(_at, CASE, _second)
LEAVES[4] = leaf_of(4, OTHER, 1)
LOG = Log(leaves=LEAVES)
TILES = hash_tiles(LOG.all_hashes)
LINES = of_case(LOG, CASE)[CHOSEN]


def check(data: bytes, files: Mapping[str, bytes] = TILES, size: int = SIZE) -> Chosen:
    """What the lines say, checked."""
    return check_chosen(in_memory(files).read, io.BytesIO(data), CASE, size)


def fault_of(data: bytes, files: Mapping[str, bytes] = TILES) -> tuple[Step, int | None, str]:
    """Where lines are refused."""
    with pytest.raises(VerifyError) as caught:
        check(data, files)
    assert caught.value.args == (caught.value.step, caught.value.index, caught.value.fault)
    return caught.value.step, caught.value.index, caught.value.fault


def line_of(index: int, case: str | None = CASE, second: int = 59) -> bytes:
    """A line that is in no log."""
    return write_chosen(index, leaf_of(index, case, second))


def test_the_lines_of_a_case_are_its_entries() -> None:
    """Index, space, leaf, newline, in the order of the index (formats.md §26)."""
    assert write_chosen(81, b"{}") == b"81 {}\n"
    assert b"".join(b"%d %s\n" % (at, LEAVES[at]) for at in MINE) == LINES
    found = check(LINES)
    assert (found.read, found.first, found.last) == (
        5,
        "2026-11-23T05:52:01.179Z",
        "2026-11-23T05:52:04.179Z",
    )


def test_no_lines_are_a_case_that_was_never_touched() -> None:
    """Nothing is claimed to be complete: no entry at all is accepted."""
    found = check(b"")
    assert (found.read, found.first, found.last) == (0, "", "")
    assert Chosen() == found


@pytest.mark.parametrize("missing", range(5))
def test_a_line_left_out_is_not_noticed(missing: int) -> None:
    """Such a bundle proves inclusion and never completeness; each line stands for itself."""
    lines = LINES.splitlines(keepends=True)
    assert check(b"".join(lines[:missing] + lines[missing + 1 :])).read == 4


def test_lines_out_of_order_are_refused() -> None:
    """An index is larger than the one before, and below the tree's size."""
    lines = LINES.splitlines(keepends=True)
    assert fault_of(lines[0] + lines[0]) == (Step.ENTRIES, 3, "")
    assert fault_of(lines[1] + lines[0]) == (Step.ENTRIES, 255, "")
    assert fault_of(LINES + line_of(700)) == (Step.ENTRIES, 699, "")
    assert fault_of(line_of(700)) == (Step.ENTRIES, 0, "")
    first = Log(leaves=[leaf_of(0, CASE, 1), *LEAVES[1:]])
    assert check(of_case(first, CASE)[CHOSEN], hash_tiles(first.all_hashes)).read == 6


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b" {}\n",
        b"3\n",
        b"03 {}\n",
        b"+3 {}\n",
        b"-3 {}\n",
        b"x {}\n",
        b"\xef\xbb\xbf3 {}\n",
        b"12345678901234 {}\n",
    ],
)
def test_a_line_of_another_form_is_refused(line: bytes) -> None:
    """A number without signs or zeros in front, one space, the leaf."""
    assert fault_of(line) == (Step.ENTRIES, 0, "")
    assert fault_of(LINES + line) == (Step.ENTRIES, 699, "")


def test_every_cut_is_refused_or_ends_with_a_line() -> None:
    """A file that ends within a line is cut off, and refused."""
    for at in range(len(LINES)):
        if at and LINES[at - 1 : at] != b"\n":
            assert fault_of(LINES[:at]) == (Step.ENTRIES, None, "")
    assert check(LINES[: LINES.index(b"\n") + 1]).read == 1


def test_a_line_is_capped() -> None:
    """A line without an end is not read to its end; the longest that a leaf can be is still a line."""
    assert fault_of(b"3 " + b"x" * 2062 + b"\n") == (Step.ENTRIES, None, "")
    assert fault_of(b"3 " + b"x" * 2061 + b"\n") == (Step.LEAF, 3, "size")
    assert fault_of(b"3 " + b"x" * 5_000_000) == (Step.ENTRIES, None, "")


def test_a_leaf_that_breaks_the_rules_is_refused() -> None:
    """The rules of a leaf are those of the whole log, and the fault says which."""
    assert fault_of(b"3 {}\n") == (Step.LEAF, 3, "form")
    assert fault_of(b"9 " + LEAVES[3].replace(b"case.read", b"case.peek") + b"\n") == (Step.LEAF, 9, "code")


def test_another_case_is_refused() -> None:
    """Whoever gets one case's entries gets no other's, and none without a case."""
    assert fault_of(write_chosen(4, LEAVES[4])) == (Step.SCOPE, 4, "")
    assert fault_of(write_chosen(5, LEAVES[5])) == (Step.SCOPE, 5, "")


def test_an_entry_earlier_than_the_one_before_is_refused() -> None:
    """Time does not go back between the entries that are there."""
    lines = LINES.splitlines(keepends=True)
    assert fault_of(lines[0] + line_of(9, second=0)) == (Step.TIME, 9, "")
    assert fault_of(lines[0] + line_of(9, second=1)) == (Step.TILE, 9, "")


def test_an_entry_in_another_place_is_refused() -> None:
    """An entry stands at its own index, and its hash is the one in the tile."""
    assert fault_of(line_of(9)) == (Step.TILE, 9, "")
    assert fault_of(write_chosen(2, LEAVES[3])) == (Step.TILE, 2, "")
    for at in MINE:
        edited = LEAVES[at].replace(b'"v":1', b'"v":1,"via":"api"')
        assert fault_of(write_chosen(at, edited)) == (Step.TILE, at, "")


def test_a_tile_that_is_missing_or_cut_is_refused() -> None:
    """What an entry is compared with is there in full; the index is the tile's first."""
    for name, at, start in (("tile/0/000", 3, 0), ("tile/0/001", 256, 256), ("tile/0/002.p/188", 699, 512)):
        line = write_chosen(at, LEAVES[at])
        assert check(line).read == 1
        without = {path: data for path, data in TILES.items() if path != name}
        assert fault_of(line, without) == (Step.TILE, start, "")
        assert fault_of(line, TILES | {name: TILES[name][:-32]}) == (Step.TILE, start, "")
