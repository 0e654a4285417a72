"""Who holds an organisation's group seed, and how the next member gets it.

Rules kept here:
- The first member who works on cases makes the group's keys; nobody else ever does.
- Every further member gets the seed from a member who is present. It never lies under the root key alone.
- Who is present is believed in the transaction again: a member who was stopped meanwhile hands over nothing.
"""

import hashlib

from audit.event import Event, Reason
from cases.ids import GROUP, USER, GroupId, OrganisationId, write_id
from crypto.context import member_context
from crypto.errors import CryptoError
from crypto.keys import GroupKeys, fingerprint
from crypto.password import ArgonCost, Method, Unlock, burn, open_seed
from crypto.sealing import open_member, seal_member
from policies.actions import Action
from service.flows.console import AdministrationError, Present, Problem, new_uuid, record
from service.flows.entries import Refusal, settle, tree_of_organisation
from service.house import House, KeyHandle
from service.store import keys, organisations, users
from service.store.engine import Transaction
from service.store.keys import GroupKeyRow, MemberSealRow
from service.store.log import Record
from service.store.users import UnlockRow, UserRow, UserState
from service.store.writer import Done


async def present_member(house: House, login: str, password: str) -> Present:
    """The member of that login, proved by the password; a failure keeps its entry.

    Raises AdministrationError(WRONG_PASSWORD), the same whether login, password or state is wrong.
    """

    async def find(tx: Transaction) -> tuple[UserRow, UnlockRow] | None:
        row = await users.user_by_login(tx, login)
        lock = None if row is None else await users.unlock(tx, row.id)
        return None if row is None or lock is None else (row, lock)

    found = await house.look(find)
    if found is None:
        await house.slowly(lambda: burn(password, house.cost))
        return await _refuse(house, None)
    row, lock = found
    try:
        seed = await house.slowly(lambda: open_lock(house, row, lock, password))
    except CryptoError:
        return await _refuse(house, row)
    if row.state is not UserState.ACTIVE:
        return await _refuse(house, row)
    return Present(
        user=row.id,
        organisation=row.organisation,
        role=row.role,
        version=row.version,
        keys=KeyHandle(seed),
    )


def open_lock(house: House, row: UserRow, lock: UnlockRow, password: str) -> bytes:
    """The user's seed. Slow; raises CryptoError for a wrong password, and for a row under a root key that is gone."""
    cost = ArgonCost.read(lock.memory, lock.passes, lock.lanes, house=house.cost)
    unlock = Unlock(salt=lock.salt, cost=cost, blob=lock.blob)
    return open_seed(password, unlock, row.id.bytes, Method.PASSWORD, house.roots.by_number(lock.root_key))


async def _refuse(house: House, row: UserRow | None) -> Present:
    """Keeps the entry of a failed proof, then raises."""

    async def job(tx: Transaction) -> Done[Present | Refusal]:
        home = None if row is not None else await organisations.instance(tx)
        organisation = row.organisation if row is not None else home.operator if home is not None else None
        refusal = Refusal(AdministrationError(Problem.WRONG_PASSWORD))
        if organisation is None:
            return Done(outcome=refusal)
        reason = Reason.UNKNOWN_LOGIN if row is None else Reason.WRONG_PASSWORD
        if row is not None and row.state is not UserState.ACTIVE:
            reason = Reason.DISABLED
        tree = await tree_of_organisation(tx, organisation)
        about = None if row is None else write_id(USER, row.id)
        failed = record(house, tree, Event.LOGIN_FAIL, organisation, object=about, refused=reason)
        return Done(outcome=refusal, records=(failed,))

    return (await settle(house, job)).outcome


async def admit_member(
    tx: Transaction, house: House, tree: int, newcomer: UserRow, present: Present | None
) -> tuple[Record, ...]:
    """Seals the group's seed to the newcomer; makes the group's keys where the organisation has none.

    Gives the entries: `key.pin` for new keys, `member.certify` always. Raises AdministrationError
    (MEMBER_NEEDED, NOT_A_MEMBER, NOT_FOR_ROLE, SAME_PERSON).
    """
    group = await keys.group_key(tx, newcomer.organisation)
    if group is None:
        return await _found_group(tx, house, tree, newcomer, present)
    opened = await open_present(tx, house, group, present, newcomer, Action.USER_CONFIRM)
    return (await _seal(tx, house, tree, group, opened, newcomer, present),)


async def _found_group(
    tx: Transaction, house: House, tree: int, newcomer: UserRow, present: Present | None
) -> tuple[Record, ...]:
    made = GroupKeys.from_seed(house.random(32))
    group = GroupKeyRow(
        group=GroupId(new_uuid(house)),
        organisation=newcomer.organisation,
        epoch=1,
        x25519=made.x25519_public,
        ed25519=made.ed25519_public,
    )
    await keys.add_group_key(tx, group, house.clock())
    pin = record(
        house,
        tree,
        Event.KEY_PIN,
        newcomer.organisation,
        object=write_id(GROUP, group.group),
        digest=fingerprint(group.x25519, group.ed25519),
        present=present,
    )
    return pin, await _seal(tx, house, tree, group, made, newcomer, present)


async def _seal(
    tx: Transaction,
    house: House,
    tree: int,
    group: GroupKeyRow,
    opened: GroupKeys,
    newcomer: UserRow,
    present: Present | None,
) -> Record:
    place = (group.group.bytes, group.epoch, newcomer.id.bytes, newcomer.public_key)
    blob = seal_member(house.root, opened.seed, *place, house.random)
    await keys.put_member_seal(
        tx,
        MemberSealRow(
            group=group.group, epoch=group.epoch, user=newcomer.id, root_key=house.root.number, blob=blob
        ),
    )
    return record(
        house,
        tree,
        Event.MEMBER_CERTIFY,
        newcomer.organisation,
        object=write_id(USER, newcomer.id),
        digest=hashlib.sha256(member_context(*place)).digest(),
        present=present,
    )


async def open_present(
    tx: Transaction,
    house: House,
    group: GroupKeyRow,
    present: Present | None,
    about: UserRow,
    action: Action,
) -> GroupKeys:
    """The group's keys from the member who is present; that member is another person than ``about``.

    ``action`` is what the member does there. Raises AdministrationError (MEMBER_NEEDED, NOT_A_MEMBER,
    NOT_FOR_ROLE, SAME_PERSON).
    """
    if present is None:
        raise AdministrationError(Problem.MEMBER_NEEDED)
    if present.user == about.id:
        raise AdministrationError(Problem.SAME_PERSON)
    row = await users.user(tx, present.user)
    seal = await keys.member_seal(tx, group, present.user)
    if row is None or seal is None or row.organisation != group.organisation:
        raise AdministrationError(Problem.NOT_A_MEMBER)
    if row.state is not UserState.ACTIVE or row.version != present.version:
        raise AdministrationError(Problem.NOT_A_MEMBER)
    await _check_role(tx, house, group, row, about, action)
    try:
        return open_member(
            house.roots.by_number(seal.root_key),
            seal.blob,
            group.group.bytes,
            group.epoch,
            row.id.bytes,
            present.keys.user(),
            group.x25519,
            group.ed25519,
        )
    except CryptoError:
        raise AdministrationError(Problem.NOT_A_MEMBER) from None


async def _check_role(
    tx: Transaction, house: House, group: GroupKeyRow, present: UserRow, about: UserRow, action: Action
) -> None:
    """The present member's role has the action; any member will do where no other member's role has it.

    Else an organisation whose first member has a small role could never grow. Raises
    AdministrationError(NOT_FOR_ROLE).
    """
    rights = house.policy.matrix.rights
    if not rights[present.role, action].never:
        return
    for row in await users.users_of(tx, group.organisation):
        may = row.state is UserState.ACTIVE and row.id != about.id and not rights[row.role, action].never
        if may and await keys.member_seal(tx, group, row.id) is not None:
            raise AdministrationError(Problem.NOT_FOR_ROLE)


async def holds_last_key(tx: Transaction, user: UserRow) -> bool:
    """Whether nobody but this user could still open what the organisation holds."""
    group = await keys.group_key(tx, user.organisation)
    if group is None or await keys.member_seal(tx, group, user.id) is None:
        return False
    return await keys.count_seals(tx, group) <= 1


async def member_needed(tx: Transaction, organisation: OrganisationId) -> bool:
    """Whether the organisation has keys, so that a member must be present where rights widen."""
    return await keys.group_key(tx, organisation) is not None
