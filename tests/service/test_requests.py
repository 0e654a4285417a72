"""Requests over HTTP: every move from every stage, who may make it, and what the recipient sees on the way."""

import httpx
import pytest

from tests.service.world import NPO, OTHER_NPO, REQUEST, World

OWNER = ("send", "cancel", "complete")


def agreed(world: World) -> str:
    case = world.new_case()
    world.consent(case)
    return case


def move(world: World, request: str, how: str) -> httpx.Response:
    """One move, by the one who may make it, with the version of now."""
    if how == "deliver":
        case = (
            "c_"
            + world.sql('SELECT hex("case") FROM request WHERE id = ?', bytes.fromhex(request[2:]))[0][
                0
            ].lower()
        )  # type: ignore[attr-defined]  # hex() is text
        row = {"kind": "delivery", "value": {"date": "2026-11-23", "result": "full"}, "request": request}
        return world("coordinator", "POST", f"/api/cases/{case}/ledger", row)
    version = world.sql("SELECT version FROM request WHERE id = ?", bytes.fromhex(request[2:]))[0][0]
    who, headers = ("caseworker", {"If-Match": f'"{version}"'}) if how in OWNER else ("coordinator", {})
    body = {"reason": "out_of_stock"} if how == "decline" else None
    return world(who, "POST", f"/api/requests/{request}/{how}", body, headers)


def stage(world: World, request: str) -> object:
    return world.sql("SELECT stage FROM request WHERE id = ?", bytes.fromhex(request[2:]))[0][0]


WAYS = {
    "draft": (), "sent": ("send",), "accepted": ("send", "accept"), "declined": ("send", "decline"),
    "delivered": ("send", "accept", "deliver"), "completed": ("send", "accept", "deliver", "complete"),
    "cancelled": ("send", "cancel"),
}  # fmt: skip
ALLOWED = {
    ("draft", "send"): "sent", ("draft", "cancel"): "cancelled", ("sent", "accept"): "accepted",
    ("sent", "decline"): "declined", ("sent", "cancel"): "cancelled", ("accepted", "deliver"): "delivered",
    ("accepted", "cancel"): "cancelled", ("delivered", "deliver"): "delivered", ("delivered", "complete"): "completed",
}  # fmt: skip


@pytest.mark.parametrize("start", WAYS)
def test_only_the_moves_of_the_manual_are_made(world: World, start: str) -> None:
    """From each stage each move: the allowed one arrives, every other is a 409 (a draft is not there: 404)."""
    case = agreed(world)
    for how in (*OWNER, "accept", "decline", "deliver"):
        request = world.request(case, send=False)
        for step in WAYS[start]:
            assert move(world, request, step).status_code in (200, 201)
        assert stage(world, request) == start
        answer = move(world, request, how)
        if (start, how) in ALLOWED:
            assert answer.status_code in (200, 201), (how, answer.text)
            assert stage(world, request) == ALLOWED[start, how]
        else:
            hidden = {404, 422} if start == "draft" and how not in OWNER else {409}
            hidden |= {403} if how == "deliver" else set()  # not accepted yet
            assert answer.status_code in hidden, (how, answer.text)
            assert stage(world, request) == start


def test_nothing_is_sent_without_consent_or_conditions(world: World) -> None:
    """I7: no request before consent; both conditions when it is sent."""
    case = world.new_case()
    body = {"recipient": world.ids[NPO], "send": True, **REQUEST}
    early = world("caseworker", "POST", f"/api/cases/{case}/requests", body)
    assert (early.status_code, early.json()["code"]) == (403, "not_asked")
    draft = world.request(case, send=False)
    assert move(world, draft, "send").status_code == 403
    unsure = world.new_case(both=False)
    answer = world("caseworker", "POST", f"/api/cases/{unsure}/requests", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "conditions")


def test_a_draft_is_the_owners_alone(world: World) -> None:
    """Not in the inbox, not in the case, not by its id."""
    case = agreed(world)
    draft = world.request(case, send=False)
    assert world("coordinator", "GET", "/api/inbox").json()["requests"] == []
    assert world("coordinator", "GET", f"/api/cases/{case}/requests").json()["requests"] == []
    assert world("coordinator", "POST", f"/api/requests/{draft}/accept").status_code == 404
    assert move(world, draft, "send").status_code == 200
    assert [one["id"] for one in world("coordinator", "GET", "/api/inbox").json()["requests"]] == [draft]


def test_the_inbox_shows_amounts_and_no_names(world: World) -> None:
    """Before and after the acceptance: amount, dietary needs, pick-up; never a name, never free text."""
    case = agreed(world)
    request = world.request(case)
    for _ in range(2):
        card = world("coordinator", "GET", "/api/inbox")
        assert card.json()["requests"][0]["meals"] == 21
        assert card.json()["requests"][0]["fields"]["dietary"]["allergens"] == ["egg"]
        assert not any(word in card.text for word in ("山田", "やまだ", "はじめての方", "090-0000"))
        if stage(world, request) == "sent":
            world.accept(request)
    assert world("caseworker", "GET", "/api/inbox").json()["requests"] == []


def test_a_volunteer_meets_a_request_while_it_is_accepted(world: World) -> None:
    """Accepted and not completed; amounts and pick-up, never the name."""
    case = agreed(world)
    request = world.request(case)
    assert world("volunteer", "GET", "/api/inbox").json()["requests"] == []
    world.accept(request)
    assert len(world("volunteer", "GET", "/api/inbox").json()["requests"]) == 1
    seen = world("volunteer", "GET", f"/api/cases/{case}")
    assert seen.status_code == 200 and "山田" not in seen.text and "はじめての方" not in seen.text
    for how in ("deliver", "complete"):
        assert move(world, request, how).status_code in (200, 201)
    assert world("volunteer", "GET", "/api/inbox").json()["requests"] == []
    assert world("volunteer", "POST", f"/api/requests/{request}/accept").status_code == 403


def test_only_the_addressed_organisation_accepts(world: World) -> None:
    """Not another NPO that helps the same person, not the owner."""
    case = agreed(world)
    world.consent(case, OTHER_NPO)
    request = world.request(case)
    assert world("other", "POST", f"/api/requests/{request}/accept").status_code == 404
    assert world("caseworker", "POST", f"/api/requests/{request}/accept").status_code in (403, 404)
    assert stage(world, request) == "sent"
    assert [
        one["id"] for one in world("other", "GET", f"/api/cases/{case}/requests").json()["requests"]
    ] == []


def test_an_owners_move_carries_the_requests_version(world: World) -> None:
    """428 without, 409 with a stale one: the recipient moved meanwhile."""
    request = world.request(agreed(world))
    path = f"/api/requests/{request}/cancel"
    assert world("caseworker", "POST", path).status_code == 428
    world.accept(request)
    assert world("caseworker", "POST", path, headers={"If-Match": '"1"'}).json()["type"] == "/problems/stale"
    assert move(world, request, "cancel").status_code == 200


def test_a_declined_request_says_why_to_the_owner(world: World) -> None:
    """Declined with no other open: the consent stays, and the reason is there."""
    case = agreed(world)
    request = world.request(case)
    assert move(world, request, "decline").status_code == 200
    found = world("caseworker", "GET", f"/api/cases/{case}/requests").json()["requests"][0]
    assert (found["stage"], found["decline_reason"]) == ("declined", "out_of_stock")
    again = world.request(case)
    world.accept(again)
    assert "name" in world("coordinator", "GET", f"/api/cases/{case}").json()["fields"]


@pytest.mark.parametrize(
    ("parts", "path"),
    [({"quantity": {"adults": 0, "children": 0, "days": 1, "times": 1}}, "quantity"), ({"quantity": {}}, "quantity"),
     ({"pickup": {"date": "2026-11-30", "time": "10:00", "place": "nowhere", "who": "person"}}, "pickup.place"),
     ({"pickup": {"date": "2026-11-30", "time": "25:00", "place": "office", "who": "person"}}, "pickup"),
     ({"recipient": "o_" + "0" * 32}, "recipient")],
)  # fmt: skip
def test_a_request_that_means_nothing_is_refused(world: World, parts: dict[str, object], path: str) -> None:
    """422 with the path; a place is a code of the collaboration's list."""
    case = agreed(world)
    body = {"recipient": world.ids[NPO], **REQUEST, **parts}
    answer = world("caseworker", "POST", f"/api/cases/{case}/requests", body)
    assert answer.status_code == 422 and answer.json()["errors"][0]["path"].startswith(path), answer.text
    assert world.sql("SELECT count(*) FROM request") == [(0,)]


def test_the_owner_is_not_its_own_recipient(world: World) -> None:
    """A case is not shared with its owner."""
    body = {"recipient": world.ids["みなと市"], **REQUEST}
    answer = world("caseworker", "POST", f"/api/cases/{agreed(world)}/requests", body)
    assert answer.status_code == 422
