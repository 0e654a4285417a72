"""The handover ledger (引き継ぎ簿): what was handed over, what was noticed, what was answered. Rows are only added."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from audit.event import Event
from audit.event import Reason as LogReason
from cases.errors import CorrectionError, FieldError
from cases.fields import Field, FieldType, Slot, read_value
from cases.ids import ROW, OrganisationId, RequestId, RowId, read_id, write_id
from cases.ledger import RowHead, RowKind, check_correction
from cases.request import Move, move
from policies.actions import Action
from policies.decide import Reason, said_to
from policies.who import Side
from service.flows import repeat
from service.flows.cases import uuid4_of
from service.flows.entries import Refusal, entry, refuse, written
from service.flows.errors import InvalidError, NotCoveredError, NotThereError, WrongStateError
from service.flows.keys import Ring, open_owner_ring, open_recipient_ring
from service.flows.reading import granted
from service.flows.repeat import Once
from service.flows.rotation import let_rotation_end, load_writing_keys, settle_write
from service.flows.sealing import put_rows, seal_row
from service.flows.situation import Admitted, Situation, admit
from service.house import House, Who
from service.store import requests
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.log import Record, digest_of
from service.store.requests import LedgerEntry, RequestRow
from service.store.writer import Done

ACTIONS = {
    RowKind.DELIVERY: Action.LEDGER_DELIVER,
    RowKind.OBSERVATION: Action.LEDGER_OBSERVE,
    RowKind.REPLY: Action.LEDGER_REPLY,
    RowKind.CORRECTION: Action.LEDGER_CORRECT,
}
FIELD_TYPES = {
    RowKind.DELIVERY: FieldType.DELIVERIES,
    RowKind.OBSERVATION: FieldType.OBSERVATIONS,
    RowKind.REPLY: FieldType.REPLIES,
}
_WITH_NOTE = FieldType.DELIVERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """What is written: ``value`` is raw JSON. The owner names the recipient; a correction names the old row."""

    kind: RowKind
    value: object
    request: RequestId | None = None
    recipient: OrganisationId | None = None
    corrects: RowId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """Where a new row goes: the thread, the kind of its value, and the request that it is about."""

    recipient: OrganisationId
    kind: RowKind
    request: RequestId | None
    delivers: RequestRow | None = None


async def write_row(house: House, who: Who, case: UUID | None, new: NewRow, once: Once | None) -> RowId:
    """Adds a row to the ledger; the first delivery that names a request moves it to delivered.

    Raises NotThereError, NeverAllowedError, NotCoveredError, InvalidError, MoveError, WrongStateError, ReusedKeyError.
    """
    row_id = RowId(uuid4_of(house))

    async def job(tx: Transaction) -> Done[RowId] | Done[Refusal]:
        admitted = await admit(tx, house, who, ACTIONS[new.kind], case, recipient=new.recipient)
        if isinstance(admitted, Done):
            return admitted
        made = await repeat.done_before(tx, house, who, once)
        if made is not None:
            found = read_id(ROW, made)
            return Done(outcome=RowId(found)) if found is not None else Done(outcome=Refusal(NotThereError()))
        try:
            record = await _write(tx, house, who, admitted, new, row_id)
        except NotCoveredError as error:
            situation = admitted.situation
            event, reason = Event.LEDGER_WRITE, LogReason.NOT_LIVE
            row, series = situation.case, situation.series
            return await refuse(tx, house, who, event, reason, error, case=row, series=series)
        await repeat.remember(tx, house, who, once, write_id(ROW, row_id))
        return Done(outcome=row_id, records=record)

    await let_rotation_end(house, case)
    return (await settle_write(house, who, job)).outcome


async def _write(
    tx: Transaction, house: House, who: Who, admitted: Admitted, new: NewRow, row_id: RowId
) -> tuple[Record, ...]:
    situation = admitted.situation
    target = await _target(tx, who, situation, new)
    field = _field(house, target.kind)
    if field.slot not in admitted.allowed.write:
        reason = admitted.allowed.locked.get(field.slot, Reason.ROLE)
        raise NotCoveredError(said_to(situation.facts.side, reason))
    value = _value(field, new.value)
    _check_note(admitted, field, value)
    ring = await _ring(tx, house, who, situation, field.slot, target.recipient)
    sealed = seal_row(
        house, ring, situation.case, field.slot, value, record=row_id.bytes, thread=target.recipient.bytes
    )
    row = _row(house, who, situation, target, new, row_id)
    await requests.add_row(tx, row)
    hashes = await put_rows(tx, situation.case, [sealed])
    if target.delivers is not None:
        stage = move(target.delivers.stage, Move.DELIVER)
        await requests.change_request(tx, replace(target.delivers, stage=stage))
    made = entry(
        house,
        who,
        Event.LEDGER_WRITE,
        case=situation.case,
        object=write_id(ROW, row_id),
        digest=digest_of(hashes),
        series=situation.series,
    )
    return (written(situation.tree, made, hashes),)


def _row(
    house: House, who: Who, situation: Situation, target: _Target, new: NewRow, row_id: RowId
) -> LedgerEntry:
    return LedgerEntry(
        id=row_id,
        case=situation.case.id,
        recipient=target.recipient,
        request=target.request,
        kind=new.kind,
        author=who.principal.user,
        organisation=who.principal.organisation,
        recorded=house.clock(),
        corrects=new.corrects,
    )


def _field(house: House, kind: RowKind) -> Field:
    return next(field for field in house.policy.registry.fields if field.type is FIELD_TYPES[kind])


def _value(field: Field, raw: object) -> bytes:
    try:
        value = read_value(field, raw)
    except FieldError as error:
        raise InvalidError(f"value.{error.path}" if error.path else "value", error.fault.value) from None
    if not value:
        raise InvalidError("value", "empty")
    return value


def _check_note(admitted: Admitted, field: Field, value: bytes) -> None:
    """A field that the writer meets without free text is written without free text too."""
    if field.slot not in admitted.allowed.masked:
        return
    if field.type is _WITH_NOTE and b'"note":null' not in value:
        raise NotCoveredError("not_shared")


async def _target(tx: Transaction, who: Who, situation: Situation, new: NewRow) -> _Target:
    if new.kind is RowKind.CORRECTION:
        return await _corrected(tx, who, situation, new)
    recipient = new.recipient if situation.facts.side is Side.OWNER else who.principal.organisation
    if recipient is None:
        raise InvalidError("recipient", "missing_key")
    request = None if new.request is None else await requests.request(tx, new.request)
    fits = request is not None and (request.case, request.recipient) == (situation.case.id, recipient)
    if new.request is not None and not (fits and request is not None and request.sent is not None):
        raise InvalidError("request", "unknown")
    if new.kind is RowKind.DELIVERY and request is None:
        raise InvalidError("request", "missing_key")
    delivers = request if new.kind is RowKind.DELIVERY else None
    return _Target(recipient=recipient, kind=new.kind, request=new.request, delivers=delivers)


async def _corrected(tx: Transaction, who: Who, situation: Situation, new: NewRow) -> _Target:
    """A correction goes where the old row stands. Raises InvalidError, WrongStateError(corrected)."""
    rows = {row.id: row for row in await requests.rows_of_case(tx, situation.case.id, situation.recipient)}
    old = None if new.corrects is None else rows.get(new.corrects)
    if old is None:
        raise InvalidError("corrects", "unknown")
    kind = first_kind(old, rows)
    by = next((row.id for row in rows.values() if row.corrects == old.id), None)
    head = RowHead(row=old.id, kind=kind, organisation=old.organisation, corrected_by=by)
    try:
        check_correction(head, kind, who.principal.organisation)
    except CorrectionError as error:
        raise WrongStateError(error.why) from None
    return _Target(recipient=old.recipient, kind=kind, request=old.request)


def first_kind(row: LedgerEntry, rows: Mapping[RowId, LedgerEntry]) -> RowKind:
    """The kind of the row that a chain of corrections began with. Raises TamperedError for one with no end."""
    for _ in rows:
        if row.corrects is None:
            return row.kind
        if row.corrects not in rows:
            break
        row = rows[row.corrects]
    raise TamperedError("ledger_row")


async def _ring(
    tx: Transaction, house: House, who: Who, situation: Situation, slot: Slot, recipient: OrganisationId
) -> Ring:
    if situation.facts.side is Side.OWNER:
        ring = open_owner_ring(house, who, await load_writing_keys(tx, house, who, situation.case))[0]
    else:
        rows = await granted(tx, who, situation)
        if rows is None:
            raise NotCoveredError("not_shared")
        ring = open_recipient_ring(house, who, rows)
    if ring.newest(slot, recipient.bytes) is None:
        raise WrongStateError("not_asked")
    return ring
