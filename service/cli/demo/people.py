"""The practice town: a city with two sections, two NPOs, a council, an audit office, an intermediary; who works there.

Names are invented. Passwords and second factors are random at each run.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import urandom

from cases.ids import ORGANISATION, OrganisationId, write_id
from crypto.password import DEFAULT
from crypto.totp import code_at, step_at
from policies.who import Role
from service.cli.opening import load_house
from service.flows.administration import (
    Answers,
    NewUser,
    Present,
    SecondFactor,
    add_organisation,
    add_sections,
    add_user,
    present_member,
    set_up,
)
from service.flows.console import WORKS_ON_CASES
from service.house import House, system_clock
from service.settings import Settings
from service.store.organisations import OrganisationKind

COLLABORATION = "みどり浦 食支援の連携"
CITY, NPO, OTHER_NPO = "みどり浦市", "NPO法人ひだまり便", "フードバンクあさなぎ"
COUNCIL, AUDIT, CENTRE = "みどり浦市社会福祉協議会", "みどり浦市監査事務局", "中間支援センターみなも"
WELFARE, CHILDREN = "福祉課", "こども家庭課"
PARTNERS = (
    (NPO, OrganisationKind.NPO),
    (OTHER_NPO, OrganisationKind.NPO),
    (COUNCIL, OrganisationKind.COUNCIL),
    (AUDIT, OrganisationKind.AUDIT_OFFICE),
    (CENTRE, OrganisationKind.INTERMEDIARY),
)
ROLES: Mapping[Role, str] = {
    Role.ADMIN: "管理者",
    Role.AUDITOR: "監査担当",
    Role.CASEWORKER: "自治体担当者",
    Role.INTERMEDIARY: "中間支援",
    Role.NPO_COORDINATOR: "NPO担当者",
    Role.NPO_VOLUNTEER: "NPOボランティア",
    Role.SUPERVISOR: "自治体責任者",
}
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works in the practice town."""

    login: str
    name: str
    role: Role
    organisation: str
    sections: tuple[str, ...] = ()


PEOPLE = (
    Person(login="admin", name="管理 一郎", role=Role.ADMIN, organisation=CITY),
    Person(login="supervisor", name="佐久間 京子", role=Role.SUPERVISOR, organisation=CITY),
    Person(login="welfare", name="大西 健", role=Role.CASEWORKER, organisation=CITY, sections=(WELFARE,)),
    Person(login="children", name="藤沢 遥", role=Role.CASEWORKER, organisation=CITY, sections=(CHILDREN,)),
    Person(login="npo", name="村瀬 和子", role=Role.NPO_COORDINATOR, organisation=NPO),
    Person(login="volunteer", name="井川 学", role=Role.NPO_VOLUNTEER, organisation=NPO),
    Person(login="npo2", name="長尾 明美", role=Role.NPO_COORDINATOR, organisation=OTHER_NPO),
    Person(login="council", name="坂口 豊", role=Role.NPO_COORDINATOR, organisation=COUNCIL),
    Person(login="auditor", name="監物 涼", role=Role.AUDITOR, organisation=AUDIT),
    Person(login="intermediary", name="水沼 恵", role=Role.INTERMEDIARY, organisation=CENTRE),
)
"""The administrator first: the first start makes that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person's way in."""

    person: Person
    password: str = field(repr=False)
    second_factor: SecondFactor | None

    def code(self) -> str | None:
        """The second factor's code of this moment; None where there is none. A code counts once."""
        if self.second_factor is None:
            return None
        return code_at(self.second_factor.secret, step_at(int(system_clock().timestamp())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """What was made: accounts by login, and the text form of each organisation's id by name."""

    accounts: Mapping[str, Account]
    organisations: Mapping[str, str]


def new_password() -> str:
    """Four groups of five letters and digits, about 99 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def build_town(settings: Settings) -> Town:
    """Makes keys, database, organisations and people, with the real cost of passwords. Call it outside a loop.

    Raises AdministrationError (FILE_EXISTS with the path), OSError.
    """
    first = PEOPLE[0]
    password = new_password()
    answers = Answers(
        collaboration=COLLABORATION, city=CITY, login=first.login, name=first.name, password=password
    )
    made = set_up(settings, answers, practice=True, random=urandom, clock=system_clock, cost=DEFAULT)
    accounts = {first.login: Account(person=first, password=password, second_factor=made.second_factor)}
    house = load_house(settings, practice=True)
    return asyncio.run(_fill(house, made.city, accounts))


async def _fill(house: House, city: OrganisationId, accounts: dict[str, Account]) -> Town:
    house.start()
    try:
        await add_sections(house, CITY, (WELFARE, CHILDREN))
        organisations = {CITY: city}
        for name, kind in PARTNERS:
            organisations[name] = await add_organisation(house, name=name, kind=kind)
        present: dict[str, Present] = {}
        for person in PEOPLE[1:]:
            where = organisations[person.organisation]
            accounts[person.login] = await _add(house, person, where, present)
    finally:
        await house.stop()
    named = {name: write_id(ORGANISATION, id) for name, id in organisations.items()}
    return Town(accounts=accounts, organisations=named)


async def _add(house: House, person: Person, where: OrganisationId, present: dict[str, Present]) -> Account:
    """Adds a person; the first of an organisation who works on cases lets the others in (keys.md)."""
    keyed = person.role in WORKS_ON_CASES
    password = new_password()
    new = NewUser(
        login=person.login,
        name=person.name,
        organisation=where,
        role=person.role,
        password=password,
        sections=person.sections,
    )
    added = await add_user(house, new, present.get(person.organisation) if keyed else None)
    if keyed and person.organisation not in present:
        present[person.organisation] = await present_member(house, person.login, password)
    return Account(person=person, password=password, second_factor=added.second_factor)
