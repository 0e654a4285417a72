"""The first refusal: an action that the role never has, whatever it is about. Logged like every other."""

from audit.event import Reason
from policies.actions import Action
from service.flows.entries import EVENT_OF, Refusal, refuse, settle
from service.flows.errors import NeverAllowedError
from service.house import House, Who
from service.store.engine import Transaction
from service.store.writer import Done


async def refuse_if_never(house: House, who: Who, action: Action) -> None:
    """Raises NeverAllowedError, once its entry is durable, where the role has no cell for the action."""
    if not house.policy.matrix.rights[who.principal.role, action].never:
        return

    async def job(tx: Transaction) -> Done[Refusal]:
        return await refuse(tx, house, who, EVENT_OF[action], Reason.ROLE, NeverAllowedError())

    await settle(house, job)
