"""Row MACs: rows that give power are only believed with the root key's mark on them.

Whoever can write the database but has no root key cannot make an auditor an administrator, put a stranger's
key in an organisation's place, or hand a case to another owner: the row shows nobody anything. A mark does not say
that no newer row was written since: for a consent series the log does (docs/decisions/0014), for the others nothing.
"""

from collections.abc import Sequence
from enum import Enum

from crypto import context
from crypto.errors import OpenError
from crypto.keys import RootKey, RootKeys
from crypto.rowmac import check_row, column, row_mac
from service.store.errors import TamperedError
from service.store.values import Value, as_bytes

Column = bytes | str | int | None


class Marked(Enum):
    """The tables whose rows carry a MAC; the value is the domain of their MACs."""

    USER = context.ROW_USER
    MEMBERSHIP = context.ROW_COLLABORATION
    GROUP_KEY = context.ROW_GROUP
    CASE = context.ROW_CASE
    ASSIGNMENT = context.ROW_ASSIGNMENT
    APPOINTMENT = context.ROW_APPOINTMENT
    SESSION = context.ROW_SESSION
    SERIES = context.ROW_SERIES
    REQUEST = context.ROW_REQUEST
    BUNDLE = context.ROW_BUNDLE
    WITNESS = context.ROW_WITNESS
    DISCLOSURE = context.ROW_DISCLOSURE


class Macs:
    """Makes and checks the MAC of a row of a marked table (formats.md, Row MAC)."""

    __slots__ = ("_roots",)

    def __init__(self, roots: RootKeys) -> None:
        self._roots = roots

    @property
    def root(self) -> RootKey:
        """The root key that marks and wraps what is new."""
        return self._roots.current

    def make(self, table: Marked, version: int, columns: Sequence[Column]) -> bytes:
        """The 32-byte MAC over the table's name, every column in order, and the row's version."""
        return row_mac(self._roots.current, table.value, [column(value) for value in columns], version)

    def check(self, table: Marked, version: int, columns: Sequence[Column], mac: Value) -> None:
        """Raises TamperedError unless ``mac`` was made for exactly this row."""
        try:
            encoded = [column(value) for value in columns]
            check_row(self._roots.current, table.value, encoded, version, as_bytes(mac))
        except OpenError:
            raise TamperedError(table.name) from None
