"""The inbox: what was asked of an organisation in one collaboration. No names, whatever the consent covers.

One leaf for each case whose fields are shown; the values of all are opened after the one commit.
"""

from uuid import UUID

from audit.event import Event, Reason
from cases.fields import FieldType, Slot
from cases.ids import CaseId, CollaborationId
from cases.request import Stage
from policies.actions import Action
from policies.decide import Allowed, decide
from service.flows.entries import Refusal, entry, refuse, settle, tree_of_collaboration
from service.flows.errors import NotThereError
from service.flows.ledger_reading import RequestsFound, request_views
from service.flows.reading import load_reading, open_reading, reading_entry, visible_requests
from service.flows.situation import Admitted, admit_without_case, situation
from service.flows.views import RequestView
from service.house import House, Who
from service.store import cases, organisations, requests
from service.store.engine import Transaction
from service.store.log import Record
from service.store.requests import RequestRow
from service.store.writer import Done

STAGES = frozenset({Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED, Stage.STOPPED})
MOST = 50
_ON_A_CARD = frozenset({FieldType.QUANTITY, FieldType.PICKUP, FieldType.DIETARY})


async def read_inbox(
    house: House, who: Who, collaboration: CollaborationId | None
) -> tuple[RequestView, ...]:
    """The requests to the caller's organisation, newest first; None: the only collaboration it is in.

    Raises NeverAllowedError; NotThereError for a collaboration that is not the organisation's.
    """
    card = frozenset(field.slot for field in house.policy.registry.fields if field.type in _ON_A_CARD)

    async def job(tx: Transaction) -> Done[tuple[RequestsFound, ...]] | Done[Refusal]:
        allowed = await admit_without_case(tx, house, who, Action.INBOX_READ)
        if isinstance(allowed, Done):
            return allowed
        mine = await organisations.collaborations_of(tx, who.principal.organisation)
        chosen = mine[0] if collaboration is None and mine else collaboration
        if chosen is None or chosen not in mine:
            return await refuse(tx, house, who, Event.CASE_LIST, Reason.UNKNOWN_ID, NotThereError())
        rows = (await requests.inbox(tx, who.principal.organisation, chosen, STAGES))[:MOST]
        found = [await _case(tx, house, who, case, card) for case in dict.fromkeys(row.case for row in rows)]
        shown = tuple(one for one in found if one is not None and one.requests)
        records = [
            Record(
                tree=one.reading.situation.tree, entry=reading_entry(house, who, Event.CASE_LIST, one.reading)
            )
            for one in shown
        ]
        if not records:
            tree = await tree_of_collaboration(tx, chosen)
            records = [Record(tree=tree, entry=entry(house, who, Event.CASE_LIST, count=0))]
        return Done(outcome=shown, records=tuple(records))

    committed = await settle(house, job)
    views: list[RequestView] = []
    for one, receipt in zip(committed.outcome, committed.receipts, strict=False):
        opened = await open_reading(house, who, one.reading, receipt)
        views += request_views(house, one, opened, receipt)
    return tuple(sorted(views, key=_newest_first))


async def _case(
    tx: Transaction, house: House, who: Who, case: UUID, card: frozenset[Slot]
) -> RequestsFound | None:
    row = await cases.case(tx, CaseId(case))
    if row is None or row.owner == who.principal.organisation:
        return None
    found = await situation(tx, house, who, row)
    decision = decide(who.principal, Action.REQUEST_READ, found.facts, found.standing, house.policy)
    if not isinstance(decision, Allowed):
        return None
    reading = await load_reading(tx, house, who, Admitted(situation=found, allowed=decision), card)
    return RequestsFound(
        reading=reading, requests=_met(reading.situation.requests, visible_requests(who, found))
    )


def _met(rows: tuple[RequestRow, ...], met: frozenset[bytes]) -> tuple[RequestRow, ...]:
    return tuple(row for row in rows if row.stage in STAGES and row.id.bytes in met)


def _newest_first(view: RequestView) -> tuple[float, str]:
    sent = view.sent or view.created
    return (-sent.timestamp(), view.id.hex)
