"""Bad input gets a clear answer of its own, and nothing is lost or half written."""

import json
from collections.abc import Mapping

import httpx
import pytest

from tests.service.faults import business
from tests.service.world import NPO, REQUEST, World

NOWHERE = "c_" + "0" * 32
JSON = {"Content-Type": "application/json"}


def raw(
    world: World, content: bytes, headers: Mapping[str, str] = JSON, path: str = "/api/cases"
) -> httpx.Response:
    sent = {"Authorization": f"Bearer {world.tokens['caseworker']}", **headers}
    return world.run(world.http.request("POST", path, content=content, headers=sent))


def said(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that the asker gets but the date."""
    return (
        answer.status_code,
        [one for one in answer.headers.multi_items() if one[0] != "date"],
        answer.content,
    )


def problem(answer: httpx.Response) -> dict[str, object]:
    """The problem details, which say their status and say no more than they may."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = dict(answer.json())
    assert found["status"] == answer.status_code
    assert set(found) <= {"type", "title", "status", "code", "items", "errors"}
    return found


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"fields": {"name": 5}}, "fields.name", "type"),
        ({"fields": {"birth_date": "2026-02-30"}}, "fields.birth_date", "no_such_day"),
        ({"fields": {"dietary": {"allergens": ["egg", "egg"]}}}, "fields.dietary.allergens", "twice"),
        ({"fields": {"dietary": {"zz": 1}}}, "fields.dietary", "unknown_key"),
        ({"fields": {"nosuch": 1}}, "fields", "unknown_field"),
        ({"fields": {"quantity": {}}}, "fields.quantity", "written_elsewhere"),
        ({"fields": {}, "owner": "me"}, "owner", "unknown_field"),
        ({"fields": {}, "consent_overridden": True}, "consent_overridden", "unknown_field"),
        ({"conditions": {"hardship": True}}, "conditions.willing", "missing_key"),
        ({"conditions": {"hardship": "yes", "willing": True}}, "conditions.hardship", "invalid"),
        ({"fields": []}, "fields", "invalid"),
        ([], "", "invalid"),
        (None, "", "invalid"),
        ({"collaboration": "b_" + "0" * 32}, "collaboration", "unknown"),
        ({"sections": ["s_" + "0" * 32]}, "sections", "unknown"),
    ],
)
def test_malformed_is_422_with_the_path_of_the_part(world: World, body: object, path: str, code: str) -> None:
    """422 names the part that is wrong and why, never the value; nothing is written."""
    before = business(world)
    answer = raw(world, json.dumps(body).encode())
    found = problem(answer)
    assert found["status"] == 422
    errors = found["errors"]
    assert isinstance(errors, list) and errors[0]["path"] == path
    assert errors[0]["code"] == code
    assert business(world) == before


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"fields": {"name": "\xff\xfe"}}', JSON, 400),
        (b'{"fields": {"name": "a\\u0000b"}}', JSON, 400),
        (b'{"fields": {"name": "\xe2\x80\xae"}}', JSON, 400),
        (b'{"fields": {"name": "\\ud800"}}', JSON, 400),
        (b"[" * 5000 + b"]" * 5000, JSON, 400),
        (b'{"fields": {}, "fields": {}}', JSON, 400),
        (b'{"fields": ', JSON, 400),
        (b"", JSON, 422),
        (b'{"fields": {"name": "' + b"a" * (1 << 20) + b'"}}', JSON, 413),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (b"{}", {"Content-Type": "application/json; charset=shift_jis"}, 415),
        (b'{"fields": {"support_plan": {"per_month": 1e999}}}', JSON, 422),
        (b'{"fields": {"support_plan": {"per_month": 1' + b"0" * 5000 + b"}}}", JSON, 422),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_clean_request_is_refused_at_the_edge(
    world: World, content: bytes, headers: Mapping[str, str], status: int
) -> None:
    """Invalid UTF-8, NUL, bidi controls, deep, double or huge JSON, another content type: 400, 413, 415, never 500."""
    before = business(world)
    answer = raw(world, content, headers)
    assert answer.status_code == status or (status == 422 and answer.status_code == 400), answer.text
    problem(answer)
    assert business(world) == before


def test_not_there_and_not_yours_are_the_same_404(world: World) -> None:
    """Unknown, another's, not a party, not assigned, malformed: status, every header but Date, and body are equal."""
    case = world.new_case()
    asks = [
        ("caseworker", NOWHERE), ("stranger", case), ("coordinator", case), ("other", case),
        ("volunteer", case), ("caseworker", "x"), ("caseworker", case.upper()), ("caseworker", "o" + case[1:]),
        ("coordinator", "c_" + "z" * 32), ("coordinator", "山"),
    ]  # fmt: skip
    for path in ("", "/ledger", "/requests"):
        answers = [world(who, "GET", f"/api/cases/{id}{path}") for who, id in asks]
        assert answers[0].status_code == 404 and problem(answers[0])
        assert len({repr(said(answer)) for answer in answers}) == 1
    consents = [world(who, "GET", f"/api/cases/{id}/consents") for who, id in asks if who != "volunteer"]
    assert {repr(said(answer)) for answer in consents} == {repr(said(answers[0]))}


def test_a_write_to_what_is_not_there_is_the_same_404(world: World) -> None:
    """A write tells no more than a read, and changes nothing."""
    case, consent, request = world.shared_case()
    before = business(world)
    version = {"If-Match": '"1"'}
    answers = [
        world("stranger", "PATCH", f"/api/cases/{case}", {"fields": {"name": "x"}}, version),
        world("caseworker", "PATCH", f"/api/cases/{NOWHERE}", {"fields": {"name": "x"}}, version),
        world("other", "POST", f"/api/requests/{request}/accept"),
        world("other", "POST", f"/api/requests/r_{'0' * 32}/accept"),
        world(
            "other", "POST", f"/api/consents/{consent}/withdraw", {"given_by": ["self"], "method": "paper"}
        ),
        world(
            "other", "POST", f"/api/consents/k_{'0' * 32}/withdraw", {"given_by": ["self"], "method": "paper"}
        ),
        world(
            "other", "POST", "/api/consents/C-2026-00000/withdraw", {"given_by": ["self"], "method": "paper"}
        ),
        world("auditor", "GET", f"/api/log/o_{'0' * 32}/entries"),
    ]
    assert answers[0].status_code == 404
    assert len({repr(said(answer)) for answer in answers}) == 1
    assert business(world) == before


@pytest.mark.parametrize("id", ["own", NOWHERE, "x"])
def test_an_action_that_the_role_never_has_is_one_constant_403(world: World, id: str) -> None:
    """403 with one body, for any id, for whoever never has it."""
    case = world.new_case() if id == "own" else id
    body = {"fields": {"name": "x"}}
    asks = [
        ("auditor", "GET", f"/api/cases/{case}", None), ("admin", "GET", f"/api/cases/{case}", None),
        ("intermediary", "GET", "/api/cases", None), ("volunteer", "PATCH", f"/api/cases/{case}", body),
        ("caseworker", "GET", f"/api/cases/{case}/looks", None), ("coordinator", "GET", "/api/log", None),
        ("volunteer", "POST", "/api/cases", {"fields": {}}), ("caseworker", "GET", f"/api/log/{case}/entries", None),
    ]  # fmt: skip
    answers = [world(who, method, path, body) for who, method, path, body in asks]
    assert answers[0].status_code == 403 and problem(answers[0])
    assert len({repr(said(answer)) for answer in answers}) == 1


def test_who_is_not_signed_in_gets_401_whatever_is_asked(world: World) -> None:
    """401 for every route but the public ones, before the body is looked at, with the same bytes."""
    case = world.new_case()
    asks = [("GET", f"/api/cases/{case}"), ("GET", f"/api/cases/{NOWHERE}"), ("POST", "/api/cases"),
            ("GET", "/api/log"), ("GET", "/api/inbox"), ("DELETE", "/api/session")]  # fmt: skip
    answers = [world(None, method, path, {} if method == "POST" else None) for method, path in asks]
    bad = {"Authorization": "Bearer " + "A" * 43}
    answers += [
        world(None, "GET", "/api/cases", headers=bad),
        world(None, "GET", "/api/cases", headers={"Authorization": "x"}),
    ]
    assert answers[0].status_code == 401 and answers[0].headers["www-authenticate"] == "Bearer"
    assert len({repr(said(answer)) for answer in answers}) == 1
    assert world(None, "GET", "/api/health").status_code == 200


@pytest.mark.parametrize(
    ("header", "status", "kind"),
    [(None, 428, "if_match_missing"), ('"7"', 409, "stale"), ("1", 422, "malformed"), ("*", 422, "malformed"),
     ('W/"1"', 422, "malformed"), ('"01"', 422, "malformed"), ('"1"', 200, "")],
)  # fmt: skip
def test_an_owners_write_carries_the_version_that_it_saw(
    world: World, header: str | None, status: int, kind: str
) -> None:
    """428 without If-Match, 409 for a stale one, 422 for none of ours; and only the right one writes."""
    case = world.new_case()
    before = business(world)
    headers = {} if header is None else {"If-Match": header}
    for method, path, body in (
        ("PATCH", "", {"fields": {"name": "新"}}),
        ("PUT", "/conditions", {"hardship": True, "willing": False}),
        ("POST", "/close", {"reason": "moved"}),
    ):
        answer = world("caseworker", method, f"/api/cases/{case}{path}", body, headers)
        assert answer.status_code == status, answer.text
        if status == 200:
            break
        assert problem(answer)["type"] == f"/problems/{kind}"
        assert business(world) == before


def test_a_wrong_state_is_a_409_that_says_which(world: World) -> None:
    """Accepted twice, completed unsent, written after the close: 409 with the state that stands against it."""
    case, _, request = world.shared_case()
    again = world("coordinator", "POST", f"/api/requests/{request}/accept")
    assert problem(again)["status"] == 409 and again.json()["code"] == "accepted"
    twice = {"recipient": world.ids[NPO], "purpose": "food_support", "answer": world.answer()}
    assert world("caseworker", "POST", f"/api/cases/{case}/consents", twice).json()["code"] == "already_live"
    close = world("caseworker", "POST", f"/api/cases/{case}/close", {"reason": "moved"}, {"If-Match": '"1"'})
    assert close.status_code == 200
    late = world("caseworker", "PATCH", f"/api/cases/{case}", {"fields": {"name": "x"}}, {"If-Match": '"2"'})
    assert problem(late)["status"] == 409 and late.json()["code"] == "closed"
    body = {"recipient": world.ids[NPO], "send": True, **REQUEST}
    assert world("caseworker", "POST", f"/api/cases/{case}/requests", body).json()["code"] == "closed"


def test_a_route_or_method_that_is_not_offered_is_a_problem_too(world: World) -> None:
    """404 and 405 in the same form as every other answer."""
    assert problem(world("caseworker", "GET", "/api/nothing"))["status"] == 404
    assert problem(world("caseworker", "GET", "/schema/swagger"))["status"] == 404
    assert problem(world("caseworker", "DELETE", "/api/cases"))["status"] == 405
