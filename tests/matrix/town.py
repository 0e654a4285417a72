"""The town in which the matrix is walked: everybody, one object of each kind, and a way back after each change."""

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
from litestar import Litestar

from service.app import create_app
from service.edge import Edge
from service.flows.notary import publish_dirty
from service.house import House
from service.store.engine import connect
from tests.matrix.canaries import Canaries
from tests.matrix.objects import FIRST, KINDS, Thing, make_thing
from tests.matrix.operations import PERIOD
from tests.matrix.people import FAR, FAR_CITY, PRINCIPALS, add_people, end_sessions, make_idle, sign_in_all
from tests.service.world import CITY, HOST, Template, World, reopened


@dataclass
class Town:
    """The world with its objects. ``restore`` brings the database back to where the matrix began."""

    world: World
    app: Litestar
    snapshot: Path
    signed: bytes
    canaries: Canaries
    things: dict[str, Thing] = field(default_factory=dict)
    trees: dict[str, Thing] = field(default_factory=dict)
    sheets: dict[str, Thing] = field(default_factory=dict)

    def restore(self) -> None:
        """The database as it was: the same app, a new house on a copy of the file."""
        world = self.world
        old = world.house
        world.run(old.stop())
        _put_back(self.snapshot, world.settings.database)
        (world.settings.notary / "state").write_bytes(
            self.signed
        )  # or the log would be behind what was signed
        world.house = reopened(old, connect)
        self.app.state["house"] = world.house
        world.run(_start(world.house))

    def end(self) -> None:
        """Closes everything."""
        self.world.end()


def _put_back(snapshot: Path, database: Path) -> None:
    """A new file in the place of the old one: nothing that still holds the old one can write into it."""
    copy = database.with_suffix(".copy")
    shutil.copyfile(snapshot, copy)
    for end in ("-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    copy.replace(database)


async def _start(house: House) -> None:
    house.start()


def build_town(template: Template, folder: Path) -> Town:
    """Makes the town: two days pass, so that a consent can expire; then everybody signs in."""
    world, canaries = World(template, folder / "world"), Canaries()
    add_people(world)
    sign_in_all(world, ("outsider", "far_caseworker"))
    things = {kind: make_thing(world, canaries, kind) for kind in FIRST}
    world.clock.advance(timedelta(days=2))
    sign_in_all(world, ("caseworker", "coordinator", "other", "outsider", "far_caseworker"))
    things |= {kind: make_thing(world, canaries, kind) for kind in KINDS if kind not in FIRST}
    make_idle(world)
    end_sessions(world)  # after it: those sessions would still be good, were it not for what ended them
    inside = tuple(one.name for one in PRINCIPALS if one.role is not None)
    sign_in_all(world, ("caseworker", "far_caseworker", *(name for name in inside if name != "caseworker")))
    _assign(world, things)
    _see_versions(world, things)
    world.clock.advance(timedelta(minutes=1))  # so that a code of the second factor is not used twice
    sheets = _sheets(world, things)
    town = _settle(world, folder, canaries, things)
    town.sheets = sheets
    return town


def _assign(world: World, things: dict[str, Thing]) -> None:
    """Everything of the city that is open is assigned to one caseworker of another section."""
    for thing in things.values():
        if thing.kind == "FA":
            continue
        body = {"users": [world.ids["assigned"]]}
        made = world("supervisor", "POST", f"/api/cases/{thing.case}/assign", body)
        assert made.status_code == (409 if thing.closed else 200), (thing.kind, made.text)
        thing.assigned = not thing.closed


def _see_versions(world: World, things: dict[str, Thing]) -> None:
    """The versions that an owner's write has to carry."""
    for thing in things.values():
        leader = "far_supervisor" if thing.kind == "FA" else "supervisor"
        thing.version = world(leader, "GET", f"/api/cases/{thing.case}").json()["version"]
        for one in world(leader, "GET", f"/api/cases/{thing.case}/requests").json()["requests"]:
            if one["id"] == thing.request:
                thing.request_version = one["version"]
        for one in world(leader, "GET", f"/api/cases/{thing.case}/consents").json()["consents"]:
            if one["id"] == thing.consent:
                thing.consent_version = one["version"]


def _settle(world: World, folder: Path, canaries: Canaries, things: dict[str, Thing]) -> Town:
    """Keeps a copy of the database, and puts an app in whose house can be exchanged."""
    world.run(publish_dirty(world.house))
    world.close()
    snapshot = folder / "snapshot.sqlite"
    shutil.copyfile(world.settings.database, snapshot)
    world.open()
    world.run(world.http.aclose())
    app = create_app(world.house)
    edge = Edge(app, hosts=world.settings.allowed_hosts)
    transport = httpx.ASGITransport(edge, raise_app_exceptions=False)  # type: ignore[arg-type]  # two spellings of ASGI
    world.http = httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}")
    town = Town(
        world=world,
        app=app,
        snapshot=snapshot,
        signed=(world.settings.notary / "state").read_bytes(),
        canaries=canaries,
        things={**things, **_nothings()},
    )
    town.trees = _trees(world)
    return town


def _nothings() -> dict[str, Thing]:
    """An object that is not there, and one whose id is none."""
    zeros = "4" * 32
    unknown = Thing("UN", "unknown id", f"c_{zeros}", f"r_{zeros}", f"k_{zeros}", "C-2026-00000", owner="-")
    malformed = Thing("MA", "malformed id", "c_1", "r_1", "k_1", "C-1", owner="-")
    return {"UN": unknown, "MA": malformed}


def _sheets(world: World, things: dict[str, Thing]) -> dict[str, Thing]:
    """Sheets of who looked at one case, in every state, and one of another city; by the codes of the golden file."""
    ask = {"supervisor": things["DL"], "far_supervisor": things["FA"]}

    def sheet(who: str, *steps: tuple[str, str]) -> str:
        made = world(who, "POST", f"/api/cases/{ask[who].case}/disclosure", PERIOD)
        assert made.status_code == 201, made.text
        id = str(made.json()["id"])
        for person, step in steps:
            assert world(person, "POST", f"/api/disclosures/{id}/{step}").status_code == 200
        return id

    yes, out = ("auditor", "approve"), ("supervisor", "issue")
    titles = {
        "dW": ("sheet of who looked, waits for a second person", sheet("supervisor"), CITY),
        "dA": ("sheet of who looked, approved", sheet("supervisor", yes), CITY),
        "dI": ("sheet of who looked, made", sheet("supervisor", yes, out), CITY),
        "dF": ("sheet of another city, waits", sheet("far_supervisor"), FAR_CITY),
        "dU": ("unknown sheet", "d_" + "4" * 32, "-"),
        "dM": ("malformed id of a sheet", "d_1", "-"),
    }
    return {code: Thing(code, title, id, owner=owner) for code, (title, id, owner) in titles.items()}


def _trees(world: World) -> dict[str, Thing]:
    """The logs, by the codes of the golden file; `ids` learns the shared one's name."""
    names = [str(row[0]) for row in world.sql("SELECT name FROM tree")]
    world.ids["shared"] = next(name for name in names if name.startswith("b_") and name != world.ids[FAR])
    titles = {
        "tS": ("the collaboration", world.ids["shared"]),
        "tF": ("another collaboration", world.ids[FAR]),
        "tC": ("the city itself", world.ids[CITY]),
        "tU": ("unknown id", "b_" + "4" * 32),
        "tM": ("malformed id", "b_1"),
    }
    return {code: Thing(code, title, name, owner="-") for code, (title, name) in titles.items()}


def titles(town: Town) -> dict[str, str]:
    """The codes of the objects and what they are."""
    every = (*town.things.values(), *town.trees.values(), *town.sheets.values())
    return {thing.kind: thing.title for thing in every}
