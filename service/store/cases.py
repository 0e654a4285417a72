"""Cases and their sealed values. Nothing here can open a value."""

import struct
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from piccolo.columns import Column

from cases.closing import ClosingReason
from cases.eligibility import Conditions
from cases.fields import Slot
from cases.ids import CaseId, CollaborationId, OrganisationId, SectionId, UserId
from service.store.engine import Transaction
from service.store.macs import Marked
from service.store.values import (
    Row,
    Value,
    as_bytes,
    as_flag,
    as_int,
    as_text,
    from_ms,
    maybe_text,
    maybe_time,
    pack_ids,
    to_ms,
    unpack_ids,
)
from service.tables.cases import Assignment, Case, CaseSection, Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case's clear metadata, MAC checked. ``version`` is what If-Match compares."""

    id: CaseId
    number: str
    collaboration: CollaborationId
    owner: OrganisationId
    sections: frozenset[SectionId]
    opened: datetime
    closed: datetime | None
    closing_reason: ClosingReason | None
    conditions: Conditions
    version: int


class SealedRow(NamedTuple):
    """One encrypted value; ``thread`` is 16 zeros where the slot belongs to no recipient.

    A tuple, because a read makes dozens of them.
    """

    record: bytes
    slot: Slot
    column: int
    thread: bytes
    version: int
    blob: bytes


RECORD_SIZE = 76
_PLACE = struct.Struct(">16sHH16sQ")


def sealed_record(row: SealedRow) -> bytes:
    """What an entry commits to of a sealed row that it wrote, 76 bytes: its place, its version, its bytes' hash."""
    place = _PLACE.pack(row.record, row.slot, row.column, row.thread, row.version)
    return place + sha256(row.blob).digest()


_COLUMNS = "id, number, collaboration, owner, sections, opened, closed, closing_reason, hardship, willing, version, mac"


def _mac_columns(row: CaseRow) -> tuple[bytes | str | int | None, ...]:
    """Every column: who owns the case and whether it is closed are what decisions stand on."""
    return (
        row.id.bytes,
        row.number,
        row.collaboration.bytes,
        row.owner.bytes,
        pack_ids(frozenset(section.bytes for section in row.sections)),
        to_ms(row.opened),
        None if row.closed is None else to_ms(row.closed),
        None if row.closing_reason is None else row.closing_reason.value,
        _flag(row.conditions.hardship),
        _flag(row.conditions.willing),
    )


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _case(tx: Transaction, row: Row) -> CaseRow:
    reason = maybe_text(row[7])
    case = CaseRow(
        id=CaseId(UUID(bytes=as_bytes(row[0]))),
        number=as_text(row[1]),
        collaboration=CollaborationId(UUID(bytes=as_bytes(row[2]))),
        owner=OrganisationId(UUID(bytes=as_bytes(row[3]))),
        sections=frozenset(SectionId(UUID(bytes=part)) for part in unpack_ids(row[4])),
        opened=from_ms(as_int(row[5])),
        closed=maybe_time(row[6]),
        closing_reason=None if reason is None else ClosingReason(reason),
        conditions=Conditions(hardship=as_flag(row[8]), willing=as_flag(row[9])),
        version=as_int(row[10]),
    )
    tx.macs.check(Marked.CASE, case.version, _mac_columns(case), row[11])
    return case


async def case_called(tx: Transaction, id: UUID | None, number: str) -> CaseRow | None:
    """The case with that id, or else with that number."""
    if id is not None:
        return await case(tx, CaseId(id))
    found = tx.row("SELECT id FROM cases WHERE number = ?", number)
    return None if found is None else await case(tx, CaseId(UUID(bytes=as_bytes(found[0]))))


async def case(tx: Transaction, case: CaseId) -> CaseRow | None:
    found = tx.row(f"SELECT {_COLUMNS} FROM cases WHERE id = ?", case.bytes)  # noqa: S608  # constant columns
    return None if found is None else _case(tx, found)


async def number_taken(tx: Transaction, number: str) -> bool:
    return tx.row("SELECT 1 FROM cases WHERE number = ?", number) is not None


async def add_case(tx: Transaction, row: CaseRow) -> None:
    written = [(Case.id, row.id.bytes), (Case.number, row.number), *_written(tx, row)]
    await Case.insert(Case(dict(written)))
    for section in sorted(row.sections):
        await CaseSection.insert(CaseSection(case=row.id.bytes, section=section.bytes))


async def change_case(tx: Transaction, row: CaseRow) -> CaseRow:
    """Writes the row with its next version. Owner, collaboration and number never change."""
    changed = replace(row, version=row.version + 1)
    values: dict[Column | str, Value] = dict(_written(tx, changed))
    await Case.update(values).where(Case.id == row.id.bytes)
    return changed


def _written(tx: Transaction, row: CaseRow) -> list[tuple[Column, Value]]:
    return [
        (Case.collaboration, row.collaboration.bytes),
        (Case.owner, row.owner.bytes),
        (Case.sections, pack_ids(frozenset(section.bytes for section in row.sections))),
        (Case.opened, to_ms(row.opened)),
        (Case.closed, None if row.closed is None else to_ms(row.closed)),
        (Case.closing_reason, None if row.closing_reason is None else row.closing_reason.value),
        (Case.hardship, _flag(row.conditions.hardship)),
        (Case.willing, _flag(row.conditions.willing)),
        (Case.version, row.version),
        (Case.mac, tx.macs.make(Marked.CASE, row.version, _mac_columns(row))),
    ]


async def cases_of(
    tx: Transaction,
    owner: OrganisationId,
    within: tuple[UserId, Collection[SectionId]] | None,
    after: tuple[datetime, CaseId] | None,
    limit: int,
) -> tuple[CaseRow, ...]:
    """Cases of an owner, newest first, at most ``limit`` (0: all), after the one named.

    ``within`` narrows to the cases of these sections and those assigned to this user.
    """
    where, values = ["owner = ?"], [owner.bytes]
    values_all: list[Value] = list(values)
    if within is not None:
        user, sections = within
        marks = ",".join("?" * len(sections)) or "NULL"
        where.append(
            f'(id IN (SELECT "case" FROM case_section WHERE section IN ({marks})) '  # noqa: S608  # only places
            'OR id IN (SELECT "case" FROM assignment WHERE user = ?))'
        )
        values_all += [*(section.bytes for section in sorted(sections)), user.bytes]
    if after is not None:
        where.append("(opened, id) < (?, ?)")
        values_all += [to_ms(after[0]), after[1].bytes]
    sql = f"SELECT {_COLUMNS} FROM cases WHERE {' AND '.join(where)} ORDER BY opened DESC, id DESC LIMIT ?"  # noqa: S608
    rows = tx.rows(sql, *values_all, limit or -1)
    return tuple(_case(tx, row) for row in rows)


async def assign(tx: Transaction, case: CaseId, user: UserId, now: datetime) -> None:
    columns = (case.bytes, user.bytes)
    if tx.row('SELECT 1 FROM assignment WHERE user = ? AND "case" = ?', user.bytes, case.bytes) is None:
        await Assignment.insert(
            Assignment(
                case=case.bytes,
                user=user.bytes,
                created=to_ms(now),
                version=1,
                mac=tx.macs.make(Marked.ASSIGNMENT, 1, columns),
            )
        )


async def unassign(tx: Transaction, case: CaseId, user: UserId) -> None:
    await Assignment.delete().where((Assignment.case == case.bytes) & (Assignment.user == user.bytes))


async def is_assigned(tx: Transaction, case: CaseId, user: UserId) -> bool:
    """Whether a supervisor assigned the case to the user, the row's MAC checked."""
    found = tx.row(
        'SELECT version, mac FROM assignment WHERE user = ? AND "case" = ?', user.bytes, case.bytes
    )
    if found is None:
        return False
    tx.macs.check(Marked.ASSIGNMENT, as_int(found[0]), (case.bytes, user.bytes), found[1])
    return True


async def sealed_values(
    tx: Transaction, case: CaseId, slots: Collection[Slot], threads: Collection[bytes] | None = None
) -> tuple[SealedRow, ...]:
    """The sealed values of these slots, in the order in which they were written; of these threads, None: of all."""
    where = f'"case" = ? AND slot IN ({",".join(map(str, sorted(slots)))})'
    values: list[Value] = [case.bytes]
    if threads is not None:
        where += f" AND thread IN ({','.join('?' * len(threads))})"
        values += threads
    rows = tx.rows(
        f'SELECT record, slot, "column", thread, version, blob FROM sealed WHERE {where} ORDER BY id',  # noqa: S608
        *values,
    )
    return tuple(
        SealedRow(
            as_bytes(row[0]),
            Slot(as_int(row[1])),
            as_int(row[2]),
            as_bytes(row[3]),
            as_int(row[4]),
            as_bytes(row[5]),
        )
        for row in rows
    )


async def put_sealed(tx: Transaction, case: CaseId, row: SealedRow) -> None:
    """Writes a sealed value in the place of the one that stood there."""
    await Sealed.delete().where(
        (Sealed.case == case.bytes)
        & (Sealed.record == row.record)
        & (Sealed.slot == row.slot)
        & (Sealed.column == row.column)
    )
    await Sealed.insert(
        Sealed(
            case=case.bytes,
            record=row.record,
            slot=row.slot,
            column=row.column,
            thread=row.thread,
            version=row.version,
            blob=row.blob,
        )
    )
