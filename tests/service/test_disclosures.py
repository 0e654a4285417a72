"""The person's sheet over HTTP: two persons, each in time; who may, who may not, what it leaves behind."""

import base64
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from policies.who import Role
from service.flows.administration import stop_user
from service.settings import SettingError, read_settings
from service.store import details, trees
from tests.service.consenting import HOW
from tests.service.disclosing import (
    add_colleague,
    approve,
    approved,
    ask,
    asked,
    issue,
    leaves_of,
    print_out,
    sign_in,
    tree_name,
)
from tests.service.disk import edit
from tests.service.faults import business
from tests.service.test_tamper import check_refused
from tests.service.world import World

NOWHERE = "d_" + "0" * 32
DAY = timedelta(hours=24)


def code(answer: httpx.Response) -> tuple[int, object]:
    return answer.status_code, answer.json().get("code")


def said(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that the asker gets but the date and the request's id."""
    headers = [one for one in answer.headers.multi_items() if one[0] not in ("date", "x-request-id")]
    return answer.status_code, headers, answer.content


def test_a_sheet_takes_two_persons_and_three_entries(world: World) -> None:
    """Asked, approved by another, made: each step an entry that names the case, the sheet and the other person."""
    case = world.new_case()
    made = ask(world, case)
    assert made.status_code == 201, made.text
    number = world("supervisor", "GET", f"/api/cases/{case}").json()["number"]
    waiting = made.json()
    id = waiting["id"]
    assert id.startswith("d_") and len(id) == 34
    shown = {"id": id, "number": number, "since": "2026-11-01", "until": "2026-11-23"}
    assert waiting == {**shown, "state": "waiting", "mine": True}
    assert approve(world, id).json() == {**shown, "state": "approved", "mine": False}
    told = issue(world, id)
    assert told.status_code == 200 and told.json()["number"] == number
    supervisor, auditor = world.ids["supervisor"], world.ids["auditor"]
    steps = [leaf for leaf in world.leaves(tree_name(world)) if leaf.get("obj") == id]
    assert [(leaf["ev"], leaf["act"], leaf.get("obo")) for leaf in steps] == [
        ("disclosure.ask", supervisor, None),
        ("disclosure.approve", auditor, supervisor),
        ("disclosure.issue", supervisor, auditor),
    ]
    assert {(leaf["sub"], leaf["pur"], leaf["dec"]) for leaf in steps} == {(case, "disclosure", "permit")}
    assert steps[2]["n"] == told.json()["looks"] > 0
    assert all("fld" not in leaf for leaf in steps)


def test_the_period_stands_beside_the_entry_and_can_be_erased(world: World) -> None:
    """The leaf commits to since and until and shows neither."""
    asked(world, world.new_case())
    leaf = leaves_of(world, "disclosure.ask")[0]
    assert "2026-11-01" not in str(leaf)
    rows = world.sql("SELECT tree, idx, leaf FROM entry WHERE ev = 'disclosure.ask'")
    tree, index = rows[0][0], rows[0][1]
    assert isinstance(tree, int) and isinstance(index, int)
    entry = world.run(world.house.look(lambda tx: trees.entry(tx, tree, index)))
    assert entry is not None
    commitment = base64.b64decode(str(leaf["det"]))
    found = world.run(world.house.look(lambda tx: details.detail(tx, tree, index, commitment)))
    assert found == {"since": "2026-11-01", "until": "2026-11-23"}


@pytest.mark.parametrize(
    ("since", "until", "path", "why"),
    [
        ("2026-11-23", "2026-11-22", "until", "order"),
        ("2026-11-23", "2026-11-24", "until", "range"),
        ("2018-11-22", "2026-11-23", "since", "range"),
        ("0001-01-01", "0001-01-02", "since", "range"),
        ("2026-11-31", "2026-12-01", "since", "invalid"),
        ("2026-11-23T00:00", "2026-11-23", "since", "invalid"),
        ("", "2026-11-23", "since", "invalid"),
    ],
)
def test_a_period_that_is_none_is_refused(world: World, since: str, until: str, path: str, why: str) -> None:
    """422 with the path; nothing is written."""
    case = world.new_case()
    before = business(world)
    answer = ask(world, case, since, until)
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"path": path, "code": why}])
    assert business(world) == before


def test_today_is_a_day_of_tokyo(world: World) -> None:
    """At 15:00 UTC the next day has begun."""
    case = world.new_case()
    world.clock.advance(timedelta(hours=13, minutes=59, seconds=59))
    sign_in(world, "supervisor")
    assert ask(world, case, until="2026-11-24").status_code == 422
    world.clock.advance(timedelta(seconds=1))
    assert ask(world, case, until="2026-11-24").status_code == 201


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("supervisor", 201), ("caseworker", 403), ("stranger", 403), ("auditor", 403), ("volunteer", 403),
        ("admin", 403), ("intermediary", 403), ("coordinator", 403), ("other", 404), (None, 401),
    ],
)  # fmt: skip
def test_the_owners_supervisor_asks_and_nobody_else(world: World, who: str | None, status: int) -> None:
    """A recipient, a caseworker, the auditor: nobody but the owner's supervisor or coordinator."""
    case, _, _ = world.shared_case()
    body = {"since": "2026-11-01", "until": "2026-11-23"}
    assert world(who, "POST", f"/api/cases/{case}/disclosure", body).status_code == status
    assert world.sql("SELECT count(*) FROM disclosure") == [(int(status == 201),)]


def test_the_one_who_asked_does_not_approve(world: World) -> None:
    """409 same_person, with an entry; and there is no sheet."""
    id = asked(world, world.new_case())
    assert code(approve(world, id, "supervisor")) == (409, "same_person")
    refused = leaves_of(world, "disclosure.approve")
    assert [(leaf["dec"], leaf["rsn"], leaf["obj"]) for leaf in refused] == [("deny", "same_person", id)]
    assert code(issue(world, id)) == (409, "not_approved")


def test_another_supervisor_or_the_logs_auditor_approves(world: World) -> None:
    """Both are a second person; what is approved is not approved again."""
    case = world.new_case()
    add_colleague(world)
    for who, later in (("second", "auditor"), ("auditor", "second")):
        id = asked(world, case)
        assert approve(world, id, who).status_code == 200
        assert code(approve(world, id, later)) == (409, "approved")
        assert issue(world, id).status_code == 200


def test_for_others_a_disclosure_is_not_there(world: World) -> None:
    """A recipient, another organisation, an auditor of no tree, an unknown id: one 404, each with its entry."""
    case, _, _ = world.shared_case()
    id = asked(world, case)
    add_colleague(world, "free", Role.AUDITOR)
    asks = [("coordinator", id), ("other", id), ("free", id), ("auditor", NOWHERE), ("auditor", "d_1"),
            ("auditor", case), ("second", NOWHERE)]  # fmt: skip
    add_colleague(world)
    found = {repr(said(approve(world, one, who))) for who, one in asks}
    assert len(found) == 1 and "404" in found.pop()
    reasons = [leaf["rsn"] for leaf in leaves_of(world, "disclosure.approve")]
    assert sorted(map(str, reasons)) == sorted(
        ["role", "not_a_party", "not_assigned", "unknown_id", "unknown_id", "unknown_id", "unknown_id"]
    )
    for who in ("caseworker", "volunteer", "admin", "intermediary"):
        assert approve(world, id, who).status_code == 403
    assert world.sql("SELECT approved FROM disclosure") == [(None,)]


def test_nobody_but_the_asker_gets_the_sheet(world: World) -> None:
    """Not the one who approved, not a colleague: 404 as for an id that there is not; the auditor's role never may."""
    case, _, _ = world.shared_case()
    add_colleague(world)
    id = asked(world, case)
    assert approve(world, id, "second").status_code == 200
    answers = [issue(world, id, "second"), print_out(world, id, "second"), issue(world, id, "coordinator"),
               issue(world, NOWHERE), print_out(world, NOWHERE), issue(world, "x")]  # fmt: skip
    assert len({repr(said(answer)) for answer in answers}) == 1 and answers[0].status_code == 404
    assert issue(world, id, "auditor").status_code == 403
    assert leaves_of(world, "disclosure.issue") and all(
        leaf["dec"] == "deny" for leaf in leaves_of(world, "disclosure.issue")
    )
    assert issue(world, id).status_code == 200


def test_each_step_has_24_hours(world: World) -> None:
    """Too late to approve a day after the asking, too late to make or print it a day after the approval."""
    case = world.new_case()
    id = asked(world, case)
    world.clock.advance(DAY)
    sign_in(world, "supervisor", "auditor")
    assert code(approve(world, id)) == (409, "too_late")
    id = asked(world, case)
    world.clock.advance(DAY - timedelta(milliseconds=1))
    sign_in(world, "supervisor", "auditor")
    assert approve(world, id).status_code == 200
    world.clock.advance(DAY - timedelta(milliseconds=1))
    sign_in(world, "supervisor", "auditor")
    assert issue(world, id).status_code == 200
    world.clock.advance(timedelta(milliseconds=1))
    assert code(issue(world, id)) == (409, "too_late")
    assert code(print_out(world, id)) == (409, "too_late")


def test_a_print_follows_an_issue(world: World) -> None:
    """Nothing is printed that was not made; before the approval it is not approved."""
    id = asked(world, world.new_case())
    assert code(print_out(world, id)) == (409, "not_approved")
    assert approve(world, id).status_code == 200
    assert code(print_out(world, id)) == (409, "not_issued")
    assert issue(world, id).status_code == 200
    assert print_out(world, id).status_code == 200
    leaf = leaves_of(world, "export.print")[0]
    assert (leaf["obj"], leaf["pur"], leaf["via"]) == (id, "disclosure", "print") and leaf["sub"]


def test_the_list_shows_number_and_period_to_those_who_may_approve(world: World) -> None:
    """The asker's own with where they stand; to colleague and auditor what waits; to a recipient nothing."""
    case, _, _ = world.shared_case()
    add_colleague(world)
    first, second = asked(world, case, until="2026-11-22"), asked(world, case)

    def listed(who: str) -> list[tuple[str, str, bool]]:
        answer = world(who, "GET", "/api/disclosures")
        assert answer.status_code == 200, answer.text
        keys = {"id", "number", "since", "until", "state", "mine"}
        assert all(set(one) == keys for one in answer.json()["disclosures"])
        return sorted((one["id"], one["state"], one["mine"]) for one in answer.json()["disclosures"])

    for who in ("caseworker", "volunteer", "admin", "intermediary"):
        assert world(who, "GET", "/api/disclosures").status_code == 403
    waiting = sorted([(first, "waiting", False), (second, "waiting", False)])
    assert listed("auditor") == listed("second") == waiting
    assert listed("supervisor") == sorted([(first, "waiting", True), (second, "waiting", True)])
    assert listed("coordinator") == listed("other") == []
    assert approve(world, first).status_code == 200
    assert listed("second") == listed("auditor") == [(second, "waiting", False)]
    issue(world, first)
    world.clock.advance(DAY)
    sign_in(world, "supervisor", "auditor", "second")
    assert listed("auditor") == listed("second") == []
    assert listed("supervisor") == sorted([(first, "issued", True), (second, "too_late", True)])


def test_a_double_submit_asks_once(world: World) -> None:
    """I12: the same Idempotency-Key is the same disclosure; for another period it is a 409."""
    case = world.new_case()
    key = {"Idempotency-Key": "ask-1"}
    body = {"since": "2026-11-01", "until": "2026-11-23"}
    path = f"/api/cases/{case}/disclosure"
    first = world("supervisor", "POST", path, body, key)
    after = business(world)
    again = world("supervisor", "POST", path, body, key)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert business(world) == after
    other = world("supervisor", "POST", path, {**body, "since": "2026-11-02"}, key)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/key_reused")


def test_who_was_stopped_gets_nothing(world: World) -> None:
    """An approval does not outlive the asker's right: 401, and no entry of an issue."""
    add_colleague(world)
    case = world.new_case()
    made = ask(world, case, who="second")
    id = str(made.json()["id"])
    assert approve(world, id).status_code == 200
    world.run(stop_user(world.house, "second"))
    assert issue(world, id, "second").status_code == 401
    assert issue(world, id, "supervisor").status_code == 404
    assert [leaf for leaf in leaves_of(world, "disclosure.issue") if leaf["dec"] == "permit"] == []


def test_the_past_is_told_after_the_end_too(world: World) -> None:
    """A withdrawn consent and a closed case stop no sheet: it is about what was."""
    case, consent, _ = world.shared_case()
    assert world("coordinator", "GET", f"/api/cases/{case}").status_code == 200
    assert world("caseworker", "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200
    version = world("caseworker", "GET", f"/api/cases/{case}").json()["version"]
    closing = {"reason": "moved"}
    tag = {"If-Match": f'"{version}"'}
    assert world("caseworker", "POST", f"/api/cases/{case}/close", closing, tag).status_code == 200
    told = issue(world, approved(world, case))
    assert told.status_code == 200 and "NPOあおぞらの担当者が" in told.text


CHANGES = {
    "approved by hand": "approved_by = (SELECT id FROM user WHERE login = 'auditor'), approved = asked",
    "another case": 'case" = (SELECT c.id FROM cases c WHERE c.id <> disclosure."case")',
    "another asker": "asked_by = (SELECT id FROM user WHERE login = 'auditor')",
    "a longer period": "since = 0",
    "a later asking": "asked = asked + 1",
    "another version": "version = version + 1",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_row_that_was_edited_is_no_approval(world: World, change: str) -> None:
    """Every column is under the row's MAC: neither approved nor made, and nothing is told."""
    id = asked(world, world.new_case())
    world.new_case()
    quoted = f'"{change}' if change.startswith("case") else change
    edit(world, f"UPDATE disclosure SET {quoted}")
    check_refused(approve(world, id))
    check_refused(issue(world, id))
    assert [
        leaf for leaf in world.leaves() if leaf["ev"] == "disclosure.issue" and leaf["dec"] == "permit"
    ] == []


def test_the_approval_of_another_sheet_approves_nothing(world: World) -> None:
    """Columns and MAC of one row in another's place are an error."""
    case = world.new_case()
    one, two = approved(world, case), asked(world, case)
    edit(
        world,
        "UPDATE disclosure SET (approved_by, approved, version, mac) = (SELECT approved_by, approved, version, mac "
        f"FROM disclosure WHERE id = x'{one[2:]}') WHERE id = x'{two[2:]}'",
    )
    check_refused(issue(world, two))
    assert issue(world, one).status_code == 200


def test_staff_names_are_shown_only_where_the_setting_says_so() -> None:
    """Off by default; 1 is on, and nothing else is a value."""
    assert read_settings({}).staff_names is False
    assert read_settings({"TSUNAGI_STAFF_NAMES": "1"}).staff_names is True
    assert read_settings({"TSUNAGI_STAFF_NAMES": "0"}).staff_names is False
    for value in ("yes", "2", "", "true"):
        with pytest.raises(SettingError):
            read_settings({"TSUNAGI_STAFF_NAMES": value})


def test_a_sheet_names_people_where_the_house_shows_names(world: World) -> None:
    """By default the department; with the setting the name beside it."""
    case = world.new_case()
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    id = approved(world, case)
    quiet = issue(world, id)
    assert "みなと市 福祉課の職員が" in quiet.text and "職員 caseworker" not in quiet.text
    world.close()
    world.settings = replace(world.settings, staff_names=True)
    world.open()
    assert "みなと市 福祉課の職員（職員 caseworker）が" in issue(world, id).text
