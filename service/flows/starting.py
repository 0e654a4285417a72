"""The beginning of a tree: its first entry says that it starts, and whether its database holds practice data."""

from audit.event import Event, Flag
from cases.ids import OrganisationId
from service.flows.console import record
from service.house import House
from service.store import trees
from service.store.engine import Transaction
from service.store.log import Record


async def start_tree(
    tx: Transaction, house: House, name: str, organisation: OrganisationId, practice: bool
) -> tuple[int, Record]:
    """A new tree's number, and its first entry, which the caller hands over before any other of the tree.

    ``name`` is the text form of the collaboration's or the organisation's id (formats.md, Origin).
    """
    made = await trees.add_tree(tx, name, f"{house.settings.origin}/{name}")
    flags = (Flag.PRACTICE,) if practice else ()
    return made.number, record(house, made.number, Event.SYSTEM_START, organisation, object=name, flags=flags)
