"""A seeded defect that no longer applies checks nothing: each follows the code that it breaks."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.rules import ROOT

PATCHES = sorted((ROOT / "tests" / "seeded").glob("*.patch"))


def test_every_seeded_defect_still_applies() -> None:
    """Each patch goes into the tree as it is now, without fuzz where git is there to say so."""
    stale = {patch.name: said for patch in PATCHES if (said := trial(patch))}
    assert PATCHES and stale == {}


def trial(patch: Path) -> str:
    """Empty where the patch would apply in the project's folder, else what stands against it. Changes nothing."""
    if shutil.which("git"):
        command = ["git", "apply", "--check", "-p1", str(patch)]
    elif shutil.which("patch"):
        command = ["patch", "-p1", "--dry-run", "--batch", "--forward", "--silent", "--input", str(patch)]
    else:
        pytest.skip("neither git nor patch is there")
    # A checkout further up is not ours: git would leave out what lies outside of it and say yes.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(ROOT.parent)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
