"""A bundle comes from the one who is checked: no file in it stops the check, fills the memory or stays unread."""

import os
import resource
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from audit.checkpoint import Checkpoint, sign_note, write_body
from tests.audit.bundles import POLICY, UNWITNESSED, Files, of_case, save
from tests.audit.examples import ORIGIN, SEED
from tests.audit.tamper.attempts import Refusal
from tests.audit.tamper.logs import CASES, honest
from tests.audit.tamper.run import refusal_of
from tests.audit.tamper.verifiers import ask

ROOT = Path(__file__).parents[3]
STEPS = {
    "checkpoint": "note",
    "scope": "scope",
    "entries.csv": "table",
    "tile/0/000": "tile",
    "tile/1/000.p/1": "tile",
    "tile/entries/000": "entries",
    "leaves": "entries",
}
"""Each kind of file, and the step that refuses one that is too long."""
LONG = 1 << 26
LITTLE = 1 << 24


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Whoever asks for more than 16 MiB at once has read a file to its end."""
    tracemalloc.start()
    yield
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < LITTLE


def files_with(name: str) -> Files:
    """A bundle of 257 entries that has this file."""
    return of_case(honest(257).log, CASES[0]) if name == "leaves" else dict(honest(257).files)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.usefixtures("little_memory")
def test_a_file_without_end_is_not_read_to_its_end(name: str, tmp_path: Path) -> None:
    """Each file is capped before it is parsed: a terabyte of nothing is refused at once, with little memory."""
    path = save(files_with(name), tmp_path / "bundle")
    with (path / name).open("ab") as file:
        file.truncate(1 << 40)
    found = refusal_of(ask(path, POLICY))
    assert found is not None and found.step == STEPS[name]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.usefixtures("little_memory")
def test_a_small_zip_of_large_files_is_not_unpacked(name: str, tmp_path: Path) -> None:
    """A file in a zip is capped like any other, however small it is packed."""
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for each, data in files_with(name).items():
            with file.open(each, "w") as member:
                member.write(data)
                for _ in range(LONG >> 20 if each == name else 0):
                    member.write(bytes(1 << 20))
    found = refusal_of(ask(path, POLICY))
    assert found is not None and found.step == STEPS[name]


@pytest.mark.parametrize("name", [name for name in STEPS if name != "leaves"])
def test_what_is_no_plain_file_is_not_there(name: str, tmp_path: Path) -> None:
    """A pipe that never ends, a folder or a device in a file's place is as good as no file."""
    without = {each: data for each, data in honest(257).files.items() if each != name}
    path = save(without, tmp_path / "bundle")
    place, expected = path / name, ask(path, POLICY)
    place.parent.mkdir(parents=True, exist_ok=True)
    for make in (os.mkfifo, Path.mkdir, lambda place: place.symlink_to("/dev/zero")):
        make(place)
        assert ask(path, POLICY) == expected
        (place.rmdir if place.is_dir() else place.unlink)()


def test_a_path_is_read_anew_each_time(tmp_path: Path) -> None:
    """A zip that was checked before and was changed since is not answered from memory."""
    files = honest(31).files
    path = save(files, tmp_path / "bundle.zip")
    assert ask(path, POLICY)["ok"] is True
    entries = files["tile/entries/000.p/31"]
    save({**files, "tile/entries/000.p/31": entries.replace(b"login.ok", b"login.no", 1)}, path)
    assert refusal_of(ask(path, POLICY)) == Refusal("leaf", 1, "code")
    save(files, path)
    assert ask(path, POLICY)["ok"] is True


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_zip_says_the_same_or_is_not_accepted(method: int, tmp_path: Path) -> None:
    """Wherever a zip is damaged or cut: the answer of the whole one, perhaps without its table, or no acceptance."""
    random, source = Random(method), tmp_path / "source.zip"
    with zipfile.ZipFile(source, "w", method) as file:
        for name, data in honest(7).files.items():
            file.writestr(name, data)
    whole, answer = source.read_bytes(), ask(source, POLICY)
    for number in range(300):
        damaged, at = bytearray(whole), random.randrange(len(whole))
        damaged[at] ^= 1 << random.randrange(8)
        path = tmp_path / f"{number}.zip"
        path.write_bytes(damaged[: random.choice([len(whole)] * 9 + [at])])
        try:
            found = ask(path, POLICY)
        except OSError:  # not checked
            continue
        assert found in (answer, {**answer, "table": False}) or refusal_of(found) is not None, number


@pytest.mark.parametrize("verifier", ["audit.verify", "audit.standalone"])
@pytest.mark.parametrize(("size", "step"), [(2**40, "tile"), (2**40 + 1, "note"), (10**18, "note")])
def test_a_size_that_nobody_could_store_is_refused_at_once(
    size: int, step: str, verifier: str, tmp_path: Path
) -> None:
    """Everybody signed a size of which the bundle holds nothing: refused before a list of its tiles is made."""
    text = write_body(Checkpoint(origin=ORIGIN, size=size, root=bytes(32)))
    note = sign_note(text, ORIGIN, SEED).encode()
    path = save({**honest(257).files, "checkpoint": note}, tmp_path / "bundle")
    policy = tmp_path / "policy"
    policy.write_text(UNWITNESSED, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", verifier, str(path), "--policy", str(policy), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29)),
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert f'"step": "{step}"' in done.stdout
