"""The town is built once a run, by the one process that knows the product; each test gets copies of it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machine.client import Town


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every town copies."""
    folder = tmp_path_factory.mktemp("machine") / "town"
    command = [sys.executable, "-m", "tests.machine.server", "build", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture
def town(built: Path, tmp_path: Path) -> Iterator[Town]:
    """A town of one's own, served."""
    made = Town.copy(built, tmp_path / "town")
    yield made
    made.stop()


@pytest.fixture
def new_town(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Town]:
    """Makes towns; whoever asks stops them."""
    return lambda: Town.copy(built, tmp_path_factory.mktemp("copy") / "town")
