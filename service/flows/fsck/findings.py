"""What `tsunagi fsck` finds: a code and the place, never a value (formats.md, What fsck says)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from cases.ids import write_id
from service.store.fsck import Table
from service.store.values import Value


class Code(StrEnum):
    """What is wrong at a place."""

    BEHIND = "behind"  # the log is not the one that the notary signed, grown by its entries
    CHANGED = "changed"  # not the bytes, or not the row, that the log commits to
    DELETED = "deleted"  # what the log names is not there
    MAC = "mac"  # the row's MAC does not fit it
    OLD = "old"  # the log names a newer state of the row
    PLANTED = "planted"  # nothing in the log wrote it
    ROOT = "root"  # the entries lead to another root
    RULES = "rules"  # a leaf that breaks a rule of the log
    SIGNATURE = "signature"  # not signed by the key that should have signed it
    SIZE = "size"  # another number of entries than there are, or than its own row says
    STATE = "state"  # the notary's own file is missing or damaged
    TEXT = "text"  # a text is missing, and no entry says why
    TIME = "time"  # earlier than the entry before, or not the time of the last entry
    TWICE = "twice"  # an entry's id stands a second time
    UNREADABLE = "unreadable"  # the database does not give the table's rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: the code, the table, and where in it.

    ``tree`` is a log's name; ``index`` an entry's index or a checkpoint's size in it; ``ids`` text forms; ``slot`` a
    field's slot and the column in it.
    """

    code: Code
    table: Table
    tree: str = ""
    index: int | None = None
    ids: tuple[str, ...] = ()
    slot: tuple[int, int] | None = None

    @property
    def line(self) -> str:
        """One line for people and programs: code, table, then the place."""
        place = self.tree if self.index is None else f"{self.tree}/{self.index}"
        slot = "" if self.slot is None else f"slot {self.slot[0]} column {self.slot[1]}"
        return " ".join(part for part in (self.code, self.table, place, *self.ids, slot) if part)


Find = Callable[[Finding], None]
"""Hears each finding as it is made."""


def id_of(kind: str, value: Value) -> str:
    """The text form of a stored id; a question mark behind the letter for what is no id."""
    if isinstance(value, bytes) and len(value) == 16:
        return write_id(kind, UUID(bytes=value))
    return f"{kind}_?"


def ids_of(*parts: tuple[str, Value]) -> tuple[str, ...]:
    """The text forms of several stored ids, each with the letter of its kind."""
    return tuple(id_of(kind, value) for kind, value in parts)


def found_all(find: Find, code: Code, table: Table, kinds: str, keys: Iterable[bytes]) -> None:
    """A finding for each key, which is a 16-byte id for each letter of ``kinds``."""
    for key in keys:
        parts = ((kind, key[at * 16 : at * 16 + 16]) for at, kind in enumerate(kinds))
        find(Finding(code=code, table=table, ids=ids_of(*parts)))
