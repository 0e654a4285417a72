"""The actions, the reasons and their order."""

from itertools import product

import pytest

from cases.request import Stage
from consent.standing import State
from policies.actions import OF_ONE_CASE, PUBLIC, Action
from policies.decide import Allowed, Denied, Reason, decide, said_to
from policies.who import NO_CASE, Facts, Reach, Role, Side, reach_of
from tests.policies.world import ALL_SLOTS, OUT, POLICY, gone, live, principal, slot, slots

OWNER = Facts(side=Side.OWNER, assigned=True)
PARTY = Facts(side=Side.RECIPIENT, party=True, assigned=True, reach=Reach.ACCEPTED)
STAFF = [Role.CASEWORKER, Role.SUPERVISOR, Role.NPO_COORDINATOR, Role.NPO_VOLUNTEER]


def reason(role: Role, action: Action, facts: Facts, state: State | None = State.LIVE) -> Reason | None:
    """Why the role may not do it, or None where it may; the consent covers everything, or once did."""
    standing = None if state is None else live() if state is State.LIVE else gone(state)
    match decide(principal(role), action, facts, standing, POLICY):
        case Allowed():
            return None
        case Denied(reason=why):
            return why


def test_a_decision_has_no_truth_value() -> None:
    """Neither Allowed nor Denied can be used as a condition by mistake."""
    for role in (Role.SUPERVISOR, Role.ADMIN):
        with pytest.raises(TypeError):
            bool(decide(principal(role), Action.CASE_READ, OWNER, None, POLICY))


def test_reasons_stand_in_the_order_of_their_precedence() -> None:
    """The closed list of reasons, first to last."""
    first = ["role", "not_assigned", "not_offered", "refused", "not_asked", "awaiting_witness"]
    then = ["withdrawn", "expired", "not_accepted_yet", "not_a_party", "closed"]
    assert [each.value for each in Reason] == first + then


def test_roles_that_work_on_no_case_are_denied_every_action_in_one() -> None:
    """Administrator, auditor and intermediary see no case content; the auditor sees who looked."""
    for role, action in product((Role.ADMIN, Role.AUDITOR, Role.INTERMEDIARY), OF_ONE_CASE):
        for facts in (OWNER, PARTY):
            if (role, action) == (Role.AUDITOR, Action.CASE_LOOKS):
                assert reason(role, action, facts) is Reason.NOT_ASSIGNED
            else:
                assert reason(role, action, facts) is Reason.ROLE


@pytest.mark.parametrize("action", sorted(OF_ONE_CASE))
@pytest.mark.parametrize("role", STAFF)
def test_the_answer_to_no_party_never_tells_that_the_case_exists(role: Role, action: Action) -> None:
    """No party: one and the same reason for every action, but for those that the role never has anywhere."""
    nowhere = reason(role, action, Facts(side=Side.NONE))
    assert nowhere in (Reason.NOT_A_PARTY, Reason.ROLE)
    for state in (None, *State):
        for reach, closed in product(Reach, (False, True)):
            facts = Facts(side=Side.RECIPIENT, assigned=True, reach=reach, closed=closed)
            assert reason(role, action, facts, state) is nowhere


def test_a_caseworker_gets_nothing_in_a_case_that_is_not_hers_but_withdrawal() -> None:
    """Not assigned: every action in the case is denied so, whatever its state; withdrawing always works."""
    for action, closed in product(sorted(OF_ONE_CASE), (False, True)):
        why = reason(Role.CASEWORKER, action, Facts(side=Side.OWNER, closed=closed))
        if action is Action.CONSENT_WITHDRAW:
            assert why is None
        elif action in (Action.CASE_ASSIGN, Action.CASE_DISCLOSE, Action.CASE_LOOKS):
            assert why is Reason.ROLE
        else:
            assert why is Reason.NOT_ASSIGNED


def test_a_supervisor_sees_every_case_of_the_organisation() -> None:
    """A supervisor's reading does not depend on sections or assignment."""
    assert reason(Role.SUPERVISOR, Action.CASE_READ, Facts(side=Side.OWNER), None) is None


@pytest.mark.parametrize("role", STAFF)
@pytest.mark.parametrize("state", list(State))
def test_withdrawal_works_for_all_staff_of_both_sides_and_shows_nothing(role: Role, state: State) -> None:
    """Any member of staff of owner or party may withdraw, assigned or not, closed or not; it shows none."""
    for side, closed in product((Side.OWNER, Side.RECIPIENT), (False, True)):
        facts = Facts(side=side, party=True, closed=closed)
        decision = decide(principal(role), Action.CONSENT_WITHDRAW, facts, gone(state), POLICY)
        assert isinstance(decision, Allowed)
        assert not (decision.read or decision.write or decision.masked or decision.locked)


def test_the_recorder_cannot_be_the_second_person() -> None:
    """A spoken consent is confirmed by somebody else than its recorder."""
    own = Facts(side=Side.OWNER, assigned=True, own_recording=True)
    assert reason(Role.SUPERVISOR, Action.CONSENT_CONFIRM, OWNER) is None
    assert reason(Role.SUPERVISOR, Action.CONSENT_CONFIRM, own) is Reason.ROLE


OWNERS = [
    *("case:close", "case:conditions", "case:update"),
    *("consent:change", "consent:confirm", "consent:record", "consent:renew", "ledger:reply"),
    *("request:cancel", "request:complete", "request:create", "request:send"),
]
RECIPIENTS = ["ledger:deliver", "ledger:observe", "request:accept", "request:decline"]


def test_owners_actions_are_the_owners_and_recipients_the_recipients() -> None:
    """The side decides: no recipient works as the owner, no owner as the recipient."""
    for word in OWNERS:
        assert reason(Role.NPO_COORDINATOR, Action(word), OWNER) is None
        assert reason(Role.NPO_COORDINATOR, Action(word), PARTY) is not None
    for word in RECIPIENTS:
        assert reason(Role.NPO_COORDINATOR, Action(word), PARTY) is None
        assert reason(Role.NPO_COORDINATOR, Action(word), OWNER) is Reason.ROLE


def test_a_request_is_sent_and_accepted_only_under_a_live_consent() -> None:
    """No request before consent, nothing after the end: the reason is the state of the consent."""
    expected = {
        None: Reason.NOT_ASKED,
        State.NONE: Reason.NOT_ASKED,
        State.REQUESTED: Reason.NOT_ASKED,
        State.AWAITING_WITNESS: Reason.AWAITING_WITNESS,
        State.LIVE: None,
        State.REFUSED: Reason.REFUSED,
        State.WITHDRAWN: Reason.WITHDRAWN,
        State.EXPIRED: Reason.EXPIRED,
        State.ENDED: Reason.CLOSED,
    }
    assert expected.keys() == {None, *State}
    for state, why in expected.items():
        assert reason(Role.CASEWORKER, Action.REQUEST_SEND, OWNER, state) is why
        assert reason(Role.NPO_COORDINATOR, Action.REQUEST_ACCEPT, PARTY, state) is why


def test_a_volunteer_records_a_delivery_but_no_observation() -> None:
    """A helper writes down what was handed over, nothing else."""
    assert reason(Role.NPO_VOLUNTEER, Action.LEDGER_DELIVER, PARTY) is None
    sent = Facts(side=Side.RECIPIENT, party=True, reach=Reach.SENT)
    assert reason(Role.NPO_VOLUNTEER, Action.LEDGER_DELIVER, sent) is Reason.NOT_ACCEPTED_YET
    for action in (Action.LEDGER_OBSERVE, Action.LEDGER_CORRECT, Action.LEDGER_REPLY, Action.REQUEST_ACCEPT):
        assert reason(Role.NPO_VOLUNTEER, action, PARTY) is Reason.ROLE


def test_a_write_that_the_consent_does_not_allow_is_denied_with_the_field_s_reason() -> None:
    """Telling the owner what was noticed needs the person's consent to exactly that."""
    standing = live(ALL_SLOTS, OUT)
    decision = decide(principal(Role.NPO_COORDINATOR), Action.LEDGER_OBSERVE, PARTY, standing, POLICY)
    assert decision == Denied(reason=Reason.REFUSED)


def test_a_closed_case_takes_no_more_work() -> None:
    """Nothing after the end, but reading, looking and withdrawing."""
    closed = Facts(side=Side.OWNER, assigned=True, closed=True)
    for word in OWNERS:
        assert reason(Role.SUPERVISOR, Action(word), closed) is Reason.CLOSED
    for action in (Action.CASE_READ, Action.CASE_LOOKS, Action.CONSENT_READ, Action.CONSENT_WITHDRAW):
        assert reason(Role.SUPERVISOR, action, closed) is None


def test_an_auditor_reads_the_log_of_the_tree_appointed_to_and_no_other() -> None:
    """Appointment to a named tree, not the role alone, opens its log."""
    for action in (
        Action.LOG_READ,
        Action.LOG_EXPORT,
        Action.LOG_PROVE,
        Action.LOG_REVIEW,
        Action.CASE_LOOKS,
    ):
        assert reason(Role.AUDITOR, action, Facts(side=Side.NONE, appointed=True)) is None
        assert reason(Role.AUDITOR, action, Facts(side=Side.NONE)) is Reason.NOT_ASSIGNED


def test_an_action_that_nobody_listed_is_denied() -> None:
    """Deny what is not listed: without its row, the strongest role is refused."""
    bare = type(POLICY.matrix)(
        scopes=POLICY.matrix.scopes,
        cells=POLICY.matrix.cells,
        views=POLICY.matrix.views,
        metadata=POLICY.matrix.metadata,
        rights={},
        writes=POLICY.matrix.writes,
    )
    policy = type(POLICY)(registry=POLICY.registry, matrix=bare, digest=POLICY.digest)
    for role, action in product(Role, Action):
        assert decide(principal(role), action, OWNER, live(), policy) == Denied(reason=Reason.ROLE)


def test_public_actions_are_everybody_s() -> None:
    """What needs no sign-in is not taken away by signing in."""
    for role, action in product(Role, PUBLIC):
        assert reason(role, action, NO_CASE, None) is None


def test_a_new_case_is_the_owner_s_to_write() -> None:
    """Creating a case: the owner's column before there is a case to be assigned to."""
    decision = decide(principal(Role.CASEWORKER), Action.CASE_CREATE, NO_CASE, None, POLICY)
    assert isinstance(decision, Allowed)
    assert decision.write == ALL_SLOTS - slots("deliveries observations")


def test_actions_are_an_alphabetised_list_of_thing_and_verb() -> None:
    """The list of actions reads like an index."""
    names = [action.value for action in Action]
    assert names == sorted(names)
    assert all(len(name.split(":")) == 2 for name in names)


@pytest.mark.parametrize("side", list(Side))
def test_the_recipient_is_never_told_why_a_field_is_not_shared(side: Side) -> None:
    """Refused, not asked, not offered and awaiting a witness are one word outside the owner."""
    personal = {Reason.NOT_OFFERED, Reason.REFUSED, Reason.NOT_ASKED, Reason.AWAITING_WITNESS}
    for each in Reason:
        hidden = side is not Side.OWNER and each in personal
        assert said_to(side, each) == ("not_shared" if hidden else each.value)


def test_a_helper_never_learns_of_a_refusal_of_what_is_not_for_helpers() -> None:
    """The role comes first: a refused name is, to a helper, not for the role."""
    standing = live(frozenset(), refused=ALL_SLOTS)
    decision = decide(principal(Role.NPO_VOLUNTEER), Action.CASE_READ, PARTY, standing, POLICY)
    assert isinstance(decision, Allowed)
    assert decision.locked[slot("name")] is Reason.ROLE
    assert said_to(Side.RECIPIENT, decision.locked[slot("dietary")]) == "not_shared"


def test_after_a_withdrawal_what_was_refused_stays_refused() -> None:
    """The first reason that applies: refused and not asked come before withdrawn."""
    standing = gone(State.WITHDRAWN, asked=slots("name phone"), refused=slots("phone"))
    decision = decide(principal(Role.NPO_COORDINATOR), Action.CASE_READ, PARTY, standing, POLICY)
    assert isinstance(decision, Allowed)
    assert decision.locked[slot("name")] is Reason.WITHDRAWN
    assert decision.locked[slot("phone")] is Reason.REFUSED
    assert decision.locked[slot("address")] is Reason.NOT_ASKED
    assert decision.locked[slot("finances")] is Reason.ROLE


def test_refused_wins_over_agreed() -> None:
    """Deny wins: a field that stands as refused is locked even if it also stands as agreed."""
    standing = live(ALL_SLOTS, refused=slots("name"))
    decision = decide(principal(Role.NPO_COORDINATOR), Action.CASE_READ, PARTY, standing, POLICY)
    assert isinstance(decision, Allowed)
    assert slot("name") not in decision.read
    assert decision.locked[slot("name")] is Reason.REFUSED


def test_reach_follows_the_requests() -> None:
    """An organisation's reach stays from the first accepted request on; a helper's while one is ongoing."""
    coordinator, helper = Role.NPO_COORDINATOR, Role.NPO_VOLUNTEER
    assert reach_of(coordinator, []) is Reach.NONE
    for stage in (Stage.DRAFT, Stage.DECLINED, Stage.CANCELLED, Stage.STOPPED):
        assert reach_of(coordinator, [(stage, False)]) is Reach.NONE
    assert reach_of(coordinator, [(Stage.SENT, False)]) is Reach.SENT
    for stage in (Stage.ACCEPTED, Stage.DELIVERED):
        assert reach_of(helper, [(Stage.SENT, False), (stage, True)]) is Reach.ACCEPTED
    for stage in (Stage.COMPLETED, Stage.CANCELLED, Stage.STOPPED):
        assert reach_of(coordinator, [(stage, True)]) is Reach.ACCEPTED
        assert reach_of(helper, [(stage, True)]) is Reach.NONE
