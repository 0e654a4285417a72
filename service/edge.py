"""The edge: what a request must be before the router sees it, and what every answer carries.

Rules, each refused with problem details (RFC 9457) and the status in brackets:

1. The Host header names this service, once (400 ``bad_host``). X-Forwarded-* and Forwarded are removed:
   nothing below can trust them.
2. Path, query and body are strict UTF-8, without NUL and without bidi controls, percent-encoded and
   ``\\u``-escaped ones included (400 ``bad_encoding``).
3. A body is at most ``limit`` bytes, whether announced or streamed (413 ``too_large``).
4. A body has exactly the content type of its place: JSON under ``/api``, a form elsewhere (415).
5. JSON is one document, at most 64 levels deep, no name twice in an object (400 ``bad_json``).
6. An unsafe method comes from our own pages: with a cookie, Sec-Fetch-Site or Origin must say so; without
   a cookie, they must not say otherwise (403 ``cross_site``).
7. Every answer, errors too, has the security headers (Content Security Policy Level 3 and the rest of
   `HEADERS`) and no Server header.
"""

import json
import re
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

from litestar.types import ASGIApp, HTTPRequestEvent, Message, Receive, ReceiveMessage, Scope, Send

from service.clean import Fault, UncleanError, check_json, check_text

LIMIT: Final = 1024 * 1024

HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
        b"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), serial=(), usb=()",
    ),
    (b"x-frame-options", b"DENY"),
)


class Refusal(Enum):
    """Why the edge refuses: the code in the problem's type, the status and the title of its answer."""

    BAD_HOST = ("bad_host", 400, "This host is not served here")
    BAD_ENCODING = ("bad_encoding", 400, "The request is not clean UTF-8")
    BAD_JSON = ("bad_json", 400, "The body is not acceptable JSON")
    CROSS_SITE = ("cross_site", 403, "The request comes from another site")
    TOO_LARGE = ("too_large", 413, "The body is too large")
    BAD_CONTENT_TYPE = ("bad_content_type", 415, "The content type is not accepted here")
    INTERNAL = ("internal", 500, "Internal error")

    def __init__(self, code: str, status: int, title: str) -> None:
        self.code = code
        self.status = status
        self.title = title


class RefusedError(Exception):
    """A request that the edge does not let in; carries the `Refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class _GoneError(Exception):
    """The client went away before its body was complete."""


_CHARSETS: Final = (b"", b";charset=utf-8", b"; charset=utf-8")
_JSON: Final = frozenset(b"application/json" + charset for charset in _CHARSETS)
_FORM: Final = frozenset(b"application/x-www-form-urlencoded" + charset for charset in _CHARSETS)
_FAULTS: Final = {Fault.ENCODING: Refusal.BAD_ENCODING, Fault.JSON: Refusal.BAD_JSON}
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_PAGES: Final = frozenset({b"same-origin", b"none"})
_FORWARDED: Final = frozenset(
    {b"forwarded", b"x-real-ip"}
    | {
        b"x-forwarded-" + part
        for part in (b"for", b"host", b"port", b"prefix", b"proto", b"scheme", b"server", b"by")
    }
)
_ONCE: Final = (b"host", b"content-type", b"content-length", b"origin", b"sec-fetch-site")
_REPLACED: Final = frozenset({b"server"} | {name for name, _ in HEADERS})

_PLAIN = re.compile(rb"[\x21-\x24\x26-\x7e]*+")
"""Bytes of a path or query that need no decoding: printable ASCII without the percent sign."""


def problem(status: int, code: str, title: str = "") -> bytes:
    """Problem details (RFC 9457 §3) as UTF-8 JSON: ``type`` ``/problems/CODE``, ``title``, ``status``."""
    return json.dumps({"type": f"/problems/{code}", "title": title, "status": status}).encode()


def _answer(refusal: Refusal) -> tuple[Message, Message]:
    body = problem(refusal.status, refusal.code, refusal.title)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    if refusal is Refusal.TOO_LARGE:
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    return (
        {"type": "http.response.start", "status": refusal.status, "headers": headers},
        {"type": "http.response.body", "body": body, "more_body": False},
    )


class Edge:
    """The ASGI application that lets only clean requests through to ``app`` and dresses every answer.

    ``hosts`` are the accepted Host values: a name alone is accepted with any port, a name with a port only
    so. ``limit`` is the largest body in bytes. Lifespan passes through, WebSocket is refused.
    """

    __slots__ = ("_answers", "_app", "_hosts", "_limit")

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], limit: int = LIMIT) -> None:
        self._app = app
        self._hosts = frozenset(host.lower().encode("ascii") for host in hosts)
        self._limit = limit
        self._answers = {refusal: _answer(refusal) for refusal in Refusal}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection; an exception of ``app`` is answered with 500 and raised again."""
        kind: str = scope["type"]
        if kind == "http":
            await self._serve(scope, receive, send)
        elif kind == "lifespan":
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                kept = [header for header in message.get("headers", ()) if header[0].lower() not in _REPLACED]
                message["headers"] = [*kept, *HEADERS]
            await send(message)

        try:
            admitted = await self._admit(scope, receive)
        except RefusedError as error:
            return await self._refuse(error.refusal, dressed)
        except UncleanError as error:
            return await self._refuse(_FAULTS[error.fault], dressed)
        except _GoneError:
            return None
        try:
            await self._app(scope, admitted, dressed)
        except Exception:
            if not started:
                await self._refuse(Refusal.INTERNAL, dressed)
            raise

    async def _refuse(self, refusal: Refusal, send: Send) -> None:
        start, body = self._answers[refusal]
        await send(start.copy())
        await send(body.copy())

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        """The ``receive`` for the application, once every rule holds; raises `RefusedError`."""
        headers = _read_headers(scope)
        self._check_host(headers.get(b"host", b""))
        _check_target(scope)
        method = str(scope.get("method"))
        if (
            method in _SAFE
            and headers.get(b"content-length", b"0") == b"0"
            and b"transfer-encoding" not in headers
        ):
            return receive
        if method not in _SAFE:
            _check_site(headers)
        if _announced(headers) > self._limit:
            raise RefusedError(Refusal.TOO_LARGE)
        body = await _read_body(receive, self._limit)
        if body:
            _check_body(scope["path"], headers, body)
        return _replay(body, receive)

    def _check_host(self, host: bytes) -> None:
        host = host.lower()
        if host in self._hosts:
            return
        name, _, port = host.rpartition(b":")
        if not (port.isdigit() and name in self._hosts):
            raise RefusedError(Refusal.BAD_HOST)


def _read_headers(scope: Scope) -> Mapping[bytes, bytes]:
    """The headers by name; forwarding headers are taken out of ``scope``, a doubled single one is refused."""
    found = list(scope["headers"])
    headers = dict(found)
    if len(headers) != len(found):
        names = [name for name, _ in found]
        for name in _ONCE:
            if names.count(name) > 1:
                raise RefusedError(Refusal.BAD_HOST if name == b"host" else Refusal.BAD_ENCODING)
    if not _FORWARDED.isdisjoint(headers):
        scope["headers"] = [header for header in found if header[0] not in _FORWARDED]
    return MappingProxyType(headers)


def _check_target(scope: Scope) -> None:
    """Path and query decode strictly and hold nothing unwanted."""
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    for part in (path, scope["query_string"]):
        if _PLAIN.fullmatch(part) is None:
            check_text(unquote_to_bytes(part))


def _check_site(headers: Mapping[bytes, bytes]) -> None:
    """An unsafe request is sent by our own pages, or by a program that has no cookie.

    Sec-Fetch-Site decides where the browser sends it. Origin may then be ``null``: that is what a form
    sends under ``Referrer-Policy: no-referrer`` (Fetch, "append a request Origin header").
    """
    site = headers.get(b"sec-fetch-site")
    origin = headers.get(b"origin")
    if site is None and origin is None:
        clean = b"cookie" not in headers
    elif site is None:
        clean = _same_host(origin, headers)
    else:
        clean = site in _OWN_PAGES and (origin in (None, b"null") or _same_host(origin, headers))
    if not clean:
        raise RefusedError(Refusal.CROSS_SITE)


def _same_host(origin: bytes | None, headers: Mapping[bytes, bytes]) -> bool:
    # The scheme is not compared: behind a proxy that ends TLS it is not known here.
    scheme, _, authority = (origin or b"").lower().partition(b"://")
    return scheme in (b"http", b"https") and authority == headers[b"host"].lower()


def _announced(headers: Mapping[bytes, bytes]) -> int:
    """The announced length in bytes, 0 where there is none; a malformed one is refused."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise RefusedError(Refusal.BAD_ENCODING)
    return int(length[:20])


async def _read_body(receive: Receive, limit: int) -> bytes:
    """The whole body, at most ``limit`` bytes; stops reading at the first byte too many."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _GoneError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise RefusedError(Refusal.TOO_LARGE)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False
    whole: HTTPRequestEvent = {"type": "http.request", "body": body, "more_body": False}

    async def again() -> ReceiveMessage:
        nonlocal given
        if given:
            return await receive()
        given = True
        return whole

    return again


def _check_body(path: str, headers: Mapping[bytes, bytes], body: bytes) -> None:
    """The body is what its place takes: JSON under ``/api``, a form elsewhere, never compressed."""
    api = path == "/api" or path.startswith("/api/")
    kind = headers.get(b"content-type", b"").lower()
    if kind not in (_JSON if api else _FORM) or b"content-encoding" in headers:
        raise RefusedError(Refusal.BAD_CONTENT_TYPE)
    if api:
        check_json(body)
    else:
        check_text(unquote_to_bytes(body))
