"""A town to strike down, and the process that starts its server again and again."""

from collections.abc import Iterator

import pytest

from tests.endurance.killing import Starter
from tests.machine.conftest import built, town

__all__ = ["built", "starter", "town"]


@pytest.fixture
def starter() -> Iterator[Starter]:
    """Starts servers; whatever still runs is killed in the end."""
    made = Starter()
    yield made
    made.end()
