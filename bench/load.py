"""A lean HTTP/1.1 load: keep-alive connections that each send the next request when the answer is whole.

It reads no more of an answer than it must: the status, the length, the end.
"""

import asyncio
import time
from dataclasses import dataclass

import uvloop


class AnswerError(Exception):
    """An answer that is not 200, or none; ``head`` is its beginning."""

    def __init__(self, head: bytes) -> None:
        super().__init__(head)
        self.head = head


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to ask for what; ``token`` None: without an Authorization header."""

    port: int
    path: str
    host: str
    token: str | None = None

    def request(self) -> bytes:
        """The request as bytes."""
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {self.host}", "Accept: application/json"]
        if self.token is not None:
            lines.append(f"Authorization: Bearer {self.token}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class _Connection(asyncio.Protocol):
    """One connection; ``answered`` counts its whole answers until it is told to stop."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._data = b""
        self._stopping = False
        self._transport: asyncio.Transport | None = None
        self.answered = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a stream
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        if not self._data.startswith(b"HTTP/1.1 200 "):
            self._end(AnswerError(self._data[:400]))
        elif len(self._data) >= end + 4 + _length(self._data[:end]):
            self._whole()

    def _whole(self) -> None:
        """An answer is whole: the next request goes out, or the connection ends."""
        self.answered += 1
        self._data = b""
        if self._stopping:
            self._end(None)
        elif self._transport is not None:
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or (None if self._stopping else AnswerError(b"connection closed")))

    def stop(self) -> None:
        """No request after the one that is on its way."""
        self._stopping = True

    def _end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + 15
    return int(head[start : start + 20].split(b"\r\n", 1)[0])


def requests_in(target: Target, connections: int, seconds: float) -> tuple[int, float]:
    """How many requests were answered in about ``seconds`` and in how long exactly. Raises AnswerError."""
    return uvloop.run(_load(target, connections, seconds))


async def _load(target: Target, connections: int, seconds: float) -> tuple[int, float]:
    loop, request = asyncio.get_running_loop(), target.request()
    begun = time.perf_counter()
    made = [
        (await loop.create_connection(lambda: _Connection(request), "127.0.0.1", target.port))[1]
        for _ in range(connections)
    ]
    await asyncio.wait([one.ended for one in made], timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for one in made:
        one.stop()
    await asyncio.gather(*(one.ended for one in made))
    return sum(one.answered for one in made), time.perf_counter() - begun
