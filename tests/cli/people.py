"""Looks at people and keys from outside: what a password opens, and what a row says."""

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from crypto.keys import GroupKeys, RootKey, UserKeys
from crypto.sealing import open_member
from policies.who import Role
from service.flows.administration import (
    AdministrationError,
    Problem,
)
from service.flows.membership import open_lock
from service.house import House
from service.store import keys, users
from service.store.engine import Transaction
from service.store.keys import GroupKeyRow, MemberSealRow
from service.store.users import UserRow
from tests.cli.town import Town, password_of


def refused(work: Callable[[], object]) -> Problem:
    with pytest.raises(AdministrationError) as caught:
        work()
    return caught.value.problem


def row_of(town: Town, login: str) -> UserRow:
    async def work(house: House) -> UserRow | None:
        return await house.look(lambda tx: users.user_by_login(tx, login))

    found = town.run(work)
    assert found is not None
    return found


def seed_of(town: Town, login: str, password: str | None = None) -> bytes:
    """The user's seed, as the password opens it."""

    async def work(house: House) -> bytes:
        row = await house.look(lambda tx: users.user_by_login(tx, login))
        assert row is not None
        lock = await house.look(lambda tx: users.unlock(tx, row.id))
        assert lock is not None
        return open_lock(house, row, lock, password or password_of(login))

    return town.run(work)


def group_of(town: Town, login: str, password: str | None = None) -> GroupKeys:
    """The keys of the user's group, opened with the user's own. Raises where the user holds none."""
    row, mine = row_of(town, login), UserKeys.from_seed(seed_of(town, login, password))

    async def load(tx: Transaction) -> tuple[GroupKeyRow, MemberSealRow]:
        group = await keys.group_key(tx, row.organisation)
        assert group is not None
        seal = await keys.member_seal(tx, group, row.id)
        if seal is None:
            raise LookupError
        return group, seal

    async def work(house: House) -> tuple[GroupKeyRow, MemberSealRow]:
        return await house.look(load)

    group, seal = town.run(work)
    pinned = (group.x25519, group.ed25519)
    return open_member(root_of(town), seal.blob, group.group.bytes, group.epoch, row.id.bytes, mine, *pinned)


def root_of(town: Town) -> RootKey:
    return RootKey.read_text(town.settings.root_key.read_text())


def count(town: Town, table: str) -> int:
    found = town.rows(f"SELECT count(*) FROM {table}")[0][0]
    assert isinstance(found, int)
    return found


def staffed(town: Town) -> Town:
    """A supervisor and a caseworker in the city."""
    town.add("super", Role.SUPERVISOR)
    town.add("case", Role.CASEWORKER, present="super")
    return town


def sign_in_by_hand(town: Town, login: str) -> None:
    """A session row of the user's, as a sign-in leaves it."""
    with closing(sqlite3.connect(town.settings.database)) as connection:
        values = (hashlib.sha256(login.encode()).digest(), row_of(town, login).id.bytes)
        connection.execute("INSERT INTO session VALUES (?, ?, 'bearer', x'00', 1, 1, 1, 1, x'00')", values)
        connection.commit()
