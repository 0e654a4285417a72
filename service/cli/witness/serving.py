"""The push side: ``POST /add-checkpoint`` of C2SP tlog-witness, and nothing else.

Rules kept here:
- The answers are those of the specification; a refusal's body is one constant word, or the size that was cosigned.
- The body is capped and timed while it comes in, before anything of it is read.
- Nobody is asked who they are: what a log's key did not sign is refused, whoever sends it.
- What fails here (the disk, the store) is 500 and a line for the technician; nothing is cosigned.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Generator, MutableMapping, Sequence
from dataclasses import dataclass

import uvicorn

from audit.errors import WitnessError, WitnessFault
from audit.witness import MAX_REQUEST, AddCheckpoint, read_request
from crypto.notes import VerifierKey
from service.cli.witness.config import Serving
from service.cli.witness.errors import ContradictionError
from service.cli.witness.keeping import Kept, Store

Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Report = Callable[[Exception], None]

PATH = "/add-checkpoint"
SECONDS = 20
_TEXT = b"text/plain; charset=utf-8"
_SIZE = b"text/x.tlog.size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, a body, its type; ``last`` closes the connection behind it."""

    status: int
    body: bytes
    type: bytes = _TEXT
    last: bool = False


STATUSES = {
    WitnessFault.TEXT: 400,
    WitnessFault.SIZE: 400,
    WitnessFault.SIGNATURE: 403,
    WitnessFault.ORIGIN: 404,
    WitnessFault.BEHIND: 409,
    WitnessFault.FORK: 409,
    WitnessFault.PROOF: 422,
}
"""C2SP tlog-witness, add-checkpoint."""

_WORDS = {
    400: b"bad request\n",
    403: b"forbidden\n",
    404: b"not found\n",
    405: b"method not allowed\n",
    408: b"too slow\n",
    413: b"too long\n",
    422: b"not consistent\n",
    500: b"failed\n",
}


def make_app(
    store: Store, logs: Sequence[VerifierKey], report: Report, seconds: float = SECONDS
) -> Application:
    """The ASGI application. ``report`` is told what the technician should know."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = _refuse_route(scope)
        if answer is None:
            body = await _read_body(receive, seconds)
            answer = body if isinstance(body, Answer) else await _add(store, logs, report, body)
        await _send(send, answer)

    return app


def _refused(status: int, *, last: bool = False) -> Answer:
    return Answer(status=status, body=_WORDS[status], last=last)


def _refuse_route(scope: Message) -> Answer | None:
    if scope["path"] != PATH:
        return _refused(404, last=True)
    return None if scope["method"] == "POST" else _refused(405, last=True)


async def _read_body(receive: Receive, seconds: float) -> bytes | Answer:
    """The request's body, or why it was not read to its end."""
    data = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                part = message.get("body", b"")
                if message["type"] != "http.request" or not isinstance(part, bytes):
                    return _refused(400, last=True)
                data += part
                if len(data) > MAX_REQUEST:
                    return _refused(413, last=True)
                if not message.get("more_body", False):
                    return bytes(data)
    except TimeoutError:
        return _refused(408, last=True)


async def _add(store: Store, logs: Sequence[VerifierKey], report: Report, body: bytes) -> Answer:
    """The answer to a request to cosign; the note is kept before there is one."""
    try:
        request = read_request(body.decode("utf-8"))
        kept = await asyncio.to_thread(_cosign, store, logs, request)
    except UnicodeDecodeError:
        return _refused(400)
    except ContradictionError as error:
        report(error)
        return _conflict(error.cosigned)
    except WitnessError as error:
        return _refused(STATUSES[error.fault]) if error.size is None else _conflict(error.size)
    except Exception as error:
        report(error)
        return _refused(500)
    return Answer(status=200, body=kept.line.encode("utf-8"))


def _cosign(store: Store, logs: Sequence[VerifierKey], request: AddCheckpoint) -> Kept:
    """What is kept from here on. Of a refusal only two roots for one size are evidence: anybody can send the rest."""
    try:
        return store.cosign(request, logs)
    except WitnessError as error:
        if error.fault is not WitnessFault.FORK or error.size is None:
            raise
        folder = store.keep_evidence(request, error.fault)
        raise ContradictionError(error.fault, error.size, error.size, folder) from None


def _conflict(size: int) -> Answer:
    return Answer(status=409, body=b"%d\n" % size, type=_SIZE)


async def _send(send: Send, answer: Answer) -> None:
    headers = [(b"content-type", answer.type), (b"content-length", b"%d" % len(answer.body))]
    if answer.status == 405:
        headers.append((b"allow", b"POST"))
    if answer.last:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: the command has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leaves the signals alone."""
        yield


def make_server(app: Application) -> Server:
    """The application in uvicorn, for a socket that listens already."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=64,
        timeout_graceful_shutdown=5,
    )
    return Server(config)


def listen(where: Serving) -> socket.socket:
    """A socket bound to the address. Raises OSError."""
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((where.host, where.port))
    except OSError:
        bound.close()
        raise
    return bound
