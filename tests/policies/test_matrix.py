"""The table of fields that ships, cell by cell, as people read it."""

import pytest

from cases.fields import Slot
from consent.standing import State
from policies.actions import Action
from policies.decide import Allowed, Reason, decide, metadata
from policies.matrix import METADATA
from policies.who import Facts, Reach, Role, Side
from tests.policies.world import (
    ALL_SLOTS,
    BOTH,
    OUT,
    POLICY,
    codes,
    gone,
    live,
    principal,
    slot,
    slots,
)

OWN_ONLY = "found_by consultation finances eligibility_reasons outcome_note review_notes evidence"
AFTER_ACCEPTING = (
    "name name_kana birth_date age_band gender address phone household handover_summary health "
    "public_support support_plan quantity dietary pickup message deliveries observations replies"
)
PREVIEW = "age_band gender quantity dietary pickup"
HELPER = "quantity dietary pickup deliveries"
WITHOUT_FREE_TEXT = "quantity dietary pickup"

OWNER = Facts(side=Side.OWNER, assigned=True)
RECIPIENT = Facts(side=Side.RECIPIENT, party=True, assigned=True, reach=Reach.ACCEPTED)


def facts(reach: Reach, side: Side = Side.RECIPIENT) -> Facts:
    """A party's facts, with requests that have come so far."""
    return Facts(side=side, party=True, assigned=True, reach=reach)


def case_read(role: Role, of: Facts, fields: frozenset[Slot] = ALL_SLOTS) -> Allowed:
    """What the role gets of a case under a live consent to these fields, both ways."""
    decision = decide(principal(role), Action.CASE_READ, of, live(fields), POLICY)
    assert isinstance(decision, Allowed)
    return decision


@pytest.mark.parametrize("role", [Role.CASEWORKER, Role.SUPERVISOR, Role.NPO_COORDINATOR])
def test_the_owner_reads_all_and_writes_all_but_what_the_recipient_writes(role: Role) -> None:
    """The owner's column: rw for every field, r for deliveries and observations, without any consent."""
    decision = decide(principal(role), Action.CASE_READ, OWNER, None, POLICY)
    assert isinstance(decision, Allowed)
    assert decision.read == ALL_SLOTS
    assert decision.write == ALL_SLOTS - slots("deliveries observations")
    assert decision.masked == frozenset()
    assert decision.locked == {}


def test_the_recipient_reads_what_it_may_after_accepting() -> None:
    """The recipient's column after accepting: every c, in full; it writes deliveries and observations."""
    decision = case_read(Role.NPO_COORDINATOR, facts(Reach.ACCEPTED))
    assert codes(decision.read) == set(AFTER_ACCEPTING.split())
    assert codes(decision.write) == {"deliveries", "observations"}
    assert decision.masked == frozenset()
    assert decision.locked == dict.fromkeys(slots(OWN_ONLY), Reason.ROLE)


def test_the_recipient_has_a_preview_without_a_name_before_accepting() -> None:
    """The recipient's column after sending: every p, three of them without free text; nothing written."""
    decision = case_read(Role.NPO_COORDINATOR, facts(Reach.SENT))
    assert codes(decision.read) == set(PREVIEW.split())
    assert codes(decision.masked) == set(WITHOUT_FREE_TEXT.split())
    assert decision.write == frozenset()
    assert decision.locked[slot("name")] is Reason.NOT_ACCEPTED_YET


def test_the_recipient_sees_nothing_before_a_request() -> None:
    """A live consent alone opens nothing: the person asked for support, not for a file to be passed on."""
    decision = case_read(Role.NPO_COORDINATOR, facts(Reach.NONE))
    assert decision.read == frozenset()
    assert codes(s for s, why in decision.locked.items() if why is Reason.NOT_ACCEPTED_YET) == set(
        AFTER_ACCEPTING.split()
    )


@pytest.mark.parametrize("side", [Side.OWNER, Side.RECIPIENT])
def test_a_helper_reads_four_fields_and_never_the_name(side: Side) -> None:
    """The helper's column, on either side: amounts, needs and pick-up without free text, and deliveries."""
    decision = case_read(Role.NPO_VOLUNTEER, facts(Reach.ACCEPTED, side))
    assert codes(decision.read) == set(HELPER.split())
    assert codes(decision.masked) == set(WITHOUT_FREE_TEXT.split())
    assert codes(decision.write) == {"deliveries"}
    assert decision.locked[slot("name")] is Reason.ROLE


@pytest.mark.parametrize("side", [Side.OWNER, Side.RECIPIENT])
@pytest.mark.parametrize("reach", [Reach.NONE, Reach.SENT])
def test_a_helper_has_no_preview(side: Side, reach: Reach) -> None:
    """A helper sees only while a request is accepted and not completed."""
    assert case_read(Role.NPO_VOLUNTEER, facts(reach, side)).read == frozenset()


def test_what_is_not_covered_stays_locked() -> None:
    """A user sees what the cell says AND what the consent covers: a field left out is not asked."""
    decision = case_read(Role.NPO_COORDINATOR, facts(Reach.ACCEPTED), slots("name quantity"))
    assert codes(decision.read) == {"name", "quantity"}
    assert decision.locked[slot("address")] is Reason.NOT_ASKED


def test_observations_need_the_way_back_to_the_owner() -> None:
    """Without recipient_to_owner no observation is read or written, and a delivery bears no free note."""
    standing = live(ALL_SLOTS, OUT)
    decision = decide(principal(Role.NPO_COORDINATOR), Action.CASE_READ, RECIPIENT, standing, POLICY)
    assert isinstance(decision, Allowed)
    assert slot("observations") not in decision.read | decision.write
    assert decision.locked[slot("observations")] is Reason.REFUSED
    assert codes(decision.masked) == {"deliveries"}
    assert slot("deliveries") in decision.write


def test_nothing_flows_out_without_the_way_out() -> None:
    """Without owner_to_recipient only what the recipient itself wrote is left."""
    standing = live(ALL_SLOTS, BOTH - OUT)
    decision = decide(principal(Role.NPO_COORDINATOR), Action.CASE_READ, RECIPIENT, standing, POLICY)
    assert isinstance(decision, Allowed)
    assert codes(decision.read) == {"deliveries", "observations"}


@pytest.mark.parametrize("state", [state for state in State if state is not State.LIVE])
@pytest.mark.parametrize("role", [Role.NPO_COORDINATOR, Role.NPO_VOLUNTEER])
def test_after_the_end_a_party_gets_an_answer_with_everything_locked(role: Role, state: State) -> None:
    """A party is answered, with no field readable or writable and a reason for each field of the registry."""
    decision = decide(principal(role), Action.CASE_READ, RECIPIENT, gone(state), POLICY)
    assert isinstance(decision, Allowed)
    assert decision.read == decision.write == decision.masked == frozenset()
    assert decision.locked.keys() == ALL_SLOTS


def test_a_closed_case_is_locked_outside_and_kept_inside() -> None:
    """Closing: the recipient reads nothing were a consent live or not; the owner reads, writes nothing."""
    closed = Facts(side=Side.RECIPIENT, party=True, reach=Reach.ACCEPTED, closed=True)
    outside = case_read(Role.NPO_COORDINATOR, closed)
    assert outside.read == outside.write == frozenset()
    assert outside.locked[slot("name")] is Reason.CLOSED
    inside = case_read(Role.SUPERVISOR, Facts(side=Side.OWNER, closed=True))
    assert inside.read == ALL_SLOTS
    assert inside.write == frozenset()


def test_metadata_is_shown_by_column() -> None:
    """The owner sees all; a recipient nothing of sections, conditions, reasons, totals, other recipients."""
    recipient = {"number", "open_closed", "own_consents", "own_requests"}
    assert metadata(principal(Role.SUPERVISOR), OWNER, POLICY) == set(METADATA)
    assert metadata(principal(Role.NPO_COORDINATOR), RECIPIENT, POLICY) == recipient
    assert metadata(principal(Role.NPO_VOLUNTEER), RECIPIENT, POLICY) == {"number", "own_requests"}
    assert metadata(principal(Role.NPO_VOLUNTEER), facts(Reach.SENT), POLICY) == {"number"}


@pytest.mark.parametrize("role", list(Role))
def test_metadata_is_hidden_where_the_case_is_not_there(role: Role) -> None:
    """No party, no case: nothing kept in clear is told either; nor to roles that work on no case."""
    assert metadata(principal(role), Facts(side=Side.RECIPIENT), POLICY) == frozenset()
    assert metadata(principal(role), Facts(side=Side.NONE), POLICY) == frozenset()
    if role in (Role.ADMIN, Role.AUDITOR, Role.INTERMEDIARY, Role.CASEWORKER):
        assert metadata(principal(role), Facts(side=Side.OWNER), POLICY) == frozenset()
