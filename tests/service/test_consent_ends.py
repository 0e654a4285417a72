"""Consent over HTTP: every way in which it ends, at once and for one recipient only."""

from datetime import timedelta

import pytest

from service.flows.sweep import sweep
from tests.service.consenting import HOW, change, grants, opened, shared, sign_all_in, state
from tests.service.world import OTHER_NPO, World


def test_a_consent_ends_with_its_last_day_in_tokyo_before_any_sweep(world: World) -> None:
    """Valid through 23:59:59 in Tokyo; after it nothing opens, whatever the rows say; the sweep deletes the grant."""
    case = world.new_case()
    world.consent(case, until="2026-11-23")
    world.accept(world.request(case))
    world.clock.now = world.clock.now.replace(hour=14, minute=59, second=59)  # 23:59:59 in Tokyo
    sign_all_in(world)
    assert "name" in opened(world, case)
    world.clock.advance(timedelta(seconds=1))
    after = world("coordinator", "GET", f"/api/cases/{case}").json()
    assert after["fields"] == {} and after["locked"]["name"] == "expired"
    assert grants(world) == 1 and state(world, case) == "expired"
    world.run(sweep(world.house))
    assert grants(world) == 0
    assert {"consent.expire", "key.revoke", "request.stop"} <= {str(leaf["ev"]) for leaf in world.leaves()}
    assert world.run(sweep(world.house)) == 0


@pytest.mark.parametrize("who", ["caseworker", "supervisor", "stranger", "coordinator", "volunteer"])
def test_anybody_on_either_side_withdraws_at_once(world: World, who: str) -> None:
    """By id, without key, reason or version, also who may not read the case; the answer says only that it is done."""
    case, consent, _ = shared(world)
    assert opened(world, case)
    done = world(who, "POST", f"/api/consents/{consent}/withdraw", HOW)
    assert (done.status_code, done.json()) == (200, {"done": True})
    assert opened(world, case) == set() and grants(world) == 0 and state(world, case) == "withdrawn"


def test_a_withdrawal_by_receipt_number_and_twice_is_one(world: World) -> None:
    """What the person holds in hand is enough; done twice it is done once."""
    case = world.new_case()
    number = world.consent(case)["number"]
    for _ in range(2):
        assert world("volunteer", "POST", f"/api/consents/{number}/withdraw", HOW).json() == {"done": True}
    events = world("caseworker", "GET", f"/api/cases/{case}/consents").json()["consents"][0]["events"]
    assert [event["kind"] for event in events] == ["given", "withdrawn"]
    assert events[1]["given_by"] == ["self"] and events[1]["method"] == "paper"


@pytest.mark.parametrize("who", ["other", "auditor", "admin", "intermediary"])
def test_nobody_else_withdraws(world: World, who: str) -> None:
    """Another organisation does not find it; a role without cases is refused; the consent goes on."""
    case, consent, _ = shared(world)
    done = world(who, "POST", f"/api/consents/{consent}/withdraw", HOW)
    assert done.status_code == (404 if who == "other" else 403)
    assert state(world, case) == "live"


def test_a_withdrawal_stops_the_open_request(world: World) -> None:
    """After the end nothing: the request is stopped, and neither delivery nor acceptance is taken."""
    case, consent, request = shared(world)
    world("coordinator", "POST", f"/api/consents/{consent}/withdraw", HOW)
    found = world("caseworker", "GET", f"/api/cases/{case}/requests").json()["requests"]
    assert [one["stage"] for one in found] == ["stopped"]
    row = {"kind": "delivery", "value": {"date": "2026-11-23", "result": "full"}, "request": request}
    late = world("coordinator", "POST", f"/api/cases/{case}/ledger", row)
    assert (late.status_code, late.json()["code"]) == (403, "withdrawn")


def test_consent_for_one_recipient_never_touches_another(world: World) -> None:
    """I9: giving, changing, withdrawing for A leaves B's consent, view and grant as they were."""
    case, consent, _ = shared(world)
    assert world("other", "GET", f"/api/cases/{case}").status_code == 404
    theirs = world.consent(case, OTHER_NPO, refused=("name",))["id"]
    world.accept(world.request(case, OTHER_NPO), "other")
    view = opened(world, case, "other")
    assert "name" not in view and "name" in opened(world, case)
    less = world.answer(refused=("phone", "handover_summary"))
    change(world, consent, less)
    assert opened(world, case, "other") == view
    world("coordinator", "POST", f"/api/consents/{consent}/withdraw", HOW)
    assert opened(world, case, "other") == view and state(world, case, OTHER_NPO) == "live"
    world("caseworker", "POST", f"/api/consents/{theirs}/withdraw", HOW)
    assert opened(world, case, "other") == set()


def test_a_condition_that_no_longer_holds_ends_everything(world: World) -> None:
    """A "no" ends the live consent, deletes the grant and stops the request in the same transaction."""
    case, _, _ = shared(world)
    no = {"hardship": False, "willing": True}
    done = world("caseworker", "PUT", f"/api/cases/{case}/conditions", no, {"If-Match": '"1"'})
    assert done.status_code == 200
    assert state(world, case) == "ended" and grants(world) == 0 and opened(world, case) == set()
    assert (
        world("caseworker", "GET", f"/api/cases/{case}/requests").json()["requests"][0]["stage"] == "stopped"
    )
