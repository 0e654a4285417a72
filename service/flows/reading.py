"""Opening a case: load and decide in one transaction, log, commit, and only then open.

`read_case` is the job that the speed figures measure. Lists, requests and the ledger open through the same three
steps: `load_reading` in the job, the entry it names, `open_reading` with the receipt.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from audit.event import Entry, Event, Flag
from cases.fields import FieldType, Slot
from cases.ids import REQUEST, ROW, RequestId, RowId, write_id
from cases.request import Stage
from consent.grant import grant
from consent.standing import State
from crypto.envelope import NO_THREAD
from policies.actions import Action
from policies.decide import Reason, said_to
from policies.decide import metadata as visible
from policies.who import ONGOING, Role, Side
from service.flows.entries import Refusal, codes, entry, purpose_for, settle
from service.flows.flags import raise_flags
from service.flows.hours import is_after_hours
from service.flows.keys import (
    OwnerKeys,
    RecipientKeys,
    Ring,
    load_owner_keys,
    load_recipient_keys,
    open_owner_ring,
    open_recipient_ring,
)
from service.flows.reveal import Opened, open_for_release, shown, still_holds
from service.flows.situation import Admitted, Situation, admit
from service.flows.views import CaseView, Metadata, receipt_view
from service.house import House, Who
from service.store import cases, requests
from service.store.cases import SealedRow
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.log import Receipt, Record
from service.store.writer import Done

OF_A_REQUEST = frozenset({FieldType.QUANTITY, FieldType.PICKUP, FieldType.TEXT})
"""The types of thread fields that belong to a request; those of the others belong to a ledger row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a job found to open: the sealed rows, the rows that lead to their keys, and what stays locked."""

    situation: Situation
    rows: tuple[SealedRow, ...]
    keys: OwnerKeys | RecipientKeys | None
    readable: frozenset[Slot]
    masked: frozenset[Slot]
    locked: Mapping[str, str]
    rotation_due: bool | None
    shown_metadata: frozenset[str]


async def load_reading(
    tx: Transaction, house: House, who: Who, admitted: Admitted, only: frozenset[Slot] | None = None
) -> Reading:
    """Loads what the permission lets this caller open, all fields or ``only`` some."""
    situation, allowed = admitted.situation, admitted.allowed
    owner = situation.facts.side is Side.OWNER
    keys: OwnerKeys | RecipientKeys | None = None
    readable = allowed.read if only is None else allowed.read & only
    reasons = dict(allowed.locked)
    if owner and readable:
        keys = await load_owner_keys(tx, who, situation.case)
    elif readable:
        keys = await granted(tx, who, situation)
        opens = keys.slots if keys is not None else frozenset()
        reasons.update(dict.fromkeys(readable - opens, Reason.NOT_ASKED))
        readable &= opens
    rows = (
        await cases.sealed_values(tx, situation.case.id, readable, _threads(who, situation))
        if readable
        else ()
    )
    helped = await _helped(tx, who, situation) if rows else None
    side = situation.facts.side
    by_slot = house.policy.registry.by_slot
    return Reading(
        situation=situation,
        rows=tuple(
            row for row in rows if row.slot in readable and _is_for(house, who, situation, row, helped)
        ),
        keys=keys,
        readable=readable,
        masked=allowed.masked,
        locked={str(by_slot[slot].code): said_to(side, reason) for slot, reason in reasons.items()},
        rotation_due=keys.bundle.rotation_due if isinstance(keys, OwnerKeys) else None,
        shown_metadata=visible(who.principal, situation.facts, house.policy),
    )


def _threads(who: Who, situation: Situation) -> tuple[bytes, ...] | None:
    """The threads that this caller meets; None: every one, for the owner with no recipient named."""
    if situation.facts.side is Side.OWNER:
        return None if situation.recipient is None else (NO_THREAD, situation.recipient.bytes)
    return (NO_THREAD, who.principal.organisation.bytes)


async def granted(tx: Transaction, who: Who, situation: Situation) -> RecipientKeys | None:
    """The grant's rows for a recipient under a live consent; None where there is no key for it now."""
    series, stands = situation.series, situation.standing
    if series is None or stands is None or stands.state is not State.LIVE or stands.event is None:
        return None
    expected = grant(stands, series.stored[stands.event.number - 1])
    return await load_recipient_keys(tx, who, situation.case, expected)


async def _helped(tx: Transaction, who: Who, situation: Situation) -> frozenset[bytes] | None:
    """For a helper the ledger rows of the requests that it meets; None, every row, for everybody else."""
    if who.principal.role is not Role.NPO_VOLUNTEER or situation.facts.side is Side.OWNER:
        return None
    met = visible_requests(who, situation)
    rows = await requests.rows_of_case(tx, situation.case.id, situation.recipient)
    return frozenset(row.id.bytes for row in rows if row.request is not None and row.request.bytes in met)


def _is_for(
    house: House, who: Who, situation: Situation, row: SealedRow, helped: frozenset[bytes] | None
) -> bool:
    """Whether the row is one that this caller meets: of the threads loaded, the requests that were sent to it.

    ``helped``: the ledger rows that a helper meets; None for everybody else.
    """
    if row.column != 0:
        return False
    if situation.facts.side is Side.OWNER or row.thread == NO_THREAD:
        return True
    if house.policy.registry.by_slot[row.slot].type not in OF_A_REQUEST:
        return helped is None or row.record in helped
    return row.record in visible_requests(who, situation)


def visible_requests(who: Who, situation: Situation) -> frozenset[bytes]:
    """The requests that this caller meets: for the owner all, for a recipient those that were sent, for a
    helper those that are accepted and not completed."""
    if situation.facts.side is Side.OWNER:
        return frozenset(request.id.bytes for request in situation.requests)
    if who.principal.role is Role.NPO_VOLUNTEER:
        return frozenset(request.id.bytes for request in situation.requests if request.stage in ONGOING)
    return frozenset(
        request.id.bytes
        for request in situation.requests
        if request.sent is not None and request.stage is not Stage.DRAFT
    )


def reading_entry(
    house: House, who: Who, event: Event, reading: Reading, *, count: int | None = None
) -> Entry:
    """The entry of a reading: exactly the fields that will be opened, and those that stay locked."""
    situation = reading.situation
    fields = codes(house, {row.slot for row in reading.rows})
    return entry(
        house,
        who,
        event,
        case=situation.case,
        series=None if situation.facts.side is Side.OWNER else situation.series,
        event_number=_justifying(situation),
        purpose=purpose_for(who, situation.case, situation.series) if fields else None,
        fields=fields,
        withheld=set(reading.locked) - set(fields),
        count=count,
        flags=(Flag.AFTER_HOURS,) if fields and is_after_hours(house.clock()) else (),
    )


def _justifying(situation: Situation) -> int | None:
    """The number of the event that a release to a recipient stands on: not that of an answer which still waits."""
    stands = situation.standing
    return None if stands is None or stands.event is None else stands.event.number


async def open_reading(house: House, who: Who, reading: Reading, receipt: Receipt) -> tuple[Opened, ...]:
    """Opens what the receipt's entry names; asks a recipient's standing once more before anything is given."""
    single = reading.readable - house.policy.registry.threads
    if reading.keys is None or not (reading.rows or single):
        return ()
    ring = _ring(house, who, reading.keys)
    _check_complete(house, who, ring, reading)
    opened = open_for_release(house, who, receipt, ring, reading.situation.case, reading.rows)
    await raise_flags(house, who, reading.situation.case, receipt, opened)
    slots = frozenset(row.slot for row in reading.rows)
    await still_holds(house, who, reading.situation, receipt, slots)
    return opened


def _check_complete(house: House, who: Who, ring: Ring, reading: Reading) -> None:
    """A single field that has a key has a value, an empty one too, and so has each field of a request: a row that is
    gone was taken away.

    Raises TamperedError: an allergy that was deleted must not read as "none".
    """
    registry = house.policy.registry
    there = {(row.record, row.slot) for row in reading.rows}
    case = reading.situation.case.id.bytes
    single = reading.readable - registry.threads
    due = {(case, slot) for slot in single if ring.newest(slot, NO_THREAD) is not None}
    asked = {slot for slot in reading.readable - single if registry.by_slot[slot].type in OF_A_REQUEST}
    due |= {(request, slot) for request in visible_requests(who, reading.situation) for slot in asked}
    if not due <= there:
        raise TamperedError("sealed")


def _ring(house: House, who: Who, keys: OwnerKeys | RecipientKeys) -> Ring:
    match keys:
        case OwnerKeys():
            return open_owner_ring(house, who, keys)[0]
        case RecipientKeys():
            return open_recipient_ring(house, who, keys)


async def read_case(house: House, who: Who, case: UUID | None) -> CaseView:
    """The case as this caller may see it.

    Raises NotThereError, NeverAllowedError, NotCoveredError; WrongStateError(no_key).
    """

    async def job(tx: Transaction) -> Done[Reading] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.CASE_READ, case)
        if isinstance(admitted, Done):
            return admitted
        reading = await load_reading(tx, house, who, admitted)
        record = Record(
            tree=reading.situation.tree, entry=reading_entry(house, who, Event.CASE_READ, reading)
        )
        return Done(outcome=reading, records=(record,))

    committed = await settle(house, job)
    reading, receipt = committed.outcome, committed.receipts[0]
    opened = await open_reading(house, who, reading, receipt)
    return case_view(house, reading, opened, receipt)


def case_view(house: House, reading: Reading, opened: Collection[Opened], receipt: Receipt) -> CaseView:
    """The view of an opened reading: single fields by value, thread fields as lists in their order."""
    case = reading.situation.case
    owner = reading.situation.facts.side is Side.OWNER
    return CaseView(
        id=case.id,
        number=case.number,
        owner=case.owner,
        collaboration=case.collaboration,
        open=case.closed is None if "open_closed" in reading.shown_metadata else None,
        fields=_fields(house, reading, opened),
        locked=reading.locked,
        metadata=_metadata(reading),
        version=case.version if owner else None,
        receipt=receipt_view(receipt),
    )


def _metadata(reading: Reading) -> Metadata:
    case, seen = reading.situation.case, reading.shown_metadata
    return Metadata(
        sections=case.sections if "sections" in seen else None,
        conditions=case.conditions if "conditions" in seen else None,
        closing_reason=case.closing_reason if "closing_reason" in seen else None,
        rotation_due=reading.rotation_due,
    )


def _fields(house: House, reading: Reading, opened: Collection[Opened]) -> dict[str, object]:
    registry = house.policy.registry
    found: dict[str, object] = {}
    rows: dict[str, list[object]] = {}
    for slot in sorted(reading.readable):
        code = str(registry.by_slot[slot].code)
        if slot in registry.threads:
            rows[code] = []
        else:
            found[code] = None
    for one in opened:
        field = registry.by_slot[one.slot]
        value = shown(house, one, reading.masked)
        if field.thread:
            rows[str(field.code)].append({"of": _of(field.type, one.record), "value": value})
        else:
            found[str(field.code)] = value
    return found | rows


def _of(type: FieldType, record: bytes) -> str:
    if type in OF_A_REQUEST:
        return write_id(REQUEST, RequestId(UUID(bytes=record)))
    return write_id(ROW, RowId(UUID(bytes=record)))
