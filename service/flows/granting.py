"""Consent is the key: the slot keys that a live consent names are sealed to the recipient, and signed.

A grant is made from a `consent.grant.Grant` only, which only a live standing gives; it is deleted in the same
transaction in which the consent ends, and when the recipient declines its last open request.
"""

from dataclasses import replace

from audit.event import Event
from cases.ids import REQUEST, SERIES, OrganisationId, write_id
from cases.request import OPEN_STAGES, Move, move
from consent.grant import Grant
from consent.standing import State, standing
from crypto.envelope import NO_THREAD, SlotKeyEntry
from crypto.grant import GrantTerms
from crypto.keys import GroupKeys, ShredKey
from crypto.sealing import seal_grant
from service.flows.entries import entry
from service.flows.errors import WrongStateError
from service.flows.keys import Ring, slots_named
from service.house import House, Who
from service.logs import get_logger
from service.store import consents, keys, requests
from service.store.cases import CaseRow
from service.store.consents import Series
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.keys import GrantRow, GroupKeyRow
from service.store.log import Record


async def recipient_group(tx: Transaction, recipient: OrganisationId) -> GroupKeyRow:
    """The recipient's pinned keys. Raises WrongStateError(recipient_no_key) where it has none yet."""
    found = await keys.group_key(tx, recipient)
    if found is None:
        raise WrongStateError("recipient_no_key")
    return found


async def issue(
    tx: Transaction,
    house: House,
    who: Who | None,
    case: CaseRow,
    agreed: Grant,
    series: Series | None,
    ring: Ring,
    group: GroupKeys,
    shred: ShredKey,
    tree: int,
) -> Record:
    """Seals the agreed slot keys to the recipient and puts the grant in place of an older one.

    Where the older one named a slot that is no longer agreed, the keys are due for rotation.
    """
    if agreed.case != case.id or (series is not None and agreed.recipient != series.recipient):
        raise TamperedError("consent_series")
    before = await keys.grant(tx, agreed.series)
    if before is not None and not slots_named(before.header) <= agreed.slots:
        await keys.mark_rotation_due(tx, case.id)
    owner = await keys.group_key(tx, case.owner)
    recipient = await recipient_group(tx, agreed.recipient)
    if owner is None:
        raise WrongStateError("no_key")
    row = _sealed(house, case, agreed, ring, group, shred, owner, recipient)
    await keys.put_grant(tx, agreed.series, case.id, row)
    made = entry(
        house,
        who,
        Event.KEY_SEAL,
        case=case,
        object=write_id(SERIES, agreed.series),
        digest=row.digest,
        series=series,
        event_number=agreed.number,
    )
    return Record(tree=tree, entry=made)


def _sealed(
    house: House,
    case: CaseRow,
    agreed: Grant,
    ring: Ring,
    group: GroupKeys,
    shred: ShredKey,
    owner: GroupKeyRow,
    recipient: GroupKeyRow,
) -> GrantRow:
    terms = GrantTerms(
        grant=house.random(16),
        tenant=case.owner.bytes,
        case=case.id.bytes,
        from_group=owner.group.bytes,
        from_epoch=owner.epoch,
        to_group=recipient.group.bytes,
        to_epoch=recipient.epoch,
        to_public=recipient.x25519,
        series=agreed.series.bytes,
        event_hash=agreed.event_hash,
        policy_digest=house.policy.digest,
        not_after=agreed.not_after,
    )
    sealed = seal_grant(terms, _entries(house, agreed, ring), shred, group, house.random)
    return GrantRow(
        header=sealed.header, sealed=sealed.sealed, signature=sealed.signature, digest=sealed.digest
    )


def _entries(house: House, agreed: Grant, ring: Ring) -> tuple[SlotKeyEntry, ...]:
    """The newest key of each agreed slot; of thread slots the recipient's own thread only."""
    threads = house.policy.registry.threads
    made: list[SlotKeyEntry] = []
    for slot in sorted(agreed.slots):
        thread = agreed.recipient.bytes if slot in threads else NO_THREAD
        key = ring.newest(slot, thread)
        if key is None:
            raise RuntimeError("an agreed slot has a key")
        made.append(SlotKeyEntry(slot=slot, thread=thread, key=key))
    return tuple(made)


async def drop_grant(
    tx: Transaction, house: House, who: Who | None, case: CaseRow, series: Series, tree: int
) -> tuple[Record, ...]:
    """Deletes the grant, with its entry; none where there is none. From here on its slot keys are due for rotation:
    nothing new is sealed under a key that a former recipient held."""
    row = await keys.grant(tx, series.id)
    if row is None:
        return ()
    await keys.drop_grant(tx, series.id)
    await _mark_due(tx, case)
    gone = entry(
        house,
        who,
        Event.KEY_REVOKE,
        case=case,
        object=write_id(SERIES, series.id),
        digest=row.digest,
        series=series,
    )
    return (Record(tree=tree, entry=gone),)


async def _mark_due(tx: Transaction, case: CaseRow) -> None:
    """Makes the slot keys due for rotation. A bundle that was tampered with opens nothing, so that nothing can be
    sealed under it: it must not stop a withdrawal."""
    try:
        await keys.mark_rotation_due(tx, case.id)
    except TamperedError as error:
        get_logger().error("tampered", table=error.table)


async def revoke_ended(
    tx: Transaction, house: House, who: Who | None, case: CaseRow, series: Series, tree: int
) -> tuple[Record, ...]:
    """Revokes where a grant is left and nothing is live: what time ended must not wait for the sweep once a later
    event is added. Without a grant there is nothing to end: drafts of requests stay."""
    live = standing(series.events, house.clock()).state is State.LIVE
    if live or await keys.grant(tx, series.id) is None:
        return ()
    return await revoke(tx, house, who, case, series, tree)


async def _asked_by_another(tx: Transaction, house: House, case: CaseRow, ended: Series) -> bool:
    """Whether another consent of the same recipient is live, which its requests then stand on."""
    try:
        found = await consents.series_of_case(tx, case.id, ended.recipient)
    except TamperedError as error:
        get_logger().error("tampered", table=error.table)
        return False
    now = house.clock()
    return any(one.id != ended.id and standing(one.events, now).state is State.LIVE for one in found)


async def revoke(
    tx: Transaction, house: House, who: Who | None, case: CaseRow, series: Series, tree: int
) -> tuple[Record, ...]:
    """The end of a consent: the grant goes, and open requests stop."""
    dropped = await drop_grant(tx, house, who, case, series, tree)
    if await _asked_by_another(tx, house, case, series):
        return dropped
    return (*dropped, *await stop_requests(tx, house, who, case, series.recipient, tree))


async def stop_requests(
    tx: Transaction, house: House, who: Who | None, case: CaseRow, recipient: OrganisationId, tree: int
) -> list[Record]:
    """Stops every open request to the recipient, each with its entry."""
    records: list[Record] = []
    try:
        asked = await requests.requests_of_case(tx, case.id, recipient)
    except (
        TamperedError
    ) as error:  # without a live consent a request shows nothing: the consent ends all the same
        get_logger().error("tampered", table=error.table)
        return records
    for request in asked:
        if request.stage in OPEN_STAGES:
            stopped = replace(request, stage=move(request.stage, Move.STOP), ended=house.clock())
            await requests.change_request(tx, stopped)
            made = entry(house, who, Event.REQUEST_STOP, case=case, object=write_id(REQUEST, request.id))
            records.append(Record(tree=tree, entry=made))
    return records
