"""Disclosures: which sheet was asked for, by whom, and who approved it; every column under a MAC."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from cases.ids import CaseId, CollaborationId, DisclosureId, OrganisationId, UserId
from service.store.engine import Transaction
from service.store.macs import Marked
from service.store.values import Row, as_bytes, as_int, from_ms, maybe_bytes, maybe_time, to_ms
from service.tables.disclosures import Disclosure


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureRow:
    """A disclosure as the database has it, its MAC checked.

    ``since`` is the first instant of the period's first day, ``until`` the first after its last day.
    """

    id: DisclosureId
    case: CaseId
    since: datetime
    until: datetime
    asked_by: UserId
    asked: datetime
    approved_by: UserId | None = None
    approved: datetime | None = None
    version: int = 1


_COLUMNS = 'id, "case", since, until, asked_by, asked, approved_by, approved, version, mac'


def _mac_columns(row: DisclosureRow) -> tuple[bytes | int | None, ...]:
    return (
        row.id.bytes,
        row.case.bytes,
        to_ms(row.since),
        to_ms(row.until),
        row.asked_by.bytes,
        to_ms(row.asked),
        None if row.approved_by is None else row.approved_by.bytes,
        None if row.approved is None else to_ms(row.approved),
    )


def _disclosure(tx: Transaction, row: Row) -> DisclosureRow:
    """The disclosure of a row of ``_COLUMNS``. Raises TamperedError where the MAC does not fit."""
    second = maybe_bytes(row[6])
    found = DisclosureRow(
        id=DisclosureId(UUID(bytes=as_bytes(row[0]))),
        case=CaseId(UUID(bytes=as_bytes(row[1]))),
        since=from_ms(as_int(row[2])),
        until=from_ms(as_int(row[3])),
        asked_by=UserId(UUID(bytes=as_bytes(row[4]))),
        asked=from_ms(as_int(row[5])),
        approved_by=None if second is None else UserId(UUID(bytes=second)),
        approved=maybe_time(row[7]),
        version=as_int(row[8]),
    )
    tx.macs.check(Marked.DISCLOSURE, found.version, _mac_columns(found), row[9])
    return found


async def add_disclosure(tx: Transaction, row: DisclosureRow) -> None:
    await Disclosure.insert(
        Disclosure(
            id=row.id.bytes,
            case=row.case.bytes,
            since=to_ms(row.since),
            until=to_ms(row.until),
            asked_by=row.asked_by.bytes,
            asked=to_ms(row.asked),
            approved_by=None,
            approved=None,
            version=row.version,
            mac=tx.macs.make(Marked.DISCLOSURE, row.version, _mac_columns(row)),
        )
    )


async def approve(tx: Transaction, row: DisclosureRow, by: UserId, now: datetime) -> DisclosureRow:
    """Writes who approved and when, with the row's next version."""
    changed = replace(row, approved_by=by, approved=now, version=row.version + 1)
    await Disclosure.update(
        {
            Disclosure.approved_by: by.bytes,
            Disclosure.approved: to_ms(now),
            Disclosure.version: changed.version,
            Disclosure.mac: tx.macs.make(Marked.DISCLOSURE, changed.version, _mac_columns(changed)),
        }
    ).where(Disclosure.id == row.id.bytes)
    return changed


async def disclosure(tx: Transaction, disclosure: DisclosureId) -> DisclosureRow | None:
    found = tx.row(f"SELECT {_COLUMNS} FROM disclosure WHERE id = ?", disclosure.bytes)  # noqa: S608  # constant columns
    return None if found is None else _disclosure(tx, found)


async def asked_or_waiting(
    tx: Transaction,
    user: UserId,
    organisation: OrganisationId,
    collaborations: Collection[CollaborationId],
    after: datetime,
) -> tuple[DisclosureRow, ...]:
    """What the user asked for, ever; and, asked for after ``after`` and approved by nobody, what is about cases of the
    organisation or of the collaborations. Newest first."""
    columns = ", ".join("d." + column.strip() for column in _COLUMNS.split(","))
    marks = ",".join("?" * len(collaborations))
    rows = tx.rows(
        f'SELECT {columns} FROM disclosure d JOIN cases c ON c.id = d."case" WHERE d.asked_by = ? '  # noqa: S608
        f"OR (d.approved IS NULL AND d.asked > ? AND (c.owner = ? OR c.collaboration IN ({marks}))) "
        "ORDER BY d.asked DESC, d.id",
        user.bytes,
        to_ms(after),
        organisation.bytes,
        *sorted(one.bytes for one in collaborations),
    )
    return tuple(_disclosure(tx, row) for row in rows)
