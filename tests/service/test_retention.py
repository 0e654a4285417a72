"""Texts go only after the durable entry that says so, never a hash, and never more than outsiders could miss."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from audit.checkpoint import cosign, write_body
from audit.event import Decision, Entry, Event, Reason, read_leaf
from crypto.notes import COSIGNATURE, SignerKey, public_of, write_vkey
from policies.who import Role
from service.flows.administration import present_member, stop_user
from service.flows.console import AdministrationError, Present, Problem
from service.flows.entries import entry
from service.flows.notary import publish
from service.flows.retention import Pruned, prune_log, redact_entry
from service.flows.watching import keep_cosignatures
from service.flows.witnesses import add_witness
from service.store.engine import Transaction, open_connection
from service.store.errors import UnavailableError
from service.store.log import Record
from service.store.trees import TreeRow
from service.store.writer import Done
from tests.service.checking import collaboration
from tests.service.disclosing import add_colleague
from tests.service.disk import on_disk
from tests.service.faults import failing_world
from tests.service.forging import grow
from tests.service.world import PASSWORD, Template, World

WITNESS = SignerKey(name="npo.example/w1", algorithm=COSIGNATURE, seed=b"\x02" * 32)


def say(world: World, tree: int, event: Event, **parts: object) -> int:
    """An entry that is committed: its index."""
    made: Entry = replace(entry(world.house, None, event), **parts)  # type: ignore[arg-type]  # a test names the parts

    async def job(_: Transaction) -> Done[None]:
        return Done(outcome=None, records=(Record(tree=tree, entry=made),))

    return world.run(world.house.commit(job)).receipts[0].index


def rows(world: World, tree: TreeRow) -> list[tuple[object, ...]]:
    """Text and hash of each entry of the log."""
    return world.sql("SELECT leaf, leaf_hash FROM entry WHERE tree = ? ORDER BY idx", tree.number)


def gone(world: World, tree: TreeRow) -> list[int]:
    """The indices that have no text."""
    return [at for at, (leaf, _) in enumerate(rows(world, tree)) if leaf is None]


def present(world: World, login: str) -> Present:
    return world.run(present_member(world.house, login, PASSWORD.format(login=login)))


def redact(world: World, tree: TreeRow, index: int, first: Present, second: Present) -> Problem | None:
    """Takes a text out, or says why not."""
    try:
        world.run(redact_entry(world.house, tree.number, index, "氏名がありました", first, second))
    except AdministrationError as error:
        return error.problem
    return None


# what the database itself lets pass, by SQL on the app's own kind of connection


@pytest.fixture
def fenced(world: World) -> Iterator[tuple[World, TreeRow, sqlite3.Connection]]:
    """A world with some entries, and a connection as the service has it."""
    world.shared_case()
    tree = collaboration(world)
    with closing(open_connection(world.settings.database, query_only=False)) as connection:
        yield world, tree, connection


def refused(connection: sqlite3.Connection, change: str, tree: TreeRow, index: int) -> bool:
    """Whether the trigger refuses the change of an entry; where it does not, the change is made."""
    try:
        connection.execute(f"UPDATE entry SET {change} WHERE id = ?", ((tree.number << 40) | index,))
    except sqlite3.IntegrityError:
        return True
    return False


def test_a_text_goes_only_after_the_entry_that_names_it(
    fenced: tuple[World, TreeRow, sqlite3.Connection],
) -> None:
    """Before: refused. Afterwards its index alone, its text alone, to nothing alone."""
    world, tree, connection = fenced
    before = rows(world, tree)
    assert all(refused(connection, "leaf = NULL", tree, at) for at in range(len(before)))
    say(world, tree.number, Event.REDACT_ENTRY, reference=3)
    for change in (
        "leaf = NULL, leaf_hash = zeroblob(32)",
        "leaf = NULL, leaf_hash = NULL",
        "leaf_hash = zeroblob(32)",
        "leaf = '{}'",
        "leaf = ''",
        "leaf = NULL, id = id + 1000",
        "leaf = NULL, idx = idx + 1",
        "leaf = NULL, tree = tree + 1",
    ):
        assert refused(connection, change, tree, 3), change
    assert all(refused(connection, "leaf = NULL", tree, at) for at in range(len(before)) if at != 3)
    assert not refused(connection, "leaf = NULL", tree, 3)
    assert refused(connection, f"leaf = '{before[3][0]}'", tree, 3)
    assert rows(world, tree)[: len(before)] == [
        (None if at == 3 else leaf, hashed) for at, (leaf, hashed) in enumerate(before)
    ]


@pytest.mark.parametrize("event", [Event.REDACT_ENTRY, Event.RETENTION_PRUNE])
def test_an_entry_of_a_refusal_lets_nothing_pass(
    fenced: tuple[World, TreeRow, sqlite3.Connection], event: Event
) -> None:
    """Who was refused has taken nothing out."""
    world, tree, connection = fenced
    say(world, tree.number, event, reference=4, decision=Decision.DENY, reason=Reason.ROLE)
    assert all(refused(connection, "leaf = NULL", tree, at) for at in range(6))


def test_an_entry_of_another_log_lets_nothing_pass(
    fenced: tuple[World, TreeRow, sqlite3.Connection],
) -> None:
    """Nor one that stands before what it names, nor one of another event."""
    world, tree, connection = fenced
    other = world.sql("SELECT number FROM tree WHERE number <> ?", tree.number)[0][0]
    assert isinstance(other, int)
    size = len(rows(world, tree))
    for event in (Event.REDACT_ENTRY, Event.RETENTION_PRUNE):
        say(world, other, event, reference=2)
    say(world, tree.number, Event.FLAG_CHECK, reference=2)
    say(world, tree.number, Event.REDACT_ENTRY, reference=size + 1)
    say(world, tree.number, Event.REDACT_ENTRY, reference=size + 3)
    say(world, tree.number, Event.RETENTION_PRUNE, reference=size + 40)
    grow(world, tree, 3)
    assert all(refused(connection, "leaf = NULL", tree, at) for at in range(len(rows(world, tree))))


def test_a_prune_lets_pass_what_lies_below_it(fenced: tuple[World, TreeRow, sqlite3.Connection]) -> None:
    """Indices below its ``ref``; the ``ref`` itself and what comes after it stay."""
    world, tree, connection = fenced
    say(world, tree.number, Event.RETENTION_PRUNE, reference=4)
    assert [refused(connection, "leaf = NULL", tree, at) for at in range(6)] == [False] * 4 + [True] * 2


def test_a_prune_that_is_no_more_lets_nothing_pass(
    fenced: tuple[World, TreeRow, sqlite3.Connection],
) -> None:
    """The entry that says so has its text: what was taken out without one is found by every verifier."""
    world, tree, connection = fenced
    first = say(world, tree.number, Event.REDACT_ENTRY, reference=2)
    say(world, tree.number, Event.REDACT_ENTRY, reference=first)
    assert not refused(connection, "leaf = NULL", tree, first)
    assert refused(connection, "leaf = NULL", tree, 2)


# one text, by two people


def test_a_text_is_taken_out_by_an_auditor_of_the_log_and_one_who_leads(world: World) -> None:
    """Any other two are refused and nothing is written, also somebody who was stopped since the password was typed."""
    world.shared_case()
    tree = collaboration(world)
    add_colleague(world, "second", Role.AUDITOR)
    people = {
        login: present(world, login)
        for login in ("auditor", "second", "supervisor", "coordinator", "caseworker", "admin")
    }
    before, auditor = rows(world, tree), people["auditor"]
    for first, second, why in (
        ("auditor", "auditor", Problem.SAME_PERSON),
        ("supervisor", "supervisor", Problem.SAME_PERSON),
        ("supervisor", "auditor", Problem.NOT_FOR_ROLE),
        ("supervisor", "coordinator", Problem.NOT_FOR_ROLE),
        ("auditor", "caseworker", Problem.NOT_FOR_ROLE),
        ("auditor", "admin", Problem.NOT_FOR_ROLE),
        ("auditor", "second", Problem.NOT_FOR_ROLE),
        ("admin", "supervisor", Problem.NOT_FOR_ROLE),
        ("second", "supervisor", Problem.NOT_FOR_ROLE),
    ):
        assert redact(world, tree, 3, people[first], people[second]) is why, (first, second)
    assert rows(world, tree) == before
    world.run(stop_user(world.house, "coordinator"))
    assert redact(world, tree, 3, auditor, people["coordinator"]) is Problem.NOT_FOR_ROLE
    assert redact(world, tree, 3, auditor, people["supervisor"]) is None
    assert gone(world, tree) == [3]
    assert len(rows(world, tree)) == len(before) + 1
    last = read_leaf(str(rows(world, tree)[-1][0]).encode()).entry
    assert (last.event, last.reference, last.actor, last.on_behalf_of) == (
        Event.REDACT_ENTRY,
        3,
        world.ids["auditor"],
        world.ids["supervisor"],
    )


def test_what_says_where_a_log_begins_or_what_went_stays(world: World) -> None:
    """The start, an entry that says what was taken out: refused. So is what has no text, and what is not there."""
    world.shared_case()
    tree = collaboration(world)
    two = present(world, "auditor"), present(world, "coordinator")
    assert redact(world, tree, 2, *two) is None
    said = len(rows(world, tree)) - 1
    assert redact(world, tree, 0, *two) is Problem.NOT_REDACTABLE
    assert redact(world, tree, said, *two) is Problem.NOT_REDACTABLE
    assert redact(world, tree, 2, *two) is Problem.NO_ENTRY
    assert redact(world, tree, 10_000, *two) is Problem.NO_ENTRY
    assert gone(world, tree) == [2]


def test_what_is_not_signed_yet_stays(world: World) -> None:
    """Where the notary runs apart it has to come by first: else it could never sign the log again."""
    world.shared_case()
    tree = collaboration(world)
    two = present(world, "auditor"), present(world, "supervisor")
    _, checkpoint = world.run(publish(world.house, tree))
    world.close()
    world.settings = replace(world.settings, signing="apart")
    world.open()
    grow(world, tree, 2)
    assert redact(world, tree, checkpoint.size, *two) is Problem.NOT_SIGNED
    assert redact(world, tree, checkpoint.size - 1, *two) is None
    assert gone(world, tree) == [checkpoint.size - 1]


def test_a_redaction_that_was_cut_short_is_completed_by_the_next_run(
    template: Template, tmp_path: Path
) -> None:
    """The entry is durable and the text still there; whoever runs it again gets it out, off the disk too."""
    world, faults = failing_world(template, tmp_path / "world")
    world.shared_case()
    tree = collaboration(world)
    two = present(world, "auditor"), present(world, "supervisor")
    text = str(rows(world, tree)[3][0])
    size = len(rows(world, tree))
    faults.arm(1, only="UPDATE entry")
    with pytest.raises(UnavailableError):
        redact(world, tree, 3, *two)
    assert faults.failed
    faults.arm(None)
    assert (gone(world, tree), len(rows(world, tree))) == ([], size + 1)
    assert redact(world, tree, 3, *two) is None
    assert gone(world, tree) == [3]
    assert text.encode() not in on_disk(world)
    world.run(publish(world.house, tree))
    world.end()


# old texts


def cosigned(world: World, tree: TreeRow) -> int:
    """A witness sees the log as it is now: its size."""
    if not world.sql("SELECT 1 FROM witness"):
        vkey = write_vkey(WITNESS.name, public_of(WITNESS.seed), COSIGNATURE)
        world.run(add_witness(world.house, tree.name, vkey, None))
    note, checkpoint = world.run(publish(world.house, tree))
    line = cosign(write_body(checkpoint), WITNESS, int(world.clock().timestamp()))
    assert world.run(keep_cosignatures(world.house, tree, note + line)) == 1
    return checkpoint.size


def prune(world: World, tree: TreeRow, before: date) -> Pruned:
    return world.run(prune_log(world.house, tree.number, before))


DAY = date(2026, 11, 25)
"""Two days after everything in these worlds happened."""


def test_nothing_is_pruned_that_no_witness_has_seen(world: World) -> None:
    """Whole bundles below the last cosigned size, however old the rest is."""
    tree = collaboration(world)
    grow(world, tree, 400)
    first = cosigned(world, tree)
    grow(world, tree, 400)
    world.clock.advance(timedelta(days=365 * 8))
    assert 256 < first < 512 < len(rows(world, tree))
    hashes = [hashed for _, hashed in rows(world, tree)]
    assert prune(world, tree, DAY) == Pruned(below=256, count=256)
    assert gone(world, tree) == list(range(256))
    assert prune(world, tree, DAY) == Pruned(below=256, count=0)
    assert cosigned(world, tree) > 768
    assert prune(world, tree, DAY) == Pruned(below=768, count=512)
    assert gone(world, tree) == list(range(768))
    assert [hashed for _, hashed in rows(world, tree)][: len(hashes)] == hashes
    world.run(publish(world.house, tree))


def test_a_prune_that_was_cut_short_is_completed_by_the_next_run(template: Template, tmp_path: Path) -> None:
    """The entry is durable and the texts still there: the next run adds no entry and takes them out."""
    world, faults = failing_world(template, tmp_path / "world")
    tree = collaboration(world)
    grow(world, tree, 300)
    cosigned(world, tree)
    world.clock.advance(timedelta(days=365 * 8))
    faults.arm(1, only="UPDATE entry")
    with pytest.raises(UnavailableError):
        prune(world, tree, DAY)
    assert faults.failed
    faults.arm(None)
    size = len(rows(world, tree))
    assert gone(world, tree) == []
    assert prune(world, tree, DAY) == Pruned(below=256, count=256)
    assert (gone(world, tree), len(rows(world, tree))) == (list(range(256)), size)
    world.end()


@pytest.mark.parametrize(
    ("now", "before", "early"),
    [
        ("2033-11-24T23:59:59+09:00", DAY, True),
        ("2033-11-25T00:00:00+09:00", DAY, False),
        ("2035-02-28T23:59:59+09:00", date(2028, 2, 29), True),
        ("2035-03-01T00:00:00+09:00", date(2028, 2, 29), False),
        ("2033-11-25T00:00:00+09:00", date(9990, 1, 1), True),
    ],
)
def test_nothing_is_pruned_before_its_time(world: World, now: str, before: date, early: bool) -> None:
    """Seven whole years, leap days and all: a day within them is refused, and no entry says anything."""
    tree = collaboration(world)
    grow(world, tree, 300)
    cosigned(world, tree)
    world.clock.advance(datetime.fromisoformat(now) - world.clock())
    kept = rows(world, tree)
    if not early:
        assert prune(world, tree, before).count == 256
        return
    with pytest.raises(AdministrationError) as caught:
        prune(world, tree, before)
    assert caught.value.problem is Problem.TOO_EARLY
    assert rows(world, tree) == kept


def test_the_details_go_with_the_texts(world: World) -> None:
    """What was typed beside an entry leaves with it; other details stay."""
    world.shared_case()
    tree = collaboration(world)
    two = present(world, "auditor"), present(world, "supervisor")
    body = {"tree": tree.name, "review": "bulk", "index": 1, "reason": "確認しました"}
    made = [world("auditor", "POST", "/api/log/reviews/checks", body).json()["index"] for _ in range(2)]
    assert redact(world, tree, made[0], *two) is None
    kept = {row[0] for row in world.sql("SELECT idx FROM detail WHERE tree = ?", tree.number)}
    assert made[0] not in kept
    assert kept >= {made[1], len(rows(world, tree)) - 1}
