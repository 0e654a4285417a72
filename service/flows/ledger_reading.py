"""The ledger and the requests of a case as one caller meets them: what is permitted, and why the rest is locked."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec

from audit.event import Event
from cases.fields import FieldType, Slot
from cases.ids import RowId
from cases.ledger import RowKind
from cases.request import Quantity
from policies.actions import Action
from policies.who import Role, Side
from service.flows.entries import Refusal, settle
from service.flows.ledger import FIELD_TYPES, first_kind
from service.flows.reading import Reading, load_reading, open_reading, reading_entry, visible_requests
from service.flows.requests import request_slots
from service.flows.reveal import Opened, shown
from service.flows.situation import admit
from service.flows.views import LedgerView, Page, ReceiptView, RequestView, receipt_view
from service.house import House, Who
from service.store import requests
from service.store.engine import Transaction
from service.store.log import Receipt, Record
from service.store.requests import LedgerEntry, RequestRow
from service.store.writer import Done

_KINDS = {type: kind for kind, type in FIELD_TYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _LedgerFound:
    reading: Reading
    rows: tuple[LedgerEntry, ...]


async def read_ledger(house: House, who: Who, case: UUID | None) -> Page[LedgerView]:
    """The ledger's rows, oldest first, each with its value or the reason why it is locked.

    Raises NotThereError, NeverAllowedError; WrongStateError(no_key).
    """
    slots = {kind: slot for slot, kind in ledger_slots(house).items()}

    async def job(tx: Transaction) -> Done[_LedgerFound] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.LEDGER_READ, case)
        if isinstance(admitted, Done):
            return admitted
        reading = await load_reading(tx, house, who, admitted, frozenset(slots.values()))
        situation = admitted.situation
        rows = await requests.rows_of_case(tx, situation.case.id, situation.recipient)
        record = Record(tree=situation.tree, entry=reading_entry(house, who, Event.LEDGER_READ, reading))
        return Done(outcome=_LedgerFound(reading=reading, rows=_met(who, reading, rows)), records=(record,))

    committed = await settle(house, job)
    found = committed.outcome
    opened = await open_reading(house, who, found.reading, committed.receipts[0])
    values = {one.record: one for one in opened}
    by_id = {row.id: row for row in found.rows}
    lines = tuple(_view(house, found.reading, row, by_id, values, slots) for row in found.rows)
    return Page(lines=lines, next=None, receipt=receipt_view(committed.receipts[0]))


def ledger_slots(house: House) -> dict[Slot, RowKind]:
    """The slots whose values are rows of the ledger, and the kind of each."""
    return {field.slot: _KINDS[field.type] for field in house.policy.registry.fields if field.type in _KINDS}


def _met(who: Who, reading: Reading, rows: tuple[LedgerEntry, ...]) -> tuple[LedgerEntry, ...]:
    """A helper meets the deliveries of the requests that it helps with, and nothing else."""
    if who.principal.role is not Role.NPO_VOLUNTEER:
        return rows
    ongoing = visible_requests(who, reading.situation)
    by_id = {row.id: row for row in rows}
    return tuple(
        row
        for row in rows
        if row.request is not None
        and row.request.bytes in ongoing
        and first_kind(row, by_id) is RowKind.DELIVERY
    )


def _view(
    house: House,
    reading: Reading,
    row: LedgerEntry,
    rows: Mapping[RowId, LedgerEntry],
    values: Mapping[bytes, Opened],
    slots: Mapping[RowKind, Slot],
) -> LedgerView:
    kind = first_kind(row, rows)
    opened = values.get(row.id.bytes)
    code = str(house.policy.registry.by_slot[slots[kind]].code)
    owner = reading.situation.facts.side is Side.OWNER
    mine = row.organisation == reading.situation.case.owner
    return LedgerView(
        id=row.id,
        kind=row.kind.value,
        about=kind.value,
        recipient=row.recipient,
        request=row.request,
        author=row.author if owner is mine else None,
        organisation=row.organisation,
        recorded=row.recorded,
        corrects=row.corrects,
        value=None if opened is None else shown(house, opened, reading.masked),
        locked=None if opened is not None else reading.locked.get(code, "role"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsFound:
    """Requests of one case, and what of it may be opened."""

    reading: Reading
    requests: tuple[RequestRow, ...]


async def read_requests(house: House, who: Who, case: UUID | None) -> tuple[RequestView, ...]:
    """The case's requests that this caller meets, oldest first. Raises NotThereError, NeverAllowedError."""

    async def job(tx: Transaction) -> Done[RequestsFound] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.REQUEST_READ, case)
        if isinstance(admitted, Done):
            return admitted
        return _found(house, who, await load_reading(tx, house, who, admitted, request_slots(house)))

    committed = await settle(house, job)
    receipt = committed.receipts[0]
    opened = await open_reading(house, who, committed.outcome.reading, receipt)
    return request_views(house, committed.outcome, opened, receipt)


def _found(house: House, who: Who, reading: Reading) -> Done[RequestsFound]:
    met = visible_requests(who, reading.situation)
    rows = tuple(request for request in reading.situation.requests if request.id.bytes in met)
    record = Record(
        tree=reading.situation.tree,
        entry=reading_entry(house, who, Event.FIELD_RELEASE, reading, count=len(rows)),
    )
    return Done(outcome=RequestsFound(reading=reading, requests=rows), records=(record,))


def request_views(
    house: House, found: RequestsFound, opened: tuple[Opened, ...], receipt: Receipt
) -> tuple[RequestView, ...]:
    """Each request with its own values, and those of single fields that were opened with it."""
    kept = receipt_view(receipt)
    return tuple(_request_view(house, found.reading, request, opened, kept) for request in found.requests)


def _request_view(
    house: House, reading: Reading, request: RequestRow, opened: tuple[Opened, ...], receipt: ReceiptView
) -> RequestView:
    registry = house.policy.registry
    case = reading.situation.case
    fields: dict[str, object] = {str(registry.by_slot[slot].code): None for slot in sorted(reading.readable)}
    meals = None
    for one in opened:
        if one.record not in (request.id.bytes, case.id.bytes):
            continue
        field = registry.by_slot[one.slot]
        fields[str(field.code)] = shown(house, one, reading.masked)
        if field.type is FieldType.QUANTITY and one.value:
            meals = msgspec.json.decode(one.value, type=Quantity).meals
    return RequestView(
        id=request.id,
        case=case.id,
        number=case.number,
        recipient=request.recipient,
        stage=request.stage,
        created=request.created,
        sent=request.sent,
        decline_reason=request.decline_reason,
        version=request.version,
        meals=meals,
        fields=fields,
        locked=reading.locked,
        receipt=receipt,
    )
