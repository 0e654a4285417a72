"""Zips and folders made to mislead, laid before both verifiers: the same exit code and the same JSON each time."""

import contextlib
import io
import json
import os
import socket
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random

import pytest

from audit import standalone, verify
from audit.checkpoint import MAX_NOTE
from tests.audit.bundles import POLICY, Files, Log, little_memory, of_case, save, whole
from tests.audit.examples import small_leaves
from tests.audit.tamper.logs import CASES, honest

FILES = whole(Log(leaves=small_leaves(3)))
FORGED = b"\xef\xbb\xbfforged"
Answer = tuple[int, dict[str, object] | None]
DAMAGED: Answer = (1, {"ok": False, "step": "scope", "index": None, "fault": "text", "call": None})
NOT_CHECKED: Answer = (2, None)
LISTED, END = b"PK\x01\x02", b"PK\x05\x06"


def zipped(files: Mapping[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    """The bytes of a zip of these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name), content, kind)
    return data.getvalue()


def beside(
    name: str, content: bytes = FORGED, kind: int = 0, attributes: int = 0, extra: bytes = b""
) -> bytes:
    """A good bundle and one more member, whatever its name."""
    data, member = io.BytesIO(zipped(FILES)), zipfile.ZipInfo("x")
    member.filename, member.external_attr, member.extra = name, attributes, extra
    with zipfile.ZipFile(data, "a") as file:
        file.writestr(member, content, kind)
    return data.getvalue()


def listed(name: bytes, at: int, new: bytes, data: bytes | None = None) -> bytes:
    """A zip with other bytes in the directory, at this place of the member of that name."""
    data = zipped(FILES) if data is None else data
    place = data.rindex(LISTED, 0, data.rindex(name)) + at
    return data[:place] + new + data[place + len(new) :]


def ended(at: int, number: int) -> bytes:
    """A zip with another number at this place of its end."""
    data = zipped(FILES)
    place = data.rindex(END) + at
    return data[:place] + struct.pack("<I", number) + data[place + 4 :]


def far(offset: int) -> bytes:
    """A zip whose last member begins there, as zip64 says it."""
    member = struct.pack("<HHQ", 1, 8, offset)
    data = beside("README.txt", extra=b"\0\0\x08\0" + bytes(8))
    data = listed(b"README.txt", 42, b"\xff" * 4, data)
    return listed(b"README.txt", 46 + len("README.txt"), member, data)


def renamed(name: bytes, other: bytes) -> bytes:
    """Info-ZIP's extra field with another name."""
    said = b"\x01" + struct.pack("<I", zlib.crc32(name)) + other
    return struct.pack("<HH", 0x7075, len(said)) + said


def twice(name: str) -> bytes:
    """A zip with a member of that name, which is there already."""
    with pytest.warns(UserWarning, match="Duplicate"):
        return beside(name)


@pytest.fixture
def lay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Lays a bundle before both verifiers: what both say."""
    policy = tmp_path / "policy"
    policy.write_text(POLICY, "utf-8")

    def ask(main: Callable[[list[str]], int], arguments: list[str]) -> Answer:
        try:
            code = main(arguments)
        except SystemExit as stopped:
            code = int(str(stopped.code))
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    def asked(bundle: bytes | Path, older: Path | None = None) -> Answer:
        if isinstance(bundle, bytes):
            (tmp_path / "bundle.zip").write_bytes(bundle)
            bundle = tmp_path / "bundle.zip"
        arguments = [str(bundle), "--policy", str(policy), "--json"]
        arguments += ["--since", str(older)] if older else []
        answer = ask(verify.main, arguments)
        assert ask(standalone.main, arguments) == answer
        return answer

    return asked


@pytest.mark.parametrize(
    "name",
    [
        *(
            "./entries.csv",
            "/entries.csv",
            "a/../entries.csv",
            "../entries.csv",
            "tile//0/000.p/3",
            "entries.csv//",
        ),
        *(
            ".",
            "..",
            "/",
            "",
            "tile/./",
            "a/..",
            ".\\entries.csv",
            "tile\\0\\000.p\\3",
            "C:entries.csv",
            "a:b",
        ),
        *(
            "entries.csv\0.txt",
            "entries.csv.",
            "entries.csv ",
            "tile./0/000.p/3",
            "entries.csv/",
            "CheckPoint",
        ),
        *("ENTRIES.CSV", "Tile/0/000.P/3", "\u017fcope", "README.txt \0"),
    ],
)
def test_a_member_that_unpacks_over_another_is_refused(lay: Callable[..., Answer], name: str) -> None:
    """A name has one form, and is no other one on any system: what was checked is what an auditor then opens."""
    assert lay(beside(name)) == DAMAGED


def test_names_that_are_the_same_once_normalised_are_refused(lay: Callable[..., Answer]) -> None:
    """One system keeps both, another one writes the second over the first; so with a name in an extra field."""
    for first, second in (
        ("caf\u00e9", "cafe\u0301"),
        ("\u00c5", "\u212b"),
        ("notes/", "NOTES"),
        ("Ä", "a\u0308"),
    ):
        assert lay(zipped({**FILES, first: b"a", second: b"b"})) == DAMAGED
    for name in ("README.txt", "entries.csv", "tile/0/000.p/3"):
        assert (
            lay(twice(name) if name in FILES else zipped({**FILES, name: b"", name.title(): b""})) == DAMAGED
        )
    times = struct.pack("<HHBI", 0x5455, 5, 3, 0x70757075)
    for extra in (
        renamed(b"READ.txt", b"entries.csv"),
        times + renamed(b"READ.txt", b"entries.csv"),
        b"up\0\0",
    ):
        assert lay(beside("READ.txt", extra=extra)) == DAMAGED


def test_other_members_may_lie_beside(lay: Callable[..., Answer]) -> None:
    """Folders, and files of any language and kind that are not read; times and owners in extra fields."""
    answer = lay(zipped(FILES))
    assert answer[0] == 0
    for name in (
        "tile/",
        "tile/0/",
        "README.txt",
        "メモ/一.txt",
        "..a",
        "a..b/.c",
        "Entries",
        "entries.csv.txt",
        " a",
    ):
        assert lay(beside(name)) == answer
    extra = struct.pack("<HHBI", 0x5455, 5, 3, 0x70757075) + b"ux\x0b\0\x01\x04upup\x04upup"
    assert (
        lay(beside("READ.txt", extra=extra, kind=zipfile.ZIP_DEFLATED, attributes=0o100644 << 16)) == answer
    )
    assert lay(beside("tile/", b"", attributes=0o040755 << 16)) == answer
    assert lay(beside("link", b".", attributes=0o120777 << 16)) == DAMAGED


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_packed_in_other_ways_are_refused(lay: Callable[..., Answer], kind: int) -> None:
    """All of it or one file, read or not."""
    assert lay(zipped(FILES, kind)) == DAMAGED
    assert lay(beside("README.txt", kind=kind)) == DAMAGED


@pytest.mark.parametrize("bit", range(16))
def test_zips_with_other_flags_are_refused(lay: Callable[..., Answer], bit: int) -> None:
    """Encrypted, patched, masked: only how it was deflated, a length behind it, and UTF-8 may be said."""
    for name in (b"scope", b"entries.csv"):
        answer = lay(listed(name, 8, struct.pack("<H", 1 << bit)))
        assert answer[0] == 0 if bit in (1, 2, 3, 11) else answer == DAMAGED


@pytest.mark.parametrize("method", [1, 6, 9, 12, 14, 93, 95, 99, 0xFFFF])
def test_unknown_methods_are_refused(lay: Callable[..., Answer], method: int) -> None:
    """Also where the member is not read."""
    assert lay(listed(b"scope", 10, struct.pack("<H", method))) == DAMAGED
    assert lay(listed(b"READ", 10, struct.pack("<H", method), beside("READ"))) == DAMAGED


def not_utf8(at: int) -> bytes:
    """A zip in which a name says that it is UTF-8 and is not."""
    data = bytearray(zipped({**FILES, "Ä.txt": b"x"}))
    place = data.index("Ä".encode()) if at == 0 else data.rindex("Ä".encode())
    data[place] = 0xFF
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        not_utf8(1),
        *(far(offset) for offset in (5000, 2**31, 2**62, 2**63 - 1, 2**63, 2**64 - 1)),
        *(listed(b"scope", 42, struct.pack("<I", offset)) for offset in (5, 1000, 0xFFFFFFF0, 0xFFFFFFFF)),
        *(ended(12, size) for size in (0, 1, 0x7FFFFFFF, 0xFFFFFF00, 0xFFFFFFFF)),
        *(ended(16, offset) for offset in (1, 0x7FFFFFFF, 0xFFFFFF00, 0xFFFFFFFF)),
        listed(b"scope", 6, b"\xff\xff"),  # what is needed to unpack it
        listed(b"scope", 28, b"\xff\xff"),  # the length of the name, of the extra field, of the comment
        listed(b"scope", 30, b"\xff\xff"),
        listed(b"scope", 30, b"\x02\x00"),
        listed(b"scope", 32, b"\xff\xff"),
        *(zipped(FILES)[:length] for length in (0, 1, 3, 4, 500, -1)),
        END + b"\x00" * 17,
        b"PK\x06\x06" + bytes(52) + b"PK\x06\x07" + b"\xff" * 16 + END + b"\xff" * 16 + b"\x00\x00",
        b"PK\x06\x07" + b"\xff" * 16 + END + b"\xff" * 16 + b"\x00\x00",
    ],
)
def test_whatever_is_wrong_with_a_zip_is_said_in_the_same_way(
    lay: Callable[..., Answer], data: bytes
) -> None:
    """Whatever zipfile raises for it, it is refused: no traceback, and never "not checked"."""
    assert lay(data)[0] == 1


def test_a_name_of_no_utf8_and_places_beyond_all_are_damage(lay: Callable[..., Answer]) -> None:
    """Of what stands in the directory and of what stands before the member."""
    assert lay(not_utf8(1)) == DAMAGED
    assert lay(far(2**62)) == lay(far(2**63)) == lay(far(2**64 - 1)) == DAMAGED
    data = listed(b"scope", 8, struct.pack("<H", 0x800))
    assert lay(data.replace(b"scope", b"scop\xff", 1)) == DAMAGED


@contextlib.contextmanager
def measured() -> Iterator[list[int]]:
    """The most memory that was in use within, at the end."""
    most: list[int] = []
    tracemalloc.start()
    yield most
    most.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["checkpoint", "entries.csv"])
def test_a_bomb_is_not_unpacked(lay: Callable[..., Answer], kind: int, name: str) -> None:
    """A file of many megabytes is read to its cap, and not at all where it is packed so that it has none."""
    data = zipped({**FILES, name: FILES[name] + bytes(16 << 20)}, kind)
    with measured() as most:
        code, said = lay(data)
    assert (code, most[0] < 4 << 20) == (1, True)
    assert said is not None and (said["step"] == "scope" or kind == zipfile.ZIP_DEFLATED)


def test_out_of_memory_is_no_verdict(lay: Callable[..., Answer], tmp_path: Path) -> None:
    """A directory of gigabytes is read or not checked, never accepted and never called damaged."""
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.seek(0xFFFFFFF0)
        file.write(END + struct.pack("<HHHHIIH", 0, 0, 1, 1, 0xFFFFFFF0, 0, 0))
    with little_memory():
        assert lay(path) == NOT_CHECKED


def no_file(kind: str, path: Path) -> None:
    """Something that is no plain file, under that path."""
    match kind:
        case "socket":
            with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as made:
                made.bind(path.name)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to({"loop": path.name, "device": "/dev/zero", "nothing": "absent"}[kind])


@pytest.mark.parametrize("kind", ["socket", "pipe", "folder", "loop", "device", "nothing"])
@pytest.mark.parametrize("name", sorted(FILES))
def test_what_is_no_file_is_not_there(
    lay: Callable[..., Answer], tmp_path: Path, name: str, kind: str
) -> None:
    """In a folder: the verdict is that of the folder without it. A link to a plain file is one."""
    without = save({path: data for path, data in FILES.items() if path != name}, tmp_path / "without")
    bundle = save(FILES, tmp_path / "bundle")
    (bundle / name).rename(tmp_path / "kept")
    no_file(kind, bundle / name)
    assert lay(bundle) == lay(without)
    (bundle / name).rmdir() if kind == "folder" else (bundle / name).unlink()
    (bundle / name).symlink_to(tmp_path / "kept")
    assert lay(bundle)[0] == 0


@pytest.mark.parametrize("kind", ["socket", "pipe", "device"])
def test_a_bundle_is_a_folder_or_a_plain_file(lay: Callable[..., Answer], tmp_path: Path, kind: str) -> None:
    """What would never end is refused; what is not there is not checked."""
    no_file(kind, tmp_path / kind)
    assert lay(tmp_path / kind) == DAMAGED
    no_file("loop", tmp_path / "loop")
    assert lay(tmp_path / "loop") == lay(tmp_path / "absent") == lay(tmp_path / "policy" / "x") == NOT_CHECKED


def test_an_older_checkpoint_that_is_too_long_is_judged_in_its_turn(
    lay: Callable[..., Answer], tmp_path: Path
) -> None:
    """After the bundle's own checkpoint and scope."""
    older, good = tmp_path / "older", save(FILES, tmp_path / "good")
    for data, fault in (
        (b"x" * (MAX_NOTE + 9), "size"),
        (b"\xff" * (MAX_NOTE + 1), "size"),
        (b"\xff" * 9, "text"),
    ):
        older.write_bytes(data)
        said = {"ok": False, "index": None, "call": None}
        assert lay(good, older) == (1, {**said, "step": "since", "fault": fault})
        assert lay(save({**FILES, "scope": b"x"}, tmp_path / "bad"), older)[1] == {
            **said,
            "step": "scope",
            "fault": None,
        }
        assert lay(save({**FILES, "checkpoint": b"x"}, tmp_path / "bad"), older)[1] == {
            **said,
            "step": "note",
            "fault": "text",
        }
        assert lay(tmp_path / "absent", older) == NOT_CHECKED
        assert lay(b"no zip", older) == DAMAGED
    assert lay(good, tmp_path / "absent") == NOT_CHECKED


def bases() -> Iterator[Files]:
    """Bundles to damage: small, of two kinds, and of more than one entry bundle."""
    yield from (FILES, honest(31).files, of_case(honest(31).log, CASES[0]), honest(257).files)


def test_zips_damaged_anywhere_are_judged_alike(lay: Callable[..., Answer]) -> None:
    """Some bytes changed, most of them in the directory: the same answer, and only of the bundle that it was."""
    random, steps = Random(4), set()
    for files in bases():
        answer, rest = (
            lay(zipped(files)),
            {path: data for path, data in files.items() if path != "entries.csv"},
        )
        right = (answer, lay(zipped(rest)))
        for number in range(90):
            data = bytearray(zipped(files, random.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])))
            start = data.index(LISTED) if number % 2 else 0
            for _ in range(random.randint(1, 3)):
                at = random.randrange(start, len(data))
                data[at] = random.choice([0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1, random.randrange(256)])
            code, said = lay(bytes(data))
            steps.add((code, said and said.get("step")))
            assert code == 1 or (code, said) in right
    assert {(0, None), (1, "scope"), (1, "note"), (1, "tile")} <= steps
