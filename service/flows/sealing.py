"""Sealing values: keys are needed, a receipt is not. Each sealed row's hash goes into the entry that wrote it."""

from collections.abc import Iterable, Mapping

from cases.fields import Slot
from crypto.context import BundleContext, FieldContext
from crypto.envelope import NO_THREAD, SlotKeyEntry, seal_bundle, seal_field
from crypto.keys import GroupKeys, ShredKey, SlotKey
from service.flows.keys import OwnerKeys, Ring
from service.house import House
from service.store import cases, keys
from service.store.cases import CaseRow, SealedRow, sealed_record
from service.store.engine import Transaction
from service.store.keys import BundleRow, GroupKeyRow

NEW = 1
EVIDENCE_NAMES = 1
"""The column of the evidence slot that holds the names of a consent's helpers (0: scans and signatures)."""


def new_key(house: House, slot: Slot, thread: bytes = NO_THREAD, epoch: int = NEW) -> SlotKeyEntry:
    """A fresh random key for a slot, derived from nothing."""
    return SlotKeyEntry(slot=slot, thread=thread, key=SlotKey(key=house.random(32), epoch=epoch))


def missing_keys(house: House, ring: Ring, threads: Iterable[bytes]) -> tuple[SlotKeyEntry, ...]:
    """New keys for the slots that have none yet: all single slots, and each thread's slots."""
    registry = house.policy.registry
    made = [
        new_key(house, field.slot)
        for field in registry.fields
        if not field.thread and ring.newest(field.slot, NO_THREAD) is None
    ]
    for thread in threads:
        made += [
            new_key(house, slot, thread)
            for slot in sorted(registry.threads)
            if ring.newest(slot, thread) is None
        ]
    return tuple(made)


def seal_row(
    house: House,
    ring: Ring,
    case: CaseRow,
    slot: Slot,
    value: bytes,
    *,
    record: bytes | None = None,
    thread: bytes = NO_THREAD,
    column: int = 0,
    version: int = NEW,
) -> SealedRow:
    """The value sealed under the newest key of its slot; ``record`` is the case itself unless named."""
    key = ring.newest(slot, thread)
    if key is None:
        raise RuntimeError("a slot that is written has a key")
    of = case.id.bytes if record is None else record
    place = FieldContext(
        tenant=case.owner.bytes, case=case.id.bytes, record=of, slot=slot, column=column, version=version
    )
    blob = seal_field(key, value, place, house.random)
    return SealedRow(record=of, slot=slot, column=column, thread=thread, version=version, blob=blob)


async def put_rows(tx: Transaction, case: CaseRow, rows: Iterable[SealedRow]) -> bytes:
    """Writes the rows and gives back their records, 76 bytes each, in order (formats.md, the log's tables)."""
    records = b""
    for row in rows:
        await cases.put_sealed(tx, case.id, row)
        records += sealed_record(row)
    return records


def new_bundle(
    house: House, case: CaseRow, ring: Ring, group: GroupKeys, shred: ShredKey, key: GroupKeyRow, version: int
) -> BundleRow:
    """Every key of the ring, sealed for the owner's group, at the next version."""
    place = BundleContext(
        tenant=case.owner.bytes,
        case=case.id.bytes,
        group=key.group.bytes,
        group_epoch=key.epoch,
        version=version,
    )
    blob = seal_bundle(ring.entries(), shred, group, place, house.random)
    return BundleRow(group=key.group, epoch=key.epoch, version=version, rotation_due=False, blob=blob)


async def grow(
    tx: Transaction,
    house: House,
    owner: OwnerKeys,
    opened: tuple[Ring, GroupKeys, ShredKey],
    threads: Iterable[bytes] = (),
) -> tuple[Ring, bytes]:
    """The ring with a key for every single slot and every slot of the threads, and the hashes of the rows written.

    What has no key yet gets one in a new bundle; a single slot, of a field that is newer than the case, gets an
    empty value with it, so that a slot with a key always has a value.
    """
    ring, group, shred = opened
    added = missing_keys(house, ring, threads)
    if not added:
        return ring, b""
    case, grown = owner.case, Ring([*ring.entries(), *added])
    version = owner.bundle.version + 1
    await keys.put_bundle(tx, case.id, new_bundle(house, case, grown, group, shred, owner.group.key, version))
    single = [Slot(one.slot) for one in added if one.thread == NO_THREAD]
    rows = [seal_row(house, grown, case, slot, b"") for slot in single]
    return grown, await put_rows(tx, case, rows)


def versions(rows: Iterable[SealedRow]) -> Mapping[tuple[bytes, Slot, int], int]:
    """The newest version of each place."""
    return {(row.record, row.slot, row.column): row.version for row in rows}
