"""The Litestar app: routes, one guard, one exception handler, the schema, and the clock's work."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

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
from service.pushing import push_all
from service.session import COOKIE
from service.store.errors import StoreError
from service.wiring import DEPENDENCIES, check_routes, guard

SWEEP_SECONDS = 60


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
    await note(house, Event.SYSTEM_START)
    sweeping = asyncio.create_task(_sweep_for_ever(house))
    try:
        yield
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        with contextlib.suppress(StoreError):
            await note(house, Event.SYSTEM_STOP)
        await house.stop()


async def _sweep_for_ever(house: House) -> None:
    """Sweeps at start and every minute; one that fails is logged, and the next one comes all the same."""
    started = False
    while True:
        try:
            if not started:
                await check_grants(house)
                started = True
            await sweep(house)
            await publish_dirty(house)
            await push_all(house)
        except Exception as error:
            get_logger().error("sweep_failed", exc_info=error)
        house.handles.forget_unused()
        await asyncio.sleep(SWEEP_SECONDS)
