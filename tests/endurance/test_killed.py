"""The server is killed under load, again and again, and everything that it had acknowledged is still there.

SIGKILL ends the process between any two instructions: what it held in memory is gone, what it had handed to the
operating system is not. That the disk has it as well (`synchronous=FULL`) is for tests/service to say; a power cut
is not what happens here. ``KILLS`` says how often; `make soak` says 500.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from tests.endurance.books import WITHDRAWN, Books
from tests.endurance.clients import (
    Asker,
    Auditor,
    Beginner,
    Client,
    Editor,
    Load,
    Reader,
    Writer,
    at_once,
    begin_case,
    share,
)
from tests.endurance.killing import Starter
from tests.endurance.mover import Mover
from tests.endurance.wire import Wire
from tests.machine.canaries import find
from tests.machine.client import SLOWEST, Town

KILLS = int(os.environ.get("KILLS", "50"))
CHAPTER = 10
"""Kills after which the clients go on with two fresh cases."""
EARLY = 7
"""Before each so manieth kill under load one more strikes the server while it starts."""
SHORTEST, LONGEST = 0.03, 0.3


class Endurance:
    """One run: the town, its clients, what they keep, and the books of the database."""

    def __init__(self, town: Town, starter: Starter) -> None:
        self.folder = town.folder
        self.starter = starter
        self.load = Load.of(town)
        self.books = Books(town.folder)
        self.mover = Mover(self.load)
        load = self.load
        self.clients: list[Client] = [
            *(Reader(load, login) for login in ("coordinator", "coordinator", "deputy", "deputy")),
            *(Reader(load, login) for login in ("volunteer", "caseworker")),
            *(Beginner(load, "caseworker"), Editor(load), Asker(load, "supervisor"), Auditor(load)),
            *(Writer(load, "coordinator", "observation"), Writer(load, "caseworker", "reply")),
            self.mover,
        ]
        town.stop()  # from here on the starter serves it; the sessions live on
        self.chance = random.Random(20261123)
        self.compared: set[str] = set()

    def start(self) -> int:
        """Starts the server; the notary's state, as the dead process left it, must not be ahead of the log."""
        left = self.books.signed()
        port = self.starter.start(self.folder)
        self.books.read()
        assert not self.books.wrong, self.books.wrong[:5]
        assert not (ahead := self.books.ahead(left)), ahead
        return port

    def check(self, port: int) -> None:
        """Nothing acknowledged is lost, and whose consent is withdrawn shows nothing."""
        self.mover.look(self.books)
        wire = Wire(port, self.load.tokens)
        try:
            for client in self.clients:
                client.settle(wire)
            self.books.read()
            assert not self.books.wrong, self.books.wrong[:5]
            assert not (lost := self.load.kept.lost(self.books)), lost[:5]
            kinds = self.books.kinds.get(self.mover.consent, [WITHDRAWN])
            for login in ("coordinator", "deputy", "volunteer") if kinds[-1] == WITHDRAWN else ():
                for kind in ("", "/ledger", "/requests"):
                    answer = wire.ask(login, "GET", f"/api/cases/{self.load.moving}{kind}")
                    assert not find(answer.raw), (login, kind, answer.raw)
        finally:
            wire.close()

    def turn(self, port: int) -> None:
        """Holds every value of the chapter against what was written, and begins the next with fresh cases."""
        wire = Wire(port, self.load.tokens)
        try:
            if self.load.steady:
                _check_rows(self.load, wire)
                _check_fields(self.load, wire, self.load.kept.cases.keys() - self.compared)
                self.compared = set(self.load.kept.cases)
            self.load.steady, self.load.moving = (begin_case(self.load, wire) for _ in range(2))
            share(self.load, wire, self.load.steady)
            self.mover.begin()
        finally:
            wire.close()

    def strike(self) -> None:
        """Kills after a while: at any instant, or at the instant at which somebody hears of a success."""
        time.sleep(self.chance.uniform(SHORTEST, LONGEST))
        if self.chance.random() < 0.5:
            self.load.victims.append(self.starter.process)
            self.load.striking.wait(SLOWEST)
        self.load.striking.set()
        self.starter.kill()

    def strike_early(self) -> None:
        """Kills a server that is about to start: it opens, looks back, notes its start."""
        self.starter.begin(self.folder)
        time.sleep(self.chance.uniform(SHORTEST, LONGEST))
        self.starter.kill()


def _check_rows(load: Load, wire: Wire) -> None:
    """Every row of the steady case opens to what was written."""
    ledger = wire.good("caseworker", "GET", f"/api/cases/{load.steady}/ledger").json["rows"]
    assert isinstance(ledger, list)
    texts = {row["id"]: row["value"]["text"] for row in ledger}
    assert texts == {id: text for id, (case, text) in load.kept.rows.items() if case == load.steady}


def _check_fields(load: Load, wire: Wire, cases: Collection[str]) -> None:
    """Every field opens to what was written or, where no answer came, to what was about to be."""
    for case in cases:
        shown = wire.good("caseworker", "GET", f"/api/cases/{case}").json["fields"]
        assert isinstance(shown, dict)
        fields = load.kept.cases[case]
        doubted = fields | load.kept.doubted.get(case, {})
        seen = {code: shown[code] for code in fields}
        assert seen in (fields, doubted), (case, seen, fields, doubted)


@pytest.mark.slow
def test_a_killed_server_loses_nothing_that_it_acknowledged(
    town: Town, starter: Starter, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """What came back as done is there after SIGKILL, once, with its entry; and the exported log verifies."""
    run = Endurance(town, starter)
    for number in range(KILLS):
        if number % EARLY == EARLY - 1:
            run.strike_early()
        port = run.start()
        run.check(port)
        if number % CHAPTER == 0:
            run.turn(port)
        at_once(run.load, run.clients, port, run.strike)
    port = run.start()
    run.check(port)
    run.compared.clear()
    run.turn(port)
    assert not (extra := run.load.kept.unasked(run.books)), extra[:5]
    starter.kill()
    hashes = _export(run.folder, tmp_path / "bundle")
    for (_, index), leaf in run.load.kept.receipts.items():
        assert hashes[index].hex() == leaf, index
    assert len(run.load.kept.receipts) >= KILLS
    record_property("kills_survived", KILLS)
    record_property("answers_kept", run.load.kept.answers)


def _export(folder: Path, bundle: Path) -> list[bytes]:
    """Exports the collaboration's log with the command, verifies it with the verifier; gives its leaf hashes."""
    places = {f"TSUNAGI_{name.upper()}": str(folder / name) for name in ("data", "keys", "notary")}
    export = [sys.executable, "-m", "service.cli", "log", "export", str(bundle)]
    done = subprocess.run(export, env={**os.environ, **places}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    key = next(line.removeprefix("key ") for line in done.stdout.splitlines() if line.startswith("key "))
    policy = bundle.with_suffix(".policy")
    policy.write_text(f"log {key}\nquorum none\n", "ascii")
    verify = [sys.executable, "-m", "audit.verify", str(bundle), "--policy", str(policy)]
    checked = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tiles = sorted((bundle / "tile" / "0").rglob("*"))
    whole = b"".join(file.read_bytes() for file in tiles if file.is_file())
    return [whole[start : start + 32] for start in range(0, len(whole), 32)]
