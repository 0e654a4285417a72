"""The log's commands: what leaves the house can be checked outside, what comes back is believed as far as it proves."""

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from audit.checkpoint import body_of, cosign, open_checkpoint, read_key, with_lines
from audit.event import Event, Leaf, read_leaf
from audit.proof import read_proof, verify_inclusion
from audit.receipt import write_receipt
from audit.verify import main as verify_main
from cases.ids import COLLABORATION, write_id
from crypto.notes import COSIGNATURE, SignerKey
from service.cli.opening import OpeningError, load_house
from service.flows.console import AdministrationError, record
from service.flows.export import read_verifier, tree_to_export
from service.flows.notary import publish_dirty
from service.flows.retention import Pruned, prune_log
from service.house import House, system_clock
from service.settings import Settings
from service.store import trees
from service.store.engine import Transaction
from service.store.writer import Done
from tests.cli.conftest import Tsunagi
from tests.cli.test_commands import one_line
from tests.cli.town import CITY, WEAK, Town
from tests.cli.town import COLLABORATION as SHARED

WITNESS = SignerKey(name="npo.example/w1", algorithm=COSIGNATURE, seed=b"\x02" * 32)
VKEY = "npo.example/w1+8f097b91+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
Capture = pytest.CaptureFixture[str]
Outcome = TypeVar("Outcome")


@pytest.fixture(autouse=True)
def origin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run under the town's own origin."""
    monkeypatch.setenv("TSUNAGI_ORIGIN", "log.example")


def policy(folder: Path, vkey: str, witness: str = "") -> str:
    """An auditor's own policy: this log, and this witness where there is one."""
    lines = [
        f"log {vkey}",
        *([f"witness npo {witness}"] if witness else []),
        f"quorum {'npo' if witness else 'none'}",
    ]
    path = folder / "policy.txt"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return str(path)


def export(tsunagi: Tsunagi, capsys: Capture, *argv: str) -> str:
    """Exports; the verifier key that was printed."""
    capsys.readouterr()
    assert tsunagi("log", "export", *argv) == 0
    return capsys.readouterr().out.splitlines()[-1].removeprefix("key ")


def said(capsys: Capture, *argv: str) -> dict[str, object]:
    """What the verifier says of a bundle, as JSON."""
    capsys.readouterr()
    verify_main([*argv, "--json"])
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("name", ["city.zip", "city"])
def test_an_exported_log_verifies_and_ends_with_its_own_export(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture, name: str
) -> None:
    """Folder or zip: every entry is in it, the export's own is the last, the printed key proves it."""
    target = tmp_path / name
    capsys.readouterr()
    assert tsunagi("log", "export", str(target), "--tree", CITY) == 0
    *_, receipt, key = capsys.readouterr().out.splitlines()
    vkey = key.removeprefix("key ")
    found = said(capsys, str(target), "--policy", policy(tmp_path, vkey))
    leaves = town.leaves(f"o_{town.made.city.hex}")
    assert (found["ok"], found["size"], found["read"], found["table"]) == (
        True,
        len(leaves),
        len(leaves),
        True,
    )
    assert leaves[-1].entry.event is Event.LOG_EXPORT
    assert tsunagi("log", "receipt", receipt.removeprefix("receipt ")) == 0
    assert f": entry {len(leaves) - 1} of {found['origin']}" in capsys.readouterr().out
    assert tsunagi("log", "verify", str(target), "--policy", policy(tmp_path, vkey)) == 0
    assert tsunagi("log", "verify", str(target), "--policy", policy(tmp_path, VKEY.replace("npo", "x"))) == 2


def test_a_bundle_holds_what_an_auditor_needs(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """A policy to begin with, a README in two languages, and the verifier as it is released, byte for byte."""
    target = tmp_path / "shared"
    vkey = export(tsunagi, capsys, str(target))
    assert f"b_{town.made.collaboration.hex}" in vkey
    assert (target / "verify.py").read_bytes() == read_verifier()
    assert f"log {vkey}\n" in (target / "policy.txt").read_text("utf-8")
    readme = (target / "README.txt").read_text("utf-8")
    assert "確かめ方" in readme
    assert "How to check it" in readme
    assert verify_main([str(target), "--policy", str(target / "policy.txt")]) == 0


def test_an_export_since_a_size_continues_the_older_checkpoint(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """The entries before are there by their hashes; the checkpoint that was kept says whether the past is the same."""
    vkey = export(tsunagi, capsys, str(tmp_path / "first"))
    for _ in range(3):
        export(tsunagi, capsys, str(tmp_path / "again"))
        shutil.rmtree(tmp_path / "again")
    old = str(tmp_path / "first" / "checkpoint")
    size = said(capsys, str(tmp_path / "first"), "--policy", policy(tmp_path, vkey))["size"]
    export(tsunagi, capsys, str(tmp_path / "since"), "--since", str(size))
    found = said(capsys, str(tmp_path / "since"), "--policy", policy(tmp_path, vkey), "--since", old)
    assert (found["ok"], found["scope"], found["since"]) == (True, f"since {size}", size)
    assert tsunagi("log", "export", str(tmp_path / "no"), "--since", "99999") == 1
    assert not (tmp_path / "no").exists()


def test_an_export_overwrites_nothing_and_leaves_no_half(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """A file that is there stays; where the tree is unknown nothing is begun."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old.zip").write_text("kept")
    assert tsunagi("log", "export", str(folder / "old.zip")) == 1
    assert "overwritten" in one_line(capsys.readouterr().err)
    assert tsunagi("log", "export", str(folder / "new"), "--tree", "no such tree") == 1
    assert tsunagi("log", "export", str(folder / "new"), "--case", "2026-00000") == 1
    assert [path.name for path in folder.iterdir()] == ["old.zip"]
    assert (folder / "old.zip").read_text() == "kept"


def test_a_cosignature_comes_back_as_a_file(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """Through a one-way network: the witness's line is taken in, and the next export has its quorum."""
    target = tmp_path / "shared"
    vkey = export(tsunagi, capsys, str(target))
    assert tsunagi("log", "witness", VKEY, "--tree", SHARED) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("token w.")
    note = (target / "checkpoint").read_text("utf-8")
    back = tmp_path / "back.note"
    back.write_text(with_lines(note, cosign(body_of(note), WITNESS, 1_795_410_000)), "utf-8", newline="")
    assert tsunagi("log", "cosign", str(back)) == 0
    back.write_text(note, "utf-8", newline="")
    assert tsunagi("log", "cosign", str(back)) == 1
    wanted = policy(tmp_path, vkey, VKEY)
    assert said(capsys, str(target), "--policy", wanted)["fault"] == "quorum"
    assert tsunagi("log", "witness", "--remove", WITNESS.name, "--tree", SHARED) == 0
    events = [leaf.entry.event for leaf in town.leaves(f"b_{town.made.collaboration.hex}")]
    assert [one for one in events if "witness" in one.value] == [Event.WITNESS_ADD, Event.WITNESS_REMOVE]


def test_a_receipt_is_asked_for_at_the_console(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """The number finds its entry and writes the proof; another one is an alarm with exit code 1."""
    row = town.rows("SELECT tree, idx, leaf_hash FROM entry ORDER BY id DESC LIMIT 1")[0]
    number = write_receipt(int(str(row[1])), bytes(row[2]))  # type: ignore[arg-type]  # a blob
    target = tmp_path / "mine.tlog-proof"
    assert tsunagi("log", "receipt", number.lower().replace("-", " ", 0), "--proof", str(target)) == 0
    proof = read_proof(target.read_text("utf-8"))
    origin = proof.note.partition("\n")[0]
    house = load_house(town.settings, cost=WEAK)
    point = open_checkpoint(proof.note, house.notary.key(origin))
    asyncio.run(house.stop())
    verify_inclusion(bytes(row[2]), proof.index, point.size, proof.hashes, point.root)  # type: ignore[arg-type]
    assert tsunagi("log", "receipt", f"{row[1]}-{'A' * 26}") == 1
    assert tsunagi("log", "receipt", "not a number") == 1


def test_the_sheet_of_paper_bears_what_is_compared(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """Origin, size, root, the key, the verifier's digest and a QR code; it needs nothing from anywhere."""
    target = tmp_path / "sheet.html"
    assert tsunagi("log", "paper", str(target)) == 0
    page = target.read_text("utf-8")
    note = str(town.rows("SELECT note FROM checkpoint ORDER BY id DESC LIMIT 1")[0][0])
    point = open_checkpoint(note, read_key(f"{_key(town, note)}"))
    digits = point.root.hex()
    assert " ".join(digits[at : at + 4] for at in range(0, 64, 4)) in page
    assert point.origin in page
    assert f"<code>{point.size}</code>" in page
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert tsunagi("log", "paper", str(target)) == 1


def _key(town: Town, note: str) -> str:
    house = load_house(town.settings, cost=WEAK)
    asyncio.run(house.stop())
    return house.notary.vkey(note.partition("\n")[0])


def publish(town: Town) -> None:
    """Signs everything there is."""

    async def work(house: House) -> int:
        return await publish_dirty(house)

    town.run(work)


def snapshot(settings: Settings, target: Path) -> None:
    """A backup of the database as it is."""
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def put_back(settings: Settings, backup: Path) -> None:
    """Restores the backup; the notary's folder stays as it is."""
    for name in ("-wal", "-shm"):
        settings.database.with_name(settings.database.name + name).unlink(missing_ok=True)
    shutil.copyfile(backup, settings.database)


def test_a_restored_backup_is_a_log_cut_short(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """No command opens it; `log continue` ends the old log and begins one that says what the old one was."""
    publish(town)
    snapshot(town.settings, tmp_path / "backup")
    vkey = export(tsunagi, capsys, str(tmp_path / "before"))
    put_back(town.settings, tmp_path / "backup")
    with pytest.raises(OpeningError, match="older than its log"):
        load_house(town.settings, cost=WEAK)
    assert tsunagi("log", "export", str(tmp_path / "no")) == 1
    assert "log continue" in one_line(capsys.readouterr().err)
    assert tsunagi("log", "continue") == 0
    shown = capsys.readouterr().out
    name = write_id(COLLABORATION, town.made.collaboration)
    assert f"goes on as log.example/{name}.2" in shown
    load_house_closed(town.settings)
    new = export(tsunagi, capsys, str(tmp_path / "after"))
    assert new.startswith(f"log.example/{name}.2+")
    first = town.leaves(f"{name}.2")[0].entry
    old = (tmp_path / "before" / "checkpoint").read_text("utf-8")
    assert first.event is Event.LOG_CONTINUE
    assert first.digest == digest(body_of(old))
    assert said(capsys, str(tmp_path / "before"), "--policy", policy(tmp_path, vkey))["ok"]
    assert said(capsys, str(tmp_path / "after"), "--policy", policy(tmp_path, new))["ok"]
    assert tsunagi("log", "continue") == 0
    assert "nothing was changed" in capsys.readouterr().out


def digest(text: str) -> bytes:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8")).digest()


def load_house_closed(settings: Settings) -> None:
    """Opens the house and closes it again."""
    asyncio.run(load_house(settings, cost=WEAK).stop())


def test_another_past_of_the_same_length_is_not_opened(town: Town, tmp_path: Path) -> None:
    """Whoever rewrites entries and hashes in the database cannot rewrite what the notary signed."""
    publish(town)
    with closing(sqlite3.connect(town.settings.database)) as connection, connection:
        connection.execute("DROP TRIGGER entry_no_update")
        connection.execute("UPDATE entry SET leaf_hash = zeroblob(32) WHERE idx = 1")
    with pytest.raises(OpeningError, match="its past was changed"):
        load_house(town.settings, cost=WEAK)


def test_without_the_notarys_own_file_nothing_is_opened(town: Town) -> None:
    """A state that was deleted is not an empty one: else deleting it would let a shorter log be signed."""
    publish(town)
    (town.settings.notary / "state").unlink()
    with pytest.raises(OpeningError, match="missing or damaged"):
        load_house(town.settings, cost=WEAK)


def test_a_notary_apart_signs_and_the_service_takes_it(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service has no key: it exports what the notary signed, and nothing more."""
    assert tsunagi("notary", "--once") == 0
    monkeypatch.setenv("TSUNAGI_SIGNING", "apart")
    town.settings.log_key.chmod(0)
    held = town.settings.log_key.read_bytes()
    town.settings.log_key.unlink()
    vkey = export(tsunagi, capsys, str(tmp_path / "signed"))
    found = said(capsys, str(tmp_path / "signed"), "--policy", policy(tmp_path, vkey))
    leaves = town.leaves(f"b_{town.made.collaboration.hex}")
    assert found["ok"]
    assert found["size"] == len(leaves) - 1  # the export's own entry is signed the next time
    town.settings.log_key.write_bytes(held)
    town.settings.log_key.chmod(0o400)
    assert tsunagi("notary", "--once") == 0
    assert str(len(leaves)) in capsys.readouterr().out


def test_a_notary_refuses_a_log_that_shrank(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """Also when it runs apart and looks at a restored database: no signature, exit code 1."""
    snapshot(town.settings, tmp_path / "backup")
    assert tsunagi("log", "export", str(tmp_path / "before")) == 0
    put_back(town.settings, tmp_path / "backup")
    assert tsunagi("notary", "--once") == 1
    assert "not signed (shrank)" in capsys.readouterr().err


AUDITOR, LEADER = "a quiet morning by the sea", "an evening in the hills"


def two_people(tsunagi: Tsunagi) -> list[str]:
    """An auditor of the collaboration's log and a supervisor of the city, and what they answer."""
    named = ("--org", CITY, "--name", "職員")
    assert tsunagi("user", "add", "kansa", *named, "--role", "auditor", answers=[AUDITOR]) == 0
    assert tsunagi("user", "add", "sato", *named, "--role", "supervisor", answers=[LEADER]) == 0
    return ["a name was in it", "kansa", AUDITOR, "sato", LEADER]


def test_a_text_is_taken_out_by_two_people_and_the_log_says_so(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """The hash stays, the verifier names the index, and nothing of the text is on the disk."""
    answers = two_people(tsunagi)
    vkey = export(tsunagi, capsys, str(tmp_path / "before"))
    shared = f"b_{town.made.collaboration.hex}"
    text = str(rows_of(town, shared)[1][0])
    assert tsunagi("log", "redact", "1", answers=[*answers[:3], *answers[1:3]]) == 1  # one person twice
    assert (
        tsunagi("log", "redact", "1", answers=[answers[0], *answers[3:], *answers[1:3]]) == 1
    )  # the wrong way round
    assert tsunagi("log", "redact", "1", "--tree", CITY, answers=answers) == 1  # not an auditor of that log
    assert rows_of(town, shared)[1][0] == text
    assert tsunagi("log", "redact", "1", answers=answers) == 0
    assert rows_of(town, shared)[1][0] is None
    for path in town.settings.data.iterdir():
        assert text.encode() not in path.read_bytes(), path
    assert tsunagi("log", "redact", "1", answers=answers) == 1  # it has no text any more
    assert tsunagi("log", "redact", "0", answers=answers) == 1  # where a log begins stays
    assert tsunagi("log", "redact", "99", answers=answers) == 1
    export(tsunagi, capsys, str(tmp_path / "after"))
    found = said(capsys, str(tmp_path / "after"), "--policy", policy(tmp_path, vkey))
    assert (found["ok"], found["redacted"]) == (True, [1])
    made = next(leaf.entry for leaf in entries_of(town, shared) if leaf.entry.event is Event.REDACT_ENTRY)
    assert made.reference == 1
    assert None not in (made.actor, made.on_behalf_of, made.detail)
    assert made.actor != made.on_behalf_of


def rows_of(town: Town, name: str) -> list[tuple[object, ...]]:
    """Text and hash of each entry of a tree."""
    query = (
        "SELECT leaf, leaf_hash FROM entry e JOIN tree t ON t.number = e.tree WHERE t.name = ? ORDER BY idx"
    )
    return [tuple(row) for row in town.rows(query, name)]


def entries_of(town: Town, name: str) -> list[Leaf]:
    """The entries of a tree that have a text."""
    return [read_leaf(str(row[0]).encode()) for row in rows_of(town, name) if row[0] is not None]


def test_old_texts_are_pruned_below_what_a_witness_has_seen(
    town: Town, tsunagi: Tsunagi, tmp_path: Path, capsys: Capture
) -> None:
    """Whole bundles, older than the day, below the last cosigned size; the hashes stay and the verifier says so."""
    shared = f"b_{town.made.collaboration.hex}"
    grow(town, shared, 600)
    later = system_clock() + timedelta(days=365 * 8)
    day = (system_clock() + timedelta(days=2)).date()

    def prune(before: date) -> Pruned:
        async def work(house: House) -> Pruned:
            return await prune_log(house, await tree_to_export(house, None), before)

        return run_at(town, later, work)

    assert prune(day) == Pruned(below=0, count=0)  # no witness has seen anything yet
    vkey = export(tsunagi, capsys, str(tmp_path / "before"))
    assert tsunagi("log", "witness", VKEY, "--tree", SHARED) == 0
    note = (tmp_path / "before" / "checkpoint").read_text("utf-8")
    (tmp_path / "back").write_text(with_lines(note, cosign(body_of(note), WITNESS, 9)), "utf-8", newline="")
    assert tsunagi("log", "cosign", str(tmp_path / "back")) == 0
    with pytest.raises(AdministrationError):
        prune(later.date())  # younger than the time that entries are kept
    assert prune(date(2020, 1, 1)) == Pruned(below=0, count=0)
    assert prune(day) == Pruned(below=512, count=512)
    assert prune(day) == Pruned(below=512, count=0)
    assert [row[0] is None for row in rows_of(town, shared)].count(True) == 512
    export(tsunagi, capsys, str(tmp_path / "after"))
    assert not (tmp_path / "after" / "tile" / "entries" / "000").exists()
    found = said(capsys, str(tmp_path / "after"), "--policy", policy(tmp_path, vkey))
    assert (found["ok"], found["pruned"], found["redacted"]) == (True, 512, [])
    assert tsunagi("log", "prune", "--before", "2026-11-01") == 1


def grow(town: Town, name: str, count: int) -> None:
    """Entries of no importance at the end of a tree."""

    async def work(house: House) -> None:
        found = await house.look(lambda tx: trees.newest_tree(tx, name))
        number = 0 if found is None else found.number

        async def job(_: Transaction) -> Done[None]:
            records = [record(house, number, Event.SYSTEM_START, town.made.city) for _ in range(count)]
            return Done(outcome=None, records=tuple(records))

        await house.commit(job)

    town.run(work)


def run_at(town: Town, now: datetime, work: Callable[[House], Awaitable[Outcome]]) -> Outcome:
    """What ``work`` gives in the town's house at another time."""
    house = load_house(town.settings, clock=lambda: now, cost=WEAK)

    async def go() -> Outcome:
        house.start()
        try:
            return await work(house)
        finally:
            await house.stop()

    return asyncio.run(go())
