"""What the decision pages say holds in the service (docs/decisions)."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from crypto.session import read_token, session_id
from service.flows.entries import DENIALS_A_MINUTE
from service.flows.sweep import sweep
from service.flows.throttle import LOGGED_A_MINUTE
from service.house import Handles, KeyHandle
from service.store.engine import ENGINE
from tests.service.world import CITY, NPO, PASSWORD, World

UNKNOWN = f"c_{'0' * 31}1"


def test_no_query_runs_outside_a_job(world: World) -> None:
    """0002: a query of Piccolo without a transaction is a mistake in the program, not a connection."""
    with pytest.raises(RuntimeError):
        world.run(ENGINE._run_in_new_connection("SELECT 1"))
    with pytest.raises(RuntimeError):
        world.run(ENGINE.get_connection())


def test_sixty_four_waiting_readers_share_eight_commits(world: World) -> None:
    """0002: readers who wait share a commit, and each has a leaf of its own."""
    case, _, _ = world.shared_case()
    world("coordinator", "GET", f"/api/cases/{case}")
    before, leaves = world.house.commits, len(world.leaves())

    async def together() -> list[httpx.Response]:
        return await asyncio.gather(
            *(world.ask("coordinator", "GET", f"/api/cases/{case}") for _ in range(64))
        )

    answers = world.run(together())
    assert {answer.status_code for answer in answers} == {200}
    assert world.house.commits - before <= 8
    assert len(world.leaves()) - leaves == 64
    assert len({answer.json()["receipt"]["leaf_hash"] for answer in answers}) == 64


def test_a_role_that_never_may_is_refused_before_the_body_is_read(world: World) -> None:
    """0006: whatever the body and the id, one status and one body; the entry names no case."""
    case = world.new_case()
    sent = [({}, case), ({"nothing": "known"}, case), ([1], UNKNOWN), ({"reason": "moved"}, "x")]
    answers = [world("auditor", "POST", f"/api/cases/{id}/close", body) for body, id in sent]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1
    denied = [leaf for leaf in world.leaves() if leaf["ev"] == "case.close"]
    assert len(denied) == len(sent)
    assert all(leaf["rsn"] == "role" and "sub" not in leaf for leaf in denied)


def test_a_rotation_seals_anew_what_can_be_shared_and_nothing_else(world: World) -> None:
    """0007: after a withdrawal the owner's next write moves every sharable slot to a new key epoch."""
    case, consent, _ = world.shared_case()
    told = {"given_by": ["self"], "method": "paper"}
    assert world("volunteer", "POST", f"/api/consents/{consent}/withdraw", told).status_code == 200
    etag = world("caseworker", "GET", f"/api/cases/{case}").headers["ETag"]
    changed = world(
        "caseworker",
        "PATCH",
        f"/api/cases/{case}",
        {"fields": {"finances": "…"}},
        headers={"If-Match": etag},
    )
    assert changed.status_code == 200, changed.text
    shared = world.house.policy.registry.offered_by_any
    epochs = {
        (slot in shared, bytes(blob)[2:6])
        for slot, blob in world.sql("SELECT slot, blob FROM sealed")
        if isinstance(blob, bytes)
    }
    assert epochs == {(True, b"\0\0\0\2"), (False, b"\0\0\0\1")}


def test_an_unknown_case_is_logged_in_the_callers_own_tree(world: World) -> None:
    """0008: not there and not yours answer alike and cost an entry each, in two trees."""
    case = world.new_case()
    unknown = world("coordinator", "GET", f"/api/cases/{UNKNOWN}")
    own = world.leaves(world.ids[NPO])[-1]
    assert (own["ev"], own["dec"], own["rsn"]) == ("case.read", "deny", "unknown_id")
    assert "sub" not in own
    hidden = world("coordinator", "GET", f"/api/cases/{case}")
    shared = next(name for name in _trees(world) if name.startswith("b_"))
    assert (world.leaves(shared)[-1]["rsn"], world.leaves(shared)[-1]["sub"]) == ("not_a_party", case)
    assert (unknown.status_code, unknown.content) == (hidden.status_code, hidden.content)


def _trees(world: World) -> list[str]:
    return [str(row[0]) for row in world.sql("SELECT name FROM tree ORDER BY number")]


def test_refusals_past_sixty_a_minute_are_counted_and_the_count_is_logged(world: World) -> None:
    """0011: the log keeps sixty lines and, once the minute is over, how many more there were."""
    for _ in range(DENIALS_A_MINUTE + 3):
        assert world("coordinator", "GET", f"/api/cases/{UNKNOWN}").status_code == 404
    kept = [leaf for leaf in world.leaves(world.ids[NPO]) if leaf.get("rsn") == "unknown_id"]
    assert len(kept) == DENIALS_A_MINUTE
    world.clock.advance(timedelta(minutes=1))
    world.run(sweep(world.house))
    counted = [leaf for leaf in world.leaves(world.ids[NPO]) if leaf["ev"] == "deny.suppressed"]
    assert [leaf["n"] for leaf in counted] == [3]


def test_failed_sign_ins_past_a_hundred_and_twenty_a_minute_are_counted(world: World) -> None:
    """0011: strangers add 120 lines a minute, and the next failure after it says how many more there were."""

    def fail(login: str) -> None:
        sent = {"login": login, "password": "not the password of anybody"}
        assert world(None, "POST", "/api/session", sent).status_code == 401

    for n in range(LOGGED_A_MINUTE + 3):
        fail(f"nobody{n}")
    failed = [leaf["ev"] for leaf in world.leaves(world.ids[CITY])]
    assert (failed.count("login.fail"), failed.count("deny.suppressed")) == (LOGGED_A_MINUTE, 0)
    world.clock.advance(timedelta(minutes=1))
    fail("nobody")
    leaves = world.leaves(world.ids[CITY])
    assert [leaf["n"] for leaf in leaves if leaf["ev"] == "deny.suppressed"] == [3]
    assert [leaf["ev"] for leaf in leaves].count("login.fail") == LOGGED_A_MINUTE + 1


def test_a_row_of_the_ledger_is_decided_by_its_kind(world: World) -> None:
    """0012: a volunteer passes the guard of the ledger, and the flow refuses what is not for volunteers."""
    case, _, request = world.shared_case()
    noticed = {"kind": "observation", "value": {"chips": ["alone"]}, "request": request}
    refused = world("volunteer", "POST", f"/api/cases/{case}/ledger", noticed)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not_allowed")
    assert [leaf["rsn"] for leaf in world.leaves() if leaf["ev"] == "ledger.write"] == ["role"]
    handed = {"kind": "delivery", "value": {"date": "2026-11-23", "result": "full"}, "request": request}
    assert world("volunteer", "POST", f"/api/cases/{case}/ledger", handed).status_code == 201


def test_opened_keys_are_dropped_when_nobody_uses_them() -> None:
    """0013: a handle survives the sweep after its use and not the next one; another row finds nothing."""
    handles = Handles()
    handle = KeyHandle(bytes(32))
    handles.keep(b"session", "row", handle)
    handles.forget_unused()
    assert handles.find(b"session", "row") is handle
    assert handles.find(b"session", "another row") is None
    handles.forget_unused()
    handles.forget_unused()
    assert handles.find(b"session", "row") is None


def test_a_sign_out_drops_the_opened_keys(world: World) -> None:
    """0013: what a session opened is gone from memory with the session, and other sessions keep theirs."""
    sent = {"login": "caseworker", "password": PASSWORD.format(login="caseworker")}
    tokens = [world(None, "POST", "/api/session", sent).json()["token"] for _ in range(2)]
    for token in tokens:
        read = world(None, "GET", "/api/cases", headers={"Authorization": f"Bearer {token}"})
        assert read.status_code == 200
    out = world(None, "DELETE", "/api/session", headers={"Authorization": f"Bearer {tokens[0]}"})
    assert out.status_code == 204
    held = [session_id(read_token(token)) in world.house.handles._held for token in tokens]
    assert held == [False, True]
