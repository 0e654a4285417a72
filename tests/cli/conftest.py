"""A fresh town for each test that asks for one, and the commands typed in it."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.cli.main import main
from tests.cli.town import Town, new_town, settings_in

Tsunagi = Callable[..., int]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A house in a folder of its own."""
    return new_town(tmp_path)


@pytest.fixture
def tsunagi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tsunagi:
    """Runs a command in the house of this test; the answers are lines of standard input."""
    settings = settings_in(tmp_path)
    monkeypatch.setenv("TSUNAGI_DATA", str(settings.data))
    monkeypatch.setenv("TSUNAGI_KEYS", str(settings.keys))
    monkeypatch.setenv("TSUNAGI_NOTARY", str(settings.notary))

    def run(*argv: str, answers: list[str] | None = None) -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in answers or [])))
        return main(list(argv))

    return run
