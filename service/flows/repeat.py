"""Creates that are sent twice do one thing: the Idempotency-Key's row holds hashes and an id, never a body."""

from dataclasses import dataclass

from cases.ids import UserId
from crypto.context import LABEL_IDEMPOTENCY
from crypto.rowmac import keyed_hash
from service.flows.errors import ReusedKeyError
from service.house import House, Who
from service.store import sessions
from service.store.engine import Transaction
from service.store.sessions import Before


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """What the caller sent to do a create once: the key, and the request it is for (method, path and body)."""

    key: str
    request: bytes


async def done_before(tx: Transaction, house: House, who: Who, once: Once | None) -> str | None:
    """The id of what was created before under this key; None where nothing was.

    Raises ReusedKeyError where the key stood for another request.
    """
    if once is None:
        return None
    before = await sessions.done_before(tx, _name(house, who.principal.user, once))
    if before is None:
        return None
    if before.request_hash != _hash(house, once):
        raise ReusedKeyError
    return before.object


async def remember(tx: Transaction, house: House, who: Who, once: Once | None, made: str) -> None:
    """Keeps that ``made`` (an id's text form) was created under this key."""
    if once is not None:
        name = _name(house, who.principal.user, once)
        before = Before(request_hash=_hash(house, once), status=201, object=made)
        await sessions.remember(tx, name, before, house.clock())


def _name(house: House, user: UserId, once: Once) -> bytes:
    return keyed_hash(house.root, LABEL_IDEMPOTENCY, b"name" + user.bytes + once.key.encode())


def _hash(house: House, once: Once) -> bytes:
    return keyed_hash(house.root, LABEL_IDEMPOTENCY, b"request" + once.request)
