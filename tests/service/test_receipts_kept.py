"""A receipt that was kept finds its entry, or shows that somebody rewrote the log, whatever else was made to fit."""

from collections.abc import Iterator, Mapping

import pytest

from audit.checkpoint import open_checkpoint
from audit.proof import read_proof, verify_inclusion
from audit.receipt import write_receipt
from service.flows.notary import find_behind, publish, publish_dirty
from service.flows.receipts import find_receipt, read_number
from tests.service.checking import collaboration, done
from tests.service.disclosing import approved, issue, print_out
from tests.service.forging import another, grow, rewrite
from tests.service.world import NPO, World

CANARY = "海野 波"
FULL = {"date": "2026-11-23", "result": "full"}


def ask(world: World, number: str, who: str = "coordinator") -> dict[str, object]:
    """What the service says of a receipt."""
    answer = world(who, "GET", f"/api/receipts/{number}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def receipts_in(value: object) -> Iterator[dict[str, object]]:
    """Every receipt in an answer, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("receipt"), dict):
            yield value["receipt"]
        for part in value.values():
            yield from receipts_in(part)
    if isinstance(value, list):
        for part in value:
            yield from receipts_in(part)


def released(world: World) -> Mapping[str, dict[str, object]]:
    """One answer of every kind that shows what was sealed, each with a value in it that is looked for."""
    case = world.new_case(fields={"name": CANARY, "name_kana": "うんの なみ", "phone": "090-0000-0000"})
    answer = world.answer(given_by=["self_with_help"], names={"helper": CANARY})
    body = {"recipient": world.ids[NPO], "purpose": "food_support", "answer": answer}
    done(world, "caseworker", "POST", f"/api/cases/{case}/consents", body)
    request = world.request(case)
    world.accept(request)
    row = {"kind": "delivery", "value": FULL, "request": request}
    done(world, "coordinator", "POST", f"/api/cases/{case}/ledger", row)
    disclosure = approved(world, case)
    asked = {
        "case": (CANARY, world("caseworker", "GET", f"/api/cases/{case}")),
        "case of another": (CANARY, world("coordinator", "GET", f"/api/cases/{case}")),
        "list": (CANARY, world("caseworker", "GET", "/api/cases")),
        "search": (CANARY, world("caseworker", "POST", "/api/cases/search", {"words": "海野"})),
        "inbox": ('"days":7', world("coordinator", "GET", "/api/inbox")),
        "requests": ("はじめての方です", world("caseworker", "GET", f"/api/cases/{case}/requests")),
        "ledger": ('"full"', world("caseworker", "GET", f"/api/cases/{case}/ledger")),
        "consents with names": (CANARY, world("caseworker", "GET", f"/api/cases/{case}/consents")),
        "sheet": ("みなと市", issue(world, disclosure)),
        "print of the sheet": ("みなと市", print_out(world, disclosure)),
    }
    for kind, (value, got) in asked.items():
        assert value in got.text, (kind, got.text)
    return {kind: dict(got.json()) for kind, (_, got) in asked.items()}


def test_every_answer_that_shows_a_value_bears_a_receipt_that_finds_its_entry(world: World) -> None:
    """Case, list, search, inbox, requests, ledger, consents with names, the sheet and its print."""
    for kind, answer in released(world).items():
        shown = list(receipts_in(answer))
        assert shown, kind
        for receipt in shown:
            assert len(str(receipt["number"]).replace("-", "")) == 26 + len(str(receipt["index"])), kind
            found = ask(world, str(receipt["number"]))
            assert (found["in_log"], found["signed"]) == (True, True), kind
            assert (found["index"], found["leaf_hash"]) == (receipt["index"], receipt["leaf_hash"]), kind
            _check_proof(world, found)


def _check_proof(world: World, found: Mapping[str, object]) -> None:
    proof = read_proof(str(found["proof"]))
    checkpoint = open_checkpoint(proof.note, world.house.notary.key(str(found["origin"])))
    leaf = bytes.fromhex(str(found["leaf_hash"]))
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)


def test_each_line_of_a_list_has_the_receipt_of_its_own_case(world: World) -> None:
    """The entry that a line's receipt finds names that case."""
    cases = {world.new_case() for _ in range(3)}
    lines = world("caseworker", "GET", "/api/cases").json()["cases"]
    assert {line["id"] for line in lines} >= cases
    leaves = world.leaves(collaboration(world).name)
    for line in lines:
        assert leaves[line["receipt"]["index"]]["sub"] == line["id"]


@pytest.mark.parametrize("more", [0, 600])
def test_a_kept_receipt_shows_a_rewrite_that_everything_else_fits(world: World, more: int) -> None:
    """Entries younger than the last outside checkpoint, rewritten with hashes, tiles, head, checkpoints and the
    notary's file: no start, no signature and no proof tells; the receipt of the one who looked does."""
    case, _, _ = world.shared_case()
    tree = collaboration(world)
    grow(world, tree, more)
    world.run(publish(world.house, tree))
    state = (world.settings.notary / "state").read_bytes()
    mine = world("coordinator", "GET", f"/api/cases/{case}").json()["receipt"]
    other = world("caseworker", "GET", f"/api/cases/{case}").json()["receipt"]
    world.run(publish_dirty(world.house))
    assert ask(world, mine["number"])["in_log"]
    world.close()
    rewrite(world, tree, {mine["index"]: another(world, tree, mine["index"])})
    (world.settings.notary / "state").write_bytes(state)
    world.open()
    assert world.run(find_behind(world.house)) == ()
    world.run(publish_dirty(world.house))
    lost = ask(world, mine["number"])
    assert lost == {
        "number": lost["number"], "in_log": False, "origin": None, "index": None, "leaf_hash": None,
        "signed": False, "cosigned": [], "proof": None,
    }  # fmt: skip
    assert str(lost["number"]).replace("-", "") == str(mine["number"]).replace("-", "")
    still = ask(world, other["number"])
    assert (still["in_log"], still["leaf_hash"]) == (True, other["leaf_hash"])
    _check_proof(world, still)


def test_a_receipt_fits_by_its_mark_and_not_by_its_index(world: World) -> None:
    """Another entry's mark, another index, a mark with one letter changed, an index that no log has: not in the log."""
    case, _, _ = world.shared_case()
    one = world("caseworker", "GET", f"/api/cases/{case}").json()["receipt"]
    two = world("caseworker", "GET", f"/api/cases/{case}").json()["receipt"]
    leaf = bytes.fromhex(one["leaf_hash"])
    for number in (
        write_receipt(two["index"], leaf),
        write_receipt(one["index"] + 1, leaf),
        write_receipt(one["index"], bytes.fromhex(two["leaf_hash"])),
        write_receipt(2**39, leaf),
    ):
        assert ask(world, number)["in_log"] is False, number
    end = one["number"][-1]
    changed = one["number"][:-1] + ("Q" if end != "Q" else "R")
    assert ask(world, changed)["in_log"] is False
    assert ask(world, one["number"].lower().replace("-", " ").replace(" ", "-", 1))["in_log"] is True


def test_a_receipt_of_any_log_of_the_house_is_found(world: World) -> None:
    """A number does not say which log: the collaboration's and each organisation's are looked through."""
    rows = world.sql(
        "SELECT t.origin, e.idx, e.leaf_hash FROM entry e JOIN tree t ON t.number = e.tree WHERE e.idx < 2"
    )
    assert len({row[0] for row in rows}) > 3
    for origin, index, leaf in rows:
        assert isinstance(index, int) and isinstance(leaf, bytes)
        found = world.run(find_receipt(world.house, read_number(write_receipt(index, leaf))))
        assert (found.origin, found.index, found.leaf_hash) == (origin, index, leaf)


def test_asking_says_where_and_nothing_else(world: World) -> None:
    """Whoever holds the number may ask, of another organisation too; the answer has nothing of what the entry says,
    and the asking is an entry of the asker's own log."""
    case, _, _ = world.shared_case()
    number = world("caseworker", "GET", f"/api/cases/{case}").json()["receipt"]["number"]
    before = {leaf["id"] for leaf in world.leaves()}
    answer = world("other_volunteer", "GET", f"/api/receipts/{number}")
    assert answer.json()["in_log"] is True
    for hidden in (case, world.ids["caseworker"], "case.read", "own_work"):
        assert hidden not in answer.text
    made = [leaf for leaf in world.leaves() if leaf["id"] not in before]
    assert [(leaf["ev"], leaf["act"]) for leaf in made] == [("log.verify", world.ids["other_volunteer"])]
