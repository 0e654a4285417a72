"""What holds for every decision, whatever the consent, the facts and the matrix."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cases.fields import Slot
from consent.record import Direction
from consent.standing import Standing, State
from policies.actions import Action
from policies.decide import Allowed, Denied, Reason, decide, said_to
from policies.matrix import Matrix, Policy, load_matrix
from policies.who import Facts, Principal, Reach, Role, Side
from policies.words import Column
from tests.policies.files import ROLES
from tests.policies.world import ALL_SLOTS, POLICY, principal, slot

some_slots = st.frozensets(st.sampled_from(sorted(ALL_SLOTS)))
workers = st.sampled_from([Role.NPO_COORDINATOR, Role.NPO_VOLUNTEER, Role.SUPERVISOR])
principals = (workers | st.sampled_from(Role)).map(principal)
any_facts = st.builds(
    Facts,
    side=st.sampled_from(Side),
    assigned=st.booleans(),
    party=st.booleans(),
    reach=st.sampled_from(Reach),
    closed=st.booleans(),
    appointed=st.booleans(),
    own_recording=st.booleans(),
)
# Half of all examples stand where something can be seen at all; else the properties would hold for nothing.
parties = st.builds(
    Facts,
    side=st.just(Side.RECIPIENT),
    assigned=st.just(True),
    party=st.just(True),
    reach=st.sampled_from([Reach.SENT, Reach.ACCEPTED]),
)
all_facts = parties | any_facts
any_standings = st.builds(
    Standing,
    state=st.sampled_from(State),
    fields=some_slots,
    directions=st.frozensets(st.sampled_from(Direction)),
    refused=some_slots,
    asked=some_slots,
    ever_live=st.booleans(),
)
live_standings = st.builds(
    Standing,
    state=st.just(State.LIVE),
    fields=some_slots,
    directions=st.frozensets(st.sampled_from(Direction)),
    refused=some_slots,
)
standings = live_standings | any_standings | st.none()
actions = st.sampled_from([Action.CASE_READ, Action.LEDGER_READ]) | st.sampled_from(Action)
Seen = tuple[frozenset[Slot], frozenset[Slot], frozenset[Slot]]


def seen(
    who: Principal, action: Action, facts: Facts, standing: Standing | None, policy: Policy = POLICY
) -> Seen:
    """What is read, what is read in full, and what is written; three empty sets where denied."""
    match decide(who, action, facts, standing, policy):
        case Allowed(read=read, write=write, masked=masked):
            return read, read - masked, write
        case Denied():
            return frozenset(), frozenset(), frozenset()


def within(narrow: Seen, wide: Seen) -> bool:
    """Whether the first shows and writes no more than the second."""
    return all(small <= large for small, large in zip(narrow, wide, strict=True))


@settings(max_examples=200)
@given(principals, actions, all_facts, standings)
def test_outside_the_owner_nothing_is_read_without_a_live_consent_that_covers_it(
    who: Principal, action: Action, facts: Facts, standing: Standing | None
) -> None:
    """No consent, no data: what is read or written lies within the live consent, whatever else holds."""
    if facts.side is Side.OWNER and who.role is not Role.NPO_VOLUNTEER:
        return
    if action is Action.CASE_CREATE:
        return
    read, _, write = seen(who, action, facts, standing)
    covered = standing.fields if standing is not None and standing.state is State.LIVE else frozenset()
    assert read <= covered
    assert write <= covered


@settings(max_examples=200)
@given(principals, all_facts, standings)
def test_every_field_is_either_readable_or_locked_with_a_reason(
    who: Principal, facts: Facts, standing: Standing | None
) -> None:
    """Hidden is not empty: a case read accounts for each field of the registry, once."""
    match decide(who, Action.CASE_READ, facts, standing, POLICY):
        case Allowed(read=read, write=write, masked=masked, locked=locked):
            assert read | locked.keys() == ALL_SLOTS
            assert not read & locked.keys()
            assert write <= read
            assert masked <= read
        case Denied():
            pass


@settings(max_examples=200)
@given(principals, actions, all_facts, live_standings, some_slots)
def test_taking_a_field_out_of_a_consent_never_widens(
    who: Principal, action: Action, facts: Facts, standing: Standing, taken: frozenset[Slot]
) -> None:
    """Monotone in the consent: fewer fields, or fewer directions, never show or write more."""
    wide = seen(who, action, facts, standing)
    fewer = Standing(
        state=State.LIVE,
        fields=standing.fields - taken,
        directions=standing.directions,
        refused=standing.refused,
    )
    assert within(seen(who, action, facts, fewer), wide)
    for direction in Direction:
        one_way = Standing(
            state=State.LIVE,
            fields=standing.fields,
            directions=standing.directions - {direction},
            refused=standing.refused,
        )
        assert within(seen(who, action, facts, one_way), wide)


@settings(max_examples=200)
@given(principals, actions, all_facts, live_standings, st.sampled_from(State))
def test_ending_a_consent_never_widens(
    who: Principal, action: Action, facts: Facts, standing: Standing, state: State
) -> None:
    """Monotone in the state: no other state shows or writes more than a live one."""
    ended = Standing(state=state, fields=standing.fields, directions=standing.directions)
    if state is State.LIVE:
        return
    assert within(seen(who, action, facts, ended), seen(who, action, facts, standing))


def without_row(text: str, line: int) -> str:
    """The matrix with the cells of one line taken away: every right in it becomes "-"."""
    lines = text.splitlines()
    head, _, cells = lines[line].partition("= [")
    lines[line] = head + "= [" + ", ".join('"-"' for _ in cells.split(",")) + "]"
    return "\n".join(lines)


ROW_LINES = [
    number
    for number, line in enumerate(ROLES.splitlines())
    if "= [" in line and not line.startswith("columns")
]
NARROWED: dict[int, Matrix] = {}


def narrowed(line: int) -> Policy:
    """The policy that ships, less one row."""
    if line not in NARROWED:
        NARROWED[line] = load_matrix(without_row(ROLES, line), POLICY.registry)
    return Policy(registry=POLICY.registry, matrix=NARROWED[line], digest=POLICY.digest)


@settings(max_examples=200)
@given(principals, actions, all_facts, standings, st.sampled_from(ROW_LINES))
def test_taking_a_right_out_of_the_matrix_never_widens(
    who: Principal, action: Action, facts: Facts, standing: Standing | None, line: int
) -> None:
    """Monotone in the matrix: a policy with a row less allows, shows and writes no more."""
    less = narrowed(line)
    assert within(seen(who, action, facts, standing, less), seen(who, action, facts, standing))
    if isinstance(decide(who, action, facts, standing, POLICY), Denied):
        assert isinstance(decide(who, action, facts, standing, less), Denied)


@settings(max_examples=200)
@given(all_facts, standings, standings)
def test_a_helper_never_learns_of_a_refusal(
    facts: Facts, one: Standing | None, other: Standing | None
) -> None:
    """What a helper hears of a field that is not for helpers is the same under any two consents."""
    for name in ("name", "address", "observations", "consultation"):
        heard = set()
        for standing in (one, other):
            match decide(principal(Role.NPO_VOLUNTEER), Action.CASE_READ, facts, standing, POLICY):
                case Allowed(locked=locked):
                    heard.add(locked[slot(name)])
                case Denied(reason=why):
                    heard.add(why)
        assert len(heard) == 1
        assert Reason.REFUSED not in heard


@settings(max_examples=200)
@given(all_facts, standings)
def test_the_recipient_cannot_tell_a_refusal_from_not_having_been_asked(
    facts: Facts, standing: Standing | None
) -> None:
    """Whichever of the person's choices it was, the recipient hears the same word for a field."""
    if standing is None:
        return
    shifted = Standing(
        state=standing.state,
        fields=standing.fields - standing.refused,
        directions=standing.directions,
        asked=standing.asked - standing.refused,
    )
    heard = []
    for each in (standing, shifted):
        match decide(principal(Role.NPO_COORDINATOR), Action.CASE_READ, facts, each, POLICY):
            case Allowed(locked=locked):
                heard.append({s: said_to(Side.RECIPIENT, why) for s, why in locked.items()})
            case Denied(reason=why):
                heard.append({Slot(0): said_to(Side.RECIPIENT, why)})
    if facts.side is not Side.OWNER:
        assert heard[0] == heard[1]


def applying(facts: Facts, standing: Standing | None, where: Slot) -> set[Reason]:
    """Every reason that applies to one field for a recipient's coordinator, said one by one."""
    cell = POLICY.matrix.cells[where][Column.RECIPIENT]
    state = State.NONE if standing is None else standing.state
    holds = Standing(state=State.NONE) if standing is None else standing
    is_live = state is State.LIVE
    way_out = Direction.OWNER_TO_RECIPIENT in holds.directions or cell.writes
    way_back = Direction.RECIPIENT_TO_OWNER in holds.directions or not cell.with_return
    far_enough = facts.reach is Reach.ACCEPTED or (facts.reach is Reach.SENT and cell.preview)
    said = {
        Reason.ROLE: cell.never,
        Reason.NOT_OFFERED: where not in POLICY.registry.offered_by_any,
        Reason.REFUSED: where in holds.refused
        or state is State.REFUSED
        or (is_live and not (way_out and way_back)),
        Reason.NOT_ASKED: state in (State.NONE, State.REQUESTED)
        or where not in (holds.fields if is_live else holds.asked),
        Reason.AWAITING_WITNESS: state is State.AWAITING_WITNESS,
        Reason.WITHDRAWN: state is State.WITHDRAWN,
        Reason.EXPIRED: state is State.EXPIRED,
        Reason.NOT_ACCEPTED_YET: is_live and not far_enough,
        Reason.CLOSED: state is State.ENDED or facts.closed,
    }
    return {reason for reason, applies in said.items() if applies}


@settings(max_examples=200)
@given(parties, st.booleans(), st.sampled_from(Reach), standings)
def test_the_reason_given_is_the_first_that_applies(
    facts: Facts, closed: bool, reach: Reach, standing: Standing | None
) -> None:
    """Precedence: for each field the first applying reason in the order of Reason, or it is readable."""
    case = Facts(side=facts.side, party=True, reach=reach, closed=closed)
    decision = decide(principal(Role.NPO_COORDINATOR), Action.CASE_READ, case, standing, POLICY)
    assert isinstance(decision, Allowed)
    for where in ALL_SLOTS:
        reasons = applying(case, standing, where)
        first = next((reason for reason in Reason if reason in reasons), None)
        assert decision.locked.get(where) is first
        assert (where in decision.read) == (first is None)
