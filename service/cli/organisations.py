"""``tsunagi org add``: a partner with its sections, or more sections for one that is there."""

import argparse

from service.cli.running import in_house
from service.cli.saying import say
from service.flows.administration import add_organisation, add_sections
from service.flows.console import AdministrationError, Problem
from service.flows.people import find_organisation
from service.house import House
from service.settings import Settings
from service.store.organisations import OrganisationKind


def add(settings: Settings, arguments: argparse.Namespace) -> int:
    """Adds the organisation; where it is there already, of this kind, adds the sections to it."""
    name: str = arguments.name
    sections = tuple(arguments.section)

    async def work(house: House) -> int:
        kind = OrganisationKind(arguments.kind)
        if sections and await _is_there(house, name, kind):
            await add_sections(house, name, sections)
        else:
            await add_organisation(
                house, name=name, kind=kind, collaboration=arguments.collaboration, sections=sections
            )
        say(f"Added: {name}")
        for section in sections:
            say(f"  section {section}")
        return 0

    return in_house(settings, work)


async def _is_there(house: House, name: str, kind: OrganisationKind) -> bool:
    try:
        found = await find_organisation(house, name)
    except AdministrationError as error:
        if error.problem is Problem.NO_ORGANISATION:
            return False
        raise
    return found.kind is kind
