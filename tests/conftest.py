"""Fixtures that several folders share, and the table that ends the run.

The world is built once a run and copied for each test. The service is imported inside the fixtures: tests of the
pure packages do not pay for it.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # no verdict hangs on the speed of a machine

TABLE = {
    "matrix_cells": "cells of the access matrix",
    "machine_steps": "steps of the state machine",
    "machine_examples": "examples of the state machine",
    "releases_raced": "releases raced",
    "withdrawals_raced": "withdrawals raced",
    "statements_faulted": "statements faulted",
    "kills_survived": "kills survived",
    "answers_kept": "acknowledged answers kept",
    "cedar_cells": "cells compared with Cedar",
    "tamperings": "tamperings tried",
    "honest_logs": "honest logs accepted",
}
"""What a test counts with ``record_property``, and how the table at the end of the run calls it."""


def pytest_configure() -> None:
    """The settings of an installation that the shell has, as the README says, are not the tests'."""
    for name in [name for name in os.environ if name.startswith("TSUNAGI_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory):  # its type is the service's, imported late
    """The folders that every world copies."""
    from tests.service.world import build

    return build(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(template, tmp_path: Path) -> Iterator[object]:
    """A world of one's own."""
    from tests.service.world import World

    made = World(template, tmp_path / "world")
    yield made
    made.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what was counted in the whole run, over all workers."""
    counted: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name in TABLE and getattr(report, "when", None) == "call":
                    counted[name] += int(value)
    if counted:
        terminalreporter.section("what the run covered")
        for name, words in TABLE.items():
            if name in counted:
                terminalreporter.line(f"{words:<32}{counted[name]:>12,}")
