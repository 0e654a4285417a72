"""The reviews of what did not happen: accounts that nobody uses, cases that were read and never supported.

Rules:
1. Dormant is an active account that was last signed in to, or else made, longer ago than ``dormant_after``. Its hit
   names the newest entry that the account left here, if it was only a sign-in that failed.
2. Never supported is a case that a recipient opened for the first time longer ago than ``supported_within``, and
   for which that organisation neither accepted a request nor wrote into the ledger before or so long after. Help
   that came later does not take the hit away. A line of an inbox is not an opened case.
3. Exactly so long ago is not longer ago.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.codes import Decision, Event
from audit.event import Entry, Leaf
from audit.findings import Context, Findings, Kept, Review
from audit.reads import Sides, is_listed

SUPPORT = frozenset({Event.LEDGER_WRITE, Event.REQUEST_ACCEPT})

_DAY = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class Opening:
    """The first time that a recipient opened a case, and how often since."""

    index: int
    actor: str | None
    time: datetime
    reads: int = 0


class Lapses:
    """Remembers, in the order of the log, who was there and who helped."""

    def __init__(self, context: Context, most: int, sides: Sides) -> None:
        """Begin with nobody seen; ``sides`` says whose case it is."""
        self._context = context
        self._sides = sides
        self._dormant = Kept(Review.DORMANT, context, most)
        self._unsupported = Kept(Review.NEVER_SUPPORTED, context, most)
        self._newest: dict[str | None, int] = {}
        self._signed_in: dict[str | None, datetime] = {}
        self._opened: dict[tuple[str | None, str | None], Opening] = {}
        self._supported: dict[tuple[str | None, str | None], datetime] = {}

    def take(self, index: int, leaf: Leaf) -> None:
        """Remember an entry, whatever it is."""
        entry = leaf.entry
        self._newest[entry.actor] = index
        if entry.event is Event.LOGIN_OK:
            self._signed_in[entry.actor] = leaf.time
        if entry.event in SUPPORT and entry.decision is not Decision.DENY:
            self._supported.setdefault(_of(entry), leaf.time)

    def take_read(self, index: int, leaf: Leaf) -> None:
        """Remember an entry that is a read."""
        entry = leaf.entry
        if is_listed(entry) or not self._sides.is_recipient(entry):
            return
        opening = self._opened.get(_of(entry))
        if opening is None:
            opening = self._opened[_of(entry)] = Opening(index=index, actor=entry.actor, time=leaf.time)
        opening.reads += 1

    def findings(self) -> tuple[Findings, ...]:
        """What was found; to be asked once, when every entry was seen."""
        self._find_dormant()
        self._find_unsupported()
        return self._dormant.findings(), self._unsupported.findings()

    def _find_dormant(self) -> None:
        """The accounts that nobody uses: the longest unused first, equal ones in the order of their ids."""
        found = [(self._used(actor), actor) for actor, one in self._context.accounts.items() if one.active]
        for used, actor in sorted(found, reverse=True):
            unused = self._context.now - used
            if unused > self._context.dormant_after:
                last = self._last_sign_in(actor)
                self._dormant.add(self._newest.get(actor), actor, None, last, unused // _DAY)

    def _last_sign_in(self, actor: str) -> datetime | None:
        """The last sign-in that this log or the others tell."""
        told = (self._signed_in.get(actor), self._context.accounts[actor].signed_in)
        return max((time for time in told if time is not None), default=None)

    def _used(self, actor: str) -> datetime:
        """Since when nobody was there: from the last sign-in, or from when the account was made."""
        return self._last_sign_in(actor) or self._context.accounts[actor].created

    def _find_unsupported(self) -> None:
        now, within = self._context.now, self._context.supported_within
        for (subject, organisation), opening in self._opened.items():
            ago = now - opening.time
            supported = self._supported.get((subject, organisation))
            if ago > within and (supported is None or supported - opening.time > within):
                self._unsupported.add(
                    opening.index, opening.actor, subject, opening.time, ago // _DAY, opening.reads
                )


def _of(entry: Entry) -> tuple[str | None, str | None]:
    """The case, and on whose part something was done in it."""
    return entry.subject, entry.organisation
