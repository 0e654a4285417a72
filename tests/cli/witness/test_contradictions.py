"""A log that contradicts what was cosigned gets no cosignature, and what it showed is kept as evidence."""

import pytest

from audit.checkpoint import open_checkpoint
from audit.witness import read_request
from tests.audit.examples import ORIGIN
from tests.cli.witness.city import City, log_of
from tests.cli.witness.desk import LOG_KEY, Desk, grown, request_of

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("size", [9, 200, 299])
def test_a_log_that_shrank_is_refused_aloud(city: City, desk: Desk, capsys: Captured, size: int) -> None:
    """An older checkpoint, honestly signed: no cosignature, code 1, both notes kept, and the store stays."""
    city.show(log_of(300))
    desk.watch(city).once()
    kept = desk.note.read_text("utf-8")
    city.show(log_of(size))
    capsys.readouterr()
    assert desk.once() == 1
    said = capsys.readouterr().err
    assert said.startswith(f"tsunagi: {ORIGIN}: REFUSED, the log shows {size} entries, and 300 were cosigned")
    assert said.count("\n") == 1
    assert len(city.taken) == 1
    assert desk.note.read_text("utf-8") == kept
    (found,) = desk.evidence()
    assert (found["kept.note"], found["offered.note"]) == (kept, log_of(size).note())


def test_a_replayed_checkpoint_is_evidence_once_and_stops_nothing_later(city: City, desk: Desk) -> None:
    """Shown twice, it is kept once; when the log shows how it really goes on, the witness goes on too."""
    desk.watch(city)
    for size in (5, 9):
        city.show(log_of(size))
        desk.once()
    city.show(log_of(5))
    assert (desk.once(), desk.once()) == (1, 1)
    assert len(desk.evidence()) == 1
    city.show(log_of(12))
    assert desk.once() == 0
    assert open_checkpoint(city.taken[-1], LOG_KEY).size == 12


def test_other_entries_of_the_same_number_are_refused_aloud(city: City, desk: Desk, capsys: Captured) -> None:
    """Two roots for one size, both signed by the log: the proof that the log was changed is kept, not cosigned."""
    city.show(log_of(40))
    desk.watch(city).once()
    city.show(log_of(40, other=39))
    assert desk.once() == 1
    assert "REFUSED, the log shows other entries than those cosigned" in capsys.readouterr().err
    (found,) = desk.evidence()
    assert open_checkpoint(found["kept.note"], LOG_KEY).size == 40
    assert open_checkpoint(found["offered.note"], LOG_KEY).size == 40
    assert found["offered.note"] == log_of(40, other=39).note()
    assert len(city.taken) == 1


@pytest.mark.parametrize("other", [0, 10, 39])
def test_a_larger_log_with_another_past_is_refused_aloud(city: City, desk: Desk, other: int) -> None:
    """A changed entry before the size that was cosigned: the request that failed is kept whole as evidence."""
    city.show(log_of(40))
    desk.watch(city).once()
    city.show(log_of(300, other=other))
    assert desk.once() == 1
    (found,) = desk.evidence()
    request = read_request(found["request"])
    assert (request.old, request.note) == (40, log_of(300, other=other).note())
    assert request.hashes
    assert len(city.taken) == 1
    assert desk.store().kept(ORIGIN) is not None


def test_a_change_behind_what_was_cosigned_is_growth(city: City, desk: Desk) -> None:
    """What comes after the size that was cosigned was never promised."""
    city.show(log_of(40))
    desk.watch(city).once()
    city.show(log_of(300, other=40))
    assert desk.once() == 0


def test_another_key_signs_nothing(city: City, desk: Desk, capsys: Captured) -> None:
    """A note of a key that the configuration does not name is refused, and is no evidence against the log."""
    desk.watch(city)
    city.show(log_of(3, seed=b"\x09" * 32))
    assert desk.once() == 1
    assert "another key" in capsys.readouterr().err
    assert (city.taken, desk.evidence(), desk.note.exists()) == ([], [], False)


def test_the_checkpoint_of_another_log_is_refused(city: City, desk: Desk) -> None:
    """The same key under another origin is another log."""
    desk.watch(city)
    log = log_of(3)
    city.show(log, note=log.note().replace(ORIGIN, f"{ORIGIN}x"))
    assert desk.once() == 1
    assert city.taken == []


def test_a_newer_request_meanwhile_is_no_contradiction(city: City, desk: Desk) -> None:
    """While the log is asked, the same witness cosigned more: the round gives up, and accuses nobody."""
    grown(city, desk)

    def watch(_path: str) -> None:
        city.watch = lambda path: None
        desk.store().cosign(request_of(200, 250), [LOG_KEY])

    city.watch = watch
    assert desk.once() == 1
    assert desk.evidence() == []
    assert desk.once() == 0


def test_a_store_that_went_back_is_noticed(city: City, desk: Desk, capsys: Captured) -> None:
    """The log shows a cosignature of ours that the store does not know: nothing is signed on an older store."""
    desk.watch(city)
    city.show(log_of(3))
    desk.once()
    older = desk.note.read_bytes()
    city.show(log_of(9))
    desk.once()
    city.show(log_of(9), note=city.taken[-1])
    desk.note.write_bytes(older)
    assert desk.once() == 1
    assert "must be retired" in capsys.readouterr().err
    desk.note.unlink()
    assert desk.once() == 1
    assert len(city.taken) == 2
