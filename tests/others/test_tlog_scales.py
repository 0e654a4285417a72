"""tlog-scales, a reader and writer of C2SP logs in Python, writes what we write and believes what we say.

It alone of the programs that are asked here knows witnesses' cosignatures and entry bundles.
"""

import dataclasses
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.cli import build_parser
from tlog_scales.reader import TilesReader
from tlog_scales.signing import PlainEd25519Signer, Vkey, VkeySet
from tlog_scales.tiles import tile_path as their_tile_path
from tlog_scales.tlog import (
    Checkpoint,
    ConsistencyProof,
    ConsistencyProofInvalid,
    InclusionProof,
    InclusionProofInvalid,
)
from tlog_scales.writer import TilesWriter

from audit.layout import bundle_path, tile_path
from audit.proof import ProofText, read_proof, verify_consistency, verify_inclusion, write_proof
from audit.tiles import WIDTH, Tile
from audit.tree import consistency_proof, hashes_from, inclusion_proof
from tests.audit.bundles import WITNESS, WITNESS_VKEY, Log
from tests.audit.examples import ORIGIN, SEED, VKEY
from tests.others.logs import HASHES, LEAVES, damaged, export, root

SIZES = (1, 2, 255, 256, 257, 700)
PLACES = [(size, index) for size in SIZES for index in sorted({0, size // 2, size - 1})]
GROWTHS = [(old, new) for new in SIZES for old in SIZES if old < new]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 700 leaves, as we export it."""
    return export(700, tmp_path_factory.mktemp("scales") / "log")


def read(folder: Path) -> tuple[Checkpoint, TilesReader]:
    """The folder as tlog-scales reads it."""
    reader = TilesReader(LocalBackend(folder))
    return reader.get_checkpoint(), reader


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("text", [VKEY, WITNESS_VKEY], ids=["log", "witness"])
def test_a_key_is_written_as_it_is_there(text: str) -> None:
    """The id of our log's key and of a witness's is the one that it computes."""
    key = Vkey.from_string(text)
    assert Vkey(key.name, None, key.sig_type, key.pubkey).serialize() == text


def test_the_log_and_its_witness_signed_the_checkpoint() -> None:
    """Both lines of a cosigned checkpoint hold there, and it writes the same note again."""
    note = Log(leaves=LEAVES[:700]).note()
    checkpoint = Checkpoint.from_text(note)
    keys = VkeySet(Vkey.from_string(VKEY), Vkey.from_string(WITNESS_VKEY))
    assert {key.name for key, _ in keys.verify(checkpoint.signatures, checkpoint)} == {ORIGIN, WITNESS.name}
    assert (checkpoint.origin, checkpoint.size, checkpoint.root_hash) == (ORIGIN, 700, root(700))
    assert checkpoint.serialize() == note


@pytest.mark.parametrize("changed", [{"size": 701}, {"root_hash": root(701)}, {"origin": "log.example/else"}])
def test_nobody_signed_another_checkpoint(changed: dict[str, object]) -> None:
    """With another size, root or origin neither the log's line nor the witness's holds there."""
    checkpoint = Checkpoint.from_text(Log(leaves=LEAVES[:700]).note())
    other = dataclasses.replace(checkpoint, **changed)
    keys = VkeySet(Vkey.from_string(VKEY), Vkey.from_string(WITNESS_VKEY))
    assert keys.verify(other.signatures, other) == set()


@pytest.mark.parametrize("size", SIZES)
def test_the_same_leaves_make_the_same_files(size: int, tmp_path: Path) -> None:
    """A log that it writes itself is ours byte for byte: names of tiles, hashes, entries, signed checkpoint."""
    theirs = TilesWriter.create(tmp_path / "theirs", ORIGIN)
    for leaf in LEAVES[:size]:
        theirs.add_leaf(leaf)
    theirs.commit([PlainEd25519Signer(ORIGIN, SEED)])
    ours = files_of(export(size, tmp_path / "ours", witnesses=()))
    assert files_of(tmp_path / "theirs") == ours


def test_a_tile_lies_where_it_is_looked_for() -> None:
    """The paths of tiles and of entry bundles are its paths, also for those that only a huge tree has."""
    for number in (0, 67, 999, 1_000, 1_067, 999_999, 1_000_000, 1_234_067, 2**32 - 1):
        for width in (1, 255, WIDTH):
            partial = width % WIDTH
            for level in (0, 1, 5):
                theirs = "/".join(their_tile_path(level, number, partial))
                assert tile_path(Tile(level, number, width)) == theirs
            assert bundle_path(Tile(0, number, width)) == "/".join(their_tile_path(-1, number, partial))


def test_an_export_is_read(folder: Path) -> None:
    """From the tiles it comes to the root of the checkpoint, and every entry is the leaf at its place."""
    checkpoint, reader = read(folder)
    assert reader.calculate_root_hash() == checkpoint.root_hash == root(700)
    assert [reader.get_entry(index) for index in range(700)] == LEAVES[:700]


def test_a_changed_tile_leads_to_another_root(folder: Path, tmp_path: Path) -> None:
    """With one bit turned in a tile that the root needs, it comes to another root."""
    other = export(700, tmp_path / "log")
    for path in ("tile/1/000.p/2", "tile/0/002.p/188"):
        whole = (other / path).read_bytes()
        (other / path).write_bytes(damaged(whole, 32))
        checkpoint, reader = read(other)
        assert reader.calculate_root_hash() != checkpoint.root_hash
        (other / path).write_bytes(whole)


@pytest.mark.parametrize(("size", "index"), PLACES)
def test_a_proof_of_an_entry_holds_on_both_sides(size: int, index: int, tmp_path: Path) -> None:
    """What it proves from our tiles is what we prove, holds for us, and ours holds for it; a damaged one does not."""
    _, reader = read(export(size, tmp_path / "log"))
    theirs = reader.get_inclusion_proof(index, size)
    ours = inclusion_proof(index, size, hashes_from(HASHES[:size]))
    assert tuple(theirs.node_hashes) == ours
    verify_inclusion(HASHES[index], index, size, theirs.node_hashes, root(size))
    InclusionProof(index, size, list(ours)).check(HASHES[index], root(size))
    for at, one in enumerate(ours):
        wrong = [*ours[:at], damaged(one), *ours[at + 1 :]]
        with pytest.raises(InclusionProofInvalid):
            InclusionProof(index, size, wrong).check(HASHES[index], root(size))


@pytest.mark.parametrize(("old", "new"), GROWTHS)
def test_a_proof_of_growth_holds_on_both_sides(old: int, new: int, tmp_path: Path) -> None:
    """What it proves from our tiles is what we prove, holds for us, and ours holds for it; a damaged one does not."""
    _, reader = read(export(new, tmp_path / "log"))
    theirs = reader.get_consistency_proof(old, new)
    ours = consistency_proof(old, new, hashes_from(HASHES[:new]))
    assert tuple(theirs.node_hashes) == ours
    verify_consistency(old, new, theirs.node_hashes, root(old), root(new))
    ConsistencyProof(old, new, list(ours)).check(root(old), root(new))
    for at, one in enumerate(ours):
        wrong = [*ours[:at], damaged(one), *ours[at + 1 :]]
        with pytest.raises(ConsistencyProofInvalid):
            ConsistencyProof(old, new, wrong).check(root(old), root(new))


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 699])
def test_the_text_of_a_proof_is_the_same(
    index: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its command ``gen-proof``, run on our export, prints what we write, byte for byte; we read it back."""
    arguments = build_parser().parse_args(["gen-proof", str(folder), str(index)])
    arguments.func(arguments)
    theirs = capsys.readouterr().out
    proof = inclusion_proof(index, 700, hashes_from(HASHES[:700]))
    ours = ProofText(index=index, hashes=proof, note=(folder / "checkpoint").read_text("utf-8"))
    assert theirs == write_proof(ours)
    assert read_proof(theirs) == ours
