"""Whatever the log's server answers: nothing is cosigned but what was asked for, and each failure is one plain line."""

import asyncio
import time

import pytest

from audit.checkpoint import cosign, open_checkpoint, with_lines
from crypto.notes import COSIGNATURE, SignerKey
from service.cli.witness.config import read_config
from service.cli.witness.errors import LogError, LogFault
from service.cli.witness.pulling import pull
from tests.audit.examples import ORIGIN
from tests.cli.witness.city import City, Reply, log_of, running
from tests.cli.witness.desk import LOG_KEY, Desk, grown

Captured = pytest.CaptureFixture[str]


def test_a_damaged_tile_gives_no_cosignature_and_the_whole_one_does(city: City, desk: Desk) -> None:
    """Hashes that do not lead to the signed root prove nothing; the next round with the right ones goes on."""
    path = grown(city, desk)
    whole = city.files[path]
    city.files[path] = bytes([whole[0] ^ 1]) + whole[1:]
    assert desk.once() == 1
    assert len(city.taken) == 1
    city.files[path] = whole
    assert desk.once() == 0
    assert open_checkpoint(city.taken[-1], LOG_KEY).size == 300


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(body=bytes(8191)), "less than was asked for"),
        (Reply(body=bytes(8193)), "more than was asked for"),
        (Reply(body=bytes(8192), endless=True), "more than was asked for"),
        (Reply(body=bytes(8192), headers={"content-encoding": "gzip"}), "compressed"),
        (Reply(status=500, body=bytes(8192)), "another status 500"),
        (Reply(status=404), "another status 404"),
        (Reply(drop=True), "not reached"),
    ],
)
def test_a_tile_of_another_form_is_not_used(
    city: City, desk: Desk, capsys: Captured, reply: Reply, said: str
) -> None:
    """Too short, too long, without end, compressed, missing: code 1, one line, and nothing is kept or sent."""
    path = grown(city, desk)
    before = desk.note.read_bytes()
    city.replies[path] = reply
    capsys.readouterr()
    assert desk.once() == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert (len(city.taken), desk.note.read_bytes(), desk.evidence()) == (1, before, [])


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"a" * 4096, endless=True),
        Reply(body=b"\xff\xfe"),
        Reply(body=b""),
        Reply(body=b"no note\n"),
        Reply(status=401),
        Reply(status=204),
        Reply(drop=True),
    ],
)
def test_a_checkpoint_of_another_form_is_not_used(city: City, desk: Desk, reply: Reply) -> None:
    """Whatever stands where the checkpoint should: code 1, and nothing is kept or sent."""
    desk.watch(city)
    city.replies["checkpoint"] = reply
    assert desk.once() == 1
    assert (city.taken, desk.note.exists()) == ([], False)


def test_a_server_that_is_down_is_one_plain_line(desk: Desk, capsys: Captured) -> None:
    """Nobody listens: code 1, and the next round works when somebody does."""
    with running(City()) as city:
        desk.watch(city)
    capsys.readouterr()
    assert desk.once() == 1
    assert capsys.readouterr().err == (
        f"tsunagi: {ORIGIN}: the log's server was not reached, or was too slow (checkpoint)\n"
    )


def test_redirects_are_not_followed(city: City, desk: Desk) -> None:
    """The token and the question go to the configured server and to nobody that it names."""
    with running(City()) as other:
        other.show(log_of(3))
        desk.watch(city)
        for status in (301, 302, 303, 307, 308):
            target = f"{other.url}/log/test/checkpoint"
            city.replies["checkpoint"] = Reply(status=status, headers={"location": target})
            assert desk.once() == 1
        assert (other.asked, other.tokens, desk.note.exists()) == ([], set(), False)


def test_a_token_that_the_city_does_not_know_is_a_plain_line(
    city: City, desk: Desk, capsys: Captured
) -> None:
    """401 is named; the token is not."""
    city.show(log_of(3))
    desk.watch(city)
    token = desk.folder / "token"
    token.chmod(0o600)
    token.write_text("w.another")
    token.chmod(0o400)
    assert desk.once() == 1
    said = capsys.readouterr()
    assert "401" in said.err
    assert "w.another" not in said.out + said.err


def test_a_note_with_no_room_for_a_line_is_refused(city: City, desk: Desk) -> None:
    """A hundred lines and no more: the note could not be read back, so it is not kept."""
    log = log_of(3)
    unknown = "".join(
        cosign("x\n", SignerKey(name=f"w{at}", algorithm=COSIGNATURE, seed=b"\x04" * 32), 1)
        for at in range(99)
    )
    city.show(log, note=with_lines(log.note(), unknown))
    assert desk.watch(city).once() == 1
    assert not desk.note.exists()


def test_a_server_that_drips_is_too_slow(city: City, desk: Desk) -> None:
    """The whole answer has its time, not each byte of it."""
    desk.watch(city)
    city.replies["checkpoint"] = Reply(body=b"x" * 400, drip=0.05)
    how = read_config(desk.config).logs[0].pull
    assert how is not None
    began = time.monotonic()
    with pytest.raises(LogError) as caught:
        asyncio.run(pull(desk.store(), LOG_KEY, how, seconds=0.2))
    assert caught.value.fault is LogFault.SILENT
    assert time.monotonic() - began < 10
