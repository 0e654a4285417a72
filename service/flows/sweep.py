"""The clock's work, once a minute and at start, with nobody's keys: what time alone has ended is written down.

What holds never waits for it: `consent.standing` knows without. The sweep records it, deletes the grants, ends idle
sessions, logs the refusals that were only counted, erases where old sign-ins came from, and lets what was deleted
leave the disk.
"""

from collections.abc import Coroutine
from datetime import timedelta

from audit.event import Decision, Event, Reason
from audit.times import write_time
from cases.ids import USER, SeriesId, UserId, write_id
from consent import answer
from consent.record import EventKind
from consent.standing import State, standing
from service.flows.consent_ends import add, look_at, stamp
from service.flows.entries import entry, tree_of_case, tree_of_organisation
from service.flows.granting import revoke
from service.flows.sign_in import IDLE
from service.flows.throttle import take_suppressed_failures
from service.house import House
from service.logs import get_logger
from service.store import cases, consents, keys, organisations, sessions, trees, users
from service.store.cases import CaseRow
from service.store.consents import Series
from service.store.details import erase_sign_ins
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.log import Record
from service.store.writer import Done

AT_ONCE = 100
CAME_FROM_KEPT = timedelta(days=90)
"""So long an auditor can see where a sign-in came from."""
_MINUTE = timedelta(minutes=1)


async def check_grants(house: House) -> int:
    """At start: deletes every grant whose consent does not hold, as a restored backup may bring back.

    Gives back how many grants it looked at. Raises UnavailableError.
    """
    granted = await house.look(keys.series_with_grants)
    for series in granted:
        await _in_spite(look_at_series(house, series))
    return len(granted)


async def sweep(house: House) -> int:
    """Does all that is due; gives back how many consents it looked at. What was tampered with is reported and left:
    it stops nothing else. Raises UnavailableError."""
    looked: set[SeriesId] = set()
    while True:
        due = await house.look(
            lambda tx: consents.series_to_look_at(tx, house.clock(), AT_ONCE + len(looked))
        )
        fresh = [series for series in due if series not in looked]
        if not fresh:
            break
        for series in fresh:
            await _in_spite(look_at_series(house, series))
        looked.update(fresh)
    for work in (_failures, _denials, _sessions, _sign_ins):  # a count is logged before its row is too old
        await _in_spite(work(house))
    await house.forget_deleted()
    return len(looked)


async def _in_spite(work: Coroutine[object, object, None]) -> None:
    """Does one piece of work; a row that is not believed is reported, and the next piece comes all the same."""
    try:
        await work
    except TamperedError as error:
        get_logger().error("tampered", table=error.table)


async def look_at_series(house: House, series: SeriesId) -> None:
    """Writes down what time alone has ended in one series. Raises TamperedError, UnavailableError."""

    async def job(tx: Transaction) -> Done[None]:
        found = await consents.series(tx, series)
        row = None if found is None else await cases.case(tx, found.case)
        if found is None or row is None:
            return Done(outcome=None)
        return Done(outcome=None, records=await _record(tx, house, row, found))

    await house.commit(job)


async def _record(tx: Transaction, house: House, row: CaseRow, series: Series) -> tuple[Record, ...]:
    """The events that time alone has made due; where nothing is live afterwards, the grant goes."""
    tree = await tree_of_case(tx, row)
    records: list[Record] = []
    for kind in answer.due(standing(series.events, house.clock())):
        for about in _abouts(house, series, kind):
            when = stamp(house, None)
            event = (
                answer.expire(series.events, when)
                if kind is EventKind.EXPIRED
                else answer.invalidate(series.events, when, about)
            )
            series, record = await add(tx, house, None, row, series, event, tree)
            records.append(record)
    if standing(series.events, house.clock()).state is not State.LIVE:
        records += await revoke(tx, house, None, row, series, tree)
    await consents.looked_at(tx, series.id, look_at(series, house.clock()))
    return tuple(records)


def _abouts(house: House, series: Series, kind: EventKind) -> tuple[int, ...]:
    return (0,) if kind is EventKind.EXPIRED else standing(series.events, house.clock()).unswept


async def _sessions(house: House) -> None:
    """Ends the sessions that no request can use any more, each with its entry."""

    async def job(tx: Transaction) -> Done[None]:
        now = house.clock()
        records = []
        for user in await sessions.users_of_ended(tx, now - IDLE, now):
            records.append(await _about(tx, house, user, Event.SESSION_END, Reason.IDLE, None))
        await sessions.sweep_sessions(tx, now - IDLE, now)
        return Done(outcome=None, records=tuple(one for one in records if one is not None))

    await house.commit(job)


async def _denials(house: House) -> None:
    """Logs how many refusals of an ended minute were only counted."""

    async def job(tx: Transaction) -> Done[None]:
        now = house.clock()
        records = []
        for user, count in await sessions.suppressed_before(tx, now - _MINUTE):
            made = await _about(tx, house, user, Event.DENY_SUPPRESSED, Reason.THROTTLED, count)
            await sessions.put_denials(tx, user, now, 0, 0)
            records.append(made)
        return Done(outcome=None, records=tuple(one for one in records if one is not None))

    await house.commit(job)


async def _failures(house: House) -> None:
    """Logs how many failed sign-ins of an ended minute were only counted."""

    async def job(tx: Transaction) -> Done[None]:
        count = await take_suppressed_failures(tx, house)
        found = await organisations.instance(tx)
        if not count or found is None:
            return Done(outcome=None)
        made = entry(
            house, None, Event.DENY_SUPPRESSED, decision=Decision.DENY, reason=Reason.THROTTLED, count=count
        )
        tree = await tree_of_organisation(tx, found.operator)
        return Done(outcome=None, records=(Record(tree=tree, entry=made),))

    await house.commit(job)


async def _sign_ins(house: House) -> None:
    """Erases where sign-ins came from once nobody needs it any more (formats.md, Log detail)."""
    time = write_time(house.clock() - CAME_FROM_KEPT)

    async def job(tx: Transaction) -> Done[None]:
        for tree in await trees.trees(tx):
            stop = await trees.first_index_since(tx, tree.number, time)
            await erase_sign_ins(
                tx, tree.number, (await trees.head(tx, tree.number)).size if stop is None else stop
            )
        return Done(outcome=None)

    await house.commit(job)


async def _about(
    tx: Transaction, house: House, user: UserId, event: Event, reason: Reason, count: int | None
) -> Record | None:
    """An entry of the clock about a user, in the tree of the user's organisation."""
    found = await users.user(tx, user)
    if found is None:
        return None
    decision = Decision.DENY if event is Event.DENY_SUPPRESSED else Decision.PERMIT
    made = entry(
        house, None, event, object=write_id(USER, user), decision=decision, reason=reason, count=count
    )
    return Record(tree=await tree_of_organisation(tx, found.organisation), entry=made)
