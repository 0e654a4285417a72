"""The rules of the house that can be read off the syntax tree (house.md).

Each takes a file and gives complaints. A complaint says which file and line, and what to do.
"""

import ast
import io
import os
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("audit", "cases", "consent", "crypto", "policies", "service")
MIGRATIONS = "service/migrations/"
SKIPPED = {".git", ".venv", ".venv-lock", "var", "node_modules", "__pycache__", "dist", "build"}
SKIPPED |= {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}

FILE_LINES = 300
FUNCTION_LINES = 40

LONGER = {"audit/standalone.py": 401}
"""What may be longer than other files: an auditor is handed the verifier as one file, and reads all of it."""

ONE_PLACE = {
    "Grant": "consent/grant.py",
    "Principal": "service/session.py",
    "Receipt": "service/store/log.py",
}
"""What must not be forged, and the one file that makes it."""

OPENERS = {"open_field": "service/flows/reveal.py"}
"""What opens a field's value, and the one file outside crypto that may name it."""

PRINTERS = ("service/cli/", "audit/verify.py", "audit/standalone.py")
"""Where print is how a program answers."""

UNTYPED = {f"{module}.{name}" for module in ("typing", "t") for name in ("Any", "TYPE_CHECKING", "cast")}

REGISTRIES = tuple(
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
    ]
)
"""Hosts that no file names: the user's own settings say where packages come from."""

FINE_IGNORE = re.compile(r"#\s*type:\s*ignore\[[a-z, -]+\]\s+#\s*\S")
ANY_IGNORE = re.compile(r"#\s*type:\s*ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the project: its path from the root, with slashes, and its text."""

    path: str
    text: str

    @property
    def nodes(self) -> Iterator[ast.AST]:
        """Every node of its syntax tree."""
        return ast.walk(ast.parse(self.text, self.path))


Rule = Callable[[File], Iterator[str]]


def read_files() -> list[File]:
    """Every text file of the project, without what can be made again."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(names):
            path = Path(folder) / name
            try:
                found.append(File(path=path.relative_to(ROOT).as_posix(), text=path.read_text("utf-8")))
            except UnicodeDecodeError:
                continue
    return found


def product(files: list[File]) -> list[File]:
    """The Python files of the six packages."""
    return [file for file in files if file.path.endswith(".py") and file.path.split("/")[0] in PACKAGES]


def short_file(file: File) -> Iterator[str]:
    """A file has fewer than 300 lines, or as many as ``LONGER`` says."""
    lines, limit = file.text.count("\n"), LONGER.get(file.path, FILE_LINES)
    if lines >= limit and not file.path.startswith(MIGRATIONS):
        yield f"{file.path}:{lines}: {lines} lines; split it by meaning, under {limit}"


def short_functions(file: File) -> Iterator[str]:
    """A function has fewer than 40 lines."""
    if file.path.startswith(MIGRATIONS):
        return
    for node in file.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines >= FUNCTION_LINES:
                yield f"{file.path}:{node.lineno}: {node.name} has {lines} lines; stay under {FUNCTION_LINES}"


def no_assert(file: File) -> Iterator[str]:
    """No assert statement: ``python -O`` takes it away."""
    for node in file.nodes:
        if isinstance(node, ast.Assert):
            yield f"{file.path}:{node.lineno}: assert; raise an error instead, python -O removes this"


def plain_types(file: File) -> Iterator[str]:
    """No postponed annotations, TYPE_CHECKING, Any or cast."""
    for node in file.nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield f"{file.path}:{node.lineno}: from __future__; annotations are read at run time"
        elif isinstance(node, ast.ImportFrom) and node.module in ("typing", "typing_extensions"):
            for name in {alias.name for alias in node.names} & {"Any", "TYPE_CHECKING", "cast"}:
                yield f"{file.path}:{node.lineno}: {name}; give the real type"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in UNTYPED:
            yield f"{file.path}:{node.lineno}: {ast.unparse(node)}; give the real type"


def reasoned_ignores(file: File) -> Iterator[str]:
    """A type ignore names its rule and its reason."""
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if (
            token.type == tokenize.COMMENT
            and ANY_IGNORE.search(token.string)
            and not FINE_IGNORE.search(token.string)
        ):
            yield f"{file.path}:{token.start[0]}: write # type: ignore[rule]  # the reason"


def quiet(file: File) -> Iterator[str]:
    """Nothing prints but the command line and the verifier."""
    if file.path.startswith(PRINTERS):
        return
    for node in file.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{file.path}:{node.lineno}: print; log with service/logs.py, or return the value"


def made_in_one_place(file: File) -> Iterator[str]:
    """Grant, Principal and Receipt are made in one file each."""
    for node in file.nodes:
        name = _made(node)
        if name in ONE_PLACE and file.path != ONE_PLACE[name]:
            line = getattr(node, "lineno", 0)
            yield f"{file.path}:{line}: makes a {name}; only {ONE_PLACE[name]} may, call it"


def opened_in_one_place(file: File) -> Iterator[str]:
    """What opens a field's value is named in one file outside crypto."""
    if file.path.startswith("crypto/"):
        return
    for node in file.nodes:
        for name in _names(node) & set(OPENERS):
            if file.path != OPENERS[name]:
                line = getattr(node, "lineno", 0)
                yield f"{file.path}:{line}: names {name}; only {OPENERS[name]} opens values, behind a receipt"


def no_registry(file: File) -> Iterator[str]:
    """No file names a package registry's host."""
    for number, line in enumerate(file.text.splitlines(), 1):
        for host in REGISTRIES:
            if host in line:
                yield f"{file.path}:{number}: names {host}; take the address out"


def no_address_in_locks(file: File) -> Iterator[str]:
    """A lock holds names, versions and hashes, and no address."""
    if PurePosixPath(file.path).parent.name == "requirements":
        for number, line in enumerate(file.text.splitlines(), 1):
            if "://" in line or "index-url" in line or "find-links" in line:
                yield f"{file.path}:{number}: an address or index in a lock; run make lock"


PRODUCT_RULES: tuple[Rule, ...] = (
    short_file,
    short_functions,
    no_assert,
    plain_types,
    reasoned_ignores,
    quiet,
    made_in_one_place,
    opened_in_one_place,
)
FILE_RULES: tuple[Rule, ...] = (no_registry, no_address_in_locks)


def _made(node: ast.AST) -> str:
    """The class that ``node`` makes an instance of, also past its constructor, or nothing."""
    if not isinstance(node, ast.Call):
        return ""
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr == "__new__":
        called = node.args[0] if node.args else called.value
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _names(node: ast.AST) -> set[str]:
    """The names that ``node`` itself mentions: a name, an attribute, an import, a name as text."""
    match node:
        case ast.Name():
            return {node.id}
        case ast.Attribute():
            return {node.attr}
        case ast.ImportFrom():
            return {alias.name for alias in node.names}
        case ast.Constant(value=str(text)):
            return {text}
        case _:
            return set()
