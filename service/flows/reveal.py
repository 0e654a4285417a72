"""The only opener of values.

Rules kept here:
- Nothing is opened without the receipt of a committed entry that names the case and the fields, or a scan.
- Each value is opened at its own place and version; one that does not open is an error, never an empty value.
- After opening, a recipient's standing is asked once more: a consent that ended meanwhile answers nothing.
"""

from collections.abc import Iterable
from typing import NamedTuple

from audit.event import Decision, Event
from audit.event import Reason as LogReason
from cases.fields import Slot, show_value, show_without_free_text
from cases.ids import CASE, USER, CaseId, write_id
from consent.standing import Standing, State, standing
from crypto.context import FieldContext
from crypto.envelope import field_key_name, open_field
from crypto.errors import Blob, OpenError
from policies.decide import NOT_SHARED
from service.flows.entries import codes, entry
from service.flows.errors import NotCoveredError, NotSignedInError
from service.flows.keys import Ring
from service.flows.situation import Situation
from service.house import House, Who
from service.store import consents, sessions
from service.store.cases import CaseRow, SealedRow
from service.store.engine import Transaction
from service.store.log import Receipt, Record
from service.store.writer import Done


class Opened(NamedTuple):
    """One opened value: where it stands and its stored bytes, in clear. Prints nothing of itself."""

    record: bytes
    slot: Slot
    column: int
    thread: bytes
    version: int
    value: bytes

    def __repr__(self) -> str:
        return "<Opened>"


def open_for_release(
    house: House, who: Who, receipt: Receipt, ring: Ring, case: CaseRow, rows: Iterable[SealedRow]
) -> tuple[Opened, ...]:
    """Opens the rows to show them: their fields must all stand in the receipt's entry, which is spent."""
    wanted = tuple(rows)
    fields = frozenset(codes(house, {row.slot for row in wanted}))
    receipt.release(
        actor=write_id(USER, who.principal.user),
        subject=write_id(CASE, case.id),
        fields=fields,
        now=house.clock(),
    )
    tenant, id = case.owner.bytes, case.id.bytes
    return tuple([_open(ring, tenant, id, row) for row in wanted])


def open_for_computing(
    house: House, who: Who, receipt: Receipt, cases: Iterable[tuple[Ring, CaseRow, tuple[SealedRow, ...]]]
) -> dict[CaseId, tuple[Opened, ...]]:
    """Opens rows of several own cases to compute with them (a search, a rotation); nothing of it is shown."""
    wanted = tuple(cases)
    slots = {row.slot for _, _, rows in wanted for row in rows}
    receipt.compute(
        actor=write_id(USER, who.principal.user),
        fields=frozenset(codes(house, slots)),
        count=len(wanted),
        now=house.clock(),
    )
    return {
        case.id: tuple([_open(ring, case.owner.bytes, case.id.bytes, row) for row in rows])
        for ring, case, rows in wanted
    }


def _open(ring: Ring, tenant: bytes, case: bytes, row: SealedRow) -> Opened:
    record, slot, column, thread, version, blob = row
    key = ring.of_epoch(slot, thread, field_key_name(blob)[0])
    if key is None:
        raise OpenError(Blob.FIELD)
    place = FieldContext(tenant=tenant, case=case, record=record, slot=slot, column=column, version=version)
    return Opened(record, slot, column, thread, version, open_field(key, blob, place))


def shown(house: House, opened: Opened, masked: frozenset[Slot]) -> object:
    """The value as JSON shows it; without free text where the permission says so."""
    field = house.policy.registry.by_slot[opened.slot]
    if opened.slot in masked:
        return show_without_free_text(field, opened.value)
    return show_value(field, opened.value)


async def still_holds(
    house: House, who: Who, situation: Situation, receipt: Receipt, slots: frozenset[Slot]
) -> None:
    """Asks once more, after opening: raises NotSignedInError where the session ended in the meantime, and for a
    recipient NotCoveredError, leaving an entry, where the consent did.

    ``slots`` are those that were opened: a consent that is live but no longer covers them has ended for them.
    """
    series = None if situation.case.owner == who.principal.organisation else situation.series

    async def again(tx: Transaction) -> Standing | None:
        if not await sessions.session_lives(tx, who.session, who.principal.version):
            raise NotSignedInError
        if series is None or await consents.is_newest(tx, series):
            return None if series is None else standing(series.events, house.clock())
        found = await consents.series(tx, series.id)
        return None if found is None else standing(found.events, house.clock())

    now = await house.look(again)
    if series is None or (now is not None and now.state is State.LIVE and slots <= now.fields):
        return
    reason = LogReason.WITHDRAWN if now is not None and now.state is State.WITHDRAWN else LogReason.NOT_LIVE

    async def job(_: Transaction) -> Done[None]:
        denied = entry(
            house,
            who,
            Event.CASE_READ,
            case=situation.case,
            decision=Decision.DENY,
            reason=reason,
            reference=receipt.index,
        )
        return Done(outcome=None, records=(Record(tree=receipt.tree, entry=denied),))

    await house.commit(job)
    raise NotCoveredError(reason.value if reason is LogReason.WITHDRAWN else NOT_SHARED)
