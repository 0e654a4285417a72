"""The notary signs a log only as the one signed before, grown by its entries; what it has signed it knows by itself."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint, open_checkpoint, sign_note, write_body
from audit.errors import NotaryError, NotaryFault
from audit.notary import Signed
from audit.tree import append, leaf_hash
from service.cli.notary import sign_all
from service.cli.opening import OpeningError
from service.flows.errors import NotSignedError
from service.flows.notary import find_behind, publish, publish_dirty, sign_tree
from service.notary import Notary
from service.store import trees
from service.store.engine import Transaction, open_read_only
from service.store.errors import UnavailableError
from service.store.macs import Macs
from service.store.reader import Reader
from service.store.trees import TreeRow
from service.store.writer import Done, Job
from tests.service.checking import collaboration
from tests.service.faults import failing_world
from tests.service.forging import another, forge, grow, rewrite
from tests.service.world import Template, World

NOT_NOW = 503


def sign(world: World, tree: TreeRow | None = None) -> tuple[str, Checkpoint]:
    """The newest checkpoint of the collaboration's log, signed now."""
    return world.run(publish(world.house, tree or collaboration(world)))


def fault(world: World) -> NotaryFault:
    """Why the collaboration's log is not signed."""
    with pytest.raises(NotaryError) as caught:
        sign(world)
    return caught.value.fault


def signed_size(world: World) -> int:
    """How many entries of the collaboration's log the notary says it signed."""
    return world.house.notary.read()[collaboration(world).origin].frontier.size


def kept(world: World) -> list[tuple[object, ...]]:
    """Every checkpoint that the database keeps."""
    return world.sql("SELECT tree, size, note FROM checkpoint ORDER BY id")


def state_of(world: World) -> Path:
    return world.settings.notary / "state"


def check_stopped(world: World, case: str) -> None:
    """Whatever is asked for from here on is 503, and not a letter of the case is in the answer."""
    name = collaboration(world).name
    for who, method, path, body in (
        ("caseworker", "GET", f"/api/cases/{case}", None),
        ("coordinator", "GET", f"/api/cases/{case}", None),
        ("caseworker", "GET", "/api/cases", None),
        ("caseworker", "POST", "/api/cases/search", {"words": "山田"}),
        ("coordinator", "GET", "/api/inbox", None),
        ("coordinator", "GET", f"/api/cases/{case}/requests", None),
        ("caseworker", "GET", f"/api/cases/{case}/ledger", None),
        ("caseworker", "GET", f"/api/cases/{case}/consents", None),
        ("caseworker", "POST", "/api/cases", {"fields": {"name": "海野 波"}}),
        ("auditor", "GET", f"/api/log/{name}/entries", None),
        ("auditor", "GET", f"/api/log/{name}/checkpoint", None),
    ):
        answer = world(who, method, path, body)
        assert answer.status_code == NOT_NOW, (path, answer.text)
        assert "山田" not in answer.text and "海野" not in answer.text
        assert answer.headers["Retry-After"]


# what moves first


@pytest.mark.parametrize("name", ["lock", ".state.part"])
def test_no_note_leaves_where_the_state_cannot_be_kept(world: World, name: str) -> None:
    """The lock or the new state cannot be written: no signature, no kept checkpoint, and everything else works."""
    case, _, _ = world.shared_case()
    before, state = kept(world), state_of(world).read_bytes()
    held = world.settings.notary / name
    held.unlink(missing_ok=True)
    held.mkdir()
    assert fault(world) is NotaryFault.STATE
    refused = world("auditor", "GET", f"/api/log/{collaboration(world).name}/checkpoint")
    assert refused.status_code == NOT_NOW and "—" not in refused.text
    assert world.run(publish_dirty(world.house)) == 0
    assert (kept(world), state_of(world).read_bytes()) == (before, state)
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    held.rmdir()
    assert sign(world)[1].size == signed_size(world)


def test_a_note_that_was_lost_after_the_state_moved_is_made_again(template: Template, tmp_path: Path) -> None:
    """A fault between state and database: nothing is answered; the same bytes are signed again, also after a start."""
    world, faults = failing_world(template, tmp_path / "world")
    world.shared_case()
    tree, before = collaboration(world), kept(world)
    faults.arm(1, only="COMMIT")
    with pytest.raises(UnavailableError):
        sign(world)
    assert faults.failed
    moved = world.house.notary.read()[tree.origin].frontier
    assert kept(world) == before
    faults.arm(None)
    world.close()
    world.open()
    note, checkpoint = sign(world)
    assert (checkpoint.size, checkpoint.root) == (moved.size, moved.root)
    assert note == sign_note(write_body(checkpoint), tree.origin, world.house.notary.seed or b"")
    assert [row[2] for row in kept(world) if row not in before] == [note]
    world.end()


@pytest.mark.parametrize("left", [0, 40])
def test_a_notary_apart_that_ended_before_it_laid_the_note_down_does_it_next_time(
    world: World, left: int
) -> None:
    """The state moved and the note is missing or half of one: the next minute lays it down, grown or not."""
    world.shared_case()
    signer = Notary.signing(world.settings.notary, world.house.notary.seed or b"")
    assert world.run(_sign_all(world, signer)) == 0
    tree = collaboration(world)
    note = signer.handed_over(tree.origin)
    assert note is not None
    (found,) = [
        path for path in (world.settings.notary / "notes").iterdir() if path.read_text("utf-8") == note
    ]
    found.unlink()
    if left:
        found.write_text(note[:left], "utf-8", newline="")
    assert world.run(_sign_all(world, signer)) == 0
    assert signer.handed_over(tree.origin) == note


async def _sign_all(world: World, signer: Notary) -> int:
    reader = Reader(open_read_only(world.settings.database), Macs(world.house.roots))
    try:
        return await sign_all(signer, reader)
    finally:
        reader.close()


# the state that is not there, or is another one


@pytest.mark.parametrize(
    "text",
    [None, "", "tsunagi-notary/v1", "tsunagi-notary/v2\n", "tsunagi-notary/v1\nx\n", "tsunagi-notary/v1\n\n"],
)
def test_a_state_that_cannot_be_read_is_not_an_empty_one(world: World, text: str | None) -> None:
    """Missing, cut, of another version, with a line too many: nothing is signed, and nothing else stops."""
    case, _, _ = world.shared_case()
    sign(world)
    world.shared_case()
    whole, before = state_of(world).read_text("utf-8"), kept(world)
    state_of(world).unlink()
    if text is not None:
        state_of(world).write_text(text, "utf-8")
    assert fault(world) is NotaryFault.STATE
    assert world.run(publish_dirty(world.house)) == 0
    assert kept(world) == before
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    world.close()
    with pytest.raises(OpeningError, match="missing or damaged"):
        world.open()
    state_of(world).write_text(whole, "utf-8", newline="")
    world.open()
    assert sign(world)[1].size > len(before)


def test_an_older_state_signs_the_same_log_again(world: World) -> None:
    """The notary's folder from yesterday's backup: it works the entries since then out again, to the same bytes."""
    sign(world)
    older = state_of(world).read_bytes()
    world.shared_case()
    note, checkpoint = sign(world)
    state_of(world).write_bytes(older)
    assert sign(world) == (note, checkpoint)
    assert signed_size(world) == checkpoint.size


def test_a_state_of_a_longer_log_signs_nothing(world: World) -> None:
    """The database is older than its log: no signature, and nothing is written or released any more."""
    case, _, _ = world.shared_case()
    sign(world)
    tree = collaboration(world)
    state = world.house.notary.read()
    longer = append(state[tree.origin].frontier, [b"\x01" * 32])
    world.house.notary.write({**state, tree.origin: Signed(frontier=longer)})
    assert fault(world) is NotaryFault.SHRANK
    check_stopped(world, case)


# one process at a time


def test_one_process_signs_at_a_time(world: World) -> None:
    """While another process holds the notary's lock nothing is read and nothing signed; afterwards it is."""
    world.shared_case()
    before, tree = kept(world), collaboration(world)
    with _held(world.settings.notary / "lock"):
        state = state_of(world).read_bytes()
        with pytest.raises(TimeoutError):
            world.run(_in_time(world, tree))
        assert (kept(world), state_of(world).read_bytes()) == (before, state)
    assert sign(world)[1].size == signed_size(world)


async def _in_time(world: World, tree: TreeRow) -> None:
    async with asyncio.timeout(0.3):
        await publish(world.house, tree)


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Another process holds the lock, until its input ends."""
    program = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX); "
        "print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin is not None and other.stdout is not None
        other.stdout.readline()
        yield
        other.stdin.close()


def test_many_who_sign_at_once_sign_one_log(world: World) -> None:
    """Signers side by side, each with the folder for itself: one note, and a state that holds every log."""
    world.shared_case()
    rows = world.sql("SELECT number, name, origin FROM tree")
    trees = [TreeRow(number=int(str(row[0])), name=str(row[1]), origin=str(row[2])) for row in rows]
    seed = world.house.notary.seed or b""

    async def work() -> list[tuple[str, Checkpoint]]:
        signing = (
            sign_tree(Notary.signing(world.settings.notary, seed), world.house.look, tree)
            for tree in (*trees, *trees)
        )
        return list(await asyncio.gather(*signing))

    made = world.run(work())
    assert len({note for note, _ in made}) == len(trees)
    state = world.house.notary.read()
    for _, checkpoint in made:
        assert state[checkpoint.origin].frontier.root == checkpoint.root


# what is not signed

CHANGES = {
    "the head's root": "UPDATE head SET root = zeroblob(32) WHERE tree = {tree}",
    "the head shrinks": "UPDATE head SET size = size - 1 WHERE tree = {tree}",
    "the head grows": "UPDATE head SET size = size + 1 WHERE tree = {tree}",
    "an entry's text": (
        'UPDATE entry SET leaf = replace(leaf, \'"act":"u_\', \'"act":"u_0\') WHERE id = {last} - 2'
    ),
    "an entry goes": "DELETE FROM entry WHERE id = {last}",
    "an entry in the middle goes": "DELETE FROM entry WHERE id = {last} - 1",
    "two entries change places": (
        "UPDATE entry SET leaf = (SELECT leaf FROM entry e WHERE e.id = {last} + {last} - 1 - entry.id) "
        "WHERE id IN ({last}, {last} - 1)"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_log_that_was_edited_is_not_signed_and_stops_the_house(world: World, change: str) -> None:
    """By raw SQL, the triggers gone meanwhile: no signature, no kept checkpoint, and 503 for whatever is asked."""
    case, _, _ = world.shared_case()
    sign(world)
    world("caseworker", "GET", f"/api/cases/{case}")
    world.shared_case()
    tree, before, size = collaboration(world), kept(world), signed_size(world)
    last = world.sql("SELECT max(id) FROM entry WHERE tree = ?", tree.number)[0][0]
    forge(world, change.format(tree=tree.number, last=last))
    assert fault(world) is NotaryFault.CHANGED
    assert (kept(world), signed_size(world)) == (before, size)
    check_stopped(world, case)


def test_a_false_frontier_is_found_with_the_next_entry(world: World) -> None:
    """Whoever changes what appending starts from makes a root that the entries do not have."""
    case, _, _ = world.shared_case()
    tree = collaboration(world)
    sign(world)
    frontier = append(world.house.notary.read()[tree.origin].frontier, [])
    false = replace(frontier, hashes=(bytes(32), *frontier.hashes[1:]))
    forge(world, f"UPDATE head SET frontier = x'{false.encode().hex()}' WHERE tree = {tree.number}")
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    assert fault(world) is NotaryFault.CHANGED
    check_stopped(world, case)


def test_an_entry_without_its_text_is_not_signed(world: World) -> None:
    """Only what was signed may lose its text: else nobody could say what was there."""
    case, _, _ = world.shared_case()
    sign(world)
    world.shared_case()
    tree = collaboration(world)
    forge(
        world,
        f"UPDATE entry SET leaf = NULL WHERE id = (SELECT max(id) FROM entry WHERE tree = {tree.number})",
    )
    assert fault(world) is NotaryFault.ABSENT
    check_stopped(world, case)


def test_a_past_that_was_signed_is_not_taken_from_the_database_again(world: World) -> None:
    """Everything made to fit, hashes, tiles and head: the notary goes on from its own frontier, and refuses."""
    case, _, _ = world.shared_case()
    tree = collaboration(world)
    grow(world, tree, 300)
    sign(world)
    grow(world, tree, 3)
    rewrite(world, tree, {7: another(world, tree, 7)})
    assert fault(world) is NotaryFault.CHANGED
    check_stopped(world, case)


def test_what_grew_is_signed_and_nothing_is_added(world: World) -> None:
    """Each minute: a checkpoint for each log that has entries behind its newest one, and no entry for signing."""
    world.run(publish_dirty(world.house))
    assert world.run(publish_dirty(world.house)) == 0
    world.shared_case()
    entries, before = world.leaves(), kept(world)
    dirty = world.sql(
        "SELECT tree FROM head h WHERE size > (SELECT max(size) FROM checkpoint c WHERE c.tree = h.tree)"
    )
    assert world.run(publish_dirty(world.house)) == len(dirty) > 0
    made = [row for row in kept(world) if row not in before]
    assert [(row[0],) for row in made] == dirty
    for number, size, note in made:
        assert world.sql("SELECT size FROM head WHERE tree = ?", number) == [(size,)]
        origin = str(note).partition("\n")[0]
        assert open_checkpoint(str(note), world.house.notary.key(origin)).size == size
    assert world.leaves() == entries
    assert world.run(publish_dirty(world.house)) == 0


# a notary that runs apart


@pytest.fixture
def apart(world: World) -> tuple[World, Notary]:
    """A world whose service has no key, and the notary that has it."""
    signer = Notary.signing(world.settings.notary, world.house.notary.seed or b"")
    world.close()
    world.settings = replace(world.settings, signing="apart")
    world.open()
    assert world.house.notary.seed is None
    return world, signer


def test_what_the_notary_apart_laid_down_is_kept(apart: tuple[World, Notary]) -> None:
    """Nothing is signed yet: 503. Then its note is taken as it is, and the next one after it."""
    world, signer = apart
    world.shared_case()
    with pytest.raises(NotSignedError):
        sign(world)
    for _ in range(2):
        assert world.run(_sign_all(world, signer)) == 0
        size = world.sql("SELECT size FROM head WHERE tree = ?", collaboration(world).number)[0][0]
        note, checkpoint = sign(world)
        assert (note, checkpoint.size) == (signer.handed_over(checkpoint.origin), size)
        assert (collaboration(world).number, size, note) in kept(world)
        world.shared_case()


NOTES = ("another key", "false", "another log", "no note", "endless", "no checkpoint")


@pytest.mark.parametrize("which", NOTES)
def test_a_note_that_does_not_hold_is_not_kept(apart: tuple[World, Notary], which: str) -> None:
    """Whoever writes into the notary's folder cannot make its word: the newest note that holds stays the newest."""
    world, signer = apart
    world.run(_sign_all(world, signer))
    note, checkpoint = sign(world)
    case, _, _ = world.shared_case()
    before = kept(world)
    signer.hand_over(checkpoint.origin, _note(world, signer, which))
    assert sign(world) == (note, checkpoint)
    assert kept(world) == before
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200


def _note(world: World, signer: Notary, which: str) -> str:
    """A note over the log as it is now that is none of the notary's, or none at all."""
    tree = collaboration(world)
    size, root = world.sql("SELECT size, root FROM head WHERE tree = ?", tree.number)[0]
    assert isinstance(size, int) and isinstance(root, bytes)
    body = write_body(Checkpoint(origin=tree.origin, size=size, root=root))
    other = write_body(Checkpoint(origin="log.other.example", size=size, root=root))
    seed = signer.seed or b""
    right = sign_note(body, tree.origin, seed)
    return {
        "another key": sign_note(body, tree.origin, b"\x07" * 32),
        "false": right.replace(f"\n{size}\n", f"\n{size - 1}\n", 1),
        "another log": sign_note(other, tree.origin, seed),
        "no note": "x",
        "endless": right + right.rpartition("\n\n")[2] * 800,
        "no checkpoint": sign_note("nothing\n", tree.origin, seed),
    }[which]


@pytest.mark.parametrize("size", [1, 0])
def test_a_note_over_more_than_there_is_stops_the_house(apart: tuple[World, Notary], size: int) -> None:
    """The notary signed what the log does not hold, an entry more or another root: it went back, and takes no more."""
    world, signer = apart
    case, _, _ = world.shared_case()
    world.run(_sign_all(world, signer))
    tree = collaboration(world)
    before = kept(world)
    held = world.house.notary.read()[tree.origin].frontier.size
    more = write_body(Checkpoint(origin=tree.origin, size=held + size, root=b"\x05" * 32))
    signer.hand_over(tree.origin, sign_note(more, tree.origin, signer.seed or b""))
    assert fault(world) is NotaryFault.SHRANK
    assert kept(world) == before
    check_stopped(world, case)


# rows that somebody planted


def test_a_planted_generation_takes_entries_for_a_minute_and_no_signature(world: World) -> None:
    """A row that says that another log goes on already diverts the entries to one that nobody watches: not signed."""
    case, _, _ = world.shared_case()
    sign(world)
    tree = collaboration(world)
    world.run(world.house.commit(_plant(replace(tree, name=f"{tree.name}.2", origin=f"{tree.origin}.2"))))
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    world.run(publish_dirty(world.house))
    check_stopped(world, case)


def _plant(tree: TreeRow) -> Job[None]:
    async def job(tx: Transaction) -> Done[None]:
        await trees.add_tree(tx, tree.name, tree.origin)
        return Done(outcome=None)

    return job


def test_a_planted_checkpoint_keeps_nothing_from_being_signed(world: World) -> None:
    """Rows of checkpoints are anybody's who writes the database: how far it is signed, the notary knows by itself."""
    world.shared_case()
    tree, size = collaboration(world), len(world.leaves(collaboration(world).name))
    planted = f"({tree.number} << 40) | 1000000, {tree.number}, 1000000, 'none'"
    forge(world, f"INSERT INTO checkpoint (id, tree, size, note) VALUES ({planted})")
    world.run(publish_dirty(world.house))
    assert signed_size(world) == size
    assert world("auditor", "GET", "/api/log").status_code == NOT_NOW


def test_an_edit_behind_a_stored_root_is_found_at_the_start(world: World) -> None:
    """Text, hash and tile say another past together; that the tile's stored root is the old one hides nothing."""
    tree = collaboration(world)
    grow(world, tree, 600)
    world.run(publish(world.house, tree))
    assert world.run(find_behind(world.house)) == ()
    text = another(world, tree, 100)
    data = world.sql("SELECT data FROM tile WHERE tree = ? AND level = 0 AND n = 0", tree.number)[0][0]
    assert isinstance(data, bytes)
    hashed = leaf_hash(text.encode())
    changed = data[: 100 * 32] + hashed + data[101 * 32 :]
    at = f"tree = {tree.number} AND level = 0 AND n = 0"
    forge(
        world,
        f"UPDATE entry SET leaf = '{text}', leaf_hash = x'{hashed.hex()}' WHERE tree = {tree.number} AND idx = 100",
        f"UPDATE tile SET data = x'{changed.hex()}' WHERE {at}",
    )
    (behind,) = world.run(find_behind(world.house))
    assert behind.tree == tree.number


@pytest.mark.parametrize("root", ["zeroblob(32)", "zeroblob(3)", "'text'"])
def test_a_damaged_stored_root_does_not_look_like_a_lost_end(world: World, root: str) -> None:
    """What can be worked out again from the hashes is: the house opens, and fsck names the tile."""
    tree = collaboration(world)
    grow(world, tree, 600)
    world.run(publish(world.house, tree))
    forge(world, f"UPDATE tile SET root = {root} WHERE tree = {tree.number} AND level = 0 AND n = 1")
    assert world.run(find_behind(world.house)) == ()
    grow(world, tree, 1)
    assert world.run(publish(world.house, tree))[1].size > 600
