"""New slot keys after a grant was deleted or narrowed: nothing new is sealed under a key that a former recipient held.

The owner's next write of values does it first: a `key.rotate` entry, commit, open, seal anew, and a second
transaction that writes only if nothing changed meanwhile, with an entry of its own that commits to what it wrote.
Killed half-way, nothing has happened but an entry.
Rotation protects later versions only; what the recipient read before, it may have kept.
"""

from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from uuid import UUID

from audit.event import Event
from audit.event import Purpose as LogPurpose
from cases.fields import Slot
from cases.ids import CaseId, SeriesId
from consent.grant import grant
from consent.standing import State, standing
from crypto.envelope import SlotKeyEntry
from crypto.keys import GroupKeys, ShredKey
from service.flows.entries import Refusal, codes, entry, settle, tree_of_case, written
from service.flows.errors import NotSignedInError, NotThereError, StaleError
from service.flows.granting import issue
from service.flows.keys import OwnerKeys, Ring, load_owner_keys, open_owner_ring
from service.flows.reveal import Opened, open_for_computing
from service.flows.sealing import new_bundle, new_key, put_rows, seal_row
from service.flows.sweep import look_at_series
from service.house import House, Who
from service.store import cases, consents, keys, sessions
from service.store.cases import CaseRow, SealedRow
from service.store.engine import Transaction
from service.store.errors import UnavailableError
from service.store.log import Record, digest_of
from service.store.writer import Committed, Done, Job

Outcome = TypeVar("Outcome")

_TRIES = 8


class RotationDueError(Exception):
    """Raised in a job that would seal under keys older than the last narrowing."""

    def __init__(self, case: CaseId) -> None:
        super().__init__(case)
        self.case = case


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the first transaction found."""

    keys: OwnerKeys
    rows: tuple[SealedRow, ...]


class EndedGrantError(Exception):
    """Raised in a job that would seal while a grant is still there whose consent no longer holds."""

    def __init__(self, series: SeriesId) -> None:
        super().__init__(series)
        self.series = series


async def settle_write(house: House, who: Who, job: Job[Outcome | Refusal]) -> Committed[Outcome]:
    """Settles a job that seals values: where the keys are due, they are rotated and the job runs again."""
    for _ in range(_TRIES):
        try:
            return await settle(house, job)
        except EndedGrantError as ended:
            await look_at_series(house, ended.series)
        except RotationDueError as due:
            await rotate(house, who, due.case)
    raise UnavailableError


async def load_writing_keys(tx: Transaction, house: House, who: Who, case: CaseRow) -> OwnerKeys:
    """The owner's keys for sealing. Raises EndedGrantError where time ended a consent and nobody has noted it yet,
    RotationDueError where new keys must be made first."""
    for series in await consents.series_of_case(tx, case.id):
        live = standing(series.events, house.clock()).state is State.LIVE
        if not live and await keys.grant(tx, series.id) is not None:
            raise EndedGrantError(series.id)
    rows = await load_owner_keys(tx, who, case)
    if rows.bundle.rotation_due:
        raise RotationDueError(case.id)
    return rows


async def rotate(house: House, who: Who, case: CaseId) -> None:
    """Gives every slot that a consent can share a new key, seals its values anew, and makes the grants anew that were
    there and whose consents still hold."""
    async with house.rotating(case):
        for _ in range(_TRIES):
            try:
                await _rotate_once(house, who, case)
            except StaleError:
                continue
            return
    raise UnavailableError


async def let_rotation_end(house: House, case: UUID | None) -> None:
    """Waits while the case's keys are rotated: a recipient's rows need no new keys, and each one written meanwhile
    would make the rotation begin again."""
    if case is not None:
        async with house.rotating(CaseId(case)):
            pass


async def _rotate_once(house: House, who: Who, case: CaseId) -> None:
    shared = house.policy.registry.offered_by_any

    committed = await house.commit(partial(_begin, house=house, who=who, case=case))
    seen = committed.outcome
    if seen is None:
        return
    ring, group, shred = open_owner_ring(house, who, seen.keys)
    opened = open_for_computing(house, who, committed.receipts[0], [(ring, seen.keys.case, seen.rows)])[case]
    fresh = _renewed(house, ring, shared)
    key = seen.keys.group.key

    async def second(tx: Transaction) -> Done[None]:
        row = await _own_case(tx, who, case)
        bundle = await keys.bundle(tx, case)
        rows = await cases.sealed_values(tx, case, shared)
        if bundle != seen.keys.bundle or rows != seen.rows:
            raise StaleError
        hashes = await put_rows(tx, row, _sealed_anew(house, row, fresh, opened))
        await keys.put_bundle(tx, case, new_bundle(house, row, fresh, group, shred, key, bundle.version + 1))
        sealed = entry(house, who, Event.KEY_ROTATE, case=row, digest=digest_of(hashes))
        records = await _reissue(tx, house, who, row, fresh, group, shred)
        return Done(outcome=None, records=(written(await tree_of_case(tx, row), sealed, hashes), *records))

    await house.commit(second)


async def _begin(tx: Transaction, house: House, who: Who, case: CaseId) -> Done[_Seen | None]:
    """Logs the rotation and loads what it opens; None where it is not due any more."""
    shared = house.policy.registry.offered_by_any
    row = await _own_case(tx, who, case)
    owner = await load_owner_keys(tx, who, row)
    if not owner.bundle.rotation_due:
        return Done(outcome=None)  # somebody else has done it meanwhile
    rows = await cases.sealed_values(tx, case, shared)
    made = entry(
        house,
        who,
        Event.KEY_ROTATE,
        case=row,
        purpose=LogPurpose.OWN_WORK,
        fields=codes(house, {one.slot for one in rows}),
        count=1,
    )
    record = Record(tree=await tree_of_case(tx, row), entry=made)
    return Done(outcome=_Seen(keys=owner, rows=rows), records=(record,))


async def _own_case(tx: Transaction, who: Who, case: CaseId) -> CaseRow:
    if not await sessions.session_lives(tx, who.session, who.principal.version):
        raise NotSignedInError
    row = await cases.case(tx, case)
    if row is None or row.owner != who.principal.organisation:
        raise NotThereError
    return row


def _renewed(house: House, ring: Ring, shared: frozenset[Slot]) -> Ring:
    """A ring in which each shared slot and thread has one key, of the next epoch; the others keep theirs."""
    kept = [one for one in ring.entries() if one.slot not in shared]
    newest: dict[tuple[int, bytes], int] = {}
    for one in ring.entries():
        if one.slot in shared:
            place = (one.slot, one.thread)
            newest[place] = max(newest.get(place, 0), one.key.epoch)
    made: list[SlotKeyEntry] = [
        new_key(house, Slot(slot), thread, epoch + 1) for (slot, thread), epoch in newest.items()
    ]
    return Ring([*kept, *made])


def _sealed_anew(house: House, case: CaseRow, ring: Ring, opened: tuple[Opened, ...]) -> list[SealedRow]:
    return [
        seal_row(
            house,
            ring,
            case,
            one.slot,
            one.value,
            record=one.record,
            thread=one.thread,
            column=one.column,
            version=one.version + 1,
        )
        for one in opened
    ]


async def _reissue(
    tx: Transaction, house: House, who: Who, case: CaseRow, ring: Ring, group: GroupKeys, shred: ShredKey
) -> tuple[Record, ...]:
    tree = await tree_of_case(tx, case)
    records: list[Record] = []
    for series in await consents.series_of_case(tx, case.id):
        stands = standing(series.events, house.clock())
        granted = await keys.grant(tx, series.id) is not None
        if granted and stands.state is State.LIVE and stands.event is not None:
            agreed = grant(stands, series.stored[stands.event.number - 1])
            records.append(await issue(tx, house, who, case, agreed, series, ring, group, shred, tree))
    return tuple(records)
