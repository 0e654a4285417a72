"""Sets up the house at the console: the first start, organisations, sections. People stand in `people`.

Nothing here decides who may see a case; what gives power is under a row MAC and has its entry in the log.
"""

from audit.event import Event
from cases.ids import (
    COLLABORATION,
    ORGANISATION,
    SECTION,
    CollaborationId,
    OrganisationId,
    SectionId,
    write_id,
)
from service.flows.changes import reset_user, set_role, stop_user
from service.flows.console import AdministrationError, Present, Problem, check_name, new_uuid, record
from service.flows.entries import tree_of_collaboration, tree_of_organisation
from service.flows.membership import present_member
from service.flows.people import AddedUser, NewUser, SecondFactor, add_user
from service.flows.setting_up import Answers, SetUp, set_up
from service.flows.starting import start_tree
from service.house import House
from service.store import organisations
from service.store.engine import Transaction
from service.store.log import Record
from service.store.organisations import OrganisationKind, OrganisationRow
from service.store.writer import Done

__all__ = [
    "AddedUser",
    "AdministrationError",
    "Answers",
    "NewUser",
    "Present",
    "Problem",
    "SecondFactor",
    "SetUp",
    "add_organisation",
    "add_sections",
    "add_user",
    "present_member",
    "reset_user",
    "set_role",
    "set_up",
    "stop_user",
]


async def add_organisation(
    house: House,
    *,
    name: str,
    kind: OrganisationKind,
    collaboration: str | None = None,
    sections: tuple[str, ...] = (),
) -> OrganisationId:
    """Adds a partner to a collaboration (by name; None: the only one), with its own tree and its sections.

    Raises AdministrationError (NAME_TAKEN, BAD_NAME, NO_COLLABORATION, WHICH_COLLABORATION).
    """
    for text in (name, *sections):
        check_name(text)

    async def job(tx: Transaction) -> Done[OrganisationId]:
        if await organisations.organisation_named(tx, name) is not None:
            raise AdministrationError(Problem.NAME_TAKEN)
        joined = await _collaboration(tx, collaboration)
        id = OrganisationId(new_uuid(house))
        row = OrganisationRow(id=id, name=name, kind=kind)
        await organisations.add_organisation(tx, row, house.clock())
        await organisations.join(tx, joined, id)
        tree, started = await start_tree(tx, house, write_id(ORGANISATION, id), id, await _practice(tx))
        shared = await tree_of_collaboration(tx, joined)
        mine = record(house, tree, Event.ORGANISATION_ADD, id, object=write_id(COLLABORATION, joined))
        theirs = record(house, shared, Event.ORGANISATION_ADD, id, object=write_id(ORGANISATION, id))
        more = await _write_sections(tx, house, tree, id, sections)
        return Done(outcome=id, records=(started, mine, theirs, *more))

    return (await house.commit(job)).outcome


async def add_sections(house: House, organisation: str, sections: tuple[str, ...]) -> OrganisationId:
    """Adds sections to an organisation that is there, by its name.

    Raises AdministrationError (NO_ORGANISATION, NAME_TAKEN for a section that is there, BAD_NAME).
    """
    for text in sections:
        check_name(text)

    async def job(tx: Transaction) -> Done[OrganisationId]:
        found = await organisations.organisation_named(tx, organisation)
        if found is None:
            raise AdministrationError(Problem.NO_ORGANISATION)
        tree = await tree_of_organisation(tx, found.id)
        return Done(outcome=found.id, records=await _write_sections(tx, house, tree, found.id, sections))

    return (await house.commit(job)).outcome


async def _write_sections(
    tx: Transaction, house: House, tree: int, organisation: OrganisationId, names: tuple[str, ...]
) -> tuple[Record, ...]:
    there = {name for _, name in await organisations.sections_of(tx, organisation)}
    if len(set(names)) < len(names) or there & set(names):
        raise AdministrationError(Problem.NAME_TAKEN)
    records: list[Record] = []
    for name in names:
        id = SectionId(new_uuid(house))
        await organisations.add_section(tx, id, organisation, name)
        named = write_id(SECTION, id)
        records.append(record(house, tree, Event.ORGANISATION_ADD, organisation, object=named))
    return tuple(records)


async def _practice(tx: Transaction) -> bool:
    found = await organisations.instance(tx)
    return found is not None and found.practice


async def _collaboration(tx: Transaction, name: str | None) -> CollaborationId:
    if name is not None:
        found = await organisations.collaboration_named(tx, name)
        if found is None:
            raise AdministrationError(Problem.NO_COLLABORATION)
        return found
    everything = await organisations.collaborations(tx)
    if len(everything) != 1:
        raise AdministrationError(Problem.WHICH_COLLABORATION)
    return everything[0][0]
