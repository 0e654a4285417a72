"""Changes what people may do, at the console: role, password, second factor, and stopping them.

Rules kept here (keys.md, Procedures):
- Narrowing and stopping need nobody. Widening a role and resetting a password need a member who holds the keys,
  wherever the organisation has keys.
- The last key holder of an organisation is neither stopped nor moved to a role without keys.
- Every change ends the user's sessions, everywhere, in the same transaction.
"""

from dataclasses import dataclass, replace

from audit.event import Event
from crypto.errors import CryptoError
from policies.actions import Action
from policies.who import Role
from service.flows.console import (
    ROLES_OF,
    WORKS_ON_CASES,
    AdministrationError,
    Present,
    Problem,
    rights_digest,
)
from service.flows.digests import unlock_digest
from service.flows.entries import tree_of_organisation
from service.flows.membership import admit_member, holds_last_key, member_needed, open_lock, open_present
from service.flows.passwords import check_password
from service.flows.people import Locked, SecondFactor, about, enrol, lock
from service.flows.sign_in import NEEDS_CODE
from service.house import House
from service.store import keys, organisations, sessions, users
from service.store.engine import Transaction
from service.store.log import Record
from service.store.users import UserRow, UserState
from service.store.writer import Done

_NARROWER = {
    Role.SUPERVISOR: frozenset({Role.CASEWORKER}),
    Role.NPO_COORDINATOR: frozenset({Role.NPO_VOLUNTEER}),
}
"""Where a change of role takes away and gives nothing. Every other change is a widening."""


def narrows(old: Role, new: Role) -> bool:
    """Whether the new role may do nothing that the old one could not."""
    return new in _NARROWER.get(old, frozenset())


async def set_role(
    house: House, login: str, role: Role, *, present: Present | None = None, password: str | None = None
) -> SecondFactor | None:
    """Gives the user another role; a second factor where the new role asks for one and there is none yet.

    ``password`` is the user's own, needed for that second factor only. Raises AdministrationError
    (OWN_PASSWORD_NEEDED, MEMBER_NEEDED, LAST_KEY_HOLDER, …).
    """
    row = await house.look(lambda tx: _active(tx, login))
    seed = await _own_seed(house, row, role, password)

    async def job(tx: Transaction) -> Done[SecondFactor | None]:
        now = await _active(tx, login)
        await _check_change(tx, house, now, role, present)
        changed = await users.change_user(tx, replace(now, role=role))
        await sessions.end_sessions(tx, now.id)
        tree = await tree_of_organisation(tx, now.organisation)
        records = [about(house, tree, Event.ROLE_CHANGE, changed, present, rights_digest(changed))]
        records += await _move_keys(tx, house, tree, now, changed, present)
        second = None if seed is None else await enrol(tx, house, changed, seed)
        if second is not None:
            records.append(about(house, tree, Event.MFA_ENROL, changed, present))
        return Done(outcome=second, records=tuple(records))

    return (await house.commit(job)).outcome


async def _own_seed(house: House, row: UserRow, role: Role, password: str | None) -> bytes | None:
    """The user's seed where a second factor is to be closed under it, else None."""
    there = await house.look(lambda tx: users.second_factor(tx, row.id))
    if role not in NEEDS_CODE or there is not None:
        return None
    closed = await house.look(lambda tx: users.unlock(tx, row.id))
    if password is None or closed is None:
        raise AdministrationError(Problem.OWN_PASSWORD_NEEDED)
    try:
        return await house.slowly(lambda: open_lock(house, row, closed, password))
    except CryptoError:
        raise AdministrationError(Problem.WRONG_PASSWORD) from None


async def _check_change(
    tx: Transaction, house: House, row: UserRow, role: Role, present: Present | None
) -> None:
    if role is row.role:
        raise AdministrationError(Problem.SAME_ROLE)
    if Role.AUDITOR in (role, row.role):  # nobody audits what they did under another role
        raise AdministrationError(Problem.AUDITOR_STAYS)
    kind = organisations.must(await organisations.organisation(tx, row.organisation)).kind
    if role not in ROLES_OF[kind]:
        raise AdministrationError(Problem.ROLE_NOT_OF_KIND)
    if not narrows(row.role, role):
        await _demand_member(tx, house, row, present, Action.USER_WIDEN)


async def _demand_member(
    tx: Transaction, house: House, row: UserRow, present: Present | None, action: Action
) -> None:
    """A member who holds the keys is there, and proves it by opening them; nobody where there are no keys."""
    group = await keys.group_key(tx, row.organisation)
    if group is not None:
        await open_present(tx, house, group, present, row, action)


async def _move_keys(
    tx: Transaction, house: House, tree: int, old: UserRow, new: UserRow, present: Present | None
) -> tuple[Record, ...]:
    """The seal comes or goes with the role."""
    was, becomes = old.role in WORKS_ON_CASES, new.role in WORKS_ON_CASES
    if becomes and not was:
        return await admit_member(tx, house, tree, new, present)
    if was and not becomes:
        return await _remove_member(tx, house, tree, new, present)
    return ()


async def _remove_member(
    tx: Transaction, house: House, tree: int, row: UserRow, present: Present | None
) -> tuple[Record, ...]:
    """Deletes the user's seals. Raises AdministrationError(LAST_KEY_HOLDER)."""
    if await holds_last_key(tx, row):
        raise AdministrationError(Problem.LAST_KEY_HOLDER)
    await keys.drop_member_seals(tx, row.id)
    return (about(house, tree, Event.MEMBER_REMOVE, row, present),)


async def reset_user(
    house: House, login: str, password: str, present: Present | None = None
) -> SecondFactor | None:
    """Gives the user a new password, new keys and a new second factor; a colleague hands the group's seed over.

    Raises AdministrationError (MEMBER_NEEDED, LAST_KEY_HOLDER, …) and PasswordError.
    """
    check_password(password, login)
    row = await house.look(lambda tx: _active(tx, login))
    locked = await lock(house, row.id, password)

    async def job(tx: Transaction) -> Done[SecondFactor | None]:
        now = await _active(tx, login)
        if await holds_last_key(tx, now):
            raise AdministrationError(Problem.LAST_KEY_HOLDER)
        await _demand_member(tx, house, now, present, Action.USER_RESET)
        return await _write_reset(tx, house, now, locked, present)

    return (await house.commit(job)).outcome


async def _write_reset(
    tx: Transaction, house: House, row: UserRow, locked: Locked, present: Present | None
) -> Done[SecondFactor | None]:
    changed = await users.change_user(tx, replace(row, public_key=locked.public_key))
    await users.put_unlock(tx, row.id, locked.unlock)
    await sessions.end_sessions(tx, row.id)
    await sessions.forget_devices(tx, row.id)
    tree = await tree_of_organisation(tx, row.organisation)
    made = locked.unlock
    digest = unlock_digest(row.id, made.salt, (made.memory, made.passes, made.lanes))
    records = [about(house, tree, Event.PASSWORD_RESET, changed, present, digest)]
    if row.role in WORKS_ON_CASES:
        records += await admit_member(tx, house, tree, changed, present)
    second: SecondFactor | None = None
    if row.role in NEEDS_CODE or await users.second_factor(tx, row.id) is not None:
        second = await enrol(tx, house, changed, locked.seed)
        records.append(about(house, tree, Event.MFA_RESET, changed, present))
    return Done(outcome=second, records=tuple(records))


async def stop_user(house: House, login: str, present: Present | None = None) -> None:
    """Stops the user at once: no sign-in, no session, no seal. Raises AdministrationError(LAST_KEY_HOLDER, …)."""

    async def job(tx: Transaction) -> Done[None]:
        row = await _active(tx, login)
        tree = await tree_of_organisation(tx, row.organisation)
        removed: tuple[Record, ...] = ()
        if row.role in WORKS_ON_CASES:
            removed = await _remove_member(tx, house, tree, row, present)
        stopped = await users.change_user(tx, replace(row, state=UserState.STOPPED))
        await sessions.end_sessions(tx, row.id)
        ended = about(house, tree, Event.USER_DISABLE, stopped, present, rights_digest(stopped))
        return Done(outcome=None, records=(ended, *removed))

    await house.commit(job)


async def _active(tx: Transaction, login: str) -> UserRow:
    """The user of that login. Raises AdministrationError (NO_USER, STOPPED)."""
    row = await users.user_by_login(tx, login)
    if row is None:
        raise AdministrationError(Problem.NO_USER)
    if row.state is not UserState.ACTIVE:
        raise AdministrationError(Problem.STOPPED)
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a change will ask for at the console."""

    member: bool
    own_password: bool


async def asked_for_role(house: House, login: str, role: Role) -> Asked:
    """What `set_role` will ask for. Raises AdministrationError (NO_USER, STOPPED)."""

    async def query(tx: Transaction) -> Asked:
        row = await _active(tx, login)
        enrolled = await users.second_factor(tx, row.id) is not None
        widens = not narrows(row.role, role)
        return Asked(
            member=widens and await member_needed(tx, row.organisation),
            own_password=role in NEEDS_CODE and not enrolled,
        )

    return await house.look(query)


async def asked_for_reset(house: House, login: str) -> Asked:
    """What `reset_user` will ask for. Raises AdministrationError (NO_USER, STOPPED, LAST_KEY_HOLDER)."""

    async def query(tx: Transaction) -> Asked:
        row = await _active(tx, login)
        if await holds_last_key(tx, row):
            raise AdministrationError(Problem.LAST_KEY_HOLDER)
        return Asked(member=await member_needed(tx, row.organisation), own_password=False)

    return await house.look(query)
