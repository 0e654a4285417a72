"""A desk and a city for each test that asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.witness.city import City, running
from tests.cli.witness.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with its configuration, and nothing else yet."""
    return Desk(tmp_path)


@pytest.fixture
def city() -> Iterator[City]:
    """A city's server that shows nothing yet."""
    with running(City()) as found:
        yield found
