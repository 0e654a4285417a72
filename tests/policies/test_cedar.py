"""The matrix written a second time, in Cedar, and compared with ``decide`` on every cell of its domain.

The policies in ``cedar/`` were written from the table that people read, not from ``roles.toml``; they share
no line with the product. Every combination of what a decision depends on is asked of both.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import cedarpy
import pytest

from cases.fields import Slot
from consent.record import Direction
from consent.standing import Standing, State
from policies.actions import Action
from policies.decide import Allowed, decide
from policies.who import Facts, Reach, Role, Side
from tests.policies.world import ALL_SLOTS, BACK, BOTH, OUT, POLICY, live, principal

pytestmark = pytest.mark.slow

Record = Callable[[str, object], None]
Entity = dict[str, object]
CEDAR = Path(__file__).parent / "cedar"
BATCH = 20_000

ROLE_GROUPS = {
    Role.CASEWORKER: ["worker", "caseworker"],
    Role.SUPERVISOR: ["worker", "leader"],
    Role.NPO_COORDINATOR: ["worker", "leader", "coordinator"],
    Role.NPO_VOLUNTEER: ["helper"],
    Role.AUDITOR: ["auditor"],
    Role.INTERMEDIARY: ["intermediary"],
    Role.ADMIN: ["admin"],
}
OWN = "case"
SHARED = [OWN, "shared"]
FIELD_GROUPS_OF = {
    "name name_kana handover_summary message": SHARED,
    "age_band gender": [*SHARED, "previewed", "previewed_whole"],
    "quantity dietary pickup": [*SHARED, "previewed", "for_helpers"],
    "birth_date address phone household health public_support support_plan": SHARED,
    "deliveries": [*SHARED, "written_by_recipient", "for_helpers", "handed_over"],
    "observations": [*SHARED, "written_by_recipient", "returning"],
    "replies": SHARED,
    "consultation found_by finances eligibility_reasons outcome_note review_notes evidence": [OWN],
}
FIELD_GROUPS = {code: groups for codes, groups in FIELD_GROUPS_OF.items() for code in codes.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A standing, and what Cedar is told about it for each field."""

    standing: Standing | None
    covered: bool
    refused: bool
    outward: bool
    back: bool

    @property
    def state(self) -> str:
        return "none" if self.standing is None else self.standing.state.value


def _standings() -> list[Case]:
    """None, every state that is not live (with everything once agreed to), and every way of being live."""
    found = [Case(standing=None, covered=True, refused=False, outward=True, back=True)]
    for state in State:
        if state is not State.LIVE:
            dead = Standing(state=state, fields=ALL_SLOTS, directions=BOTH, asked=ALL_SLOTS)
            found.append(Case(standing=dead, covered=True, refused=False, outward=True, back=True))
    nothing = frozenset[Slot]()
    agreed = ((True, False), (False, False), (False, True), (True, True))
    for covered, refused in agreed:
        for directions in (BOTH, OUT, BACK, frozenset[Direction]()) if not refused else (BOTH,):
            fields, refusals = (ALL_SLOTS if covered else nothing), (ALL_SLOTS if refused else nothing)
            found.append(
                Case(
                    standing=live(fields, directions, refusals),
                    covered=covered,
                    refused=refused,
                    outward=directions >= OUT,
                    back=directions >= BACK,
                )
            )
    return found


def _entity(kind: str, name: str, attributes: Entity, groups: list[str]) -> Entity:
    parents = [{"type": "Group", "id": group} for group in groups]
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": parents}


def _answers(policy: str, entities: list[Entity], asked: list[tuple[str, str, str]]) -> Iterator[bool]:
    """What Cedar says to each (caller, action, resource), in order; an error in a policy fails the test."""
    policies = cedarpy.PolicySet.from_str((CEDAR / policy).read_text(encoding="utf-8"))
    known = cedarpy.Entities.from_json_str(json.dumps(entities))
    for start in range(0, len(asked), BATCH):
        requests = [
            {"principal": f'Caller::"{who}"', "action": f'Action::"{what}"', "resource": f'Item::"{item}"'}
            for who, what, item in asked[start : start + BATCH]
        ]
        for answer in cedarpy.is_authorized_batch(requests, policies, known):
            assert not answer.diagnostics.errors
            yield answer.decision is cedarpy.Decision.Allow


def _callers() -> list[tuple[Role, Facts]]:
    flags = (False, True)
    return [
        (role, Facts(side=side, assigned=assigned, party=party, reach=reach, closed=closed))
        for role, side, assigned, party, reach, closed in product(Role, Side, flags, flags, Reach, flags)
    ]


def _caller_entity(name: str, role: Role, facts: Facts) -> Entity:
    there = facts.side is Side.OWNER or (facts.side is Side.RECIPIENT and facts.party)
    attributes: Entity = {
        "side": facts.side.value,
        "assigned": facts.assigned,
        "party": facts.party,
        "reach": facts.reach.name.lower(),
        "closed": facts.closed,
        "appointed": facts.appointed,
        "own_recording": facts.own_recording,
        "there": there and (role is not Role.CASEWORKER or facts.assigned),
    }
    return _entity("Caller", name, attributes, ROLE_GROUPS[role])


def test_fields_are_decided_as_the_same_matrix_in_cedar(record_property: Record) -> None:
    """On every cell of role × side × facts × standing × field: read, read in full, write: as Cedar says."""
    callers, standings = _callers(), _standings()
    entities = [_caller_entity(str(n), role, facts) for n, (role, facts) in enumerate(callers)]
    for number, case in enumerate(standings):
        for field in POLICY.registry.fields:
            attributes: Entity = {
                "state": case.state,
                "covered": case.covered,
                "refused": case.refused,
                "outward": case.outward,
                "back": case.back,
            }
            name = f"{number}/{field.slot}"
            entities.append(_entity("Item", name, attributes, FIELD_GROUPS[str(field.code)]))
    asked: list[tuple[str, str, str]] = []
    ours: list[bool] = []
    for who, (role, facts) in enumerate(callers):
        for number, case in enumerate(standings):
            decision = decide(principal(role), Action.CASE_READ, facts, case.standing, POLICY)
            for slot in POLICY.registry.by_slot:
                match decision:
                    case Allowed(read=read, write=write, masked=masked):
                        ours += (slot in read, slot in read and slot not in masked, slot in write)
                    case _:
                        ours += (False, False, False)
                asked += ((str(who), what, f"{number}/{slot}") for what in ("see", "note", "write"))
    theirs = _answers("fields.cedar", entities, asked)
    wrong = [(a, mine) for a, mine, their in zip(asked, ours, theirs, strict=True) if mine is not their]
    record_property("cedar_cells", len(asked))
    print(f"{len(asked)} cells compared")
    assert [(callers[int(who)], what, item, mine) for (who, what, item), mine in wrong[:5]] == []
    assert sum(ours) > 10_000


def test_actions_are_decided_as_the_same_matrix_in_cedar(record_property: Record) -> None:
    """On every cell of role × action × side × facts × state of the consent: allowed or not, as Cedar says."""
    flags = (False, True)
    domain = product(Role, Side, flags, flags, flags, flags, flags)
    callers = [
        (
            role,
            Facts(
                side=side,
                assigned=assigned,
                party=party,
                reach=Reach.ACCEPTED,
                closed=closed,
                appointed=appointed,
                own_recording=own,
            ),
        )
        for role, side, assigned, party, closed, appointed, own in domain
    ]
    standings: list[Standing | None] = [None, live()]
    standings += [Standing(state=s, fields=ALL_SLOTS, directions=BOTH) for s in State if s is not State.LIVE]
    entities = [_caller_entity(str(n), role, facts) for n, (role, facts) in enumerate(callers)]
    for number, standing in enumerate(standings):
        state = "none" if standing is None else standing.state.value
        entities.append(_entity("Item", str(number), {"state": state}, []))
    cells = list(product(range(len(callers)), Action, range(len(standings))))
    asked = [(str(who), action.value, str(number)) for who, action, number in cells]
    ours = [
        isinstance(
            decide(principal(callers[who][0]), action, callers[who][1], standings[number], POLICY), Allowed
        )
        for who, action, number in cells
    ]
    theirs = _answers("actions.cedar", entities, asked)
    wrong = [(a, mine) for a, mine, their in zip(asked, ours, theirs, strict=True) if mine is not their]
    record_property("cedar_cells", len(asked))
    print(f"{len(asked)} cells compared")
    assert [(callers[int(who)], what, item, mine) for (who, what, item), mine in wrong[:5]] == []
    assert sum(ours) > 10_000
