"""The Go program of this folder, built and asked: what golang.org/x/mod says about notes, tiles and proofs."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

SOURCE = Path(__file__).parent / "go" / "main.go"
LIBRARIES = Path("/usr/share/gocode")
"""Where Debian and Ubuntu keep the sources of Go packages; there is no other place without a network."""

_NEEDED = LIBRARIES / "src" / "golang.org" / "x" / "mod" / "sumdb" / "tlog"
_SECONDS = 300  # a newer Go compiles its own library first


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to ask; main.go says which question takes what."""

    ask: str
    key: str = ""
    note: str = ""
    folder: str = ""
    size: int = 0
    root: bytes = b""
    index: int = 0
    leaf: bytes = b""
    old: int = 0
    old_root: bytes = b""
    proof: tuple[bytes, ...] = ()
    level: int = 0
    width: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the library said; ``refused`` is its error, empty where it accepts."""

    refused: str = ""
    text: str = ""
    signed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    root: bytes = b""
    proof: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The program, built."""

    program: Path

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """The answers, one a question; raises CalledProcessError where one could not be put."""
        done = subprocess.run(
            [self.program], input=msgspec.json.encode(questions), capture_output=True, check=True, timeout=60
        )
        answers = msgspec.json.decode(done.stdout, type=list[Answer])
        assert len(answers) == len(questions)
        return answers


def missing() -> str:
    """Why the program cannot be built here; empty where it can."""
    if shutil.which("go") is None:
        return "Go is not there (Debian and Ubuntu: apt-get install golang-go golang-golang-x-mod-dev)"
    if not _NEEDED.is_dir():
        return "golang.org/x/mod is not there (Debian and Ubuntu: apt-get install golang-golang-x-mod-dev)"
    return ""


def build(folder: Path) -> Asker:
    """The program, built in ``folder`` without a network and without anything of the user's own."""
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOENV": "off",
        "GO111MODULE": "off",  # packages are read from GOPATH: no modules, hence nothing to fetch
        "GOPATH": str(LIBRARIES),
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    program = folder / "asker"
    command = ["go", "build", "-o", str(program), str(SOURCE)]
    done = subprocess.run(
        command, env=settings, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return Asker(program=program)
