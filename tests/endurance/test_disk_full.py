"""A full disk: nothing is released, nothing that was acknowledged is lost, and once there is room all goes on.

The disk is a small file system in memory, mounted on the one folder that the test is about: first the database's,
then the notary's. Mounting needs root; without it the tests are skipped and say so.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.endurance.books import WITHDRAWN, Books
from tests.endurance.clients import QUANTITY, Load, begin_case, share
from tests.endurance.small_disk import SmallDisk, small_disk
from tests.endurance.wire import Wire
from tests.machine.canaries import find
from tests.machine.client import Answer, Json, Town

ROUNDS, AT_ONCE = 4, 4
PATIENCE, LONGEST = 5.0, 60.0


@dataclass(slots=True)
class Scene:
    """A town on a small disk: a shared case, and one connection."""

    load: Load
    disk: SmallDisk
    consent: str = ""
    faults: list[object] = field(default_factory=list)

    @property
    def town(self) -> Town:
        return self.load.town

    def wire(self) -> Wire:
        assert self.town.line is not None
        return Wire(self.town.line.port, self.load.tokens)

    def checkpoint(self, wire: Wire) -> Answer:
        return wire.ask("auditor", "GET", f"/api/log/{self.load.tree}/checkpoint")


@contextmanager
def scene(town: Town, folder: str, size: str) -> Iterator[Scene]:
    """The town, served again with one of its folders on a small disk; stopped before the disk goes."""
    load = Load.of(town)
    town.stop()
    with small_disk(town.folder / folder, size) as disk:
        town.start()
        try:
            made = Scene(load, disk)
            with closing(made.wire()) as wire:
                load.steady = begin_case(load, wire)
                made.consent = share(load, wire, load.steady)
            yield made
        finally:
            town.stop()


def _look(scene: Scene, wire: Wire) -> list[Answer]:
    """Whatever shows data."""
    path = f"/api/cases/{scene.load.steady}"
    asked = [("coordinator", "GET", path), ("caseworker", "GET", path), ("deputy", "GET", f"{path}/ledger")]
    asked += [("coordinator", "GET", f"{path}/requests"), ("deputy", "GET", "/api/inbox")]
    asked += [("supervisor", "GET", "/api/cases"), ("supervisor", "GET", f"{path}/consents")]
    return [wire.ask(*one) for one in asked] + [scene.checkpoint(wire)]


def _write(scene: Scene, wire: Wire) -> list[Answer]:
    """Whatever adds data; what is acknowledged is kept."""
    load, path = scene.load, f"/api/cases/{scene.load.steady}"
    fields: Json = {"name": load.maker.cage.text(), "phone": load.maker.cage.text()}
    case = wire.ask("caseworker", "POST", "/api/cases", {"fields": fields})
    if case.good:
        load.kept.cases[str(case.json["id"])] = fields
    row: Json = {"kind": "observation", "value": {"text": load.maker.cage.text()}}
    noticed = wire.ask("coordinator", "POST", f"{path}/ledger", row)
    if noticed.good:
        load.kept.rows[str(noticed.json["id"])] = (load.steady, "")
    body: Json = {"recipient": load.town.ids["NPOあおぞら"], "send": True, "quantity": QUANTITY}
    request = wire.ask("supervisor", "POST", f"{path}/requests", body)
    if request.good:
        load.kept.stages[str(request.json["id"])] = "sent"
    return [case, noticed, request]


def _sign_in(scene: Scene, wire: Wire) -> Answer:
    """A sign-in of somebody without a second factor, counted before the password is tried."""
    login = "volunteer"
    return wire.ask(login, "POST", "/api/session", {"login": login, "password": scene.town.passwords[login]})


def _withdraw(scene: Scene, wire: Wire) -> Answer:
    body = {"given_by": ["self"], "method": "paper"}
    return wire.ask("deputy", "POST", f"/api/consents/{scene.consent}/withdraw", body)


def _busy(scene: Scene, work: Callable[[Wire], None]) -> None:
    """Does the work over several connections at once."""

    def run() -> None:
        try:
            with closing(scene.wire()) as wire:
                for _ in range(ROUNDS):
                    work(wire)
        except Exception as error:
            scene.faults.append(error)

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not scene.faults, scene.faults[:3]


def _bad(answers: Iterable[Answer]) -> list[str]:
    """The answers that are no success."""
    return [answer.raw for answer in answers if not answer.good]


def _check_refused(answers: Iterable[Answer]) -> None:
    """Each of them is put off, and tells nothing."""
    for answer in answers:
        assert answer.status == 503, answer.raw
        assert int(answer.headers["retry-after"]) > 0, answer.raw
        assert not find(answer.raw), answer.raw


def _is_shut(scene: Scene) -> bool:
    """Whether nothing is answered any more; what is not answered is put off.

    For a while there may be room yet in the write-ahead log, which is written over from its beginning.
    """
    answers: list[Answer] = []
    _busy(scene, lambda wire: answers.extend([*_look(scene, wire), *_write(scene, wire)]))
    _check_refused(answer for answer in answers if not answer.good)
    return not any(answer.good for answer in answers)


def _held(town: Town) -> tuple[int, int]:
    """How many file handles and threads the server has."""
    assert town.process is not None
    return town.files(), sum(1 for _ in Path(f"/proc/{town.process.pid}/task").iterdir())


def _nothing_leaked(town: Town, held: tuple[int, int]) -> bool:
    """Whether the server holds no more than before; a connection that was closed is let go a moment later."""
    files, threads = held
    return _within(PATIENCE, lambda: _held(town)[0] <= files and _held(town)[1] <= threads)


def _within(patience: float, true: Callable[[], bool]) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + patience
    while not (now := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return now


@pytest.mark.slow
def test_a_full_disk_releases_nothing_and_loses_nothing(town: Town) -> None:
    """Each answer is 503 with Retry-After and without data, or was done; freed, the same process goes on."""
    with scene(town, "data", "8m") as found, closing(found.wire()) as wire:
        books = Books(town.folder)
        answers: list[Answer] = []
        _busy(found, lambda each: answers.extend([*_look(found, each), *_write(found, each)]))
        assert _sign_in(found, wire).good
        assert not _bad(answers)
        assert any(find(answer.raw) for answer in answers)
        answers.clear()
        held, process = _held(town), town.process

        found.disk.fill()
        assert _within(LONGEST, lambda: _is_shut(found)), "the disk is not full"
        town.advance(timedelta(minutes=2))  # now each session has to be noted as used, before anything else
        assert _is_shut(found)
        _check_refused([_sign_in(found, wire), _withdraw(found, wire)])

        found.disk.free()
        assert _within(PATIENCE, lambda: not _bad(_look(found, wire)))
        assert not _bad(_write(found, wire))
        assert _sign_in(found, wire).good
        books.read()
        kept = found.load.kept
        assert (books.wrong, kept.lost(books), kept.unasked(books)) == ([], [], [])
        assert _withdraw(found, wire).good
        assert not find(wire.ask("coordinator", "GET", f"/api/cases/{found.load.steady}").raw)
        books.read()
        assert books.kinds[found.consent][-1] == WITHDRAWN
        assert town.process is process
        assert _nothing_leaked(town, held)


@pytest.mark.slow
def test_a_full_notary_signs_nothing_and_stops_nobody(town: Town) -> None:
    """What was signed cannot be kept, so no signature leaves; everything else goes on, also after SIGKILL."""
    with scene(town, "notary", "256k") as found:
        books, wire = Books(town.folder), found.wire()
        assert "\n— " in str(found.checkpoint(wire).json["note"])
        held = _held(town)
        found.disk.fill()
        before = books.signed()
        for _ in range(ROUNDS):
            *looked, unsigned = _look(found, wire)
            assert not _bad((*looked, *_write(found, wire)))
            assert not unsigned.good
            assert "—" not in unsigned.raw
        assert books.signed() == before
        assert _nothing_leaked(town, held)
        wire.close()

        town.stop(signal.SIGKILL)
        town.start()
        with closing(found.wire()) as wire:
            *looked, unsigned = _look(found, wire)
            assert not _bad((*looked, *_write(found, wire)))
            assert not unsigned.good
            assert books.signed() == before
            found.disk.free()
            note = str(found.checkpoint(wire).json["note"])
            books.read()
            found.load.kept.note(note)
            kept = found.load.kept
            assert (books.wrong, kept.lost(books), kept.unasked(books)) == ([], [], [])
            assert max(size for _, size in kept.notes) == len(books.trees[1].leaves)


@pytest.mark.slow
def test_a_signature_that_cannot_be_kept_now_is_unavailable(town: Town) -> None:
    """A full notary's folder is no fault of the asker and no mistake in the program: 503, with Retry-After."""
    with scene(town, "notary", "256k") as found, closing(found.wire()) as wire:
        found.disk.fill()
        answer = found.checkpoint(wire)
        assert answer.status == 503, answer.raw
        assert int(answer.headers["retry-after"]) > 0
        found.disk.free()
        assert found.checkpoint(wire).good
