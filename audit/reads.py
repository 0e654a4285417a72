"""What counts as a read, on which side of a case it was, and what an older entry said.

A read is an entry from which on values of one case could be seen. A list, a search and a print are reads too.
"""

import sys
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.codes import Decision, Event
from audit.event import Entry, Leaf


def is_read(entry: Entry) -> bool:
    """Whether values of one case were shown to somebody. A rotation opens values and shows them to nobody."""
    return (
        bool(entry.fields)
        and entry.subject is not None
        and entry.decision is not Decision.DENY
        and entry.event is not Event.KEY_ROTATE
    )


def is_listed(entry: Entry) -> bool:
    """Whether a read was no more than a line of a list or of an inbox: nobody chose that one case."""
    return entry.event is Event.CASE_LIST


class Sides:
    """On which side of a case an organisation stands, learnt from who began the case."""

    def __init__(self) -> None:
        """Begin with no case known."""
        self._owners: dict[str | None, str | None] = {}

    def learn(self, entry: Entry) -> None:
        """Remember the owner that a ``case.create`` entry tells."""
        self._owners[entry.subject] = entry.organisation

    def is_recipient(self, entry: Entry) -> bool:
        """Whether the entry's organisation is not the case's owner.

        Where the case's beginning is not in the log any more, an entry that names a consent is a recipient's.
        """
        if entry.subject in self._owners:
            return entry.organisation != self._owners[entry.subject]
        return entry.consent is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an older entry said: who, about which case, when."""

    actor: str | None
    subject: str | None
    time: datetime


class Past:
    """Every older entry, in a few bytes each: what a flag refers back to."""

    def __init__(self) -> None:
        """Begin with no entry."""
        self._indices = array("q")
        self._actors: list[str | None] = []
        self._subjects: list[str | None] = []
        self._times = array("d")

    def add(self, index: int, leaf: Leaf) -> None:
        """Remember an entry; its index is larger than those before."""
        self._indices.append(index)
        self._actors.append(_one_copy(leaf.entry.actor))
        self._subjects.append(_one_copy(leaf.entry.subject))
        self._times.append(leaf.time.timestamp())

    def find(self, index: int) -> Said | None:
        """What the entry of that index said; None where it is not remembered."""
        at = bisect_left(self._indices, index)
        if self._indices[at : at + 1] != array("q", [index]):
            return None
        return Said(
            actor=self._actors[at],
            subject=self._subjects[at],
            time=datetime.fromtimestamp(self._times[at], UTC),
        )


def _one_copy(id: str | None) -> str | None:
    """The same id, always as the same object: each leaf that is read brings a copy of its own."""
    return None if id is None else sys.intern(id)
