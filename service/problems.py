"""The only table from an error's class to what the outside is told (RFC 9457 problem details).

Rules kept here:
- A class that is not in the table is a 500 that says nothing; the log has its type and place.
- "Not there" and "not yours to know" are one body. An action that the role never has is one body, for any id.
- Codes and paths go out, never a sentence of an exception, never a value that was sent.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException

from audit.errors import NotaryError, NoteError
from cases.errors import MoveError
from consent.errors import AnswerError, AnswerFault, RecordError, StateError
from policies.matrix import Policy
from service.flows.errors import (
    InvalidError,
    NeverAllowedError,
    NotCoveredError,
    NotSignedError,
    NotSignedInError,
    NotThereError,
    PreconditionMissingError,
    ReusedKeyError,
    StaleError,
    ThrottledError,
    WrongStateError,
)
from service.flows.passwords import PasswordError
from service.house import BusyError, House, Who
from service.logs import get_logger
from service.store.errors import UnavailableError

HttpRequest = Request[Who, None, State]
MEDIA = "application/problem+json"
RETRY_SECONDS = 5


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the input that is wrong: its path, and a code why."""

    path: str
    code: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every answer that is not a success."""

    type: str
    title: str
    status: int
    code: str | None = None
    items: tuple[str, ...] = ()
    errors: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, its word in the type's address, its title."""

    status: int
    word: str
    title: str


MALFORMED = Kind(422, "malformed", "The input is not acceptable")
INTERNAL = Kind(500, "internal", "Internal error")
KINDS: Mapping[type[Exception], Kind] = {
    AnswerError: Kind(422, "answer", "The answer breaks a rule"),
    BusyError: Kind(503, "unavailable", "Not available now; try again"),
    InvalidError: MALFORMED,
    MoveError: Kind(409, "wrong_state", "The state does not allow this"),
    NeverAllowedError: Kind(403, "not_allowed", "Not allowed"),
    NotCoveredError: Kind(403, "not_covered", "Not covered by the consent"),
    NoteError: Kind(503, "unavailable", "Not available now; try again"),
    NotaryError: Kind(503, "unavailable", "Not available now; try again"),
    NotSignedError: Kind(503, "unavailable", "Not available now; try again"),
    NotSignedInError: Kind(401, "not_signed_in", "Sign in first"),
    NotThereError: Kind(404, "not_there", "Not there"),
    PasswordError: MALFORMED,
    RecordError: MALFORMED,
    PreconditionMissingError: Kind(428, "if_match_missing", "Send the version that you saw in If-Match"),
    ReusedKeyError: Kind(409, "key_reused", "This Idempotency-Key stands for another request"),
    StaleError: Kind(409, "stale", "Somebody else wrote meanwhile; read again"),
    StateError: Kind(409, "wrong_state", "The state does not allow this"),
    ThrottledError: Kind(429, "too_many", "Too many sign-ins; wait"),
    UnavailableError: Kind(503, "unavailable", "Not available now; try again"),
    WrongStateError: Kind(409, "wrong_state", "The state does not allow this"),
}
HTTP_KINDS: Mapping[int, Kind] = {
    400: Kind(400, "bad_request", "The request is not acceptable"),
    404: KINDS[NotThereError],
    405: Kind(405, "method", "The method is not offered here"),
    413: Kind(413, "too_large", "The body is too large"),
    415: Kind(415, "bad_content_type", "The content type is not accepted here"),
}
_NAMED = re.compile(r"(unknown|required) field `([^`]{1,60})`")


def answer_problem(request: HttpRequest, error: Exception) -> Response[bytes]:
    """The answer to an error; the one exception handler of the app."""
    headers: dict[str, str] = {}
    match error:
        case ValidationException():
            problem = _problem(MALFORMED, errors=_parts(error))
        case HTTPException():
            problem = _problem(HTTP_KINDS.get(error.status_code, HTTP_KINDS[400]))
            headers.update({name: value for name, value in (error.headers or {}).items() if name == "Allow"})
        case _:
            problem = _from_table(request, error, headers)
    return Response(
        msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA, headers=headers
    )


def _problem(
    kind: Kind, *, code: str | None = None, items: tuple[str, ...] = (), errors: tuple[Part, ...] = ()
) -> Problem:
    return Problem(
        type=f"/problems/{kind.word}",
        title=kind.title,
        status=kind.status,
        code=code,
        items=items,
        errors=errors,
    )


def _from_table(request: HttpRequest, error: Exception, headers: dict[str, str]) -> Problem:
    kind = KINDS.get(type(error))
    if kind is None:
        get_logger().error("internal", exc_info=error)
        return _problem(INTERNAL)
    if kind.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if kind.status == 503:
        get_logger().error("unavailable", error=type(error).__name__)
        headers["Retry-After"] = str(RETRY_SECONDS)
    match error:
        case ThrottledError():
            headers["Retry-After"] = str(max(1, math.ceil(error.wait.total_seconds())))
            return _problem(kind)
        case InvalidError():
            return _problem(kind, errors=(Part(path=error.path, code=error.code),))
        case PasswordError():
            return _problem(kind, errors=(Part(path="new", code=error.code.value),))
        case AnswerError():
            return _answer(request, kind, error)
        case NotCoveredError():
            return _problem(kind, code=error.reason)
        case StateError():
            return _problem(kind, code=error.fault.value)
        case MoveError():
            return _problem(kind, code=error.stage)
        case WrongStateError():
            return _problem(kind, code=error.code)
        case _:
            return _problem(kind)


def _answer(request: HttpRequest, kind: Kind, error: AnswerError) -> Problem:
    """A broken rule of the consent: which, in which part, and the numbers or fields that it is about."""
    if error.fault is AnswerFault.CONDITIONS:
        return _problem(KINDS[WrongStateError], code="conditions")
    house = request.app.state["house"]
    policy = house.policy if isinstance(house, House) else None
    items = tuple(_item(policy, error.path, item) for item in error.items)
    return _problem(
        kind, code=error.fault.value, items=items, errors=(Part(path=error.path, code=error.fault.value),)
    )


def _item(policy: Policy | None, path: str, item: int) -> str:
    """A told statement by its number, a field by its code."""
    if path == "told" or policy is None:
        return str(item)
    found = [field.code for field in policy.registry.fields if field.slot == item]
    return str(found[0]) if found else str(item)


def _parts(error: ValidationException) -> tuple[Part, ...]:
    found = error.extra if isinstance(error.extra, list) else []
    return tuple(_part(item) for item in found if isinstance(item, dict)) or (Part(path="", code="invalid"),)


def _part(item: Mapping[str, object]) -> Part:
    """The path and a code; of the library's message only the name of a field that is unknown or missing is used."""
    key = str(item.get("key", ""))
    base = "" if key == "data" else key.replace("[...]", "")
    named = _NAMED.search(str(item.get("message", "")))
    if named is None:
        return Part(path=base, code="invalid")
    path = f"{base}.{named[2]}" if base else named[2]
    return Part(path=path, code="unknown_field" if named[1] == "unknown" else "missing_key")
