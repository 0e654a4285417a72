"""Adds people at the console: their password's lock, their second factor, and their place among the key holders.

Slow work (Argon2id) is done before the transaction; all that is written is written in one.
"""

from dataclasses import dataclass, field

from audit.event import Event
from cases.ids import COLLABORATION, ORGANISATION, USER, OrganisationId, SectionId, UserId, read_id, write_id
from crypto.keys import UserKeys
from crypto.password import Method, lock_seed
from crypto.totp import base32, new_secret, otpauth, seal_totp
from policies.who import Role
from service.flows.console import (
    ROLES_OF,
    WORKS_ON_CASES,
    AdministrationError,
    Present,
    Problem,
    check_login,
    check_name,
    new_uuid,
    record,
    rights_digest,
)
from service.flows.entries import tree_of_organisation
from service.flows.membership import admit_member, member_needed
from service.flows.passwords import check_password
from service.flows.sign_in import NEEDS_CODE
from service.house import House
from service.store import organisations, trees, users
from service.store.engine import Transaction
from service.store.log import Record
from service.store.organisations import OrganisationRow
from service.store.users import SecondFactorRow, UnlockRow, UserRow, UserState
from service.store.writer import Done

ISSUER = "Tsunagi"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """Who is to be added. ``sections`` are names; ``trees``, for auditors, names of collaborations or organisations.

    No trees: those of the collaborations of the auditor's organisation.
    """

    login: str
    name: str
    organisation: OrganisationId
    role: Role
    password: str = field(repr=False)
    sections: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """A second factor's secret (20 bytes), to be shown once and then forgotten."""

    login: str
    secret: bytes = field(repr=False)

    @property
    def base32(self) -> str:
        """The secret as it is typed into an authenticator."""
        return base32(self.secret)

    @property
    def otpauth(self) -> str:
        """The address that an authenticator scans."""
        return otpauth(self.secret, ISSUER, self.login)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedUser:
    """A user as added; ``second_factor`` where the role asks for one."""

    id: UserId
    second_factor: SecondFactor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """New keys of a user, and all that stands in the database for them."""

    seed: bytes = field(repr=False)
    public_key: bytes
    unlock: UnlockRow


async def lock(house: House, user: UserId, password: str) -> Locked:
    """New keys for the user, closed under the password. Slow; raises BusyError."""
    seed = house.random(32)
    made = await house.slowly(
        lambda: lock_seed(password, seed, user.bytes, Method.PASSWORD, house.cost, house.root, house.random)
    )
    row = UnlockRow(
        salt=made.salt,
        memory=made.cost.m_kib,
        passes=made.cost.t,
        lanes=made.cost.p,
        root_key=house.root.number,
        blob=made.blob,
    )
    return Locked(seed=seed, public_key=UserKeys.from_seed(seed).public, unlock=row)


async def enrol(tx: Transaction, house: House, user: UserRow, seed: bytes) -> SecondFactor:
    """A new second factor in the place of any other; no code of it has been used."""
    secret = new_secret(house.random)
    blob = seal_totp(house.root, seed, secret, user.id.bytes, house.random)
    await users.put_second_factor(
        tx, user.id, SecondFactorRow(root_key=house.root.number, blob=blob, last_step=0)
    )
    return SecondFactor(login=user.login, secret=secret)


async def add_user(house: House, new: NewUser, present: Present | None = None) -> AddedUser:
    """Adds a user who can sign in at once, with the group's seed where the role works on cases.

    Raises AdministrationError (among others MEMBER_NEEDED where the organisation has keys already and nobody
    of it is present) and PasswordError.
    """
    check_new(new)
    id = UserId(new_uuid(house))
    locked = await lock(house, id, new.password)

    async def job(tx: Transaction) -> Done[AddedUser]:
        return await write_user(tx, house, id, new, locked, present)

    return (await house.commit(job)).outcome


def check_new(new: NewUser) -> None:
    """What can be checked without the database. Raises AdministrationError, PasswordError."""
    check_login(new.login)
    check_name(new.name)
    check_password(new.password, new.login)
    if new.trees and new.role is not Role.AUDITOR:
        raise AdministrationError(Problem.TREES_ARE_FOR_AUDITORS)


async def write_user(
    tx: Transaction, house: House, id: UserId, new: NewUser, locked: Locked, present: Present | None
) -> Done[AddedUser]:
    """Writes the user and all that goes with the role, with the entries in the organisation's tree."""
    await _check_place(tx, new)
    row = UserRow(
        id=id,
        organisation=new.organisation,
        login=new.login,
        name=new.name,
        role=new.role,
        state=UserState.ACTIVE,
        sections=await _sections(tx, new),
        public_key=locked.public_key,
        version=1,
    )
    await users.add_user(tx, row, house.clock())
    await users.put_unlock(tx, id, locked.unlock)
    tree = await tree_of_organisation(tx, new.organisation)
    records = [about(house, tree, Event.USER_ADD, row, present, digest=rights_digest(row))]
    if new.role in WORKS_ON_CASES:
        records += await admit_member(tx, house, tree, row, present)
    if new.role is Role.AUDITOR:
        for number in await _trees(tx, new):
            await trees.appoint(tx, id, number)
    second = await enrol(tx, house, row, locked.seed) if new.role in NEEDS_CODE else None
    if second is not None:
        records.append(about(house, tree, Event.MFA_ENROL, row, present))
    return Done(outcome=AddedUser(id=id, second_factor=second), records=tuple(records))


def about(
    house: House, tree: int, event: Event, row: UserRow, present: Present | None, digest: bytes | None = None
) -> Record:
    """An entry about a user, in the tree of the user's organisation."""
    named = write_id(USER, row.id)
    return record(house, tree, event, row.organisation, object=named, digest=digest, present=present)


async def _check_place(tx: Transaction, new: NewUser) -> None:
    found = await organisations.organisation(tx, new.organisation)
    if found is None:
        raise AdministrationError(Problem.NO_ORGANISATION)
    if new.role not in ROLES_OF[found.kind]:
        raise AdministrationError(Problem.ROLE_NOT_OF_KIND)
    if await users.user_by_login(tx, new.login) is not None:
        raise AdministrationError(Problem.LOGIN_TAKEN)


async def _sections(tx: Transaction, new: NewUser) -> frozenset[SectionId]:
    known = {name: section for section, name in await organisations.sections_of(tx, new.organisation)}
    if not set(new.sections) <= known.keys():
        raise AdministrationError(Problem.NO_SECTION)
    return frozenset(known[name] for name in new.sections)


async def _trees(tx: Transaction, new: NewUser) -> list[int]:
    """The numbers of the trees that the auditor is appointed to, each once."""
    if new.trees:
        return sorted({await tree_called(tx, name) for name in new.trees})
    joined = await organisations.collaborations_of(tx, new.organisation)
    return sorted({await tree_called(tx, write_id(COLLABORATION, one)) for one in joined})


async def tree_called(tx: Transaction, name: str) -> int:
    """The number of a tree by its own name (``b_…``, ``o_…``) or that of its collaboration or organisation.

    Raises AdministrationError(NO_TREE).
    """
    wanted = await _tree_name(tx, name)
    found = await (trees.newest_tree(tx, wanted) if wanted else trees.tree_named(tx, name))
    if found is None:
        raise AdministrationError(Problem.NO_TREE)
    return found.number


async def _tree_name(tx: Transaction, name: str) -> str:
    if any(read_id(kind, name) for kind in (COLLABORATION, ORGANISATION)):
        return name
    collaboration = await organisations.collaboration_named(tx, name)
    if collaboration is not None:
        return write_id(COLLABORATION, collaboration)
    organisation = await organisations.organisation_named(tx, name)
    return "" if organisation is None else write_id(ORGANISATION, organisation.id)


async def find_organisation(house: House, name: str) -> OrganisationRow:
    """The organisation of that name. Raises AdministrationError(NO_ORGANISATION)."""
    found = await house.look(lambda tx: organisations.organisation_named(tx, name))
    if found is None:
        raise AdministrationError(Problem.NO_ORGANISATION)
    return found


async def present_needed(house: House, organisation: OrganisationId, role: Role) -> bool:
    """Whether adding a user of that role needs a member of the organisation at the console."""

    async def query(tx: Transaction) -> bool:
        return role in WORKS_ON_CASES and await member_needed(tx, organisation)

    return await house.look(query)
