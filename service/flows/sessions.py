"""The session that a request came with: end it, say whose it is, change the password."""

from collections.abc import Callable
from dataclasses import dataclass

from audit.event import Decision, Event, Reason
from crypto.errors import CryptoError
from crypto.password import ArgonCost, Method, Unlock, lock_seed, open_seed
from policies.actions import Action
from service.flows.digests import unlock_digest
from service.flows.entries import Refusal, entry, settle, tree_of_organisation
from service.flows.errors import NotSignedInError
from service.flows.passwords import check_password
from service.flows.sign_in import give_back
from service.flows.situation import admit_without_case
from service.flows.throttle import Keys, count_attempt, forget_attempts, throttle_keys
from service.house import BusyError, House, Who
from service.store import organisations, sessions, users
from service.store.engine import Transaction
from service.store.log import Record
from service.store.organisations import OrganisationRow
from service.store.users import UnlockRow, UserRow
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """Who is signed in, and where."""

    user: UserRow
    organisation: OrganisationRow


async def read_session(house: House, who: Who) -> SessionView:
    """Whose session it is. Raises NotSignedInError where it ended meanwhile."""

    async def query(tx: Transaction) -> SessionView:
        user = await users.user(tx, who.principal.user)
        if user is None:
            raise NotSignedInError
        home = organisations.must(await organisations.organisation(tx, user.organisation))
        return SessionView(user=user, organisation=home)

    return await house.look(query)


async def sign_out(house: House, who: Who) -> None:
    """Ends the session, everywhere at once; its opened keys are dropped."""

    async def job(tx: Transaction) -> Done[None]:
        await sessions.end_session(tx, who.session)
        made = entry(house, who, Event.SESSION_END, reason=Reason.LOGOUT)
        tree = await tree_of_organisation(tx, who.principal.organisation)
        return Done(outcome=None, records=(Record(tree=tree, entry=made),))

    await house.commit(job)
    house.handles.forget(who.session)


async def change_password(house: House, who: Who, old: str, new: str, address: str) -> None:
    """A new password for the same seed: fresh salt, new blob; every other session of the user ends, and no browser is
    known as the user's any more.

    Raises NotSignedInError for a wrong old password, PasswordError for a new one that is too weak, ThrottledError,
    BusyError.
    """
    view = await read_session(house, who)
    check_password(new, view.user.login)
    keys = throttle_keys(house, view.user.login, address, who.session)

    async def count(tx: Transaction) -> Done[UnlockRow | None]:
        await count_attempt(tx, house, keys)
        return Done(outcome=await users.unlock(tx, who.principal.user))

    row = (await house.commit(count)).outcome
    sealed = await _try(house, keys, lambda: None if row is None else _relock(house, who, row, old, new))

    async def job(tx: Transaction) -> Done[None] | Done[Refusal]:
        allowed = await admit_without_case(tx, house, who, Action.SESSION_PASSWORD)
        if isinstance(allowed, Done):
            return allowed
        tree = await tree_of_organisation(tx, who.principal.organisation)
        if sealed is None or await users.unlock(tx, who.principal.user) != row:
            made = entry(
                house, who, Event.PASSWORD_CHANGE, reason=Reason.WRONG_PASSWORD, decision=Decision.DENY
            )
            return Done(outcome=Refusal(NotSignedInError()), records=(Record(tree=tree, entry=made),))
        await forget_attempts(tx, house, keys)
        await users.put_unlock(tx, who.principal.user, sealed)
        await sessions.end_other_sessions(tx, who.principal.user, who.session)
        await sessions.forget_devices(tx, who.principal.user)
        cost = (sealed.memory, sealed.passes, sealed.lanes)
        digest = unlock_digest(who.principal.user, sealed.salt, cost)
        made = entry(house, who, Event.PASSWORD_CHANGE, digest=digest)
        return Done(outcome=None, records=(Record(tree=tree, entry=made),))

    await settle(house, job)


async def _try(house: House, keys: Keys, work: Callable[[], UnlockRow | None]) -> UnlockRow | None:
    """Does the slow work; where too much waits already, the attempt is taken back. Raises BusyError."""
    try:
        return await house.slowly(work)
    except BusyError:
        await give_back(house, keys)
        raise


def _relock(house: House, who: Who, row: UnlockRow, old: str, new: str) -> UnlockRow | None:
    """The seed opened with the old password and closed with the new one; None where the old one is wrong."""
    user = who.principal.user.bytes
    try:
        cost = ArgonCost.read(row.memory, row.passes, row.lanes, house=house.cost)
        unlock = Unlock(salt=row.salt, cost=cost, blob=row.blob)
        root = house.roots.by_number(row.root_key)
        seed = open_seed(old, unlock, user, Method.PASSWORD, root)
    except CryptoError:
        return None
    made = lock_seed(new, seed, user, Method.PASSWORD, house.cost, house.root, house.random)
    return UnlockRow(
        salt=made.salt,
        memory=made.cost.m_kib,
        passes=made.cost.t,
        lanes=made.cost.p,
        root_key=house.root.number,
        blob=made.blob,
    )
