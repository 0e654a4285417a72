"""The one-file verifier needs nothing but Python, and says of any bundle what the package's own verifier says."""

import ast
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from audit import codes, standalone, verify
from audit.leaf import KEYS
from audit.tree import leaf_hash
from tests.audit.bundles import POLICY, Files, Log, entry_bundles, hash_tiles, of_case, save, since
from tests.audit.tamper.logs import CASES, honest, leaves, note_of, with_gaps

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "audit" / "standalone.py"


def test_it_is_one_short_file_of_the_standard_library() -> None:
    """At most 400 lines, readable by Python 3.9, and everything that it imports comes with Python."""
    text = FILE.read_text("utf-8")
    assert text.count("\n") <= 400
    tree = ast.parse(text, feature_version=(3, 9))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    assert names and {name.split(".")[0] for name in names} <= sys.stdlib_module_names - {
        "ctypes",
        "importlib",
    }
    assert all(node.level == 0 for node in imports if isinstance(node, ast.ImportFrom))
    assert not any(mark in standalone.ENTRY.pattern for mark in ("?+", "*+", "++", "(?>"))  # newer than 3.9


def test_none_of_the_packages_imports_it() -> None:
    """What stands in it is written a second time; nothing of ours leans on it."""
    for package in ("audit", "cases", "consent", "crypto", "policies", "service"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import | ast.ImportFrom)
                    else []
                )
                assert not any(name.endswith("standalone") for name in names), path
                assert not (
                    isinstance(node, ast.ImportFrom) and (node.module or "").endswith("standalone")
                ), path


def test_its_lists_are_those_of_the_log() -> None:
    """Codes, keys and the events about a case are the same in both verifiers."""
    lists = {
        "ev": {*codes.Event},
        "rsn": {*codes.Reason},
        "rol": {*codes.Role},
        "pur": {*codes.Purpose},
        "via": {*codes.Via},
        "dec": {*codes.Decision},
        "flg": {*codes.Flag},
    }
    assert lists == standalone.CODES
    assert [*standalone.ENTRY.groupindex] == [*KEYS]
    assert {
        event for event in codes.Event if event.split(".")[0] in standalone.ABOUT_A_CASE
    } == codes.ABOUT_A_CASE
    assert {*standalone.ABOUT_MANY} == codes.ABOUT_MANY and {standalone.ABOUT_ANY} == codes.ABOUT_ANY
    assert {*standalone.BEFORE} == codes.BEFORE_THE_CASE


class Bench:
    """Bundles laid before both verifiers, each under a path of its own."""

    def __init__(self, folder: Path) -> None:
        """An empty bench."""
        self.folder = folder
        self.number = 0

    def ask(
        self, files: Files, policy: str = POLICY, older: str | None = None, kind: str = ""
    ) -> dict[str, object]:
        """What both say, as JSON, byte for byte."""
        self.number += 1
        arguments = [str(save(files, self.folder / f"{self.number}{kind}")), "--json"]
        for option, text in (("--policy", policy), ("--since", older)):
            if text is not None:
                path = self.folder / f"{self.number}{option}"
                path.write_bytes(text.encode())
                arguments += [option, str(path)]
        (code, said), other = (self.run(main, arguments) for main in (verify.main, standalone.main))
        assert (code, said) == other, sorted(files)
        answer: dict[str, object] = json.loads(said)
        assert code == (0 if answer["ok"] else 1)
        return answer

    def run(self, main: Callable[[list[str]], int], arguments: list[str]) -> tuple[int, str]:
        """The exit code and the output of one of them."""
        with contextlib.redirect_stdout(io.StringIO()) as said:
            return main(arguments), said.getvalue()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty bench."""
    return Bench(tmp_path)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 511, 513, 700])
def test_honest_bundles_are_accepted_by_both(size: int, bench: Bench) -> None:
    """Whole, from some entry on, or one case's; as folder or zip; with and without an older checkpoint."""
    log = honest(size)
    assert bench.ask(log.files, kind=".zip") == bench.ask(log.files)
    for start in {0, size // 2, size}:
        assert bench.ask(since(log.log, start), older=note_of(start))["since"] == start
    assert bench.ask(of_case(log.log, CASES[1]), older=note_of(size // 3))["ok"] is True
    assert bench.ask(log.files, older=note_of(size + 1))["fault"] == "shrank"


def tamper(random: Random, files: Files) -> Files:
    """The files with one of them changed in some way that knows nothing of its form."""
    made = dict(files)
    name, other = random.choice([*files]), random.choice([*files])
    data, at = files[name], random.randrange(len(files[name]) + 1)
    near = data[:at] + random.choice([b"\x00", b"\n", b" ", b"0", b'"', b"x", b"\xff", b"\n\n"]) + data[at:]
    flipped = bytearray(data or b"\x00")
    flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
    length = random.choice([1, 2, 32, 100])
    made[name] = random.choice(
        [bytes(flipped)] * 4
        + [near, data[:at] + data[at + length :], data[:at], data + data[at:], files[other], b""]
    )
    if random.random() < 0.1:
        made[other] = data
    if random.random() < 0.1:
        del made[name]
    return made


def forge(random: Random, size: int) -> Files:
    """A bundle that everybody signed, of a log whose leaves were changed before, and perhaps one hash after."""
    made: list[bytes | None] = list(leaves(size))
    for _ in range(random.randint(1, 2)):
        at, other = random.randrange(size), random.randrange(size)
        leaf, pair = made[at] or b"", random.choice(PAIRS)
        changes = [
            [None],
            [made[other]],
            [made[other], leaf],
            [leaf.replace(*pair, 1)],
            [leaf.replace(*pair)],
        ]
        made[at : at + 1] = random.choice(changes)
        made = made[:size] + leaves(size)[len(made) :]
    hashes = [leaf_hash(leaf or b"") for leaf in made]
    log = Log(leaves=made, hashes=hashes)
    files = {"checkpoint": log.note().encode(), "scope": b"tsunagi-export/v1\nwhole\n", **entry_bundles(made)}
    if random.random() < 0.1:
        hashes[random.randrange(size)] = bytes(32)
    return {**files, **hash_tiles(hashes)}


PAIRS = [
    (b"login.ok", b"retention.prune"),
    (b"login.ok", b"redact.entry"),
    (b"login.ok", b"case.scan"),
    (b"case.read", b"case.list"),
    (b"case.read", b"case.search"),
    (b"food_support", b"own_work"),
    (b'"pur":"food_support",', b""),
    (b'"pur":"food_support",', b'"pur":"food_support","ref":256,'),
    (b"permit", b"deny"),
    (b'"permit"', b'"deny","ev":"case.read"'),
    (b'["dietary","name"]', b'["name","dietary"]'),
    (b'["dietary","name"]', b'["dietary","name"],"flg":["bulk"]'),
    (b'["dietary","name"]', b'["dietary","name"],"flg":["x"],"fno":["name"]'),
    (b'["dietary","name"]', b'["dietary","dietary"]'),
    (b'"2026-11-23T', b'"2026-11-31T'),
    (b'"2026-11-23T', b'"2028-02-29T'),
    (b'"2026-11-23T', b'"2900-02-29T'),
    (b'"2026-11-23T', b'"2027-19-00T'),
    (b'"v":1', b'"v":1,"via":"ui"'),
    (b'"v":1', b'"v":1,"via":"post"'),
    (b'"v":1}', b'"v":1,}'),
    (b'"v":1', b'"v":01'),
    (b'{"act"', b'{ "act"'),
]
"""What to change in a leaf: most of the outcomes break a rule."""


def bases() -> Iterator[Files]:
    """Honest bundles of each kind to tamper with."""
    for size in (5, 257, 300):
        yield honest(size).files
        yield since(honest(size).log, size - 2)
        yield of_case(honest(size).log, CASES[0])
    for number in range(3):
        yield with_gaps(Random(number), 300).files


def test_tampered_bundles_are_refused_alike(bench: Bench) -> None:
    """Bytes flipped, files cut, swapped, lost or doubled: the same answer, and the forms of both agree."""
    random, steps = Random(2), set()
    for files in bases():
        for _ in range(20):
            answer = bench.ask(
                tamper(random, files), older=random.choice([None, None, note_of(2), note_of(256)])
            )
            steps.add(answer.get("step"))
    assert steps >= {None, "note", "scope", "tile", "entries", "leaf", "table"}


def test_forged_and_signed_bundles_are_refused_alike(bench: Bench) -> None:
    """Where log and witness signed what breaks the rules, both name the same rule and the same entry."""
    random, found = Random(3), set()
    for number in range(240):
        answer = bench.ask(forge(random, 260 if number % 8 == 0 else 7))
        found.add(answer.get("fault") if answer.get("step") == "leaf" else answer.get("step"))
    assert found >= {None, "tile", "time", "unique", "absent", "root"}
    assert found >= {"form", "code", "reason", "fields", "subject", "purpose"}


def alone(
    folder: Path, *arguments: str, python: str = sys.executable, **variables: str
) -> tuple[int, str, str]:
    """Exit code, output and complaints of the file by itself: no package, no site-packages, another folder."""
    shutil.copy(FILE, folder / "verify.py")
    done = subprocess.run(
        [python, "-I", "-S", "-X", "utf8", "verify.py", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def lay(folder: Path) -> Path:
    """An empty folder for the program, and beside it a good bundle, a bad one, policies and an older checkpoint."""
    files, texts = honest(31).files, {"policy": f"# contact: 03-1234\n{POLICY}", "broken": "quorum\n"}
    save(files, folder / "good.zip")
    save({**files, "tile/entries/000.p/31": b"\x00\x00" + files["tile/entries/000.p/31"]}, folder / "bad")
    for name, text in {**texts, "older": note_of(3)}.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "empty").mkdir()
    return folder / "empty"


def test_it_runs_alone(tmp_path: Path) -> None:
    """Copied as verify.py into an empty folder: 0 accepted, 1 refused, 2 not checked; one line of JSON."""
    folder = lay(tmp_path)
    good = ("../good.zip", "--policy", "../policy", "--since", "../older", "--json")
    code, said, complaints = alone(folder, *good)
    assert (code, complaints, said.count("\n")) == (0, "", 1) and json.loads(said)["since"] == 3
    code, said, complaints = alone(folder, "../bad", "--policy", "../policy", "--json")
    assert (code, complaints) == (1, "")
    assert said == '{"call": "03-1234", "fault": null, "index": 0, "ok": false, "step": "entries"}\n'
    for arguments in (("../bad",), ("../bad", "--policy", "../none"), ("../none", "--policy", "../policy")):
        assert alone(folder, *arguments)[:2] == (2, "")
    code, said, complaints = alone(folder, "../bad", "--policy", "../broken", "--json")
    assert (code, said) == (2, "") and "broken:1 line" in complaints
    assert "REFUSED" in alone(folder, "../bad", "--policy", "../policy", LANG="C")[1]
    assert "連絡してください" in alone(folder, "../bad", "--policy", "../policy", LANG="ja_JP.UTF-8")[1]


def test_it_runs_on_the_oldest_python_that_it_promises(tmp_path: Path) -> None:
    """Python 3.9 runs it, and says the same."""
    python = shutil.which("python3.9")
    if python is None or subprocess.run([python, "-V"], capture_output=True, check=False).returncode:
        pytest.skip("no Python 3.9 here")
    folder, arguments = (
        lay(tmp_path),
        ("../good.zip", "--policy", "../policy", "--since", "../older", "--json"),
    )
    assert alone(folder, *arguments, python=python) == alone(folder, *arguments)
