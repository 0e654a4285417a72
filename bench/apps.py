"""The apps that are served for a measurement, each by uvicorn with uvloop and httptools, as `tsunagi serve` is.

``python -m bench.apps KIND FOLDER SOCKET`` serves one on an inherited listening socket (its file number) until it is
told to stop. Kinds:

- ``house``: the whole service on the town in FOLDER.
- ``hello``: Litestar's smallest JSON answer.
- ``plain``: the same 12 values in clear by the case's id, from SQLite by a held connection: no sign-in, no consent,
  no log. What is left is what anybody would pay.
"""

import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvicorn
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.types import ASGIApp

from bench.town import COST, settings_in
from service.cli.opening import load_house
from service.cli.serve import make_server
from service.logs import configure

PLAIN = "plain.sqlite"
_SELECT = "SELECT id, number, owner, fields FROM plain WHERE id = ?"


class Hello(msgspec.Struct):
    """The smallest answer."""

    hello: str


class PlainCase(msgspec.Struct):
    """A case in clear."""

    id: str
    number: str
    owner: str
    fields: msgspec.Raw


@get("/hello")
async def hello() -> Hello:
    """Says hello."""
    return Hello(hello="world")


@get("/plain/{case:str}")
async def plain(state: State, case: FromPath[str]) -> PlainCase:
    """The row, as it lies."""
    connection: sqlite3.Connection = state.connection
    id, number, owner, fields = connection.execute(_SELECT, (case,)).fetchone()
    return PlainCase(id=id, number=number, owner=owner, fields=msgspec.Raw(fields))


def write_plain(folder: Path, answer: bytes) -> str:
    """Puts what the job answers into a table in clear; the path to ask for it."""
    found = msgspec.json.decode(answer)
    with sqlite3.connect(folder / PLAIN) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE plain (id TEXT PRIMARY KEY, number TEXT, owner TEXT, fields TEXT)")
        fields = msgspec.json.encode(found["fields"]).decode()
        connection.execute(
            "INSERT INTO plain VALUES (?, ?, ?, ?)", (found["id"], found["number"], found["owner"], fields)
        )
    connection.close()
    return f"/plain/{found['id']}"


def _hello(_folder: Path) -> uvicorn.Server:
    return _served(Litestar([hello], logging_config=None, openapi_config=None))


def _plain(folder: Path) -> uvicorn.Server:
    connection = sqlite3.connect(folder / PLAIN, check_same_thread=False)
    return _served(
        Litestar([plain], state=State({"connection": connection}), logging_config=None, openapi_config=None)
    )


def _house(folder: Path) -> uvicorn.Server:
    configure((folder / "requests.log").open("a"))
    return make_server(load_house(settings_in(folder), cost=COST))


def _served(app: ASGIApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, server_header=False, proxy_headers=False)
    )


KINDS: dict[str, Callable[[Path], uvicorn.Server]] = {"house": _house, "hello": _hello, "plain": _plain}


def main() -> None:
    """Serves what the arguments name."""
    kind, folder, number = sys.argv[1:]
    KINDS[kind](Path(folder)).run(sockets=[socket.socket(fileno=int(number))])


if __name__ == "__main__":
    main()
