"""Every route names one action; an app with a route that names none does not start."""

import pytest
from litestar import Litestar, get

from policies.actions import Action
from service.app import create_app
from service.wiring import MissingActionError, action_of, check_routes
from tests.service.world import World


def test_every_route_names_its_action(world: World) -> None:
    """What is not listed is denied: each handler of each route has one action of the closed list."""
    app = create_app(world.house)
    found = [
        (route.path, action_of(handler))
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if set(handler.http_methods) != {"OPTIONS"}
    ]
    assert len(found) > 35
    assert all(isinstance(action, Action) for _, action in found), found


@pytest.mark.parametrize("opt", [{}, {"action": "case:read"}, {"action": None}, {"Action": Action.CASE_READ}])
def test_a_route_without_an_action_stops_the_start(opt: dict[str, object]) -> None:
    """A word is not an action either: only a member of the list is."""

    @get("/api/forgotten", opt=opt)
    async def forgotten() -> None: ...

    with pytest.raises(MissingActionError):
        check_routes(Litestar(route_handlers=[forgotten], openapi_config=None))


def test_a_route_with_an_action_starts() -> None:
    """The check can pass."""

    @get("/api/known", opt={"action": Action.CASE_READ})
    async def known() -> None: ...

    check_routes(Litestar(route_handlers=[known], openapi_config=None))
