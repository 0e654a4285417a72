"""Requests and ledger rows: who, when, and in which stage; never what."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from cases.ids import CaseId, CollaborationId, OrganisationId, RequestId, RowId, UserId
from cases.ledger import RowKind
from cases.request import DeclineReason, Stage
from service.store.engine import Transaction
from service.store.macs import Marked
from service.store.values import (
    Row,
    as_bytes,
    as_int,
    as_text,
    from_ms,
    maybe_bytes,
    maybe_text,
    maybe_time,
    to_ms,
)
from service.tables.ledger import LedgerRow
from service.tables.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """``accepted`` is the time of acceptance, kept through later stages: it was once accepted."""

    id: RequestId
    case: CaseId
    recipient: OrganisationId
    stage: Stage
    created: datetime
    sent: datetime | None = None
    accepted: datetime | None = None
    ended: datetime | None = None
    decline_reason: DeclineReason | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A row of the ledger; its text is a sealed value with the row's id as record."""

    id: RowId
    case: CaseId
    recipient: OrganisationId
    request: RequestId | None
    kind: RowKind
    author: UserId
    organisation: OrganisationId
    recorded: datetime
    corrects: RowId | None


_REQUEST = 'id, "case", recipient, stage, created, sent, accepted, ended, decline_reason, version, mac'
_LEDGER = 'id, "case", recipient, request, kind, author, organisation, recorded, corrects'


def _mac_columns(row: RequestRow) -> tuple[bytes | str | int | None, ...]:
    """Every column: whether a request was accepted is what a recipient's sight stands on."""
    return (
        row.id.bytes,
        row.case.bytes,
        row.recipient.bytes,
        row.stage.value,
        to_ms(row.created),
        _ms(row.sent),
        _ms(row.accepted),
        _ms(row.ended),
        None if row.decline_reason is None else row.decline_reason.value,
    )


def _request(tx: Transaction, row: Row) -> RequestRow:
    reason = maybe_text(row[8])
    request = RequestRow(
        id=RequestId(UUID(bytes=as_bytes(row[0]))),
        case=CaseId(UUID(bytes=as_bytes(row[1]))),
        recipient=OrganisationId(UUID(bytes=as_bytes(row[2]))),
        stage=Stage(as_text(row[3])),
        created=from_ms(as_int(row[4])),
        sent=maybe_time(row[5]),
        accepted=maybe_time(row[6]),
        ended=maybe_time(row[7]),
        decline_reason=None if reason is None else DeclineReason(reason),
        version=as_int(row[9]),
    )
    tx.macs.check(Marked.REQUEST, request.version, _mac_columns(request), row[10])
    return request


def _ms(value: datetime | None) -> int | None:
    return None if value is None else to_ms(value)


async def add_request(tx: Transaction, row: RequestRow) -> None:
    await Request.insert(
        Request(
            id=row.id.bytes,
            case=row.case.bytes,
            recipient=row.recipient.bytes,
            stage=row.stage.value,
            created=to_ms(row.created),
            sent=_ms(row.sent),
            accepted=_ms(row.accepted),
            ended=_ms(row.ended),
            decline_reason=None,
            version=row.version,
            mac=tx.macs.make(Marked.REQUEST, row.version, _mac_columns(row)),
        )
    )


async def change_request(tx: Transaction, row: RequestRow) -> RequestRow:
    """Writes the row with its next version."""
    changed = replace(row, version=row.version + 1)
    await Request.update(
        {
            Request.stage: changed.stage.value,
            Request.sent: _ms(changed.sent),
            Request.accepted: _ms(changed.accepted),
            Request.ended: _ms(changed.ended),
            Request.decline_reason: None if changed.decline_reason is None else changed.decline_reason.value,
            Request.version: changed.version,
            Request.mac: tx.macs.make(Marked.REQUEST, changed.version, _mac_columns(changed)),
        }
    ).where(Request.id == row.id.bytes)
    return changed


async def request(tx: Transaction, request: RequestId) -> RequestRow | None:
    found = tx.row(f"SELECT {_REQUEST} FROM request WHERE id = ?", request.bytes)  # noqa: S608  # constant columns
    return None if found is None else _request(tx, found)


async def requests_of_case(
    tx: Transaction, case: CaseId, recipient: OrganisationId | None = None
) -> tuple[RequestRow, ...]:
    """The case's requests, all or those to one recipient, oldest first."""
    sql = f'SELECT {_REQUEST} FROM request WHERE "case" = ?'  # noqa: S608  # constant columns
    if recipient is None:
        rows = tx.rows(sql + " ORDER BY created, id", case.bytes)
    else:
        rows = tx.rows(sql + " AND recipient = ? ORDER BY created, id", case.bytes, recipient.bytes)
    return tuple(_request(tx, row) for row in rows)


async def inbox(
    tx: Transaction, recipient: OrganisationId, collaboration: CollaborationId, stages: Collection[Stage]
) -> tuple[RequestRow, ...]:
    """Requests to the recipient in one collaboration and in one of the stages, newest first."""
    marks = ",".join("?" * len(stages))
    columns = ", ".join("r." + column.strip() for column in _REQUEST.split(","))
    rows = tx.rows(
        f'SELECT {columns} FROM request r JOIN cases c ON c.id = r."case" WHERE r.recipient = ? '  # noqa: S608
        f"AND c.collaboration = ? AND r.stage IN ({marks}) ORDER BY r.sent DESC, r.id",
        recipient.bytes,
        collaboration.bytes,
        *sorted(stage.value for stage in stages),
    )
    return tuple(_request(tx, row) for row in rows)


async def add_row(tx: Transaction, row: LedgerEntry) -> None:
    await LedgerRow.insert(
        LedgerRow(
            id=row.id.bytes,
            case=row.case.bytes,
            recipient=row.recipient.bytes,
            request=None if row.request is None else row.request.bytes,
            kind=row.kind.value,
            author=row.author.bytes,
            organisation=row.organisation.bytes,
            recorded=to_ms(row.recorded),
            corrects=None if row.corrects is None else row.corrects.bytes,
        )
    )


def _row(row: Row) -> LedgerEntry:
    request, corrects = maybe_bytes(row[3]), maybe_bytes(row[8])
    return LedgerEntry(
        id=RowId(UUID(bytes=as_bytes(row[0]))),
        case=CaseId(UUID(bytes=as_bytes(row[1]))),
        recipient=OrganisationId(UUID(bytes=as_bytes(row[2]))),
        request=None if request is None else RequestId(UUID(bytes=request)),
        kind=RowKind(as_text(row[4])),
        author=UserId(UUID(bytes=as_bytes(row[5]))),
        organisation=OrganisationId(UUID(bytes=as_bytes(row[6]))),
        recorded=from_ms(as_int(row[7])),
        corrects=None if corrects is None else RowId(UUID(bytes=corrects)),
    )


async def row(tx: Transaction, row: RowId) -> LedgerEntry | None:
    found = tx.row(f"SELECT {_LEDGER} FROM ledger_row WHERE id = ?", row.bytes)  # noqa: S608  # constant columns
    return None if found is None else _row(found)


async def rows_of_case(
    tx: Transaction, case: CaseId, recipient: OrganisationId | None = None
) -> tuple[LedgerEntry, ...]:
    """The case's ledger rows, all or those shared with one recipient, oldest first."""
    sql = f'SELECT {_LEDGER} FROM ledger_row WHERE "case" = ?'  # noqa: S608  # constant columns
    if recipient is None:
        rows = tx.rows(sql + " ORDER BY recorded, rowid", case.bytes)
    else:
        rows = tx.rows(sql + " AND recipient = ? ORDER BY recorded, rowid", case.bytes, recipient.bytes)
    return tuple(_row(found) for found in rows)
