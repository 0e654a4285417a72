"""golang.org/x/mod, which checks the modules of all who write Go, accepts our notes, tiles and proofs, and no wrong ones.

Refusals are asked for as often as acceptance: a program that accepts everything would say nothing.
"""

from pathlib import Path

import pytest

from audit.errors import ProofError
from audit.layout import tile_path
from audit.proof import verify_consistency, verify_inclusion
from audit.tiles import WIDTH, Tile
from audit.tree import consistency_proof, hashes_from, inclusion_proof
from tests.audit.bundles import WITNESS, WITNESS_VKEY, Log, hash_tiles
from tests.audit.examples import ORIGIN, VKEY
from tests.others.asking import Answer, Asker, Question, build, missing
from tests.others.logs import HASHES, LEAVES, SIZES, damaged, export, root

pytestmark = pytest.mark.skipif(missing() != "", reason=missing())

PLACES = [(size, index) for size in range(1, 20) for index in range(size)] + [
    (size, index) for size in SIZES for index in sorted({0, 1, size // 2, size - 1} & set(range(size)))
]
"""Leaves to prove: every one of the small trees, a few of the large ones."""

GROWTHS = [(old, new) for new in range(1, 20) for old in range(1, new + 1)] + [
    (old, new) for new in SIZES for old in SIZES if old <= new
]
"""Trees and the older trees that they begin with."""

FAILED = "invalid transparency proof"


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    """The Go program, built once."""
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
    assert all(question not in (note_question(note),) for question in wrong)
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


def test_a_changed_tile_leads_nowhere(go: Asker, tmp_path: Path) -> None:
    """tlog believes no tile of a tree with another root, of another size, or with one bit turned in a hash."""
    folder = export(700, tmp_path / "log")
    assert refusals(go.ask([tree_question(700, folder)])) == []
    wrong = [tree_question(700, folder, root(699)), tree_question(699, folder), tree_question(701, folder)]
    assert len(refusals(go.ask(wrong))) == len(wrong)
    for path, data in hash_tiles(HASHES[:700]).items():
        (folder / path).write_bytes(damaged(data, 40 if path.startswith("tile/0") else 4))
        indices = [
            Question(ask="prove record", size=700, root=root(700), folder=str(folder), index=at)
            for at in (0, 256, 699)
        ]
        assert refusals(go.ask(indices)), path
        (folder / path).write_bytes(data)


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
