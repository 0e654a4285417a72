"""What the reviews need beside the log: accounts, sections, last sign-ins, and the details of flags and checks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.times import read_time
from cases.ids import CaseId, CollaborationId, SectionId, UserId
from service.store.engine import Transaction
from service.store.trees import EntryRow
from service.store.users import UserState
from service.store.values import as_bytes, as_int, as_text, from_ms, maybe_text, unpack_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account of a partner of the collaboration."""

    id: UserId
    active: bool
    created: datetime
    sections: frozenset[SectionId]


async def accounts_of(tx: Transaction, collaboration: CollaborationId) -> tuple[AccountRow, ...]:
    """The accounts of every organisation of a collaboration. For a review: nothing is decided by them."""
    rows = tx.rows(
        "SELECT u.id, u.state, u.created, u.sections FROM user u JOIN membership m ON m.organisation = u.organisation "
        "WHERE m.collaboration = ? ORDER BY u.id",
        collaboration.bytes,
    )
    return tuple(
        AccountRow(
            id=UserId(UUID(bytes=as_bytes(row[0]))),
            active=row[1] == UserState.ACTIVE.value,
            created=from_ms(as_int(row[2])),
            sections=frozenset(SectionId(UUID(bytes=part)) for part in unpack_ids(row[3])),
        )
        for row in rows
    )


async def sections_of_cases(
    tx: Transaction, collaboration: CollaborationId
) -> dict[CaseId, frozenset[SectionId]]:
    """The sections of each case of a collaboration."""
    rows = tx.rows("SELECT id, sections FROM cases WHERE collaboration = ?", collaboration.bytes)
    return {
        CaseId(UUID(bytes=as_bytes(row[0]))): frozenset(
            SectionId(UUID(bytes=part)) for part in unpack_ids(row[1])
        )
        for row in rows
    }


async def last_sign_ins(tx: Transaction) -> dict[str, datetime]:
    """The time of each account's last sign-in, by the account's text form, over all logs."""
    rows = tx.rows(
        "SELECT act, max(t) FROM entry WHERE ev = 'login.ok' AND tree IN (SELECT number FROM tree) "
        "AND act IS NOT NULL GROUP BY act"
    )
    return {as_text(row[0]): read_time(as_text(row[1])) for row in rows}


async def entries_of_event(tx: Transaction, tree: int, event: str) -> tuple[EntryRow, ...]:
    """Every entry of a tree with that event that has its text, oldest first."""
    rows = tx.rows(
        "SELECT idx, leaf, leaf_hash FROM entry WHERE tree = ? AND ev = ? ORDER BY idx", tree, event
    )
    return tuple(
        EntryRow(index=as_int(row[0]), leaf=maybe_text(row[1]), leaf_hash=as_bytes(row[2])) for row in rows
    )
