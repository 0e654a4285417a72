"""Searches files for texts in clear, in a process of its own.

In a process of its own, because the story's process also runs the server: whoever opens and closes the database's
file beside SQLite drops SQLite's locks in that process (POSIX locks belong to the process), and the next program
that opens the database takes the write-ahead log away from under the server.

A search that finds nothing must show that it can find: the same search finds the NPO's name, which is no secret.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

SECONDS = 120
SHORTEST = 4
"""A piece of a text that is searched has at least so many characters."""
_ENDS = "、。,. \n"


def search_apart(folders: Iterable[Path], texts: Iterable[str]) -> list[str]:
    """What `find_in_clear` finds in any of the folders, asked of another process."""
    asked = json.dumps({"folders": [str(folder) for folder in folders], "texts": sorted(set(texts))})
    done = subprocess.run(  # our own module, no shell
        [sys.executable, "-m", "service.cli.demo.searching"],
        input=asked,
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8"},
        timeout=SECONDS,
        check=True,
    )
    return list(json.loads(done.stdout))


def find_in_clear(folder: Path, texts: Iterable[str]) -> list[str]:
    """The pieces of the texts that stand in clear in any file of the folder: UTF-8, UTF-16 or escaped JSON."""
    wanted = {piece: _spellings(piece) for text in texts for piece in _pieces(text)}
    found: set[str] = set()
    for path in sorted(folder.iterdir()):
        if path.is_file():
            data = path.read_bytes()
            found |= {piece for piece, spelled in wanted.items() if any(one in data for one in spelled)}
    return sorted(found)


def _pieces(text: str) -> Iterator[str]:
    """The text, and each part of it between points and commas."""
    yield text
    for end in _ENDS:
        text = text.replace(end, "\n")
    yield from (part for part in text.split("\n") if len(part) >= SHORTEST)


def _spellings(piece: str) -> tuple[bytes, ...]:
    escaped = json.dumps(piece)[1:-1]
    return (
        piece.encode("utf-8"),
        piece.encode("utf-16-le"),
        piece.encode("utf-16-be"),
        escaped.encode("ascii"),
        escaped.upper().replace("\\U", "\\u").encode("ascii"),
    )


def main() -> None:
    """Reads the question from standard input, and writes the pieces that were found as JSON."""
    asked = json.load(sys.stdin)
    found = {piece for folder in asked["folders"] for piece in find_in_clear(Path(folder), asked["texts"])}
    json.dump(sorted(found), sys.stdout)


if __name__ == "__main__":
    main()
