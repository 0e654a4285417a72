"""Asking for the sheet "who looked at my data", and the second person's approval. The sheet itself: `sheets`.

The one who approves sees the case's number and the period, and nothing of what the sheet will say.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from audit.event import Entry, Event
from audit.event import Purpose as LogPurpose
from audit.event import Reason as LogReason
from cases.disclosure import (
    WITHIN,
    Obstacle,
    Stage,
    Steps,
    against_approving,
    check_period,
    stage_at,
)
from cases.errors import ShapeError
from cases.ids import COLLABORATION, DISCLOSURE, USER, CollaborationId, DisclosureId, read_id, write_id
from consent.record import TOKYO, tokyo_day
from consent.standing import end_of_day
from policies.actions import Action
from policies.decide import Allowed, Denied, decide
from policies.who import NO_CASE
from service.flows import repeat
from service.flows.cases import uuid4_of
from service.flows.entries import Refusal, detailed, entry, refuse, settle
from service.flows.errors import (
    InvalidError,
    NeverAllowedError,
    NotSignedInError,
    NotThereError,
    WrongStateError,
)
from service.flows.repeat import Once
from service.flows.situation import Situation, admit, admit_without_case, situation
from service.house import House, Who
from service.store import cases, disclosures, looks, sessions, trees
from service.store.cases import CaseRow
from service.store.disclosures import DisclosureRow
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.log import Record
from service.store.writer import Done

_INSTANT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureView:
    """A disclosure as asker and approver see it: number and period, where it stands, whether the caller asked."""

    id: DisclosureId
    number: str
    since: date
    until: date
    stage: Stage
    mine: bool


async def ask_disclosure(
    house: House, who: Who, case: UUID | None, since: date, until: date, once: Once | None
) -> DisclosureView:
    """Asks for the sheet of a case and a period; a second person has to approve it.

    Raises InvalidError (the period), NotThereError, NeverAllowedError, ReusedKeyError.
    """
    _check_period(house, since, until)
    id = DisclosureId(uuid4_of(house))

    async def job(tx: Transaction) -> Done[DisclosureView] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.CASE_DISCLOSE, case)
        if isinstance(admitted, Done):
            return admitted
        found = admitted.situation
        made = await repeat.done_before(tx, house, who, once)
        if made is not None:
            return Done(outcome=await _asked_before(tx, house, who, made))
        row = DisclosureRow(
            id=id,
            case=found.case.id,
            since=datetime(since.year, since.month, since.day, tzinfo=TOKYO),
            until=end_of_day(until),
            asked_by=who.principal.user,
            asked=house.clock(),
        )
        await disclosures.add_disclosure(tx, row)
        await repeat.remember(tx, house, who, once, write_id(DISCLOSURE, id))
        asked = entry_about(house, who, Event.DISCLOSURE_ASK, found.case, row)
        period = {"since": since.isoformat(), "until": until.isoformat()}
        record = detailed(house, found.tree, asked, period)
        return Done(outcome=_view(house, who, found.case, row, False), records=(record,))

    return (await settle(house, job)).outcome


def _check_period(house: House, since: date, until: date) -> None:
    try:
        check_period(since, until, tokyo_day(house.clock()))
    except ShapeError as error:
        raise InvalidError(error.path, error.fault.value) from None


async def _asked_before(tx: Transaction, house: House, who: Who, made: str) -> DisclosureView:
    id = read_id(DISCLOSURE, made)
    row = None if id is None else await disclosures.disclosure(tx, DisclosureId(id))
    if row is None:
        raise NotThereError
    case = await case_of(tx, row)
    return _view(house, who, case, row, await is_issued(tx, case, row))


def entry_about(house: House, who: Who, event: Event, case: CaseRow, row: DisclosureRow) -> Entry:
    """The entry of a step of a disclosure."""
    return entry(
        house, who, event, case=case, object=write_id(DISCLOSURE, row.id), purpose=LogPurpose.DISCLOSURE
    )


def steps_of(row: DisclosureRow, issued: bool) -> Steps:
    """The steps that were taken, as the rules name them."""
    return Steps(
        asked_by=row.asked_by,
        asked=row.asked,
        approved_by=row.approved_by,
        approved=row.approved,
        issued=issued,
    )


async def case_of(tx: Transaction, row: DisclosureRow) -> CaseRow:
    """The case that the disclosure is about. Raises TamperedError where it is gone."""
    found = await cases.case(tx, row.case)
    if found is None:
        raise TamperedError("disclosure")
    return found


async def is_issued(tx: Transaction, case: CaseRow, row: DisclosureRow) -> bool:
    """Whether the sheet was made once: the log says so."""
    generations = await looks.generations(tx, write_id(COLLABORATION, case.collaboration))
    return await looks.first_issue(tx, generations, write_id(DISCLOSURE, row.id)) is not None


def _view(house: House, who: Who, case: CaseRow, row: DisclosureRow, issued: bool) -> DisclosureView:
    return DisclosureView(
        id=row.id,
        number=case.number,
        since=tokyo_day(row.since),
        until=tokyo_day(row.until - _INSTANT),
        stage=stage_at(steps_of(row, issued), house.clock()),
        mine=row.asked_by == who.principal.user,
    )


async def list_disclosures(house: House, who: Who) -> tuple[DisclosureView, ...]:
    """What the caller has asked for, and what waits for an approval that the caller may give; newest first.

    Nothing personal stands here, and so no entry is written. Raises NotSignedInError, NeverAllowedError.
    """

    async def query(tx: Transaction) -> tuple[DisclosureView, ...]:
        if not await sessions.session_lives(tx, who.session, who.principal.version):
            raise NotSignedInError
        if isinstance(decide(who.principal, Action.DISCLOSURE_LIST, NO_CASE, None, house.policy), Denied):
            raise NeverAllowedError
        me = who.principal
        mine = await _audited(tx, who)
        after = house.clock() - WITHIN
        rows = await disclosures.asked_or_waiting(tx, me.user, me.organisation, mine, after)
        found = [await _listed(tx, house, who, row) for row in rows]
        return tuple(view for view in found if view is not None)

    return await house.look(query)


async def _listed(tx: Transaction, house: House, who: Who, row: DisclosureRow) -> DisclosureView | None:
    case = await case_of(tx, row)
    if row.asked_by == who.principal.user:
        return _view(house, who, case, row, await is_issued(tx, case, row))
    decision, _ = await _may_approve(tx, house, who, case)
    return _view(house, who, case, row, False) if isinstance(decision, Allowed) else None


async def _audited(tx: Transaction, who: Who) -> frozenset[CollaborationId]:
    """The collaborations to whose log the caller is appointed, be it to the tree of now or to one that it continues."""
    names = {tree.name.partition(".")[0] for tree in await trees.trees_of(tx, who.principal.user)}
    found = [read_id(COLLABORATION, name) for name in names]
    return frozenset(CollaborationId(id) for id in found if id is not None)


async def _may_approve(
    tx: Transaction, house: House, who: Who, case: CaseRow
) -> tuple[Allowed | Denied, Situation]:
    """Whoever may see who looked at the case may approve that the person is told: colleagues, and its auditors."""
    appointed = case.collaboration in await _audited(tx, who)
    found = await situation(tx, house, who, case, appointed=appointed)
    return decide(who.principal, Action.CASE_LOOKS, found.facts, found.standing, house.policy), found


async def approve_disclosure(house: House, who: Who, disclosure: UUID | None) -> DisclosureView:
    """The second person agrees, within 24 hours of the asking, and sees number and period only.

    Raises NotThereError, NeverAllowedError, WrongStateError(same_person, approved, too_late).
    """

    async def job(tx: Transaction) -> Done[DisclosureView] | Done[Refusal]:
        found = await _admit_approver(tx, house, who, disclosure)
        if isinstance(found, Done):
            return found
        row, place = found
        obstacle = against_approving(steps_of(row, False), who.principal.user, house.clock())
        if obstacle is Obstacle.SAME_PERSON:
            error = WrongStateError(obstacle.value)
            return await _refuse(tx, house, who, LogReason.SAME_PERSON, error, place.case, row)
        if obstacle is not None:
            raise WrongStateError(obstacle.value)
        approved = await disclosures.approve(tx, row, who.principal.user, house.clock())
        made = replace(
            entry_about(house, who, Event.DISCLOSURE_APPROVE, place.case, row),
            on_behalf_of=write_id(USER, row.asked_by),
        )
        view = _view(house, who, place.case, approved, False)
        return Done(outcome=view, records=(Record(tree=place.tree, entry=made),))

    return (await settle(house, job)).outcome


async def _admit_approver(
    tx: Transaction, house: House, who: Who, disclosure: UUID | None
) -> tuple[DisclosureRow, Situation] | Done[Refusal]:
    """The disclosure and its case's situation, where the caller may approve it; any other is not there."""
    allowed = await admit_without_case(tx, house, who, Action.DISCLOSURE_APPROVE)
    if isinstance(allowed, Done):
        return allowed
    row = None if disclosure is None else await disclosures.disclosure(tx, DisclosureId(disclosure))
    if row is None:
        return await _refuse(tx, house, who, LogReason.UNKNOWN_ID, NotThereError(), None, None)
    decision, place = await _may_approve(tx, house, who, await case_of(tx, row))
    if isinstance(decision, Denied):
        reason = LogReason(decision.reason.value)
        return await _refuse(tx, house, who, reason, NotThereError(), place.case, row)
    return row, place


async def _refuse(
    tx: Transaction,
    house: House,
    who: Who,
    reason: LogReason,
    error: Exception,
    case: CaseRow | None,
    row: DisclosureRow | None,
) -> Done[Refusal]:
    object = None if row is None else write_id(DISCLOSURE, row.id)
    return await refuse(tx, house, who, Event.DISCLOSURE_APPROVE, reason, error, case=case, object=object)
