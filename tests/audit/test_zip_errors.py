"""What goes wrong while a zip is read: what the bundle is to blame for is a verdict, anything else is none."""

import contextlib
import errno
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import standalone, verify
from audit.policy import read_policy
from tests.audit.bundles import POLICY, Log, little_memory, save, whole
from tests.audit.examples import small_leaves
from tests.audit.test_standalone_zip import beside, listed

FILES = whole(Log(leaves=small_leaves(3)))
Main = Callable[[list[str]], int]
BOTH = pytest.mark.parametrize("main", [verify.main, standalone.main], ids=["package", "one file"])


def run(main: Main, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output, complaints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = main([*arguments])
        except SystemExit as ended:
            code = int(str(ended.code))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A good zip and a policy."""
    (tmp_path / "policy").write_text(POLICY, "utf-8")
    return str(save(FILES, tmp_path / "bundle.zip")), str(tmp_path / "policy")


@BOTH
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.EIO, "broken disk"), 2),
        (OSError(errno.EACCES, "denied", "bundle.zip"), 2),
        (OSError(errno.EINVAL, "no such place", "bundle.zip"), 2),
        (OSError(errno.EINVAL, "no such place"), 1),
        (OSError(), 1),
        (ValueError("whatever"), 1),
        (MemoryError(), 2),
    ],
)
def test_whose_fault_it_is_decides(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, main: Main, error: Exception, code: int
) -> None:
    """A disk that fails and a machine without memory prove nothing; a place that cannot be is the zip's own."""
    bundle, policy = files

    def fail(path: Path) -> zipfile.ZipFile:
        raise error

    monkeypatch.setattr(zipfile, "ZipFile", fail)
    found, out, err = run(main, bundle, "--policy", policy, "--json")
    assert found == code
    assert (out == "") is (code == 2) and (err == "") is (code == 1)
    if code == 1:
        assert (json.loads(out)["step"], json.loads(out)["fault"]) == ("scope", "text")


def test_a_machine_without_memory_says_so(files: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system words it, with the bundle's name."""
    bundle, policy = files

    def fail(path: Path) -> zipfile.ZipFile:
        raise MemoryError

    monkeypatch.setattr(zipfile, "ZipFile", fail)
    assert run(verify.main, bundle, "--policy", policy) == (2, "", f"{bundle}: Cannot allocate memory\n")
    with pytest.raises(OSError, match="Cannot allocate") as caught:
        verify.verify_path(Path(bundle), read_policy(POLICY.encode()))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOMEM, bundle)


@BOTH
def test_a_policy_without_an_end_is_too_long(files: tuple[str, str], main: Main) -> None:
    """And not a matter of memory."""
    with little_memory():
        code, out, err = run(main, files[0], "--policy", "/dev/zero")
    assert (code, out, "size" in err) == (2, "", True)


@BOTH
def test_a_member_beside_is_judged_by_the_directory_alone(tmp_path: Path, main: Main) -> None:
    """One that is never read: locked, or begun where the directory begins, it is refused; a name with an X is fine."""
    (tmp_path / "policy").write_text(POLICY, "utf-8")
    good = beside("READMEX", b"x")
    start = struct.unpack("<I", good[good.rindex(b"PK\x05\x06") + 16 :][:4])[0]
    for data, code in (
        (good, 0),
        (listed(b"READMEX", 8, b"\x01\x00", good), 1),
        (listed(b"READMEX", 42, struct.pack("<I", start), good), 1),
        (listed(b"READMEX", 42, struct.pack("<I", start - 1), good), 0),
    ):
        (tmp_path / "bundle.zip").write_bytes(data)
        assert run(main, str(tmp_path / "bundle.zip"), "--policy", str(tmp_path / "policy"))[0] == code
