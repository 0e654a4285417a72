"""Consent over HTTP: every way to give, wait, confirm, change, renew, refuse; and what the recipient can open."""

from datetime import timedelta

import pytest

from service.flows.sweep import sweep
from tests.service.consenting import (
    HOW,
    change,
    grants,
    opened,
    record,
    refuse,
    seen_by_nobody,
    shared,
    sign_all_in,
    spoken,
    state,
)
from tests.service.world import COUNCIL, NPO, World

SEEN_ONE = {"If-Match": '"1"'}


def test_a_refusal_is_recorded_and_nobody_learns_of_it(world: World) -> None:
    """Refused is kept for the owner; the case is not there for the one whom the person refused."""
    case = world.new_case()
    made = refuse(world, case)
    assert made.status_code == 201 and made.json()["state"] == "refused"
    assert state(world, case) == "refused" and grants(world) == 0
    assert seen_by_nobody(world, case)
    sent = {
        "recipient": world.ids[NPO],
        "quantity": {"adults": 1, "children": 0, "days": 1, "times": 1},
        "send": True,
    }
    assert world("caseworker", "POST", f"/api/cases/{case}/requests", sent).status_code == 403


def test_asking_again_after_a_refusal_shows_it(world: World) -> None:
    """Re-asking is allowed, and shown as such."""
    case = world.new_case()
    refuse(world, case)
    asking = {"recipient": world.ids[NPO], "purpose": "food_support"}
    assert world("caseworker", "POST", f"/api/cases/{case}/consents", asking).status_code == 201
    found = world("caseworker", "GET", f"/api/cases/{case}/consents").json()["consents"][0]
    assert found["state"] == "refused" and found["asked_again"] is True
    assert record(world, case).status_code == 201
    found = world("caseworker", "GET", f"/api/cases/{case}/consents").json()["consents"][0]
    assert found["state"] == "live"
    assert [event["kind"] for event in found["events"]] == ["refused", "requested", "given"]


def test_a_refused_item_is_not_shared_and_nothing_more_is_said(world: World) -> None:
    """The recipient never learns that an item was refused rather than not asked."""
    case = world.new_case()
    world.consent(case, refused=("phone", "health"))
    world.accept(world.request(case))
    seen = world("coordinator", "GET", f"/api/cases/{case}")
    assert {seen.json()["locked"][code] for code in ("phone", "health", "consultation")} <= {
        "not_shared",
        "role",
    }
    assert seen.json()["locked"]["phone"] == "not_shared" and "refused" not in seen.text
    theirs = world("coordinator", "GET", f"/api/cases/{case}/consents").text
    assert "refused" not in theirs and "events" not in theirs


def test_a_spoken_consent_waits_for_its_witness(world: World) -> None:
    """Spoken: no key until another member confirms; neither the recorder nor a third one can."""
    case = world.new_case()
    made = spoken(world, case).json()
    assert made["state"] == "awaiting_witness" and grants(world) == 0 and seen_by_nobody(world, case)
    for who, code in (("caseworker", "by_recorder"), ("supervisor", "not_the_witness")):
        answer = world(who, "POST", f"/api/consents/{made['id']}/confirm", None, SEEN_ONE)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert world("stranger", "POST", f"/api/consents/{made['id']}/confirm", None, SEEN_ONE).status_code == 404
    assert grants(world) == 0
    world.clock.advance(timedelta(hours=23, minutes=59))
    again = world.sign_in("colleague").json()["token"]
    done = world(
        None,
        "POST",
        f"/api/consents/{made['id']}/confirm",
        headers={"Authorization": f"Bearer {again}", **SEEN_ONE},
    )
    assert done.status_code == 200 and done.json()["state"] == "live" and grants(world) == 1


def test_a_spoken_consent_that_nobody_confirmed_counts_as_never_recorded(world: World) -> None:
    """After 24 hours: too late is a 409, and the sweep says so in the series and in the log."""
    case = world.new_case()
    made = spoken(world, case).json()
    world.clock.advance(timedelta(hours=24, seconds=1))
    sign_all_in(world)
    late = world("colleague", "POST", f"/api/consents/{made['id']}/confirm", None, SEEN_ONE)
    assert (late.status_code, late.json()["code"]) == (409, "too_late")
    assert world.run(sweep(world.house)) == 1
    assert any(leaf["ev"] == "consent.invalidate" for leaf in world.leaves())
    assert state(world, case) == "none" and seen_by_nobody(world, case)


@pytest.mark.parametrize("witness", ["caseworker", "stranger", "coordinator", "auditor"])
def test_a_witness_is_another_member_who_may_read_the_case(world: World, witness: str) -> None:
    """Not the recorder, nobody who may not read the case, nobody of another organisation: 422."""
    case = world.new_case()
    assert spoken(world, case, witness=witness).status_code == 422
    assert grants(world) == 0


def test_an_earlier_consent_goes_on_while_a_spoken_one_waits(world: World) -> None:
    """A wider spoken change releases nothing yet, and takes nothing away."""
    case, consent, _ = shared(world, refused=("address",))
    before = opened(world, case)
    wider = world.answer(method="oral_witnessed", witness=world.ids["colleague"])
    change(world, consent, wider)
    assert opened(world, case) == before
    assert (
        world("colleague", "POST", f"/api/consents/{consent}/confirm", None, {"If-Match": '"2"'}).status_code
        == 200
    )
    assert opened(world, case) == before | {"address"}


def test_a_wider_change_opens_more_and_a_narrower_one_less_at_once(world: World) -> None:
    """The whole set again; the recipient's next look has exactly it."""
    case, consent, _ = shared(world, refused=("address", "phone"))
    everything = set(world.offered())
    assert opened(world, case) == everything - {"address", "phone"}
    change(world, consent, world.answer())
    assert opened(world, case) == everything
    less = world.answer(refused=("name", "name_kana"))
    change(world, consent, less)
    assert opened(world, case) == everything - {"name", "name_kana"}
    owner = world("caseworker", "GET", f"/api/cases/{case}").json()
    assert owner["rotation_due"] is False and owner["fields"]["name"] == "山田 太郎"


def test_renewing_goes_on_after_the_old_last_day(world: World) -> None:
    """Renewed before the end, with a grant for the new last day."""
    case = world.new_case()
    today = (world.clock() + timedelta(hours=9)).date()
    consent = world.consent(case, until=today.isoformat())["id"]
    world.accept(world.request(case))
    renewed = world.answer(until=(today + timedelta(days=30)).isoformat())
    change(world, consent, renewed, "renew")
    world.clock.advance(timedelta(days=2))
    sign_all_in(world)
    assert "name" in opened(world, case) and state(world, case) == "live"


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ({"told": []}, 422, "not_told"),
        ({"until": "2027-12-31"}, 422, "until_too_far"),
        ({"until": "2026-11-22"}, 422, "until_past"),
        ({"event_day": "2026-11-24"}, 422, "day_in_future"),
        ({"acknowledged": []}, 422, None),
        ({"directions": []}, 422, None),
        ({"allowed": []}, 422, None),
        ({"age": "under_12"}, 422, None),
        ({"age": "12_14"}, 422, None),
        ({"notice_version": 99}, 422, None),
    ],
)
def test_a_consent_that_breaks_a_rule_is_not_recorded(
    world: World, parts: dict[str, object], status: int, code: str | None
) -> None:
    """Five told, at most twelve months, never in the future, sensitive items seen, children represented."""
    case = world.new_case()
    answer = record(world, case, **parts)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["path"]
    assert code is None or answer.json().get("code") == code, answer.text
    assert world.sql("SELECT count(*) FROM consent_event") == [(0,)] and grants(world) == 0


def test_no_consent_without_both_conditions(world: World) -> None:
    """Manual 1: without both conditions food support cannot be agreed to: 409, conditions."""
    case = world.new_case(both=False)
    answer = record(world, case)
    assert (answer.status_code, answer.json()["code"]) == (409, "conditions")


def test_a_recipient_without_keys_cannot_be_agreed_to(world: World) -> None:
    """No key to seal to: 409, and no event."""
    answer = record(world, world.new_case(), recipient=COUNCIL)
    assert (answer.status_code, answer.json()["code"]) == (409, "recipient_no_key")
    assert world.sql("SELECT count(*) FROM consent_event") == [(0,)]


@pytest.mark.parametrize("how", ["change", "renew"])
def test_a_change_carries_the_version_that_it_saw(world: World, how: str) -> None:
    """428 without If-Match, 409 where somebody else wrote meanwhile; a withdrawal asks for neither."""
    _, consent, _ = shared(world)
    path = f"/api/consents/{consent}/{how}"
    assert world("caseworker", "POST", path, world.answer()).status_code == 428
    change(world, consent, world.answer(refused=("phone",)))
    stale = world("caseworker", "POST", path, world.answer(), {"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (409, "/problems/stale")
    assert world("caseworker", "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200


def test_a_witness_confirms_the_answer_that_was_heard(world: World) -> None:
    """An answer recorded over the one that waits is another one: the witness's confirmation of the first is stale."""
    case = world.new_case()
    first = spoken(world, case).json()
    assert spoken(world, case).json()["version"] == 2
    path = f"/api/consents/{first['id']}/confirm"
    assert world("colleague", "POST", path).status_code == 428
    stale = world("colleague", "POST", path, None, SEEN_ONE)
    assert (stale.status_code, stale.json()["type"]) == (409, "/problems/stale")
    assert seen_by_nobody(world, case) and grants(world) == 0
    assert world("colleague", "POST", path, None, {"If-Match": '"2"'}).status_code == 200
