"""What a handler gets: two names are injected, `house` and `who`, and nothing else. No transaction, no `yield`.

A guard runs before any body is read: it refuses whoever is not signed in, and whoever's role never has the route's
action. A route without an action stops the app at start.
"""

import re
from typing import Annotated

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import HeaderParameter

from policies.actions import PUBLIC, WATCHED, Action
from service.flows.admission import refuse_if_never
from service.flows.errors import InvalidError, NotSignedInError, PreconditionMissingError
from service.flows.repeat import Once
from service.house import Caller, House, Who
from service.session import COOKIE, find_watcher, find_who, presented

Connection = ASGIConnection[HTTPRouteHandler, Who, None, State]
HttpRequest = Request[Who, None, State]

GivenHouse = NamedDependency[House]
GivenWho = NamedDependency[Who]
GivenCaller = NamedDependency[Caller]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description='The version that you saw, as ETag gave it: "3".'),
]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="1 to 100 visible ASCII characters; the same key with the same request is done once.",
    ),
]
_VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"', re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)


class MissingActionError(Exception):
    """A route without an action: the app does not start."""


def action_of(handler: BaseRouteHandler) -> Action | None:
    """The action that a route names, or None."""
    found = handler.opt.get("action")
    return found if isinstance(found, Action) else None


def check_routes(app: Litestar) -> None:
    """Raises MissingActionError for a route that names no action, before the first request."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if action_of(handler) is None and set(handler.http_methods) != {"OPTIONS"}:
                raise MissingActionError(f"{route.path}: a route names one action in its opt")


async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Lets pass who is signed in and whose role has the action at all; the flow decides the rest.

    Raises NotSignedInError, NeverAllowedError.
    """
    action = action_of(handler)
    if action is None:
        raise NotSignedInError
    if action in PUBLIC:
        return
    house = house_of(connection)
    if action in WATCHED:
        watcher = await find_watcher(house, connection.headers.get("authorization"))
        if watcher is not None:
            connection.scope["user"] = watcher
            return
    shown = presented(connection.headers.get("authorization"), connection.cookies.get(COOKIE))
    who = await find_who(house, shown, request_id(connection))
    if who is None:
        raise NotSignedInError
    connection.scope["user"] = who
    await refuse_if_never(house, who, action)


def house_of(connection: Connection) -> House:
    """The house of the app."""
    found = connection.app.state["house"]
    if not isinstance(found, House):
        raise RuntimeError("the app has a house")
    return found


def request_id(connection: Connection) -> str:
    """The request's id, 32 hex digits, as the log of requests made it."""
    return str(connection.scope.get("state", {}).get("request_id") or house_of(connection).random(16).hex())


async def provide_house(request: HttpRequest) -> House:
    """The house."""
    return house_of(request)


async def provide_who(request: HttpRequest, house: GivenHouse) -> Who:  # noqa: ARG001
    """Who asks, as the guard found it. It names `house`, so that the two are resolved one after the other: two that
    know nothing of each other would start a task group for each request."""
    return request.user


DEPENDENCIES = {"house": Provide(provide_house), "who": Provide(provide_who)}


def version_of(if_match: str | None) -> int:
    """The version that an owner's write carries. Raises PreconditionMissingError, InvalidError."""
    if if_match is None:
        raise PreconditionMissingError
    found = _VERSION.fullmatch(if_match)
    if found is None:
        raise InvalidError("If-Match", "form")
    return int(found[1])


async def once_of(request: HttpRequest, key: str | None) -> Once | None:
    """The Idempotency-Key with the request it is for. Raises InvalidError for a key that is none."""
    if key is None:
        return None
    if _KEY.fullmatch(key) is None:
        raise InvalidError("Idempotency-Key", "form")
    path = request.scope["path"].encode("utf-8", "surrogatepass")
    return Once(key=key, request=request.method.encode() + b" " + path + b"\n" + await request.body())
