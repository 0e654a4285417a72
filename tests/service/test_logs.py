"""The service's log says codes and ids, and nothing personal gets into it."""

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from uuid import UUID

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.types import Message, Receive, ReceiveMessage, Scope, Send

from service import logs

NAME = "山田 太郎"
TOKEN = "c3e1f0aa-secret-token"
NOW = datetime(2026, 11, 23, 14, 50, 27, 179_000, tzinfo=timezone(timedelta(hours=9)))


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A stream that takes every line, and the logging of before put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lines = io.StringIO()
    logs.configure(lines, clock=lambda: NOW)
    yield lines
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def read(stream: io.StringIO) -> list[dict[str, object]]:
    """The lines, each parsed as what it must be: one JSON object."""
    text = stream.getvalue()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


class Colour(Enum):
    """Any enum."""

    RED = "red"


def test_a_line_is_one_json_object_with_its_time_in_utc(stream: io.StringIO) -> None:
    """An event, its level, its time and its codes, in one line of JSON."""
    logs.get_logger().warning("writer.full", count=3, code=Colour.RED)
    assert read(stream) == [
        {
            "code": "red",
            "count": 3,
            "event": "writer.full",
            "level": "warning",
            "time": "2026-11-23T05:50:27.179Z",
        }
    ]


def test_an_unlisted_key_is_dropped_and_counted(stream: io.StringIO) -> None:
    """A key that is not listed never gets out, whatever its value; the line says how many there were."""
    logs.get_logger().info("session.made", token=TOKEN, password="x", name=NAME, status=201)
    (line,) = read(stream)
    assert line["dropped"] == 3
    assert set(line) == {"dropped", "event", "level", "status", "time"}
    assert TOKEN not in stream.getvalue()


@pytest.mark.parametrize(
    "value", [NAME, "two words", "a\nb", "a\r\nb", "", "x" * 121, "\x7f", b"ab", ["ab"], {"a": 1}]
)
def test_a_value_that_is_no_code_is_masked(stream: io.StringIO, value: object) -> None:
    """Sentences, Japanese, line breaks, bytes and containers become a question mark."""
    logs.get_logger().info("x", code=value, frames=0, error="ok")
    assert read(stream)[0]["code"] == "?"


def test_a_sentence_is_no_event(stream: io.StringIO) -> None:
    """The event is held to the same rule, also when it was put together from a value."""
    logs.get_logger().info("read case of %s", NAME)
    assert read(stream)[0]["event"] == "?"


@pytest.mark.parametrize("key", ["frames", "causes"])
def test_a_list_of_the_callers_own_is_masked(stream: io.StringIO, key: str) -> None:
    """Only an exception fills the keys that hold lists."""
    logs.get_logger().info("x", **{key: [NAME]})
    assert read(stream)[0][key] == "?"


def test_an_id_is_of_its_kind(stream: io.StringIO) -> None:
    """A key for ids takes a UUID or the text form of its kind; a login name or another kind is masked."""
    case = UUID(int=5, version=4)
    text = f"c_{case.hex}"
    for value, written in [(case, text), (text, text), (f"u_{case.hex}", "?"), ("yamada", "?"), (7, "?")]:
        logs.get_logger().info("x", case=value)
        assert read(stream)[-1]["case"] == written


def test_numbers_pass_and_only_numbers(stream: io.StringIO) -> None:
    """Integers, truth values and nothing pass as they are; a fraction is rounded, NaN masked."""
    for value, written in [(3, 3), (True, True), (None, None), (1.23456, 1.235), (float("nan"), "?")]:
        logs.get_logger().info("x", count=value)
        assert read(stream)[-1]["count"] == written


@settings(max_examples=100)
@given(
    st.dictionaries(st.sampled_from([*sorted(logs.KEYS - {"event"}), "name", "title"]), st.text(), max_size=5)
)
def test_no_text_forges_a_line(values: dict[str, str]) -> None:
    """Whatever text is given, one call is one line, of listed keys and printable ASCII."""
    lines = io.StringIO()
    logs.configure(lines, clock=lambda: NOW)
    logs.get_logger().info("x", **values)
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
    (line,) = read(lines)
    assert set(line) <= logs.KEYS
    assert lines.getvalue().isascii()
    assert all(isinstance(value, (int, str)) and " " not in str(value) for value in line.values())


def fail(secret: str) -> None:
    """Raise with a secret in the message, in a local and in the cause."""
    password = secret
    try:
        raise KeyError(password)
    except KeyError as error:
        raise LookupError(f"no {secret}") from error


def test_an_exception_is_its_type_and_frames(stream: io.StringIO) -> None:
    """Type, file, line and function of an exception and its causes: no message, no local, no source line."""
    try:
        fail(TOKEN)
    except LookupError:
        logs.get_logger().exception("flow.failed")
    (line,) = read(stream)
    assert line["level"] == "error"
    assert line["error"] == "LookupError"
    frames, causes = line["frames"], line["causes"]
    assert isinstance(frames, list)
    assert isinstance(causes, list)
    assert [frame.split(":")[2] for frame in frames] == ["test_an_exception_is_its_type_and_frames", "fail"]
    assert all(frame.startswith("tests/service/test_logs.py:") for frame in frames)
    assert [cause["error"] for cause in causes] == ["KeyError"]
    assert "secret" not in stream.getvalue()
    assert "password" not in stream.getvalue()


def test_an_exception_as_a_value_is_the_same(stream: io.StringIO) -> None:
    """``error=`` takes an exception and writes its type; its text is never written."""
    logs.get_logger().error("x", error=ValueError(NAME))
    assert read(stream)[0]["error"] == "ValueError"


def test_a_group_and_a_long_chain_are_bounded(stream: io.StringIO) -> None:
    """Causes and frames are limited in number, the innermost kept."""

    def deep(count: int) -> None:
        if count == 0:
            raise ExceptionGroup(TOKEN, [ValueError(TOKEN)])
        deep(count - 1)

    try:
        deep(100)
    except ExceptionGroup:
        logs.get_logger().exception("x")
    (line,) = read(stream)
    assert isinstance(line["frames"], list)
    assert len(line["frames"]) == logs.FRAMES
    assert line["causes"] == [{"error": "ValueError", "frames": []}]


def test_other_libraries_words_do_not_get_in(stream: io.StringIO) -> None:
    """A foreign record is its logger, place, level and exception: neither words nor arguments."""
    try:
        fail(TOKEN)
    except LookupError:
        logging.getLogger("uvicorn.error").exception("in application for %s", NAME)
    logging.getLogger("piccolo").warning("SELECT * FROM cases WHERE name = '%s'", TOKEN, stack_info=True)
    logging.getLogger("asyncio").info("quiet")
    first, second = read(stream)
    assert (first["event"], first["logger"], first["level"]) == ("foreign", "uvicorn.error", "error")
    assert first["error"] == "LookupError"
    assert (second["logger"], second["level"]) == ("piccolo", "warning")
    assert str(second["at"]).startswith("tests/service/test_logs.py:")
    assert "secret" not in stream.getvalue()


def test_a_broken_record_prints_nothing_elsewhere(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """A record whose arguments do not fit its words is logged, and standard error stays empty."""
    ours = next(each for each in logging.getLogger().handlers if type(each).__module__ == logs.__name__)
    ours.handle(logging.makeLogRecord({"msg": "%d %d", "args": (TOKEN,), "levelno": logging.ERROR}))
    ours.handleError(logging.makeLogRecord({"msg": TOKEN}))
    assert read(stream)[0]["event"] == "foreign"
    assert capfd.readouterr().err == ""


def test_handlers_of_others_are_taken_away() -> None:
    """A handler that a library put up before does not print beside ours."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    loud = io.StringIO()
    theirs = logging.getLogger("tests.loud")
    theirs.addHandler(logging.StreamHandler(loud))
    theirs.propagate = False
    ours = io.StringIO()
    logs.configure(ours, clock=lambda: NOW)
    theirs.error(TOKEN)
    structlog.reset_defaults()
    root.handlers[:], root.level = kept, level
    assert loud.getvalue() == ""
    assert len(read(ours)) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_nobody_caught_is_logged_without_its_message(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """An exception that ends a thread or the program is one line; its message is printed nowhere."""
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    try:
        logs.catch_strays()
        thread = threading.Thread(target=fail, args=(TOKEN,))
        thread.start()
        thread.join()
        sys.excepthook(ValueError, ValueError(TOKEN), None)
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before
    assert [(line["event"], line["error"]) for line in read(stream)] == [
        ("stray.thread", "LookupError"),
        ("stray.main", "ValueError"),
    ]
    assert "secret" not in stream.getvalue() + capfd.readouterr().err


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        """Refuse."""
        raise OSError(28, "No space left on device")


def test_a_full_disk_stops_nobody() -> None:
    """A line that cannot be written is lost; the caller goes on, with a closed stream too."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    closed = io.StringIO()
    closed.close()
    for broken in (Full(), closed):
        logs.configure(broken, clock=lambda: NOW)
        logs.get_logger().info("x")
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def test_the_time_is_the_clocks_where_none_is_given() -> None:
    """Without a clock of the caller's the line bears the present time."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lines = io.StringIO()
    logs.configure(lines)
    logs.get_logger().info("x")
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level
    written = datetime.fromisoformat(str(read(lines)[0]["time"]))
    assert abs(written - datetime.now(UTC)) < timedelta(minutes=1)


@get("/api/cases/{case:str}", sync_to_thread=False)
def one(case: FromPath[str]) -> str:
    """Answer, and log something on the way."""
    logs.get_logger().info("inside", count=len(case))
    return "ok"


async def call(app: logs.RequestLog, path: str, query: bytes = b"") -> Scope:
    """One GET, driven as a server drives it."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"h"), (b"cookie", TOKEN.encode())],
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 8000),
    }

    async def receive() -> ReceiveMessage:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Message) -> None:
        return

    await app(scope, receive, send)  # type: ignore[arg-type]  # a plain dict stands for the server's scope
    return scope  # type: ignore[return-value]  # the same


def test_a_request_is_one_line_with_its_template(stream: io.StringIO) -> None:
    """Method, route template, status, time and id; never path, query, address or header."""
    app = logs.RequestLog(
        Litestar([one], openapi_config=None, logging_config=None), random=lambda size: b"\x01" * size
    )
    scope = asyncio.run(call(app, "/api/cases/hanako-secret", b"q=secret"))
    inside, request = read(stream)
    assert request.pop("duration_ms") >= 0  # type: ignore[operator]  # a number, or this fails
    assert request == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "request": "01" * 16,
        "route": "/api/cases/{case}",
        "status": 200,
        "time": "2026-11-23T05:50:27.179Z",
    }
    assert inside["request"] == "01" * 16
    assert scope["state"]["request_id"] == "01" * 16
    assert "secret" not in stream.getvalue()
    assert "192.0.2.1" not in stream.getvalue()


def test_a_request_without_a_route_is_logged_without_its_path(stream: io.StringIO) -> None:
    """What strangers type does not get into the log."""
    app = logs.RequestLog(
        Litestar([one], openapi_config=None, logging_config=None), random=lambda size: bytes(size)
    )
    asyncio.run(call(app, "/secret"))
    (request,) = read(stream)
    assert (request["route"], request["status"]) == ("-", 404)


def test_a_failing_request_is_logged_and_raised(stream: io.StringIO) -> None:
    """An exception goes on to the server, the line is written all the same, and the id is taken off again."""

    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError(TOKEN)

    with pytest.raises(LookupError):
        asyncio.run(call(logs.RequestLog(failing, random=lambda size: bytes(size)), "/"))
    logs.get_logger().info("after")
    request, after = read(stream)
    assert request["status"] == 0
    assert "request" not in after
