"""Signing in: one answer for whatever was wrong, a second factor that counts once, and a throttle for strangers."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta

import httpx
import pytest

from crypto.totp import code_at, step_at
from service.app import serve_house
from service.flows.changes import stop_user
from service.house import House
from tests.service.disk import edit
from tests.service.world import HOST, PASSWORD, World

WRONG = "not the password of anybody"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


async def attempt(
    house: House,
    address: str,
    login: str,
    password: str = WRONG,
    headers: dict[str, str] | None = None,
    **parts: object,
) -> httpx.Response:
    """A sign-in from an address."""
    transport = httpx.ASGITransport(serve_house(house), client=(address, 50000))
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as http:
        body = {"login": login, "password": password, **parts}
        return await http.post("/api/session", json=body, headers=headers)


def heard(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that the asker gets: status, every header but Date, body."""
    return (
        answer.status_code,
        [one for one in answer.headers.multi_items() if one[0] != "date"],
        answer.content,
    )


def test_nobody_learns_which_part_was_wrong(world: World) -> None:
    """Unknown, wrong, stopped, without a code, with a wrong code: equal bytes, and each leaves an entry."""
    world.run(stop_user(world.house, "colleague"))
    world.clock.advance(timedelta(minutes=5))
    answers = [
        world.sign_in("nobody"),
        world.sign_in("caseworker", password=WRONG),
        world.sign_in("colleague"),
        world.sign_in("supervisor", code=""),
        world.sign_in("supervisor", code="000000"),
        world.sign_in(
            "auditor", code=code_at(world.secrets["supervisor"], step_at(int(world.clock().timestamp())))
        ),
        world.sign_in("admin", password=WRONG),
    ]
    assert answers[0].status_code == 401
    assert len({repr(heard(answer)) for answer in answers}) == 1
    reasons = [leaf["rsn"] for leaf in world.leaves() if leaf["ev"] == "login.fail"]
    assert sorted(map(str, reasons)) == sorted(
        [
            "unknown_login",
            "wrong_password",
            "disabled",
            "wrong_code",
            "wrong_code",
            "wrong_code",
            "wrong_password",
        ]
    )


@pytest.mark.parametrize("login", ["admin", "supervisor", "auditor"])
def test_a_password_alone_does_not_let_in_who_has_power(world: World, login: str) -> None:
    """Administrator, supervisor and auditor need their code; not even where the second factor's row is gone."""
    world.clock.advance(timedelta(minutes=5))
    assert world.sign_in(login, code="").status_code == 401
    assert world.sign_in(login).status_code == 201
    edit(world, "DELETE FROM second_factor")
    assert world.sign_in(login).status_code == 401


@pytest.mark.parametrize(("drift", "status"), [(-2, 401), (-1, 201), (0, 201), (1, 201), (2, 401)])
def test_a_code_is_taken_one_step_early_or_late(world: World, drift: int, status: int) -> None:
    """RFC 6238 §5.2: the step of now, one before, one after; no other."""
    world.clock.advance(timedelta(minutes=5))
    code = code_at(world.secrets["supervisor"], step_at(int(world.clock().timestamp())) + drift)
    assert world.sign_in("supervisor", code=code).status_code == status


def test_a_code_counts_once(world: World) -> None:
    """A code that was used, or one older than it, lets nobody in again, not even at the same time."""
    world.clock.advance(timedelta(minutes=5))
    step = step_at(int(world.clock().timestamp()))
    new, old = (code_at(world.secrets["supervisor"], one) for one in (step, step - 1))
    password = PASSWORD.format(login="supervisor")

    async def race() -> list[int]:
        both = (attempt(world.house, "10.0.0.1", "supervisor", password, code=new) for _ in range(2))
        return sorted(answer.status_code for answer in await asyncio.gather(*both))

    assert world.run(race()) == [201, 401]
    assert world.sign_in("supervisor", code=new).status_code == 401
    assert world.sign_in("supervisor", code=old).status_code == 401


def waits(world: World, login: str, addresses: Iterable[str]) -> list[int]:
    """Wrong sign-ins from one address after the other, each after the wait that was asked for; the waits."""
    found = []
    for address in addresses:
        answer = world.run(attempt(world.house, address, login))
        if answer.status_code == 429:
            wait = int(answer.headers["Retry-After"])
            found.append(wait)
            world.clock.advance(timedelta(seconds=wait))
            answer = world.run(attempt(world.house, address, login))
        assert answer.status_code == 401
    return found


def test_a_persons_delay_grows_to_thirty_seconds_and_no_further(world: World) -> None:
    """Strangers slow nobody down for longer: at most 30 s, whatever they try; the right password then lets in."""
    found = waits(world, "caseworker", (f"10.0.1.{number}" for number in range(25)))
    assert found[:4] == [1, 2, 4, 8]
    assert max(found) == 30
    world.clock.advance(timedelta(seconds=30))
    right = PASSWORD.format(login="caseworker")
    assert world.run(attempt(world.house, "10.0.2.1", "caseworker", right)).status_code == 201
    assert [leaf["rsn"] for leaf in world.leaves() if leaf["ev"] == "login.lock"][:1] == ["throttled"]


def test_a_login_that_does_not_exist_waits_like_one_that_does(world: World) -> None:
    """The throttle tells nobody which logins there are: the same waits, the same bytes."""
    known = waits(world, "caseworker", (f"10.0.3.{number}" for number in range(8)))
    assert waits(world, "nobody", (f"10.0.4.{number}" for number in range(8))) == known
    world.clock.advance(timedelta(seconds=60))
    for login in ("caseworker", "nobody"):
        world.run(attempt(world.house, "10.0.5.1", login))
    one, two = (world.run(attempt(world.house, "10.0.5.2", login)) for login in ("caseworker", "nobody"))
    assert one.status_code == 429 and heard(one) == heard(two)


def test_an_addresss_delay_grows_on(world: World) -> None:
    """One address that tries many logins waits longer and longer; other addresses do not."""
    found = waits_over(world, [f"login{number}" for number in range(28)])
    assert found == sorted(found) and found[-1] > 30
    assert world.run(attempt(world.house, "10.0.6.2", "login0")).status_code == 401


def waits_over(world: World, logins: Iterable[str]) -> list[int]:
    found = []
    for login in logins:
        answer = world.run(attempt(world.house, "10.0.6.1", login))
        if answer.status_code == 429:
            found.append(int(answer.headers["Retry-After"]))
            world.clock.advance(timedelta(seconds=found[-1]))
            assert world.run(attempt(world.house, "10.0.6.1", login)).status_code == 401
    return found


def test_a_browser_that_has_signed_in_before_does_not_wait(world: World) -> None:
    """The device cookie passes the throttle, for its own user only."""
    made = world.sign_in("caseworker", transport="cookie")
    device = next(line for line in made.headers.get_list("set-cookie") if "device" in line).split(";")[0]
    known = {"Cookie": device, **SAME_SITE}
    for login in ("caseworker", "coordinator"):
        for number in range(5):
            world.run(attempt(world.house, f"10.0.7.{number}", login))

    def status(login: str, headers: dict[str, str] | None) -> int:
        right = PASSWORD.format(login=login)
        return world.run(attempt(world.house, "10.0.8.1", login, right, headers)).status_code

    assert status("caseworker", None) == 429
    assert status("coordinator", known) == 429
    assert status("caseworker", known) == 201


def test_who_must_wait_costs_no_key_derivation(world: World) -> None:
    """The throttle comes first: with every Argon2 thread taken, 429 is answered at once, where others get a 503."""
    for number in range(5):
        world.run(attempt(world.house, f"10.0.9.{number}", "caseworker"))
    taken = threading.Event()

    async def both() -> tuple[httpx.Response, httpx.Response]:
        full = 16 * world.settings.workers
        busy = [asyncio.ensure_future(world.house.slowly(waiting(taken))) for _ in range(full)]
        await asyncio.sleep(0)
        try:
            throttled = await asyncio.wait_for(attempt(world.house, "10.0.9.9", "caseworker"), 5)
            free = await asyncio.wait_for(attempt(world.house, "10.0.9.9", "volunteer"), 5)
        finally:
            taken.set()
            await asyncio.gather(*busy)
        return throttled, free

    throttled, free = world.run(both())
    assert throttled.status_code == 429
    assert free.status_code == 503 and "Retry-After" in free.headers


def waiting(event: threading.Event) -> Callable[[], bool]:
    return lambda: event.wait(30)
