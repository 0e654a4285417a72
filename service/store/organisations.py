"""Organisations, collaborations, sections, and what this database is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cases.ids import CollaborationId, OrganisationId, SectionId
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.macs import Marked
from service.store.values import as_bytes, as_int, as_text, from_ms, to_ms
from service.tables.organisations import Collaboration, Instance, Membership, Organisation, Place, Section


class OrganisationKind(StrEnum):
    """What an organisation is. Nothing is decided by it but which roles its people may have."""

    MUNICIPALITY = "municipality"
    NPO = "npo"
    COUNCIL = "council"
    BUSINESS = "business"
    INTERMEDIARY = "intermediary"
    AUDIT_OFFICE = "audit_office"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """What this database is: who operates it, whether it holds practice data, which root key wraps it.

    ``root_proof`` tells that root key from any other (`RootKey.proof`, 32 bytes).
    """

    operator: OrganisationId
    practice: bool
    root_key: int
    root_proof: bytes
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRow:
    id: OrganisationId
    name: str
    kind: OrganisationKind


async def add_instance(tx: Transaction, row: InstanceRow) -> None:
    await Instance.insert(
        Instance(
            id=1,
            operator=row.operator.bytes,
            practice=int(row.practice),
            root_key=row.root_key,
            root_proof=row.root_proof,
            created=to_ms(row.created),
        )
    )


async def instance(tx: Transaction) -> InstanceRow | None:
    """What this database is, or None where it was never set up."""
    found = tx.row("SELECT operator, practice, root_key, root_proof, created FROM instance WHERE id = 1")
    if found is None:
        return None
    return InstanceRow(
        operator=OrganisationId(UUID(bytes=as_bytes(found[0]))),
        practice=as_int(found[1]) == 1,
        root_key=as_int(found[2]),
        root_proof=as_bytes(found[3]),
        created=from_ms(as_int(found[4])),
    )


async def add_organisation(tx: Transaction, row: OrganisationRow, now: datetime) -> None:
    await Organisation.insert(
        Organisation(id=row.id.bytes, name=row.name, kind=row.kind.value, created=to_ms(now))
    )


async def organisation(tx: Transaction, organisation: OrganisationId) -> OrganisationRow | None:
    found = tx.row("SELECT id, name, kind FROM organisation WHERE id = ?", organisation.bytes)
    return None if found is None else _organisation(found)


async def organisation_named(tx: Transaction, name: str) -> OrganisationRow | None:
    found = tx.row("SELECT id, name, kind FROM organisation WHERE name = ?", name)
    return None if found is None else _organisation(found)


def _organisation(row: tuple[bytes | str | int | float | None, ...]) -> OrganisationRow:
    return OrganisationRow(
        id=OrganisationId(UUID(bytes=as_bytes(row[0]))),
        name=as_text(row[1]),
        kind=OrganisationKind(as_text(row[2])),
    )


async def add_collaboration(
    tx: Transaction, collaboration: CollaborationId, name: str, now: datetime
) -> None:
    await Collaboration.insert(Collaboration(id=collaboration.bytes, name=name, created=to_ms(now)))


async def join(tx: Transaction, collaboration: CollaborationId, organisation: OrganisationId) -> None:
    """Makes the organisation a partner of the collaboration."""
    columns = (collaboration.bytes, organisation.bytes)
    await Membership.insert(
        Membership(
            collaboration=columns[0],
            organisation=columns[1],
            version=1,
            mac=tx.macs.make(Marked.MEMBERSHIP, 1, columns),
        )
    )


async def collaborations_of(tx: Transaction, organisation: OrganisationId) -> tuple[CollaborationId, ...]:
    """The collaborations of the organisation, each membership's MAC checked."""
    rows = tx.rows(
        "SELECT collaboration, version, mac FROM membership WHERE organisation = ? ORDER BY id",
        organisation.bytes,
    )
    for row in rows:
        tx.macs.check(Marked.MEMBERSHIP, as_int(row[1]), (as_bytes(row[0]), organisation.bytes), row[2])
    return tuple(CollaborationId(UUID(bytes=as_bytes(row[0]))) for row in rows)


async def partners(tx: Transaction, collaboration: CollaborationId) -> tuple[OrganisationRow, ...]:
    """The organisations of the collaboration, in the order in which they joined."""
    rows = tx.rows(
        "SELECT o.id, o.name, o.kind, m.version, m.mac FROM membership m JOIN organisation o ON o.id = m.organisation "
        "WHERE m.collaboration = ? ORDER BY m.id",
        collaboration.bytes,
    )
    for row in rows:
        tx.macs.check(Marked.MEMBERSHIP, as_int(row[3]), (collaboration.bytes, as_bytes(row[0])), row[4])
    return tuple(_organisation(row) for row in rows)


async def collaboration_named(tx: Transaction, name: str) -> CollaborationId | None:
    found = tx.row("SELECT id FROM collaboration WHERE name = ?", name)
    return None if found is None else CollaborationId(UUID(bytes=as_bytes(found[0])))


async def collaborations(tx: Transaction) -> tuple[tuple[CollaborationId, str], ...]:
    """Every collaboration and its name."""
    rows = tx.rows("SELECT id, name FROM collaboration ORDER BY created, id")
    return tuple((CollaborationId(UUID(bytes=as_bytes(row[0]))), as_text(row[1])) for row in rows)


async def add_section(tx: Transaction, section: SectionId, organisation: OrganisationId, name: str) -> None:
    await Section.insert(Section(id=section.bytes, organisation=organisation.bytes, name=name))


async def sections_of(tx: Transaction, organisation: OrganisationId) -> tuple[tuple[SectionId, str], ...]:
    """The sections of the organisation and their names."""
    rows = tx.rows("SELECT id, name FROM section WHERE organisation = ? ORDER BY name", organisation.bytes)
    return tuple((SectionId(UUID(bytes=as_bytes(row[0]))), as_text(row[1])) for row in rows)


async def add_place(tx: Transaction, collaboration: CollaborationId, code: str, name: str) -> None:
    await Place.insert(Place(collaboration=collaboration.bytes, code=code, name=name))


async def places_of(tx: Transaction, collaboration: CollaborationId) -> tuple[tuple[str, str], ...]:
    """The codes and names of the collaboration's places of pick-up."""
    rows = tx.rows("SELECT code, name FROM place WHERE collaboration = ? ORDER BY id", collaboration.bytes)
    return tuple((as_text(row[0]), as_text(row[1])) for row in rows)


def must(found: OrganisationRow | None) -> OrganisationRow:
    """The organisation that a foreign key names. Raises TamperedError where it is gone."""
    if found is None:
        raise TamperedError("organisation")
    return found
