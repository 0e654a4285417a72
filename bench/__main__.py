"""``make bench``: builds a town in a temporary folder, measures, prints one table. QUICK=1: shorter rounds.

``python -m bench PART…`` measures only these parts: job, decisions, engines, log. The log grows to a million entries
and is exported on the way: that takes some minutes and 4 GB of disk.

No figure decides anything: they are read by people, on a machine that does nothing else meanwhile.
"""

import io
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import decisions, engines, job, log
from bench.figures import FULL, QUICK, Figure, Size, machine, table
from bench.growing import copy
from bench.serving import go_to_the_other_core
from bench.town import Town, build
from service.logs import configure

Part = Callable[[Town, Size], Sequence[Figure]]
PARTS: dict[str, tuple[str, Part]] = {
    "job": ("the job over HTTP (G1, G2)", job.measure),
    "decisions": ("decisions (G5)", lambda _town, size: decisions.measure(size)),
    "engines": ("engines (G8)", engines.measure),
    "log": ("the log, short and long (G10, G11)", log.measure),
}


def main() -> None:
    """Measures everything, one part after the other, and prints the table."""
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := [name for name in wanted if name not in PARTS]:
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    size = QUICK if os.environ.get("QUICK", "") not in ("", "0") else FULL
    configure(io.StringIO())  # building the town logs its requests: not here
    with tempfile.TemporaryDirectory(prefix="tsunagi-bench-") as name:
        line = machine(Path(name))
        go_to_the_other_core()
        folder = Path(name) / "town"
        folder.mkdir()
        town = build(folder)
        figures: list[Figure] = []
        for one in wanted:
            what, part = PARTS[one]
            print(f"measuring {what} ...", flush=True)
            figures += part(copy(town, f"town-{one}"), size)  # what one part appends, no other one measures
    print(f"\n{line}")
    print(f"{size.rounds} rounds, A B A B; server on one core, load on another; 32 connections\n")
    print(table(figures))


if __name__ == "__main__":
    main()
