"""The service's own log is set up for every test with a world, as `serve` does it, and goes nowhere."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from service import logs


@pytest.fixture(autouse=True)
def quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """JSON lines into the void: a library's own rendering of an error prints local variables, and takes seconds."""
    if "template" not in request.fixturenames:
        yield
        return
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure(io.StringIO())
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level
