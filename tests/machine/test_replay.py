"""The replay finds every kind of release that no consent justifies; and nothing in this folder knows the product."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine.replay import replay

HERE = Path(__file__).parent
PRODUCT = {"audit", "cases", "consent", "crypto", "policies", "service"}
CASE, SERIES, CITY, NPO = "c_" + "1" * 32, "k_" + "2" * 32, "o_" + "3" * 32, "o_" + "4" * 32

Line = dict[str, object]


def _line(event: str, org: str = CITY, number: int = 0, **parts: object) -> Line:
    named: Line = {"obj": SERIES, "cns": f"{SERIES}:{number}:{number:064x}"} if number else {}
    return {"ev": event, "org": org, "sub": CASE, **named, **parts}


def _read(number: int, **parts: object) -> Line:
    return {**_line("case.read", NPO, number, fld=["name"], **parts), "obj": None}


BEGUN = [_line("case.create"), _line("consent.give", number=1), _line("key.seal", number=1)]
ENDED = [_line("consent.withdraw", number=2), _line("key.revoke", number=2)]
NARROWED = [_line("consent.change", number=2), _line("key.seal", number=2)]


def _text(lines: list[Line]) -> str:
    head = "origin\n3\nroot\n\n— origin signature\n\n"
    return head + "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize(
    "lines",
    [
        [*BEGUN, _read(1)],
        [*BEGUN, _read(1), *ENDED],
        [*BEGUN, *NARROWED, _read(2)],
        [*BEGUN, *ENDED, _line("consent.give", number=3), _line("key.seal", number=3), _read(3)],
        [
            *BEGUN,
            _line("consent.change", number=2),
            _read(1),
        ],  # a wider spoken one waits, the earlier goes on
        [*BEGUN, *ENDED, _read(2, dec="deny", rsn="withdrawn")],
        [_line("case.create"), _line("case.read", fld=["name"])],  # the owner's own
    ],
)
def test_what_is_justified_passes(lines: list[Line]) -> None:
    """A release under a live consent before it, and every look of the owner's, is justified."""
    assert not replay(_text(lines)).wrong


@pytest.mark.parametrize(
    "lines",
    [
        [_line("case.create"), _read(1)],
        [_line("case.create"), _line("consent.give", number=1), _read(1)],  # spoken, no witness yet
        [*BEGUN, *ENDED, _read(2)],
        [*BEGUN, *ENDED, _read(1)],
        [*BEGUN, _line("consent.change", number=2), _read(2)],  # it waits for its witness
        [*BEGUN, *NARROWED, _read(1)],  # decided before the change, logged behind it
        [*BEGUN, _line("consent.withdraw", number=2), _read(2), _line("key.revoke", number=2)],
        [*BEGUN, _line("consent.expire", number=2)],  # ended, and the keys stay
        [*BEGUN, *ENDED, _line("key.seal", number=2)],
        [*BEGUN, _line("case.close"), _read(1)],
        [*BEGUN, *ENDED, _line("request.send", number=2) | {"obj": "r_" + "5" * 32}],
        [*BEGUN, *ENDED, _line("ledger.write", NPO, 2) | {"obj": "w_" + "5" * 32}],
        [*BEGUN, _line("key.revoke", number=1), _read(1)],  # declined: consent live, keys gone
        [*BEGUN, {**_read(1), "sub": "c_" + "9" * 32}],
    ],
)
def test_what_is_not_justified_is_found(lines: list[Line]) -> None:
    """I4 and I7 from the log alone: after the end, before the keys, on an older event, in another case."""
    assert replay(_text(lines)).wrong


def test_it_runs_alone(tmp_path: Path) -> None:
    """The replay needs nothing but the exported file and says by its exit code what it found."""
    for lines, code in (([*BEGUN, _read(1)], 0), ([*BEGUN, *ENDED, _read(2)], 1)):
        leaves = [line.encode() for line in _text(lines).splitlines() if line.startswith("{")]
        folder = tmp_path / str(code)
        file = folder / "tile" / "entries" / f"000.p/{len(leaves)}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves))
        command = [sys.executable, "-m", "tests.machine.replay", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert "1 releases" in done.stdout


def test_only_the_server_knows_the_product() -> None:
    """The machine, the race and the replay import nothing of the product, not even through other tests."""
    for file in sorted(HERE.glob("*.py")):
        if file.name == "server.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, file.name
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in PRODUCT, (file.name, name)
                mine = name.startswith("tests.machine.") and name != "tests.machine.server"
                assert not name.startswith("tests") or mine, (file.name, name)
