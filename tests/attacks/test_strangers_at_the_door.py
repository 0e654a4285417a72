"""The throttle at its edges: a clock set back, an hour of silence, an office behind one address, a full minute."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from service.flows.sweep import sweep
from tests.service.test_sign_in import attempt
from tests.service.world import PASSWORD, World

WRONG = "not the password of anybody"
NEW_PASSWORD = "まったく新しい合い言葉を十五文字以上で"
CEILING = 120


def fail(world: World, logins: Iterable[str]) -> None:
    """A failed sign-in of each, from no address that counts."""
    for login in logins:
        assert world.sign_in(login, password=WRONG).status_code == 401


def fail_until_locked(world: World) -> None:
    """Fails as the caseworker until each attempt is one after which the person waits longest."""
    for _ in range(12):
        fail(world, ("caseworker",))
        world.clock.advance(timedelta(seconds=31))


def events(world: World, event: str) -> list[dict[str, object]]:
    return [leaf for leaf in world.leaves() if leaf["ev"] == event]


def test_a_clock_that_is_set_back_makes_nobody_wait_longer(world: World) -> None:
    """A person waits 30 seconds at most, whatever the clock did since: not until the old time comes again."""
    fail_until_locked(world)
    fail(world, ("caseworker",))
    world.clock.advance(timedelta(hours=-3))
    early = world.sign_in("caseworker")
    assert early.status_code == 429
    assert 1 <= int(early.headers["Retry-After"]) <= 30


def test_a_clock_that_is_set_back_does_not_hide_failures(world: World) -> None:
    """The minute in which failures are only counted ends with the clock's jump: the next one is logged."""
    fail(world, (f"nobody{number}" for number in range(CEILING + 5)))
    world.clock.advance(timedelta(days=-1))
    fail(world, ("nobody",))
    assert len(events(world, "login.fail")) == CEILING + 1
    assert [leaf["n"] for leaf in events(world, "deny.suppressed")] == [5]


@pytest.mark.parametrize("later", [timedelta(minutes=2), timedelta(hours=3)], ids=["soon", "after hours"])
def test_failures_that_were_only_counted_are_logged_by_the_clock(world: World, later: timedelta) -> None:
    """Nothing is dropped silently: the count is logged though no further failure comes, once, however late."""
    fail(world, (f"nobody{number}" for number in range(CEILING + 30)))
    world.clock.advance(later)
    for _ in range(2):
        world.run(sweep(world.house))
        assert [leaf["n"] for leaf in events(world, "deny.suppressed")] == [30]
        world.clock.advance(timedelta(minutes=2))
    fail(world, ("nobody",))
    assert len(events(world, "deny.suppressed")) == 1


def test_one_success_does_not_wipe_out_what_an_address_has_failed(world: World) -> None:
    """Whoever has one account gets no new free guesses with it: an address's count outlives the next sweep."""
    address = "10.0.6.1"

    def once(login: str, password: str = WRONG) -> int:
        answer = world.run(attempt(world.house, address, login, password))
        if answer.status_code != 429:
            return 0
        wait = int(answer.headers["Retry-After"])
        world.clock.advance(timedelta(seconds=wait))
        world.run(attempt(world.house, address, login, password))
        return wait

    for number in range(26):
        once(f"login{number}")
    once("caseworker", PASSWORD.format(login="caseworker"))
    world.clock.advance(timedelta(minutes=2))
    world.run(sweep(world.house))
    waited = [once(f"another{number}") for number in range(3)]
    assert waited[1] >= 30 and waited[2] > waited[1]


def test_strangers_who_fail_keep_nobody_from_changing_the_password(world: World) -> None:
    """The session proves who asks: wrong sign-ins of others under the same login do not count against it."""
    fail(world, ("caseworker",) * 5)
    assert world.sign_in("caseworker").status_code == 429
    body = {"old": PASSWORD.format(login="caseworker"), "new": NEW_PASSWORD}
    assert world("caseworker", "POST", "/api/session/password", body).status_code == 204


def test_a_session_that_guesses_the_old_password_waits_all_the_same(world: World) -> None:
    """A stolen session is no place to try passwords at full speed."""
    body = {"old": WRONG, "new": NEW_PASSWORD}
    found = [world("caseworker", "POST", "/api/session/password", body).status_code for _ in range(6)]
    assert found == [401] * 5 + [429]


def test_entries_about_locked_persons_have_the_same_ceiling(world: World) -> None:
    """Past 120 failures a minute nothing is logged one by one, neither the failure nor that the person waits."""
    fail_until_locked(world)
    assert events(world, "login.lock")
    world.clock.advance(timedelta(minutes=2))
    world.run(sweep(world.house))
    fail(world, (f"nobody{number}" for number in range(CEILING)))
    before = len(world.leaves())
    fail(world, ("caseworker",))
    assert len(world.leaves()) == before
