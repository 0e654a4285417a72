"""Details beside the log: closed, believed only where their entry commits to them, and erasable without a trace."""

import base64
import io
import json
from collections.abc import Callable
from hashlib import sha256

import pytest

from audit.checkpoint import open_checkpoint
from audit.event import Event, detail_commitment
from audit.proof import read_proof, verify_inclusion
from audit.tree import leaf_hash
from crypto.detail import open_detail, seal_detail
from crypto.errors import OpenError
from crypto.keys import RootKey
from service import logs
from service.flows.entries import detailed, entry
from service.flows.notary import publish
from service.store import details
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.trees import TreeRow
from service.store.writer import Done
from tests.service.checking import collaboration
from tests.service.disk import edit, on_disk
from tests.service.world import World

REASON = "当番の海野さんに頼まれました"


@pytest.fixture
def told(world: World) -> tuple[World, TreeRow, int]:
    """A world in which a finding was checked with a typed reason, and the index of the entry that says so."""
    case = world.new_case(fields={"name": "職員 花子"})
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    tree = collaboration(world)
    index = world.sql("SELECT idx FROM entry WHERE ev = 'flag.raise'")[0][0]
    body = {"tree": tree.name, "review": "same_surname", "index": index, "reason": REASON}
    made = world("auditor", "POST", "/api/log/reviews/checks", body)
    assert made.status_code == 201, made.text
    return world, tree, int(made.json()["index"])


def commitment(world: World, tree: TreeRow, index: int) -> bytes:
    """What the entry's leaf commits to."""
    leaf = json.loads(
        str(world.sql("SELECT leaf FROM entry WHERE tree = ? AND idx = ?", tree.number, index)[0][0])
    )
    return base64.b64decode(str(leaf["det"]), validate=True)


def row(world: World, tree: TreeRow, index: int) -> tuple[bytes, bytes]:
    """Salt and ciphertext of the detail of an entry."""
    one = (tree.number << 40) | index
    salt, sealed = world.sql("SELECT salt, ciphertext FROM detail WHERE id = ?", one)[0]
    assert isinstance(salt, bytes) and isinstance(sealed, bytes)
    return salt, sealed


def read(world: World, tree: TreeRow, index: int) -> object:
    """The detail as the service believes it."""
    found = commitment(world, tree, index)

    async def query(tx: Transaction) -> object:
        return await details.detail(tx, tree.number, index, found)

    return world.run(world.house.look(query))


def place(tree: TreeRow) -> bytes:
    """The 16 bytes that stand for a log."""
    return sha256(tree.origin.encode("utf-8")).digest()[:16]


def test_a_detail_is_closed_under_the_root_key_at_its_place(told: tuple[World, TreeRow, int]) -> None:
    """The house's root key, the tree's origin and the index open it; another of any of them does not."""
    world, tree, index = told
    assert read(world, tree, index) == {"reason": REASON, "review": "same_surname"}
    salt, sealed = row(world, tree, index)
    text = open_detail(world.house.root, sealed, place(tree), index)
    assert json.loads(text) == {"reason": REASON, "review": "same_surname"}
    assert detail_commitment(salt, text) == commitment(world, tree, index)
    other = RootKey(number=world.house.root.number, key=bytes(32))
    for root, where, at in (
        (other, place(tree), index),
        (world.house.root, bytes(16), index),
        (world.house.root, place(tree), index + 1),
    ):
        with pytest.raises(OpenError):
            open_detail(root, sealed, where, at)


def test_the_same_words_commit_differently_each_time(told: tuple[World, TreeRow, int]) -> None:
    """Without the salt nobody can try words against a leaf: neither commitments nor closed rows are alike."""
    world, tree, _ = told
    made = [
        detailed(world.house, tree.number, entry(world.house, None, Event.FLAG_CHECK), {"a": "b"})
        for _ in "12"
    ]
    assert made[0].entry.detail != made[1].entry.detail
    kept = [one.detail for one in made if one.detail is not None]
    assert len({one.salt for one in kept} | {one.nonce for one in kept}) == 4


CHANGES: dict[str, Callable[[int, int], str]] = {
    "the salt is changed": lambda one, _: f"UPDATE detail SET salt = randomblob(32) WHERE id = {one}",
    "the salt is cut": lambda one, _: f"UPDATE detail SET salt = substr(salt, 1, 31) WHERE id = {one}",
    "the text is changed": lambda one, _: (
        f"UPDATE detail SET ciphertext = zeroblob(length(ciphertext)) WHERE id = {one}"
    ),
    "the text is cut": lambda one, _: (
        f"UPDATE detail SET ciphertext = substr(ciphertext, 1, 40) WHERE id = {one}"
    ),
    "the text of another": lambda one, other: (
        f"UPDATE detail SET ciphertext = (SELECT ciphertext FROM detail WHERE id = {other}) WHERE id = {one}"
    ),
    "all of another": lambda one, other: (
        f"UPDATE detail SET (salt, ciphertext) = (SELECT salt, ciphertext FROM detail WHERE id = {other}) "
        f"WHERE id = {one}"
    ),
    "the salt of another": lambda one, other: (
        f"UPDATE detail SET salt = (SELECT salt FROM detail WHERE id = {other}) WHERE id = {one}"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_detail_that_was_changed_or_moved_is_reported_and_not_believed(
    told: tuple[World, TreeRow, int], change: Callable[[int, int], str]
) -> None:
    """By whoever writes the database: the store refuses it, the reviews do not show what it says."""
    world, tree, index = told
    one = (tree.number << 40) | index
    other = world.sql("SELECT id FROM detail WHERE id <> ?", one)[0][0]
    assert isinstance(other, int)
    edit(world, change(one, other))
    with pytest.raises(TamperedError) as caught:
        read(world, tree, index)
    assert caught.value.table == "detail"
    shown = world("auditor", "GET", "/api/log/reviews").json()
    assert index in shown["damaged"]
    assert not any(hit["checked"] for one in shown["reviews"] for hit in one["hits"])


def test_a_detail_of_another_log_is_not_believed(told: tuple[World, TreeRow, int]) -> None:
    """Closed for one log, put beside the entry with the same index of another: refused, by place and by commitment."""
    world, tree, index = told
    number, name, origin = world.sql("SELECT number, name, origin FROM tree WHERE number <> ?", tree.number)[
        0
    ]
    other = TreeRow(number=int(str(number)), name=str(name), origin=str(origin))
    salt, sealed = row(world, tree, index)
    text = open_detail(world.house.root, sealed, place(tree), index)
    here = seal_detail(world.house.root, text, place(other), index, world.house.random)
    for moved in (sealed, here):
        edit(world, f"DELETE FROM detail WHERE tree = {other.number}")
        edit(
            world,
            "INSERT INTO detail (id, tree, idx, salt, ciphertext) VALUES "
            f"({(other.number << 40) | index}, {other.number}, {index}, x'{salt.hex()}', x'{moved.hex()}')",
        )

        async def query(tx: Transaction) -> object:
            return await details.detail(tx, other.number, index, bytes(32))

        with pytest.raises(TamperedError):
            world.run(world.house.look(query))


def test_other_words_under_the_root_key_are_not_believed(told: tuple[World, TreeRow, int]) -> None:
    """Whoever has the root key too, and closes another reason at the same place: the leaf commits to the first one."""
    world, tree, index = told
    salt, _ = row(world, tree, index)
    text = details.write_detail({"reason": "別の理由", "review": "bulk"})
    sealed = seal_detail(world.house.root, text, place(tree), index, world.house.random)
    one = (tree.number << 40) | index
    edit(world, f"UPDATE detail SET ciphertext = x'{sealed.hex()}' WHERE id = {one}")
    assert detail_commitment(salt, text) != commitment(world, tree, index)
    with pytest.raises(TamperedError):
        read(world, tree, index)


def test_erasing_a_detail_leaves_the_entry_as_it_was(told: tuple[World, TreeRow, int]) -> None:
    """The leaf, its hash, its proof and the log's signature stay; what was said is gone from the disk."""
    world, tree, index = told
    before = world.sql("SELECT leaf, leaf_hash FROM entry WHERE tree = ? ORDER BY idx", tree.number)
    sealed = row(world, tree, index)[1]
    assert sealed in on_disk(world)

    async def job(tx: Transaction) -> Done[None]:
        await details.erase_details(tx, tree.number, index, index + 1)
        return Done(outcome=None)

    world.run(world.house.commit(job))
    world.run(world.house.forget_deleted())
    assert sealed not in on_disk(world)
    assert read(world, tree, index) is None
    assert world.sql("SELECT count(*) FROM detail WHERE tree = ?", tree.number) != [(0,)]
    assert world.sql("SELECT leaf, leaf_hash FROM entry WHERE tree = ? ORDER BY idx", tree.number) == before
    _, checkpoint = world.run(publish(world.house, tree))
    proof = read_proof(world("auditor", "GET", f"/api/log/{tree.name}/proof/{index}").json()["proof"])
    later = open_checkpoint(proof.note, world.house.notary.key(tree.origin))
    verify_inclusion(leaf_hash(str(before[index][0]).encode()), index, later.size, proof.hashes, later.root)
    assert later.size >= checkpoint.size
    reviews = world("auditor", "GET", "/api/log/reviews").json()["reviews"]
    hits = next(one["hits"] for one in reviews if one["review"] == "same_surname")
    assert [hit["checked"] for hit in hits] == [False]


def test_nothing_of_a_reason_stands_in_clear(world: World) -> None:
    """Neither in the database's files, nor in the notary's, nor in a bundle's leaves, nor in the program's log."""
    written = io.StringIO()
    logs.configure(written)
    case = world.new_case(fields={"name": "職員 花子"})
    world("caseworker", "GET", f"/api/cases/{case}")
    tree = collaboration(world)
    index = world.sql("SELECT idx FROM entry WHERE ev = 'flag.raise'")[0][0]
    body = {"tree": tree.name, "review": "same_surname", "index": index, "reason": REASON}
    assert world("auditor", "POST", "/api/log/reviews/checks", body).status_code == 201
    edit(world, "UPDATE detail SET salt = randomblob(32)")
    assert len(world("auditor", "GET", "/api/log/reviews").json()["damaged"]) == 2
    world.run(publish(world.house, tree))
    everywhere = on_disk(world) + written.getvalue().encode()
    for path in world.settings.notary.rglob("*"):
        everywhere += path.read_bytes() if path.is_file() else b""
    assert "request" in written.getvalue() and "tampered" in written.getvalue()
    for word in (REASON, "same_surname", "own_record", json.dumps(REASON)[1:-1]):
        assert word.encode("utf-8") not in everywhere, word
