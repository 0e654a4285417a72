"""The schema says what the API does: every route, every answer, and no name that would be refused."""

import itertools
import re

import httpx
import pytest

from service.app import create_app
from tests.service.world import World

HIDDEN = {"/schema", "/schema/openapi.json", "/schema/{path}"}
"""What is not in the schema is the schema itself."""


@pytest.fixture
def schema(world: World) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    answer = world(None, "GET", "/schema/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def test_it_is_openapi_3_1_for_everybody(world: World) -> None:
    """The schema needs no sign-in."""
    answer = world(None, "GET", "/schema/openapi.json")
    assert answer.json()["openapi"].startswith("3.1")
    assert "json" in answer.headers["content-type"]


def test_every_route_is_in_it(world: World, schema: dict[str, dict[str, dict[str, object]]]) -> None:
    """Undocumented is red."""
    there = {
        (re.sub(r":\w+}", "}", route.path), method.lower())
        for route in create_app(world.house).routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    said = {(path, method) for path, item in schema["paths"].items() for method in item}
    assert {one for one in there if one[0] not in HIDDEN} == said


def test_a_body_that_refuses_unknown_names_says_so(schema: dict[str, dict[str, dict[str, object]]]) -> None:
    """Every body that a route takes, and every struct in it, has `additionalProperties: false`."""
    schemas = schema["components"]["schemas"]
    bodies = {name for name in schemas if name.endswith("Body")} | {"Names"}
    assert len(bodies) > 15
    assert {name for name in bodies if schemas[name].get("additionalProperties") is not False} == set()
    text = repr(schema["paths"])
    asked = set(re.findall(r"requestBody.{0,120}?#/components/schemas/(\w+)", text))
    assert asked and asked <= bodies


def test_every_refusal_is_problem_details(schema: dict[str, dict[str, dict[str, object]]]) -> None:
    """Each status from 400 on is documented with our own body; nothing of Litestar's own errors is in the schema."""
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            assert isinstance(operation, dict)
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    found = answer["content"]["application/problem+json"]["schema"]
                    assert found == {"$ref": "#/components/schemas/Problem"}, (path, method, status)
    text = repr(schema)
    assert "status_code" not in text and "ValidationException" not in text


def test_the_headers_of_writes_are_in_it(schema: dict[str, dict[str, dict[str, object]]]) -> None:
    """If-Match where a version is wanted (and 428 with it), Idempotency-Key on creates, ETag where it is given."""
    paths = schema["paths"]
    for path, item in paths.items():
        for method, operation in item.items():
            assert isinstance(operation, dict)
            names = {one["name"] for one in operation.get("parameters", ())}
            assert ("If-Match" in names) == ("428" in operation["responses"]), (path, method)
    creates = (
        "/api/cases",
        "/api/cases/{case}/consents",
        "/api/cases/{case}/requests",
        "/api/cases/{case}/ledger",
    )
    for path in creates:
        operation = paths[path]["post"]
        assert isinstance(operation, dict)
        assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}
    read = paths["/api/cases/{case}"]["get"]
    assert isinstance(read, dict) and "ETag" in read["responses"]["200"]["headers"]


def test_every_answer_of_a_story_is_documented(
    world: World, schema: dict[str, dict[str, dict[str, object]]]
) -> None:
    """What the API answers to right and wrong requests stands in the schema, status by status."""
    case, consent, request = world.shared_case()
    templates = {case: "{case}", request: "{id}", consent: "{consent}"}
    tree = world("auditor", "GET", "/api/log").json()["trees"][0]["name"]
    templates[tree] = "{tree}"
    asks = [
        *(("GET", path, None) for path in (
            "/api/session", "/api/organisations", "/api/health", "/api/cases", "/api/cases?limit=0", "/api/inbox",
            "/api/inbox?collaboration=x", "/api/log", f"/api/log/{tree}/entries", f"/api/log/{tree}/entries?limit=x",
            f"/api/log/{tree}/checkpoint", f"/api/cases/{case}", f"/api/cases/{case}/looks",
            f"/api/cases/{case}/consents", f"/api/cases/{case}/requests", f"/api/cases/{case}/ledger",
        )),
        ("POST", "/api/session", {"login": "x", "password": "y"}),
        ("POST", "/api/session", {}),
        ("POST", "/api/session/password", {"old": "x", "new": "y" * 16}),
        ("POST", "/api/cases", {"zz": 1}),
        ("POST", "/api/cases/search", {"words": " "}),
        ("PATCH", f"/api/cases/{case}", {"fields": {}}),
        ("PUT", f"/api/cases/{case}/conditions", {}),
        ("POST", f"/api/cases/{case}/assign", {"users": ["x"]}),
        ("POST", f"/api/cases/{case}/close", {"reason": "other"}),
        ("POST", f"/api/cases/{case}/consents", {}),
        ("POST", f"/api/consents/{consent}/confirm", None),
        ("POST", f"/api/consents/{consent}/change", {}),
        ("POST", f"/api/requests/{request}/accept", None),
        ("POST", f"/api/requests/{request}/send", None),
        ("POST", f"/api/requests/{request}/decline", {"reason": "date"}),
        ("POST", f"/api/cases/{case}/ledger", {"kind": "reply", "value": {}}),
        ("POST", f"/api/consents/{consent}/withdraw", {"given_by": ["self"], "method": "paper"}),
    ]  # fmt: skip
    everybody = (None, "caseworker", "coordinator", "volunteer", "other", "auditor", "supervisor")
    seen = set()
    for who, (method, path, body) in itertools.product(everybody, asks):
        answer = world(who, method, path, body)
        place = path.partition("?")[0]
        for id, name in templates.items():
            place = place.replace(id, name)
        seen.add((place, method.lower(), str(answer.status_code)))
        check_known(answer)
    missing = {one for one in seen if one[2] not in responses(schema, one[0], one[1])}
    assert missing == set()
    assert len(seen) > 80


def check_known(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.status_code < 400 or answer.headers["content-type"] == "application/problem+json"


def responses(schema: dict[str, dict[str, dict[str, object]]], path: str, method: str) -> set[str]:
    operation = schema["paths"][path][method]
    assert isinstance(operation, dict)
    return set(operation["responses"])
