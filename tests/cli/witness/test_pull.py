"""Pulling: what a log shows is cosigned where it continues what was cosigned, kept, and only then sent back."""

import pytest

from audit.checkpoint import cosign, open_checkpoint, open_note, with_lines, write_body
from crypto.notes import COSIGNATURE, SignerKey, write_vkey
from tests.audit.bundles import WITNESS
from tests.audit.examples import ORIGIN
from tests.cli.witness.city import TOKEN, City, Reply, log_of, running
from tests.cli.witness.desk import FILE, LOG_KEY, NOW, OUR_KEY, Desk

SECONDS = int(NOW.timestamp())
Captured = pytest.CaptureFixture[str]


def test_the_first_checkpoint_is_cosigned_and_sent_back(city: City, desk: Desk) -> None:
    """What comes back is the log's note with one more line, which holds, of this second; it is what was kept."""
    city.show(log_of(3))
    assert desk.watch(city).once() == 0
    (sent,) = city.taken
    assert sent == desk.note.read_text("utf-8")
    assert open_checkpoint(sent, LOG_KEY).size == 3
    assert [(one.key, one.time) for one in open_note(sent, [OUR_KEY]).signatures] == [(OUR_KEY, SECONDS)]
    assert sent.startswith(log_of(3).note())
    assert city.tokens == {f"Bearer {TOKEN}"}


def test_a_log_that_grows_is_cosigned_again_and_again(city: City, desk: Desk) -> None:
    """Through tiles that are partial, just complete and of two levels, each checkpoint follows the one before."""
    desk.watch(city)
    for size in (1, 2, 255, 256, 257, 700):
        city.show(log_of(size))
        assert desk.once() == 0
        assert open_checkpoint(city.taken[-1], LOG_KEY).size == size
    assert len(city.taken) == 6


def test_where_nothing_is_new_nothing_is_signed_or_sent(city: City, desk: Desk, capsys: Captured) -> None:
    """The second round asks for the checkpoint alone, and leaves what was kept as it is."""
    city.show(log_of(300))
    desk.watch(city).once()
    before = desk.note.read_bytes()
    city.asked.clear()
    capsys.readouterr()
    assert desk.once() == 0
    assert (city.asked, len(city.taken), desk.note.read_bytes()) == (["checkpoint"], 1, before)
    assert capsys.readouterr().out == f"{ORIGIN}: nothing new, 300 entries\n"


def test_only_the_tiles_of_the_proof_are_asked_for(city: City, desk: Desk) -> None:
    """A log of 2,000 entries, grown by one: its checkpoint and two tiles, never all nine."""
    city.show(log_of(1999))
    desk.watch(city).once()
    city.asked.clear()
    city.show(log_of(2000))
    assert desk.once() == 0
    assert city.asked == ["checkpoint", "tile/0/007.p/208", "tile/1/000.p/7"]


def test_the_note_is_kept_before_it_is_sent(city: City, desk: Desk) -> None:
    """At the moment when the cosignature comes in at the city, it stands in the store already."""
    stood: list[bool] = []

    def watch(path: str) -> None:
        if path == "cosignatures":
            stood.append(desk.note.exists())

    city.watch = watch
    city.show(log_of(3))
    assert desk.watch(city).once() == 0
    assert stood == [True]


@pytest.mark.parametrize("reply", [Reply(drop=True), Reply(status=503), Reply(status=200), Reply(status=303)])
def test_a_note_that_was_not_taken_is_sent_again(city: City, desk: Desk, reply: Reply) -> None:
    """The line to the city broke after keeping: the same note, byte for byte, goes in the next round, and once."""
    city.show(log_of(3))
    city.replies["cosignatures"] = reply
    assert desk.watch(city).once() == 1
    kept = desk.note.read_text("utf-8")
    city.replies.clear()
    assert (desk.once(), desk.once()) == (0, 0)
    assert city.taken == [kept]


def test_after_a_broken_line_the_log_may_have_grown(city: City, desk: Desk) -> None:
    """What was kept and not sent is what the next checkpoint must continue."""
    city.show(log_of(3))
    city.replies["cosignatures"] = Reply(drop=True)
    desk.watch(city).once()
    city.replies.clear()
    city.show(log_of(9, other=2))
    assert desk.once() == 1
    assert city.taken == [] and len(desk.evidence()) == 1
    city.show(log_of(9))
    assert desk.once() == 0
    assert [open_checkpoint(note, LOG_KEY).size for note in city.taken] == [9]


def test_through_a_one_way_network_the_note_is_a_file(city: City, desk: Desk) -> None:
    """Nothing is sent; each cosigned note lies in the folder, named by the origin's hash and the size."""
    desk.watch(city, "one_way = true\n")
    for size in (3, 9):
        city.show(log_of(size))
        assert (desk.once(), desk.once()) == (0, 0)
    assert sorted(path.name for path in desk.out.iterdir()) == [f"{FILE}-3.note", f"{FILE}-9.note"]
    assert (desk.out / f"{FILE}-9.note").read_bytes() == desk.note.read_bytes()
    assert city.taken == []


def test_a_note_of_the_store_bears_one_line_of_this_witness(city: City, desk: Desk) -> None:
    """The city shows its note with cosignatures, ours among them: they are kept, and ours does not stand twice."""
    city.show(log_of(3))
    desk.watch(city).once()
    other = SignerKey(name="audit.example/w2", algorithm=COSIGNATURE, seed=b"\x03" * 32)
    point = open_checkpoint(city.taken[0], LOG_KEY)
    shown = with_lines(city.taken[0], cosign(write_body(point), other, SECONDS))
    city.show(log_of(3), note=shown)
    assert desk.once() == 0
    larger = with_lines(log_of(9).note(), cosign(log_of(9).note().partition("\n\n")[0] + "\n", other, 7))
    city.show(log_of(9), note=larger)
    assert desk.once() == 0
    assert city.taken[1].startswith(larger)
    assert len(open_note(city.taken[1], [OUR_KEY, other.verifier(), LOG_KEY]).signatures) == 3


def test_a_note_that_only_looks_like_ours_accuses_nobody(city: City, desk: Desk) -> None:
    """A line with our name that does not hold is left out, and the checkpoint is cosigned."""
    log = log_of(3)
    forged = cosign(log_of(2).note().partition("\n\n")[0] + "\n", WITNESS, 5)
    city.show(log, note=with_lines(log.note(), forged))
    assert desk.watch(city).once() == 0
    assert len(open_note(city.taken[0], [OUR_KEY]).signatures) == 1


def test_one_log_that_fails_does_not_hold_up_another(city: City, desk: Desk, capsys: Captured) -> None:
    """Both are asked; the code is 1, because one failed."""
    vkey = write_vkey("log.other.example/test", LOG_KEY.public)
    with running(City()) as broken:
        city.show(log_of(3))
        desk.write(desk.write_log(broken, vkey=vkey), desk.write_log(city))
        desk.begin()
        assert desk.once() == 1
    assert len(city.taken) == 1
    assert "log.other.example/test: " in capsys.readouterr().err
