"""The ledger over HTTP: what was handed over, noticed and answered; rows are only added."""

import pytest

from tests.service.consenting import HOW
from tests.service.world import NPO, OTHER_NPO, World

FULL = {"date": "2026-11-23", "result": "full"}


def write(world: World, who: str, case: str, kind: str, value: object, **parts: object) -> tuple[int, str]:
    answer = world(who, "POST", f"/api/cases/{case}/ledger", {"kind": kind, "value": value, **parts})
    found = answer.json()
    return answer.status_code, str(found.get("id") or found.get("code") or found.get("errors"))


def rows(world: World, who: str, case: str) -> list[dict[str, object]]:
    answer = world(who, "GET", f"/api/cases/{case}/ledger")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["rows"])


def one_way(world: World) -> tuple[str, str]:
    """A case whose person does not agree that the NPO tells the city what it notices."""
    case = world.new_case()
    world.consent(case, back=False)
    request = world.request(case)
    world.accept(request)
    return case, request


def test_the_conversation_of_a_case_is_read_by_both_sides(world: World) -> None:
    """Delivery, observation, reply: each side reads them with their values, oldest first."""
    case, _, request = world.shared_case()
    assert (
        write(world, "volunteer", case, "delivery", {**FULL, "items": ["米 5kg"]}, request=request)[0] == 201
    )
    assert write(world, "coordinator", case, "observation", {"text": "やせた", "urgent": True})[0] == 201
    assert (
        write(world, "caseworker", case, "reply", {"text": "訪問します"}, recipient=world.ids[NPO])[0] == 201
    )
    for who in ("coordinator", "caseworker"):
        found = rows(world, who, case)
        assert [row["kind"] for row in found] == ["delivery", "observation", "reply"]
        assert all(row["locked"] is None for row in found)
        assert "やせた" in str(found[1]["value"]) and "訪問します" in str(found[2]["value"])
    assert [row["kind"] for row in rows(world, "volunteer", case)] == ["delivery"]


def test_the_first_delivery_moves_the_request(world: World) -> None:
    """Accepted becomes delivered with the first row that names it, and stays with the next."""
    case, _, request = world.shared_case()
    for result in ("full", "part"):
        value = {"date": "2026-11-23", "result": result, **({} if result == "full" else {"why": "absent"})}
        assert write(world, "coordinator", case, "delivery", value, request=request)[0] == 201
        assert world.sql("SELECT stage FROM request") == [("delivered",)]


def test_an_observation_needs_the_persons_agreement(world: World) -> None:
    """Without the direction recipient → owner: neither an observation nor a free note; a plain row passes."""
    case, request = one_way(world)
    assert write(world, "coordinator", case, "observation", {"text": "x"})[0] == 403
    assert write(world, "coordinator", case, "delivery", {**FULL, "note": "元気"}, request=request) == (
        403,
        "not_shared",
    )
    assert write(world, "volunteer", case, "delivery", {**FULL, "note": "元気"}, request=request)[0] == 403
    assert write(world, "coordinator", case, "delivery", FULL, request=request)[0] == 201
    assert len(rows(world, "caseworker", case)) == 1


def test_a_correction_is_a_new_row_of_the_same_organisation(world: World) -> None:
    """The old row stays; only the newest row is corrected, once, and only one's own."""
    case, _, request = world.shared_case()
    first = write(world, "coordinator", case, "delivery", FULL, request=request)[1]
    part = {"date": "2026-11-23", "result": "part", "why": "absent"}
    assert (
        write(world, "caseworker", case, "correction", part, recipient=world.ids[NPO], corrects=first)[0]
        == 409
    )
    status, second = write(world, "coordinator", case, "correction", part, corrects=first)
    assert status == 201
    assert write(world, "coordinator", case, "correction", FULL, corrects=first)[0] == 409
    assert write(world, "coordinator", case, "correction", FULL, corrects=second)[0] == 201
    found = rows(world, "caseworker", case)
    assert [row["corrects"] for row in found] == [None, first, second]
    assert {str(row["about"]) for row in found} == {"delivery"}
    assert write(world, "coordinator", case, "correction", FULL, corrects="w_" + "0" * 32)[0] == 422


def test_who_writes_what(world: World) -> None:
    """Roles: a volunteer writes deliveries only, the owner replies, the recipient does not reply as an owner."""
    case, _, request = world.shared_case()
    npo = world.ids[NPO]
    assert write(world, "volunteer", case, "observation", {"text": "x"})[0] == 403
    assert write(world, "caseworker", case, "delivery", FULL, request=request, recipient=npo)[0] in (403, 404)
    assert write(world, "caseworker", case, "observation", {"text": "x"}, recipient=npo)[0] in (403, 404)
    assert write(world, "other", case, "delivery", FULL, request=request)[0] == 404
    assert write(world, "stranger", case, "reply", {"text": "x"}, recipient=npo)[0] == 404
    assert world.sql("SELECT count(*) FROM ledger_row") == [(0,)]


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [("delivery", {"date": "2026-11-23", "result": "part"}, "value"),
     ("delivery", {"date": "x", "result": "full"}, "value"),
     ("delivery", {}, "value"), ("observation", {"text": " "}, "value"), ("reply", {"text": 1}, "value"),
     ("observation", {"chips": ["nosuch"]}, "value"), ("observation", {"text": "a", "zz": 1}, "value")],
)  # fmt: skip
def test_a_row_that_means_nothing_is_refused(world: World, kind: str, value: object, path: str) -> None:
    """422 with the path of the part; no row."""
    case, _, request = world.shared_case()
    body = {"kind": kind, "value": value, **({"request": request} if kind == "delivery" else {})}
    who = "caseworker" if kind == "reply" else "coordinator"
    if kind == "reply":
        body["recipient"] = world.ids[NPO]
    answer = world(who, "POST", f"/api/cases/{case}/ledger", body)
    assert answer.status_code == 422 and answer.json()["errors"][0]["path"].startswith(path), answer.text
    assert world.sql("SELECT count(*) FROM ledger_row") == [(0,)]


def test_a_delivery_names_a_request_of_this_case_and_recipient(world: World) -> None:
    """Another case's request, another recipient's, or none: 422."""
    case, _, _ = world.shared_case()
    _, _, elsewhere = world.shared_case()
    world.consent(case, OTHER_NPO)
    theirs = world.request(case, OTHER_NPO)
    for request in (elsewhere, theirs, "r_" + "0" * 32):
        assert write(world, "coordinator", case, "delivery", FULL, request=request)[0] == 422
    assert write(world, "coordinator", case, "delivery", FULL)[0] == 422


def test_one_recipient_never_meets_anothers_rows(world: World) -> None:
    """What passes between owner and one recipient stays in its thread."""
    case, _, request = world.shared_case()
    world.consent(case, OTHER_NPO)
    world.accept(world.request(case, OTHER_NPO), "other")
    write(world, "coordinator", case, "delivery", {**FULL, "items": ["カナリア米"]}, request=request)
    write(world, "caseworker", case, "reply", {"text": "カナリア返答"}, recipient=world.ids[NPO])
    assert rows(world, "other", case) == []
    assert "カナリア" not in world("other", "GET", f"/api/cases/{case}").text
    assert len(rows(world, "caseworker", case)) == 2


def test_after_the_withdrawal_the_recipient_reads_no_row(world: World) -> None:
    """Rows stay, locked with the reason; the owner reads them as before."""
    case, consent, request = world.shared_case()
    write(world, "coordinator", case, "delivery", {**FULL, "items": ["カナリア米"]}, request=request)
    world("coordinator", "POST", f"/api/consents/{consent}/withdraw", HOW)
    found = rows(world, "coordinator", case)
    assert all(row["value"] is None and row["locked"] == "withdrawn" for row in found)
    assert "カナリア米" in str(rows(world, "caseworker", case))
