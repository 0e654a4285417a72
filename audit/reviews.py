"""The ready-made reviews of one log for an auditor: eleven questions that a list of entries does not answer by itself.

Values in, values out: the leaves of one tree in their order, and what they do not say; hits come out, sorted, the
same each time. Each entry is looked at once and then let go. What each review finds stands as rules at the head of
``audit.readers``, ``audit.watch`` and ``audit.lapses``; its words for people stand in ``audit.review_words``.

What the log does not tell cannot be found: a case that somebody saw on a colleague's screen, or a printed list that
was passed on.
"""

from collections.abc import Iterable

from audit.event import Leaf
from audit.findings import Account, Context, Findings, Hit, Review
from audit.hours import TOKYO, WorkingHours
from audit.lapses import Lapses
from audit.readers import Readers
from audit.reads import Sides, is_read
from audit.watch import Watch

__all__ = [
    "MOST",
    "TOKYO",
    "Account",
    "Context",
    "Findings",
    "Hit",
    "Review",
    "Reviewing",
    "WorkingHours",
    "review_log",
]

MOST = 100


class Reviewing:
    """All reviews of one log under way: it is given the entries piece by piece, and asked at the end."""

    def __init__(self, context: Context, most: int = MOST) -> None:
        """Begin before the first entry; of each review at most ``most`` hits are kept. ValueError below 0."""
        sides = Sides()
        self._watch = Watch(context, most, sides)
        self._lapses = Lapses(context, most, sides)
        self._readers = Readers(context, most)

    def take(self, index: int, leaf: Leaf) -> None:
        """Look at the next entry; its index is larger than those before. One whose text is gone is left out."""
        self._watch.take(index, leaf)
        self._lapses.take(index, leaf)
        if is_read(leaf.entry):
            self._lapses.take_read(index, leaf)
            self._readers.take(index, leaf)

    def findings(self) -> dict[Review, Findings]:
        """What every review found, in the order of the reviews; to be asked once, at the end."""
        each = (*self._watch.findings(), *self._lapses.findings(), *self._readers.findings())
        by_review = {found.review: found for found in each}
        return {review: by_review[review] for review in Review}


def review_log(
    leaves: Iterable[tuple[int, Leaf]], context: Context, most: int = MOST
) -> dict[Review, Findings]:
    """What every review finds in ``leaves``: the index and the leaf of each entry of one tree that has its text."""
    reviewing = Reviewing(context, most)
    for index, leaf in leaves:
        reviewing.take(index, leaf)
    return reviewing.findings()
