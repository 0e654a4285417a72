"""The decision: may this user do this, now, and which fields of the case may be seen and written?

Rules
1. What is not listed is denied. There is no override.
2. What a user gets is what the matrix says AND what the consent in force covers, never more.
3. The reason given is the first one that applies, in the order of ``Reason``: so a helper, who has no right
   to a field, cannot learn from the reason that somebody refused it.
4. For whom a case is not there (no party, not assigned), every action in it has that one reason, apart from
   an action that the role never has: the answer must not tell that the case exists.
5. After the end a party still gets an answer: nothing readable, everything locked with its reason.
6. Pure and repeatable: the same values in, the same decision out. No decision is kept for a second question.
"""

from types import MappingProxyType

from cases.fields import Slot
from consent.record import Direction
from consent.standing import Standing, State
from policies.actions import OF_ONE_CASE, SHOWING, Action
from policies.decision import Allowed, Denied, Reason
from policies.matrix import Matrix, Policy
from policies.views import View
from policies.who import Facts, Principal, Reach, Role, Side
from policies.words import Column, Metadata, Right, Scope

__all__ = ["NOT_SHARED", "Allowed", "Denied", "Reason", "column_of", "decide", "metadata", "said_to"]

NOT_SHARED = "not_shared"
"""All that a recipient hears of why the person does not share a field: that someone refused is personal."""

_PERSONAL = frozenset({Reason.NOT_OFFERED, Reason.REFUSED, Reason.NOT_ASKED, Reason.AWAITING_WITNESS})


_NO_SLOTS: frozenset[Slot] = frozenset()
_SHOWS_NOTHING = Allowed(read=_NO_SLOTS, write=_NO_SLOTS, masked=_NO_SLOTS, locked=MappingProxyType({}))
_STATES = {
    State.NONE: Reason.NOT_ASKED,
    State.REQUESTED: Reason.NOT_ASKED,
    State.AWAITING_WITNESS: Reason.AWAITING_WITNESS,
    State.REFUSED: Reason.REFUSED,
    State.WITHDRAWN: Reason.WITHDRAWN,
    State.EXPIRED: Reason.EXPIRED,
    State.ENDED: Reason.CLOSED,
}
_BOTH_WAYS = frozenset(Direction)


def decide(
    principal: Principal, action: Action, facts: Facts, standing: Standing | None, policy: Policy
) -> Allowed | Denied:
    """Whether the caller may do this, and with which fields; ``standing`` is that of the consent in question.

    ``standing`` is the one of (this case, the recipient, the purpose): for a recipient its own; for the owner
    that of the recipient whom the action concerns, or None where it concerns no recipient.
    """
    matrix = policy.matrix
    right = matrix.rights.get((principal.role, action))
    if right is None or right.never:
        return Denied(reason=Reason.ROLE)
    reason = _obstacle(right, action, facts, standing, matrix.scopes[principal.role])
    if reason is not None:
        return Denied(reason=reason)
    if action not in SHOWING or right.blind:
        return _SHOWS_NOTHING
    column = Column.OWNER if action not in OF_ONE_CASE else column_of(matrix, principal.role, facts.side)
    if column is None:
        return Denied(reason=Reason.ROLE)
    if column is Column.OWNER:
        view = matrix.views[column, None][facts.reach]
        allowed = view.own_closed if facts.closed else view.own
    else:
        purpose = None if standing is None or standing.event is None else standing.event.purpose
        allowed = _under_consent(matrix.views[column, purpose][facts.reach], facts, standing)
    written = matrix.writes.get(action)
    if written is not None and written not in allowed.write:
        return Denied(reason=allowed.locked.get(written, Reason.ROLE))
    return allowed


def column_of(matrix: Matrix, role: Role, side: Side) -> Column | None:
    """The column of the table of fields that this role reads on this side; None where no case is there."""
    scope = matrix.scopes[role]
    if scope is Scope.NONE or side is Side.NONE:
        return None
    if scope is Scope.HELPER:
        return Column.HELPER
    return Column.OWNER if side is Side.OWNER else Column.RECIPIENT


def said_to(side: Side, reason: Reason) -> str:
    """The reason as this side may hear it: outside the owner the person's own choice is ``not_shared``."""
    return NOT_SHARED if side is not Side.OWNER and reason in _PERSONAL else reason.value


def metadata(principal: Principal, facts: Facts, policy: Policy) -> frozenset[str]:
    """What of that which is kept in clear about a case the caller may see, by the names in ``METADATA``."""
    matrix = policy.matrix
    column = column_of(matrix, principal.role, facts.side)
    if column is None or _not_there(facts, matrix.scopes[principal.role]) is not None:
        return frozenset()
    shown = {Metadata.ALWAYS, Metadata.ACCEPTED} if facts.reach is Reach.ACCEPTED else {Metadata.ALWAYS}
    return frozenset(name for name, row in matrix.metadata.items() if row[column] in shown)


def _obstacle(
    right: Right, action: Action, facts: Facts, standing: Standing | None, scope: Scope
) -> Reason | None:
    """The first reason against the action itself, before any field is looked at."""
    if right.tree:
        return None if facts.appointed else Reason.NOT_ASSIGNED
    if action not in OF_ONE_CASE:
        return None
    hidden = _not_there(facts, scope)
    if hidden is Reason.NOT_A_PARTY or (hidden is not None and not right.blind):
        return hidden
    if _wrong_side(right, facts.side) or (right.other and facts.own_recording):
        return Reason.ROLE
    if right.live and (standing is None or standing.state is not State.LIVE):
        return Reason.NOT_ASKED if standing is None else _STATES[standing.state]
    return Reason.CLOSED if right.open_case and facts.closed else None


def _not_there(facts: Facts, scope: Scope) -> Reason | None:
    if facts.side is Side.NONE or (facts.side is Side.RECIPIENT and not facts.party):
        return Reason.NOT_A_PARTY
    return Reason.NOT_ASSIGNED if scope is Scope.ASSIGNED and not facts.assigned else None


def _wrong_side(right: Right, side: Side) -> bool:
    return (right.own and side is not Side.OWNER) or (right.recipient and side is not Side.RECIPIENT)


def _under_consent(view: View, facts: Facts, standing: Standing | None) -> Allowed:
    """What a column outside the owner gets: never more than the consent that holds now covers."""
    if standing is None or standing.state is not State.LIVE:
        locked = _locked_without_consent(view, standing)
        return Allowed(read=_NO_SLOTS, write=_NO_SLOTS, masked=_NO_SLOTS, locked=locked)
    covered = _NO_SLOTS if facts.closed else (view.covered & standing.fields) - standing.refused
    masked = view.bare & covered
    if standing.directions != _BOTH_WAYS:
        covered -= _directions_refused(view, standing)
        masked &= covered
        if Direction.RECIPIENT_TO_OWNER not in standing.directions:
            masked |= view.note_return & covered
    locked = _locked_while_live(view, standing, covered)
    return Allowed(read=covered, write=view.writable & covered, masked=masked, locked=locked)


def _directions_refused(view: View, standing: Standing) -> frozenset[Slot]:
    """The fields that would go a way that the person does not agree to."""
    refused = _NO_SLOTS
    if Direction.OWNER_TO_RECIPIENT not in standing.directions:
        refused |= view.outbound
    if Direction.RECIPIENT_TO_OWNER not in standing.directions:
        refused |= view.with_return
    return refused


def _locked_while_live(view: View, standing: Standing, covered: frozenset[Slot]) -> dict[Slot, Reason]:
    """Why each field that is not covered is locked; a later line overrides an earlier one."""
    locked = dict(view.unasked)
    for slot in covered:
        del locked[slot]
    for slot in (standing.fields & view.by_consent) - covered:
        locked[slot] = Reason.CLOSED if slot in view.covered else Reason.NOT_ACCEPTED_YET
    for slot in standing.refused & view.by_consent:
        locked[slot] = Reason.REFUSED
    if standing.directions != _BOTH_WAYS:
        for slot in _directions_refused(view, standing):
            locked[slot] = Reason.REFUSED
    return locked


def _locked_without_consent(view: View, standing: Standing | None) -> dict[Slot, Reason]:
    """Why each field is locked before or after a consent; a later line overrides an earlier one.

    After the end the last answer still counts: what was refused then stays refused, what was not asked then
    stays not asked, and only what had been agreed to is withdrawn, expired or closed.
    """
    locked = dict(view.unasked)
    if standing is None:
        return locked
    reason = _STATES[standing.state]
    for slot in view.by_consent if reason is Reason.REFUSED else view.by_consent & standing.asked:
        locked[slot] = reason
    for slot in view.by_consent & standing.refused:
        locked[slot] = Reason.REFUSED
    return locked
