"""What the manual and the promises say must hold, in plain Python: the model that the server is held against.

Written from the domain's rules (consents, requests, the table of fields) and from nothing else.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from tests.machine.canaries import Canary

TOKYO = timezone(timedelta(hours=9))
WITNESS_WITHIN = timedelta(hours=24)

CITY = "みなと市"
NPOS = ("NPOあおぞら", "NPOひなた")

NEVER_OFFERED = frozenset(
    {
        "found_by",
        "consultation",
        "finances",
        "eligibility_reasons",
        "outcome_note",
        "review_notes",
        "evidence",
    }
)
OFFERED_SINGLE = (
    "name",
    "name_kana",
    "birth_date",
    "age_band",
    "gender",
    "address",
    "phone",
    "household",
    "handover_summary",
    "health",
    "public_support",
    "support_plan",
    "dietary",
)
OF_A_REQUEST = ("quantity", "pickup", "message")
OF_A_ROW = ("deliveries", "observations", "replies")
OFFERED = frozenset((*OFFERED_SINGLE, *OF_A_REQUEST, *OF_A_ROW))
FIELDS = OFFERED | NEVER_OFFERED
SENSITIVE = frozenset({"health", "public_support", "dietary"})
PREVIEW = frozenset({"age_band", "gender", "quantity", "dietary", "pickup"})
HELPER = frozenset({"quantity", "dietary", "pickup", "deliveries"})
TOLD_TO_A_RECIPIENT = frozenset({"role", "not_shared", "withdrawn", "expired", "not_accepted_yet", "closed"})
"""All the reasons that may be said outside the owner: never who refused, never who was not asked."""

OPEN_STAGES = frozenset({"draft", "sent", "accepted", "delivered"})
ONGOING = frozenset({"accepted", "delivered"})


def end_of(day: date) -> datetime:
    """The first instant after a day in Asia/Tokyo."""
    return datetime(day.year, day.month, day.day, tzinfo=TOKYO) + timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What the person agreed to: fields, whether the recipient may tell the owner, the last day."""

    allowed: frozenset[str]
    back: bool
    until: date

    def within(self, other: "Agreement") -> bool:
        return self.allowed <= other.allowed and self.back <= other.back and self.until <= other.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A spoken answer that waits for its witness."""

    agreement: Agreement
    since: datetime
    recorder: str
    witness: str

    @property
    def until(self) -> datetime:
        return min(self.since + WITNESS_WITHIN, end_of(self.agreement.until))


@dataclass(slots=True, kw_only=True)
class Consent:
    """One series. ``keyed``: the recipient has a key under the live consent; None: perhaps (see `Case.written`)."""

    id: str
    number: str
    live: Agreement | None = None
    waiting: Waiting | None = None
    party: bool = False
    keyed: bool | None = False

    def at(self, now: datetime) -> "Consent":
        """The same, after what time alone does. (What lapsed leaves nothing; what expired is live no more.)"""
        if self.waiting is not None and now >= self.waiting.until:
            self.waiting = None
        if self.live is not None and now >= end_of(self.live.until):
            self.live = None
        return self

    def take(self, agreement: Agreement) -> None:
        self.live, self.waiting, self.party, self.keyed = agreement, None, True, True

    def end(self) -> None:
        self.live, self.waiting, self.keyed = None, None, False


@dataclass(slots=True, kw_only=True)
class Request:
    """A request to one organisation."""

    id: str
    recipient: str
    stage: str
    sent: bool
    accepted: bool = False


@dataclass(slots=True, kw_only=True)
class Row:
    """A row of the ledger."""

    id: str
    kind: str
    recipient: str
    by: str
    request: str | None = None
    corrected: bool = False


@dataclass(slots=True, kw_only=True)
class Case:
    """A case of the city."""

    id: str
    sections: frozenset[str]
    fields: dict[str, object]
    both: bool
    open: bool = True
    assigned: set[str] = field(default_factory=set)
    consents: dict[str, Consent] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def consent(self, organisation: str, now: datetime) -> Consent | None:
        found = self.consents.get(organisation)
        return None if found is None else found.at(now)

    def asked(self, organisation: str) -> list[Request]:
        return [one for one in self.requests if one.recipient == organisation]

    def stop_requests(self, organisation: str) -> None:
        for one in self.asked(organisation):
            if one.stage in OPEN_STAGES:
                one.stage = "stopped"

    def end_all(self, now: datetime) -> None:
        """The case is closed, or a condition holds no more."""
        for organisation, consent in self.consents.items():
            consent.at(now).end()
            self.stop_requests(organisation)

    def written(self) -> None:
        """The owner sealed something: a key that was dropped with a declined request may be back."""
        for consent in self.consents.values():
            if consent.live is not None and consent.keyed is False:
                consent.keyed = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one principal may see of one case: readable fields, those without free text, the requests met.

    ``exact``: what is permitted is also what must be shown.
    """

    there: bool
    fields: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    exact: bool = True


NOTHING = Sight(there=False)


@dataclass(slots=True, kw_only=True)
class Person:
    """A user: ``active`` until stopped."""

    login: str
    organisation: str
    role: str
    sections: frozenset[str]
    active: bool = True


def may_read(person: Person, case: Case) -> bool:
    """Whether somebody of the owner may read the case."""
    if person.organisation != CITY or not person.active:
        return False
    if person.role == "supervisor":
        return True
    return person.role == "caseworker" and bool(
        person.sections & case.sections or person.login in case.assigned
    )


def sight(person: Person, case: Case, now: datetime) -> Sight:
    """What somebody may see of a case now."""
    if not person.active or person.role in ("auditor", "intermediary", "admin"):
        return NOTHING
    if person.organisation == CITY:
        records = frozenset({one.id for one in case.requests} | {row.id for row in case.rows})
        return Sight(there=True, fields=FIELDS, records=records) if may_read(person, case) else NOTHING
    return _received(person, case, now)


def _received(person: Person, case: Case, now: datetime) -> Sight:
    consent = case.consent(person.organisation, now)
    if consent is None or not consent.party:
        return NOTHING
    helper = person.role == "npo_volunteer"
    records = _records(case, person.organisation, helper)
    if consent.live is None or consent.keyed is False or not case.open:
        return Sight(there=True, records=records)
    reached, bare = _reached(case, person.organisation, helper)
    fields = reached & consent.live.allowed
    if not consent.live.back:
        fields, bare = fields - {"observations"}, bare | {"deliveries"}
    exact = consent.keyed is True
    return Sight(there=True, fields=fields, bare=bare & fields, records=records, exact=exact)


def _reached(case: Case, organisation: str, helper: bool) -> tuple[frozenset[str], frozenset[str]]:
    """The fields at the point that the requests have come to, and those of them without free text."""
    mine = case.asked(organisation)
    ongoing = any(one.stage in ONGOING for one in mine)
    if helper:
        return (HELPER, HELPER - {"deliveries"}) if ongoing else (frozenset(), frozenset())
    if ongoing or any(one.accepted for one in mine):
        return OFFERED, frozenset()
    return (PREVIEW, PREVIEW) if any(one.stage == "sent" for one in mine) else (frozenset(), frozenset())


def _records(case: Case, organisation: str, helper: bool) -> frozenset[str]:
    """The requests and rows met: what was sent; for a helper what is accepted and not completed."""
    mine = case.asked(organisation)
    met = {one.id for one in mine if one.sent and (not helper or one.stage in ONGOING)}
    rows = {
        row.id for row in case.rows if row.recipient == organisation and (not helper or row.request in met)
    }
    return frozenset(met | rows)


def may_see(person: Person, case: Case, canary: Canary, now: datetime) -> bool:
    """Whether this value may stand in an answer to this person now (invariant I1)."""
    if canary.thread is not None and person.organisation not in (CITY, canary.thread):
        return False
    seen = sight(person, case, now)
    if canary.field not in seen.fields or (canary.note and canary.field in seen.bare):
        return False
    return canary.record is None or canary.record in seen.records
