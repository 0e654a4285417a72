"""golang.org/x/mod, by which Go itself trusts a log, accepts our notes, tiles and proofs, and refuses wrong ones.

Refusals are asked for as well: a program that accepts everything would say nothing.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

from audit.errors import ProofError
from audit.layout import tile_path
from audit.proof import verify_consistency, verify_inclusion
from audit.tiles import WIDTH, Tile
from audit.tree import consistency_proof, hashes_from, inclusion_proof, leaf_hash
from tests.audit.bundles import WITNESS, WITNESS_VKEY, Log, hash_tiles
from tests.audit.examples import ORIGIN, VKEY
from tests.others.asking import Answer, Asker, Question, build, missing
from tests.others.logs import HASHES, LARGEST, LEAVES, SIZES, damaged, export, root

PLACES = [(size, index) for size in range(1, 20) for index in range(size)] + [
    (size, index) for size in SIZES for index in sorted({0, 1, size // 2, size - 1} & set(range(size)))
]
"""Leaves to prove: every one of the small trees, a few of the large ones."""

GROWTHS = [(old, new) for new in range(1, 20) for old in range(1, new + 1)] + [
    (old, new) for new in SIZES for old in SIZES if old <= new
]
"""Trees and the older trees that they begin with."""


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """The Go program, built once; where it cannot be, every test of this file is skipped."""
    if missing():
        pytest.skip(missing())
    return build(tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A folder for each size of tree that something is proved about."""
    folder = tmp_path_factory.mktemp("exports")
    return {size: export(size, folder / str(size)) for size in sorted({size for size, _ in PLACES})}


def note_question(note: str, key: str = VKEY) -> Question:
    """Whether the key opens the note."""
    return Question(ask="open note", key=key, note=note)


def refusals(answers: list[Answer]) -> list[str]:
    """What was refused, and why."""
    return [answer.refused for answer in answers if answer.refused]


@pytest.mark.parametrize("witnesses", [(), (WITNESS,)], ids=["alone", "cosigned"])
def test_a_checkpoint_opens_with_the_logs_key(go: Asker, witnesses: tuple) -> None:
    """Who has only the log's key reads the checkpoint; the lines of witnesses are unknown to them and stop nothing."""
    log = Log(leaves=LEAVES[:700], witnesses=witnesses)
    (answer,) = go.ask([note_question(log.note())])
    assert answer.text == log.note().partition("\n\n")[0] + "\n"
    assert (answer.signed, answer.unknown) == ((ORIGIN,), tuple(witness.name for witness in witnesses))


def test_a_damaged_checkpoint_does_not_open(go: Asker) -> None:
    """Another size, root, origin or signature, another key, or no key's line: each is refused."""
    log = Log(leaves=LEAVES[:700])
    note = log.note()
    body, lines = note.split("\n\n")
    first, second = lines.splitlines()
    other = Log(leaves=LEAVES[:701]).note().split("\n\n")[1]
    wrong = [
        note_question(note.replace("\n700\n", "\n701\n")),
        note_question(note.replace(body.splitlines()[2][:8], "AAAAAAAA")),
        note_question(note.replace(ORIGIN, "log.tsunagi.example/else", 1)),
        note_question(f"{body}\n\n{other}"),
        note_question(f"{body}\n\n{second}\n"),
        note_question(f"{body}\n\n{first.replace('—', '-')}\n"),
        note_question(note.removesuffix("\n")),
        note_question(note, WITNESS_VKEY),
        note_question(note, VKEY.replace("+", "+0", 1)),
    ]
    assert note_question(note) not in wrong
    assert len(refusals(go.ask(wrong))) == len(wrong)


def test_a_tile_lies_where_tlog_looks_for_it(go: Asker) -> None:
    """Our paths are those of tlog without the height, also for tiles that only a huge tree has."""
    numbers = (0, 1, 67, 999, 1_000, 1_067, 999_999, 1_000_000, 1_234_067, 2**32 - 1)
    tiles = [
        Tile(level, number, width) for level in (0, 1, 5) for number in numbers for width in (1, 255, WIDTH)
    ]
    answers = go.ask(
        [Question(ask="tile path", level=tile.level, index=tile.number, width=tile.width) for tile in tiles]
    )
    assert [answer.text for answer in answers] == [tile_path(tile) for tile in tiles]
    assert refusals(answers) == []


def test_the_tiles_of_every_size_lead_to_our_root(go: Asker, exports: dict[int, Path]) -> None:
    """tlog, reading the tiles of an export, comes to the root that we signed."""
    answers = go.ask([tree_question(size, folder) for size, folder in exports.items()])
    assert refusals(answers) == []
    assert [answer.root for answer in answers] == [root(size) for size in exports]


def tree_question(size: int, folder: Path, said: bytes | None = None) -> Question:
    """The root of a folder of tiles, where it is said to be ours or another."""
    return Question(ask="tree hash", size=size, folder=str(folder), root=said or root(size))


def test_another_root_is_refused(go: Asker, exports: dict[int, Path]) -> None:
    """tlog does not believe the tiles of an export where the checkpoint says another root."""
    wrong = [
        tree_question(size, folder, root(size + 1)) for size, folder in exports.items() if size < LARGEST
    ]
    assert len(refusals(go.ask(wrong))) == len(wrong)


def believed(go: Asker, folder: Path, index: int) -> bool:
    """Whether tlog, knowing the root over 700 leaves, proves one of them from this folder, and the proof holds."""
    place = Question(ask="prove record", size=700, root=root(700), index=index, leaf=LEAVES[index])
    (found,) = go.ask([msgspec.structs.replace(place, folder=str(folder))])
    check = msgspec.structs.replace(place, ask="check record", proof=found.proof)
    return not found.refused and not refusals(go.ask([check]))


def test_a_tile_with_one_bit_turned_is_found_out(go: Asker, tmp_path: Path) -> None:
    """Whichever tile was changed: tlog refuses it, or the proof that it makes of it.

    Before version 0.40 tlog read some tiles unchecked (CVE-2026-56865); the proof fails all the same.
    """
    folder, indices = export(700, tmp_path / "log"), (0, 256, 699)
    assert all(believed(go, folder, index) for index in indices)
    for path, data in hash_tiles(HASHES[:700]).items():
        (folder / path).write_bytes(damaged(data, 32))  # its second hash
        assert not all(believed(go, folder, index) for index in indices), path
        (folder / path).write_bytes(data)


@cache
def our_inclusion(size: int, index: int) -> Question:
    """Whether tlog accepts our proof of a leaf; it hashes the leaf itself."""
    proof = inclusion_proof(index, size, hashes_from(HASHES[:size]))
    return Question(
        ask="check record", size=size, root=root(size), index=index, leaf=LEAVES[index], proof=proof
    )


def test_our_proofs_of_entries_are_accepted(go: Asker) -> None:
    """That an entry is in the log, tlog sees by our proof, for every place in small trees and in large ones."""
    assert refusals(go.ask([our_inclusion(size, index) for size, index in PLACES])) == []


def test_proofs_of_entries_from_our_tiles_are_ours(go: Asker, exports: dict[int, Path]) -> None:
    """What tlog proves from our tiles holds for us, and is hash for hash what we prove."""
    questions = [
        Question(ask="prove record", size=size, root=root(size), folder=str(exports[size]), index=index)
        for size, index in PLACES
    ]
    for answer, (size, index) in zip(go.ask(questions), PLACES, strict=True):
        assert not answer.refused
        verify_inclusion(HASHES[index], index, size, answer.proof, root(size))
        assert answer.proof == our_inclusion(size, index).proof


@cache
def our_consistency(old: int, new: int) -> Question:
    """Whether tlog accepts our proof that a tree begins with an older one."""
    proof = consistency_proof(old, new, hashes_from(HASHES[:new]))
    return Question(ask="check tree", size=new, root=root(new), old=old, old_root=root(old), proof=proof)


def test_our_proofs_of_growth_are_accepted(go: Asker) -> None:
    """That nothing was changed since an older checkpoint, tlog sees by our proof."""
    assert refusals(go.ask([our_consistency(old, new) for old, new in GROWTHS])) == []


def test_proofs_of_growth_from_our_tiles_are_ours(go: Asker, exports: dict[int, Path]) -> None:
    """What tlog proves of growth from our tiles holds for us, and is hash for hash what we prove."""
    questions = [
        Question(ask="prove tree", size=new, root=root(new), folder=str(exports[new]), old=old)
        for old, new in GROWTHS
    ]
    for answer, (old, new) in zip(go.ask(questions), GROWTHS, strict=True):
        assert not answer.refused
        verify_consistency(old, new, answer.proof, root(old), root(new))
        assert answer.proof == our_consistency(old, new).proof


def wrong_proofs(right: Question) -> Iterator[Question]:
    """The question with each hash of its proof turned, left out or doubled, with one too many, or for another root."""
    for at, one in enumerate(right.proof):
        before, after = right.proof[:at], right.proof[at + 1 :]
        for instead in ((damaged(one),), (), (one, one)):
            yield msgspec.structs.replace(right, proof=(*before, *instead, *after))
    yield msgspec.structs.replace(right, proof=(*right.proof, HASHES[0]))
    yield msgspec.structs.replace(right, root=damaged(right.root))


def accepted_by_us(question: Question) -> bool:
    """What we say to the same question."""
    one = question
    try:
        if one.ask == "check record":
            verify_inclusion(leaf_hash(one.leaf), one.index, one.size, one.proof, one.root)
        else:
            verify_consistency(one.old, one.size, one.proof, one.old_root, one.root)
    except ProofError:
        return False
    return True


def test_wrong_proofs_of_entries_are_refused(go: Asker) -> None:
    """No damaged proof, other place, other leaf or place outside the tree is accepted, by tlog and by us."""
    wrong = []
    for size, index in PLACES:
        right = our_inclusion(size, index)
        wrong += wrong_proofs(right)
        wrong += [msgspec.structs.replace(right, index=at) for at in (index ^ 1, size, -1)]
        wrong.append(msgspec.structs.replace(right, leaf=right.leaf + b" "))
    assert len(refusals(go.ask(wrong))) == len(wrong)
    assert not any(accepted_by_us(question) for question in wrong)


def test_wrong_proofs_of_growth_are_refused(go: Asker) -> None:
    """No damaged proof, other older root, empty or larger older tree is accepted, by tlog and by us."""
    wrong = []
    for old, new in GROWTHS:
        right = our_consistency(old, new)
        wrong += wrong_proofs(right)
        wrong.append(msgspec.structs.replace(right, old_root=damaged(right.old_root)))
        wrong += [msgspec.structs.replace(right, old=at) for at in (0, new + 1)]
    assert len(refusals(go.ask(wrong))) == len(wrong)
    assert not any(accepted_by_us(question) for question in wrong)
