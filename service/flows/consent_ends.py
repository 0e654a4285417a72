"""How a consent ends without the person: the case is closed, a condition no longer holds, the clock runs out.

In each case the event, the deletion of the grant, the stop of open requests and the entries are one transaction.
"""

from datetime import datetime

from audit.event import Event
from cases.fields import Purpose
from cases.ids import SERIES, UserId, write_id
from consent import answer
from consent.answer import Stamp
from consent.errors import StateError
from consent.record import TOKYO, EventKind, encode
from consent.record import Event as ConsentEvent
from consent.standing import standing, witness_by
from service.flows.entries import entry
from service.flows.granting import revoke
from service.house import House, Who
from service.store import consents
from service.store.cases import CaseRow
from service.store.consents import Series
from service.store.engine import Transaction
from service.store.log import Record, digest_of

LOG_EVENT = {
    EventKind.REQUESTED: Event.CONSENT_REQUEST,
    EventKind.GIVEN: Event.CONSENT_GIVE,
    EventKind.CONFIRMED: Event.CONSENT_CONFIRM,
    EventKind.CHANGED: Event.CONSENT_CHANGE,
    EventKind.RENEWED: Event.CONSENT_RENEW,
    EventKind.REFUSED: Event.CONSENT_REFUSE,
    EventKind.WITHDRAWN: Event.CONSENT_WITHDRAW,
    EventKind.EXPIRED: Event.CONSENT_EXPIRE,
    EventKind.ENDED: Event.CONSENT_END,
    EventKind.INVALIDATED: Event.CONSENT_INVALIDATE,
}


def stamp(house: House, by: UserId | None) -> Stamp:
    """When, by whom, and the random id that the event's log entry will have."""
    return Stamp(at=house.clock().astimezone(TOKYO), by=by, entry_id=house.random(16))


async def add(
    tx: Transaction,
    house: House,
    who: Who | None,
    case: CaseRow,
    series: Series,
    event: ConsentEvent,
    tree: int,
    hashes: bytes = b"",
) -> tuple[Series, Record]:
    """Appends the event to its series; gives back the grown series and the entry that the event names.

    ``hashes``: the records of the sealed rows that were written with it.
    """
    stored = encode(event)
    grown = Series(
        id=series.id,
        case=series.case,
        recipient=series.recipient,
        purpose=series.purpose,
        number=series.number,
        events=(*series.events, event),
        stored=(*series.stored, stored),
    )
    await consents.add_event(tx, event, stored, look_at(grown, house.clock()))
    made = entry(
        house,
        who,
        LOG_EVENT[event.kind],
        case=case,
        id=event.entry_id,
        object=write_id(SERIES, series.id),
        digest=digest_of(hashes) if hashes else None,
        series=grown,
    )
    return grown, Record(tree=tree, entry=made, hashes=hashes)


def look_at(series: Series, now: datetime) -> datetime | None:
    """When time alone will change what holds: the end of the live consent, or of the wait for a witness."""
    stands = standing(series.events, now)
    times = [stands.until] if stands.until is not None else []
    if stands.waiting is not None:
        times.append(witness_by(stands.waiting))
    return min(times) if times else None


async def end_consents(
    tx: Transaction, house: House, who: Who | None, case: CaseRow, tree: int, *, only_food_support: bool
) -> tuple[Record, ...]:
    """Ends the case's consents, all or those for food support, and stops what was asked under them."""
    records: list[Record] = []
    for series in await consents.series_of_case(tx, case.id):
        if only_food_support and series.purpose != Purpose.FOOD_SUPPORT.value:
            continue
        records += await end_one(tx, house, who, case, series, tree)
    return tuple(records)


async def end_one(
    tx: Transaction, house: House, who: Who | None, case: CaseRow, series: Series, tree: int
) -> tuple[Record, ...]:
    """Ends one consent where there is anything to end; its grant and open requests go in any case."""
    records: list[Record] = []
    if series.events:
        try:
            event = answer.end(series.events, stamp(house, None if who is None else who.principal.user))
        except StateError:
            pass
        else:
            series, record = await add(tx, house, who, case, series, event, tree)
            records.append(record)
    return (*records, *await revoke(tx, house, who, case, series, tree))
