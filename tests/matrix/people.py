"""Who asks: every role on every side, and every state in which a membership or a session can be.

Those whom nobody may let in hold a token that was good once, of a user with as much right as the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from cases.ids import COLLABORATION, ORGANISATION, USER, CollaborationId, OrganisationId, write_id
from policies.who import Role
from service.flows.administration import (
    NewUser,
    add_organisation,
    add_sections,
    add_user,
    present_member,
    set_role,
    stop_user,
)
from service.flows.starting import start_tree
from service.store import organisations, users
from service.store.engine import Transaction
from service.store.organisations import OrganisationKind
from service.store.users import UserState
from service.store.writer import Done
from tests.service.world import CITY, COUNCIL, NPO, OTHER_NPO, PASSWORD, World

FAR_CITY, FAR_NPO, FAR = "となり市", "NPOこだま", "となりの支援"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One who asks: the login whose token is sent (None: none), and what the model knows of it.

    ``role`` and ``organisation`` are None for those who are not let in.
    """

    name: str
    title: str
    login: str | None
    organisation: str | None = None
    role: Role | None = None
    sections: frozenset[str] = frozenset()
    assigned: bool = False


def _in(
    name: str, title: str, organisation: str, role: Role, *sections: str, assigned: bool = False
) -> Principal:
    return Principal(
        name=name,
        title=title,
        login=name,
        organisation=organisation,
        role=role,
        sections=frozenset(sections),
        assigned=assigned,
    )


def _out(name: str, title: str) -> Principal:
    return Principal(name=name, title=title, login=None if name == "nobody" else name)


WORKER, LEADER, NPO_WORKER, HELPER = (
    Role.CASEWORKER,
    Role.SUPERVISOR,
    Role.NPO_COORDINATOR,
    Role.NPO_VOLUNTEER,
)
PRINCIPALS: tuple[Principal, ...] = (
    _in("admin", "administrator", CITY, Role.ADMIN),
    _in("supervisor", "supervisor of the city", CITY, LEADER),
    _in("caseworker", "caseworker of the case's section, who recorded the consents", CITY, WORKER, "福祉課"),
    _in("colleague", "caseworker of the case's section, named as witness", CITY, WORKER, "福祉課"),
    _in("stranger", "caseworker of another section", CITY, WORKER, "子育て課"),
    _in(
        "assigned",
        "caseworker of another section, assigned to each case",
        CITY,
        WORKER,
        "子育て課",
        assigned=True,
    ),
    _in("coordinator", "coordinator of the NPO that is asked", NPO, NPO_WORKER),
    _in("volunteer", "volunteer of the NPO that is asked", NPO, HELPER),
    _in("other", "coordinator of the collaboration's other NPO", OTHER_NPO, NPO_WORKER),
    _in("other_volunteer", "volunteer of the collaboration's other NPO", OTHER_NPO, HELPER),
    _in("council", "coordinator of a council that was never asked", COUNCIL, NPO_WORKER),
    _in("outsider", "coordinator of an NPO of another collaboration", FAR_NPO, NPO_WORKER),
    _in("far_supervisor", "supervisor of another city in another collaboration", FAR_CITY, LEADER),
    _in("auditor", "auditor appointed to the collaboration's log", CITY, Role.AUDITOR),
    _in("far_auditor", "auditor appointed to another collaboration's log only", FAR_CITY, Role.AUDITOR),
    _in("intermediary", "intermediary", "中間支援センター", Role.INTERMEDIARY),
    _out("nobody", "nobody: no token"),
    _out("invited", "invited only, with the token of a caseworker"),
    _out("unconfirmed", "accepted the invitation but not confirmed, with the token of a caseworker"),
    _out("removed", "removed caseworker with an old token"),
    _out("stopped", "stopped coordinator with an old token"),
    _out("narrowed", "coordinator made volunteer since, with the old token"),
    _out("signed_out", "coordinator who signed out"),
    _out("renewed", "coordinator who changed the password since, with the old token"),
    _out("idle", "coordinator whose session was idle for a quarter of an hour"),
    _out("cookie", "coordinator whose cookie is shown as a bearer token"),
)
BY_NAME: Mapping[str, Principal] = {one.name: one for one in PRINCIPALS}

_STATES = {"invited": UserState.INVITED, "unconfirmed": UserState.ACCEPTED, "removed": UserState.REMOVED}
_WORKERS = ("assigned", "invited", "unconfirmed", "removed")
_COORDINATORS = ("stopped", "narrowed", "signed_out", "renewed", "idle", "cookie")


def add_people(world: World) -> None:
    """Everybody whom the shared world does not have, the second collaboration included."""
    far = world.run(_second_collaboration(world))
    for login in _WORKERS:
        _add(world, login, CITY, WORKER, "supervisor", ("子育て課" if login == "assigned" else "福祉課",))
    for login in _COORDINATORS:
        _add(world, login, NPO, NPO_WORKER, "coordinator")
    _add(world, "council", COUNCIL, NPO_WORKER)
    _add(world, "outsider", FAR_NPO, NPO_WORKER)
    _add(world, "far_caseworker", FAR_CITY, WORKER, None, ("遠方課",))
    _add(world, "far_supervisor", FAR_CITY, LEADER, "far_caseworker")
    _add(world, "far_auditor", FAR_CITY, Role.AUDITOR, trees=(FAR,))
    world.ids[FAR] = far


def _add(
    world: World,
    login: str,
    organisation: str,
    role: Role,
    present: str | None = None,
    sections: tuple[str, ...] = (),
    trees: tuple[str, ...] = (),
) -> None:
    member = None
    if present is not None:
        member = world.run(present_member(world.house, present, PASSWORD.format(login=present)))
    new = NewUser(
        login=login,
        name=f"職員 {login}",
        organisation=OrganisationId(UUID(hex=world.ids[organisation][2:])),
        role=role,
        password=PASSWORD.format(login=login),
        sections=sections,
        trees=trees,
    )
    added = world.run(add_user(world.house, new, member))
    world.ids[login] = write_id(USER, added.id)
    if added.second_factor is not None:
        world.secrets[login] = added.second_factor.secret


async def _second_collaboration(world: World) -> str:
    """A collaboration of another city and another NPO, with its own tree."""
    house, id = world.house, CollaborationId(UUID(int=2**64 + 7, version=4))
    name = write_id(COLLABORATION, id)
    operator = OrganisationId(UUID(hex=world.ids[CITY][2:]))

    async def job(tx: Transaction) -> Done[None]:
        await organisations.add_collaboration(tx, id, FAR, house.clock())
        await organisations.add_place(tx, id, "office", "窓口")
        _, started = await start_tree(tx, house, name, operator, False)
        return Done(outcome=None, records=(started,))

    await house.commit(job)
    kinds = ((FAR_CITY, OrganisationKind.MUNICIPALITY), (FAR_NPO, OrganisationKind.NPO))
    for called, kind in kinds:
        made = await add_organisation(house, name=called, kind=kind, collaboration=FAR)
        world.ids[called] = write_id(ORGANISATION, made)
    await add_sections(house, FAR_CITY, ("遠方課",))
    return name


def sign_in_all(world: World, logins: tuple[str, ...]) -> None:
    """New sessions; the old ones are too old by now."""
    for login in logins:
        made = world.sign_in(login)
        assert made.status_code == 201, (login, made.text)
        world.tokens[login] = made.json()["token"]


def end_sessions(world: World) -> None:
    """Brings those who are not let in to where they are; each has a session that was good."""
    sign_in_all(world, tuple(_STATES) + tuple(one for one in _COORDINATORS if one not in ("idle", "cookie")))
    for login, state in _STATES.items():
        world.run(_set_state(world, login, state))
    present = world.run(present_member(world.house, "coordinator", PASSWORD.format(login="coordinator")))
    world.run(stop_user(world.house, "stopped", present))
    world.run(set_role(world.house, "narrowed", HELPER, present=present))
    assert world("signed_out", "DELETE", "/api/session").status_code == 204
    old = world.tokens["renewed"]
    sign_in_all(world, ("renewed",))
    word = PASSWORD.format(login="renewed")
    changed = world("renewed", "POST", "/api/session/password", {"old": word, "new": f"{word} again"})
    assert changed.status_code == 204, changed.text
    world.tokens["renewed"] = old
    made = world.sign_in("cookie", transport="cookie")
    world.tokens["cookie"] = str(made.cookies["__Host-tsunagi"])
    world.http.cookies.clear()


def make_idle(world: World) -> None:
    """A session that then is idle for longer than it may be."""
    sign_in_all(world, ("idle",))
    world.clock.advance(timedelta(minutes=16))


async def _set_state(world: World, login: str, state: UserState) -> None:
    async def job(tx: Transaction) -> Done[None]:
        row = await users.user_by_login(tx, login)
        assert row is not None
        await users.change_user(tx, replace(row, state=state))
        return Done(outcome=None)

    await world.house.commit(job)
