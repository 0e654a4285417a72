"""A session: how it begins, how its token travels, and every way in which it ends."""

from datetime import timedelta

import httpx
import pytest

from crypto.session import read_token
from policies.who import Role
from service.flows.changes import set_role, stop_user
from service.session import COOKIE
from tests.service.disk import edit, on_disk
from tests.service.world import PASSWORD, World

WHO = "/api/session"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
NEW_PASSWORD = "まったく新しい合い言葉を十五文字以上で"


def cookie_of(answer: httpx.Response, name: str = COOKIE) -> str:
    """The value that a Set-Cookie of the answer gives to ``name``."""
    for line in answer.headers.get_list("set-cookie"):
        if line.startswith(f"{name}="):
            return str(line.split(";")[0].partition("=")[2])
    raise AssertionError(name)


def by_cookie(world: World, login: str) -> httpx.Response:
    """A sign-in of a browser, whose cookies this client then forgets."""
    made = world.sign_in(login, transport="cookie")
    world.http.cookies.clear()
    return made


def lives(world: World, token: str) -> bool:
    answer = world(None, "GET", WHO, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def token_of(world: World, login: str) -> str:
    answer = world.sign_in(login)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def test_a_sign_in_says_who_and_where(world: World) -> None:
    """The answer names user, organisation and role, and its token opens the session."""
    made = world.sign_in("caseworker").json()
    assert (made["user"], made["role"]) == (world.ids["caseworker"], "caseworker")
    assert made["organisation_name"] == "みなと市"
    who = world(None, "GET", WHO, headers={"Authorization": f"Bearer {made['token']}"}).json()
    assert {**who, "token": made["token"]} == made


def test_the_cookie_cannot_be_read_sent_elsewhere_or_set_by_another_host(world: World) -> None:
    """ASVS 3.3: `__Host-`, Secure, HttpOnly, SameSite=Strict, no Domain; and no token in the body."""
    made = by_cookie(world, "caseworker")
    assert made.json()["token"] is None
    lines = made.headers.get_list("set-cookie")
    assert len(lines) == 2
    for line in lines:
        parts = {part.strip().lower() for part in line.split(";")[1:]}
        assert line.startswith("__Host-") and {"secure", "httponly", "samesite=strict", "path=/"} <= parts
        assert not any(part.startswith("domain") for part in parts)


def test_a_token_is_refused_on_the_other_transport(world: World) -> None:
    """A session made for a cookie is no bearer token, and the other way round; both at once are none."""
    cookie = cookie_of(by_cookie(world, "caseworker"))
    bearer = token_of(world, "caseworker")
    assert world(None, "GET", WHO, headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 200
    assert world(None, "GET", WHO, headers={"Cookie": f"{COOKIE}={bearer}"}).status_code == 401
    assert lives(world, bearer) and not lives(world, cookie)
    both = {"Cookie": f"{COOKIE}={cookie}", "Authorization": f"Bearer {bearer}"}
    assert world(None, "GET", WHO, headers=both).status_code == 401


def test_a_session_that_the_client_chose_is_none(world: World) -> None:
    """No fixation: a token of the client's making opens nothing, and a sign-in never takes it over."""
    chosen = "A" * 43
    before = world.sql("SELECT count(*) FROM session")
    assert world(None, "GET", WHO, headers={"Cookie": f"{COOKIE}={chosen}"}).status_code == 401
    assert not lives(world, chosen)
    assert world.sql("SELECT count(*) FROM session") == before
    body = {"login": "caseworker", "password": PASSWORD.format(login="caseworker"), "transport": "cookie"}
    made = world(None, "POST", WHO, body, {"Cookie": f"{COOKIE}={chosen}", **SAME_SITE})
    assert made.status_code == 201 and cookie_of(made) != chosen
    assert world(None, "GET", WHO, headers={"Cookie": f"{COOKIE}={chosen}"}).status_code == 401


def test_a_session_idle_for_fifteen_minutes_has_ended(world: World) -> None:
    """Idle 15 minutes: ended; used within them, it goes on."""
    token = token_of(world, "caseworker")
    for _ in range(3):
        world.clock.advance(timedelta(minutes=14, seconds=59))
        assert lives(world, token)
    world.clock.advance(timedelta(minutes=15))
    assert not lives(world, token)


def test_a_session_ends_after_twelve_hours_of_use(world: World) -> None:
    """At most 12 hours, however busy."""
    token = token_of(world, "caseworker")
    for _ in range(71):
        world.clock.advance(timedelta(minutes=10))
        assert lives(world, token)
    world.clock.advance(timedelta(minutes=9, seconds=59))
    assert lives(world, token)
    world.clock.advance(timedelta(seconds=1))
    assert not lives(world, token)


def test_a_sign_out_ends_this_session_and_takes_its_cookie_back(world: World) -> None:
    """I13: signed out is signed out; another session of the same user goes on."""
    first, second = token_of(world, "caseworker"), token_of(world, "caseworker")
    out = world(None, "DELETE", WHO, headers={"Authorization": f"Bearer {first}"})
    assert out.status_code == 204 and "Max-Age=0" in out.headers["set-cookie"]
    assert not lives(world, first)
    assert lives(world, second)


def test_a_stopped_user_is_out_everywhere_at_once(world: World) -> None:
    """I13: stopping ends every session, and there is no new one."""
    token = token_of(world, "colleague")
    world.run(stop_user(world.house, "colleague"))
    assert not lives(world, token)
    assert world("colleague", "GET", WHO).status_code == 401
    assert world.sign_in("colleague").status_code == 401


def test_a_change_of_role_ends_every_session(world: World) -> None:
    """I13: nobody goes on under the rights of yesterday."""
    world.clock.advance(timedelta(minutes=1))
    token = token_of(world, "supervisor")
    world.run(set_role(world.house, "supervisor", Role.CASEWORKER))
    assert not lives(world, token)
    assert world("supervisor", "GET", WHO).status_code == 401
    world.clock.advance(timedelta(minutes=1))
    assert world.sign_in("supervisor").json()["role"] == "caseworker"


def test_a_new_password_ends_every_other_session(world: World) -> None:
    """I13: who knew the old password is out; the old one opens nothing any more."""
    mine, others = token_of(world, "caseworker"), token_of(world, "caseworker")
    body = {"old": PASSWORD.format(login="caseworker"), "new": NEW_PASSWORD}
    done = world(None, "POST", f"{WHO}/password", body, {"Authorization": f"Bearer {mine}"})
    assert done.status_code == 204
    assert lives(world, mine) and not lives(world, others)
    assert world.sign_in("caseworker").status_code == 401
    assert world.sign_in("caseworker", password=NEW_PASSWORD).status_code == 201


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("wrong password of mine", NEW_PASSWORD, 401),
        (None, "fourteen chars", 422),
        (None, "password123456789", 422),
    ],
)
def test_a_password_is_not_changed_by_a_wrong_or_to_a_weak_one(
    world: World, old: str | None, new: str, status: int
) -> None:
    """At least 15 characters and none of the common ones; a wrong old password is a 401, and nothing changed."""
    body = {"old": old or PASSWORD.format(login="caseworker"), "new": new}
    answer = world("caseworker", "POST", f"{WHO}/password", body)
    assert answer.status_code == status
    assert status != 422 or answer.json()["errors"][0]["path"] == "new"
    assert world.sign_in("caseworker").status_code == 201


def test_keys_are_the_same_after_a_new_password(world: World) -> None:
    """I10: a new password changes nothing that is visible: the same case opens."""
    case = world.new_case()
    before = world("caseworker", "GET", f"/api/cases/{case}").json()
    body = {"old": PASSWORD.format(login="caseworker"), "new": NEW_PASSWORD}
    assert world("caseworker", "POST", f"{WHO}/password", body).status_code == 204
    world.tokens["caseworker"] = world.sign_in("caseworker", password=NEW_PASSWORD).json()["token"]
    after = world("caseworker", "GET", f"/api/cases/{case}").json()
    assert {**after, "receipt": None} == {**before, "receipt": None}


def test_tokens_and_passwords_are_nowhere_on_disk(world: World) -> None:
    """Only a hash of the token is stored; neither token nor password is in the database or its WAL."""
    made = by_cookie(world, "caseworker")
    tokens = [token_of(world, "caseworker"), cookie_of(made), cookie_of(made, "__Host-tsunagi-device")]
    files = on_disk(world)
    for token in tokens:
        assert token.encode() not in files and read_token(token) not in files
        assert read_token(token).hex().encode() not in files
    assert PASSWORD.format(login="caseworker").encode() not in files


def test_a_session_row_opens_nothing_for_another_user(world: World) -> None:
    """I15: a session row whose user was changed by hand signs nobody in."""
    token = token_of(world, "volunteer")
    edit(world, "UPDATE session SET user = (SELECT id FROM user WHERE login = 'coordinator')")
    assert not lives(world, token)
    assert world("caseworker", "GET", "/api/cases").status_code == 401
