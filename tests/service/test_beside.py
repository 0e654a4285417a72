"""What stands beside the entries: auditors read it, nobody else does, and of sign-ins it goes after a while."""

import io
import json
from datetime import timedelta

import httpx
import pytest

from service import logs
from service.app import serve_house
from service.flows.sign_in import MOST_SAID
from service.flows.sweep import CAME_FROM_KEPT, sweep
from tests.service.checking import collaboration
from tests.service.disclosing import asked, sign_in
from tests.service.disk import edit, on_disk
from tests.service.world import CITY, HOST, World

REASON = "当番の海野さんに頼まれました"
ADDRESS = "203.0.113.9"


def entries(world: World, tree: str, event: str) -> list[dict[str, object]]:
    """The entries of an event, oldest first."""
    answer = world("auditor", "GET", f"/api/log/{tree}/entries?limit=500&event={event}")
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["entries"]))


@pytest.fixture
def checked(world: World) -> tuple[World, str, int]:
    """A world in which a finding was checked with a typed reason; the log, and the index of the entry."""
    case = world.new_case(fields={"name": "職員 花子"})
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    tree = collaboration(world).name
    (flag,) = entries(world, tree, "flag.raise")
    body = {"tree": tree, "review": "same_surname", "index": flag["index"], "reason": REASON}
    made = world("auditor", "POST", "/api/log/reviews/checks", body)
    assert made.status_code == 201, made.text
    return world, tree, int(made.json()["index"])


def test_an_auditor_reads_why_a_finding_was_checked(checked: tuple[World, str, int]) -> None:
    """The typed reason, with the entry that commits to it; entries that commit to nothing have none."""
    world, tree, index = checked
    (one,) = entries(world, tree, "flag.check")
    assert one["index"] == index
    assert one["detail"] == {"state": "kept", "said": {"review": "same_surname", "reason": REASON}}
    assert REASON not in str(one["text"])
    (flag,) = entries(world, tree, "flag.raise")
    assert flag["detail"] == {"state": "kept", "said": {"flag": "same_surname"}}
    (case,) = entries(world, tree, "case.create")
    assert case["detail"] is None


def test_whoever_is_no_auditor_reads_no_detail(checked: tuple[World, str, int]) -> None:
    """A supervisor sees who looked at a case, and nothing of what an auditor wrote or what was flagged."""
    world, tree, _ = checked
    case = world.new_case()
    asked(world, case)
    (mine,) = entries(world, tree, "disclosure.ask")
    assert mine["detail"] == {"state": "kept", "said": {"since": "2026-11-01", "until": "2026-11-23"}}
    looks = world("supervisor", "GET", f"/api/cases/{case}/looks").json()["entries"]
    assert [one["detail"] for one in looks if one["leaf"]["ev"] == "disclosure.ask"] == [None]
    assert world("supervisor", "GET", f"/api/log/{tree}/entries").status_code == 403


def test_an_erased_detail_is_said_to_be_erased(checked: tuple[World, str, int]) -> None:
    """The leaf still says that there was one."""
    world, tree, index = checked
    edit(world, f"DELETE FROM detail WHERE idx = {index}")
    (one,) = entries(world, tree, "flag.check")
    assert one["detail"] == {"state": "erased", "said": {}}


def test_a_changed_detail_is_said_to_be_damaged(checked: tuple[World, str, int]) -> None:
    """It is not shown, it is reported to whoever runs the service, and the other entries are read as before."""
    world, tree, index = checked
    others = world("auditor", "GET", f"/api/log/{tree}/entries").json()["entries"]
    edit(world, f"UPDATE detail SET salt = zeroblob(32) WHERE idx = {index}")
    lines = io.StringIO()
    logs.configure(lines)
    (one,) = entries(world, tree, "flag.check")
    assert one["detail"] == {"state": "damaged", "said": {}}
    assert '"table":"detail"' in lines.getvalue() and REASON not in lines.getvalue()
    found = world("auditor", "GET", f"/api/log/{tree}/entries?before={index}").json()["entries"]
    assert found == [one for one in others if one["index"] < index]


def state(one: dict[str, object]) -> object:
    """What became of an entry's detail."""
    detail = one["detail"]
    assert isinstance(detail, dict)
    return detail["state"]


def sign_ins(world: World, event: str) -> list[dict[str, object]]:
    """The entries of the city's own log about its people's sign-ins."""
    return entries(world, world.ids[CITY], event)


def test_an_auditor_sees_where_a_sign_in_came_from(world: World) -> None:
    """Address and browser, of what succeeded and of what failed; the session of all that was done with it."""
    known = len(sign_ins(world, "login.ok"))
    body = {"login": "caseworker", "password": "x" * 15, "transport": "bearer"}
    headers = {"User-Agent": "tsunagi-test/1 " + "x" * 500}
    there = httpx.ASGITransport(serve_house(world.house), client=(ADDRESS, 5))

    async def fail() -> int:
        async with httpx.AsyncClient(transport=there, base_url=f"https://{HOST}") as client:
            return (await client.post("/api/session", json=body, headers=headers)).status_code

    assert world.run(fail()) == 401
    sign_in(world, "caseworker")
    assert world("caseworker", "POST", "/api/cases/search", {"words": "山田"}).status_code == 200
    (failed,) = sign_ins(world, "login.fail")
    came = {"address": ADDRESS, "browser": headers["User-Agent"][:MOST_SAID]}
    assert failed["detail"] == {"state": "kept", "said": came}
    made = sign_ins(world, "login.ok")
    assert len(made) == known + 1
    assert state(made[-1]) == "kept"
    mine = [one for one in world.leaves() if one.get("act") == world.ids["caseworker"]]
    signed_in, searched = (
        [one["ses"] for one in mine if one["ev"] == event] for event in ("login.ok", "case.search")
    )
    assert signed_in[-1] == searched[-1] != signed_in[-2]
    assert ADDRESS not in json.dumps(world.leaves())


def test_where_sign_ins_came_from_is_not_kept_for_long(checked: tuple[World, str, int]) -> None:
    """After the time it is gone, from the disk too; sign-ins of since then, and other details, stay."""
    world, tree, _ = checked
    before = len(sign_ins(world, "login.ok"))
    assert before > 0
    rows = "SELECT d.ciphertext FROM detail d JOIN tree t ON t.number = d.tree WHERE t.name = ? ORDER BY d.id"
    sealed = world.sql(rows, world.ids[CITY])[0][0]
    assert isinstance(sealed, bytes) and sealed in on_disk(world)
    world.clock.advance(CAME_FROM_KEPT - timedelta(seconds=1))
    world.run(sweep(world.house))
    sign_in(world, "auditor")
    assert {state(one) for one in sign_ins(world, "login.ok")} == {"kept"}
    world.clock.advance(timedelta(hours=1))
    world.run(sweep(world.house))
    sign_in(world, "auditor")
    states = [state(one) for one in sign_ins(world, "login.ok")]
    assert states == ["erased"] * before + ["kept"] * (len(states) - before) and len(states) > before
    assert sealed not in on_disk(world)
    assert state(entries(world, tree, "flag.check")[0]) == "kept"
