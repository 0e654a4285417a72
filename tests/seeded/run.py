"""Every seeded defect is caught by the test that it names: a check that cannot fail is void.

Each ``*.patch`` beside this file is a defect. Its first line, ``# fails: tests/…::test_…``, names the test
that must fail once it is applied. First all named tests pass on an unchanged copy of the project; then each
defect is applied to a copy of its own, and its test must run there and fail. Prints ``N of N caught``; a defect
whose test is skipped on this machine is neither caught nor missed.

``python tests/seeded/run.py [NAME…]`` takes only the patches whose name begins so.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST = "# fails: "
PARALLEL = 2
SECONDS = 600
FAILED = 1
"""pytest's exit code for "a test ran and failed"; a defect that stops the run otherwise is not caught."""
NOT_TRIED = "its test was skipped: what it asks is not on this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A patch and the test that must fail with it."""

    patch: Path
    test: str


def read_defects(names: list[str]) -> list[Defect]:
    """The defects beside this file, by name; raises ValueError for one that names no test."""
    found = []
    for patch in sorted(Path(__file__).parent.glob("*.patch")):
        first = patch.read_text("utf-8").partition("\n")[0]
        if not first.startswith(FIRST):
            raise ValueError(f"{patch.name}: the first line must be '{FIRST}tests/…::test_…'")
        if not names or patch.name.startswith(tuple(names)):
            found.append(Defect(patch=patch, test=first.removeprefix(FIRST).strip()))
    return found


def list_files() -> list[str]:
    """The project's files, tracked or new, without what is ignored."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def copy_project(target: Path) -> None:
    """Copy the project's files into ``target``."""
    for name in list_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in ``folder``, importing the project from there and nowhere else."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def run_tests(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in ``folder``, with the same random examples each time."""
    return run_python(
        folder, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0", *arguments
    )


def check_import(folder: Path) -> None:
    """An installed project must not win over the copy; raises RuntimeError where it does."""
    script = (
        "import audit, cases, consent, crypto, policies, service; print(service.__file__, crypto.__file__)"
    )
    places = run_python(folder, "-c", script).stdout.split()
    if len(places) != 2 or not all(Path(place).is_relative_to(folder) for place in places):
        raise RuntimeError(f"the copy is not what is imported: {' '.join(places)}")


def try_defect(defect: Defect, clean: Path) -> str:
    """Empty where the defect is caught, NOT_TRIED, or what happened instead."""
    with tempfile.TemporaryDirectory(prefix="seeded-") as name:
        folder = Path(name).resolve() / "copy"
        shutil.copytree(clean, folder)
        applied = apply(defect.patch, folder)
        if applied:
            return applied
        try:
            done = run_tests(folder, defect.test)
        except subprocess.TimeoutExpired:
            return f"{defect.test} did not end"
    if done.returncode == FAILED:
        return ""
    if done.returncode == 0 and re.fullmatch(r"\d+ skipped in .*", done.stdout.splitlines()[-1]):
        return NOT_TRIED
    tail = "\n".join(done.stdout.splitlines()[-8:])
    return f"{defect.test} {'passed' if done.returncode == 0 else 'did not run'}\n{tail}"


def apply(patch: Path, folder: Path) -> str:
    """Apply ``patch`` in ``folder``: empty where it went in, else why not."""
    with patch.open("rb") as text:
        if shutil.which("patch"):
            command = ["patch", "-p1", "--batch", "--forward", "--silent", "--no-backup-if-mismatch"]
        else:
            command = ["git", "apply", "-p1", "--whitespace=nowarn"]
        done = subprocess.run(command, cwd=folder, stdin=text, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"the patch does not apply: {done.stdout}{done.stderr}".rstrip()


def check_clean(clean: Path, defects: list[Defect]) -> int:
    """Every named test passes without the defects; prints what fails, returns pytest's exit code."""
    tests = sorted({defect.test for defect in defects})
    done = run_tests(clean, "-n", str(PARALLEL), *tests)
    print(done.stdout if done.returncode else f"{len(tests)} tests pass without the defects", flush=True)
    return done.returncode


def main(names: list[str]) -> int:
    """Try the defects and print the count: 0 where every one is caught, else 1."""
    defects = read_defects(names)
    with tempfile.TemporaryDirectory(prefix="seeded-") as name:
        clean = Path(name).resolve() / "clean"
        copy_project(clean)
        check_import(clean)
        if not defects or check_clean(clean, defects):
            print(f"0 of {len(defects)} caught")
            return 1
        shutil.rmtree(clean / ".hypothesis", ignore_errors=True)
        with ThreadPoolExecutor(PARALLEL) as pool:
            results = pool.map(lambda defect: (defect, try_defect(defect, clean)), defects)
            outcomes = []
            for defect, outcome in results:
                outcomes.append(outcome)
                said = {"": "caught", NOT_TRIED: "not tried"}.get(outcome, "MISSED")
                print(f"{said}  {defect.patch.stem}", flush=True)
                if outcome:
                    print(f"        {outcome}", flush=True)
    caught, untried = outcomes.count(""), outcomes.count(NOT_TRIED)
    print(f"{caught} of {len(defects)} caught" + (f", {untried} not tried" if untried else ""))
    return 0 if caught and caught + untried == len(defects) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
