"""The service's own comings and goings, in the tree of the organisation that operates it."""

from audit.event import Event
from service.flows.entries import entry, tree_of_organisation
from service.house import House
from service.store import organisations
from service.store.engine import Transaction
from service.store.log import Record
from service.store.writer import Done


async def note(house: House, event: Event) -> None:
    """Logs that the service started or stopped; what lies between is the record. Raises UnavailableError."""

    async def job(tx: Transaction) -> Done[None]:
        found = await organisations.instance(tx)
        if found is None:
            return Done(outcome=None)
        tree = await tree_of_organisation(tx, found.operator)
        return Done(outcome=None, records=(Record(tree=tree, entry=entry(house, None, event)),))

    await house.commit(job)
