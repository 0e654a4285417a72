"""From a request's token to who asks. The only place where a `Principal` is made.

Rules kept here:
- A session made for a cookie is refused as a bearer token, and the other way round.
- Idle for 15 minutes, or 12 hours old: ended, whatever the row says later.
- The user's rights are read with the session in one statement, and their MAC is checked.
"""

from dataclasses import dataclass

from audit.event import Via
from crypto.errors import Blob, CryptoError, OpenError
from crypto.session import log_mark, open_session, read_token, session_id
from policies.who import Principal
from service.flows.sign_in import IDLE
from service.flows.witnesses import TOKEN, hash_token
from service.house import House, KeyHandle, Watcher, Who
from service.logs import get_logger
from service.store import sessions, trees, witnesses
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.sessions import SessionRow, Transport
from service.store.users import UserRow, UserState
from service.store.values import to_ms
from service.store.witnesses import WitnessState
from service.store.writer import Done

COOKIE = "__Host-tsunagi"
DEVICE = "__Host-tsunagi-device"
_TOUCH_AFTER_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The token that a request carries, and how."""

    text: str
    transport: Transport

    def __repr__(self) -> str:
        return "<Presented>"


def presented(authorization: str | None, cookie: str | None) -> Presented | None:
    """The token of a request's headers; the bearer header goes first, and both together are refused."""
    bearer = None if authorization is None else authorization.removeprefix("Bearer ")
    if bearer is not None and authorization == bearer:
        return None
    if bearer is not None and cookie is not None:
        return None
    if bearer is not None:
        return Presented(text=bearer, transport=Transport.BEARER)
    return None if cookie is None else Presented(text=cookie, transport=Transport.COOKIE)


async def find_who(house: House, shown: Presented | None, request: str) -> Who | None:
    """Who asks, or None: no token, one that is none, ended, idle, stopped, or shown the wrong way."""
    if shown is None:
        return None
    try:
        token = read_token(shown.text)
        found = await house.look(lambda tx: sessions.session_with_user(tx, session_id(token)))
        if found is None or not _usable(house, shown, *found):
            house.handles.forget(session_id(token))
            return None
        row, user = found
        keys = _handle(house, token, row, user)
    except CryptoError:
        return None
    except TamperedError as error:
        get_logger().error("tampered", table=error.table)
        return None
    await _touch(house, row)
    return Who(
        principal=Principal(
            user=user.id,
            organisation=user.organisation,
            role=user.role,
            sections=user.sections,
            version=user.version,
        ),
        name=user.name,
        session=row.id,
        mark=log_mark(token).hex(),
        request=request,
        via=Via.UI if row.transport is Transport.COOKIE else Via.API,
        keys=keys,
    )


async def find_watcher(house: House, authorization: str | None) -> Watcher | None:
    """The witness whose bearer token this is, or None: no such token, removed, changed behind our back."""
    text = (authorization or "").removeprefix("Bearer ")
    token = hash_token(house, text) if text.startswith(TOKEN) and authorization != text else None
    if token is None:
        return None

    async def query(tx: Transaction) -> Watcher | None:
        found = await witnesses.witness_of_token(tx, token)
        if found is None or found.state is not WitnessState.ACTIVE:
            return None
        tree = await trees.tree_of_number(tx, found.tree)
        return Watcher(name=found.name, tree=found.tree, tree_name=tree.name)

    try:
        return await house.look(query)
    except TamperedError as error:
        get_logger().error("tampered", table=error.table)
        return None


def _usable(house: House, shown: Presented, row: SessionRow, user: UserRow) -> bool:
    now = house.clock()
    return (
        row.transport is shown.transport
        and row.user == user.id
        and row.version == user.version
        and user.state is UserState.ACTIVE
        and now < row.expires
        and now < row.seen + IDLE
    )


def _handle(house: House, token: bytes, row: SessionRow, user: UserRow) -> KeyHandle:
    """The handle of the session, opened with its token: the seed must be the user's own. Raises OpenError."""
    whole = (row.blob, user.id, row.expires)
    kept = house.handles.find(row.id, whole)
    if kept is None:
        kept = KeyHandle(open_session(token, row.blob, user.id.bytes, to_ms(row.expires) // 1000))
        if kept.user().public != user.public_key:
            raise OpenError(Blob.SESSION)
        house.handles.keep(row.id, whole, kept)
    return kept


async def _touch(house: House, row: SessionRow) -> None:
    """Notes, at most once a minute, that the session is in use."""
    now = house.clock()
    if to_ms(now) - to_ms(row.seen) < _TOUCH_AFTER_MS:
        return

    async def job(tx: Transaction) -> Done[None]:
        await sessions.touch_session(tx, row.id, now)
        return Done(outcome=None)

    await house.commit(job)
