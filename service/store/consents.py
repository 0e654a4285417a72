"""Consent series and their events, as stored bytes. What holds is never stored: `consent.standing` says it."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases.ids import SERIES, CaseId, OrganisationId, SeriesId, write_id
from consent.errors import RecordError
from consent.record import FIRST, Event, check_chain, event_hash
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.macs import Marked
from service.store.values import Row, as_bytes, as_int, as_text, to_ms
from service.tables.consents import ConsentEvent, ConsentSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One consent series with its events in recorded order, decoded, and each one's stored bytes."""

    id: SeriesId
    case: CaseId
    recipient: OrganisationId
    purpose: str
    number: str
    events: tuple[Event, ...]
    stored: tuple[bytes, ...]


_SELECT = (
    'SELECT s.id, s."case", s.recipient, s.purpose, s.number, s.events, s.last, s.mac, e.event '
    "FROM consent_series s LEFT JOIN consent_event e ON e.series = s.id "
)
_NAMED = re.compile(r'"cns":"k_[0-9a-f]{32}:([1-9][0-9]{0,8}):([0-9a-f]{64})"', re.ASCII)
_LOGGED = (
    "SELECT leaf FROM entry WHERE obj = ? AND ev >= 'consent.' AND ev < 'consent/' ORDER BY id DESC LIMIT 1"
)


def _mac_columns(
    id: bytes, case: bytes, recipient: bytes, purpose: str, number: str, last: bytes
) -> tuple[bytes | str, ...]:
    """What the series is about, and the hash of its last event, which through the chain vouches for all."""
    return (id, case, recipient, purpose, number, last)


def _series(tx: Transaction, rows: list[Row]) -> tuple[Series, ...]:
    grouped: dict[bytes, list[Row]] = {}
    for row in rows:
        grouped.setdefault(as_bytes(row[0]), []).append(row)
    return tuple(_one(tx, group) for group in grouped.values())


def _one(tx: Transaction, rows: list[Row]) -> Series:
    """The series of its rows. Raises TamperedError unless MAC, chain, count and log say the same."""
    id, case, recipient, purpose, number, count, last, mac, _ = rows[0]
    columns = _mac_columns(
        as_bytes(id), as_bytes(case), as_bytes(recipient), as_text(purpose), as_text(number), as_bytes(last)
    )
    tx.macs.check(Marked.SERIES, as_int(count), columns, mac)
    stored = tuple(as_bytes(row[8]) for row in rows if row[8] is not None)
    series = Series(
        id=SeriesId(UUID(bytes=as_bytes(id))),
        case=CaseId(UUID(bytes=as_bytes(case))),
        recipient=OrganisationId(UUID(bytes=as_bytes(recipient))),
        purpose=as_text(purpose),
        number=as_text(number),
        events=_events(stored),
        stored=stored,
    )
    if len(stored) != count or (event_hash(stored[-1]) if stored else FIRST) != last:
        raise TamperedError(Marked.SERIES.name)
    _check_belonging(series)
    _check_logged(tx, series)
    return series


def _events(stored: tuple[bytes, ...]) -> tuple[Event, ...]:
    try:
        return check_chain(stored)
    except RecordError:
        raise TamperedError(Marked.SERIES.name) from None


def _check_belonging(series: Series) -> None:
    """Each event says the same of itself as the row says of the series."""
    if not series.events:
        return
    first = series.events[0]
    said = (first.series, first.case, first.recipient, first.purpose.value, first.receipt)
    if said != (series.id, series.case, series.recipient, series.purpose, series.number):
        raise TamperedError(Marked.SERIES.name)


def _check_logged(tx: Transaction, series: Series) -> None:
    """The newest event that the log names is there: an older state that was put back, MAC and all, is not believed.

    The log may be one event behind, inside the transaction that adds it.
    """
    found = tx.row(_LOGGED, write_id(SERIES, series.id))
    if found is None:
        return
    named = _NAMED.search(as_text(found[0]))
    number = 0 if named is None else int(named[1])
    if named is None or number > len(series.stored):
        raise TamperedError(Marked.SERIES.name)
    if event_hash(series.stored[number - 1]).hex() != named[2]:
        raise TamperedError(Marked.SERIES.name)


async def series_of_case(
    tx: Transaction, case: CaseId, recipient: OrganisationId | None = None
) -> tuple[Series, ...]:
    """The case's series, all or those of one recipient, in the order in which they were begun."""
    if recipient is None:
        rows = tx.rows(_SELECT + 'WHERE s."case" = ? ORDER BY s.rowid, e.number', case.bytes)
    else:
        rows = tx.rows(
            _SELECT + 'WHERE s."case" = ? AND s.recipient = ? ORDER BY s.rowid, e.number',
            case.bytes,
            recipient.bytes,
        )
    return _series(tx, rows)


async def series(tx: Transaction, series: SeriesId) -> Series | None:
    found = _series(tx, tx.rows(_SELECT + "WHERE s.id = ? ORDER BY e.number", series.bytes))
    return found[0] if found else None


async def is_newest(tx: Transaction, known: Series) -> bool:
    """Whether nothing was added to a series since it was loaded and checked: one statement, no decoding."""
    found = tx.row("SELECT events, last FROM consent_series WHERE id = ?", known.id.bytes)
    last = event_hash(known.stored[-1]) if known.stored else FIRST
    return found is not None and found == (len(known.stored), last)


async def series_numbered(tx: Transaction, number: str) -> Series | None:
    """The series of a receipt number."""
    found = _series(tx, tx.rows(_SELECT + "WHERE s.number = ? ORDER BY e.number", number))
    return found[0] if found else None


async def number_taken(tx: Transaction, number: str) -> bool:
    return tx.row("SELECT 1 FROM consent_series WHERE number = ?", number) is not None


async def add_series(
    tx: Transaction, series: SeriesId, case: CaseId, recipient: OrganisationId, purpose: str, number: str
) -> None:
    await ConsentSeries.insert(
        ConsentSeries(
            id=series.bytes,
            case=case.bytes,
            recipient=recipient.bytes,
            purpose=purpose,
            number=number,
            look_at=None,
            events=0,
            last=FIRST,
            mac=tx.macs.make(
                Marked.SERIES,
                0,
                _mac_columns(series.bytes, case.bytes, recipient.bytes, purpose, number, FIRST),
            ),
        )
    )


async def add_event(tx: Transaction, event: Event, stored: bytes, look_at: datetime | None) -> None:
    """Appends the event, and says when the clock's work must look at the series again."""
    await ConsentEvent.insert(ConsentEvent(series=event.series.bytes, number=event.number, event=stored))
    last = event_hash(stored)
    columns = _mac_columns(
        event.series.bytes,
        event.case.bytes,
        event.recipient.bytes,
        event.purpose.value,
        event.receipt,
        last,
    )
    await ConsentSeries.update(
        {
            ConsentSeries.look_at: None if look_at is None else to_ms(look_at),
            ConsentSeries.events: event.number,
            ConsentSeries.last: last,
            ConsentSeries.mac: tx.macs.make(Marked.SERIES, event.number, columns),
        }
    ).where(ConsentSeries.id == event.series.bytes)


async def series_to_look_at(tx: Transaction, now: datetime, limit: int) -> tuple[SeriesId, ...]:
    rows = tx.rows(
        "SELECT id FROM consent_series WHERE look_at <= ? ORDER BY look_at LIMIT ?", to_ms(now), limit
    )
    return tuple(SeriesId(UUID(bytes=as_bytes(row[0]))) for row in rows)


async def looked_at(tx: Transaction, series: SeriesId, look_at: datetime | None) -> None:
    await ConsentSeries.update({ConsentSeries.look_at: None if look_at is None else to_ms(look_at)}).where(
        ConsentSeries.id == series.bytes
    )
