"""The log for those who watch it: witnesses see hashes of their tree, auditors its entries, nobody what is unsigned."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

from audit.checkpoint import (
    Checkpoint,
    body_of,
    cosign,
    open_checkpoint,
    sign_note,
    with_lines,
    write_body,
)
from audit.layout import bundle_path, bundles_of, read_bundle, tile_path, tiles_of
from audit.proof import read_proof, verify_inclusion
from audit.tiles import Tile, tile_hashes
from audit.tree import leaf_hash, root_of
from crypto.notes import COSIGNATURE, SignerKey
from service.flows.notary import publish_dirty
from service.flows.witnesses import add_witness, remove_witness
from tests.service.test_log_api import entries, tree_of
from tests.service.world import World

WITNESS = SignerKey(name="npo.example/w1", algorithm=COSIGNATURE, seed=b"\x02" * 32)
VKEY = "npo.example/w1+8f097b91+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"


def token_of(world: World, tree: str) -> str:
    """The token of a new witness of the tree."""
    return world.run(add_witness(world.house, tree, VKEY, None)).token


def watch(world: World, token: str, path: str, note: str | None = None) -> tuple[int, bytes]:
    """What a witness's program gets: a GET, or a POST of a note."""
    headers = {"Authorization": f"Bearer {token}"}
    body = None if note is None else {"note": note}
    answer = world(None, "GET" if note is None else "POST", path, body, headers)
    return answer.status_code, answer.content


def read(world: World, token: str, tree: str) -> tuple[str, Checkpoint]:
    """The newest checkpoint as the witness gets it, and what it says."""
    world.run(publish_dirty(world.house))
    status, data = watch(world, token, f"/log/{tree}/checkpoint")
    assert status == 200
    note = data.decode()
    return note, open_checkpoint(note, world.house.notary.key(note.partition("\n")[0]))


def cosigned(world: World, note: str) -> str:
    """The note with the witness's line of now."""
    return with_lines(note, cosign(body_of(note), WITNESS, int(world.clock().timestamp())))


def test_a_witness_works_the_root_out_from_the_hashes(world: World) -> None:
    """Checkpoint and tiles of the witness's tree lead to one root, by RFC 6962 alone."""
    world.shared_case()
    tree = tree_of(world)
    token = token_of(world, tree)
    _, found = read(world, token, tree)
    hashes: list[bytes] = []
    for tile in tiles_of(found.size):
        status, data = watch(world, token, f"/log/{tree}/{tile_path(tile)}")
        assert status == 200
        hashes += tile_hashes(data) if tile.level == 0 else ()
    assert len(hashes) == found.size > 5
    assert root_of(hashes) == found.root


def test_a_witness_gets_the_hashes_of_its_tree_and_nothing_else(world: World) -> None:
    """No entry, no other tree, nothing of the API: a stolen token shows how much was logged, and no more."""
    world.shared_case()
    tree, own = tree_of(world), tree_of(world, "o_")
    token = token_of(world, tree)
    _, found = read(world, token, tree)
    tile = next(bundles_of(found.size))
    assert watch(world, token, f"/log/{tree}/{tile_path(tile)}")[0] == 200
    assert watch(world, token, f"/log/{tree}/{bundle_path(tile)}")[0] == 401
    assert watch(world, token, f"/log/{own}/checkpoint")[0] == 404
    for path in ("/api/log", "/api/cases", "/api/session", f"/api/log/{tree}/entries", "/api/receipts/1-A"):
        assert watch(world, token, path)[0] == 401, path


def test_nobody_else_is_shown_hashes(world: World) -> None:
    """Not signed in, another role, an invented token, a witness that was removed: no checkpoint, no tile."""
    tree = tree_of(world)
    token = token_of(world, tree)
    note = f"/log/{tree}/checkpoint"
    assert watch(world, token, note)[0] == 200
    assert world(None, "GET", note).status_code == 401
    assert world("supervisor", "GET", note).status_code == 403
    assert world("auditor", "GET", note).status_code == 200
    for other in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        "w.",
        token.removeprefix("w."),
        f"{token}A",
    ):
        assert watch(world, other, note)[0] == 401, other
    world.run(remove_witness(world.house, tree, WITNESS.name))
    assert watch(world, token, note)[0] == 401


def test_nothing_is_shown_beyond_the_signed_size(world: World) -> None:
    """A tile that only the unsigned end would fill is not there, nor is one written in another way."""
    world.shared_case()
    tree = tree_of(world)
    token = token_of(world, tree)
    _, found = read(world, token, tree)
    world.shared_case()
    for path in (
        tile_path(Tile(0, 0, found.size + 1)),
        "tile/0/000",
        "tile/1/000.p/1",
        f"tile/0/0.p/{found.size}",
        f"tile/00/000.p/{found.size}",
        f"tile/0/x000/000.p/{found.size}",
        f"tile/0/000.p/0{found.size}",
        "tile/0/000.p/0",
        "tile/0/001.p/1",
        "tile/6/000.p/1",
    ):
        assert watch(world, token, f"/log/{tree}/{path}")[0] == 404, path
    assert watch(world, token, f"/log/{tree}/{tile_path(Tile(0, 0, found.size))}")[0] == 200


def test_an_auditor_gets_the_entries_and_that_is_an_entry(world: World) -> None:
    """The bundle holds the leaves as they were hashed; who read them stands in the log."""
    world.shared_case()
    tree = tree_of(world)
    _, found = read(world, token_of(world, tree), tree)
    tile = next(bundles_of(found.size))
    answer = world("auditor", "GET", f"/log/{tree}/{bundle_path(tile)}")
    assert answer.status_code == 200
    leaves = read_bundle(answer.content, found.size)
    assert root_of([leaf_hash(leaf or b"") for leaf in leaves]) == found.root
    newest = world.leaves(tree)[-1]
    assert (newest["ev"], newest["act"], newest["n"]) == ("log.export", world.ids["auditor"], found.size)
    assert world("supervisor", "GET", f"/log/{tree}/{bundle_path(tile)}").status_code == 403
    assert world("auditor", "GET", f"/log/{tree}/tile/entries/001").status_code == 404


def test_looking_at_hashes_does_not_make_the_log_grow(world: World) -> None:
    """Or watching would never come to rest."""
    tree = tree_of(world)
    token = token_of(world, tree)
    note, _ = read(world, token, tree)
    before = len(world.leaves())
    assert read(world, token, tree)[0] == note
    assert len(world.leaves()) == before


def test_each_entry_shows_how_far_it_is_proven(world: World) -> None:
    """Recorded, then signed, then cosigned: by whom, and when."""
    world.shared_case()
    tree = tree_of(world)
    token = token_of(world, tree)
    note, found = read(world, token, tree)
    status, _ = watch(world, token, f"/api/log/{tree}/cosignatures", cosigned(world, note))
    assert status == 201
    when = world.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    world.clock.advance(timedelta(minutes=3))
    world.shared_case()
    shown = {one["index"]: one for one in entries(world, tree)}
    assert all(shown[index]["signed"] for index in range(found.size))
    assert not shown[found.size]["signed"]
    assert shown[0]["cosigned"] == [{"witness": WITNESS.name, "size": found.size, "time": when}]
    assert shown[found.size]["cosigned"] == []
    mine = next(one for one in world("auditor", "GET", "/api/log").json()["trees"] if one["name"] == tree)
    assert (mine["signed"], mine["late"]) == (found.size, False)
    world.clock.advance(timedelta(hours=24))
    world.tokens["auditor"] = world.sign_in("auditor").json()["token"]
    mine = next(one for one in world("auditor", "GET", "/api/log").json()["trees"] if one["name"] == tree)
    assert mine["late"]
    assert "npo.example/w1" in read(world, token, tree)[0] or mine["size"] > found.size


def test_a_cosignature_that_does_not_hold_is_not_taken(world: World) -> None:
    """A stranger's, one over another text, one without a line: refused, and nothing is shown."""
    tree = tree_of(world)
    token = token_of(world, tree)
    note, _ = read(world, token, tree)
    path = f"/api/log/{tree}/cosignatures"
    stranger = SignerKey(name="npo.example/w1", algorithm=COSIGNATURE, seed=b"\x07" * 32)
    false = with_lines(note, cosign(body_of(note), stranger, 1_795_410_000))
    other = body_of(note).replace("\n", "\n1", 1)
    lines = cosigned(world, note).removeprefix(note)
    ours = note.removeprefix(body_of(note) + "\n")
    renamed = note.replace("— ", "— x")
    assert renamed != note
    for text, fault in (
        (note, "witness_unsigned"),
        (false, "witness_other_key"),
        (with_lines(note, cosign(other, WITNESS, 5)), "witness_signature"),
        ("x", "text"),
        (f"{other}\n{ours}", "signature"),
        (f"{other}\n{lines}", "unsigned"),
        (renamed, "unsigned"),
        (sign_note(body_of(note), body_of(note).split("\n")[0], b"\x07" * 32), "other_key"),
        (note.replace("\n— ", "\n—", 1), "text"),
    ):
        status, answer = watch(world, token, path, text)
        assert (status, json.loads(answer)["errors"]) == (422, [{"path": "note", "code": fault}]), text
    assert all(one["cosigned"] == [] for one in entries(world, tree))


def test_a_cosignature_written_into_the_database_is_not_shown(world: World) -> None:
    """The administrator of the database cannot make a witness's word."""
    world.shared_case()
    tree = tree_of(world)
    token = token_of(world, tree)
    note, found = read(world, token, tree)
    stranger = SignerKey(name=WITNESS.name, algorithm=COSIGNATURE, seed=b"\x07" * 32)
    with closing(sqlite3.connect(world.settings.database)) as connection, connection:
        (number,) = connection.execute("SELECT number FROM tree WHERE name = ?", (tree,)).fetchone()
        line = cosign(body_of(note), stranger, 1_795_410_000)
        connection.execute(
            "INSERT INTO cosignature (tree, size, name, time, line) VALUES (?, ?, ?, ?, ?)",
            (number, found.size, WITNESS.name, 1_795_410_000, line),
        )
    assert all(one["cosigned"] == [] for one in entries(world, tree))
    assert "npo.example/w1" not in read(world, token, tree)[0]


def test_our_own_signature_over_another_past_stops_the_log(world: World) -> None:
    """A witness brings a note that our key signed and our log does not hold: it went back, and takes no more."""
    case, _, _ = world.shared_case()
    tree = tree_of(world)
    token = token_of(world, tree)
    note, found = read(world, token, tree)
    origin, seed = note.partition("\n")[0], world.house.notary.seed or b""
    later = sign_note(
        write_body(Checkpoint(origin=origin, size=found.size + 9, root=b"\x05" * 32)), origin, seed
    )
    assert watch(world, token, f"/api/log/{tree}/cosignatures", cosigned(world, later))[0] == 422
    answer = world("caseworker", "GET", f"/api/cases/{case}")
    assert answer.status_code == 503
    assert "山田" not in answer.text


def test_whoever_kept_a_receipt_asks_for_its_entry(world: World) -> None:
    """The answer's receipt is in the log, its proof leads to the signed root; one that no log has is not."""
    case, _, _ = world.shared_case()
    shown = world("coordinator", "GET", f"/api/cases/{case}").json()["receipt"]
    found = world("coordinator", "GET", f"/api/receipts/{shown['number']}").json()
    assert (found["in_log"], found["signed"], found["leaf_hash"]) == (True, True, shown["leaf_hash"])
    proof = read_proof(found["proof"])
    checkpoint = open_checkpoint(proof.note, world.house.notary.key(found["origin"]))
    verify_inclusion(
        bytes.fromhex(found["leaf_hash"]), proof.index, checkpoint.size, proof.hashes, checkpoint.root
    )
    index, _, mark = shown["number"].partition("-")
    wrong = f"{index}-{'A' if mark[0] != 'A' else 'B'}{mark[1:]}"
    lost = world("coordinator", "GET", f"/api/receipts/{wrong}").json()
    assert (lost["in_log"], lost["proof"], lost["origin"]) == (False, None, None)
    assert world("coordinator", "GET", "/api/receipts/12").status_code == 422
    assert world(None, "GET", f"/api/receipts/{shown['number']}").status_code == 401
