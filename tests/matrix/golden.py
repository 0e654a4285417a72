"""The golden file: who gets which answer, a line a principal and operation, to be read without knowing the code."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.matrix.operations import OPERATIONS
from tests.matrix.people import PRINCIPALS, Principal
from tests.matrix.walk import Walk

PATH = Path(__file__).parent / "golden.txt"
_HEAD = """The access matrix: who gets which answer to what, over the API.

A line is one operation by the person named above it. Behind each answer stand the objects that get it, by the codes
of the legend. An answer is an HTTP status: 200 and 201 with what was shown (the sign in brackets stands in the legend
at the end), 4xx with the reason that is told. 404 "not_there": not there, or not yours to know. 403 "not_allowed":
this role never does this. * in the legend at the end: without free text.

This file is compared by the tests. After a change that is meant: `python -m tests.matrix.regenerate`, and read the
difference line by line."""


def view_sign(view: str) -> str:
    """The short sign of what an answer showed."""
    return hashlib.sha256(view.encode()).hexdigest()[:4]


def section(walk: Walk) -> list[str]:
    """The lines of one principal."""
    lines = [f"## {walk.principal.name}: {walk.principal.title}"]
    for operation in OPERATIONS:
        groups: dict[str, list[str]] = {}
        for kind, status in walk.cells[operation.name].items():
            view = walk.views.get(operation.name, {}).get(kind)
            told = status if view is None else f"{status}[{view_sign(view)}]"
            groups.setdefault(told, []).append(kind)
        answers = "  |  ".join(f"{told}: {' '.join(groups[told])}" for told in sorted(groups))
        lines.append(f"{operation.name:<30} {answers}")
    return lines


def legend(kinds: Mapping[str, str]) -> list[str]:
    """The codes of the objects."""
    return ["## objects", *(f"{kind}  {title}" for kind, title in kinds.items()), "--  no object"]


def views_of(walk: Walk) -> dict[str, str]:
    """Sign → what was shown, of one walk."""
    return {view_sign(view): view for by_kind in walk.views.values() for view in by_kind.values()}


def write(walks: Iterable[Walk], kinds: Mapping[str, str]) -> str:
    """The whole file."""
    views: dict[str, str] = {}
    parts = [_HEAD, "\n".join(legend(kinds))]
    for walk in walks:
        for sign, view in views_of(walk).items():
            if views.setdefault(sign, view) != view:
                raise ValueError(f"two views have the sign {sign}: make the sign longer")
        parts.append("\n".join(section(walk)))
    parts.append("\n".join(["## shown", *(f"{sign}  {views[sign]}" for sign in sorted(views))]))
    return "\n\n".join(parts) + "\n"


def read() -> dict[str, list[str]]:
    """The sections of the file, by the first word of their heading."""
    found: dict[str, list[str]] = {}
    for part in PATH.read_text("utf-8").rstrip("\n").split("\n\n"):
        if part.startswith("## "):
            lines = part.split("\n")
            found[lines[0][3:].partition(":")[0]] = lines
    return found


def differences(walk: Walk) -> list[str]:
    """What is otherwise than in the file: the lines of the principal, and the views that they name."""
    sections = read()
    before, now = sections.get(walk.principal.name, []), section(walk)
    wrong = [f"- {line}" for line in before if line not in now] + [
        f"+ {line}" for line in now if line not in before
    ]
    shown = set(sections.get("shown", []))
    return wrong + [
        f"+ {sign}  {view}" for sign, view in views_of(walk).items() if f"{sign}  {view}" not in shown
    ]


def count_cells() -> dict[str, int]:
    """How many cells of each principal stand in the file."""
    sections = read()
    return {one.name: sum(map(_cells, sections[one.name][1:])) for one in _listed(sections)}


def _listed(sections: Mapping[str, list[str]]) -> list[Principal]:
    return [one for one in PRINCIPALS if one.name in sections]


def _cells(line: str) -> int:
    return sum(len(answer.rpartition(": ")[2].split()) for answer in line[31:].split("  |  "))
