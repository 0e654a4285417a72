"""Fixtures that several folders share: the world is built once a run and copied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.world import Template, World, build


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The folders that every world copies."""
    return build(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(template: Template, tmp_path: Path) -> Iterator[World]:
    """A world of one's own."""
    made = World(template, tmp_path / "world")
    yield made
    made.end()
