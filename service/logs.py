"""The service's own log: one JSON object a line, and nothing in it that could be personal.

Rules:

1. Keys come from `KEYS`; any other is dropped, and the line says how many (``dropped``).
2. A value is a number, a truth value, an id of the key's kind, or 1 to 120 printable ASCII characters
   without a space; anything else becomes ``?``. So no sentence, no Japanese name and no line break gets in.
3. An exception is its type and its frames (file, line, function): no message, no locals, no source.
4. What other libraries log goes through the same rules: their logger's name and place, never their words.
5. A line that cannot be written is lost and stops nobody.

This log is for operators. The access log, which auditors read, is another thing (formats.md).
"""

import logging
import math
import re
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePath
from traceback import walk_tb
from types import TracebackType
from typing import Final, TextIO
from uuid import UUID

import msgspec
import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from cases import ids

KINDS: Final = {
    "case": ids.CASE,
    "collaboration": ids.COLLABORATION,
    "group": ids.GROUP,
    "organisation": ids.ORGANISATION,
    "row": ids.ROW,
    "section": ids.SECTION,
    "series": ids.SERIES,
    "user": ids.USER,
}
"""Keys whose value is an id, with the letter of its kind."""

KEYS: Final = frozenset(KINDS) | frozenset(
    {
        "at",
        "attempt",
        "batch",
        "causes",
        "code",
        "count",
        "dropped",
        "duration_ms",
        "entries",
        "error",
        "event",
    }
    | {"frames", "index", "level", "logger", "method", "pid", "port", "reason", "request", "route", "seconds"}
    | {"signal", "size", "status", "table", "time", "tree", "version"}
)
"""Every key that a line may have."""

FRAMES: Final = 20
"""How many frames of an exception are kept: the innermost."""
CAUSES: Final = 4

_CLEAN = re.compile(r"[\x21-\x7e]{1,120}", re.ASCII)
_MASKED: Final = "?"
_LISTS: Final = ("causes", "frames")
"""Keys that only `_describe` fills with more than a value."""


def configure(stream: TextIO, *, clock: Callable[[], datetime] | None = None) -> None:
    """Send every log line of this process to ``stream``, those of libraries (from WARNING) included.

    ``clock`` gives an aware time. Handlers that libraries have set up are taken away; start uvicorn with
    ``log_config=None``, else it puts its own back.
    """
    now = clock or _now

    def stamp(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event["level"] = "error" if method == "exception" else method
        event["time"] = now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, stamp, _describe, _keep, _render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_Lines(stream),
        cache_logger_on_first_use=False,
    )
    _take_over()


def get_logger() -> FilteringBoundLogger:
    """The logger: ``log.info("writer.full", count=3)``, keywords only, ids and codes only."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def catch_strays() -> None:
    """Log what nobody caught, in any thread, by rule 3, where Python would print its message."""
    sys.excepthook = lambda _kind, error, _trace: _stray("stray.main", error)
    threading.excepthook = lambda stray: _stray("stray.thread", stray.exc_value)
    sys.unraisablehook = lambda stray: _stray("stray.unraisable", stray.exc_value)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLog:
    """The ASGI layer that writes one line a request: method, route template, status, time, request id.

    The path itself is never written: it holds ids and what strangers type. The id, 16 bytes of ``random``,
    is ``scope["state"]["request_id"]`` in hex, and stands in each line logged during the request.
    """

    __slots__ = ("_app", "_random")

    def __init__(self, app: ASGIApp, *, random: Callable[[int], bytes]) -> None:
        self._app = app
        self._random = random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection and log it where it is a request."""
        kind: str = scope["type"]
        if kind != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        request = self._random(16).hex()
        scope.setdefault("state", {})["request_id"] = request
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request):
            try:
                await self._app(scope, receive, watch)
            finally:
                _log_request(scope, status, time.perf_counter() - begun)


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    """One line; status 0 says that the client went away unanswered, route ``-`` that no route was found."""
    get_logger().info(
        "request",
        method=scope.get("method") if scope.get("method") in _METHODS else "?",
        route=scope.get("path_template") or "-",
        status=status,
        duration_ms=round(seconds * 1000, 3),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _stray(event: str, error: BaseException | None) -> None:
    get_logger().critical(event, exc_info=error)


class _Lines:
    """The end of the pipe: writes each line whole; made once, it is its own factory."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, *_names: str) -> "_Lines":
        return self

    def msg(self, line: str) -> None:
        try:
            with self._lock:
                self._stream.write(line)
                self._stream.flush()
        except (OSError, ValueError):
            return  # rule 5: a full disk or a closed pipe must not refuse a request

    debug = info = warning = error = critical = exception = msg


class _Foreign(logging.Handler):
    """Takes the standard library's log records and keeps their place, their level and their exception."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        place = f"{_short(record.pathname)}:{record.lineno}:{record.funcName}"
        method = "error" if record.levelno >= logging.ERROR else "warning"
        log = get_logger()
        (log.error if method == "error" else log.warning)(
            "foreign", logger=record.name, at=place, exc_info=error
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is theirs
        """Say nothing: the standard library would print the record with its arguments."""


def _take_over() -> None:
    root = logging.getLogger()
    for name in root.manager.loggerDict:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    root.handlers[:] = [_Foreign()]
    root.setLevel(logging.WARNING)


def _describe(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Turn an exception into its type, its frames and its causes (rule 3)."""
    event.update((key, _MASKED) for key in _LISTS if key in event)
    given = event.pop("exc_info", None)
    named = event.get("error")
    found = given if isinstance(given, BaseException) else named if isinstance(named, BaseException) else None
    if found is None and (given or method == "exception"):
        found = sys.exc_info()[1]
    if found is None:
        return event
    event["error"], event["frames"] = _kind(found), _frames(found.__traceback__)
    causes: list[dict[str, str | list[str]]] = []
    cause = _cause(found)
    while cause is not None and len(causes) < CAUSES:
        causes.append({"error": _kind(cause), "frames": _frames(cause.__traceback__)})
        cause = _cause(cause)
    event["causes"] = causes
    return event


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions[0]
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _kind(error: BaseException) -> str:
    kind = type(error)
    return _text(
        kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    )


def _frames(trace: TracebackType | None) -> list[str]:
    places = [
        _text(f"{_short(frame.f_code.co_filename)}:{line}:{frame.f_code.co_name}")
        for frame, line in walk_tb(trace)
    ]
    return places[-FRAMES:]


def _short(path: str) -> str:
    return "/".join(PurePath(path).parts[-3:])  # enough to find it, and no home folder


def _keep(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Rules 1 and 2."""
    kept: EventDict = {key: _value(key, value) for key, value in event.items() if key in KEYS}
    if len(kept) < len(event):
        kept["dropped"] = len(event) - len(kept)
    return kept


def _value(key: str, value: object) -> object:
    if key in _LISTS and isinstance(value, list):
        return value
    if isinstance(value, Enum):
        value = value.value
    if key in KINDS:
        return _id(KINDS[key], value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else _MASKED
    return _text(value) if isinstance(value, str) else _MASKED


def _id(kind: str, value: object) -> str:
    if isinstance(value, UUID):
        return ids.write_id(kind, value)
    return value if isinstance(value, str) and ids.read_id(kind, value) is not None else _MASKED


def _text(text: str) -> str:
    return text if _CLEAN.fullmatch(text) is not None else _MASKED


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return msgspec.json.encode(event, order="sorted").decode("ascii") + "\n"
