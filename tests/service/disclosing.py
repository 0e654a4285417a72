"""Steps of a disclosure over HTTP that several tests take."""

from uuid import UUID

import httpx

from cases.ids import USER, OrganisationId, write_id
from policies.who import Role
from service.flows.administration import NewUser, add_user, present_member
from tests.service.world import CITY, PASSWORD, World

TODAY = "2026-11-23"


def ask(
    world: World, case: str, since: str = "2026-11-01", until: str = TODAY, who: str = "supervisor"
) -> httpx.Response:
    return world(who, "POST", f"/api/cases/{case}/disclosure", {"since": since, "until": until})


def asked(world: World, case: str, since: str = "2026-11-01", until: str = TODAY) -> str:
    made = ask(world, case, since, until)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def approve(world: World, disclosure: str, who: str = "auditor") -> httpx.Response:
    return world(who, "POST", f"/api/disclosures/{disclosure}/approve")


def approved(world: World, case: str, since: str = "2026-11-01", until: str = TODAY) -> str:
    disclosure = asked(world, case, since, until)
    done = approve(world, disclosure)
    assert done.status_code == 200, done.text
    return disclosure


def issue(world: World, disclosure: str, who: str = "supervisor") -> httpx.Response:
    return world(who, "POST", f"/api/disclosures/{disclosure}/issue")


def print_out(world: World, disclosure: str, who: str = "supervisor") -> httpx.Response:
    return world(who, "POST", f"/api/disclosures/{disclosure}/print")


def sheet(world: World, case: str, since: str = "2026-11-01", until: str = TODAY) -> dict[str, object]:
    """The sheet of a case, asked for, approved and made."""
    made = issue(world, approved(world, case, since, until))
    assert made.status_code == 200, made.text
    return dict(made.json())


def lines(found: dict[str, object], kind: str = "look") -> list[dict[str, object]]:
    """The sheet's lines of one kind."""
    all_lines = found["lines"]
    assert isinstance(all_lines, list)
    return [dict(line) for line in all_lines if line["kind"] == kind]


def sentences(found: dict[str, object], kind: str = "look", language: str = "ja") -> list[str]:
    said = []
    for line in lines(found, kind):
        words = line["sentence"]
        assert isinstance(words, dict)
        said.append(str(words[language]))
    return said


def add_colleague(world: World, login: str = "second", role: Role = Role.SUPERVISOR) -> None:
    """A second supervisor of the city, signed in; an auditor is appointed to the city's own log only."""
    present = world.run(present_member(world.house, "supervisor", PASSWORD.format(login="supervisor")))
    new = NewUser(
        login=login,
        name=f"職員 {login}",
        organisation=OrganisationId(UUID(hex=world.ids[CITY][2:])),
        role=role,
        password=PASSWORD.format(login=login),
        sections=(),
        trees=(CITY,) if role is Role.AUDITOR else (),
    )
    added = world.run(add_user(world.house, new, None if role is Role.AUDITOR else present))
    world.ids[login] = write_id(USER, added.id)
    if added.second_factor is not None:
        world.secrets[login] = added.second_factor.secret
    sign_in(world, login)


def sign_in(world: World, *logins: str) -> None:
    for login in logins:
        made = world.sign_in(login)
        assert made.status_code == 201, (login, made.text)
        world.tokens[login] = made.json()["token"]


def tree_name(world: World) -> str:
    return str(world.sql("SELECT name FROM tree WHERE name LIKE 'b\\_%' ESCAPE '\\'")[0][0])


def leaves_of(world: World, event: str) -> list[dict[str, object]]:
    return [leaf for leaf in world.leaves() if leaf["ev"] == event]
