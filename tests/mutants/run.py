"""Every small change to ``audit/`` fails a test, or ``docs/soundness.md`` says why none can tell.

mutmut makes the changes ("mutants") one by one and runs, for each, the tests that reach the changed function. A
change that no test notices must stand in the table "Changes that no test can tell" of ``docs/soundness.md``: where
it is, what is changed to what, and why that changes nothing. Prints each that does not, and each line of the table
that explains none; then how many there were.

``python -m tests.mutants.run [PATTERN…]`` tries only the mutants of such a name, as in ``audit.tree.*``, and then
says nothing of lines that explain none. Takes an hour or so.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.seeded.run import ROOT, copy_project

TABLE = ROOT / "docs" / "soundness.md"
TITLE = "## Changes that no test can tell\n"
NOTICED = frozenset({1, 3, 24, -24, 36, 152, 255})
"""mutmut's exit codes for "a test failed" and for "the tests did not end": an endless loop is noticed."""

MEMORY = 4 << 30
"""Bytes that a run may have: a change that makes a list without end is noticed."""

_ROW = re.compile(r"\| `([\w.]+)` \| (.+?) \| (.+) \|")
_CHANGE = re.compile(r"`([^`]+)` → (?:`([^`]+)`|nothing)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A change that no test noticed: the function, the line as it is, and as it was tried."""

    function: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A change that the table explains: somewhere in a line of the function, ``old`` becomes ``new``."""

    function: str
    old: str
    new: str

    def explains(self, mutant: Mutant) -> bool:
        """Whether the mutant is this change."""
        return mutant.function == self.function and mutant.new in _replaced(mutant.old, self.old, self.new)


def _replaced(line: str, old: str, new: str) -> Iterator[str]:
    """The line with one occurrence of ``old`` replaced, for each there is."""
    return (line[: at.start()] + new + line[at.end() :] for at in re.finditer(re.escape(old), line))


def read_table(text: str) -> list[Explained]:
    """The changes that the table explains; ValueError for a line of it that cannot be read."""
    found = []
    for line in text.partition(TITLE)[2].partition("\n## ")[0].splitlines():
        if not line.startswith("| `"):
            continue
        row = _ROW.fullmatch(line)
        changes = _CHANGE.findall(row[2]) if row else []
        if row is None or not changes or _CHANGE.sub("", row[2]).strip("; "):
            raise ValueError(f"a line that cannot be read: {line}")
        found += [Explained(function=row[1], old=old, new=new) for old, new in changes]
    return found


def unnoticed(folder: Path) -> tuple[list[str], int]:
    """The names of the mutants that were tried and not noticed, and how many were tried."""
    tried = {
        name: code
        for path in sorted((folder / "mutants").rglob("*.meta"))
        for name, code in json.loads(path.read_text("utf-8"))["exit_code_by_key"].items()
        if code is not None
    }
    return [name for name, code in tried.items() if code not in NOTICED], len(tried)


def read_mutant(folder: Path, name: str) -> Mutant:
    """What a mutant changes."""
    shown = subprocess.run(
        _mutmut("show", name), cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    lines = [line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    old, new = ("\n".join(line[1:] for line in lines if line[0] == mark) for mark in "-+")
    return Mutant(function=function_of(name), old=old, new=new)


def function_of(name: str) -> str:
    """``audit.tree.fold`` of ``audit.tree.x_fold__mutmut_1``; ``….Whole.add`` of ``….xǁWholeǁadd__mutmut_1``."""
    module, _, mangled = name.rpartition("__mutmut_")[0].rpartition(".")
    return f"{module}.{mangled.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"


def _mutmut(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mutmut", *arguments]


def main(patterns: list[str]) -> int:
    """Try the mutants and print what was found: 0 where each is noticed or explained, and each line explains one."""
    explained = read_table(TABLE.read_text("utf-8"))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name).resolve() / "copy"
        copy_project(folder)
        if (ROOT.parent / "shared").is_dir():
            (folder / "shared").symlink_to(
                ROOT.parent / "shared"
            )  # beside the copy that mutmut makes in the copy
        command = _mutmut("run", "--max-children", str(os.cpu_count() or 1), *patterns)
        if subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": ""}, check=False).returncode:
            return 1
        names, tried = unnoticed(folder)
        mutants = [read_mutant(folder, one) for one in names]
    unexplained = [one for one in mutants if not any(row.explains(one) for row in explained)]
    unused = [row for row in explained if not patterns and not any(row.explains(one) for one in mutants)]
    for mutant in unexplained:
        print(f"NOT NOTICED  {mutant.function}\n-{mutant.old}\n+{mutant.new}")
    for row in unused:
        print(f"NOTICED, and explained nevertheless  {row.function}: {row.old} → {row.new or 'nothing'}")
    noticed, known = tried - len(mutants), len(mutants) - len(unexplained)
    print(f"{tried} changes tried: {noticed} noticed, {known} explained, {len(unexplained)} neither")
    return 1 if unexplained or unused or not tried else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
