"""Lesson 9 and the throttle: a refusal has its entry, and strangers neither fill the log nor lock anybody out."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from crypto.totp import code_at, step_at
from service.flows.changes import reset_user
from service.flows.membership import present_member
from tests.service.world import PASSWORD, World

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
DELIVERY = {"date": "2026-11-23", "result": "full"}
WRONG = "not the password of anybody"


def note_without_way_back(world: World) -> httpx.Response:
    case = world.new_case()
    world.consent(case, back=False)
    request = world.request(case)
    world.accept(request)
    body = {"kind": "delivery", "request": request, "value": {**DELIVERY, "note": "x"}}
    return world("coordinator", "POST", f"/api/cases/{case}/ledger", body)


def delivery_without_grant(world: World) -> httpx.Response:
    case, _, request = world.shared_case()
    second = world.request(case)
    body = {"kind": "delivery", "request": request, "value": DELIVERY}
    assert world("coordinator", "POST", f"/api/cases/{case}/ledger", body).status_code == 201
    done = world("caseworker", "POST", f"/api/requests/{request}/complete", None, {"If-Match": '"3"'})
    assert done.status_code == 200, done.text
    world("coordinator", "POST", f"/api/requests/{second}/decline", {"reason": "date"})
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]
    return world("coordinator", "POST", f"/api/cases/{case}/ledger", body)


def foreign_inbox(world: World) -> httpx.Response:
    return world("coordinator", "GET", "/api/inbox?collaboration=b_" + "0" * 32)


def proof_beyond_the_tree(world: World) -> httpx.Response:
    name = world.sql("SELECT name FROM tree WHERE number = 1")[0][0]
    return world("auditor", "GET", f"/api/log/{name}/proof/99999")


def foreign_tree(world: World) -> httpx.Response:
    return world("auditor", "GET", "/api/log/b_" + "0" * 32 + "/entries")


@pytest.mark.parametrize(
    ("attempt", "status", "event"),
    [
        (note_without_way_back, 403, "ledger.write"),
        (delivery_without_grant, 403, "ledger.write"),
        (foreign_inbox, 404, "case.list"),
        (proof_beyond_the_tree, 404, "log.verify"),
        (foreign_tree, 404, "log.search"),
    ],
)
def test_a_refusal_by_permission_has_its_entry(
    world: World, attempt: Callable[[World], httpx.Response], status: int, event: str
) -> None:
    """Whatever is refused with 403 or 404 stands in the log, with the account that tried."""
    assert not any(leaf.get("dec") == "deny" for leaf in world.leaves())
    assert attempt(world).status_code == status
    denied = [leaf for leaf in world.leaves() if leaf.get("dec") == "deny"]
    assert [leaf["ev"] for leaf in denied] == [event]
    assert denied[0]["act"] in (world.ids["coordinator"], world.ids["auditor"])


def test_who_lists_the_trees_stands_in_the_log(world: World) -> None:
    """Opening the log is an entry too."""
    assert world("auditor", "GET", "/api/log").status_code == 200
    opened = [leaf for leaf in world.leaves() if leaf["ev"] == "log.open"]
    assert [leaf["act"] for leaf in opened] == [world.ids["auditor"]]


def test_strangers_make_the_log_grow_by_a_number_a_minute_and_no_more(world: World) -> None:
    """Failed sign-ins past 120 a minute are counted, and the count is an entry of the next minute."""
    before = len(world.leaves())
    for number in range(150):
        assert world.sign_in(f"nobody{number}", password=WRONG).status_code == 401
    assert len(world.leaves()) == before + 120
    world.clock.advance(timedelta(minutes=1))
    assert world.sign_in("nobody", password=WRONG).status_code == 401
    (counted,) = [leaf for leaf in world.leaves() if leaf["ev"] == "deny.suppressed"]
    assert counted["n"] == 30


async def with_full_queue(world: World, work: Callable[[], object]) -> None:
    """Runs ``work`` while everything that derives keys is taken and the queue before it is full."""
    gate = threading.Event()
    full = 16 * world.settings.workers
    busy = [asyncio.ensure_future(world.house.slowly(lambda: gate.wait(30))) for _ in range(full)]
    await asyncio.sleep(0)
    try:
        await work()  # type: ignore[misc]  # a coroutine function
    finally:
        gate.set()
        await asyncio.gather(*busy)


def test_a_sign_in_that_was_never_tried_is_no_failure(world: World) -> None:
    """Strangers who keep every place taken make others wait (503), and never count against them (429)."""
    body = {"login": "caseworker", "password": PASSWORD.format(login="caseworker")}
    found: list[int] = []

    async def try_often() -> None:
        for _ in range(12):
            found.append((await world.ask(None, "POST", "/api/session", body)).status_code)

    world.run(with_full_queue(world, try_often))
    assert set(found) == {503}
    assert world.sign_in("caseworker").status_code == 201


def test_attempts_that_were_never_tried_leave_no_entries(world: World) -> None:
    """A full queue is no way round the number of entries a minute."""
    for _ in range(9):
        assert world.sign_in("caseworker", password=WRONG).status_code == 401
        world.clock.advance(timedelta(seconds=30))
    before = len(world.leaves())
    body = {"login": "caseworker", "password": WRONG}

    async def try_often() -> None:
        for _ in range(20):
            assert (await world.ask(None, "POST", "/api/session", body)).status_code == 503

    world.run(with_full_queue(world, try_often))
    assert len(world.leaves()) == before


def device_of(answer: httpx.Response) -> str:
    return next(line for line in answer.headers.get_list("set-cookie") if "device" in line).split(";")[0]


def test_a_browser_that_is_known_waits_after_wrong_codes_too(world: World) -> None:
    """A stolen laptop and a password are not enough to try every code: the browser's own failures slow it down."""
    world.clock.advance(timedelta(minutes=5))
    made = world.sign_in("supervisor", transport="cookie")
    device = {"Cookie": device_of(made), **SAME_SITE}
    world.http.cookies.clear()
    body = {"login": "supervisor", "password": PASSWORD.format(login="supervisor")}
    right = code_at(world.secrets["supervisor"], step_at(int(world.clock().timestamp())) + 1)
    wrong = [code for code in (f"{number:06d}" for number in range(30)) if code != right]
    answers = [world(None, "POST", "/api/session", {**body, "code": code}, device) for code in wrong]
    assert [answer.status_code for answer in answers].count(401) <= 5
    assert answers[-1].status_code == 429 and int(answers[-1].headers["Retry-After"]) >= 1


NEW_PASSWORD = "まったく新しい合い言葉を十五文字以上で"


def change_it(world: World) -> None:
    body = {"old": PASSWORD.format(login="caseworker"), "new": NEW_PASSWORD}
    assert world("caseworker", "POST", "/api/session/password", body).status_code == 204


def have_it_reset(world: World) -> None:
    member = world.run(present_member(world.house, "supervisor", PASSWORD.format(login="supervisor")))
    world.run(reset_user(world.house, "caseworker", NEW_PASSWORD, member))


@pytest.mark.parametrize("renew", [change_it, have_it_reset])
def test_a_new_password_makes_every_browser_a_strangers_again(
    world: World, renew: Callable[[World], None]
) -> None:
    """A browser that is known passes the throttle for as long as the password under which it signed in."""
    made = world.sign_in("caseworker", transport="cookie")
    device = {"Cookie": device_of(made), **SAME_SITE}
    world.http.cookies.clear()
    renew(world)
    for _ in range(5):
        world.sign_in("caseworker", password=WRONG)
    body = {"login": "caseworker", "password": NEW_PASSWORD}
    assert world(None, "POST", "/api/session", body, device).status_code == 429
