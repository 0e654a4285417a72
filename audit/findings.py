"""What an auditor's reviews are asked with, and what they give back.

Rules:
1. A hit names an entry by its index, so that it can be marked as checked; a finding about an account that did
   nothing here has no index and is marked by the account, until that signs in again.
2. A hit that stands on several entries names the newest: a mark holds for what was there when it was made, and
   whatever is added opens the hit again.
3. What is checked stays listed, behind what is not.
4. At most so many hits are kept as were asked for; all are counted.
"""

import enum
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from audit.codes import Role
from audit.hours import WorkingHours


class Review(enum.StrEnum):
    """The ready-made reviews, in the order in which an auditor meets them."""

    TOP_READERS = "top_readers"
    NOT_ASSIGNED = "not_assigned"
    OWN_RECORD = "own_record"
    SAME_SURNAME = "same_surname"
    AFTER_HOURS = "after_hours"
    BULK = "bulk"
    AFTER_WITHDRAWAL = "after_withdrawal"
    RECORDER_IS_WITNESS = "recorder_is_witness"
    EXPORTS = "exports"
    DORMANT = "dormant"
    NEVER_SUPPORTED = "never_supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as it is now. ``signed_in`` is the last sign-in that the other trees tell, None for none."""

    active: bool
    created: datetime
    signed_in: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the leaves do not say; every time is aware.

    ``since`` and ``before`` bound the period asked for (``before`` is outside it): what is older or newer is not
    found, but still counts as history. They do not bound what is so ``now``: dormant, never supported.
    ``accounts`` by the text form of the user's id. ``flags``: by the index of a ``flag.raise`` entry, what its
    opened detail says. ``checked``: each review and index that a ``flag.check`` entry names; ``accounts_checked``: by
    the account, when a finding about it that stands on no entry was marked last.
    ``by_assignment``: the roles that read a case only where it is assigned to them, or of a section of theirs;
    ``in_section`` says of a user and a case whether they share a section. Without it only refusals are found.
    ``fewest_bulk``: fewer cases than this in an hour are never many.
    """

    now: datetime
    is_holiday: Callable[[date], bool]
    hours: WorkingHours = field(default_factory=WorkingHours)
    since: datetime | None = None
    before: datetime | None = None
    accounts: Mapping[str, Account] = field(default_factory=dict)
    flags: Mapping[int, str] = field(default_factory=dict)
    checked: frozenset[tuple[Review, int]] = frozenset()
    accounts_checked: Mapping[str, datetime] = field(default_factory=dict)
    by_assignment: frozenset[str] = frozenset({Role.CASEWORKER})
    in_section: Callable[[str, str], bool] | None = None
    dormant_after: timedelta = timedelta(days=90)
    supported_within: timedelta = timedelta(days=90)
    fewest_bulk: int = 10

    def covers(self, time: datetime) -> bool:
        """Whether ``time`` lies in the period asked for."""
        return (self.since is None or self.since <= time) and (self.before is None or time < self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing to check. What a review does not say is None.

    ``index`` is the entry that it stands on, the newest of several; ``actor`` the account, ``subject`` the case.
    ``time`` is that of the entry, for dormant of the last sign-in. ``count`` is a number of cases (top readers,
    after hours, bulk), of records (exports) or of whole days (dormant, never supported); ``reads`` how many
    entries of reading a hit stands on (top readers, after hours, bulk, never supported).
    """

    review: Review
    index: int | None
    actor: str | None
    subject: str | None
    time: datetime | None
    count: int | None
    reads: int | None
    checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The hits of one review, those to look at first in front; ``total`` and ``unchecked`` count all, kept or not."""

    review: Review
    hits: tuple[Hit, ...]
    total: int
    unchecked: int


class Kept:
    """The hits of one review as they are added, the most important last; at most ``most`` are held."""

    def __init__(self, review: Review, context: Context, most: int) -> None:
        """Begin with none. A negative ``most`` is a ValueError."""
        self._review = review
        self._marks = context.checked
        self._accounts = context.accounts_checked
        self._most = most
        self._total = 0
        self._marked = 0
        self._unchecked: deque[Hit] = deque(maxlen=most)
        self._checked: deque[Hit] = deque(maxlen=most)

    def add(
        self,
        index: int | None,
        actor: str | None,
        subject: str | None,
        time: datetime | None,
        count: int | None = None,
        reads: int | None = None,
    ) -> None:
        """Add a hit in front of all that were added before."""
        checked = self._is_marked(index, actor, time)
        self._total += 1
        self._marked += checked
        hit = Hit(
            review=self._review,
            index=index,
            actor=actor,
            subject=subject,
            time=time,
            count=count,
            reads=reads,
            checked=checked,
        )
        (self._checked if checked else self._unchecked).append(hit)

    def _is_marked(self, index: int | None, actor: str | None, time: datetime | None) -> bool:
        """Whether somebody checked it: the entry that it stands on; or, where there is none, the account since then."""
        if index is not None:
            return (self._review, index) in self._marks
        marked = None if actor is None else self._accounts.get(actor)
        return marked is not None and (time is None or time <= marked)

    def findings(self) -> Findings:
        """What was found so far: what is not checked first, and of each the newest first."""
        ordered = (*reversed(self._unchecked), *reversed(self._checked))
        return Findings(
            review=self._review,
            hits=ordered[: self._most],
            total=self._total,
            unchecked=self._total - self._marked,
        )
