"""``make bench``: builds a town in a temporary folder, measures, prints one table. QUICK=1: shorter rounds.

No figure decides anything: they are read by people, on a machine that does nothing else meanwhile.
"""

import io
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import appends, decisions, engines, job
from bench.figures import FULL, QUICK, Figure, Size, machine, table
from bench.serving import go_to_the_other_core
from bench.town import Town, build
from service.logs import configure

Part = Callable[[Town, Size], Sequence[Figure]]
PARTS: tuple[tuple[str, Part], ...] = (
    ("the job over HTTP (G1, G2)", job.measure),
    ("decisions (G5)", lambda _town, size: decisions.measure(size)),
    ("engines (G8)", engines.measure),
    ("the log (G10)", appends.measure),
)


def main() -> None:
    """Measures everything, one part after the other, and prints the table."""
    size = QUICK if os.environ.get("QUICK", "") not in ("", "0") else FULL
    configure(io.StringIO())  # building the town logs its requests: not here
    with tempfile.TemporaryDirectory(prefix="tsunagi-bench-") as name:
        line = machine(Path(name))
        go_to_the_other_core()
        town = build(Path(name))
        figures: list[Figure] = []
        for what, part in PARTS:
            print(f"measuring {what} ...", flush=True)
            figures += part(town, size)
    print(f"\n{line}")
    print(f"{size.rounds} rounds, A B A B; server on one core, load on another; 32 connections\n")
    print(table(figures))


if __name__ == "__main__":
    main()
