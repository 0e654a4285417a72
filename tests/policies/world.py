"""Principals, facts and standings for the tests of the policy: real values, made by hand."""

from collections.abc import Iterable
from uuid import UUID

from cases.fields import Slot
from cases.ids import OrganisationId, UserId
from consent.record import Direction
from consent.standing import Standing, State
from policies.matrix import Policy, default_policy
from policies.who import Principal, Role

POLICY: Policy = default_policy()
ALL_SLOTS = frozenset(POLICY.registry.by_slot)
BOTH = frozenset(Direction)
OUT = frozenset({Direction.OWNER_TO_RECIPIENT})
BACK = frozenset({Direction.RECIPIENT_TO_OWNER})


def principal(role: Role) -> Principal:
    """A user of that role, of no section."""
    return Principal(
        user=UserId(UUID(int=7)),
        organisation=OrganisationId(UUID(int=8)),
        role=role,
        sections=frozenset(),
        version=1,
    )


def slot(code: str) -> Slot:
    """The slot of a field of the policy that ships."""
    return POLICY.registry.by_code[code].slot


def slots(codes: str) -> frozenset[Slot]:
    """The slots of several fields, their codes with spaces between."""
    return frozenset(slot(code) for code in codes.split())


def codes(found: Iterable[Slot]) -> set[str]:
    """The codes of slots."""
    return {str(POLICY.registry.by_slot[each].code) for each in found}


def live(
    fields: frozenset[Slot] = ALL_SLOTS,
    directions: frozenset[Direction] = BOTH,
    refused: frozenset[Slot] = frozenset(),
) -> Standing:
    """A live consent that covers these fields."""
    return Standing(
        state=State.LIVE,
        fields=fields,
        directions=directions,
        refused=refused,
        asked=fields | refused,
        once=fields,
        ever_live=True,
    )


def gone(
    state: State, asked: frozenset[Slot] = ALL_SLOTS, refused: frozenset[Slot] = frozenset()
) -> Standing:
    """A consent that is not live, with what its last answer said."""
    return Standing(state=state, asked=asked, refused=refused)
