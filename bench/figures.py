"""A figure: ratios of one run, round by round, with what each side cost beside them."""

import os
import platform
import sqlite3
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured: ``rounds`` of ``seconds`` each over HTTP, and the same for what is called directly.

    ``entries`` are those of the long log, ``few`` those of the short one; ``checks`` is how often each is verified.
    """

    rounds: int
    seconds: float
    entries: int
    few: int
    checks: int


FULL = Size(rounds=7, seconds=3.0, entries=1_000_000, few=10_000, checks=3)
QUICK = Size(rounds=5, seconds=0.7, entries=200_000, few=10_000, checks=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. ``ratios``: one a round; ``ours`` and ``theirs``: what a piece cost on each side."""

    name: str
    what: str
    goal: str
    ratios: Sequence[float]
    ours: str
    theirs: str


HEAD = ("", "ratio in one run", "goal", "median", "min", "max", "ours", "against")


def table(figures: Iterable[Figure]) -> str:
    """The figures as plain text in columns."""
    rows = [HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(figure: Figure) -> tuple[str, ...]:
    found = (statistics.median(figure.ratios), min(figure.ratios), max(figure.ratios))
    return (
        figure.name,
        figure.what,
        figure.goal,
        *(_number(value) for value in found),
        figure.ours,
        figure.theirs,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def micro(seconds: Iterable[float]) -> str:
    """The median of some CPU times, in microseconds."""
    return f"{statistics.median(seconds) * 1e6:,.1f} µs"


def pace(seconds: Iterable[float]) -> str:
    """The median of some CPU times, in microseconds and as so many a second on one core."""
    each = statistics.median(seconds)
    return f"{each * 1e6:,.1f} µs, {1 / each:,.0f} /s"


def rate(rates: Iterable[float]) -> str:
    """The median of some rates a second."""
    return f"{statistics.median(rates):,.0f} /s"


def machine(folder: Path) -> str:
    """The machine in one line: cores, Python, SQLite, and what kind of file system the database lies on."""
    return (
        f"{len(os.sched_getaffinity(0))} cores {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version} on {_file_system(folder)}, load {os.getloadavg()[0]:.1f}"
    )


def _file_system(folder: Path) -> str:
    """The type of the mount that holds the folder: on tmpfs a commit waits for no disk."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [mount for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[1]))[2] if holding else "unknown"
