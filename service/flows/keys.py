"""From a session to a case's slot keys: the rows are loaded in the job, the keys are opened from them.

The owner's members open the own bundle. A recipient's members open the grant, and only one that says exactly what
the live consent says: `consent.grant.Grant`, computed here, is what the grant's header is compared with.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cases.fields import Slot
from consent.grant import Grant
from crypto.context import BundleContext
from crypto.envelope import NO_THREAD, SlotKeyEntry, open_bundle, open_shred
from crypto.grant import GrantExpectation, decode_header
from crypto.keys import GroupKeys, ShredKey, SlotKey
from crypto.sealing import SealedGrant, open_grant, open_member
from service.flows.errors import WrongStateError
from service.house import House, Who
from service.store import keys
from service.store.cases import CaseRow
from service.store.engine import Transaction
from service.store.keys import BundleRow, CaseKeyRow, GrantRow, GroupKeyRow, MemberSealRow


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRows:
    """The caller's organisation's group, and its seed sealed to the caller."""

    key: GroupKeyRow
    seal: MemberSealRow


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerKeys:
    """What the owner's members need to open a case."""

    case: CaseRow
    group: GroupRows
    shred: CaseKeyRow
    bundle: BundleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientKeys:
    """What a recipient's members need: the grant, and what it has to say; ``owner`` is the pinned signer."""

    case: CaseRow
    group: GroupRows
    shred: CaseKeyRow
    grant: GrantRow
    expected: Grant
    owner: GroupKeyRow

    @property
    def slots(self) -> frozenset[Slot]:
        """The slots that the grant names in clear: at most these can be opened."""
        return slots_named(self.grant.header)


@functools.lru_cache(maxsize=4096)
def slots_named(header: bytes) -> frozenset[Slot]:
    """The slots that a grant's header names in clear."""
    return frozenset(Slot(one.slot) for one in decode_header(header).slots)


class Ring:
    """Opened slot keys of one case, by slot and thread; several epochs of one slot may stand side by side."""

    __slots__ = ("_keys",)

    def __init__(self, entries: Iterable[SlotKeyEntry]) -> None:
        self._keys: dict[tuple[int, bytes], dict[int, SlotKey]] = {}
        for entry in entries:
            self._keys.setdefault((entry.slot, entry.thread), {})[entry.key.epoch] = entry.key

    def __repr__(self) -> str:
        return "<Ring>"

    def newest(self, slot: Slot, thread: bytes) -> SlotKey | None:
        """The key that new values of the slot are sealed under."""
        epochs = self._keys.get((slot, thread))
        return None if epochs is None else epochs[max(epochs)]

    def of_epoch(self, slot: Slot, thread: bytes, epoch: int) -> SlotKey | None:
        """The key that a value of that epoch was sealed under."""
        return self._keys.get((slot, thread), {}).get(epoch)

    def entries(self) -> tuple[SlotKeyEntry, ...]:
        """Every key, for a new bundle."""
        return tuple(
            SlotKeyEntry(slot=slot, thread=thread, key=key)
            for (slot, thread), epochs in self._keys.items()
            for key in epochs.values()
        )


async def load_group(tx: Transaction, who: Who) -> GroupRows:
    """The caller's group. Raises WrongStateError(no_key) where the organisation or the caller holds none."""
    found = await keys.group_with_seal(tx, who.principal.organisation, who.principal.user)
    if found is None:
        raise WrongStateError("no_key")
    return GroupRows(key=found[0], seal=found[1])


def open_group(house: House, who: Who, rows: GroupRows) -> GroupKeys:
    """The group's keys, opened with the caller's own; they must be those whose public halves are pinned."""
    return who.keys.group(rows, lambda: _open_member(house, who, rows))


def _open_member(house: House, who: Who, rows: GroupRows) -> GroupKeys:
    return open_member(
        house.roots.by_number(rows.seal.root_key),
        rows.seal.blob,
        rows.key.group.bytes,
        rows.key.epoch,
        who.principal.user.bytes,
        who.keys.user(),
        rows.key.x25519,
        rows.key.ed25519,
    )


async def load_owner_keys(tx: Transaction, who: Who, case: CaseRow) -> OwnerKeys:
    """The rows of the owner's side. Raises WrongStateError(no_key) where the case can no longer be opened."""
    shred = await keys.case_key(tx, case.id)
    bundle = await keys.bundle(tx, case.id)
    if shred is None or bundle is None:
        raise WrongStateError("no_key")
    return OwnerKeys(case=case, group=await load_group(tx, who), shred=shred, bundle=bundle)


async def load_recipient_keys(
    tx: Transaction, who: Who, case: CaseRow, expected: Grant
) -> RecipientKeys | None:
    """The rows of a recipient's side; None where there is no grant now."""
    found = await keys.grant_with_shred(tx, expected.series, case.id)
    owner = await keys.group_key(tx, case.owner)
    if found is None or owner is None:
        return None
    grant, shred = found
    return RecipientKeys(
        case=case, group=await load_group(tx, who), shred=shred, grant=grant, expected=expected, owner=owner
    )


def open_case_shred(house: House, case: CaseRow, row: CaseKeyRow) -> ShredKey:
    """The case's shred key, inside the root key."""
    return open_shred(house.roots.by_number(row.root_key), row.blob, case.owner.bytes, case.id.bytes)


def bundle_place(case: CaseRow, row: BundleRow) -> BundleContext:
    """Where a bundle belongs: it opens nowhere else."""
    return BundleContext(
        tenant=case.owner.bytes,
        case=case.id.bytes,
        group=row.group.bytes,
        group_epoch=row.epoch,
        version=row.version,
    )


def open_owner_ring(house: House, who: Who, rows: OwnerKeys) -> tuple[Ring, GroupKeys, ShredKey]:
    """The owner's slot keys, with the group's keys and the shred key that writing needs too."""
    group = open_group(house, who, rows.group)
    shred = open_case_shred(house, rows.case, rows.shred)
    place = bundle_place(rows.case, rows.bundle)
    opened = (place, rows.group, rows.shred, rows.bundle)
    entries = who.keys.slots(opened, lambda: open_bundle(rows.bundle.blob, shred, group, place))
    return Ring(entries), group, shred


def open_recipient_ring(house: House, who: Who, rows: RecipientKeys) -> Ring:
    """The slot keys of a grant. Raises OpenError unless it says exactly what the live consent says."""
    place = (rows.case.owner, rows.case.id)
    opened = (place, rows.group, rows.shred, rows.grant, rows.expected, rows.owner)
    return Ring(who.keys.slots(opened, lambda: _open_grant(house, who, rows)))


def _open_grant(house: House, who: Who, rows: RecipientKeys) -> tuple[SlotKeyEntry, ...]:
    group = open_group(house, who, rows.group)
    shred = open_case_shred(house, rows.case, rows.shred)
    row = SealedGrant(
        header=rows.grant.header,
        sealed=rows.grant.sealed,
        signature=rows.grant.signature,
        digest=rows.grant.digest,
    )
    found = open_grant(row, _expectation(rows), rows.owner.ed25519, shred, group)
    return tuple(_threaded(house, who, found))


def _expectation(rows: RecipientKeys) -> GrantExpectation:
    grant = rows.expected
    return GrantExpectation(
        tenant=rows.case.owner.bytes,
        case=rows.case.id.bytes,
        from_group=rows.owner.group.bytes,
        from_epoch=rows.owner.epoch,
        to_group=rows.group.key.group.bytes,
        to_epoch=rows.group.key.epoch,
        to_public=rows.group.key.x25519,
        series=grant.series.bytes,
        event_hash=grant.event_hash,
        not_after=grant.not_after,
        slots=frozenset(int(slot) for slot in grant.slots),
    )


def _threaded(house: House, who: Who, found: Mapping[int, SlotKey]) -> Iterable[SlotKeyEntry]:
    mine = who.principal.organisation.bytes
    threads = house.policy.registry.threads
    for slot, key in found.items():
        yield SlotKeyEntry(slot=slot, key=key, thread=mine if slot in threads else NO_THREAD)
