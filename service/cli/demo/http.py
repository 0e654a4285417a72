"""Speaks HTTP to the practice server, as anybody would: bearer tokens, JSON, nothing of the product's inside."""

from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec

Kind = TypeVar("Kind")
SECONDS = 30.0


class StoryError(Exception):
    """An answer that the story cannot go on with: ``what`` was asked, and the status that came."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(what, status)
        self.what = what
        self.status = status


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Who has signed in."""

    token: str
    user: str
    organisation: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What was made; the parts that a kind of thing does not have are empty."""

    id: str
    number: str = ""
    version: int = 0
    state: str = ""
    stage: str = ""


class CaseSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A case as somebody sees it."""

    id: str
    number: str
    fields: dict[str, object]
    locked: dict[str, str]


class RequestSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A request as somebody sees it."""

    id: str
    case: str
    number: str
    stage: str
    meals: int | None
    fields: dict[str, object]


class RequestsSeen(msgspec.Struct, frozen=True, kw_only=True):
    requests: list[RequestSeen]


class RowSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger."""

    id: str
    kind: str
    recorded: str
    organisation: str
    value: object
    locked: str | None


class LedgerSeen(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[RowSeen]


class NoticeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The notice, word for word."""

    version: int
    statements: list["StatementSeen"]


class StatementSeen(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    text: str


class TreeSeen(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    origin: str


class TreesSeen(msgspec.Struct, frozen=True, kw_only=True):
    trees: list[TreeSeen]


class LeafSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a log entry says (formats.md, Leaf)."""

    ev: str
    t: str
    act: str = ""
    dec: str = ""
    rsn: str = ""
    fld: list[str] = []


class EntrySeen(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    leaf: LeafSeen


class EntriesSeen(msgspec.Struct, frozen=True, kw_only=True):
    entries: list[EntrySeen]


class ProblemSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal (RFC 9457)."""

    status: int
    code: str = ""
    items: list[str] = []


class Caller:
    """One person in one session, from the first step to the last."""

    __slots__ = ("_client", "_token", "organisation", "user")

    def __init__(self, client: httpx.Client, session: Session) -> None:
        self._client = client
        self._token = session.token
        self.user = session.user
        self.organisation = session.organisation

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        """The answer, whatever it is."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if body is None:
            return self._client.request(method, path, headers=headers)
        headers["Content-Type"] = "application/json"
        return self._client.request(method, path, headers=headers, content=msgspec.json.encode(body))

    def get(self, path: str, kind: type[Kind]) -> Kind:
        """The answer to a GET. Raises StoryError for another status than 200."""
        return read(self.ask("GET", path), kind)

    def post(self, path: str, body: Mapping[str, object] | None, kind: type[Kind]) -> Kind:
        """The answer to a POST. Raises StoryError for a refusal."""
        return read(self.ask("POST", path, body), kind)


def read(answer: httpx.Response, kind: type[Kind]) -> Kind:
    """The answer as a value. Raises StoryError for a refusal, and for a body of another form."""
    asked = f"{answer.request.method} {answer.request.url.path}"
    if not answer.is_success:
        raise StoryError(asked, answer.status_code)
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError:
        raise StoryError(asked, answer.status_code) from None


def sign_in(client: httpx.Client, login: str, password: str, code: str | None) -> Caller:
    """A new session. Raises StoryError."""
    body = {"login": login, "password": password, "code": code}
    return Caller(client, read(client.post("/api/session", json=body), Session))


def new_client(address: str) -> httpx.Client:
    """A client that speaks to ``address`` and to nothing else: proxies of the environment are not asked."""
    return httpx.Client(base_url=address, trust_env=False, timeout=SECONDS)
