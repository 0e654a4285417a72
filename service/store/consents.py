"""Consent series and their events, as stored bytes. What holds is never stored: `consent.standing` says it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases.ids import CaseId, OrganisationId, SeriesId
from consent.record import Event, decode
from service.store.engine import Transaction
from service.store.values import Row, as_bytes, as_text, to_ms
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
    'SELECT s.id, s."case", s.recipient, s.purpose, s.number, e.event FROM consent_series s '
    "LEFT JOIN consent_event e ON e.series = s.id "
)


def _series(rows: list[Row]) -> tuple[Series, ...]:
    grouped: dict[bytes, list[Row]] = {}
    for row in rows:
        grouped.setdefault(as_bytes(row[0]), []).append(row)
    return tuple(_one(group) for group in grouped.values())


def _one(rows: list[Row]) -> Series:
    stored = tuple(as_bytes(row[5]) for row in rows if row[5] is not None)
    first = rows[0]
    return Series(
        id=SeriesId(UUID(bytes=as_bytes(first[0]))),
        case=CaseId(UUID(bytes=as_bytes(first[1]))),
        recipient=OrganisationId(UUID(bytes=as_bytes(first[2]))),
        purpose=as_text(first[3]),
        number=as_text(first[4]),
        events=tuple(decode(part) for part in stored),
        stored=stored,
    )


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
    return _series(rows)


async def series(tx: Transaction, series: SeriesId) -> Series | None:
    found = _series(tx.rows(_SELECT + "WHERE s.id = ? ORDER BY e.number", series.bytes))
    return found[0] if found else None


async def series_numbered(tx: Transaction, number: str) -> Series | None:
    """The series of a receipt number."""
    found = _series(tx.rows(_SELECT + "WHERE s.number = ? ORDER BY e.number", number))
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
        )
    )


async def add_event(tx: Transaction, event: Event, stored: bytes, look_at: datetime | None) -> None:
    """Appends the event, and says when the clock's work must look at the series again."""
    await ConsentEvent.insert(ConsentEvent(series=event.series.bytes, number=event.number, event=stored))
    await ConsentSeries.update({ConsentSeries.look_at: None if look_at is None else to_ms(look_at)}).where(
        ConsentSeries.id == event.series.bytes
    )


async def series_to_look_at(tx: Transaction, now: datetime, limit: int) -> tuple[SeriesId, ...]:
    rows = tx.rows(
        "SELECT id FROM consent_series WHERE look_at <= ? ORDER BY look_at LIMIT ?", to_ms(now), limit
    )
    return tuple(SeriesId(UUID(bytes=as_bytes(row[0]))) for row in rows)


async def looked_at(tx: Transaction, series: SeriesId, look_at: datetime | None) -> None:
    await ConsentSeries.update({ConsentSeries.look_at: None if look_at is None else to_ms(look_at)}).where(
        ConsentSeries.id == series.bytes
    )
