"""A bundle comes from the one who is checked: no file in it stops the check, fills the memory or stays unread."""

import os
import resource
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from random import Random

import pytest

from audit.checkpoint import Checkpoint, sign_note, write_body
from tests.audit.bundles import POLICY, UNWITNESSED, Files, of_case, save
from tests.audit.examples import ORIGIN, SEED
from tests.audit.tamper.attempts import Refusal
from tests.audit.tamper.logs import CASES, honest
from tests.audit.tamper.run import Shelf, refusal_of
from tests.audit.tamper.verifiers import ask

ROOT = Path(__file__).parents[3]
NAMED = ("checkpoint", "scope", "entries.csv", "tile/0/000", "tile/1/000.p/1", "tile/entries/000")
STEPS = {
    "checkpoint": "note",
    "scope": "scope",
    "entries.csv": "table",
    "tile/0/000": "tile",
    "tile/1/000.p/1": "tile",
    "tile/entries/000": "entries",
    "leaves": "entries",
}
MANY_MEGABYTES = 1 << 26


def kept(files: Files, folder: Path) -> Path:
    """The bundle in a folder of its own."""
    return save(files, folder / "bundle")


@pytest.mark.parametrize("name", STEPS)
def test_a_file_without_end_is_not_read_to_its_end(name: str, tmp_path: Path) -> None:
    """Each file is capped before it is parsed: a hole of a terabyte is refused at once, with little memory."""
    log = honest(257).log
    path = kept(of_case(log, CASES[0]) if name == "leaves" else honest(257).files, tmp_path)
    with (path / name).open("ab") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        found = refusal_of(ask(path, POLICY))
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
    assert found is not None and found.step == STEPS[name]


@pytest.mark.parametrize("name", STEPS)
def test_a_small_zip_of_large_files_is_not_unpacked(name: str, tmp_path: Path) -> None:
    """A file in a zip is capped like any other, however small it is packed."""
    log = honest(257).log
    files = of_case(log, CASES[0]) if name == "leaves" else dict(honest(257).files)
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for each, data in files.items():
            file.writestr(each, data + bytes(MANY_MEGABYTES if each == name else 0))
    tracemalloc.start()
    try:
        found = refusal_of(ask(path, POLICY))
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()
    assert found is not None and found.step == STEPS[name]


@pytest.mark.parametrize("name", NAMED)
def test_what_is_no_plain_file_is_not_there(name: str, tmp_path: Path) -> None:
    """A pipe that never ends, a folder or a device in a file's place is as good as no file."""
    honestly = honest(257).files
    without = {each: data for each, data in honestly.items() if each != name}
    path = kept(without, tmp_path)
    expected = ask(path, POLICY)
    for make in (os.mkfifo, Path.mkdir, lambda place: place.symlink_to("/dev/zero")):
        make(path / name)
        assert ask(path, POLICY) == expected
        (path / name).rmdir() if (path / name).is_dir() else (path / name).unlink()


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


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_zip_says_the_same_or_is_refused(method: int, tmp_path: Path) -> None:
    """Whatever is damaged in a zip, the answer is that of the whole one or a refusal, and no other error."""
    random, source = Random(method), tmp_path / "source.zip"
    with zipfile.ZipFile(source, "w", method) as file:
        for name, data in honest(7).files.items():
            file.writestr(name, data)
    whole = source.read_bytes()
    answers = [ask(source, POLICY)] if method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else []
    for number in range(400):
        damaged = bytearray(whole)
        at = random.randrange(len(whole))
        damaged[at] ^= 1 << random.randrange(8)
        path = tmp_path / f"{number}.zip"
        path.write_bytes(damaged[: random.choice([len(whole)] * 9 + [at])])
        answer = ask(path, POLICY)
        assert answer in answers or refusal_of(answer) is not None, number
        path.unlink()


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    """Nobody is asked for a password."""
    path = save(honest(7).files, tmp_path / "bundle.zip")
    data = path.read_bytes().replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
    path = tmp_path / "encrypted.zip"
    path.write_bytes(data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"))
    assert refusal_of(ask(path, POLICY)) == Refusal("scope", None, "text")


@pytest.mark.parametrize("size", [2**40 - 1, 2**40, 2**40 + 1, 10**18, 10**19 - 1])
@pytest.mark.parametrize("scope", ["whole", "since 0", f"since {10**12}", f"case {CASES[0]}"])
def test_a_size_that_nobody_could_store_is_refused_at_once(size: int, scope: str, tmp_path: Path) -> None:
    """Everybody signed a size of which the bundle holds nothing: refused before a list of its tiles is made."""
    text = write_body(Checkpoint(origin=ORIGIN, size=size, root=bytes(32)))
    files = {
        **honest(257).files,
        "checkpoint": sign_note(text, ORIGIN, SEED).encode(),
        "scope": f"tsunagi-export/v1\n{scope}\n".encode(),
        "leaves": b"",
    }
    policy = tmp_path / "policy"
    policy.write_text(UNWITNESSED, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "audit.verify", str(kept(files, tmp_path)), "--policy", str(policy), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29)),
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert '"step": "note"' in done.stdout or '"step": "tile"' in done.stdout
