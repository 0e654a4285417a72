"""I2: however a consent ended, no value that the owner writes afterwards opens with a key that the recipient held."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from service.flows.sweep import sweep
from tests.attacks.hands import raw
from tests.service.consenting import HOW, change, record, refuse, shared, sign_all_in
from tests.service.test_rotation import held_keys, openable
from tests.service.world import NPO, OTHER_NPO, World

Step = Callable[[World, str, str, str], None]


def decline(world: World, case: str, consent: str, request: str) -> None:
    body = {"reason": "date"}
    assert world("coordinator", "POST", f"/api/requests/{request}/decline", body).status_code == 200


def withdraw(world: World, case: str, consent: str, request: str) -> None:
    assert world("caseworker", "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200


def refuse_all(world: World, case: str, consent: str, request: str) -> None:
    assert refuse(world, case).status_code == 201


def condition_gone(world: World, case: str, consent: str, request: str) -> None:
    body = {"hardship": True, "willing": False}
    put = world("caseworker", "PUT", f"/api/cases/{case}/conditions", body, {"If-Match": '"1"'})
    assert put.status_code == 200, put.text


def run_out(world: World, case: str, consent: str, request: str) -> None:
    world.clock.advance(timedelta(days=182))
    sign_all_in(world)


def be_swept(world: World, case: str, consent: str, request: str) -> None:
    world.run(sweep(world.house))


def narrow(world: World, case: str, consent: str, request: str) -> None:
    change(world, consent, world.answer(("phone", "address")))


def agree_to_less(world: World, case: str, consent: str, request: str) -> None:
    assert record(world, case, refused=("phone", "address")).status_code == 201


def write_and_try(world: World, case: str, old: list[object]) -> set[int]:
    """What the former keys open after the owner's next write."""
    seen = world("caseworker", "GET", f"/api/cases/{case}")
    body = {"fields": {"phone": "NEW-090-9999", "address": "新しい住所", "name": "新しい名"}}
    done = world("caseworker", "PATCH", f"/api/cases/{case}", body, {"If-Match": seen.headers["ETag"]})
    assert done.status_code == 200, done.text
    return openable(world, case, old)  # type: ignore[arg-type]  # slot keys


AFTER_A_DECLINE = {
    "nothing more": (),
    "withdrawn": (withdraw,),
    "refused": (refuse_all,),
    "a condition is no": (condition_gone,),
    "expired and swept": (run_out, be_swept),
    "narrowed": (narrow,),
    "withdrawn, agreed to less": (withdraw, agree_to_less),
}


def asked(world: World) -> tuple[str, str, str]:
    case = world.new_case()
    consent = str(world.consent(case)["id"])
    return case, consent, world.request(case)


@pytest.mark.parametrize("steps", AFTER_A_DECLINE.values(), ids=AFTER_A_DECLINE.keys())
def test_keys_of_a_grant_that_a_decline_took_away_open_nothing_new(
    world: World, steps: tuple[Step, ...]
) -> None:
    """Whatever deletes a grant makes new keys due: an end that finds none any more need not ask for them."""
    case, consent, request = asked(world)
    old = held_keys(world, "coordinator", case)
    for step in (decline, *steps):
        step(world, case, consent, request)
    assert write_and_try(world, case, list(old)) == set()


@pytest.mark.parametrize("steps", [(run_out,), (run_out, be_swept)], ids=["not swept yet", "swept"])
def test_keys_of_an_expired_consent_open_nothing_that_a_narrower_one_left_out(
    world: World, steps: tuple[Step, ...]
) -> None:
    """A grant that replaces a wider one makes new keys due, whether the clock's sweep had come or not."""
    case, consent, request = shared(world)
    old = held_keys(world, "coordinator", case)
    for step in (*steps, agree_to_less):
        step(world, case, consent, request)
    assert write_and_try(world, case, list(old)) == set()
    registry = world.house.policy.registry
    left_out = {int(registry.by_code[code].slot) for code in ("phone", "address")}
    held = held_keys(world, "coordinator", case)
    assert held and not openable(world, case, held) & left_out


def test_keys_of_an_expired_consent_open_nothing_that_is_written_before_the_sweep(world: World) -> None:
    """What holds never waits for the sweep, and neither do new keys: the owner's write notes the end first."""
    case, consent, request = shared(world)
    old = held_keys(world, "coordinator", case)
    run_out(world, case, consent, request)
    assert write_and_try(world, case, list(old)) == set()
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]


def test_who_declined_gets_no_grant_back_with_new_keys(world: World) -> None:
    """New slot keys are sealed anew to those that had a grant: a decline gave it up, though the consent is live."""
    case, consent, request = asked(world)
    world.consent(case, OTHER_NPO)
    world.accept(world.request(case, OTHER_NPO), "other")
    decline(world, case, consent, request)
    write_and_try(world, case, [])
    granted = {row[0] for row in world.sql("SELECT series FROM sealed_grant")}
    assert len(granted) == 1 and raw(consent) not in granted
    assert held_keys(world, "other", case, OTHER_NPO)
    assert world("coordinator", "GET", f"/api/cases/{case}").json()["fields"].get("name") is None
    assert NPO in world.ids


def test_a_witness_cannot_confirm_what_the_conditions_no_longer_carry(world: World) -> None:
    """Both conditions are asked for again when a spoken answer becomes live: manual step 1 comes before step 3."""
    case = world.new_case()
    body = {"method": "oral_witnessed", "witness": world.ids["colleague"]}
    consent = record(world, case, **body).json()["id"]
    condition_gone(world, case, consent, "")
    events = world.sql("SELECT count(*) FROM consent_event")[0][0]
    answer = world("colleague", "POST", f"/api/consents/{consent}/confirm", None, {"If-Match": f'"{events}"'})
    assert (answer.status_code, answer.json()["code"]) == (409, "conditions")
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]
    assert world("coordinator", "GET", f"/api/cases/{case}").status_code == 404
