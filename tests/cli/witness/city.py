"""A city's server as the witness meets it over HTTP: a log's checkpoint and tiles, and where cosignatures come in.

It is a thread of its own, speaks the paths of C2SP tlog-tiles, asks for the token, and can be made to misbehave.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from tests.audit.bundles import Log, hash_tiles
from tests.audit.examples import digest

TOKEN = "w." + "t" * 43
TREE = "test"


def log_of(size: int, other: int | None = None, seed: bytes = b"\x01" * 32) -> Log:
    """A log of that many entries; with ``other`` its entries from that index on are different ones."""
    hashes = [digest(at) if other is None or at < other else digest(at + 1_000_000) for at in range(size)]
    return Log(leaves=[None] * size, hashes=hashes, seed=seed, witnesses=())


@dataclass(kw_only=True)
class Reply:
    """What is answered instead of what should be."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0
    endless: bool = False
    drop: bool = False


class City:
    """The server: ``files`` is what it shows, ``asked`` what was fetched, ``taken`` the notes that came back."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.replies: dict[str, Reply] = {}
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()
        self.taken: list[str] = []
        self.watch: Callable[[str], None] = lambda path: None
        self.url = ""

    def show(self, log: Log, note: str | None = None) -> None:
        """From here on this is the log; ``note`` replaces its checkpoint."""
        shown = log.note() if note is None else note
        self.files = {"checkpoint": shown.encode(), **hash_tiles(log.all_hashes)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    city: ClassVar[City]

    def do_GET(self) -> None:
        city = self.city
        head, _, path = self.path.partition(f"/log/{TREE}/")
        city.asked.append(path)
        city.watch(path)
        city.tokens.add(self.headers["authorization"])
        reply = city.replies.get(path)
        if self.headers["authorization"] != f"Bearer {TOKEN}":
            reply = Reply(status=401)
        elif reply is None:
            body = None if head else city.files.get(path)
            reply = Reply(status=404) if body is None else Reply(body=body)
        self._answer(reply)

    def do_POST(self) -> None:
        city = self.city
        sent = self.rfile.read(int(self.headers["content-length"]))
        city.watch("cosignatures")
        reply = city.replies.get("cosignatures", Reply(status=201))
        if self.headers["authorization"] != f"Bearer {TOKEN}":
            reply = Reply(status=401)
        elif self.path != f"/api/log/{TREE}/cosignatures":
            reply = Reply(status=404)
        elif reply.status == 201 and not reply.drop:
            city.taken.append(json.loads(sent)["note"])
        self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        self.close_connection = reply.drop or reply.endless
        if reply.drop:
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if not reply.endless:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        try:
            self._body(reply)
        except OSError:
            return

    def _body(self, reply: Reply) -> None:
        for _ in range(1000 if reply.endless else 1):
            if not reply.drip:
                self.wfile.write(reply.body)
                continue
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                time.sleep(reply.drip)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def running(city: City) -> Iterator[City]:
    """The city's server, until the end."""
    handler = type("Handler", (_Handler,), {"city": city})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        city.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield city
        finally:
            server.shutdown()
            thread.join()
