"""A fresh town for each test that asks for one."""

from pathlib import Path

import pytest

from tests.cli.town import Town, new_town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A house in a folder of its own."""
    return new_town(tmp_path)
