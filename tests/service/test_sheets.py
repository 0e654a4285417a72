"""What the person's sheet tells: every look of the period at this case, nothing of any other, nothing less."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit.event import Decision, Event, Purpose, Reason, Via
from audit.receipt import write_receipt
from service.flows.entries import entry
from service.store import trees
from service.store.engine import Transaction
from service.store.log import Record
from service.store.writer import Done
from tests.service.consenting import HOW, change
from tests.service.disclosing import (
    approve,
    approved,
    ask,
    issue,
    leaves_of,
    lines,
    print_out,
    sentences,
    sheet,
    sign_in,
    tree_name,
)
from tests.service.disk import edit
from tests.service.test_two_worlds import SeededWorld
from tests.service.world import FIELDS, NPO, OTHER_NPO, Template, World

MANY = 1_500


def look(world: World, case: str, **parts: object) -> Record:
    """An entry of a look at the case by the caseworker, as the service writes it."""
    made = entry(world.house, None, Event.CASE_READ, purpose=Purpose.OWN_WORK, fields=("name",))
    base = replace(
        made,
        actor=world.ids["caseworker"],
        role="caseworker",
        organisation=world.ids["みなと市"],
        subject=case,
        via=Via.API,
    )
    return Record(tree=tree_number(world), entry=replace(base, **parts))  # type: ignore[arg-type]  # a test names what differs


def tree_number(world: World) -> int:
    found = world.sql(
        "SELECT number FROM tree WHERE name LIKE ? ORDER BY number DESC", f"{tree_name(world)}%"
    )
    assert isinstance(found[0][0], int)
    return found[0][0]


def append(world: World, *records: Record) -> None:
    async def job(tx: Transaction) -> Done[None]:
        return Done(outcome=None, records=records)

    world.run(world.house.commit(job))


def looks_in_log(world: World, case: str) -> int:
    """What the log itself says, counted past the product."""
    return sum(
        leaf.get("sub") == case and leaf["dec"] == "permit" and "fld" in leaf and leaf["ev"] != "key.rotate"
        for leaf in world.leaves()
    )


def told_looks(found: dict[str, object]) -> int:
    counts = [line["count"] for line in lines(found)]
    return sum(count for count in counts if isinstance(count, int))


def test_every_way_to_look_is_told(world: World) -> None:
    """Opened, listed, found, in the inbox, the ledger, the requests, the consents: as many as the log has, in order."""
    case, _, _ = world.shared_case()
    gets = [("caseworker", ""), ("coordinator", ""), ("volunteer", ""), ("coordinator", "/ledger"),
            ("caseworker", "/requests"), ("supervisor", "/consents")]  # fmt: skip
    for who, path in gets:
        assert world(who, "GET", f"/api/cases/{case}{path}").status_code == 200
        world.clock.advance(timedelta(minutes=1))
    for who, method, path, body in (
        ("coordinator", "GET", "/api/inbox", None),
        ("caseworker", "GET", "/api/cases", None),
        ("caseworker", "POST", "/api/cases/search", {"words": "山田"}),
    ):
        assert world(who, method, path, body).status_code == 200
    found = sheet(world, case)
    assert found["looks"] == told_looks(found) == looks_in_log(world, case) >= 7
    times = [str(line["at"]) for line in lines(found)]
    assert times == sorted(times)
    assert leaves_of(world, "disclosure.issue")[0]["n"] == found["looks"]


def test_a_look_is_told_with_its_items_and_its_consent(world: World) -> None:
    """Exactly the fields of the entry, with the labels of the form, and the number of the person's own receipt."""
    case = world.new_case()
    number = world.consent(case, refused=("phone", "address"))["number"]
    world.accept(world.request(case))
    assert world("coordinator", "GET", f"/api/cases/{case}").status_code == 200
    leaf = leaves_of(world, "case.read")[-1]
    line = lines(sheet(world, case))[-1]
    items = line["items"]
    assert isinstance(items, list) and sorted(item["code"] for item in items) == leaf["fld"]
    assert (line["organisation"], line["consent"], line["purpose"]) == ("NPOあおぞら", number, "food_support")
    words = line["sentence"]
    assert isinstance(words, dict)
    assert words["ja"].startswith("令和8年11月23日（月）10時00分、NPOあおぞらの担当者が、氏名、氏名かな、")
    assert (
        words["ja"].endswith(f"を見ました。目的：食料支援。根拠：同意 {number}。")
        and "電話" not in words["ja"]
    )


def test_keys_given_to_others_and_rotations_are_told(world: World) -> None:
    """Who was given the keys, to which fields; and that a rotation opened values for nobody's eyes."""
    case, consent, _ = world.shared_case()
    change(world, consent, world.answer(refused=("phone",)))
    found = sheet(world, case)
    grants = sentences(found, "grant")
    assert len(grants) >= 2 and all("NPOあおぞらに、" in said for said in grants)
    assert "電話" in grants[0] and "電話" not in grants[-1]
    assert len(lines(found, "rotation")) == 1
    assert found["looks"] == 0


def test_refusals_and_looks_at_the_log_are_not_looks(world: World) -> None:
    """Who was refused saw nothing; who looked at the log saw no field."""
    case = world.new_case()
    assert world("stranger", "GET", f"/api/cases/{case}").status_code == 404
    assert world("supervisor", "GET", f"/api/cases/{case}/looks").status_code == 200
    append(world, look(world, case, decision=Decision.DENY, reason=Reason.WITHDRAWN))
    found = sheet(world, case)
    assert (found["looks"], found["lines"]) == (0, [])
    notes = found["notes"]
    assert isinstance(notes, list) and notes[0]["ja"] == "この期間に、あなたの情報を見た記録はありません。"


def test_nothing_is_capped(world: World) -> None:
    """More looks than any page of the log holds: all are told, and counted in the entry."""
    case = world.new_case()
    append(world, *(look(world, case) for _ in range(MANY // 3)))
    alternating = (("name",), ("name", "phone"))
    append(world, *(look(world, case, fields=alternating[number % 2]) for number in range(2 * MANY // 3)))
    found = sheet(world, case)
    assert found["looks"] == told_looks(found) == looks_in_log(world, case) == MANY
    assert len(lines(found)) >= 2 * MANY // 3
    assert leaves_of(world, "disclosure.issue")[0]["n"] == MANY


def test_the_period_is_whole_days_of_tokyo(world: World) -> None:
    """The last millisecond of the day before and the first after are not of the period, what lies between is."""
    case = world.new_case()
    midnight = datetime.fromisoformat("2026-11-25T00:00:00+09:00")
    millisecond = timedelta(milliseconds=1)
    for time in (
        midnight - millisecond,
        midnight,
        midnight + timedelta(days=1) - millisecond,
        midnight + timedelta(days=1),
    ):
        world.clock.now = time
        append(world, look(world, case))
    world.clock.advance(timedelta(days=1))
    sign_in(world, "supervisor", "auditor")
    found = sheet(world, case, "2026-11-25", "2026-11-25")
    assert [line["at"] for line in lines(found)] == ["2026-11-24T15:00:00.000Z", "2026-11-25T14:59:59.999Z"]
    assert sheet(world, case, "2026-11-24", "2026-11-26")["looks"] == 4


def test_no_other_case_is_told(world: World) -> None:
    """The same staff, the same day, the same person's name in another case: not one line of it."""
    case, other = world.new_case(), world.new_case()
    for number in (1, 2, 3):
        assert world("caseworker", "GET", f"/api/cases/{other}").status_code == 200, number
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    found = sheet(world, case)
    assert found["looks"] == 1
    text = json.dumps(found, ensure_ascii=False)
    number = str(world("supervisor", "GET", f"/api/cases/{other}").json()["number"])
    assert other not in text and number not in text and case not in text and "山田" not in text


def test_a_sheet_is_the_same_when_it_is_made_again_or_printed(world: World) -> None:
    """One approval is one sheet: a look that came after the issue is for the next one; each has its own receipt."""
    case = world.new_case()
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    id = approved(world, case)
    first = issue(world, id).json()
    assert world("caseworker", "GET", f"/api/cases/{case}").status_code == 200
    again, printed = issue(world, id).json(), print_out(world, id).json()
    receipts = [one.pop("receipt") for one in (first, again, printed)]
    assert first == again == printed and first["looks"] == 1
    assert len({receipt["number"] for receipt in receipts}) == 3
    assert sheet(world, case)["looks"] == 2


def test_a_receipt_is_that_of_the_sheets_entry(world: World) -> None:
    """Index, hash and number are those of the entry of the issue, or of the print."""
    id = approved(world, world.new_case())
    for answer, event in ((issue(world, id), "disclosure.issue"), (print_out(world, id), "export.print")):
        receipt = answer.json()["receipt"]
        found = world.sql(
            "SELECT ev, leaf_hash FROM entry WHERE tree = ? AND idx = ?", receipt["tree"], receipt["index"]
        )
        assert found == [(event, bytes.fromhex(receipt["leaf_hash"]))]
        assert receipt["number"] == write_receipt(receipt["index"], bytes.fromhex(receipt["leaf_hash"]))


def test_a_log_that_was_continued_is_read_from_its_beginning(world: World) -> None:
    """After a restored backup the log goes on in another tree: looks of both are told."""
    case = world.new_case()
    append(world, look(world, case))
    name = tree_name(world)

    async def go_on(tx: Transaction) -> Done[None]:
        await trees.add_tree(tx, f"{name}.2", "tsunagi.invalid/continued")
        return Done(outcome=None)

    world.run(world.house.commit(go_on))
    append(world, look(world, case, fields=("name", "phone")))
    id = approved(world, case)
    found = issue(world, id).json()
    assert [len(line["items"]) for line in lines(found)] == [1, 2]
    assert found["receipt"]["tree"] == tree_number(world) > 1
    assert [leaf["ev"] for leaf in world.leaves(f"{name}.2")][-1] == "disclosure.issue"
    assert print_out(world, id).json()["lines"] == found["lines"]


def prune(world: World, before: int) -> None:
    """What retention does: an entry that says so, and then the texts go."""
    tree = tree_number(world)
    said = entry(world.house, None, Event.RETENTION_PRUNE, reference=before)
    append(world, Record(tree=tree, entry=said))
    edit(world, f"UPDATE entry SET leaf = NULL WHERE tree = {tree} AND idx < {before}")


def test_texts_that_are_gone_are_counted_and_said(world: World) -> None:
    """What may have been a look and has no text any more is said; for a later period there is nothing to say."""
    case = world.new_case()
    for _ in range(3):
        append(world, look(world, case))
    size = world.sql("SELECT size FROM head WHERE tree = ?", tree_number(world))[0][0]
    assert isinstance(size, int)
    prune(world, size)
    world.clock.advance(timedelta(days=2))
    sign_in(world, "supervisor", "auditor", "caseworker")
    append(world, look(world, case))
    found = sheet(world, case, until="2026-11-25")
    assert (found["looks"], found["gone"]) == (1, size)
    notes = found["notes"]
    assert isinstance(notes, list)
    assert notes[0]["ja"].startswith("保存期間が過ぎたため、文が残っていない記録があります。")
    later = sheet(world, case, "2026-11-24", "2026-11-25")
    assert (later["looks"], later["gone"]) == (1, 0) and "保存期間" not in json.dumps(
        later, ensure_ascii=False
    )


def test_a_consent_that_is_gone_makes_no_sheet(world: World) -> None:
    """A look on a consent that the case does not have is damage: an error, not a line without its ground."""
    case, other = world.new_case(), world.new_case()
    consent = str(world.consent(other)["id"])
    append(world, look(world, case, consent=(consent, 1, bytes(32))))
    answer = issue(world, approved(world, case))
    assert answer.status_code == 500 and "lines" not in answer.text


@pytest.fixture
def worlds(template: Template, tmp_path: Path) -> Iterator[tuple[SeededWorld, SeededWorld]]:
    made = (SeededWorld(template, tmp_path / "one"), SeededWorld(template, tmp_path / "two"))
    yield made
    for world in made:
        world.end()


def begun(world: SeededWorld, name: str) -> str:
    world.chance.seed("case")
    case = world.new_case(fields={**FIELDS, "name": name})
    world.chance.seed("ask")
    made = ask(world, case)
    assert made.status_code == 201
    return str(made.json()["id"])


def looked_at(world: SeededWorld, number: int) -> str:
    """A disclosure of a case that was looked at so often, and shared or not."""
    id = begun(world, "山田 太郎" if number else "隠れ")
    case = f"c_{bytes(world.sql('SELECT id FROM cases')[0][0]).hex()}"  # type: ignore[arg-type]  # a BLOB
    world.chance.seed("hidden")
    for _ in range(number):
        world("caseworker", "GET", f"/api/cases/{case}")
    if number:
        made = world.consent(case, OTHER_NPO)
        world("other", "POST", f"/api/consents/{made['id']}/withdraw", HOW)
    return id


def test_the_second_person_learns_nothing_of_what_the_sheet_says(
    worlds: tuple[SeededWorld, SeededWorld],
) -> None:
    """I8: however often and by whom it was looked at, list and approval are the same bytes for the one who approves."""
    heard = []
    for world, number in zip(worlds, (0, 5), strict=True):
        id = looked_at(world, number)
        answers = []
        for ask_for in ("list", "approve", "list"):
            world.chance.seed(f"heard {len(answers)}")
            answer = (
                approve(world, id) if ask_for == "approve" else world("auditor", "GET", "/api/disclosures")
            )
            headers = [one for one in answer.headers.multi_items() if one[0] != "date"]
            answers.append((answer.status_code, headers, answer.content))
        heard.append(answers)
    assert heard[0] == heard[1]
    assert issue(worlds[0], id).json()["looks"] == 0 and issue(worlds[1], id).json()["looks"] == 5


def test_a_sheet_does_not_move_with_other_cases(worlds: tuple[SeededWorld, SeededWorld]) -> None:
    """I8: what happens in other cases changes nothing on the sheet but the receipt's place in the log."""
    told = []
    for number, world in enumerate(worlds):
        id = begun(world, "山田 太郎")
        world.chance.seed("hidden")
        for _ in range(4 * number):
            other = world.new_case(fields={**FIELDS, "name": "隠れ"})
            world.consent(other, NPO)
            world("caseworker", "GET", f"/api/cases/{other}")
        assert approve(world, id).status_code == 200
        found = issue(world, id).json()
        found.pop("receipt")
        told.append(found)
    assert told[0] == told[1]
