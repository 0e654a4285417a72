"""Whatever statement fails: the state is before or after, nothing was answered, and the next request works."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.faults import Faults, business, failing_world
from tests.service.world import FIELDS, NPO, REQUEST, Template, World

MOST = 500
NOT_NOW = {"type": "/problems/unavailable", "title": "Not available now; try again", "status": 503}
CANARIES = ("山田", "やまだ", "090-0000", "電気", "1-2-3", "玄関先")

Step = Callable[[World], Callable[[], httpx.Response]]
"""Prepares a world, and gives back the one request that is then made to fail."""


@pytest.fixture
def failing(template: Template, tmp_path: Path) -> Iterator[tuple[World, Faults]]:
    made = failing_world(template, tmp_path / "world")
    yield made
    made[1].arm(None)
    made[0].end()


def begin_case(world: World) -> Callable[[], httpx.Response]:
    body = {"fields": dict(FIELDS), "conditions": {"hardship": True, "willing": True}}
    return lambda: world("caseworker", "POST", "/api/cases", body)


def record_consent(world: World) -> Callable[[], httpx.Response]:
    case = world.new_case()
    body = {"recipient": world.ids[NPO], "purpose": "food_support", "answer": world.answer()}
    return lambda: world("caseworker", "POST", f"/api/cases/{case}/consents", body)


def send_request(world: World) -> Callable[[], httpx.Response]:
    case = world.new_case()
    world.consent(case)
    body = {"recipient": world.ids[NPO], "send": True, **REQUEST}
    return lambda: world("caseworker", "POST", f"/api/cases/{case}/requests", body)


def accept_request(world: World) -> Callable[[], httpx.Response]:
    case = world.new_case()
    world.consent(case)
    request = world.request(case)
    return lambda: world("coordinator", "POST", f"/api/requests/{request}/accept")


def write_delivery(world: World) -> Callable[[], httpx.Response]:
    case, _, request = world.shared_case()
    value = {"date": "2026-11-23", "result": "full"}
    body = {"kind": "delivery", "value": value, "request": request}
    return lambda: world("coordinator", "POST", f"/api/cases/{case}/ledger", body)


def withdraw(world: World) -> Callable[[], httpx.Response]:
    _, consent, _ = world.shared_case()
    body = {"given_by": ["self"], "method": "paper"}
    return lambda: world("volunteer", "POST", f"/api/consents/{consent}/withdraw", body)


def close_case(world: World) -> Callable[[], httpx.Response]:
    case, _, _ = world.shared_case()
    body = {"reason": "connected", "note": "食の支援は終わり"}
    return lambda: world("caseworker", "POST", f"/api/cases/{case}/close", body, {"If-Match": '"1"'})


STEPS: tuple[Step, ...] = (
    begin_case, record_consent, send_request, accept_request, write_delivery, withdraw, close_case,
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_write_that_fails_anywhere_leaves_nothing_behind(
    failing: tuple[World, Faults], step: Step, record_property: Callable[[str, object], None]
) -> None:
    """I11: with a fault at the n-th statement, for every n, no row has changed and the answer is the bare 503."""
    world, faults = failing
    ask = step(world)
    before = business(world)
    for at in range(1, MOST):
        faults.arm(at)
        answer = ask()
        if not faults.failed:
            break
        assert answer.status_code == 503, (at, faults.failed, answer.text)
        assert json.loads(answer.content) == NOT_NOW and answer.headers["Retry-After"] == "5"
        assert business(world) == before, (at, faults.failed)
        check_log(world)
    assert answer.status_code in (200, 201), answer.text
    assert at > 5
    assert business(world) != before
    check_log(world)
    record_property("statements_faulted", at - 1)


@pytest.mark.parametrize("step", (begin_case, record_consent, withdraw), ids=lambda step: step.__name__)
def test_a_commit_that_fails_after_it_was_carried_out_is_whole(
    failing: tuple[World, Faults], step: Step
) -> None:
    """I11: where nobody can say whether the commit went through, the answer is 503 and the state is after."""
    world, faults = failing
    ask = step(world)
    faults.arm(1, only="COMMIT", late=True)
    answer = ask()
    assert faults.failed and answer.status_code == 503
    check_log(world)
    faults.arm(None)
    assert world("caseworker", "GET", "/api/cases").status_code == 200


def test_a_read_that_fails_anywhere_answers_no_value(
    failing: tuple[World, Faults], record_property: Callable[[str, object], None]
) -> None:
    """I3: whatever statement of a look fails, not a letter of the case is in the answer."""
    world, faults = failing
    case, _, _ = world.shared_case()
    before = business(world)
    for at in range(1, MOST):
        faults.arm(at)
        answer = world("coordinator", "GET", f"/api/cases/{case}")
        if not faults.failed:
            break
        assert answer.status_code == 503, (at, faults.failed)
        assert not any(canary in answer.text for canary in CANARIES)
        assert json.loads(answer.content) == NOT_NOW
        assert business(world) == before
        check_log(world)
    assert answer.json()["fields"]["name"] == "山田 太郎"
    assert at > 5
    record_property("statements_faulted", at - 1)


def test_a_log_that_cannot_be_written_releases_nothing(failing: tuple[World, Faults]) -> None:
    """Record, commit, then reveal: with an INSERT into the log or a COMMIT that fails there is a 503 and no data."""
    world, faults = failing
    case, _, _ = world.shared_case()
    for only in ("INSERT INTO entry", "UPDATE head", "COMMIT", "BEGIN"):
        for path in (
            f"/api/cases/{case}",
            "/api/cases",
            f"/api/cases/{case}/ledger",
            f"/api/cases/{case}/requests",
        ):
            faults.arm(1, only=only)
            answer = world("caseworker", "GET", path)
            assert faults.failed, (only, path)
            assert answer.status_code == 503 and json.loads(answer.content) == NOT_NOW
            faults.arm(None)
            assert world("caseworker", "GET", path).status_code == 200


def test_a_rotation_that_fails_anywhere_is_done_or_still_due(
    failing: tuple[World, Faults], record_property: Callable[[str, object], None]
) -> None:
    """I11: killed at any statement, the case opens, the keys are the old or the new ones, and the write is whole."""
    world, faults = failing
    case, consent, _ = world.shared_case()
    world(
        "coordinator", "POST", f"/api/consents/{consent}/withdraw", {"given_by": ["self"], "method": "paper"}
    )
    faulted = 0
    for at in range(1, MOST):
        due, seen = look(world, case)
        if not due:
            make_due(world, case)
            due, seen = look(world, case)
        faults.arm(at)
        new = {"fields": {"name": f"名 {at}"}}
        answer = world("caseworker", "PATCH", f"/api/cases/{case}", new, {"If-Match": f'"{seen["version"]}"'})
        failed = bool(faults.failed)
        faults.arm(None)
        _, after = look(world, case)
        assert answer.status_code == 200 or (failed and answer.status_code == 503), (at, answer.text)
        done = answer.status_code == 200  # the commit of a batch in which nothing was done may fail too
        assert after == (
            {**seen, "name": f"名 {at}", "version": int(str(seen["version"])) + 1} if done else seen
        )
        check_log(world)
        if not failed:
            break
        faulted += 1
    assert faulted > 30
    assert look(world, case)[0] is False
    record_property("statements_faulted", faulted)


def look(world: World, case: str) -> tuple[bool, dict[str, object]]:
    """Whether the rotation is due, and what the owner sees."""
    answer = world("caseworker", "GET", f"/api/cases/{case}")
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    return seen["rotation_due"], {**seen["fields"], "version": seen["version"]}


def make_due(world: World, case: str) -> None:
    """Another consent that comes and goes."""
    made = world("caseworker", "POST", f"/api/cases/{case}/consents", again(world))
    assert made.status_code == 201, made.text
    how = {"given_by": ["self"], "method": "paper"}
    assert world("caseworker", "POST", f"/api/consents/{made.json()['id']}/withdraw", how).status_code == 200


def again(world: World) -> dict[str, object]:
    return {"recipient": world.ids[NPO], "purpose": "food_support", "answer": world.answer()}


def check_log(world: World) -> None:
    """The log is whole: as many entries as the head says, and no index is missing."""
    for tree, size in world.sql("SELECT tree, size FROM head"):
        found = world.sql("SELECT count(*), coalesce(max(idx) + 1, 0) FROM entry WHERE tree = ?", tree)
        assert found == [(size, size)]
