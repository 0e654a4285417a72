"""I8: what a recipient cannot tell apart: not asked, asked, refused and waiting for a witness are one thing to it."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from service.flows.sweep import sweep
from tests.service.consenting import HOW, refuse, shared, sign_all_in, spoken
from tests.service.world import NPO, World

Answer = Callable[[World, str], object]


def ask(world: World, case: str, purpose: str = "food_support") -> None:
    body = {"recipient": world.ids[NPO], "purpose": purpose}
    made = world("caseworker", "POST", f"/api/cases/{case}/consents", body)
    assert made.status_code == 201, made.text


def ask_and_be_refused(world: World, case: str) -> None:
    ask(world, case)
    assert refuse(world, case).status_code == 201


def wait(world: World, case: str) -> None:
    assert spoken(world, case).status_code == 201


def wait_too_long(world: World, case: str) -> None:
    wait(world, case)
    world.clock.advance(timedelta(hours=25))
    world.run(sweep(world.house))
    sign_all_in(world)
    world.tokens["volunteer"] = world.sign_in("volunteer").json()["token"]


LATER: dict[str, Answer] = {
    "asked again": ask,
    "refused": refuse,
    "asked again, then refused": ask_and_be_refused,
    "waits for a witness": wait,
    "nobody confirmed": wait_too_long,
    "asked for something else": lambda world, case: ask(world, case, "referral"),
}
"""What may happen between the owner and the person without ever becoming live."""


def without_receipts(value: object) -> object:
    """The answer but for its place in the log, which moves with every look."""
    if isinstance(value, dict):
        return {key: without_receipts(one) for key, one in value.items() if key != "receipt"}
    return [without_receipts(one) for one in value] if isinstance(value, list) else value


def heard(world: World, case: str) -> list[object]:
    """All that the recipient's people are told of the case."""
    found: list[object] = []
    for who in ("coordinator", "volunteer"):
        for path in ("", "/consents", "/requests", "/ledger", "/looks", None):
            answer = world(who, "GET", "/api/inbox" if path is None else f"/api/cases/{case}{path}")
            names = sorted(name for name in answer.headers if name != "date")
            found.append((who, path, answer.status_code, names, without_receipts(json.loads(answer.text))))
    return found


def withdraw(world: World, case: str, consent: str) -> None:
    assert world("caseworker", "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200


def run_out(world: World, case: str, consent: str) -> None:
    world.clock.advance(timedelta(days=182))
    world.run(sweep(world.house))
    sign_all_in(world)
    world.tokens["volunteer"] = world.sign_in("volunteer").json()["token"]


@pytest.mark.parametrize("later", LATER.values(), ids=LATER.keys())
@pytest.mark.parametrize("end", [withdraw, run_out])
def test_a_former_recipient_hears_nothing_of_what_came_after_the_end(
    world: World, end: Callable[[World, str, str], None], later: Answer
) -> None:
    """After the end a recipient knows how it ended; an answer that never became live changes no byte of that."""
    case, consent, _ = shared(world)
    end(world, case, consent)
    before = heard(world, case)
    assert before[0][2] == 200  # type: ignore[index]  # it is still a party
    later(world, case)
    assert heard(world, case) == before


def test_a_recipient_is_not_told_of_another_purpose_that_never_was_live(world: World) -> None:
    """While a consent is live, another one that was only asked for is listed nowhere and takes nothing away."""
    case, _, _ = shared(world)
    before = heard(world, case)
    ask(world, case, "referral")
    assert heard(world, case) == before


@pytest.mark.parametrize("later", LATER.values(), ids=LATER.keys())
def test_a_case_without_a_live_consent_ever_is_not_there(world: World, later: Answer) -> None:
    """Before the first live consent there is one answer, byte for byte that of a case which does not exist."""
    case = world.new_case()
    nowhere = heard(world, "c_" + "0" * 32)
    later(world, case)
    assert heard(world, case) == nowhere


def test_a_refusal_that_ended_a_live_consent_is_a_withdrawal_to_the_recipient(world: World) -> None:
    """That the person refused is personal: the recipient hears the same as after a withdrawal."""
    refused, _, _ = shared(world)
    withdrawn, consent, _ = shared(world)
    refuse(world, refused)
    withdraw(world, withdrawn, consent)
    told = [world("coordinator", "GET", f"/api/cases/{case}").json() for case in (refused, withdrawn)]
    assert told[0]["locked"] == told[1]["locked"] and told[0]["fields"] == told[1]["fields"] == {}
    states = [
        world("coordinator", "GET", f"/api/cases/{case}/consents").json()["consents"][0]["state"]
        for case in (refused, withdrawn)
    ]
    assert states == ["withdrawn", "withdrawn"]
