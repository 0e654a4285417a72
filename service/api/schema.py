"""`/schema/openapi.json`: what the API accepts and answers, said as strictly as it is kept.

Litestar leaves out of the schema that a struct refuses unknown names; a caller who reads the schema must know it.
"""

from collections.abc import Iterator

import msgspec
from litestar import Request, Response, Router
from litestar.datastructures import State
from litestar.openapi.plugins import JsonRenderPlugin

from policies.actions import Action
from service.api.documented import does
from service.flows.errors import NotThereError
from service.house import Who


class StrictSchema(JsonRenderPlugin):
    """Renders the schema with `additionalProperties: false` for every body that refuses unknown names."""

    def render(self, request: Request[Who, None, State], openapi_schema: dict[str, object]) -> bytes:
        """The schema as JSON."""
        components = openapi_schema["components"]
        schemas = components["schemas"] if isinstance(components, dict) else {}
        for name in schemas.keys() & set(_strict(msgspec.Struct)):
            schemas[name]["additionalProperties"] = False
        return self.render_json(request, openapi_schema)


def _strict(kind: type[msgspec.Struct]) -> Iterator[str]:
    """The names of the structs made from ``kind``, at any depth."""
    for found in kind.__subclasses__():
        if found.__struct_config__.forbid_unknown_fields:
            yield found.__name__
        yield from _strict(found)


async def _only_ours(response: Response[bytes]) -> Response[bytes]:
    """Litestar answers a page of its own for other addresses here; ours is the one 404 of the service."""
    if response.status_code == 404:
        raise NotThereError
    return response


def schema_router() -> Router:
    """The routes under `/schema`; they are no part of what they describe."""
    return Router(
        "/schema",
        route_handlers=[],
        opt=does(Action.SCHEMA_READ),
        include_in_schema=False,
        after_request=_only_ours,
    )
