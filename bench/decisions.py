"""G5: `policies.decide` for the 26 fields of a case against Cedar's batch call over the same cells.

Cedar gets its policies and entities parsed beforehand, and only the question whether each field may be seen;
`decide` also says which may be written, which are masked, and why each other one is locked.
"""

import json
import time
from collections.abc import Callable
from uuid import UUID

import cedarpy

from bench.figures import Figure, Size, micro
from bench.town import SHARED
from cases.fields import Slot
from cases.ids import OrganisationId, UserId
from consent.record import Direction
from consent.standing import Standing, State
from policies.actions import Action
from policies.decide import Allowed, decide
from policies.matrix import default_policy
from policies.who import Facts, Principal, Reach, Role, Side
from tests.policies.test_cedar import CEDAR, FIELD_GROUPS, ROLE_GROUPS

POLICY = default_policy()
_FACTS = Facts(side=Side.RECIPIENT, assigned=False, party=True, reach=Reach.ACCEPTED, closed=False)
_WHO = Principal(
    user=UserId(UUID(int=7)),
    organisation=OrganisationId(UUID(int=8)),
    role=Role.NPO_COORDINATOR,
    sections=frozenset(),
    version=1,
)
_AGREED = frozenset(field.slot for field in POLICY.registry.fields if str(field.code) in SHARED)
_LIVE = Standing(
    state=State.LIVE,
    fields=_AGREED,
    directions=frozenset(Direction),
    refused=frozenset[Slot](),
    asked=_AGREED,
    once=_AGREED,
    ever_live=True,
)
_BATCHES, _DECISIONS = 20, 20_000


def measure(size: Size) -> list[Figure]:
    """The figure; raises RuntimeError where the two do not say the same."""
    ask = _cedar()
    if ask() != _seen():
        raise RuntimeError("Cedar and decide agree on every field")
    rounds = [(_cost(_seen, _DECISIONS), _cost(ask, _BATCHES)) for _ in range(size.rounds)]
    return [
        Figure(
            name="G5",
            what="a Cedar batch call / decide, 26 fields of a case, CPU",
            goal="≥ 1,000",
            ratios=[theirs / ours for ours, theirs in rounds],
            ours=micro(ours for ours, _ in rounds),
            theirs=micro(theirs for _, theirs in rounds),
        )
    ]


def _seen() -> frozenset[Slot]:
    match decide(_WHO, Action.CASE_READ, _FACTS, _LIVE, POLICY):
        case Allowed(read=read):
            return read
        case _:
            return frozenset()


def _cedar() -> Callable[[], frozenset[Slot]]:
    """The same question for Cedar, everything but the call made beforehand."""
    policies = cedarpy.PolicySet.from_str((CEDAR / "fields.cedar").read_text(encoding="utf-8"))
    entities = cedarpy.Entities.from_json_str(json.dumps(_entities()))
    slots = list(POLICY.registry.by_slot)
    requests = [
        {"principal": 'Caller::"who"', "action": 'Action::"see"', "resource": f'Item::"{slot}"'}
        for slot in slots
    ]

    def ask() -> frozenset[Slot]:
        answers = cedarpy.is_authorized_batch(requests, policies, entities)
        return frozenset(
            slot
            for slot, answer in zip(slots, answers, strict=True)
            if answer.decision is cedarpy.Decision.Allow
        )

    return ask


def _entities() -> list[dict[str, object]]:
    """The caller, and each field with what the consent says of it (tests/policies/cedar)."""
    caller: dict[str, object] = {
        "side": "recipient",
        "assigned": False,
        "party": True,
        "reach": "accepted",
        "closed": False,
        "appointed": False,
        "own_recording": False,
        "there": True,
    }
    found = [_entity("Caller", "who", caller, ROLE_GROUPS[Role.NPO_COORDINATOR])]
    for field in POLICY.registry.fields:
        said: dict[str, object] = {
            "state": "live",
            "covered": field.slot in _AGREED,
            "refused": False,
            "outward": True,
            "back": True,
        }
        found.append(_entity("Item", str(field.slot), said, FIELD_GROUPS[str(field.code)]))
    return found


def _entity(kind: str, name: str, attributes: dict[str, object], groups: list[str]) -> dict[str, object]:
    parents = [{"type": "Group", "id": group} for group in groups]
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": parents}


def _cost(ask: Callable[[], frozenset[Slot]], times: int) -> float:
    """CPU seconds of one call."""
    begun = time.process_time()
    for _ in range(times):
        ask()
    return (time.process_time() - begun) / times
