"""A zip is a bundle as a folder is: small in memory, refused where it is damaged, the same in several processes."""

import contextlib
import errno
import functools
import io
import multiprocessing
import os
import pickle
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from audit import verify
from audit.bundle import TILES_A_PART, verify_bundle
from audit.checkpoint import Checkpoint, sign_note, write_body
from audit.policy import read_policy
from audit.scan import Step, VerifyError, scan_part
from audit.tiles import Tile
from audit.verify import MANY, Files, main, verify_path
from tests.audit.bundles import POLICY, UNWITNESSED, Log, in_memory, little_memory, save, whole
from tests.audit.bundles import Files as Made
from tests.audit.examples import ORIGIN, SEED, many_leaves, small_leaves

TRUST = read_policy(POLICY.encode())
FILES = whole(Log(leaves=small_leaves(3)))
DAMAGED = (Step.SCOPE, None, "text")


def zipped(files: Mapping[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    """The bytes of a zip of these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", kind) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name), content, kind)
    return data.getvalue()


def write(path: Path, data: bytes) -> Path:
    """A file with these bytes."""
    path.write_bytes(data)
    return path


def fault_of(path: Path) -> tuple[Step, int | None, str]:
    """Where a bundle is refused."""
    with pytest.raises(VerifyError) as caught:
        verify_path(path, TRUST)
    return caught.value.step, caught.value.index, caught.value.fault


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_of_the_same_files_is_the_same_bundle(tmp_path: Path, kind: int) -> None:
    """Stored or deflated, with the files in any order and others beside them."""
    files = {"README.txt": b"x", **dict(reversed(FILES.items())), "tile/": b""}
    path = write(tmp_path / "bundle.zip", zipped(files, kind))
    assert verify_path(path, TRUST) == verify_bundle(in_memory(FILES), TRUST)
    unnamed = write(tmp_path / "bundle", path.read_bytes())
    assert verify_path(unnamed, TRUST).read == 3
    assert Files(path).read("absent", 9) is None
    assert Files(path).read("scope", 3) == b"tsun"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_zip_without_a_file_is_a_bundle_without_it(tmp_path: Path, name: str) -> None:
    """The verdict is that of the folder without that file."""
    without = {path: data for path, data in FILES.items() if path != name}
    path = write(tmp_path / "bundle.zip", zipped(without))
    if name == "entries.csv":
        assert not verify_path(path, TRUST).table
        return
    with pytest.raises(VerifyError) as caught:
        verify_bundle(in_memory(without), TRUST)
    assert fault_of(path) == caught.value.args


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_packed_in_another_way_is_refused(tmp_path: Path, kind: int) -> None:
    """Only stored and deflated files are unpacked piece by piece."""
    assert fault_of(write(tmp_path / "bundle.zip", zipped(FILES, kind))) == DAMAGED


def test_a_zip_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    """Another program would show the other file of that name."""
    data = io.BytesIO(zipped(FILES))
    with zipfile.ZipFile(data, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("entries.csv", FILES["entries.csv"])
    assert fault_of(write(tmp_path / "bundle.zip", data.getvalue())) == DAMAGED


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    """There is no password to give: the flag alone refuses it, as does a method that nobody knows."""
    for at in (6, 8):  # flags, then method, of the central directory behind its signature and version
        data = bytearray(zipped(FILES))
        place = data.index(b"PK\x01\x02") + 2 + at
        data[place] = 1 if at == 6 else 99
        data[6 if at == 6 else 8] = data[place]
        assert fault_of(write(tmp_path / f"{at}.zip", bytes(data))) == DAMAGED


@pytest.mark.parametrize("data", [b"", b"x", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), bytes(5000)])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    """A file of other bytes is damaged; a zip without files has no checkpoint."""
    path = write(tmp_path / "bundle.zip", data)
    assert fault_of(path) == ((Step.NOTE, None, "text") if data.startswith(b"PK\x05") else DAMAGED)


def test_a_cut_zip_is_refused(tmp_path: Path) -> None:
    """The directory stands at the end: without its last byte there is none."""
    data = zipped(FILES, zipfile.ZIP_DEFLATED)
    for at in [*range(0, len(data), 41), len(data) - 1]:
        assert fault_of(write(tmp_path / "bundle.zip", data[:at])) == DAMAGED


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_zip_says_what_it_said_or_nothing(
    tmp_path: Path, kind: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever a byte is changed: refused, or not checked, or the very same files; never another end."""
    policy, path = write(tmp_path / "policy", POLICY.encode()), tmp_path / "bundle.zip"
    data, right = zipped(FILES, kind), verify_bundle(in_memory(FILES), TRUST)
    codes = set()
    for at in range(0, len(data), 3):
        write(path, data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        code = main([str(path), "--policy", str(policy)])
        codes.add(code)
        if code == 0:
            found = verify_path(path, TRUST)
            assert (found.read, found.cosigned) == (right.read, right.cosigned)
    assert codes <= {0, 1, 2} and 1 in codes
    capsys.readouterr()


@pytest.fixture
def memory() -> Iterator[None]:
    """What is measured is what was asked for since."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.usefixtures("memory")
def test_a_bomb_is_not_unpacked(tmp_path: Path, name: str) -> None:
    """A file that says it is of many megabytes is read to its cap and no further."""
    large = {**FILES, name: FILES[name] + bytes(32 << 20)}
    path = write(tmp_path / "bundle.zip", zipped(large, zipfile.ZIP_DEFLATED))
    del large
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    step = fault_of(path)[0]
    assert step in (Step.NOTE, Step.SCOPE, Step.ENTRIES, Step.TILE, Step.TABLE)
    assert tracemalloc.get_traced_memory()[1] - before < 4 << 20


@contextlib.contextmanager
def killing() -> Iterator[None]:
    """Every process that this one begins is killed at once."""
    over = threading.Event()

    def kill() -> None:
        while not over.is_set():
            for child in multiprocessing.active_children():
                child.kill()
            time.sleep(0.001)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class TestSeveral:
    """A log of so many parts that several processes check it."""

    SIZE = (MANY - 1) * TILES_A_PART * 256 + 1
    LOG = Log(leaves=many_leaves(SIZE))
    FILES = whole(LOG)

    @staticmethod
    def early(index: int) -> bytes:
        """An entry as early as the first, with an id of its own."""
        return b'{"ev":"login.ok","id":"f%031x","t":"2026-11-23T05:00:00.000Z","v":1}' % index

    def changed(self, *places: int) -> Made:
        """The bundle with an entry that is too early at each of these places."""
        leaves = list(self.LOG.leaves)
        for at in places:
            leaves[at] = self.early(at)
        return whole(Log(leaves=leaves))

    @pytest.mark.parametrize("form", ["bundle", "bundle.zip"])
    def test_several_processes_say_what_one_says(self, tmp_path: Path, form: str) -> None:
        """A true bundle is accepted with the same words, folder or zip, in one process or in several."""
        alone = verify_bundle(in_memory(self.FILES), TRUST, self.LOG.note(20_000))
        path = save(self.FILES, tmp_path / form)
        for _ in range(2):
            assert verify_path(path, TRUST, self.LOG.note(20_000)) == alone
        assert (alone.read, alone.table) == (self.SIZE, True)

    @pytest.mark.parametrize("places", [(5,), (16_384,), (49_152,), (20_000, 300), (49_152, 40_000, 20_000)])
    def test_several_processes_refuse_what_one_refuses(self, tmp_path: Path, places: tuple[int, ...]) -> None:
        """The first entry at fault is named, whichever process came to its own first."""
        files = self.changed(*places)
        with pytest.raises(VerifyError) as caught:
            verify_bundle(in_memory(files), TRUST)
        assert caught.value.args == (Step.TIME, min(places), "")
        assert fault_of(save(files, tmp_path / "bundle")) == caught.value.args

    def test_a_zip_that_is_damaged_within_is_refused_by_several_too(self, tmp_path: Path) -> None:
        """What a process cannot unpack, the bundle cannot prove."""
        data = zipped({"x": self.FILES["tile/entries/000"], **self.FILES}, zipfile.ZIP_DEFLATED)
        place = data.rindex(b"tile/entries/100") - data.rindex(
            b"PK\x01\x02", 0, data.rindex(b"tile/entries/100")
        )
        assert place == 46
        local = data.index(b"tile/entries/100") + 200
        broken = data[:local] + bytes(64) + data[local + 64 :]
        assert fault_of(write(tmp_path / "bundle.zip", broken))[0] in (
            Step.SCOPE,
            Step.TILE,
            Step.LEAF,
            Step.ENTRIES,
        )

    def test_what_another_process_is_given_can_be_sent_to_it(self, tmp_path: Path) -> None:
        """A part goes there as a path and tiles, and comes back as what it says; here for once in this process."""
        path = save(FILES, tmp_path / "bundle")
        tiles = (Tile(0, 0, 3),)
        for table in (False, True):
            task = pickle.loads(pickle.dumps(functools.partial(verify._scan, path, table)))
            part = scan_part(Files(path).read, tiles, table=table)
            assert pickle.loads(pickle.dumps(task(tiles))) == part
            assert (part.length > 0) is table

    def test_parts_that_are_not_there_are_not_waited_for(self, tmp_path: Path) -> None:
        """A size that promises millions of parts ends at the first that is missing, and makes none in advance."""
        point = Checkpoint(origin=ORIGIN, size=2**40, root=bytes(32))
        files = {**self.FILES, "checkpoint": sign_note(write_body(point), ORIGIN, SEED).encode()}
        path = save(files, tmp_path / "bundle")
        with little_memory(), pytest.raises(VerifyError) as caught:
            verify_path(path, read_policy(UNWITNESSED.encode()))
        assert caught.value.args == (Step.TILE, 192 * 256, "")

    def test_a_process_that_is_killed_says_nothing_about_the_bundle(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Out of memory, for one: not checked, which is neither accepted nor refused."""
        path, policy = save(self.FILES, tmp_path / "bundle"), write(tmp_path / "policy", POLICY.encode())
        with killing(), pytest.raises(ChildProcessError) as caught:
            verify_path(path, TRUST)
        told = (errno.ECHILD, os.strerror(errno.ECHILD), str(path))
        assert (caught.value.errno, caught.value.strerror, caught.value.filename) == told
        with killing():
            assert main([str(path), "--policy", str(policy)]) == 2
        assert capsys.readouterr() == ("", f"{path}: {os.strerror(errno.ECHILD)}\n")
