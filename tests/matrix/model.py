"""Who may see what, in plain words: the table of roles and fields, written once more and without the product.

It says the most that may be shown; what is shown exactly stands in the golden file.
"""

from collections.abc import Mapping

from policies.who import Role
from tests.matrix.canaries import Canary
from tests.matrix.objects import Asked, Thing
from tests.matrix.people import FAR_CITY, Principal
from tests.service.world import CITY

_WHO = frozenset({"name", "name_kana", "birth_date", "age_band", "gender", "address", "phone"})
_HOW = frozenset({"household", "handover_summary", "health", "public_support", "support_plan", "dietary"})
SINGLE = _WHO | _HOW
OWNERS_ONLY = frozenset(
    [
        "found_by",
        "consultation",
        "finances",
        "eligibility_reasons",
        "outcome_note",
        "review_notes",
        "evidence",
    ]
)
ASKED = frozenset({"quantity", "pickup", "message"})
WRITTEN = frozenset({"deliveries", "observations", "replies"})
SHARED = SINGLE | ASKED | WRITTEN
EVERYTHING = SHARED | OWNERS_ONLY
PREVIEW = frozenset({"age_band", "gender", "quantity", "dietary", "pickup"})
HELPER = frozenset({"quantity", "dietary", "pickup", "deliveries"})
SHOWN_BY: Mapping[str, frozenset[str]] = {
    "open the case": EVERYTHING,
    "read consents": frozenset({"evidence"}),
    "read requests": ASKED,
    "read the ledger": WRITTEN,
    "search by name": frozenset({"name", "name_kana", "age_band", "gender"}),
    "list cases": frozenset({"name", "name_kana", "age_band", "gender"}),
    "read the inbox": frozenset({"quantity", "pickup", "dietary"}),
    "read the only inbox": frozenset({"quantity", "pickup", "dietary"}),
}
"""The operations that show values, and which. All the others show none."""

SAID_OUTSIDE = frozenset({"role", "not_shared", "withdrawn", "expired", "not_accepted_yet", "closed"})
"""The reasons that a recipient may hear; never that somebody refused, or was not asked."""
SAID_TO_OWNERS = SAID_OUTSIDE - {"not_shared"} | {"refused", "not_asked", "not_offered", "awaiting_witness"}


def is_owner(principal: Principal, thing: Thing) -> bool:
    """Whether the caller's organisation owns the case."""
    return principal.organisation == thing.owner


def reads_as_owner(principal: Principal, thing: Thing) -> bool:
    """A supervisor reads every case of the organisation, a caseworker those of the own sections or assigned."""
    if not is_owner(principal, thing):
        return False
    if principal.role is Role.SUPERVISOR:
        return True
    mine = bool(principal.sections & thing.sections) or (principal.assigned and thing.assigned)
    return principal.role is Role.CASEWORKER and mine


def is_party(principal: Principal, thing: Thing) -> bool:
    """Whether a consent for the caller's organisation was once live, and the role works on cases there."""
    agreed = thing.consents.get(principal.organisation or "")
    working = principal.role in (Role.NPO_COORDINATOR, Role.NPO_VOLUNTEER)
    return agreed is not None and agreed.was_live and working


def may_do(principal: Principal, thing: Thing, operation: str) -> bool:
    """Whether the case may be there at all for the caller; else every answer is a refusal.

    A withdrawal is taken by every member of the owner who works on cases; an auditor sees entries, no case.
    """
    if operation.endswith(" the sheet"):
        return _may_sheet(principal, thing, operation)
    if reads_as_owner(principal, thing) or is_party(principal, thing):
        return True
    if operation.startswith("withdraw"):
        return is_owner(principal, thing) and principal.role in (Role.CASEWORKER, Role.SUPERVISOR)
    if operation == "filter the log by case":
        return principal.name == "auditor"
    return operation == "who looked" and _APPOINTED.get(principal.name) == thing.owner


_APPOINTED = {"auditor": CITY, "far_auditor": FAR_CITY}
"""Whose cases' log each auditor is appointed to."""


def _may_sheet(principal: Principal, thing: Thing, operation: str) -> bool:
    """The owner's supervisor asks for a sheet and makes it; each city has one, so that only its auditor approves."""
    if operation == "approve the sheet":
        return _APPOINTED.get(principal.name) == thing.owner
    return is_owner(principal, thing) and principal.role is Role.SUPERVISOR


def may_see_field(principal: Principal, thing: Thing, field: str) -> bool:
    """Whether any value of the field may be shown at all."""
    if reads_as_owner(principal, thing):
        return field in EVERYTHING
    agreed = thing.consents.get(principal.organisation or "")
    if agreed is None or agreed.state != "live" or thing.closed or field not in agreed.allowed:
        return False
    if field == "observations" and not agreed.back:
        return False
    mine = _mine(principal, thing)
    if principal.role is Role.NPO_VOLUNTEER:
        return field in HELPER and any(_ongoing(asked) for asked in mine)
    if principal.role is not Role.NPO_COORDINATOR:
        return False
    if any(asked.accepted for asked in mine):
        return field in SHARED
    return field in PREVIEW and any(asked.sent for asked in mine)


def may_see(principal: Principal, thing: Thing, canary: Canary) -> bool:
    """Whether this very value may be shown: its field, its thread, its request, and whether it is free text."""
    if not may_see_field(principal, thing, canary.field):
        return False
    if reads_as_owner(principal, thing):
        return True
    if canary.thread not in (None, principal.organisation):
        return False
    helper = principal.role is Role.NPO_VOLUNTEER
    asked = None if canary.request is None else thing.requests[canary.request]
    if asked is not None and not (_ongoing(asked) if helper else asked.sent):
        return False
    if not canary.free:
        return True
    if canary.field == "deliveries":
        return thing.consents[canary.thread or ""].back
    return not helper and any(one.accepted for one in _mine(principal, thing))


def _mine(principal: Principal, thing: Thing) -> list[Asked]:
    return [asked for asked in thing.requests.values() if asked.recipient == principal.organisation]


def _ongoing(asked: Asked) -> bool:
    return asked.stage in ("accepted", "delivered")
