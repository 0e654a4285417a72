"""Reads a TOML file of the policy, and finds the line in which something stands.

``tomllib`` keeps no lines. The two files have one row a line, so the line of a key is found by reading the
text a second time; a key that this simple look does not find gets the line of its table.
"""

import re
import tomllib

from policies.errors import PolicyError, PolicyFault, PolicyFile

_TABLE = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_]+)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[=.]""")
_SYNTAX = re.compile(r"at line ([0-9]+)", re.ASCII)


class Document:
    """One file of the policy, parsed: its tables as plain values, and the line of each key for errors."""

    def __init__(self, file: PolicyFile, content: bytes) -> None:
        self.file = file
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise PolicyError(file, line, PolicyFault.NOT_UTF8) from None
        try:
            self.values: dict[str, object] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = _SYNTAX.search(str(error))
            line = int(found[1]) if found is not None else text.count("\n") + 1
            raise PolicyError(file, line, PolicyFault.NOT_TOML) from None
        self._lines = _lines_of_keys(text)

    def line(self, table: str, key: str = "", entry: int = 0) -> int:
        """The line, from 1, of a key in the ``entry``-th table of that name ("" is the top of the file)."""
        start = self._lines.get((table, entry, ""), 1)
        return self._lines.get((table, entry, key), start)

    def refuse(self, what: PolicyFault, table: str, key: str = "", entry: int = 0) -> PolicyError:
        """The error that says what is wrong with a key, with its line."""
        return PolicyError(self.file, self.line(table, key, entry), what, key or table)


def _lines_of_keys(text: str) -> dict[tuple[str, int, str], int]:
    lines: dict[tuple[str, int, str], int] = {("", 0, ""): 1}
    counts: dict[str, int] = {}
    table, entry = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if (found := _TABLE.fullmatch(line)) is not None:
            table = found[1]
            entry = counts.get(table, 0)
            counts[table] = entry + 1
            lines[table, entry, ""] = number
        elif (found := _KEY.match(line)) is not None:
            key = next(part for part in found.groups() if part is not None)
            lines.setdefault((table, entry, key), number)
    return lines


def table_of(document: Document, name: str) -> dict[str, object]:
    """The table of that name at the top of the file; MISSING_KEY or WRONG_TYPE where there is none."""
    if name not in document.values:
        raise document.refuse(PolicyFault.MISSING_KEY, "", name)
    return string_keys(document, document.values[name], name)


def string_keys(document: Document, value: object, table: str, entry: int = 0) -> dict[str, object]:
    """The value as a table; WRONG_TYPE where it is none."""
    if not isinstance(value, dict):
        raise document.refuse(PolicyFault.WRONG_TYPE, table, "", entry)
    return {str(key): part for key, part in value.items()}


def only_keys(document: Document, known: frozenset[str]) -> None:
    """Refuses a key at the top of the file that is not known (``UNKNOWN_KEY``)."""
    for key in document.values:
        if key not in known:
            table = key if document.line(key) != 1 else ""
            raise document.refuse(PolicyFault.UNKNOWN_KEY, table, "" if table else key)


def words_of(document: Document, value: object, table: str, key: str) -> tuple[str, ...]:
    """The value as a list of strings; WRONG_TYPE where it is none."""
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise document.refuse(PolicyFault.WRONG_TYPE, table, key)
    return tuple(str(part) for part in value)
