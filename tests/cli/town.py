"""A town to try the console on: a real house in a temporary folder, with key derivation that takes no time."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from os import urandom
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from audit.event import Leaf, read_leaf
from cases.ids import ORGANISATION, OrganisationId, write_id
from crypto.password import ArgonCost
from policies.who import Role
from service.cli.opening import load_house
from service.flows.administration import (
    AddedUser,
    Answers,
    NewUser,
    Present,
    SetUp,
    add_organisation,
    add_sections,
    add_user,
    present_member,
    set_up,
)
from service.house import House, system_clock
from service.settings import Settings
from service.store.organisations import OrganisationKind

Outcome = TypeVar("Outcome")

ZERO = UUID(int=0)
WEAK = ArgonCost.weak_for_tests()
CITY, NPO, COLLABORATION = "宇和島市", "U.grandma", "食支援の連携"
ANSWERS = Answers(
    collaboration=COLLABORATION, city=CITY, login="admin", name="管理 太郎", password="water under the bridge"
)


def password_of(login: str) -> str:
    """A long password, another one for each login."""
    return f"a quiet morning, {login}, by the sea"


def settings_in(folder: Path) -> Settings:
    return Settings(
        data=folder / "var" / "data",
        keys=folder / "var" / "keys",
        notary=folder / "var" / "notary",
        origin="log.example",
    )


def begin(settings: Settings, *, practice: bool = False) -> SetUp:
    """The first start."""
    return set_up(settings, ANSWERS, practice=practice, random=urandom, clock=system_clock, cost=WEAK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A house that was set up, with an NPO and two sections, and nobody in it but the administrator."""

    settings: Settings
    made: SetUp
    npo: OrganisationId

    def run(self, work: Callable[[House], Awaitable[Outcome]]) -> Outcome:
        """What ``work`` gives in a house that is opened for it and closed again."""
        house = load_house(self.settings, cost=WEAK)

        async def go() -> Outcome:
            house.start()
            try:
                return await work(house)
            finally:
                await house.stop()

        return asyncio.run(go())

    def add(
        self,
        login: str,
        role: Role,
        organisation: OrganisationId | None = None,
        *,
        present: str | None = None,
        trees: tuple[str, ...] = (),
        sections: tuple[str, ...] = (),
    ) -> AddedUser:
        """Adds a user of the city or of another organisation, with a member who is present."""
        new = NewUser(
            login=login,
            name=f"職員 {login}",
            organisation=organisation or self.made.city,
            role=role,
            password=password_of(login),
            sections=sections,
            trees=trees,
        )

        async def work(house: House) -> AddedUser:
            return await add_user(house, new, await prove(house, present))

        return self.run(work)

    def rows(self, sql: str, *values: bytes | str | int) -> list[tuple[bytes | str | int | None, ...]]:
        """What the database's file says, past all of our code."""
        with closing(sqlite3.connect(self.settings.database)) as connection:
            return connection.execute(sql, values).fetchall()

    def leaves(self, name: str) -> list[Leaf]:
        """A tree's entries, first to last; ``name`` is that of the tree (``o_…``, ``b_…``)."""
        found = self.rows(
            "SELECT leaf FROM entry JOIN tree ON tree.number = entry.tree WHERE tree.name = ? ORDER BY idx",
            name,
        )
        return [read_leaf(str(row[0]).encode()) for row in found]

    def city_events(self) -> list[str]:
        """The events in the city's own tree."""
        return [leaf.entry.event.value for leaf in self.leaves(write_id(ORGANISATION, self.made.city))]


async def prove(house: House, login: str | None) -> Present | None:
    """The member of that login, present with the right password."""
    return None if login is None else await present_member(house, login, password_of(login))


def new_town(folder: Path) -> Town:
    """A town in ``folder``."""
    settings = settings_in(folder)
    empty = Town(settings=settings, made=begin(settings), npo=OrganisationId(ZERO))

    async def work(house: House) -> OrganisationId:
        await add_sections(house, CITY, ("福祉課", "子ども課"))
        return await add_organisation(house, name=NPO, kind=OrganisationKind.NPO)

    return Town(settings=settings, made=empty.made, npo=empty.run(work))
