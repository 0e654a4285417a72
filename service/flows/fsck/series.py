"""The consent series: each by its MAC, its chain and the newest event that the log names, and every event that any
entry names (docs/decisions/0014)."""

from functools import partial
from uuid import UUID

from cases.ids import SERIES, SeriesId
from consent.record import event_hash
from service.flows.fsck.findings import Code, Find, Finding, id_of
from service.flows.fsck.tables import each
from service.flows.fsck.told import Told
from service.store import consents, fsck
from service.store.errors import TamperedError, UnavailableError
from service.store.fsck import Table
from service.store.reader import Look
from service.store.values import Row


async def check_series(look: Look, told: Told, unmarked: frozenset[bytes], find: Find) -> None:
    """Finds series that are not believed, and events that the log names and that are not there.

    ``unmarked``: the series whose MAC does not fit, which were found before.
    """
    ids: list[bytes] = []

    def see(row: Row) -> None:
        if isinstance(row[0], bytes) and len(row[0]) == 16:
            ids.append(row[0])

    if not await each(look, Table.CONSENT_SERIES, see, find):
        return
    try:
        refused = {id_of(SERIES, id) for id in ids if not await _holds(look, told, id, unmarked, find)}
    except UnavailableError:
        find(Finding(code=Code.UNREADABLE, table=Table.CONSENT_EVENT))
        return
    marked = {id_of(SERIES, id) for id in unmarked}
    missing = [link.partition(b":")[0].decode("ascii") for link in sorted(told.links)]
    for named in sorted(refused - marked):
        code = Code.OLD if named in missing else Code.CHANGED
        find(Finding(code=code, table=Table.CONSENT_SERIES, ids=(named,)))
    for named in missing:
        if named not in refused | marked:
            find(Finding(code=Code.DELETED, table=Table.CONSENT_EVENT, ids=(named,)))


async def _holds(look: Look, told: Told, id: bytes, unmarked: frozenset[bytes], find: Find) -> bool:
    """Whether the series is believed; its events are taken off what the log names."""
    stored = await look(partial(fsck.events_of, series=id))
    links = {_link(id, row) for row in stored}
    unknown = links - told.links
    told.links -= links
    if id in unmarked:
        return False
    try:
        await look(partial(consents.series, series=SeriesId(UUID(bytes=id))))
    except TamperedError:
        return False
    if unknown and not told.gaps:
        find(Finding(code=Code.PLANTED, table=Table.CONSENT_EVENT, ids=(id_of(SERIES, id),)))
    return True


def _link(id: bytes, row: Row) -> bytes:
    """An event as ``cns`` of an entry names it; its row is number and event."""
    number, event = row
    digest = event_hash(event).hex() if isinstance(event, bytes) else ""
    named = number if isinstance(number, int) else 0
    return f"{id_of(SERIES, id)}:{named}:{digest}".encode("ascii")
