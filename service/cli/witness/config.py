"""The witness's own file: who it is, where it keeps, which logs it watches (docs/witness.md).

Rules kept here:
1. A key that is not known, missing or of another type refuses the whole file, and is named.
2. Keys of logs come from this file and from nowhere else.
3. A token is sent over TLS only, but for this machine itself.
4. A path that does not begin with ``/`` lies in the file's own folder.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from audit.checkpoint import read_key
from audit.errors import NoteError
from crypto.notes import ED25519, VerifierKey, is_key_name
from service.cli.witness.errors import StartError

_LONGEST = 65_536  # bytes
_TREE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}(?:/[1-9][0-9]{0,9})?", re.ASCII)
_URL = re.compile(r"[!-~]{1,500}", re.ASCII)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Log(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    vkey: str
    url: str | None = None
    token_file: str | None = None
    every: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 60
    one_way: bool = False


class _Serve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)]
    host: str = "127.0.0.1"


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    key: str
    store: str
    out: str | None = None
    log: tuple[_Log, ...] = ()
    serve: _Serve | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """How a log is asked: its server's address, the log's name there, the token's file, every how many minutes.

    ``out`` is the folder for cosigned notes where the network goes one way; None where they are sent back.
    """

    url: str
    tree: str
    token: Path
    every: int
    out: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedLog:
    """A log that this witness knows by its key, whose name is the log's origin; without ``pull`` it only pushes."""

    key: VerifierKey
    pull: Pull | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where logs push their checkpoints to."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that the file says."""

    name: str
    key: Path
    store: Path
    out: Path | None
    logs: tuple[WatchedLog, ...]
    serve: Serving | None


def read_config(path: Path) -> Config:
    """The configuration that a file says. Raises StartError with the line or the key at fault."""
    given = _read(path)
    folder = path.absolute().parent
    out = None if given.out is None else folder / given.out
    if not is_key_name(given.name):
        raise StartError(path, "`name` is one word without a plus sign, such as npo.example/w1")
    logs = tuple(_log(path, number, one, out) for number, one in enumerate(given.log, 1))
    if len({one.key.name for one in logs}) < len(logs):
        raise StartError(path, "two [[log]] have the same origin")
    served = given.serve
    return Config(
        name=given.name,
        key=folder / given.key,
        store=folder / given.store,
        out=out,
        logs=logs,
        serve=None if served is None else Serving(host=served.host, port=served.port),
    )


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
        if len(data) > _LONGEST:
            raise StartError(path, "is too long")
        return msgspec.toml.decode(data.decode("utf-8"), type=_File)
    except OSError as error:
        raise StartError(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StartError(path, f"is not UTF-8 in line {line}") from None
    except msgspec.MsgspecError as error:
        raise StartError(path, str(error)) from None


def _log(path: Path, number: int, given: _Log, out: Path | None) -> WatchedLog:
    try:
        key = read_key(given.vkey)
        pull = _pull(path.absolute().parent, given, key.name, out)
    except NoteError:
        raise StartError(
            path, f"[[log]] number {number}: `vkey` is no verifier key (name+hash+key)"
        ) from None
    except ValueError as error:
        raise StartError(path, f"[[log]] number {number}: {error}") from None
    if key.algorithm != ED25519:
        raise StartError(path, f"[[log]] number {number}: `vkey` is the key of a witness, not of a log")
    return WatchedLog(key=key, pull=pull)


def _pull(folder: Path, given: _Log, origin: str, out: Path | None) -> Pull | None:
    """How the log is asked, None where it is not. Raises ValueError with a sentence."""
    if given.url is None:
        if given.token_file is not None or given.one_way:
            raise ValueError("`token_file` and `one_way` are for a log with a `url`")
        return None
    url, tree = _base(given.url), origin.partition("/")[2]
    if url is None:
        raise ValueError("`url` is https:// and a host, without a path (http:// for this machine alone)")
    if _TREE.fullmatch(tree) is None:
        raise ValueError("the origin in `vkey` names no log behind its first `/`")
    if given.token_file is None:
        raise ValueError("`url` needs a `token_file`")
    if given.one_way and out is None:
        raise ValueError("`one_way` needs the folder `out`")
    return Pull(
        url=url,
        tree=tree.replace("/", "."),  # a log that goes on: its origin ends in /2, its address in .2
        token=folder / given.token_file,
        every=given.every,
        out=out if given.one_way else None,
    )


def _base(url: str) -> str | None:
    """The address without a slash at its end; None for one that no token may be sent to."""
    if _URL.fullmatch(url) is None:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or port == 0 or url.rstrip("/") != f"{parts.scheme}://{parts.netloc}":
        return None
    return None if "@" in parts.netloc else f"{parts.scheme}://{parts.netloc}"
