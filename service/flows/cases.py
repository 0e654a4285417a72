"""Cases: begin one, change its fields (manual steps 1 and 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from audit.event import Event
from cases.eligibility import Conditions
from cases.errors import FieldError
from cases.fields import Field, Slot, read_value
from cases.ids import CASE, CaseId, CollaborationId, SectionId, read_id, write_id
from crypto.envelope import seal_shred
from crypto.keys import GroupKeys, ShredKey
from policies.actions import Action
from policies.who import Role
from service.flows import numbers, repeat
from service.flows.entries import Refusal, entry, settle, tree_of_collaboration, written
from service.flows.errors import InvalidError, StaleError
from service.flows.keys import GroupRows, Ring, load_group, open_group, open_owner_ring
from service.flows.repeat import Once
from service.flows.rotation import load_writing_keys, settle_write
from service.flows.sealing import grow, missing_keys, new_bundle, put_rows, seal_row, versions
from service.flows.situation import admit, admit_without_case
from service.house import House, Who
from service.store import cases, keys, organisations
from service.store.cases import CaseRow
from service.store.engine import Transaction
from service.store.keys import CaseKeyRow
from service.store.log import digest_of
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """What a case begins with; ``fields`` are raw JSON values by code. None: the only one, or the caller's own."""

    fields: Mapping[str, object]
    conditions: Conditions
    collaboration: CollaborationId | None = None
    sections: frozenset[SectionId] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseKept:
    """What a writer gets back: which case, its number, and the version to send with the next write."""

    id: CaseId
    number: str
    version: int


async def create_case(house: House, who: Who, new: NewCase, once: Once | None) -> CaseKept:
    """Begins a case: its keys, and every single field sealed, empty ones too, so that presence is hidden.

    Raises NeverAllowedError, InvalidError (a field, section or collaboration), ReusedKeyError, WrongStateError(no_key).
    """
    values = field_values(house, new.fields)
    case_id = CaseId(uuid4_of(house))

    async def job(tx: Transaction) -> Done[CaseKept] | Done[Refusal]:
        allowed = await admit_without_case(tx, house, who, Action.CASE_CREATE)
        if isinstance(allowed, Done):
            return allowed
        made = await repeat.done_before(tx, house, who, once)
        if made is not None:
            return await _made_before(tx, house, who, made)
        group = await load_group(tx, who)
        row = CaseRow(
            id=case_id,
            number=await numbers.draw(house, lambda number: cases.number_taken(tx, number)),
            collaboration=await _collaboration(tx, who, new.collaboration),
            owner=who.principal.organisation,
            sections=await _sections(tx, who, new.sections),
            opened=house.clock(),
            closed=None,
            closing_reason=None,
            conditions=new.conditions,
            version=1,
        )
        await cases.add_case(tx, row)
        hashes = await _seal_new(tx, house, row, group, open_group(house, who, group), values)
        await repeat.remember(tx, house, who, once, write_id(CASE, row.id))
        made_entry = entry(
            house, who, Event.CASE_CREATE, case=row, digest=digest_of(hashes), withheld=(), count=1
        )
        tree = await tree_of_collaboration(tx, row.collaboration)
        kept = CaseKept(id=row.id, number=row.number, version=row.version)
        return Done(outcome=kept, records=(written(tree, made_entry, hashes),))

    return (await settle(house, job)).outcome


def uuid4_of(house: House) -> UUID:
    """A random id (version 4) from the house's randomness."""
    return UUID(bytes=house.random(16), version=4)


async def _made_before(tx: Transaction, house: House, who: Who, made: str) -> Done[CaseKept] | Done[Refusal]:
    """What was created under the same key, if the caller may read it still."""
    admitted = await admit(tx, house, who, Action.CASE_READ, read_id(CASE, made))
    if isinstance(admitted, Done):
        return admitted
    row = admitted.situation.case
    return Done(outcome=CaseKept(id=row.id, number=row.number, version=row.version))


def field_values(house: House, raw: Mapping[str, object]) -> dict[Slot, bytes]:
    """The stored bytes of the given fields. Raises InvalidError with the path of the part that is wrong."""
    values: dict[Slot, bytes] = {}
    for code, value in raw.items():
        field = house.policy.registry.by_code.get(code)
        if field is None:
            raise InvalidError("fields", "unknown_field")
        if field.thread:
            raise InvalidError(f"fields.{code}", "written_elsewhere")
        values[field.slot] = _value(field, value)
    return values


def _value(field: Field, raw: object) -> bytes:
    try:
        return read_value(field, raw)
    except FieldError as error:
        path = f"fields.{error.code}" + (f".{error.path}" if error.path else "")
        raise InvalidError(path, error.fault.value) from None


async def _collaboration(tx: Transaction, who: Who, asked: CollaborationId | None) -> CollaborationId:
    mine = await organisations.collaborations_of(tx, who.principal.organisation)
    if asked is None and len(mine) == 1:
        return mine[0]
    if asked is None or asked not in mine:
        raise InvalidError("collaboration", "unknown")
    return asked


async def _sections(tx: Transaction, who: Who, asked: frozenset[SectionId] | None) -> frozenset[SectionId]:
    """The case's sections: a caseworker's own, or some of them; a supervisor names any of the organisation's."""
    me = who.principal
    all_sections = frozenset(section for section, _ in await organisations.sections_of(tx, me.organisation))
    if asked is None:
        return me.sections & all_sections
    permitted = me.sections if me.role is Role.CASEWORKER else all_sections
    if not asked or not asked <= permitted:
        raise InvalidError("sections", "unknown")
    return asked


async def _seal_new(
    tx: Transaction,
    house: House,
    row: CaseRow,
    rows: GroupRows,
    group: GroupKeys,
    values: Mapping[Slot, bytes],
) -> bytes:
    """Makes the case's keys and seals a value for every single slot. Gives back the rows' hashes."""
    shred = ShredKey(key=house.random(32))
    ring = Ring(missing_keys(house, Ring(()), ()))
    blob = seal_shred(house.root, shred, row.owner.bytes, row.id.bytes, house.random)
    await keys.add_case_key(tx, row.id, CaseKeyRow(root_key=house.root.number, blob=blob))
    await keys.put_bundle(tx, row.id, new_bundle(house, row, ring, group, shred, rows.key, 1))
    single = [field for field in house.policy.registry.fields if not field.thread]
    sealed = [seal_row(house, ring, row, field.slot, values.get(field.slot, b"")) for field in single]
    return await put_rows(tx, row, sealed)


async def update_case(
    house: House, who: Who, case: UUID | None, raw: Mapping[str, object], version: int
) -> CaseKept:
    """Changes the fields named in ``raw`` and no other: what is not named stays byte-identical.

    Raises NotThereError, NeverAllowedError, StaleError, InvalidError, WrongStateError(closed).
    """
    values = field_values(house, raw)

    async def job(tx: Transaction) -> Done[CaseKept] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.CASE_UPDATE, case)
        if isinstance(admitted, Done):
            return admitted
        row = admitted.situation.case
        if row.version != version:
            raise StaleError
        if not values.keys() <= admitted.allowed.write:
            raise InvalidError("fields", "not_writable")
        owner = await load_writing_keys(tx, house, who, row)
        ring, hashes = await grow(tx, house, owner, open_owner_ring(house, who, owner))
        hashes += await put_rows(tx, row, await next_rows(tx, house, ring, row, values))
        changed = await cases.change_case(tx, row)
        made = entry(house, who, Event.CASE_UPDATE, case=row, digest=digest_of(hashes), count=len(values))
        kept = CaseKept(id=row.id, number=row.number, version=changed.version)
        return Done(outcome=kept, records=(written(admitted.situation.tree, made, hashes),))

    return (await settle_write(house, who, job)).outcome


async def next_rows(
    tx: Transaction, house: House, ring: Ring, row: CaseRow, values: Mapping[Slot, bytes]
) -> list[cases.SealedRow]:
    """The values sealed as the next version of each place."""
    before = versions(await cases.sealed_values(tx, row.id, values.keys()))
    return [
        seal_row(house, ring, row, slot, value, version=before.get((row.id.bytes, slot, 0), 0) + 1)
        for slot, value in sorted(values.items())
    ]
