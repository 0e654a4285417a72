"""A run of entry bundles is checked by itself: each leaf's rules, its time, its place in the tile of hashes."""

import hashlib
import pickle
from collections.abc import Mapping

import pytest

from audit.errors import AuditError
from audit.event import Decision, Entry, Event, Reason, canonical
from audit.layout import write_bundle
from audit.scan import Part, Step, VerifyError, read_leaves, read_tile, scan_part
from audit.sheet import write_row
from audit.tiles import Tile, tile_root
from audit.tree import leaf_hash, root_of
from tests.audit.bundles import entry_bundles, hash_tiles, in_memory
from tests.audit.examples import START, digest, small_leaves

LEAVES = small_leaves(600)
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
FILES = {**hash_tiles(HASHES), **entry_bundles(LEAVES)}
TILES = [Tile(0, 0), Tile(0, 1), Tile(0, 2, 88)]


def scan(files: Mapping[str, bytes], *tiles: Tile, table: bool = False) -> Part:
    """What a part says."""
    return scan_part(in_memory(files).read, tiles or TILES, table=table)


def fault_of(files: Mapping[str, bytes], *tiles: Tile) -> tuple[Step, int | None, str]:
    """Where a part is refused."""
    with pytest.raises(VerifyError) as caught:
        scan(files, *tiles)
    return caught.value.step, caught.value.index, caught.value.fault


def put(changes: Mapping[int, bytes | None], *, hashed: bool = True) -> dict[str, bytes]:
    """The files with other leaves at these places; hashed anew where there is a text, unless not."""
    leaves: list[bytes | None] = list(LEAVES)
    hashes = list(HASHES)
    for at, leaf in changes.items():
        leaves[at] = leaf
        if leaf is not None and hashed:
            hashes[at] = leaf_hash(leaf)
    return {**hash_tiles(hashes), **entry_bundles(leaves)}


def at_second(second: int, entry: Entry) -> bytes:
    """The leaf of an entry within the minute that the small log is of."""
    return canonical(entry, START.replace(second=second))


def about(event: Event, reference: int | None, decision: Decision | None = None) -> bytes:
    """An entry of the kind that explains a missing text, later than the small log."""
    reason = Reason.ROLE if decision is Decision.DENY else None
    entry = Entry(event=event, id=digest(999)[:16], reference=reference, decision=decision, reason=reason)
    return at_second(59, entry)


def test_a_part_says_what_the_rest_of_the_check_needs() -> None:
    """Roots of complete tiles, hashes of the partial one, ids, times: nothing else goes from part to part."""
    part = scan(FILES)
    assert part == Part(
        first_index=0,
        roots=[root_of(HASHES[:256]), root_of(HASHES[256:512])],
        hashes=tuple(HASHES[512:]),
        ids=bytearray(b"".join(digest(at)[:16] for at in range(600))),
        first="2026-11-23T05:50:27.179Z",
        first_at=0,
        last="2026-11-23T05:50:27.778Z",
        digest=hashlib.sha256().digest(),
    )
    later = scan(FILES, *TILES[1:])
    assert (later.first_index, later.first_at, later.first) == (256, 256, "2026-11-23T05:50:27.435Z")
    assert (later.roots, later.hashes) == (part.roots[1:], part.hashes)
    assert bytes(later.ids) == bytes(part.ids[16 * 256 :])
    first = scan(FILES, TILES[0])
    assert (first.roots, first.hashes, len(first.ids)) == (part.roots[:1], (), 16 * 256)


def test_a_part_begins_with_nothing_said() -> None:
    """What a part does not meet it does not claim."""
    part = Part(first_index=7)
    assert (part.first_index, part.roots, part.hashes, part.ids, part.absent) == (7, [], (), bytearray(), [])
    assert (part.redacted, part.pruned, part.first, part.first_at, part.last) == ([], [], "", 0, "")
    assert (part.length, part.digest) == (0, b"")


def test_a_refusal_says_step_index_and_fault() -> None:
    """Where the check stopped is carried as values, also between processes."""
    error = VerifyError(Step.LEAF, 3, "form")
    assert (error.args, error.step, error.index, error.fault) == (
        (Step.LEAF, 3, "form"),
        Step.LEAF,
        3,
        "form",
    )
    bare = VerifyError(Step.ROOT)
    assert (bare.args, bare.step, bare.index, bare.fault) == ((Step.ROOT, None, ""), Step.ROOT, None, "")
    assert isinstance(error, AuditError)
    assert " ".join(Step) == "note scope tile entries leaf time root unique absent table since"


def test_rows_are_made_only_where_there_is_a_table() -> None:
    """Length and digest are those of the rows of every entry that has text."""
    rows = b"".join(write_row(at, leaf) for at, leaf in enumerate(LEAVES))
    part = scan(FILES, table=True)
    assert (part.length, part.digest) == (len(rows), hashlib.sha256(rows).digest())
    some = b"".join(write_row(at, leaf) for at, leaf in enumerate(LEAVES) if at >= 256 and at != 300)
    part = scan(put({300: None}), *TILES[1:], table=True)
    assert (part.length, part.digest) == (len(some), hashlib.sha256(some).digest())


@pytest.mark.parametrize("at", [0, 1, 255, 256, 511, 512, 599])
def test_an_edited_entry_is_found_at_its_index(at: int) -> None:
    """A leaf whose hash is not the one in its tile is refused there, and so is an exchanged hash."""
    edited = LEAVES[at].replace(b"login.ok", b"login.fail")
    assert fault_of(put({at: edited}, hashed=False)) == (Step.TILE, at, "")
    other = [*HASHES[:at], digest(5), *HASHES[at + 1 :]]
    assert fault_of({**FILES, **hash_tiles(other)}) == (Step.TILE, at, "")
    assert fault_of({**FILES, **hash_tiles(other)}, TILES[at // 256]) == (Step.TILE, at, "")


def test_an_entry_beside_one_without_text_is_still_compared() -> None:
    """A text that is gone excuses its own hash only."""
    edited = LEAVES[301].replace(b"login.ok", b"login.fail")
    assert scan(put({300: None})).absent == [300]
    gone = {300: None, 301: edited}
    assert fault_of(put(gone, hashed=False)) == (Step.TILE, 301, "")
    assert fault_of(put({299: edited, 300: None}, hashed=False)) == (Step.TILE, 299, "")


def test_a_leaf_that_breaks_a_rule_is_found_at_its_index() -> None:
    """The fault is the rule's."""
    assert fault_of(put({258: b"{}"})) == (Step.LEAF, 258, "form")
    assert fault_of(put({3: LEAVES[3].replace(b"login.ok", b"login.no")})) == (Step.LEAF, 3, "code")
    assert fault_of(put({599: b"x"}), *TILES[2:]) == (Step.LEAF, 599, "form")


def test_an_entry_earlier_than_the_one_before_is_found() -> None:
    """Time does not go back, from one bundle to the next neither; standing still is no fault."""
    early = at_second(26, Entry(event=Event.LOGIN_OK, id=digest(700)[:16]))
    for at in (1, 255, 256, 512, 599):
        assert fault_of(put({at: early})) == (Step.TIME, at, "")
    assert scan(put({0: early})).first == "2026-11-23T05:50:26.179Z"
    assert scan(put({256: early}), *TILES[1:]).first_at == 256
    still = LEAVES[256].replace(b"435Z", b"434Z")
    assert scan(put({256: still})).last == "2026-11-23T05:50:27.778Z"
    assert fault_of(put({256: still.replace(b"434Z", b"433Z")})) == (Step.TIME, 256, "")


def test_the_first_entry_at_fault_is_the_one_that_is_told() -> None:
    """Entry by entry: its rules, its time, its place; a hash that is wrong comes before a later broken rule."""
    edited = {at: LEAVES[at].replace(b"login.ok", b"login.fail") for at in (3, 9, 260)}
    early = at_second(26, Entry(event=Event.LOGIN_OK, id=digest(700)[:16]))
    for at, broken, fault in ((9, b"{}", (Step.LEAF, 9, "form")), (9, early, (Step.TIME, 9, ""))):
        assert fault_of(put({at: broken}, hashed=False)) == fault
        assert fault_of(put({3: edited[3], at: broken}, hashed=False)) == (Step.TILE, 3, "")
        assert fault_of(put({3: None, 4: edited[9], at: broken}, hashed=False)) == (Step.TILE, 4, "")
        assert fault_of(put({at: broken, 260: edited[260]}, hashed=False)) == fault
    assert fault_of(put({3: b"{}", 9: edited[9]}, hashed=False)) == (Step.LEAF, 3, "form")


def test_a_refused_part_says_how_it_begins() -> None:
    """Its first entry may be earlier than the part before allows: that would be the first fault of all."""
    bare = VerifyError(Step.ROOT)
    assert bare.begins == ("", 0)
    for changes, tiles, begins in (
        ({9: b"{}"}, TILES, ("2026-11-23T05:50:27.179Z", 0)),
        ({260: b"{}"}, TILES[1:], ("2026-11-23T05:50:27.435Z", 256)),
        ({256: None, 260: b"{}"}, TILES[1:], ("2026-11-23T05:50:27.436Z", 257)),
        ({256: b"{}"}, TILES[1:], ("", 0)),
    ):
        with pytest.raises(VerifyError) as caught:
            scan(put(changes, hashed=False), *tiles)
        assert caught.value.begins == begins
        sent = pickle.loads(pickle.dumps(caught.value))
        assert (sent.args, sent.begins) == (caught.value.args, begins)


def test_entries_without_text_are_told() -> None:
    """Their indices go back; times, ids and rows are those of the others."""
    part = scan(put({0: None, 1: None, 300: None, 599: None}))
    assert part.absent == [0, 1, 300, 599]
    assert (part.first, part.first_at) == ("2026-11-23T05:50:27.181Z", 2)
    assert part.last == "2026-11-23T05:50:27.777Z"
    assert len(part.ids) == 16 * 596
    assert part.roots == [root_of(HASHES[:256]), root_of(HASHES[256:512])]
    assert part.hashes == tuple(HASHES[512:])


def test_a_bundle_that_is_not_there_has_no_texts() -> None:
    """Every entry of it is without text, and is still in its place by its hash."""
    files = {name: data for name, data in FILES.items() if name != "tile/entries/001"}
    part = scan(files)
    assert part.absent == list(range(256, 512))
    assert part.roots == [root_of(HASHES[:256]), root_of(HASHES[256:512])]
    nothing = scan({name: data for name, data in FILES.items() if "entries" not in name})
    assert (nothing.absent, nothing.first, nothing.first_at, nothing.last) == (list(range(600)), "", 0, "")
    assert read_leaves(in_memory({}).read, TILES[2]) == [None] * 88


def test_what_redacts_and_what_prunes_is_told() -> None:
    """Each with what it names and its own index; without `ref`, or refused, it says nothing."""
    redact, prune = Event.REDACT_ENTRY, Event.RETENTION_PRUNE
    part = scan(put({598: about(redact, 0), 599: about(prune, 256)}))
    assert (part.redacted, part.pruned) == ([(0, 598)], [(256, 599)])
    part = scan(put({599: about(redact, 17, Decision.PERMIT)}))
    assert (part.redacted, part.pruned) == ([(17, 599)], [])
    for silent in (
        about(redact, None),
        about(prune, None),
        about(redact, 5, Decision.DENY),
        about(prune, 256, Decision.DENY),
        about(Event.FLAG_RAISE, 5),
    ):
        part = scan(put({599: silent}))
        assert (part.redacted, part.pruned) == ([], [])


def test_a_bundle_of_another_form_is_refused_at_its_first_entry() -> None:
    """Cut, too long, or with another number of entries than its tile."""
    for name, at in (("tile/entries/000", 0), ("tile/entries/001", 256), ("tile/entries/002.p/88", 512)):
        for wrong in (
            FILES[name][:-1],
            FILES[name] + b"\x00",
            FILES[name] + write_bundle([b"x"]),
            b"",
            b"\x00",
        ):
            assert fault_of({**FILES, name: wrong}) == (Step.ENTRIES, at, "")


def test_a_tile_of_another_length_is_refused_at_its_first_entry() -> None:
    """The index is that of the first entry below the tile, on every level."""
    for name, at in (("tile/0/000", 0), ("tile/0/001", 256), ("tile/0/002.p/88", 512)):
        without = {path: data for path, data in FILES.items() if path != name}
        assert fault_of(without) == (Step.TILE, at, "")
        for wrong in (FILES[name][:-1], FILES[name] + b"\x00", FILES[name] + bytes(32), b""):
            assert fault_of({**FILES, name: wrong}) == (Step.TILE, at, "")
    for tile, at in ((Tile(1, 2, 3), 2 * 256**2), (Tile(2, 1), 256**3), (Tile(0, 3), 768)):
        with pytest.raises(VerifyError) as caught:
            read_tile(in_memory({}).read, tile)
        assert caught.value.args == (Step.TILE, at, "")
    assert read_tile(in_memory(FILES).read, TILES[2]) == b"".join(HASHES[512:])
    assert tile_root(read_tile(in_memory(FILES).read, TILES[0])) == root_of(HASHES[:256])


def test_no_more_is_read_than_a_file_may_have() -> None:
    """Tiles are capped at 8,192 bytes, entry bundles at 524,800 (formats.md §26)."""
    asked: dict[str, int] = {}

    def read(name: str, limit: int) -> bytes | None:
        asked[name] = limit
        return FILES.get(name)

    scan_part(read, TILES, table=False)
    assert set(asked.values()) == {8192, 524_800}
    assert {name for name, limit in asked.items() if limit == 8192} == {
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
    }


def test_the_shared_log_is_a_log() -> None:
    """The helper's tiles are those of RFC 6962; else the tests above would prove nothing."""
    assert FILES["tile/1/000.p/2"] == root_of(HASHES[:256]) + root_of(HASHES[256:512])
    assert FILES["tile/0/002.p/88"] == b"".join(HASHES[512:])
