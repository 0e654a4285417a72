"""What the database says of one case and one caller, loaded in the transaction in which it is decided.

Every action in a case begins with `admit`: it loads, decides, and gives back either the situation with the
permission, or a refusal with its entry. "Not there" and "not yours to know" leave here as the same error.
"""

from dataclasses import dataclass
from uuid import UUID

from audit.event import Reason as LogReason
from cases.ids import CaseId, OrganisationId
from consent.standing import Standing, State, known_to_recipient, standing
from policies.actions import Action
from policies.decide import Allowed, Denied, Reason, decide, said_to
from policies.who import NO_CASE, Facts, Reach, Role, Side, reach_of
from service.flows.entries import EVENT_OF, Refusal, refuse, tree_of_case
from service.flows.errors import (
    NeverAllowedError,
    NotCoveredError,
    NotSignedInError,
    NotThereError,
    WrongStateError,
)
from service.house import House, Who
from service.store import cases, consents, requests, sessions
from service.store.cases import CaseRow
from service.store.consents import Series
from service.store.engine import Transaction
from service.store.requests import RequestRow
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One case as this caller meets it. ``series`` and ``standing`` are of the recipient concerned, if any.

    ``requests`` are those of the recipient concerned; for the owner with no recipient named, all of the case.
    """

    case: CaseRow
    facts: Facts
    recipient: OrganisationId | None
    series: Series | None
    standing: Standing | None
    requests: tuple[RequestRow, ...]
    tree: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """The action may be done in this situation."""

    situation: Situation
    allowed: Allowed


async def admit(
    tx: Transaction,
    house: House,
    who: Who,
    action: Action,
    case: UUID | None,
    *,
    recipient: OrganisationId | None = None,
    series: Series | None = None,
    appointed: bool = False,
) -> Admitted | Done[Refusal]:
    """Decides ``action`` in the case; None for a case is an id that is none.

    ``recipient`` narrows to one recipient, ``series`` to one consent; ``appointed``: the caller is an auditor of
    the case's tree. The caller must still be signed in.
    """
    if not await sessions.session_lives(tx, who.session, who.principal.version):
        return Done(outcome=Refusal(NotSignedInError()))
    if house.policy.matrix.rights[who.principal.role, action].never:
        return await refuse(tx, house, who, EVENT_OF[action], LogReason.ROLE, NeverAllowedError())
    row = None if case is None else await cases.case(tx, CaseId(case))
    if row is None:
        return await refuse(tx, house, who, EVENT_OF[action], LogReason.UNKNOWN_ID, NotThereError())
    bare = action is Action.CONSENT_WITHDRAW
    found = await situation(
        tx, house, who, row, recipient=recipient, series=series, appointed=appointed, bare=bare
    )
    decision = decide(who.principal, action, found.facts, found.standing, house.policy)
    if isinstance(decision, Denied):
        return await denied(tx, house, who, action, decision, found)
    return Admitted(situation=found, allowed=decision)


async def denied(
    tx: Transaction, house: House, who: Who, action: Action, decision: Denied, found: Situation
) -> Done[Refusal]:
    """The refusal of a decision, with its entry: the real reason in the log, the told one in the error."""
    return await refuse(
        tx,
        house,
        who,
        EVENT_OF[action],
        LogReason(decision.reason.value),
        _error(decision.reason, found.facts.side),
        case=found.case,
        series=found.series,
    )


async def admit_without_case(
    tx: Transaction, house: House, who: Who, action: Action
) -> Allowed | Done[Refusal]:
    """Decides an action that is about no one case."""
    if not await sessions.session_lives(tx, who.session, who.principal.version):
        return Done(outcome=Refusal(NotSignedInError()))
    decision = decide(who.principal, action, NO_CASE, None, house.policy)
    if isinstance(decision, Denied):
        return await refuse(tx, house, who, EVENT_OF[action], LogReason.ROLE, NeverAllowedError())
    return decision


def _error(reason: Reason, side: Side) -> Exception:
    match reason:
        case Reason.NOT_A_PARTY | Reason.NOT_ASSIGNED:
            return NotThereError()
        case Reason.ROLE:
            return NeverAllowedError()
        case Reason.CLOSED:
            return WrongStateError("closed")
        case _:
            return NotCoveredError(said_to(side, reason))


async def situation(
    tx: Transaction,
    house: House,
    who: Who,
    row: CaseRow,
    *,
    recipient: OrganisationId | None = None,
    series: Series | None = None,
    appointed: bool = False,
    bare: bool = False,
) -> Situation:
    """Loads what decisions in this case stand on; ``bare``: no more than a withdrawal needs, which nothing else that
    is wrong with the case may stop."""
    me = who.principal
    side_owner = row.owner == me.organisation
    concerned = recipient if side_owner else me.organisation
    foreign = series is not None and not side_owner and series.recipient != me.organisation
    if foreign or (series is None and concerned is not None):
        series = the_series(await consents.series_of_case(tx, row.id, concerned), house)
    stands = None if series is None else _standing(series, house, side_owner)
    asked = () if bare else await requests.requests_of_case(tx, row.id, concerned)
    facts = Facts(
        side=_side(side_owner, series, foreign),
        assigned=side_owner and not bare and await _assigned(tx, who, row),
        party=stands is not None and stands.ever_live,
        reach=_reach(me.role, asked),
        closed=row.closed is not None,
        appointed=appointed,
    )
    return Situation(
        case=row,
        facts=facts,
        recipient=concerned,
        series=series,
        standing=stands,
        requests=asked,
        tree=await tree_of_case(tx, row),
    )


def _standing(series: Series, house: House, owner: bool) -> Standing:
    """What holds, for the owner; for anybody else what a recipient may know of it."""
    look = standing if owner else known_to_recipient
    return look(series.events, house.clock())


def _side(owner: bool, series: Series | None, foreign: bool) -> Side:
    """What the caller's organisation is to the case; a consent of somebody else's makes it nothing."""
    if owner:
        return Side.OWNER
    return Side.RECIPIENT if series is not None and series.events and not foreign else Side.NONE


def _reach(role: Role, asked: tuple[RequestRow, ...]) -> Reach:
    return reach_of(role, ((request.stage, request.accepted is not None) for request in asked))


async def _assigned(tx: Transaction, who: Who, row: CaseRow) -> bool:
    if who.principal.sections & row.sections:
        return True
    return await cases.is_assigned(tx, row.id, who.principal.user)


def the_series(found: tuple[Series, ...], house: House) -> Series | None:
    """Of a recipient's consents in one case the live one, else the last that was live, else the one begun last."""
    if len(found) < 2:
        return found[0] if found else None
    stands = [(standing(one.events, house.clock()), one) for one in found]
    live = [one for held, one in stands if held.state is State.LIVE]
    lived = [one for held, one in stands if held.ever_live]
    return (live or lived or list(found))[-1]
