"""Imports go down the house: the contracts in pyproject.toml hold (house.md)."""

import os
import subprocess
import sys

from tests.house.rules import ROOT


def test_the_import_contracts_hold() -> None:
    """import-linter keeps every contract; what it says of a broken one names the imports to change."""
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
