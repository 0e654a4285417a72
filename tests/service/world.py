"""A whole small world for tests: real database files, real keys, the real app over ASGI, and a clock of its own.

`World.build` makes the template once a run (organisations, users, sessions); each test gets a copy of its folders.
"""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Coroutine, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx

from cases.fields import Purpose
from cases.ids import ORGANISATION, USER, OrganisationId, write_id
from crypto.password import ArgonCost
from crypto.totp import code_at, step_at
from policies.who import Role
from service.app import serve_house
from service.cli.opening import load_house
from service.flows.administration import (
    Answers,
    NewUser,
    add_organisation,
    add_sections,
    add_user,
    present_member,
    set_up,
)
from service.house import House
from service.settings import Settings
from service.store import organisations, trees
from service.store.engine import Connect, Transaction, connect
from service.store.organisations import OrganisationKind

Outcome = TypeVar("Outcome")

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # a Monday, 10:00 in Tokyo
HOST = "tsunagi.test"
PASSWORD = "correct horse of {login} battery"
WEAK = ArgonCost.weak_for_tests()

CITY, NPO, OTHER_NPO, COUNCIL = "みなと市", "NPOあおぞら", "NPOひなた", "社会福祉協議会"
CENTRE = "中間支援センター"
PEOPLE: Mapping[str, tuple[str, Role, tuple[str, ...]]] = {
    "supervisor": (CITY, Role.SUPERVISOR, ()),
    "caseworker": (CITY, Role.CASEWORKER, ("福祉課",)),
    "colleague": (CITY, Role.CASEWORKER, ("福祉課",)),
    "stranger": (CITY, Role.CASEWORKER, ("子育て課",)),
    "auditor": (CITY, Role.AUDITOR, ()),
    "intermediary": (CENTRE, Role.INTERMEDIARY, ()),
    "coordinator": (NPO, Role.NPO_COORDINATOR, ()),
    "volunteer": (NPO, Role.NPO_VOLUNTEER, ()),
    "other": (OTHER_NPO, Role.NPO_COORDINATOR, ()),
    "other_volunteer": (OTHER_NPO, Role.NPO_VOLUNTEER, ()),
}
"""Login → organisation, role, sections. The administrator is `admin`."""


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Template:
    """The folders that every test copies, and what is known of them."""

    folder: Path
    tokens: dict[str, str]
    secrets: dict[str, bytes]
    ids: dict[str, str]


class World:
    """One house with its app. Synchronous for tests; `run` runs what has to be concurrent."""

    def __init__(self, template: Template, folder: Path, *, connect: Connect = connect) -> None:
        shutil.copytree(template.folder, folder, dirs_exist_ok=True)
        self.folder = folder
        self.clock = Clock()
        self.tokens = dict(template.tokens)
        self.secrets = dict(template.secrets)
        self.ids = dict(template.ids)
        self.settings = settings_in(folder)
        self._runner = asyncio.Runner()
        self.connect = connect
        self.open()

    def open(self) -> None:
        """Opens the house on the folder; again after `close`, as a restart."""
        self.house = load_house(self.settings, clock=self.clock, cost=WEAK)
        if self.connect is not connect:
            first, self.house = self.house, reopened(self.house, self.connect)
            self.run(first.stop())
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(serve_house(self.house), raise_app_exceptions=False),
            base_url=f"https://{HOST}",
        )
        self.run(_start(self.house))

    def close(self) -> None:
        """Stops the house and closes everything."""
        self.run(self.http.aclose())
        self.run(self.house.stop())

    def end(self) -> None:
        """Closes the house and the event loop."""
        self.close()
        self._runner.close()

    def run(self, work: Coroutine[object, object, Outcome]) -> Outcome:
        return self._runner.run(work)

    async def ask(
        self,
        who: str | None,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request as somebody (a login of `PEOPLE`, or nobody)."""
        sent = dict(headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {self.tokens[who]}"
        content = None
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            sent.setdefault("Content-Type", "application/json")
        return await self.http.request(method, path, content=content, headers=sent)

    def __call__(
        self,
        who: str | None,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return self.run(self.ask(who, method, path, body, headers))

    def sign_in(
        self, login: str, *, code: str | None = None, password: str | None = None, transport: str = "bearer"
    ) -> httpx.Response:
        """A sign-in over the API; the second factor's code is worked out where there is one."""
        if code is None and login in self.secrets:
            code = code_at(self.secrets[login], step_at(int(self.clock().timestamp())))
        body = {
            "login": login,
            "password": password or PASSWORD.format(login=login),
            "code": code,
            "transport": transport,
        }
        return self(None, "POST", "/api/session", body)

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """A read past the product, on a connection of its own."""
        with closing(sqlite3.connect(self.settings.database)) as connection:
            return connection.execute(query, values).fetchall()

    def leaves(self, tree: str | None = None) -> list[dict[str, object]]:
        """Every leaf of a tree (by name; None: all trees in order), as the log has it."""
        rows = self.sql(
            "SELECT e.leaf FROM entry e JOIN tree t ON t.number = e.tree WHERE ? IS NULL OR t.name = ? ORDER BY e.id",
            tree,
            tree,
        )
        return [json.loads(str(row[0])) for row in rows]

    # The story's steps, for tests that need a case somewhere along the way.

    def new_case(
        self, who: str = "caseworker", fields: Mapping[str, object] | None = None, both: bool = True
    ) -> str:
        body: dict[str, object] = {"fields": dict(fields or FIELDS)}
        if both:
            body["conditions"] = {"hardship": True, "willing": True}
        made = self(who, "POST", "/api/cases", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def offered(self) -> list[str]:
        """The codes that the form for food support offers."""
        registry = self.house.policy.registry
        return sorted(str(registry.by_slot[slot].code) for slot in registry.offered[Purpose.FOOD_SUPPORT])

    def answer(self, refused: tuple[str, ...] = (), **parts: object) -> dict[str, object]:
        """The body of an agreement: everything offered but ``refused``."""
        registry = self.house.policy.registry
        back = parts.pop("back", True)
        gone = set(refused) | (set() if back else {"observations"})
        allowed = [code for code in self.offered() if code not in gone]
        now = self.clock().isoformat()
        today = (self.clock() + timedelta(hours=9)).date()
        base: dict[str, object] = {
            "told": [{"number": number, "at": now} for number in range(1, 6)],
            "notice_version": 1,
            "language": "ja",
            "allowed": allowed,
            "refused": sorted(gone & set(self.offered())),
            "acknowledged": [code for code in allowed if registry.by_code[code].sensitive],
            "directions": ["owner_to_recipient", *(["recipient_to_owner"] if back else [])],
            "age": "15_up",
            "given_by": ["self"],
            "method": "paper",
            "identity": "known",
            "copy_given": "given",
            "event_day": today.isoformat(),
            "until": (today + timedelta(days=180)).isoformat(),
        }
        return {**base, **parts}

    def consent(
        self, case: str, recipient: str = NPO, who: str = "caseworker", **parts: object
    ) -> dict[str, object]:
        refused = parts.pop("refused", ())
        assert isinstance(refused, tuple)
        body = {
            "recipient": self.ids[recipient],
            "purpose": "food_support",
            "answer": self.answer(refused, **parts),
        }
        made = self(who, "POST", f"/api/cases/{case}/consents", body)
        assert made.status_code == 201, made.text
        return dict(made.json())

    def request(self, case: str, recipient: str = NPO, who: str = "caseworker", send: bool = True) -> str:
        body = {"recipient": self.ids[recipient], "send": send, **REQUEST}
        made = self(who, "POST", f"/api/cases/{case}/requests", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def accept(self, request: str, who: str = "coordinator") -> None:
        made = self(who, "POST", f"/api/requests/{request}/accept")
        assert made.status_code == 200, made.text

    def shared_case(self) -> tuple[str, str, str]:
        """A case with a live consent and an accepted request: (case, consent, request)."""
        case = self.new_case()
        consent = str(self.consent(case)["id"])
        request = self.request(case)
        self.accept(request)
        return case, consent, request


FIELDS: Mapping[str, object] = {
    "name": "山田 太郎",
    "name_kana": "やまだ たろう",
    "birth_date": "1948-02-03",
    "age_band": "70s",
    "gender": "male",
    "address": "みなと市1-2-3",
    "phone": "090-0000-0000",
    "consultation": "電気が止まっている",
    "handover_summary": "一人暮らし。玄関先でお渡しください",
    "dietary": {"allergens": ["egg"], "no_cooking": True, "note": "やわらかいもの"},
}
REQUEST: Mapping[str, object] = {
    "quantity": {"adults": 1, "children": 0, "days": 7, "times": 2},
    "pickup": {"date": "2026-11-30", "time": "10:00", "place": "office", "who": "person"},
    "message": "はじめての方です",
}


def settings_in(folder: Path) -> Settings:
    return Settings(data=folder / "data", keys=folder / "keys", notary=folder / "notary", hosts=HOST)


def reopened(house: House, connect: Connect) -> House:
    """The same house on connections of the test's making."""
    return House(
        settings=house.settings,
        roots=house.roots,
        policy=house.policy,
        notary=house.notary,
        clock=house.clock,
        random=house.random,
        cost=house.cost,
        connect=connect,
    )


async def _start(house: House) -> None:
    house.start()


def build(folder: Path) -> Template:
    """Makes the template: takes a second or two, once a run."""
    clock = Clock()
    settings = settings_in(folder)
    admin = Answers(
        collaboration="食の支援",
        city=CITY,
        login="admin",
        name="管理 花子",
        password=PASSWORD.format(login="admin"),
    )
    made = set_up(settings, admin, practice=False, random=os.urandom, clock=clock, cost=WEAK)
    template = Template(folder=folder, tokens={}, secrets={"admin": made.second_factor.secret}, ids={})
    with asyncio.Runner() as runner:
        house = load_house(settings, clock=clock, cost=WEAK)
        runner.run(_people(house, template))
        runner.run(house.stop())
    return template


async def _people(house: House, template: Template) -> None:
    house.start()
    await add_sections(house, CITY, ("福祉課", "子育て課"))
    await add_organisation(house, name=NPO, kind=OrganisationKind.NPO)
    await add_organisation(house, name=OTHER_NPO, kind=OrganisationKind.NPO)
    await add_organisation(house, name=COUNCIL, kind=OrganisationKind.COUNCIL)
    await add_organisation(house, name=CENTRE, kind=OrganisationKind.INTERMEDIARY)
    names = await house.look(_names)
    first: dict[str, str] = {}
    for login, (organisation, role, sections) in PEOPLE.items():
        password = PASSWORD.format(login=login)
        keyed = role not in (Role.AUDITOR, Role.INTERMEDIARY)
        present = None
        if keyed and organisation in first:
            member = first[organisation]
            present = await present_member(house, member, PASSWORD.format(login=member))
        trees = names.trees if role is Role.AUDITOR else ()
        new = NewUser(
            login=login,
            name=f"職員 {login}",
            organisation=names.organisations[organisation],
            role=role,
            password=password,
            sections=sections,
            trees=trees,
        )
        added = await add_user(house, new, present)
        template.ids[login] = write_id(USER, added.id)
        if keyed:
            first.setdefault(organisation, login)
        if added.second_factor is not None:
            template.secrets[login] = added.second_factor.secret
    for name, id in names.organisations.items():
        template.ids[name] = write_id(ORGANISATION, id)
    await _sign_everybody_in(house, template)


@dataclass
class _Names:
    organisations: dict[str, OrganisationId]
    trees: tuple[str, ...]


async def _names(tx: Transaction) -> _Names:
    found = await organisations.collaborations(tx)
    partners = await organisations.partners(tx, found[0][0])
    return _Names(
        organisations={one.name: one.id for one in partners},
        trees=tuple(tree.name for tree in await trees.trees(tx)),
    )


async def _sign_everybody_in(house: House, template: Template) -> None:
    transport = httpx.ASGITransport(serve_house(house))
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as http:
        for login in ("admin", *PEOPLE):
            code = None
            if login in template.secrets:
                code = code_at(template.secrets[login], step_at(int(house.clock().timestamp())))
            body = {"login": login, "password": PASSWORD.format(login=login), "code": code}
            answer = await http.post("/api/session", json=body)
            assert answer.status_code == 201, (login, answer.text)
            template.tokens[login] = answer.json()["token"]
