"""The Litestar app: routes, one guard, one exception handler, the schema, and the clock's work."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable

from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from audit.event import Event
from service.api import HANDLERS
from service.api.schema import StrictSchema, schema_router
from service.edge import Edge
from service.flows.notary import publish_dirty
from service.flows.running import note
from service.flows.sweep import check_grants, sweep
from service.house import House
from service.logs import RequestLog, get_logger
from service.problems import answer_problem
from service.pushing import ask_witnesses, push_all
from service.session import COOKIE
from service.store.errors import StoreError
from service.wiring import DEPENDENCIES, check_routes, guard

SWEEP_SECONDS = 60
PUSH_DELAY = 2
"""Seconds behind the publishing: what was signed goes out in the same minute."""


def create_app(house: House) -> Litestar:
    """The app of a house. Raises MissingActionError for a route without an action."""
    app = Litestar(
        route_handlers=[*HANDLERS],
        dependencies=DEPENDENCIES,
        guards=[guard],
        exception_handlers={Exception: answer_problem},
        lifespan=[_living],
        state=State({"house": house}),
        openapi_config=OpenAPIConfig(
            title="Tsunagi",
            version="1",
            render_plugins=[StrictSchema()],
            openapi_router=schema_router(),
            use_handler_docstrings=True,
            components=Components(
                security_schemes={
                    "bearer": SecurityScheme(type="http", scheme="bearer"),
                    "cookie": SecurityScheme(type="apiKey", name=COOKIE, security_scheme_in="cookie"),
                }
            ),
            security=[{"bearer": []}, {"cookie": []}],
        ),
        logging_config=None,
        debug=False,
    )
    check_routes(app)
    return app


def serve_house(house: House) -> ASGIApp:
    """The whole stack: request log, edge, app."""
    app = create_app(house)
    return RequestLog(Edge(app, hosts=house.settings.allowed_hosts), random=house.random)


@contextlib.asynccontextmanager
async def _living(app: Litestar) -> AsyncIterator[None]:
    """Starts the house with the app, sweeps while it runs, and closes it with the app."""
    house = app.state["house"]
    if not isinstance(house, House):
        raise RuntimeError("the app has a house")
    house.start()
    gc.freeze()  # what is made by now lives as long as the process: no collection need look at it
    try:
        await ask_witnesses(house)
        if house.is_appending:  # else it is served all the same, and answers that nothing can be written
            await note(house, Event.SYSTEM_START)
        works = [
            asyncio.create_task(_each_minute(house, check_grants, once=True)),
            asyncio.create_task(_each_minute(house, _sweep)),
            asyncio.create_task(_each_minute(house, publish_dirty)),
            asyncio.create_task(_each_minute(house, push_all, delay=PUSH_DELAY)),
        ]
        try:
            yield
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            with contextlib.suppress(StoreError):
                await note(house, Event.SYSTEM_STOP)
    finally:
        await house.stop()


async def _each_minute(
    house: House, work: Callable[[House], Awaitable[object]], *, once: bool = False, delay: float = 0
) -> None:
    """Does it at start and every minute, or until it was done ``once``, and waits for no other work.

    One that fails is logged, and the next one comes all the same.
    """
    await asyncio.sleep(delay)
    while True:
        try:
            await work(house)
        except Exception as error:
            get_logger().error("sweep_failed", exc_info=error)
        else:
            if once:
                return
        await asyncio.sleep(SWEEP_SECONDS)


async def _sweep(house: House) -> None:
    """Writes down what time has ended, and forgets the keys of sessions that ended."""
    await sweep(house)
    house.handles.forget_unused()
