"""I13, lesson 8: what changes while something is under way counts for it: rights, passwords, answers."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from cases.ids import UserId
from crypto.session import read_token, session_id
from policies.who import Role
from service.app import serve_house
from service.cli.opening import load_house
from service.flows.changes import set_role
from service.house import House
from service.store.values import from_ms
from tests.service.world import FIELDS, HOST, PASSWORD, WEAK, Template, World

NEW_PASSWORD = "まったく新しい合い言葉を十五文字以上で"


def second_house(world: World) -> House:
    """Another worker of the same service: a house of its own on the same files."""
    return load_house(world.settings, clock=world.clock, cost=WEAK)


async def change_elsewhere(world: World, house: House, login: str) -> int:
    """The user changes the password at another worker; the status."""
    house.start()
    transport = httpx.ASGITransport(serve_house(house))
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as http:
        body = {"old": PASSWORD.format(login=login), "new": NEW_PASSWORD}
        headers = {"Authorization": f"Bearer {world.tokens[login]}"}
        done = await http.post("/api/session/password", json=body, headers=headers)
    await house.stop()
    return done.status_code


def test_a_sign_in_with_the_old_password_under_way_comes_too_late(world: World) -> None:
    """A password that was changed while its key was derived makes no session any more."""
    gate, elsewhere = threading.Event(), second_house(world)
    counted = world.sql("SELECT count(*) FROM throttle")

    async def race() -> tuple[int, httpx.Response]:
        busy = [
            asyncio.ensure_future(world.house.slowly(lambda: gate.wait(30)))
            for _ in range(world.settings.workers)
        ]
        body = {"login": "caseworker", "password": PASSWORD.format(login="caseworker")}
        thief = asyncio.ensure_future(world.ask(None, "POST", "/api/session", body))
        for _ in range(400):  # until the attempt was counted: its key is derived next
            if world.sql("SELECT count(*) FROM throttle") != counted:
                break
            await asyncio.sleep(0.005)
        changed = await change_elsewhere(world, elsewhere, "caseworker")
        gate.set()
        await asyncio.gather(*busy)
        return changed, await thief

    changed, thief = world.run(race())
    assert changed == 204
    assert thief.status_code == 401
    mine = session_id(read_token(world.tokens["caseworker"]))
    user = UUID(hex=world.ids["caseworker"][2:]).bytes
    assert world.sql("SELECT id FROM session WHERE user = ?", user) == [(mine,)]


class Between:
    """Makes connections on which something happens just before the n-th transaction begins."""

    def __init__(self) -> None:
        self.left = 0
        self.happens: Callable[[], None] = lambda: None

    def arm(self, before: int, happens: Callable[[], None]) -> None:
        self.left, self.happens = before, happens

    def connect(self, path: str) -> sqlite3.Connection:
        between = self

        class Watched(sqlite3.Connection):
            def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
                if sql.startswith("BEGIN IMMEDIATE") and between.left:
                    between.left -= 1
                    if not between.left:
                        between.happens()
                return super().execute(sql, parameters)  # type: ignore[arg-type]  # the signature is SQLite's

        return sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Watched)


def test_rights_narrowed_between_a_search_and_its_hits_show_no_hit(
    template: Template, tmp_path: Path
) -> None:
    """A search takes two transactions, and the caller's rights are asked in each: no name after `role.change`."""
    between = Between()
    world = World(template, tmp_path / "world", connect=between.connect)
    world.new_case(who="supervisor")
    elsewhere = second_house(world)

    async def narrow() -> None:
        elsewhere.start()
        await set_role(elsewhere, "supervisor", Role.CASEWORKER)
        await elsewhere.stop()

    between.arm(2, lambda: asyncio.run(narrow()))
    found = world("supervisor", "POST", "/api/cases/search", {"words": "山田"})
    assert between.left == 0
    assert found.status_code == 401 and str(FIELDS["name"]) not in found.text
    events = [leaf["ev"] for leaf in world.leaves()]
    assert "case.scan" in events and "field.release" not in events
    world.end()


@pytest.mark.parametrize("how", ["change", "renew"])
def test_two_who_narrow_from_the_same_screen_do_not_widen_for_each_other(world: World, how: str) -> None:
    """A change lists the whole set again, so it carries the version that was seen: the slower one is a 409."""
    case, consent, _ = world.shared_case()

    async def both() -> list[int]:
        path, seen = f"/api/consents/{consent}/{how}", {"If-Match": '"1"'}
        answers = await asyncio.gather(
            world.ask("caseworker", "POST", path, world.answer(("phone",)), seen),
            world.ask("colleague", "POST", path, world.answer(("address",)), seen),
        )
        return sorted(answer.status_code for answer in answers)

    assert world.run(both()) == [200, 409]
    seen = world("coordinator", "GET", f"/api/cases/{case}").json()
    assert len({"phone", "address"} & set(seen["fields"])) == 1
    blind = world("caseworker", "POST", f"/api/consents/{consent}/{how}", world.answer())
    assert blind.status_code == 428


def test_a_create_sent_again_tells_nothing_of_a_case_that_is_out_of_reach_now(world: World) -> None:
    """An Idempotency-Key remembers a create, not the right to read it: whoever lost the case gets its 404."""
    key = {"Idempotency-Key": "k1"}
    body = {"fields": dict(FIELDS), "conditions": {"hardship": True, "willing": True}}
    made = world("supervisor", "POST", "/api/cases", body, key).json()
    again = world("supervisor", "POST", "/api/cases", body, key)
    assert (again.status_code, again.json()["id"]) == (201, made["id"])
    world.run(set_role(world.house, "supervisor", Role.CASEWORKER))
    world.clock.advance(timedelta(minutes=2))
    world.tokens["supervisor"] = world.sign_in("supervisor").json()["token"]
    answer = world("supervisor", "POST", "/api/cases", body, key)
    there = world("supervisor", "GET", f"/api/cases/{made['id']}")
    assert (answer.status_code, answer.content) == (404, there.content)


def test_a_sign_out_leaves_no_opened_key_in_memory(world: World) -> None:
    """Traps, 15: the seed and the slot keys that a session had opened go with it, at once."""
    case = world.new_case()
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    session = session_id(read_token(world.tokens["caseworker"]))
    blob, user, expires = world.sql("SELECT blob, user, expires FROM session WHERE id = ?", session)[0]
    assert isinstance(user, bytes) and isinstance(expires, int)
    row = (blob, UserId(UUID(bytes=user)), from_ms(expires))
    assert world.house.handles.find(session, row) is not None
    assert world("caseworker", "DELETE", "/api/session").status_code == 204
    assert world.house.handles.find(session, row) is None
