"""The reviews that count who reads how much: top readers, after hours and holidays, bulk.

Rules:
1. Top readers are ranked by how many cases they opened in the period, then by how many reads that took. A line of
   a list is not an opened case.
2. After hours is a read outside the working hours, or one whose leaf was flagged so; one hit a user and day of
   Tokyo's calendar.
3. Bulk is a user's hour of Tokyo's clock with more different cases than the 95th percentile of all such hours of
   the same role, and not fewer than ``fewest_bulk``; or one whose leaf was flagged so. Cases in lists are compared
   with cases in lists, cases opened with cases opened.
4. The 95th percentile is the smallest number that 95 in 100 hours do not exceed (nearest rank).
"""

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from audit.codes import Flag
from audit.event import Leaf
from audit.findings import Context, Findings, Kept, Review
from audit.hours import TOKYO
from audit.reads import is_listed

PERCENT = 95


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one user read in a while: the cases, the number of reads, and the newest of them once there is one."""

    index: int = field(init=False)
    time: datetime = field(init=False)
    cases: set[str] = field(default_factory=set)
    reads: int = 0
    flagged: bool = False

    def count(self, index: int, time: datetime, subject: str) -> None:
        """Add a read."""
        self.cases.add(subject)
        self.reads += 1
        self.index = index
        self.time = time

    def only_case(self) -> str | None:
        """The case, where it was always the same."""
        return next(iter(self.cases)) if len(self.cases) == 1 else None


class Group(NamedTuple):
    """Whose hours are compared with one another: those of a role, in lists or opened."""

    role: str | None
    listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """A user's hour that may turn out to hold many cases, once all hours are known."""

    group: Group
    actor: str
    cases: int
    reads: int
    index: int
    time: datetime
    subject: str | None
    flagged: bool


def percentile(numbers: Counter[int]) -> int:
    """The smallest number that 95 in 100 of ``numbers`` do not exceed; there is at least one."""
    ordered = sorted(numbers.elements())
    return ordered[-(-len(ordered) * PERCENT // 100) - 1]


class Readers:
    """Counts reads, in the order of the log; a day and an hour are counted out as soon as they are over."""

    def __init__(self, context: Context, most: int) -> None:
        """Begin with no read."""
        self._context = context
        self._top = Kept(Review.TOP_READERS, context, most)
        self._late = Kept(Review.AFTER_HOURS, context, most)
        self._bulk = Kept(Review.BULK, context, most)
        self._ranking: defaultdict[str, Tally] = defaultdict(Tally)
        self._day: date | None = None
        self._working = False
        self._daily: defaultdict[str, Tally] = defaultdict(Tally)
        self._hour: tuple[date, int] | None = None
        self._hourly: defaultdict[tuple[str, Group], Tally] = defaultdict(Tally)
        self._groups: defaultdict[Group, Counter[int]] = defaultdict(Counter)
        self._many: list[Hour] = []

    def take(self, index: int, leaf: Leaf) -> None:
        """Count an entry that is a read."""
        entry, time = leaf.entry, leaf.time
        if entry.actor is None or entry.subject is None:
            return
        local = time.astimezone(TOKYO)
        self._turn(local)
        group = Group(entry.role, is_listed(entry))
        hour = self._hourly[entry.actor, group]
        hour.count(index, time, entry.subject)
        hour.flagged |= Flag.BULK in entry.flags
        if not self._context.covers(time):
            return
        if not group.listed:
            self._ranking[entry.actor].count(index, time, sys.intern(entry.subject))
        at_work = self._working and self._context.hours.hold_at(local)
        if not at_work or Flag.AFTER_HOURS in entry.flags:
            self._daily[entry.actor].count(index, time, entry.subject)

    def findings(self) -> tuple[Findings, ...]:
        """What was found; to be asked once, when every read was counted."""
        self._end_hour()
        self._end_day()
        self._rank()
        self._compare()
        return self._top.findings(), self._late.findings(), self._bulk.findings()

    def _turn(self, local: datetime) -> None:
        """End the hour and the day before ``local``, where another has begun."""
        day, hour = local.date(), (local.date(), local.hour)
        if hour != self._hour:
            self._end_hour()
            self._hour = hour
        if day != self._day:
            self._end_day()
            self._day = day
            self._working = self._context.hours.are_on(day, self._context.is_holiday)

    def _end_day(self) -> None:
        for actor, tally in sorted(self._daily.items(), key=lambda item: item[1].index):
            self._late.add(tally.index, actor, tally.only_case(), tally.time, len(tally.cases), tally.reads)
        self._daily.clear()

    def _end_hour(self) -> None:
        for (actor, group), tally in self._hourly.items():
            cases = len(tally.cases)
            self._groups[group][cases] += 1
            if tally.flagged or cases >= self._context.fewest_bulk:
                self._many.append(_hour(actor, group, tally))
        self._hourly.clear()

    def _rank(self) -> None:
        """The top readers; equal ones in the order of their ids."""
        ranked = sorted(
            self._ranking.items(), key=lambda item: (-len(item[1].cases), -item[1].reads, item[0])
        )
        for actor, tally in reversed(ranked):
            self._top.add(tally.index, actor, tally.only_case(), tally.time, len(tally.cases), tally.reads)

    def _compare(self) -> None:
        """The hours that hold more cases than nearly all others of their group."""
        usual = {group: percentile(numbers) for group, numbers in self._groups.items()}
        for hour in sorted(self._many, key=lambda one: one.index):
            over = hour.flagged or hour.cases > usual[hour.group]
            if over and self._context.covers(hour.time):
                self._bulk.add(hour.index, hour.actor, hour.subject, hour.time, hour.cases, hour.reads)


def _hour(actor: str, group: Group, tally: Tally) -> Hour:
    return Hour(
        group=group,
        actor=actor,
        cases=len(tally.cases),
        reads=tally.reads,
        index=tally.index,
        time=tally.time,
        subject=tally.only_case(),
        flagged=tally.flagged,
    )
