"""Pushing: ``add-checkpoint`` answers as C2SP tlog-witness says, and keeps before it answers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from audit.checkpoint import Checkpoint, open_checkpoint, open_note, sign_note, write_body
from audit.errors import WitnessError, WitnessFault
from audit.tree import EMPTY_ROOT
from audit.witness import MAX_REQUEST, AddCheckpoint, write_request
from crypto.notes import VerifierKey, read_vkey
from service.cli.witness.keeping import Kept, Store
from service.cli.witness.sentences import say_error
from service.cli.witness.serving import Application, Message, make_app
from tests.audit.examples import ORIGIN, SEED, digest
from tests.cli.witness.city import log_of
from tests.cli.witness.desk import FILE, LOG_KEY, NOW, OUR_KEY, Desk, request_of

VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "log.json").read_text("utf-8"))
BY_HAND = (
    "old 0\n"
    "\n"
    "log.tsunagi.example/kat\n"
    "3\n"
    "AWdYH0N2xGvziLcXetS02f38vH2NeDsNu2GaYi5Cnlc=\n"
    "\n"
    "— log.tsunagi.example/kat "
    "qQ37wVZYczdYRQZjQot94Vb3fXu2IurkXdnKuB6AilJl9YRmo0ptnujT7ykj1cWPzES8uaFoKJypHAobFSuBj9zzZwo=\n"
)
"""A request written from the specification, over the known answer's log."""

Content = bytes | AsyncIterator[bytes]


class Push:
    """A witness that is asked over ASGI, and what it told its technician."""

    def __init__(
        self, desk: Desk, store: Store | None = None, keys: tuple[VerifierKey, ...] = (LOG_KEY,)
    ) -> None:
        self.said: list[str] = []
        self.app: Application = make_app(
            store or desk.store(), keys, lambda error: self.said.append(say_error(error)), seconds=0.3
        )

    def __call__(
        self, content: Content, path: str = "/add-checkpoint", method: str = "POST"
    ) -> httpx.Response:
        return self.all([(content, path, method)])[0]

    def add(self, request: AddCheckpoint) -> httpx.Response:
        return self(write_request(request).encode())

    def all(self, asked: list[tuple[Content, str, str]]) -> list[httpx.Response]:
        """Several requests at the same time."""

        async def ask() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://witness") as client:
                sent: list[Awaitable[httpx.Response]] = [
                    client.request(method, path, content=content) for content, path, method in asked
                ]
                return list(await asyncio.gather(*sent))

        return asyncio.run(ask())


@pytest.fixture
def push(desk: Desk) -> Push:
    """A witness with an empty store."""
    desk.begin()
    return Push(desk)


def test_the_known_answer_comes_for_a_request_written_by_hand(desk: Desk) -> None:
    """200, and exactly the cosignature line of the known answer."""
    desk.begin()
    then = datetime.fromtimestamp(VECTOR["witness"]["time"], UTC)
    answer = Push(desk, desk.store(lambda: then), (read_vkey(VECTOR["log"]["vkey"]),))(BY_HAND.encode())
    assert answer.status_code == 200
    assert BY_HAND.partition("\n\n")[2] + answer.text == VECTOR["cosigned_note"]


def test_what_is_answered_was_kept(desk: Desk, push: Push) -> None:
    """The line of the answer is that of the kept note, which is the request's note and that line."""
    answer = push.add(request_of(0, 3))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert desk.note.read_text("utf-8") == log_of(3).note() + answer.text
    opened = open_note(desk.note.read_text("utf-8"), [OUR_KEY])
    assert [one.time for one in opened.signatures] == [int(NOW.timestamp())]


def test_a_log_that_grows_is_cosigned(push: Push) -> None:
    """Each request says the size before and proves the growth; the same size again is answered again."""
    for old, new in ((0, 1), (1, 256), (256, 700), (700, 700)):
        assert push.add(request_of(old, new)).status_code == 200


def signed(size: int, root: bytes, origin: str = ORIGIN, seed: bytes = SEED) -> str:
    return sign_note(write_body(Checkpoint(origin=origin, size=size, root=root)), origin, seed)


def asked(old: int, note: str, hashes: tuple[bytes, ...] = ()) -> bytes:
    return write_request(AddCheckpoint(old=old, hashes=hashes, note=note)).encode()


PROVEN = request_of(40, 300)

REFUSED: dict[str, tuple[bytes, int, bytes]] = {
    "nothing": (b"", 400, b"bad request\n"),
    "not UTF-8": (b"old 40\n\n\xff\n", 400, b"bad request\n"),
    "no old size": (write_request(PROVEN).encode().removeprefix(b"old 40\n"), 400, b"bad request\n"),
    "an old size with a zero in front": (asked(40, PROVEN.note).replace(b"old 40", b"old 040"), 400, b"bad request\n"),
    "lines that end in CR LF": (asked(40, PROVEN.note).replace(b"\n", b"\r\n"), 400, b"bad request\n"),
    "64 hashes": (asked(40, PROVEN.note, (bytes(32),) * 64), 400, b"bad request\n"),
    "no note": (b"old 40\n\n", 400, b"bad request\n"),
    "a note that is no checkpoint": (asked(40, sign_note("hello\n", ORIGIN, SEED)), 400, b"bad request\n"),
    "an old size above the new": (asked(41, log_of(40).note()), 400, b"bad request\n"),
    "an unknown log": (asked(0, signed(3, EMPTY_ROOT, origin="log.other.example/a")), 404, b"not found\n"),
    "another key": (asked(40, signed(300, digest(1), seed=b"\x09" * 32)), 403, b"forbidden\n"),
    "an old size below the kept": (write_request(request_of(39, 300)).encode(), 409, b"40\n"),
    "an old size of nothing": (write_request(request_of(0, 300)).encode(), 409, b"40\n"),
    "an old size above the kept": (write_request(request_of(41, 300)).encode(), 409, b"40\n"),
    "a smaller log": (asked(39, log_of(39).note()), 409, b"40\n"),
    "another root of the same size": (asked(40, log_of(40, other=39).note()), 409, b"40\n"),
    "no proof": (asked(40, PROVEN.note), 422, b"not consistent\n"),
    "a proof with a hash too many": (asked(40, PROVEN.note, (*PROVEN.hashes, digest(1))), 422, b"not consistent\n"),
    "another past": (write_request(request_of(40, 300, other=39)).encode(), 422, b"not consistent\n"),
    "a proof where nothing grew": (asked(40, log_of(40).note(), (digest(1),)), 422, b"not consistent\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_each_refusal_has_the_status_of_the_specification(desk: Desk, push: Push, name: str) -> None:
    """Status, type and a constant body; nothing is cosigned, and what was kept stays."""
    content, status, body = REFUSED[name]
    push.add(request_of(0, 40))
    before = desk.note.read_bytes()
    answer = push(content)
    assert (answer.status_code, answer.content) == (status, body)
    kind = "text/x.tlog.size" if status == 409 else "text/plain; charset=utf-8"
    assert answer.headers["content-type"] == kind
    assert desk.note.read_bytes() == before
    assert push.add(PROVEN).status_code == 200


def test_two_roots_for_one_size_are_kept_and_said(desk: Desk, push: Push) -> None:
    """The log signed both: that is evidence. What anybody could have put together is not."""
    push.add(request_of(0, 40))
    push(asked(40, PROVEN.note))
    push(asked(39, log_of(39).note()))
    assert (desk.evidence(), push.said) == ([], [])
    for _ in range(2):
        push(asked(40, log_of(40, other=39).note()))
    (found,) = desk.evidence()
    assert found["offered.note"] == log_of(40, other=39).note()
    assert "REFUSED" in push.said[0]


def test_a_replayed_request_is_a_conflict(desk: Desk, push: Push) -> None:
    """The very bytes that were answered with 200 do not work again, once the log went on."""
    first = write_request(request_of(0, 5)).encode()
    assert push(first).status_code == 200
    assert push.add(request_of(5, 9)).status_code == 200
    kept = desk.note.read_bytes()
    again = push(first)
    assert (again.status_code, again.content, desk.note.read_bytes()) == (409, b"9\n", kept)


def slow_clock() -> datetime:
    """A clock that takes its time, between reading what was kept and keeping anew."""
    time.sleep(0.05)
    return NOW


def outcome(store: Store, request: AddCheckpoint) -> Kept | WitnessFault:
    try:
        return store.cosign(request, [LOG_KEY])
    except WitnessError as error:
        return error.fault


@pytest.mark.parametrize("first", [5, 9])
def test_two_requests_at_once_cannot_roll_back(desk: Desk, first: int) -> None:
    """Both continue size 3, one is cosigned, the other conflicts; in stores as two processes would have them."""
    desk.begin()
    desk.store().cosign(request_of(0, 3), [LOG_KEY])
    stores = [desk.store(slow_clock), desk.store(slow_clock)]
    requests = [request_of(3, first), request_of(3, 14 - first)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(outcome, stores, requests))
    cosigned = [one for one in found if isinstance(one, Kept)]
    assert [one for one in found if not isinstance(one, Kept)] == [WitnessFault.BEHIND]
    assert [desk.note.read_text("utf-8")] == [one.note for one in cosigned]


def test_many_requests_at_once_leave_the_newest(desk: Desk, push: Push) -> None:
    """Of twelve requests over HTTP from the same size one is answered with 200, and that one is kept."""
    push.add(request_of(0, 3))
    contents: list[Content] = [write_request(request_of(3, new)).encode() for new in range(4, 16)]
    answers = push.all([(content, "/add-checkpoint", "POST") for content in contents])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [409] * 11
    size = open_checkpoint(desk.note.read_text("utf-8"), LOG_KEY).size
    assert {answer.content for answer in answers if answer.status_code == 409} == {b"%d\n" % size}


def test_what_cannot_be_kept_is_not_cosigned(desk: Desk, push: Push) -> None:
    """A store that cannot be written: 500, no line, and the technician is told; afterwards it works."""
    stopper = desk.folder_of_store / f".{FILE}.note.part"
    stopper.symlink_to("nowhere")
    answer = push.add(request_of(0, 3))
    assert (answer.status_code, answer.content) == (500, b"failed\n")
    assert len(push.said) == 1
    assert not desk.note.exists()
    stopper.unlink()
    assert push.add(request_of(0, 3)).status_code == 200


def test_a_store_that_went_away_meanwhile_cosigns_nothing(desk: Desk, push: Push) -> None:
    """The folder is gone while the service runs: it is not begun again by the next request."""
    push.add(request_of(0, 40))
    desk.folder_of_store.rename(desk.folder / "away")
    assert push.add(request_of(0, 3)).status_code == 500
    desk.folder_of_store.mkdir()
    assert push.add(request_of(0, 3)).status_code == 500
    assert list(desk.folder_of_store.iterdir()) == []
    assert all("must be retired" in said for said in push.said) and len(push.said) == 2


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 404),
        ("/add-checkpoint/", "POST", 404),
        ("/add-checkpoint", "GET", 405),
        ("/add-checkpoint", "PUT", 405),
    ],
)
def test_there_is_one_path_and_one_method(push: Push, path: str, method: str, status: int) -> None:
    """Anything else is not there; the connection is closed behind it."""
    answer = push(write_request(request_of(0, 3)).encode(), path, method)
    assert answer.status_code == status
    assert answer.headers["connection"] == "close"


async def endless(pause: float) -> AsyncIterator[bytes]:
    """A body that does not end."""
    yield b"old 0\n"
    while True:
        await asyncio.sleep(pause)
        yield b"A" * 4096


@pytest.mark.parametrize(("pause", "status"), [(0.0, 413), (0.2, 408)])
def test_a_body_without_end_is_cut_off(push: Push, pause: float, status: int) -> None:
    """Too long or too slow: the answer does not wait for the end."""
    assert push(endless(pause)).status_code == status


def test_the_longest_body_that_is_read(push: Push) -> None:
    """At the cap it is read, and is no request; one byte more is not read."""
    assert push(b"a" * MAX_REQUEST).status_code == 400
    assert push(b"a" * (MAX_REQUEST + 1)).status_code == 413


def test_a_client_that_goes_away_gets_nothing_kept(desk: Desk, push: Push) -> None:
    """A body that breaks off is no request, even where what came would be one."""
    whole = write_request(request_of(0, 3)).encode()
    messages: list[Message] = [
        {"type": "http.request", "body": whole, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        await push.app({"type": "http", "path": "/add-checkpoint", "method": "POST"}, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 400
    assert not desk.note.exists()
