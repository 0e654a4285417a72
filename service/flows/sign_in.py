"""Signing in: login, password and code in one request, and one answer for whatever was wrong.

Opening the user's seed with the password is the password check. Nothing is asked of the database that would take
another time for a login that does not exist: the key derivation runs in any case. Every attempt that is tried has its
entry, failures past a number a minute their count.
"""

from dataclasses import dataclass
from datetime import timedelta

from audit.event import Decision, Entry, Event, Reason, Via
from cases.ids import ORGANISATION, USER, OrganisationId, write_id
from crypto import totp
from crypto.context import LABEL_DEVICE
from crypto.errors import CryptoError
from crypto.password import ArgonCost, Method, Unlock, burn, open_seed
from crypto.rowmac import keyed_hash
from crypto.session import log_mark, new_token, seal_session, session_id
from policies.who import Role
from service.flows.entries import Refusal, detailed, entry, settle, tree_of_organisation
from service.flows.errors import NotSignedInError
from service.flows.throttle import (
    Keys,
    count_attempt,
    count_failure,
    forget_attempts,
    take_back,
    throttle_keys,
)
from service.house import BusyError, House
from service.store import organisations, sessions, users
from service.store.engine import Transaction
from service.store.log import Record
from service.store.sessions import SessionRow, Transport
from service.store.users import SecondFactorRow, UnlockRow, UserRow, UserState
from service.store.writer import Done

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
MOST_SAID = 200  # letters of an address, and of what a browser says of itself
NEEDS_CODE = frozenset({Role.ADMIN, Role.SUPERVISOR, Role.AUDITOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What was sent. ``device`` is the token of a browser that has signed in before, ``address`` the peer's,
    ``browser`` what it says of itself (its User-Agent)."""

    login: str
    password: str
    code: str | None
    transport: Transport
    address: str
    browser: str
    request: str
    device: bytes | None = None

    def __repr__(self) -> str:
        return "<Credentials>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A new session: the token goes to the browser or program, and nowhere else. ``device`` is new where not None."""

    token: bytes
    user: UserRow
    organisation: str
    device: bytes | None

    def __repr__(self) -> str:
        return "<SignedIn>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database has of the login; every part may be missing. ``locked``: after a failure the person waits
    longest."""

    user: UserRow | None
    unlock: UnlockRow | None
    factor: SecondFactorRow | None
    keys: Keys
    locked: bool


async def sign_in(house: House, sent: Credentials) -> SignedIn:
    """A session for the one whom login, password and code prove.

    Raises NotSignedInError for whatever is wrong, ThrottledError where it comes too early, BusyError.
    """
    known = await _count(house, sent)
    keys = known.keys
    try:
        seed = await house.slowly(lambda: _open(house, known, sent.password))
    except BusyError:
        await give_back(house, keys)
        raise
    reason, step = _check(house, known, seed, sent)
    if seed is None or known.user is None or reason is not None:
        await _fail(house, sent, known, reason or Reason.UNKNOWN_LOGIN)
        raise NotSignedInError
    return await _succeed(house, sent, keys, known, known.user, seed, step)


def device_id(house: House, token: bytes) -> bytes:
    """The hash under which a browser's device token is kept."""
    return keyed_hash(house.root, LABEL_DEVICE, token)


async def _count(house: House, sent: Credentials) -> _Known:
    """Counts the attempt, before anything costly, and loads what is known of the login."""

    async def job(tx: Transaction) -> Done[_Known]:
        user = await users.user_by_login(tx, sent.login)
        device = None if sent.device is None else device_id(house, sent.device)
        owner = None if device is None else await sessions.device_of(tx, device)
        mine = device if user is not None and owner == user.id else None
        keys = throttle_keys(house, sent.login, sent.address, mine)
        known = _Known(
            locked=await count_attempt(tx, house, keys),
            user=user,
            unlock=None if user is None else await users.unlock(tx, user.id),
            factor=None if user is None else await users.second_factor(tx, user.id),
            keys=keys,
        )
        return Done(outcome=known)

    return (await house.commit(job)).outcome


async def give_back(house: House, keys: Keys) -> None:
    """Takes back an attempt that was never tried, because too much waited already."""

    async def job(tx: Transaction) -> Done[None]:
        await take_back(tx, house, keys)
        return Done(outcome=None)

    await house.commit(job)


def _open(house: House, known: _Known, password: str) -> bytes | None:
    """The seed, or None; takes the time of one key derivation in any case."""
    try:
        if known.user is None or known.unlock is None:
            burn(password, house.cost)
            return None
        row = known.unlock
        cost = ArgonCost.read(row.memory, row.passes, row.lanes, house=house.cost)
        unlock = Unlock(salt=row.salt, cost=cost, blob=row.blob)
        root = house.roots.by_number(row.root_key)
        return open_seed(password, unlock, known.user.id.bytes, Method.PASSWORD, root)
    except CryptoError:
        return None


def _check(
    house: House, known: _Known, seed: bytes | None, sent: Credentials
) -> tuple[Reason | None, int | None]:
    """Why not, and the step of the code where one counted."""
    user = known.user
    if user is None:
        return Reason.UNKNOWN_LOGIN, None
    if seed is None:
        return Reason.WRONG_PASSWORD, None
    if user.state is not UserState.ACTIVE:
        return Reason.DISABLED, None
    if known.factor is None:
        return (Reason.NO_SECOND_FACTOR if user.role in NEEDS_CODE else None), None
    root = house.roots.by_number(known.factor.root_key)
    secret = totp.open_totp(root, seed, known.factor.blob, user.id.bytes)
    now = int(house.clock().timestamp())
    step = totp.accept(secret, sent.code or "", now, known.factor.last_step)
    return (Reason.WRONG_CODE if step is None else None), step


async def _fail(house: House, sent: Credentials, known: _Known, reason: Reason) -> None:
    """Logs the failure, or past a number a minute counts it; the count is an entry of the next minute."""

    async def job(tx: Transaction) -> Done[None]:
        logged, before = await count_failure(tx, house)
        made = await _record(tx, house, sent, known.user, Event.LOGIN_FAIL, reason)
        records: tuple[Record, ...] = (made,) if logged else ()
        if logged and known.locked:
            records = (made, await _record(tx, house, sent, known.user, Event.LOGIN_LOCK, Reason.THROTTLED))
        if before:
            records = (await _suppressed(tx, house, before), *records)
        return Done(outcome=None, records=records)

    await house.commit(job)


async def _suppressed(tx: Transaction, house: House, count: int) -> Record:
    """The entry that stands for failures which were only counted: nobody's in particular."""
    made = entry(
        house, None, Event.DENY_SUPPRESSED, decision=Decision.DENY, reason=Reason.THROTTLED, count=count
    )
    return Record(tree=await tree_of_organisation(tx, await _operator(tx)), entry=made)


async def _operator(tx: Transaction) -> OrganisationId:
    operated = await organisations.instance(tx)
    if operated is None:
        raise RuntimeError("the database was set up")
    return operated.operator


async def _record(
    tx: Transaction,
    house: House,
    sent: Credentials,
    user: UserRow | None,
    event: Event,
    reason: Reason | None,
    session: str | None = None,
) -> Record:
    """An entry about a sign-in; an unknown login's goes to the tree of the organisation that operates the service.

    Where it came from stands in the erasable detail.
    """
    home = await _operator(tx) if user is None else user.organisation
    made = Entry(
        event=event,
        id=house.random(16),
        actor=None if user is None else write_id(USER, user.id),
        role=None if user is None else user.role.value,
        organisation=None if user is None else write_id(ORGANISATION, user.organisation),
        decision=Decision.PERMIT if reason is None else Decision.DENY,
        reason=reason,
        policy=house.policy.digest,
        request_id=sent.request,
        session=session,
        via=Via.UI if sent.transport is Transport.COOKIE else Via.API,
    )
    came = {"address": sent.address[:MOST_SAID], "browser": sent.browser[:MOST_SAID]}
    return detailed(house, await tree_of_organisation(tx, home), made, came)


async def _succeed(
    house: House, sent: Credentials, keys: Keys, known: _Known, user: UserRow, seed: bytes, step: int | None
) -> SignedIn:
    """The session, unless password or rights changed while the key was derived."""
    token = new_token(house.random)
    now = house.clock()
    expires = (now + LONGEST).replace(microsecond=0)
    device = new_token(house.random) if sent.transport is Transport.COOKIE and sent.device is None else None

    async def job(tx: Transaction) -> Done[SignedIn] | Done[Refusal]:
        same = await users.user(tx, user.id) == user and await users.unlock(tx, user.id) == known.unlock
        if not same or not await _use(tx, user, step):
            record = await _record(tx, house, sent, user, Event.LOGIN_FAIL, Reason.WRONG_CODE)
            return Done(outcome=Refusal(NotSignedInError()), records=(record,))
        await forget_attempts(tx, house, keys)
        blob = seal_session(token, seed, user.id.bytes, int(expires.timestamp()), house.random)
        row = SessionRow(
            id=session_id(token),
            user=user.id,
            transport=sent.transport,
            blob=blob,
            created=now,
            seen=now,
            expires=expires,
            version=user.version,
        )
        await sessions.add_session(tx, row)
        if device is not None:
            await sessions.add_device(tx, device_id(house, device), user.id, now)
        home = organisations.must(await organisations.organisation(tx, user.organisation))
        record = await _record(tx, house, sent, user, Event.LOGIN_OK, None, log_mark(token).hex())
        made = SignedIn(token=token, user=user, organisation=home.name, device=device)
        return Done(outcome=made, records=(record,))

    return (await settle(house, job)).outcome


async def _use(tx: Transaction, user: UserRow, step: int | None) -> bool:
    """Marks the code's step as used; False where another request was faster with the same code."""
    if step is None:
        return True
    factor = await users.second_factor(tx, user.id)
    if factor is None or factor.last_step >= step:
        return False
    await users.use_step(tx, user.id, step)
    return True
