"""A create that is sent twice is done once, and what is kept of it is a hash and an id."""

import asyncio

import pytest

from tests.service.disk import on_disk
from tests.service.faults import business
from tests.service.world import FIELDS, NPO, REQUEST, World

KEY = {"Idempotency-Key": "かぎ".encode().hex()}


def creates(world: World) -> list[tuple[str, str, dict[str, object]]]:
    """Each create: who, where, what."""
    case, _, request = world.shared_case()
    fresh = world.new_case()
    delivery = {"kind": "delivery", "value": {"date": "2026-11-23", "result": "full"}, "request": request}
    consent = {"recipient": world.ids[NPO], "purpose": "food_support", "answer": world.answer()}
    return [
        ("caseworker", "/api/cases", {"fields": dict(FIELDS)}),
        ("caseworker", f"/api/cases/{fresh}/consents", consent),
        ("caseworker", f"/api/cases/{case}/requests", {"recipient": world.ids[NPO], "send": True, **REQUEST}),
        ("coordinator", f"/api/cases/{case}/ledger", delivery),
    ]


@pytest.mark.parametrize("number", range(4))
def test_a_double_submit_creates_one_thing(world: World, number: int) -> None:
    """I12: the second answer is the first one, and nothing more is written."""
    who, path, body = creates(world)[number]
    first = world(who, "POST", path, body, KEY)
    assert first.status_code == 201, first.text
    after = business(world)
    again = world(who, "POST", path, body, KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert business(world) == after


def test_two_at_the_same_time_create_one_thing(world: World) -> None:
    """I12: also when both wait for the same commit."""
    body = {"fields": dict(FIELDS)}

    async def both() -> list[str]:
        answers = await asyncio.gather(
            *(world.ask("caseworker", "POST", "/api/cases", body, KEY) for _ in range(4))
        )
        return [answer.text for answer in answers]

    assert len(set(world.run(both()))) == 1
    assert world.sql("SELECT count(*) FROM cases") == [(1,)]


def test_a_key_stands_for_one_request_of_one_person(world: World) -> None:
    """Another body or path under the same key is a 409; another person's same key is another key."""
    body = {"fields": dict(FIELDS)}
    made = world("caseworker", "POST", "/api/cases", body, KEY)
    other = world("caseworker", "POST", "/api/cases", {"fields": {}}, KEY)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/key_reused")
    theirs = world("colleague", "POST", "/api/cases", body, KEY)
    assert theirs.status_code == 201 and theirs.json()["id"] != made.json()["id"]


def test_a_create_that_was_refused_may_be_sent_again(world: World) -> None:
    """A refusal keeps nothing under the key."""
    case = world.new_case(both=False)
    path = f"/api/cases/{case}/consents"
    body = {"recipient": world.ids[NPO], "purpose": "food_support", "answer": world.answer()}
    assert world("caseworker", "POST", path, body, KEY).status_code == 409
    yes = {"hardship": True, "willing": True}
    assert (
        world("caseworker", "PUT", f"/api/cases/{case}/conditions", yes, {"If-Match": '"1"'}).status_code
        == 200
    )
    assert world("caseworker", "POST", path, body, KEY).status_code == 201


def test_the_row_holds_no_body_and_no_key(world: World) -> None:
    """Hashes under the root key, a status and an id: neither the key's text nor a letter of the body."""
    made = world("caseworker", "POST", "/api/cases", {"fields": dict(FIELDS)}, KEY).json()
    rows = world.sql("SELECT id, request_hash, status, object FROM idempotency")
    assert len(rows) == 1 and rows[0][2:] == (201, made["id"])
    assert all(isinstance(part, bytes) and len(part) == 32 for part in rows[0][:2])
    assert KEY["Idempotency-Key"].encode() not in on_disk(world)


@pytest.mark.parametrize("key", ["", "a" * 101, "a b", "a\tb"])
def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    """1 to 100 visible ASCII characters."""
    answer = world("caseworker", "POST", "/api/cases", {"fields": {}}, {"Idempotency-Key": key})
    assert answer.status_code == 422 and answer.json()["errors"][0]["path"] == "Idempotency-Key"
