"""A bundle is whole, says who could vouch for it, and that it was made stands in the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

import pytest

from audit.checkpoint import cosign, open_checkpoint, with_lines, write_body
from audit.layout import bundle_path, bundles_of, read_bundle, tile_path, tiles_of
from audit.policy import read_policy
from audit.receipt import write_receipt
from audit.tiles import tile_hashes
from audit.tree import leaf_hash, root_of
from crypto.notes import COSIGNATURE, SignerKey, public_of, write_vkey
from service.flows.console import AdministrationError, Problem
from service.flows.export import Wanted, export_log
from service.flows.notary import publish
from service.flows.watching import keep_cosignatures
from service.flows.witnesses import add_witness, remove_witness
from service.store.trees import TreeRow
from tests.service.checking import collaboration
from tests.service.forging import grow
from tests.service.world import World


def key_of(number: int) -> SignerKey:
    return SignerKey(name=f"npo.example/w{number}", algorithm=COSIGNATURE, seed=bytes([number]) * 32)


def vkey_of(number: int) -> str:
    key = key_of(number)
    return write_vkey(key.name, public_of(key.seed), COSIGNATURE)


def export(world: World, wanted: Wanted) -> dict[str, bytes]:
    """The files of a bundle."""
    files: dict[str, bytes] = {}

    @contextmanager
    def new(name: str) -> Iterator[BinaryIO]:
        assert name not in files
        file = BytesIO()
        yield file
        files[name] = file.getvalue()

    world.run(export_log(world.house, wanted, new, lambda *_: None))
    return files


def leaves_of(files: dict[str, bytes], size: int) -> list[bytes | None]:
    found: list[bytes | None] = []
    for tile in bundles_of(size, 0):
        found += read_bundle(files[bundle_path(tile)], tile.width)
    return found


def cosigned(world: World, tree: TreeRow, number: int) -> int:
    """A witness sees the log as it is now: its size."""
    note, checkpoint = world.run(publish(world.house, tree))
    line = cosign(write_body(checkpoint), key_of(number), int(world.clock().timestamp()))
    assert world.run(keep_cosignatures(world.house, tree, with_lines(note, line))) == 1
    return checkpoint.size


@pytest.mark.parametrize("more", [0, 250, 520])
def test_a_bundle_holds_every_tile_and_every_entry(world: World, more: int) -> None:
    """Each tile that a tree of that size has, and each leaf, which lead to the signed root; its own entry last."""
    tree = collaboration(world)
    grow(world, tree, more)
    files = export(world, Wanted(tree=tree.number))
    point = open_checkpoint(files["checkpoint"].decode(), world.house.notary.key(tree.origin))
    assert {name for name in files if name.startswith("tile/")} == {
        *(tile_path(tile) for tile in tiles_of(point.size)),
        *(bundle_path(tile) for tile in bundles_of(point.size, 0)),
    }
    leaves = leaves_of(files, point.size)
    stored = zip(world.leaves(tree.name), leaves, strict=True)
    assert all(str(leaf["id"]).encode() in (text or b"") for leaf, text in stored)
    hashes = [leaf_hash(leaf or b"") for leaf in leaves]
    assert root_of(hashes) == point.root
    shown = [files[tile_path(tile)] for tile in tiles_of(point.size) if tile.level == 0]
    assert [one for data in shown for one in tile_hashes(data)] == hashes
    assert b'"ev":"log.export"' in (leaves[-1] or b"")
    assert files["entries.csv"].count(b"\r\n") == len(leaves) + 1


def test_the_policy_to_begin_with_names_the_log_and_its_witnesses(world: World) -> None:
    """The log's key, each witness that counts, all of them asked for; a removed one and another log's are not in it."""
    tree = collaboration(world)
    world.run(add_witness(world.house, tree.name, vkey_of(1), None))
    world.run(add_witness(world.house, tree.name, vkey_of(2), None))
    world.run(add_witness(world.house, tree.name, vkey_of(3), None))
    world.run(remove_witness(world.house, tree.name, key_of(2).name))
    other = str(world.sql("SELECT name FROM tree WHERE number <> ?", tree.number)[0][0])
    world.run(add_witness(world.house, other, vkey_of(4), None))
    text = export(world, Wanted(tree=tree.number))["policy.txt"].decode("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == [
        f"log {world.house.notary.vkey(tree.origin)}",
        f"witness w1 {vkey_of(1)}",
        f"witness w2 {vkey_of(3)}",
        "group witnesses all w1 w2",
        "quorum witnesses",
    ]
    assert read_policy(text.encode("utf-8")) is not None


@pytest.mark.parametrize("since", [-1, -5, -300, 10**9])
def test_a_size_that_the_log_never_had_is_refused_before_any_entry(world: World, since: int) -> None:
    """Nothing is exported, and nothing says that it was."""
    tree = collaboration(world)
    before = len(world.leaves(tree.name))
    with pytest.raises(AdministrationError) as caught:
        export(world, Wanted(tree=tree.number, since=since))
    assert caught.value.problem is Problem.BAD_SINCE
    assert len(world.leaves(tree.name)) == before
    assert (
        export(world, Wanted(tree=tree.number, since=before))["scope"]
        == b"tsunagi-export/v1\nsince %d\n" % before
    )


def test_a_bundle_bears_the_receipt_of_its_own_entry(world: World) -> None:
    """In both languages of its README; the receipt is that of the last entry."""
    tree = collaboration(world)
    readme = export(world, Wanted(tree=tree.number))["README.txt"].decode()
    leaf = str(
        world.sql("SELECT leaf FROM entry WHERE tree = ? ORDER BY idx DESC LIMIT 1", tree.number)[0][0]
    )
    number = write_receipt(len(world.leaves(tree.name)) - 1, leaf_hash(leaf.encode()))
    assert f"受付番号 {number}\n" in readme and f"receipt of this export is {number}\n" in readme


def test_a_cosigned_bundle_ends_where_a_witness_has_looked(world: World) -> None:
    """`cosigned`: up to the largest size with a line that holds, the line in it; without one it is refused."""
    tree = collaboration(world)
    world.run(add_witness(world.house, tree.name, vkey_of(1), None))
    with pytest.raises(AdministrationError) as caught:
        export(world, Wanted(tree=tree.number, cosigned=True))
    assert caught.value.problem is Problem.NOT_COSIGNED
    size = cosigned(world, tree, 1)
    grow(world, tree, 3)
    files = export(world, Wanted(tree=tree.number, cosigned=True))
    note = files["checkpoint"].decode()
    assert open_checkpoint(note, world.house.notary.key(tree.origin)).size == size
    assert f"— {key_of(1).name} " in note
    assert len(leaves_of(files, size)) == size


def test_what_was_cosigned_by_somebody_removed_counts_no_more(world: World) -> None:
    """The line of a witness that was taken out is in no bundle."""
    tree = collaboration(world)
    world.run(add_witness(world.house, tree.name, vkey_of(1), None))
    cosigned(world, tree, 1)
    world.run(remove_witness(world.house, tree.name, key_of(1).name))
    with pytest.raises(AdministrationError):
        export(world, Wanted(tree=tree.number, cosigned=True))
    assert key_of(1).name not in export(world, Wanted(tree=tree.number))["checkpoint"].decode()


def test_the_export_of_one_case_has_its_entries_and_no_others(world: World) -> None:
    """Every entry that names it, oldest first; the export's own names it too."""
    mine, _, _ = world.shared_case()
    world.shared_case()
    tree = collaboration(world)
    files = export(world, Wanted(tree=tree.number, case=mine))
    wanted = [leaf["id"] for leaf in world.leaves(tree.name) if leaf.get("sub") == mine]
    said = files["leaves"].decode("ascii")
    places = [said.index(str(id)) for id in wanted]
    assert places == sorted(places)
    assert all(str(leaf["id"]) not in said for leaf in world.leaves(tree.name) if leaf.get("sub") != mine)
    assert world.leaves(tree.name)[-1]["ev"] == "log.export"
    assert world.leaves(tree.name)[-1]["sub"] == mine
    assert not any(name.startswith("tile/entries/") for name in files)
