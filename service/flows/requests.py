"""Requests: the owner asks, the recipient answers (manual step 4). What replaces the phone call.

A request's contents are sealed values of the case with the request's id as record, under the recipient's own thread
keys: a second recipient that helps the same person never opens them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from audit.event import Event
from cases.errors import FieldError
from cases.fields import Field, FieldType, Slot, read_value
from cases.ids import REQUEST, OrganisationId, RequestId, read_id, write_id
from cases.request import Stage
from policies.actions import Action
from policies.decide import Denied, decide
from service.flows import repeat
from service.flows.agreeing import ensure_grant
from service.flows.cases import uuid4_of
from service.flows.entries import Refusal, entry, written
from service.flows.errors import InvalidError, NotThereError, WrongStateError
from service.flows.keys import Ring, open_owner_ring
from service.flows.reading import OF_A_REQUEST
from service.flows.repeat import Once
from service.flows.rotation import load_writing_keys, settle_write
from service.flows.sealing import grow, put_rows, seal_row
from service.flows.situation import Situation, admit, denied
from service.house import House, Who
from service.store import organisations, requests
from service.store.cases import CaseRow, SealedRow
from service.store.engine import Transaction
from service.store.log import Record, digest_of
from service.store.requests import RequestRow
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What the owner asks: raw JSON values of the request's fields by code; ``send``: at once, or keep a draft."""

    recipient: OrganisationId
    fields: Mapping[str, object]
    send: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKept:
    """What a writer gets back."""

    id: RequestId
    stage: Stage
    version: int


async def create_request(
    house: House, who: Who, case: UUID | None, new: NewRequest, once: Once | None
) -> RequestKept:
    """Writes a request to one recipient, as a draft or sent at once.

    Raises NotThereError, NeverAllowedError, InvalidError, ReusedKeyError; sent at once also NotCoveredError;
    WrongStateError: conditions, closed, no_key.
    """
    values = _values(house, new.fields)
    request = RequestId(uuid4_of(house))

    async def job(tx: Transaction) -> Done[RequestKept] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.REQUEST_CREATE, case, recipient=new.recipient)
        if isinstance(admitted, Done):
            return admitted
        made = await repeat.done_before(tx, house, who, once)
        if made is not None:
            return Done(outcome=await _made_before(tx, made))
        situation = admitted.situation
        if new.send:
            refused = await _check_send(tx, house, who, situation)
            if refused is not None:
                return refused
        row, record = await _write(tx, house, who, situation, request, new, values)
        granted = await ensure_grant(tx, house, who, situation) if new.send else ()
        await repeat.remember(tx, house, who, once, write_id(REQUEST, row.id))
        return Done(outcome=kept(row), records=(record, *granted))

    return (await settle_write(house, who, job)).outcome


def kept(row: RequestRow) -> RequestKept:
    """What a writer of this request gets back."""
    return RequestKept(id=row.id, stage=row.stage, version=row.version)


async def _made_before(tx: Transaction, made: str) -> RequestKept:
    found = read_id(REQUEST, made)
    row = None if found is None else await requests.request(tx, RequestId(found))
    if row is None:
        raise NotThereError
    return kept(row)


async def _check_send(tx: Transaction, house: House, who: Who, situation: Situation) -> Done[Refusal] | None:
    """Sending needs both conditions and a live consent (manual 1 and 3)."""
    if not situation.case.conditions.both:
        raise WrongStateError("conditions")
    action = Action.REQUEST_SEND
    decision = decide(who.principal, action, situation.facts, situation.standing, house.policy)
    if isinstance(decision, Denied):
        return await denied(tx, house, who, action, decision, situation)
    return None


async def _write(
    tx: Transaction,
    house: House,
    who: Who,
    situation: Situation,
    request: RequestId,
    new: NewRequest,
    values: Mapping[Slot, bytes],
) -> tuple[RequestRow, Record]:
    case = situation.case
    await _check_recipient(tx, case, new.recipient)
    await _check_place(tx, case, new.fields.get("pickup"))
    ring, hashes = await _ring(tx, house, who, case, new.recipient)
    now = house.clock()
    row = RequestRow(
        id=request,
        case=case.id,
        recipient=new.recipient,
        stage=Stage.SENT if new.send else Stage.DRAFT,
        created=now,
        sent=now if new.send else None,
    )
    await requests.add_request(tx, row)
    hashes += await put_rows(tx, case, _sealed(house, ring, case, row, values))
    event = Event.REQUEST_SEND if new.send else Event.REQUEST_DRAFT
    made = entry(
        house,
        who,
        event,
        case=case,
        object=write_id(REQUEST, request),
        digest=digest_of(hashes),
        series=situation.series,
    )
    return row, written(situation.tree, made, hashes)


def _sealed(
    house: House, ring: Ring, case: CaseRow, row: RequestRow, values: Mapping[Slot, bytes]
) -> list[SealedRow]:
    """A value for every field of a request, empty ones too."""
    record, thread = row.id.bytes, row.recipient.bytes
    return [
        seal_row(house, ring, case, slot, values.get(slot, b""), record=record, thread=thread)
        for slot in sorted(request_slots(house))
    ]


def request_slots(house: House) -> frozenset[Slot]:
    """The slots whose values belong to a request."""
    return frozenset(field.slot for field in house.policy.registry.fields if _of_a_request(field))


def _of_a_request(field: Field) -> bool:
    return field.thread and field.type in OF_A_REQUEST


def _values(house: House, raw: Mapping[str, object]) -> dict[Slot, bytes]:
    values: dict[Slot, bytes] = {}
    for code, value in raw.items():
        field = house.policy.registry.by_code.get(code)
        if field is None or not _of_a_request(field):
            raise InvalidError(code, "unknown_field")
        try:
            values[field.slot] = read_value(field, value)
        except FieldError as error:
            raise InvalidError(f"{code}.{error.path}" if error.path else code, error.fault.value) from None
    quantity = [field.slot for field in house.policy.registry.fields if field.type is FieldType.QUANTITY]
    if any(not values.get(slot) for slot in quantity):
        raise InvalidError("quantity", "missing_key")
    return values


async def _check_recipient(tx: Transaction, case: CaseRow, recipient: OrganisationId) -> None:
    partners = {partner.id for partner in await organisations.partners(tx, case.collaboration)}
    if recipient == case.owner or recipient not in partners:
        raise InvalidError("recipient", "unknown")


async def _check_place(tx: Transaction, case: CaseRow, pickup: object) -> None:
    place = pickup.get("place") if isinstance(pickup, dict) else None
    if place is not None and place not in {
        code for code, _ in await organisations.places_of(tx, case.collaboration)
    }:
        raise InvalidError("pickup.place", "unknown_code")


async def _ring(
    tx: Transaction, house: House, who: Who, case: CaseRow, recipient: OrganisationId
) -> tuple[Ring, bytes]:
    """The owner's ring with the recipient's thread keys, made now where there are none yet, and the records of the
    rows that were written with new keys."""
    owner = await load_writing_keys(tx, house, who, case)
    opened = open_owner_ring(house, who, owner)
    return await grow(tx, house, owner, opened, (recipient.bytes,))
