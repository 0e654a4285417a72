"""A log that lost its end goes on as another one: everything works on, and both can be checked to where they go."""

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest

from audit.checkpoint import body_of, cosign, open_checkpoint, read_body, sign_note, with_lines
from audit.errors import NotaryError
from audit.event import Event, read_leaf
from audit.notary import Signed, write_state
from audit.proof import read_proof, verify_inclusion
from audit.tree import EMPTY, append, leaf_hash
from audit.verify import main as verify_main
from crypto.notes import COSIGNATURE, SignerKey, public_of, write_vkey
from service.cli.opening import OpeningError, load_house
from service.flows.administration import present_member
from service.flows.console import AdministrationError, Problem
from service.flows.continuing import Continued, continue_logs
from service.flows.export import Wanted, export_log
from service.flows.notary import publish, publish_dirty
from service.flows.retention import prune_log, redact_entry
from service.flows.watching import keep_cosignatures
from service.flows.witnesses import add_witness
from service.pushing import ask_witnesses, push_all
from service.store.errors import UnavailableError
from service.store.trees import TreeRow
from tests.service.checking import check, collaboration
from tests.service.faults import Faults
from tests.service.test_watching import watch
from tests.service.world import PASSWORD, WEAK, Clock, Template, World, reopened, settings_in

WITNESS = SignerKey(name="npo.example/w1", algorithm=COSIGNATURE, seed=b"\x02" * 32)
TIME = 1_795_410_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A house whose database is that of the backup, and what was known outside before it was put back.

    ``note``: the last checkpoint of the collaboration's log, which the witness cosigned; ``seen`` the one before, which
    the backup still has. ``kept`` and ``lost``: receipts of one entry from before the backup, and of one after it.
    """

    template: Template
    backup: Path
    tree: TreeRow
    token: str
    case: str
    seen: str
    note: str
    kept: dict[str, object]
    lost: dict[str, object]
    sizes: dict[str, int]


@pytest.fixture(scope="module")
def restored(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Restored:
    """Made once; each test copies it."""
    folder = tmp_path_factory.mktemp("restored")
    world = World(template, folder / "house")
    case, _, _ = world.shared_case()
    tree = collaboration(world)
    vkey = write_vkey(WITNESS.name, public_of(WITNESS.seed), COSIGNATURE)
    token = world.run(add_witness(world.house, tree.name, vkey, "https://w1.example")).token
    kept = world("coordinator", "GET", f"/api/cases/{case}").json()["receipt"]
    seen = signed(world, tree)
    snapshot(world, folder / "backup")
    lost = world("coordinator", "GET", f"/api/cases/{case}").json()["receipt"]
    world.new_case()
    for login in ("caseworker", "coordinator"):
        assert world.sign_in(login).status_code == 201
    note = signed(world, tree)
    sizes = {origin: one.frontier.size for origin, one in world.house.notary.read().items()}
    world.end()
    put_back(folder / "house", folder / "backup")
    return Restored(
        template=replace_folder(template, folder / "house"),
        backup=folder / "backup",
        tree=tree,
        token=token,
        case=case,
        seen=seen,
        note=note,
        kept=kept,
        lost=lost,
        sizes=sizes,
    )


def signed(world: World, tree: TreeRow) -> str:
    """Everything is signed, and the witness cosigns the tree; its note with the witness's line."""
    world.run(publish_dirty(world.house))
    note = str(world.sql("SELECT note FROM checkpoint WHERE tree = ? ORDER BY id DESC", tree.number)[0][0])
    whole = with_lines(note, cosign(body_of(note), WITNESS, TIME))
    assert world.run(keep_cosignatures(world.house, tree, whole)) == 1
    return whole


def snapshot(world: World, target: Path) -> None:
    with closing(sqlite3.connect(world.settings.database)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def put_back(house: Path, backup: Path) -> None:
    """Restores the database; the notary's folder stays as it is."""
    database = settings_in(house).database
    for name in ("-wal", "-shm"):
        database.with_name(database.name + name).unlink(missing_ok=True)
    shutil.copyfile(backup, database)


def replace_folder(template: Template, folder: Path) -> Template:
    return Template(folder=folder, tokens=template.tokens, secrets=template.secrets, ids=template.ids)


def go_on(folder: Path, faults: Faults | None = None, notes: Sequence[str] = ()) -> tuple[Continued, ...]:
    """`tsunagi log continue` on the house in the folder."""
    house = load_house(settings_in(folder), behind=True, clock=Clock(), cost=WEAK)
    if faults is not None:
        first, house = house, reopened(house, faults.connect)
        asyncio.run(first.stop())

    async def work() -> tuple[Continued, ...]:
        house.start()
        try:
            return await continue_logs(house, notes)
        finally:
            await house.stop()

    return asyncio.run(work())


@pytest.fixture
def folder(restored: Restored, tmp_path: Path) -> Path:
    """A copy of the restored house."""
    shutil.copytree(restored.template.folder, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def continued(restored: Restored, folder: Path, tmp_path: Path) -> Iterator[tuple[World, Restored]]:
    """The house after `tsunagi log continue`, open again."""
    go_on(folder)
    with opened(restored, folder, tmp_path) as world:
        yield world, restored


@contextmanager
def opened(restored: Restored, folder: Path, tmp_path: Path) -> Iterator[World]:
    world = World(replace_folder(restored.template, folder), tmp_path / "world")
    yield world
    world.end()


def names(folder: Path) -> list[str]:
    """The names of all logs."""
    with closing(sqlite3.connect(settings_in(folder).database)) as connection:
        return [str(row[0]) for row in connection.execute("SELECT name FROM tree ORDER BY number")]


def texts(world: World, tree: TreeRow) -> list[str]:
    return [
        str(row[0]) for row in world.sql("SELECT leaf FROM entry WHERE tree = ? ORDER BY idx", tree.number)
    ]


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()


def goes_on(world: World, case: str) -> bool:
    """Whether the house still writes and releases."""
    return world("caseworker", "GET", f"/api/cases/{case}").status_code == 200


# how it is done


def test_every_log_that_lost_its_end_ends_and_one_goes_on(restored: Restored, folder: Path) -> None:
    """What is said of each: how much was signed, how much is left, and what goes on; others stay as they are."""
    before = names(folder)
    with pytest.raises(OpeningError, match="older than its log"):
        load_house(settings_in(folder), clock=Clock(), cost=WEAK)
    done = go_on(folder)
    assert restored.tree.origin in {one.old for one in done}
    assert 1 < len(done) < len(before)
    for one in done:
        assert one.left < one.size == restored.sizes[one.old]
        assert one.new == f"{one.old}.2"
    ended = {one.old.rpartition("/")[2] for one in done}
    assert names(folder) == [*before, *(name for name in names(folder) if name.endswith(".2"))]
    assert {name[:-2] for name in names(folder)[len(before) :]} == ended
    assert go_on(folder) == ()


def test_the_first_entry_says_what_the_old_log_was(continued: tuple[World, Restored]) -> None:
    """`log.continue` with the digest of the last checkpoint that was signed, which the database has lost."""
    world, restored = continued
    new = collaboration(world)
    assert new.name == f"{restored.tree.name}.2"
    first = read_leaf(texts(world, new)[0].encode()).entry
    assert (first.event, first.digest) == (Event.LOG_CONTINUE, digest(body_of(restored.note)))
    assert first.flags == ()
    assert all(json.loads(text)["ev"] != "log.continue" for text in texts(world, new)[1:])


@pytest.mark.parametrize("what", ["COMMIT", "INSERT INTO entry", "state"])
def test_a_crash_anywhere_is_made_up_for_by_the_next_run(
    restored: Restored, folder: Path, tmp_path: Path, what: str
) -> None:
    """At each commit, each append and each write of the notary's file: the next run ends with the same logs."""
    whole = tmp_path / "whole"
    shutil.copytree(folder, whole)
    go_on(whole)
    crashed = 0
    for at in range(1, 40):
        copy = tmp_path / f"crash{at}"
        shutil.copytree(folder, copy)
        if not _crash(copy, what, at):
            break
        crashed += 1
        go_on(copy)
        assert names(copy) == names(whole), at
        assert go_on(copy) == (), at
        with opened(restored, copy, copy) as world:
            world.run(publish_dirty(world.house))
            state = world.house.notary.read()
            assert {origin for origin, one in state.items() if one.ended} == _ended(whole), at
            assert world.sql("SELECT count(*) FROM entry WHERE ev = 'log.continue'") == [
                (len(_ended(whole)),)
            ]
            assert goes_on(world, restored.case)
        shutil.rmtree(copy)
    assert crashed >= 1


def _crash(folder: Path, what: str, at: int) -> bool:
    """Runs it with a fault; False where it went through without meeting one."""
    faults = Faults()
    part = settings_in(folder).notary / ".state.part"
    if what == "state":
        if at > 1:
            return False
        part.mkdir()
    else:
        faults.arm(at, only=what)
    try:
        go_on(folder, faults)
    except (UnavailableError, NotaryError, OSError):
        if part.is_dir():
            part.rmdir()
        return True
    return bool(faults.failed)


def _ended(folder: Path) -> set[str]:
    text = (settings_in(folder).notary / "state").read_text("utf-8")
    return {line.split(" ")[0] for line in text.splitlines() if " ended " in line}


def test_the_same_backup_put_back_again_goes_on_once_more(
    restored: Restored, folder: Path, tmp_path: Path
) -> None:
    """Neither origin is used a second time: the third log says what the second one was."""
    go_on(folder)
    with opened(restored, folder, tmp_path) as world:
        world.new_case()
        world.run(publish_dirty(world.house))
        second = collaboration(world)
        note = str(
            world.sql("SELECT note FROM checkpoint WHERE tree = ? ORDER BY id DESC", second.number)[0][0]
        )
        world.close()
        put_back(world.folder, restored.backup)
        with pytest.raises(OpeningError, match="older than its log"):
            load_house(world.settings, clock=world.clock, cost=WEAK)
        done = {one.old: one.new for one in go_on(world.folder)}
        third = f"{restored.tree.origin}.3"
        assert done[second.origin] == done[restored.tree.origin] == third
        assert go_on(world.folder) == ()
        world.open()
        assert collaboration(world).origin == third
        first = read_leaf(texts(world, collaboration(world))[0].encode()).entry
        assert (first.event, first.digest) == (Event.LOG_CONTINUE, digest(body_of(note)))
        world.new_case()
        assert world.run(publish_dirty(world.house)) > 0
        assert goes_on(world, restored.case)
        assert world("auditor", "GET", f"/api/log/{third.rpartition('/')[2]}/entries").status_code == 200


def test_a_notary_apart_ends_no_log_from_here(folder: Path) -> None:
    """Only who may write its state can say that a log has ended."""
    settings = replace(settings_in(folder), signing="apart")
    house = load_house(settings, behind=True, clock=Clock(), cost=WEAK)

    async def work() -> Problem:
        house.start()
        try:
            await continue_logs(house)
        except AdministrationError as error:
            return error.problem
        finally:
            await house.stop()
        raise AssertionError("it went on")

    assert asyncio.run(work()) is Problem.NOTARY_APART


# what goes on


def test_work_goes_on_and_its_entries_are_in_the_new_log(continued: tuple[World, Restored]) -> None:
    """Consent, case, request: read, written, withdrawn; the old log takes nothing more, whoever looks at it."""
    world, restored = continued
    old, new = restored.tree, collaboration(world)
    before = texts(world, old)
    seen = world("coordinator", "GET", f"/api/cases/{restored.case}")
    assert seen.status_code == 200 and "山田" in seen.text
    assert seen.json()["receipt"]["tree"] == new.number
    world.shared_case()
    how = {"given_by": ["self"], "method": "paper"}
    consent = world("caseworker", "GET", f"/api/cases/{restored.case}/consents").json()["consents"][0]["id"]
    assert world("coordinator", "POST", f"/api/consents/{consent}/withdraw", how).status_code == 200
    assert "山田" not in world("coordinator", "GET", f"/api/cases/{restored.case}").text
    events = [json.loads(text)["ev"] for text in texts(world, new)]
    assert {"case.read", "case.create", "consent.give", "request.accept", "consent.withdraw"} <= set(events)
    assert texts(world, old) == before
    assert world.run(publish_dirty(world.house)) > 0


def test_the_auditor_reads_the_old_log_and_stops_nothing(continued: tuple[World, Restored]) -> None:
    """Entries, bundles, checkpoint, proofs and reviews of what is left; each look is an entry of the new log."""
    world, restored = continued
    old, new, name = restored.tree, collaboration(world), restored.tree.name
    before, size = texts(world, old), len(texts(world, new))
    left = open_checkpoint(restored.seen, world.house.notary.key(old.origin))
    listed = {one["name"]: one for one in world("auditor", "GET", "/api/log").json()["trees"]}
    assert {name, new.name} <= set(listed)
    assert [one["size"] for one in listed[name]["cosigned"]] == [left.size]
    shown = world("auditor", "GET", f"/api/log/{name}/entries?limit=500").json()["entries"]
    assert [one["text"] for one in shown] == before[::-1]
    assert all(one["signed"] and one["cosigned"] for one in shown if one["index"] < left.size)
    note = world("auditor", "GET", f"/api/log/{name}/checkpoint").json()["note"]
    assert open_checkpoint(note, world.house.notary.key(old.origin)) == left
    proof = read_proof(world("auditor", "GET", f"/api/log/{name}/proof/2").json()["proof"])
    verify_inclusion(leaf_hash(before[2].encode()), 2, left.size, proof.hashes, left.root)
    assert world("auditor", "GET", f"/api/log/reviews?tree={name}").status_code == 200
    assert world("auditor", "GET", f"/log/{name}/tile/entries/000.p/{left.size}").status_code == 200
    newest = world("auditor", "GET", "/api/log/reviews")
    assert (newest.status_code, newest.json()["tree"]) == (200, new.name)
    body = {"tree": name, "review": "bulk", "index": 1, "reason": "x"}
    assert world("auditor", "POST", "/api/log/reviews/checks", body).status_code == 201
    assert world("auditor", "GET", f"/api/log/{name}/proof/{left.size}").status_code in (404, 503)
    assert texts(world, old) == before
    made = [json.loads(text) for text in texts(world, new)[size:]]
    assert {"log.search", "log.verify", "log.export", "flag.check"} <= {leaf["ev"] for leaf in made}
    assert all(leaf["act"] == world.ids["auditor"] for leaf in made)
    assert goes_on(world, restored.case)


def test_a_finding_of_the_old_log_is_marked_in_the_new_one(continued: tuple[World, Restored]) -> None:
    """The mark is told with the old log's reviews, not with the new one's; the leaf names no entry of its own log."""
    world, restored = continued
    new, name = collaboration(world), restored.tree.name

    def top(tree: str) -> dict[int, bool]:
        found = world("auditor", "GET", f"/api/log/reviews?tree={tree}").json()["reviews"]
        return {
            hit["index"]: hit["checked"]
            for one in found
            if one["review"] == "top_readers"
            for hit in one["hits"]
        }

    index = min(top(name))
    world("caseworker", "GET", f"/api/cases/{restored.case}")
    assert top(name)[index] is False
    body = {"tree": name, "review": "top_readers", "index": index, "reason": "x"}
    made = world("auditor", "POST", "/api/log/reviews/checks", body).json()["index"]
    leaf = json.loads(texts(world, new)[made])
    assert (leaf["ev"], "ref" in leaf, "obj" in leaf) == ("flag.check", False, False)
    assert top(name)[index] is True
    (other,) = top(new.name)
    assert world("auditor", "POST", "/api/log/reviews/checks", {**body, "index": other}).status_code == 201
    assert top(new.name) == {other: False}


def test_who_looked_is_told_over_both_logs(continued: tuple[World, Restored]) -> None:
    """The supervisor and the auditor get every entry of the case, newest first, in whole or a line at a time."""
    world, restored = continued
    case = restored.case
    world("coordinator", "GET", f"/api/cases/{case}")
    wanted = [
        text
        for tree in (restored.tree, collaboration(world))
        for text in texts(world, tree)
        if json.loads(text).get("sub") == case
    ]
    assert any(text not in texts(world, restored.tree) for text in wanted)
    for who in ("supervisor", "auditor"):
        shown = world(who, "GET", f"/api/cases/{case}/looks?limit=500").json()
        assert [one["text"] for one in shown["entries"]] == wanted[::-1], who
        assert shown["next"] is None
        assert shown["entries"][-1]["signed"] and not shown["entries"][0]["signed"]
        wanted.append(texts(world, collaboration(world))[-1])
        assert json.loads(wanted[-1])["act"] == world.ids[who]
    seen: list[str] = []
    before = ""
    while True:
        page = world("supervisor", "GET", f"/api/cases/{case}/looks?limit=1{before}").json()
        seen += [one["text"] for one in page["entries"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert seen == wanted[::-1]


def test_a_kept_receipt_tells_what_was_lost(continued: tuple[World, Restored]) -> None:
    """One from before the backup is proved under the old origin; one from after it is in no log any more."""
    world, restored = continued
    kept = world("coordinator", "GET", f"/api/receipts/{restored.kept['number']}").json()
    assert (kept["in_log"], kept["signed"], kept["origin"]) == (True, True, restored.tree.origin)
    assert [one["witness"] for one in kept["cosigned"]] == [WITNESS.name]
    lost = world("coordinator", "GET", f"/api/receipts/{restored.lost['number']}").json()
    assert (lost["in_log"], lost["proof"]) == (False, None)
    unsigned = world.sql(
        "SELECT idx, leaf_hash FROM entry WHERE tree = ? ORDER BY idx DESC LIMIT 1", restored.tree.number
    )
    assert unsigned
    assert goes_on(world, restored.case)


def test_an_entry_of_the_old_log_that_was_not_signed_stays_unsigned(
    restored: Restored, folder: Path, tmp_path: Path
) -> None:
    """The backup has an entry behind its newest checkpoint: its receipt finds it, recorded, and stops nothing."""
    database = settings_in(folder).database
    with closing(sqlite3.connect(database)) as connection, connection:
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'checkpoint_no_delete'"
        ).fetchone()
        connection.execute("DROP TRIGGER checkpoint_no_delete")
        connection.execute("DELETE FROM checkpoint WHERE tree = ?", (restored.tree.number,))
        connection.execute(made[0])
    go_on(folder)
    with opened(restored, folder, tmp_path) as world:
        found = world("coordinator", "GET", f"/api/receipts/{restored.kept['number']}").json()
        assert (found["in_log"], found["signed"], found["proof"]) == (True, False, None)
        assert goes_on(world, restored.case)


# who watches


def test_auditors_go_along_and_witnesses_do_not(continued: tuple[World, Restored]) -> None:
    """An appointment is made anew with its MAC; a witness gets the new log's key from the operator, and a new token."""
    world, restored = continued
    new = collaboration(world)
    assert world("auditor", "GET", f"/api/log/{new.name}/entries").status_code == 200
    assert world.sql("SELECT count(*) FROM witness WHERE tree = ?", new.number) == [(0,)]
    assert watch(world, restored.token, f"/log/{new.name}/checkpoint")[0] == 404
    assert watch(world, restored.token, f"/log/{restored.tree.name}/checkpoint")[0] == 200
    user = f"x'{world.ids['auditor'][2:]}'"
    macs = world.sql(f"SELECT mac FROM appointment WHERE user = {user}")
    assert len(set(macs)) == len(macs)


def test_a_witness_of_the_old_log_stops_nothing_more(continued: tuple[World, Restored]) -> None:
    """It brings what it cosigned of the log that ended, which is more than is left: refused, and known already."""
    world, restored = continued
    path = f"/api/log/{restored.tree.name}/cosignatures"
    assert watch(world, restored.token, path, restored.note)[0] == 422
    assert watch(world, restored.token, path, restored.seen)[0] == 201
    assert goes_on(world, restored.case)


def test_the_old_log_is_pushed_no_more(continued: tuple[World, Restored]) -> None:
    """Its witness would answer that it has seen more, each minute."""
    world, restored = continued
    with closing(sqlite3.connect(world.settings.database)) as connection, connection:
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'cosignature_no_delete'"
        ).fetchone()
        connection.execute("DROP TRIGGER cosignature_no_delete")
        connection.execute("DELETE FROM cosignature")
        connection.execute(sql)
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(409, text="99999\n")

    world.run(publish_dirty(world.house))
    client = lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer))  # noqa: E731
    assert world.run(push_all(world.house, client)) == 0
    assert asked == []
    assert goes_on(world, restored.case)


# what leaves the house


def export(world: World, tree: TreeRow, target: Path) -> int:
    """Exports a log to a folder and has it checked with the key of its origin: the verifier's exit code."""

    @contextmanager
    def new(name: str) -> Iterator[BinaryIO]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        with (target / name).open("xb") as file:
            yield file

    world.run(export_log(world.house, Wanted(tree=tree.number), new, lambda *_: None))
    policy = target.with_suffix(".policy")
    policy.write_text(f"log {world.house.notary.vkey(tree.origin)}\nquorum none\n", "utf-8")
    return verify_main([str(target), "--policy", str(policy)])


def test_both_logs_are_exported_and_verify(continued: tuple[World, Restored], tmp_path: Path) -> None:
    """The old one up to the newest checkpoint that is left of it, the new one whole; both exports are entries."""
    world, restored = continued
    old, new = restored.tree, collaboration(world)
    before = texts(world, old)
    assert export(world, old, tmp_path / "old") == 0
    assert export(world, new, tmp_path / "new") == 0
    assert texts(world, old) == before
    assert [json.loads(text)["ev"] for text in texts(world, new)[-2:]] == ["log.export"] * 2
    left = (tmp_path / "old" / "checkpoint").read_text("utf-8")
    assert body_of(left) == body_of(restored.seen)
    assert goes_on(world, restored.case)


def test_no_text_goes_from_a_log_that_has_ended(continued: tuple[World, Restored]) -> None:
    """The entry that says so would have no place: refused, and the house goes on."""
    world, restored = continued
    old = restored.tree
    before = texts(world, old)
    first, second = (
        world.run(present_member(world.house, login, PASSWORD.format(login=login)))
        for login in ("auditor", "supervisor")
    )
    with pytest.raises(AdministrationError) as caught:
        world.run(redact_entry(world.house, old.number, 2, "理由", first, second))
    assert caught.value.problem is Problem.LOG_ENDED
    world.clock.advance(timedelta(days=365 * 8))
    with pytest.raises(AdministrationError) as caught:
        world.run(prune_log(world.house, old.number, date(2026, 11, 24)))
    assert caught.value.problem is Problem.LOG_ENDED
    assert texts(world, old) == before


def test_a_house_that_went_on_is_in_order(continued: tuple[World, Restored]) -> None:
    """`tsunagi fsck` finds nothing, before and after more was done."""
    world, _ = continued
    assert check(world)[0] == []
    world.shared_case()
    world.run(publish_dirty(world.house))
    assert check(world)[0] == []


# where the whole machine was rolled back


@pytest.fixture
def rolled_back(folder: Path) -> Path:
    """A copy of the restored house whose notary has forgotten as much as the database has."""
    settings = settings_in(folder)
    with closing(sqlite3.connect(settings.database)) as connection:
        trees = connection.execute("SELECT number, origin FROM tree").fetchall()
        hashes = {
            origin: [
                row[0]
                for row in connection.execute(
                    "SELECT leaf_hash FROM entry WHERE tree = ? ORDER BY idx", (number,)
                )
            ]
            for number, origin in trees
        }
    state = {origin: Signed(frontier=append(EMPTY, found)) for origin, found in hashes.items()}
    (settings.notary / "state").write_text(write_state(state), "utf-8")
    return folder


def test_a_witness_is_asked_before_the_first_entry(
    restored: Restored, rolled_back: Path, tmp_path: Path
) -> None:
    """Database and notary agree, and the witness has seen more: nothing is appended, or the log would fork."""
    size = read_body(body_of(restored.note)).size

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(409, stream=httpx.ByteStream(b"%d\n" % size))

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    with opened(restored, rolled_back, tmp_path) as world:
        before = len(texts(world, collaboration(world)))
        world.run(ask_witnesses(world.house, client))
        assert not goes_on(world, restored.case)
        assert len(texts(world, collaboration(world))) == before


def test_a_log_goes_on_by_the_note_that_the_witness_kept(
    restored: Restored, rolled_back: Path, tmp_path: Path
) -> None:
    """Without it nothing is behind. The new log's first entry holds what the witness saw last."""
    assert go_on(rolled_back) == ()
    assert go_on(rolled_back, notes=[restored.seen]) == ()
    (done,) = go_on(rolled_back, notes=[restored.note])
    assert (done.old, done.new) == (restored.tree.origin, f"{restored.tree.origin}.2")
    assert done.left < done.size == restored.sizes[done.old]
    assert go_on(rolled_back) == ()
    with opened(restored, rolled_back, tmp_path) as world:
        new = collaboration(world)
        first = read_leaf(texts(world, new)[0].encode()).entry
        assert (first.event, first.digest) == (Event.LOG_CONTINUE, digest(body_of(restored.note)))
        assert goes_on(world, restored.case)
        assert world.run(publish(world.house, new))[1].size > 1


@pytest.mark.parametrize("what", ["another key", "another log", "damaged"])
def test_only_our_own_note_of_our_own_log_ends_a_log(
    restored: Restored, rolled_back: Path, what: str
) -> None:
    """Anything else changes nothing."""
    before = names(rolled_back)
    body = body_of(restored.note)
    note = {
        "another key": sign_note(body, restored.tree.origin, b"\x07" * 32),
        "another log": sign_note(body.replace("b_", "b_0"), restored.tree.origin, b"\x07" * 32),
        "damaged": restored.note.replace("\n\n", "\n"),
    }[what]
    with pytest.raises(AdministrationError) as caught:
        go_on(rolled_back, notes=[note])
    assert caught.value.problem is Problem.BAD_NOTE
    assert names(rolled_back) == before
