"""The reviews in which one entry is one hit: what single entries say, beside what was said before them.

Rules:
1. Not assigned: a refusal for that reason; and a read by a role that reads by assignment, of a case that is of no
   section of the user's, that the user did not begin, and that is not assigned to the user by then. Whether a
   ``case.assign`` gave or took, its ``dig`` says (formats.md §21); one of before that has none, and counts as given.
2. Own record and same surname: a read that a ``flag.raise`` names in ``ref``, whose opened detail says so.
3. After withdrawal: a refusal because the consent is withdrawn, to somebody of the recipient's organisation, behind
   a withdrawal of that case's consent in the log.
4. The recorder is the witness: who recorded the newest answer of a consent series confirms it, or tries to.
5. Exports: everything that leaves the house as a file or on paper, what is refused apart.
"""

from hashlib import sha256

from audit.codes import Decision, Event, Reason
from audit.event import Entry, Leaf
from audit.findings import Context, Findings, Kept, Review
from audit.reads import Past, Said, Sides, is_read

ANSWERS = frozenset({Event.CONSENT_CHANGE, Event.CONSENT_GIVE, Event.CONSENT_RENEW})
"""The entries of an answer that a witness may have to confirm."""

EXPORTS = frozenset(
    {Event.DISCLOSURE_ISSUE, Event.EXPORT_CSV, Event.EXPORT_PRINT, Event.EXPORT_XLSX, Event.LOG_EXPORT}
)

_FLAGGED = (Review.OWN_RECORD, Review.SAME_SURNAME)


class Watch:
    """Looks at each entry once, in the order of the log."""

    def __init__(self, context: Context, most: int, sides: Sides) -> None:
        """Begin with nothing seen; ``sides`` is told the cases that are begun, and asked."""
        self._context = context
        self._sides = sides
        self._unassigned = Kept(Review.NOT_ASSIGNED, context, most)
        self._withdrawn = Kept(Review.AFTER_WITHDRAWAL, context, most)
        self._witnesses = Kept(Review.RECORDER_IS_WITNESS, context, most)
        self._exports = Kept(Review.EXPORTS, context, most)
        self._flagged = {review: Kept(review, context, most) for review in _FLAGGED}
        self._flags: dict[Review, dict[int, Said]] = {review: {} for review in _FLAGGED}
        self._past = Past()
        self._assigned: set[tuple[str | None, str | None]] = set()
        self._ended: set[str | None] = set()
        self._recorders: dict[str | None, str | None] = {}

    def take(self, index: int, leaf: Leaf) -> None:
        """Look at an entry, whatever it is."""
        if self._context.flags:
            self._past.add(index, leaf)
        if leaf.entry.decision is Decision.DENY:
            self._look_at_refusal(index, leaf)
        else:
            self._learn(leaf.entry)
            self._look(index, leaf)
        if leaf.entry.event is Event.CONSENT_CONFIRM and self._is_recorder(leaf.entry):
            self._add(self._witnesses, index, leaf)

    def findings(self) -> tuple[Findings, ...]:
        """What was found; to be asked once, when every entry was seen."""
        for review, found in self._flags.items():
            for index, said in sorted(found.items()):
                self._flagged[review].add(index, said.actor, said.subject, said.time)
        each = (self._unassigned, *self._flagged.values(), self._withdrawn, self._witnesses, self._exports)
        return tuple(kept.findings() for kept in each)

    def _add(self, kept: Kept, index: int, leaf: Leaf, count: int | None = None) -> None:
        """Make a hit of an entry in the period asked for."""
        if self._context.covers(leaf.time):
            kept.add(index, leaf.entry.actor, leaf.entry.subject, leaf.time, count)

    def _look_at_refusal(self, index: int, leaf: Leaf) -> None:
        entry = leaf.entry
        behind = entry.subject in self._ended and self._sides.is_recipient(entry)
        if entry.reason is Reason.NOT_ASSIGNED:
            self._add(self._unassigned, index, leaf)
        elif entry.reason is Reason.WITHDRAWN and behind:
            self._add(self._withdrawn, index, leaf)

    def _learn(self, entry: Entry) -> None:
        """Remember what later entries are held against."""
        event, subject = entry.event, entry.subject
        if event is Event.CASE_CREATE:
            self._sides.learn(entry)
            self._assigned.add((subject, entry.actor))
        elif event is Event.CASE_ASSIGN:
            change = self._assigned.discard if _took(entry) else self._assigned.add
            change((subject, entry.object))
        elif event is Event.CONSENT_WITHDRAW:
            self._ended.add(subject)
        elif event in ANSWERS:
            self._recorders[_series(entry)] = entry.actor

    def _look(self, index: int, leaf: Leaf) -> None:
        entry = leaf.entry
        if entry.event in EXPORTS:
            self._add(self._exports, index, leaf, entry.count)
        elif entry.event is Event.FLAG_RAISE:
            self._flag(index, leaf)
        if self._is_unassigned(entry):
            self._add(self._unassigned, index, leaf)

    def _is_unassigned(self, entry: Entry) -> bool:
        """Whether a read stands on no assignment that the log tells, and on no section."""
        in_section, actor, subject = self._context.in_section, entry.actor, entry.subject
        if in_section is None or entry.role not in self._context.by_assignment or not is_read(entry):
            return False
        if actor is None or subject is None or (subject, actor) in self._assigned:
            return False
        return not in_section(actor, subject)

    def _is_recorder(self, entry: Entry) -> bool:
        series = _series(entry)
        return None not in (series, entry.actor) and self._recorders.get(series) == entry.actor

    def _flag(self, index: int, leaf: Leaf) -> None:
        """Make a hit of the read that a flag names; one whose text is gone is known by the flag's time alone."""
        said, flagged = self._context.flags.get(index), leaf.entry.reference
        for review in _FLAGGED:
            if review == said and flagged is not None:
                read = self._past.find(flagged) or Said(actor=None, subject=None, time=leaf.time)
                if self._context.covers(read.time):
                    self._flags[review].setdefault(flagged, read)


def _took(entry: Entry) -> bool:
    """Whether a ``case.assign`` took the assignment back."""
    return entry.digest == sha256(f"{entry.object}\n{entry.subject}\ntaken".encode()).digest()


def _series(entry: Entry) -> str | None:
    """The consent series that an entry is about."""
    return entry.object if entry.consent is None else entry.consent[0]
