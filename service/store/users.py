"""Users: their rights under a MAC, what unlocks their seed, their second factor."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cases.ids import OrganisationId, SectionId, UserId
from policies.who import Role
from service.store.engine import Transaction
from service.store.macs import Marked
from service.store.values import Row, as_bytes, as_int, as_text, pack_ids, to_ms, unpack_ids
from service.tables.users import SecondFactor, Unlock, User


class UserState(StrEnum):
    """Where a user stands. Only ACTIVE signs in."""

    INVITED = "invited"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    STOPPED = "stopped"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """A user as the database has it, its MAC checked. ``version`` moves with every change of rights."""

    id: UserId
    organisation: OrganisationId
    login: str
    name: str
    role: Role
    state: UserState
    sections: frozenset[SectionId]
    public_key: bytes
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockRow:
    """Argon2's parameters and the sealed seed; untrusted until the password opened it."""

    salt: bytes
    memory: int
    passes: int
    lanes: int
    root_key: int
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorRow:
    root_key: int
    blob: bytes
    last_step: int


_COLUMNS = "id, organisation, login, name, role, state, sections, public_key, version, mac"


def _mac_columns(row: UserRow) -> tuple[bytes | str, ...]:
    return (
        row.id.bytes,
        row.organisation.bytes,
        row.login,
        row.name,
        row.role.value,
        row.state.value,
        pack_ids(frozenset(section.bytes for section in row.sections)),
        row.public_key,
    )


def read_user(tx: Transaction, row: Row) -> UserRow:
    """The user of a row of ``_COLUMNS``. Raises TamperedError where the MAC does not fit."""
    user = UserRow(
        id=UserId(UUID(bytes=as_bytes(row[0]))),
        organisation=OrganisationId(UUID(bytes=as_bytes(row[1]))),
        login=as_text(row[2]),
        name=as_text(row[3]),
        role=Role(as_text(row[4])),
        state=UserState(as_text(row[5])),
        sections=frozenset(SectionId(UUID(bytes=part)) for part in unpack_ids(row[6])),
        public_key=as_bytes(row[7]),
        version=as_int(row[8]),
    )
    tx.macs.check(Marked.USER, user.version, _mac_columns(user), row[9])
    return user


async def add_user(tx: Transaction, row: UserRow, now: datetime) -> None:
    columns = _mac_columns(row)
    await User.insert(
        User(
            id=row.id.bytes,
            organisation=row.organisation.bytes,
            login=row.login,
            name=row.name,
            role=row.role.value,
            state=row.state.value,
            sections=columns[6],
            public_key=row.public_key,
            created=to_ms(now),
            version=row.version,
            mac=tx.macs.make(Marked.USER, row.version, columns),
        )
    )


async def change_user(tx: Transaction, row: UserRow) -> UserRow:
    """Writes the row with its next version; sessions made before no longer fit it."""
    changed = replace(row, version=row.version + 1)
    columns = _mac_columns(changed)
    await User.update(
        {
            User.name: changed.name,
            User.role: changed.role.value,
            User.state: changed.state.value,
            User.sections: columns[6],
            User.public_key: changed.public_key,
            User.version: changed.version,
            User.mac: tx.macs.make(Marked.USER, changed.version, columns),
        }
    ).where(User.id == row.id.bytes)
    return changed


async def user(tx: Transaction, user: UserId) -> UserRow | None:
    found = tx.row(f"SELECT {_COLUMNS} FROM user WHERE id = ?", user.bytes)  # noqa: S608  # constant columns
    return None if found is None else read_user(tx, found)


async def user_by_login(tx: Transaction, login: str) -> UserRow | None:
    found = tx.row(f"SELECT {_COLUMNS} FROM user WHERE login = ?", login)  # noqa: S608  # constant columns
    return None if found is None else read_user(tx, found)


async def users_of(tx: Transaction, organisation: OrganisationId) -> tuple[UserRow, ...]:
    rows = tx.rows(f"SELECT {_COLUMNS} FROM user WHERE organisation = ? ORDER BY login", organisation.bytes)  # noqa: S608
    return tuple(read_user(tx, row) for row in rows)


async def put_unlock(tx: Transaction, user: UserId, row: UnlockRow) -> None:
    """The one blob that the password opens; an older one is overwritten."""
    await Unlock.delete().where(Unlock.user == user.bytes)
    await Unlock.insert(
        Unlock(
            user=user.bytes,
            salt=row.salt,
            memory=row.memory,
            passes=row.passes,
            lanes=row.lanes,
            root_key=row.root_key,
            blob=row.blob,
        )
    )


async def unlock(tx: Transaction, user: UserId) -> UnlockRow | None:
    found = tx.row(
        "SELECT salt, memory, passes, lanes, root_key, blob FROM unlock WHERE user = ?", user.bytes
    )
    if found is None:
        return None
    return UnlockRow(
        salt=as_bytes(found[0]),
        memory=as_int(found[1]),
        passes=as_int(found[2]),
        lanes=as_int(found[3]),
        root_key=as_int(found[4]),
        blob=as_bytes(found[5]),
    )


async def put_second_factor(tx: Transaction, user: UserId, row: SecondFactorRow) -> None:
    await SecondFactor.delete().where(SecondFactor.user == user.bytes)
    await SecondFactor.insert(
        SecondFactor(user=user.bytes, root_key=row.root_key, blob=row.blob, last_step=row.last_step)
    )


async def second_factor(tx: Transaction, user: UserId) -> SecondFactorRow | None:
    found = tx.row("SELECT root_key, blob, last_step FROM second_factor WHERE user = ?", user.bytes)
    if found is None:
        return None
    return SecondFactorRow(root_key=as_int(found[0]), blob=as_bytes(found[1]), last_step=as_int(found[2]))


async def use_step(tx: Transaction, user: UserId, step: int) -> None:
    """A code counts once: the step is never accepted again."""
    await SecondFactor.update({SecondFactor.last_step: step}).where(SecondFactor.user == user.bytes)
