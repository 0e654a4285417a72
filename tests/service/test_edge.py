"""The edge lets only clean requests through, and every answer carries the security headers."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar, get, post
from litestar.params import JSONBody
from litestar.types import Message, Receive, ReceiveMessage, Scope, Send

from service.edge import HEADERS, LIMIT, Edge, Refusal, problem

HOST = "tsunagi.example"
JSON = {"content-type": "application/json"}


@dataclass(slots=True)
class Answer:
    """What went over the wire."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    reads: int = 0

    @property
    def code(self) -> str:
        """The problem's code, or nothing for an answer that is no problem."""
        return json.loads(self.body)["type"].removeprefix("/problems/") if self.status >= 400 else ""


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body and the names of the headers that came through, and a Server header."""
    body = b""
    if scope.get("method") not in ("GET", "HEAD", "OPTIONS"):
        message = await receive()
        assert message["type"] == "http.request"
        assert not message["more_body"]
        body = message["body"]
    names = b",".join(name for name, _ in scope["headers"])
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"Server", b"echo"), (b"cache-control", b"public"), (b"x-seen", names)],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def ask(
    app: Edge,
    method: str,
    target: str,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    chunks: tuple[bytes, ...] = (),
    host: str | None = HOST,
) -> Answer:
    """One request, driven as a server drives it; a body without content-length is streamed."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    if host is not None:
        pairs = [("host", host), *pairs]
    raw, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw,
        "raw_path": raw.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    answer = Answer()
    waiting = list(chunks) or [b""]

    async def receive() -> ReceiveMessage:
        answer.reads += 1
        if not waiting:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            answer.body += message["body"]

    await app(scope, receive, send)  # type: ignore[arg-type]  # a plain dict stands for the server's scope
    return answer


EDGE = Edge(echo, hosts=frozenset({HOST, "127.0.0.1:8000"}))


def send(
    method: str,
    target: str,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    *chunks: bytes,
    host: str | None = HOST,
) -> Answer:
    """One request to the echoing application."""
    return asyncio.run(ask(EDGE, method, target, headers, chunks, host))


def write(body: bytes, headers: Mapping[str, str] = JSON, target: str = "/api/cases") -> Answer:
    """One POST of ``body``, with its length announced."""
    return send("POST", target, {"content-length": str(len(body)), **headers}, body)


@pytest.mark.parametrize("host", [HOST, "TSUNAGI.example", f"{HOST}:443", "127.0.0.1:8000"])
def test_a_listed_host_is_served(host: str) -> None:
    """A name is served with any port and in any case, a name with a port as it is listed."""
    assert send("GET", "/", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:8001",
        f"{HOST}:x",
        f"{HOST}.",
        f"{HOST}@evil.example",
        ":80",
    ],
)
def test_an_unlisted_host_is_refused(host: str | None) -> None:
    """Host is an allow-list: what is not listed gets 400."""
    answer = send("GET", "/", host=host)
    assert (answer.status, answer.code) == (400, "bad_host")


def test_a_second_host_is_refused() -> None:
    """A request with two Host headers is served under neither."""
    for first, second in (("evil.example", HOST), (HOST, "evil.example"), (HOST, HOST)):
        answer = send("GET", "/", [("host", second)], host=first)
        assert (answer.status, answer.code) == (400, "bad_host")


def test_forwarding_headers_do_not_pass() -> None:
    """Nothing below the edge sees X-Forwarded-* or Forwarded."""
    answer = send(
        "GET", "/", {"x-forwarded-for": "203.0.113.9", "forwarded": "for=x", "x-forwarded-host": "h"}
    )
    assert dict(answer.headers)[b"x-seen"] == b"host"


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
def test_json_is_taken_under_api(kind: str) -> None:
    """JSON in UTF-8 passes byte for byte."""
    body = '{"氏名": "𠮷田 髙"}'.encode()
    answer = write(body, {"content-type": kind})
    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=shift_jis"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json, text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_another_content_type_is_refused_under_api(headers: dict[str, str]) -> None:
    """A body under /api is exactly JSON, else 415."""
    answer = write(b"{}", headers)
    assert (answer.status, answer.code) == (415, "bad_content_type")


def test_a_form_is_taken_elsewhere_only() -> None:
    """Outside /api a body is a form, and JSON is refused."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert write(b"a=%E6%B0%8F", form, "/cases").status == 200
    assert write(b"a=%00", form, "/cases").code == "bad_encoding"
    assert write(b"{}", JSON, "/cases").code == "bad_content_type"
    assert write(b"{}", JSON, "/apis").code == "bad_content_type"


def test_an_empty_body_needs_no_content_type() -> None:
    """A request without a body passes without a content type."""
    assert send("DELETE", "/api/session").status == 200
    assert send("POST", "/api/cases", {"transfer-encoding": "chunked"}).status == 200


def test_a_body_on_a_safe_method_is_checked_too() -> None:
    """GET with a body is held to the same rules."""
    assert send("GET", "/api/cases", {"content-length": "2"}, b"{}").code == "bad_content_type"
    assert send("GET", "/api/cases", {"transfer-encoding": "chunked"}, b"{}").code == "bad_content_type"


def test_a_body_of_the_limit_passes_and_a_byte_more_does_not() -> None:
    """The limit is exact: 1 MiB passes, 1 MiB and a byte is 413."""
    assert LIMIT == 1024 * 1024
    assert write(b'"' + b"a" * (LIMIT - 2) + b'"').status == 200
    assert write(b'"' + b"a" * (LIMIT - 1) + b'"').code == "too_large"


def test_an_announced_body_over_the_limit_is_not_read() -> None:
    """Content-Length over the limit is refused before a byte of the body is read."""
    answer = send("POST", "/api/cases", {"content-length": str(LIMIT + 1), **JSON}, b"{}")
    assert (answer.status, answer.code, answer.reads) == (413, "too_large", 0)
    assert send("POST", "/api/cases", {"content-length": "9" * 5000, **JSON}).code == "too_large"


def test_a_streamed_body_over_the_limit_is_not_read_to_its_end() -> None:
    """A body without a length is read at most to its first byte too many."""
    chunk = b" " * (LIMIT // 4)
    answer = send("POST", "/api/cases", JSON, *[chunk] * 100)
    assert (answer.status, answer.code, answer.reads) == (413, "too_large", 5)


def test_a_lying_length_does_not_pass_the_limit() -> None:
    """A small announced length does not let a large body in."""
    assert send("POST", "/api/cases", {"content-length": "2", **JSON}, b" " * (LIMIT + 1)).code == "too_large"
    assert send("POST", "/api/cases", {"content-length": "²", **JSON}, b"{}").code == "bad_encoding"


def test_a_chunked_body_arrives_whole() -> None:
    """A streamed body reaches the application as the same bytes, in one piece."""
    assert send("POST", "/api/cases", JSON, b'{"a"', b": 1", b"}").body == b'{"a": 1}'


def test_a_client_that_leaves_is_not_answered() -> None:
    """A request whose body never ends is dropped: no answer, no error, and the application is not called."""

    async def leave() -> list[Message]:
        sent: list[Message] = []

        async def receive() -> ReceiveMessage:
            return {"type": "http.disconnect"}

        async def keep(message: Message) -> None:
            sent.append(message)

        headers = [
            (b"host", HOST.encode()),
            (b"content-length", b"9"),
            (b"content-type", b"application/json"),
        ]
        scope = {"type": "http", "method": "POST", "path": "/api", "query_string": b"", "headers": headers}
        await EDGE(scope, receive, keep)  # type: ignore[arg-type]  # only what the edge reads
        return sent

    assert asyncio.run(leave()) == []


@pytest.mark.parametrize(
    "body", [b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', '"あ"'.encode("shift_jis"), b'"\xf4\x90\x80\x80"']
)
def test_a_body_that_is_no_strict_utf8_is_refused(body: bytes) -> None:
    """Overlong forms, surrogates and other encodings get 400."""
    answer = write(body)
    assert (answer.status, answer.code) == (400, "bad_encoding")


UNWANTED = ["\0", "\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e"]
UNWANTED += ["\u2066", "\u2067", "\u2068", "\u2069"]


@pytest.mark.parametrize("char", UNWANTED)
def test_nul_and_bidi_controls_are_refused_in_a_body(char: str) -> None:
    """Plain or escaped, in a name or a value, in an object or a list: 400."""
    plain, escaped = char.encode(), b"\\u%04x" % ord(char)
    for text in (plain, escaped, escaped.upper().replace(b"\\U", b"\\u"), b"\\\\" + escaped):
        for body in (b'"a%sb"', b'{"a": "%s"}', b'{"a%s": 1}', b'[1, ["%s"]]', b'[{"a": [{"b": "c%s"}]}]'):
            assert write(body % text).code == "bad_encoding", body % text


def test_an_escaped_backslash_before_a_u_is_no_escape() -> None:
    """The text ``\\u0000``, written with an escaped backslash, is innocent."""
    assert write(rb'"\\u0000"').status == 200
    assert write(rb'"\\\\u202e"').status == 200


def test_a_lone_surrogate_escape_is_refused() -> None:
    """Half a surrogate pair is no text; a whole one is."""
    assert write(rb'"\ud842"').code == "bad_encoding"
    assert write(rb'{"a": ["\udfb7"]}').code == "bad_encoding"
    assert write(rb'"\ud842\udfb7"').status == 200


@pytest.mark.parametrize(
    "part", ["%00", "%E2%80%AE", "%e2%81%a6", "%FF", "%C0%80", "%ED%A0%80", "\xff", "%D8%9C"]
)
def test_an_unclean_path_or_query_is_refused(part: str) -> None:
    """Path and query are strict UTF-8 without NUL and bidi controls after percent-decoding."""
    assert send("GET", f"/api/{part}").code == "bad_encoding"
    assert send("GET", f"/api/cases?after={part}").code == "bad_encoding"


def test_a_clean_path_and_query_pass() -> None:
    """Percent-encoded Japanese and a percent sign written twice are clean."""
    assert send("GET", "/api/%E6%B0%8F?q=%E5%90%8D&p=%2500").status == 200


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """A document of ``depth`` levels."""
    return opening * depth + b"1" + closing * depth


def test_json_may_be_64_deep_and_no_deeper() -> None:
    """64 levels pass, 65 get 400, of lists, objects or both."""
    assert write(nested(64)).status == 200
    assert write(nested(65)).code == "bad_json"
    assert write(nested(64, b'{"a":', b"}")).status == 200
    assert write(nested(65, b'{"a":', b"}")).code == "bad_json"
    assert write(nested(32, b'[{"a":', b"}]")).status == 200
    assert write(nested(33, b'[{"a":', b"}]")).code == "bad_json"


def test_brackets_in_strings_are_no_depth() -> None:
    """Text may hold any number of brackets, quotes and backslashes."""
    assert write(json.dumps({"note": '["\\' * 200}).encode()).status == 200


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":2}', b'[{"b":{"a":1,"\\u0061":2}}]', b'{"allowed":[],"x":{},"allowed":[1]}']
)
def test_a_name_twice_in_an_object_is_refused(body: bytes) -> None:
    """An object that two parsers could read differently gets 400, escapes resolved."""
    answer = write(body)
    assert (answer.status, answer.code) == (400, "bad_json")


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"]",
        b"[}",
        b"{]",
        b"{} {}",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"{'a':1}",
        b'"',
        b'"\\',
        b"[1,]",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b'"a\nb"',
        b"01",
        b"9" * 5000,
        b"[" * 100_000,
        b'"\\"' * 300_000,
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Malformed, doubled, endless or constant-laden documents get 400, and quickly."""
    begun = time.perf_counter()
    answer = write(body)
    assert answer.status == 400
    assert answer.code in ("bad_json", "bad_encoding")
    assert time.perf_counter() - begun < 5


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
        max_leaves=12,
    ),
    st.booleans(),
)
def test_the_edge_takes_what_is_clean_and_nothing_else(value: object, escaped: bool) -> None:
    """For any document: 200 and the same bytes, or 400 exactly where it holds an unwanted character."""
    body = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    unwanted = any(char in text for text in _texts(value) for char in UNWANTED)
    answer = write(body)
    assert (answer.status, answer.code) == ((400, "bad_encoding") if unwanted else (200, ""))
    if not unwanted:
        assert answer.body == body
        assert msgspec.json.decode(body) == value


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        return [text for name, item in value.items() for text in (name, *_texts(item))]
    return []


COOKIE = {"cookie": "__Host-tsunagi=x"}


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin", "origin": f"https://{HOST}"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "none"},
        {"origin": f"https://{HOST}"},
    ],
)
def test_our_own_pages_may_write(headers: dict[str, str]) -> None:
    """A write from the service's own origin passes, with the cookie."""
    assert send("POST", "/api/cases", {**COOKIE, **headers}).status == 200


@pytest.mark.parametrize("cookie", [COOKIE, {}])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-site", "origin": "https://other.tsunagi.example"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"origin": "https://evil.example"},
        {"origin": f"https://{HOST}.evil.example"},
        {"origin": f"https://{HOST}:8443"},
        {"origin": f"file://{HOST}"},
        {"origin": "null"},
        {"origin": ""},
    ],
)
def test_other_sites_may_not_write(method: str, headers: dict[str, str], cookie: dict[str, str]) -> None:
    """A write that a browser sends for another site gets 403 and one constant body."""
    answer = send(method, "/api/cases", {**cookie, **headers})
    assert (answer.status, answer.body) == (403, problem(403, "cross_site", Refusal.CROSS_SITE.title))


def test_a_cookie_without_an_origin_may_not_write() -> None:
    """A cookie alone proves no origin; a program without a cookie needs none; reading is not held to it."""
    assert send("POST", "/api/cases", COOKIE).code == "cross_site"
    assert send("POST", "/api/cases", {"authorization": "Bearer x"}).status == 200
    assert send("GET", "/api/cases", {**COOKIE, "sec-fetch-site": "cross-site"}).status == 200


def dress(answer: Answer) -> None:
    """The answer has each security header once, exactly, and no Server header."""
    names = [name.lower() for name, _ in answer.headers]
    for name, value in HEADERS:
        assert names.count(name) == 1
        assert (name, value) in answer.headers
    assert b"server" not in names


def test_every_answer_is_dressed() -> None:
    """Answers of the application and refusals of the edge carry the same security headers."""
    for answer in (send("GET", "/"), send("GET", "/", host="x"), write(b"{"), write(b" " * (LIMIT + 1))):
        dress(answer)
    expected = {b"content-security-policy", b"cache-control", b"x-content-type-options", b"referrer-policy"}
    expected |= {
        b"cross-origin-opener-policy",
        b"cross-origin-resource-policy",
        b"permissions-policy",
        b"x-frame-options",
    }
    assert {name for name, _ in HEADERS} == expected


def test_a_refusal_is_problem_details() -> None:
    """A refusal is RFC 9457: type, title, status, its media type and its length."""
    answer = send("GET", "/", host="x")
    assert json.loads(answer.body) == {
        "type": "/problems/bad_host",
        "title": "This host is not served here",
        "status": 400,
    }
    assert dict(answer.headers)[b"content-type"] == b"application/problem+json"
    assert dict(answer.headers)[b"content-length"] == str(len(answer.body)).encode()


def test_a_failing_application_is_answered_and_heard() -> None:
    """An exception that reaches the edge gives a dressed 500 that says nothing, and goes on to the server."""

    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError("山田 太郎")

    sent: list[Message] = []

    async def run() -> None:
        async def receive() -> ReceiveMessage:
            return {"type": "http.disconnect"}

        async def keep(message: Message) -> None:
            sent.append(message)

        headers = [(b"host", HOST.encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
        await Edge(failing, hosts=frozenset({HOST}))(scope, receive, keep)  # type: ignore[arg-type]  # what it reads

    with pytest.raises(LookupError):
        asyncio.run(run())
    start, body = sent
    assert start["type"] == "http.response.start"
    dress(Answer(status=start["status"], headers=list(start["headers"])))
    assert body["type"] == "http.response.body"
    assert body["body"] == problem(500, "internal", "Internal error")


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """A body for the real router."""

    text: str


@get("/api/health", sync_to_thread=False)
def health() -> dict[str, str]:
    """Say ok."""
    return {"state": "ok"}


@post("/api/notes", sync_to_thread=False)
def note(data: JSONBody[Note]) -> Note:
    """Give back what came."""
    return data


def test_litestar_behind_the_edge_answers_dressed_and_never_5xx() -> None:
    """Behind the edge, the router's own answers and errors are dressed, and hostile bodies give no 5xx."""
    app = Edge(Litestar([health, note], openapi_config=None), hosts=frozenset({HOST}))

    async def run() -> list[Answer]:
        asked = [await ask(app, method, "/api/health") for method in ("GET", "HEAD", "OPTIONS", "POST")]
        asked.append(await ask(app, "GET", "/nowhere"))
        for body in (b'{"text":"a"}', b'{"text":1}', b"\xff", b"[" * 5000, b'{"text":"a\\u0000"}'):
            asked.append(
                await ask(app, "POST", "/api/notes", {"content-length": str(len(body)), **JSON}, (body,))
            )
        return asked

    answers = asyncio.run(run())
    for answer in answers:
        dress(answer)
    assert [answer.status for answer in answers] == [200, 405, 204, 405, 404, 201, 400, 400, 400, 400]


def test_websockets_are_refused() -> None:
    """What is not listed is denied: there is no WebSocket here."""
    sent: list[Message] = []

    async def run() -> None:
        async def receive() -> ReceiveMessage:
            return {"type": "websocket.connect"}

        async def keep(message: Message) -> None:
            sent.append(message)

        await EDGE({"type": "websocket"}, receive, keep)  # type: ignore[arg-type]  # only what the edge reads

    asyncio.run(run())
    assert [message["type"] for message in sent] == ["websocket.close"]
