"""What happens to a request after it was written: sent, cancelled, completed; accepted or declined (manual step 4)."""

from dataclasses import replace
from uuid import UUID

from cases.ids import REQUEST, RequestId, write_id
from cases.request import OPEN_STAGES, DeclineReason, Move, Stage, move
from policies.actions import Action
from service.flows.agreeing import ensure_grant
from service.flows.entries import EVENT_OF, Refusal, entry
from service.flows.errors import NotThereError, StaleError, WrongStateError
from service.flows.granting import drop_grant
from service.flows.requests import RequestKept, kept
from service.flows.rotation import settle_write
from service.flows.situation import Admitted, Situation, admit
from service.house import House, Who
from service.store import cases, requests
from service.store.engine import Transaction
from service.store.log import Record
from service.store.requests import RequestRow
from service.store.writer import Done

OWNER_MOVES = {
    Move.SEND: Action.REQUEST_SEND,
    Move.CANCEL: Action.REQUEST_CANCEL,
    Move.COMPLETE: Action.REQUEST_COMPLETE,
}
RECIPIENT_MOVES = {Move.ACCEPT: Action.REQUEST_ACCEPT, Move.DECLINE: Action.REQUEST_DECLINE}
ENDS = frozenset({Stage.DECLINED, Stage.COMPLETED, Stage.CANCELLED})


async def move_request(
    house: House,
    who: Who,
    request: UUID | None,
    how: Move,
    *,
    version: int | None = None,
    reason: DeclineReason | None = None,
) -> RequestKept:
    """Moves a request: the owner sends, cancels, completes; the addressed organisation accepts or declines.

    The owner's moves carry the version that it saw. Raises MoveError and WrongStateError (409), StaleError,
    NotThereError, NeverAllowedError, NotCoveredError.
    """
    action = OWNER_MOVES.get(how) or RECIPIENT_MOVES[how]

    async def job(tx: Transaction) -> Done[RequestKept] | Done[Refusal]:
        row = None if request is None else await requests.request(tx, RequestId(request))
        admitted = await admit_request(tx, house, who, action, row)
        if isinstance(admitted, Done) or row is None:
            return admitted if isinstance(admitted, Done) else Done(outcome=Refusal(NotThereError()))
        if how in OWNER_MOVES and version != row.version:
            raise StaleError
        if how is Move.SEND and not admitted.situation.case.conditions.both:
            raise WrongStateError("conditions")
        changed = await requests.change_request(tx, _moved(row, how, house, reason))
        records = await _records(tx, house, who, admitted.situation, changed, how)
        return Done(outcome=kept(changed), records=records)

    return (await settle_write(house, who, job)).outcome


async def _records(
    tx: Transaction, house: House, who: Who, situation: Situation, row: RequestRow, how: Move
) -> tuple[Record, ...]:
    """The entry of the move, and what becomes of the grant: sending needs one, a decline may end the need."""
    action = OWNER_MOVES.get(how) or RECIPIENT_MOVES[how]
    object = write_id(REQUEST, row.id)
    made = entry(house, who, EVENT_OF[action], case=situation.case, object=object, series=situation.series)
    more: tuple[Record, ...] = ()
    if how is Move.SEND:
        more = await ensure_grant(tx, house, who, situation)
    if how is Move.DECLINE:
        more = await _drop_unneeded(tx, house, who, situation)
    return (Record(tree=situation.tree, entry=made), *more)


async def _drop_unneeded(tx: Transaction, house: House, who: Who, situation: Situation) -> tuple[Record, ...]:
    """After a decline with no other request open the recipient needs no key: its grant goes, the consent stays."""
    series = situation.series
    if series is None:
        return ()
    left = await requests.requests_of_case(tx, situation.case.id, series.recipient)
    if any(request.stage in OPEN_STAGES and request.stage is not Stage.DRAFT for request in left):
        return ()
    return await drop_grant(tx, house, who, situation.case, series, situation.tree)


def _moved(row: RequestRow, how: Move, house: House, reason: DeclineReason | None) -> RequestRow:
    now = house.clock()
    stage = move(row.stage, how)
    return replace(
        row,
        stage=stage,
        sent=now if how is Move.SEND else row.sent,
        accepted=now if how is Move.ACCEPT else row.accepted,
        ended=now if stage in ENDS else row.ended,
        decline_reason=reason if how is Move.DECLINE else row.decline_reason,
    )


async def admit_request(
    tx: Transaction, house: House, who: Who, action: Action, row: RequestRow | None
) -> Admitted | Done[Refusal]:
    """Decides an action on a request: only its owner and the organisation it is addressed to ever meet it.

    A draft is not there for anybody but the owner.
    """
    mine = who.principal.organisation
    case = None if row is None else await cases.case(tx, row.case)
    if row is None or case is None:
        return await admit(tx, house, who, action, None)
    addressed = row.recipient == mine and row.sent is not None
    if case.owner != mine and not addressed:
        return await admit(tx, house, who, action, None)
    return await admit(tx, house, who, action, row.case, recipient=row.recipient)
