"""I8: two worlds that differ only in what somebody may not see answer that one byte for byte the same."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from service.app import serve_house
from service.house import House
from tests.service.consenting import HOW
from tests.service.world import FIELDS, HOST, NPO, OTHER_NPO, REQUEST, Template, World


class Chance:
    """Randomness that can be set: the same seed gives the same bytes, whatever was drawn before."""

    def __init__(self) -> None:
        self.seed("")

    def seed(self, word: str) -> None:
        self._word, self._drawn = word, 0

    def __call__(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(f"{self._word} {self._drawn}".encode()).digest(size)


class SeededWorld(World):
    """A world whose house draws from `Chance`."""

    def open(self) -> None:
        super().open()
        self.run(self.house.stop())
        self.chance = Chance()
        old = self.house
        self.house = House(
            settings=old.settings, roots=old.roots, policy=old.policy, notary=old.notary, clock=self.clock,
            random=self.chance, cost=old.cost, connect=self.connect,
        )  # fmt: skip
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(serve_house(self.house)), base_url=f"https://{HOST}"
        )
        self.run(started(self.house))


async def started(house: House) -> None:
    house.start()


@pytest.fixture
def worlds(template: Template, tmp_path: Path) -> Iterator[tuple[SeededWorld, SeededWorld]]:
    made = (SeededWorld(template, tmp_path / "one"), SeededWorld(template, tmp_path / "two"))
    yield made
    for world in made:
        world.end()


def seen_part(
    world: SeededWorld, hidden: dict[str, object], refused: tuple[str, ...] = ("phone", "address")
) -> str:
    """A case that the watcher sees something of: ids and numbers are the same in both worlds."""
    world.chance.seed("case")
    case = world.new_case(fields={**FIELDS, **hidden})
    world.chance.seed("consent")
    world.consent(case, refused=refused)
    world.chance.seed("request")
    request = world.request(case)
    world.accept(request)
    return case


def heard(world: SeededWorld, who: str, method: str, path: str, body: object = None) -> object:
    """All that the asker gets, but index and hash of the log entry (and with them the length)."""
    world.chance.seed(f"ask {method} {path}")
    answer = world(who, method, path, body)
    headers = [one for one in answer.headers.multi_items() if one[0] not in ("date", "content-length")]
    found = answer.json()
    if b'"receipt":{' in answer.content:
        return answer.status_code, headers, json.dumps(_without_receipts(found))
    return answer.status_code, headers, answer.content


def _without_receipts(found: object) -> object:
    """The answer with no more of its receipts than which parts they have."""
    if isinstance(found, list):
        return [_without_receipts(one) for one in found]
    if not isinstance(found, dict):
        return found
    return {
        key: sorted(one) if key == "receipt" and isinstance(one, dict) else _without_receipts(one)
        for key, one in found.items()
    }


def asks(case: str) -> list[tuple[str, str, object]]:
    """Every look that a worker has, and looks for what is not there."""
    return [
        ("GET", "/api/cases", None), ("GET", "/api/cases?limit=1", None), ("GET", "/api/inbox", None),
        *(("GET", f"/api/cases/{case}{path}", None) for path in ("", "/ledger", "/requests", "/consents")),
        *(("POST", "/api/cases/search", {"words": word}) for word in ("山田", "やまだ", "2026", "隠れ")),
        ("GET", "/api/organisations", None), ("GET", f"/api/cases/c_{'0' * 32}", None),
    ]  # fmt: skip


def compare(worlds: tuple[SeededWorld, SeededWorld], who: str, case: str) -> int:
    count = 0
    for method, path, body in asks(case):
        one, two = (heard(world, who, method, path, body) for world in worlds)
        assert one == two, (who, path)
        count += 1
    return count


Hide = Callable[[SeededWorld, str], None]


def anothers_case(world: SeededWorld, case: str) -> None:
    """A case of another section, of the same name, shared with nobody."""
    world.new_case("stranger", fields={**FIELDS, "name": "山田 隠れ"})


def anothers_consent(world: SeededWorld, case: str) -> None:
    """The same person is helped by another NPO, which writes to the ledger."""
    world.consent(case, OTHER_NPO)
    request = world.request(case, OTHER_NPO)
    world.accept(request, "other")
    row = {"kind": "delivery", "value": {"date": "2026-11-23", "result": "full"}, "request": request}
    assert world("other", "POST", f"/api/cases/{case}/ledger", row).status_code == 201


def a_draft(world: SeededWorld, case: str) -> None:
    """A request to the same NPO that was not sent."""
    world.request(case, send=False)


def a_hidden_edit(world: SeededWorld, case: str) -> None:
    """The owner writes what the recipient does not see."""
    body = {"fields": {"consultation": "隠れた相談", "phone": "0895-隠れ"}}
    assert world("caseworker", "PATCH", f"/api/cases/{case}", body, {"If-Match": '"1"'}).status_code == 200


def an_assignment(world: SeededWorld, case: str) -> None:
    """The case is assigned to somebody."""
    body = {"users": [world.ids["stranger"]]}
    assert world("supervisor", "POST", f"/api/cases/{case}/assign", body).status_code == 200


def a_consent_that_came_and_went(world: SeededWorld, case: str) -> None:
    """Another NPO's consent, withdrawn."""
    made = world.consent(case, OTHER_NPO)
    assert world("other", "POST", f"/api/consents/{made['id']}/withdraw", HOW).status_code == 200


@pytest.mark.parametrize(
    "hide",
    [anothers_case, anothers_consent, a_draft, a_hidden_edit, an_assignment, a_consent_that_came_and_went],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("who", ["coordinator", "volunteer"])
def test_a_recipient_learns_nothing_of_what_it_may_not_see(
    worlds: tuple[SeededWorld, SeededWorld], who: str, hide: Hide
) -> None:
    """Lists, search, inbox, case, ledger, requests, consents and 404s are the same in both worlds."""
    cases = {seen_part(world, {}) for world in worlds}
    assert len(cases) == 1, "the test wants the same case in both"
    case = cases.pop()
    worlds[1].chance.seed("hidden")
    hide(worlds[1], case)
    assert compare(worlds, who, case) > 10


def test_hidden_values_make_no_difference(worlds: tuple[SeededWorld, SeededWorld]) -> None:
    """What was refused or is never offered may be anything, or nothing: the recipient gets the same bytes."""
    one = {"phone": "0895-隠れ", "consultation": "隠れた相談" * 50, "finances": "隠れ", "health": None}
    two: dict[str, object] = {
        "phone": None,
        "consultation": None,
        "address": "隠れ町",
        "review_notes": "隠れ",
    }
    cases = {seen_part(world, hidden) for world, hidden in zip(worlds, (one, two), strict=True)}
    assert len(cases) == 1
    for who in ("coordinator", "volunteer"):
        compare(worlds, who, cases.copy().pop())


def test_another_sections_work_makes_no_difference_to_a_caseworker(
    worlds: tuple[SeededWorld, SeededWorld],
) -> None:
    """List, order, paging, search and 404s of a caseworker are the same, whatever other sections hold."""
    cases = {seen_part(world, {}) for world in worlds}
    worlds[1].chance.seed("hidden")
    hidden = worlds[1].new_case("stranger", fields={**FIELDS, "name": "山田 隠れ"})
    worlds[1].consent(hidden, NPO, who="stranger")
    made = {"recipient": worlds[1].ids[NPO], "send": True, **REQUEST}
    assert worlds[1]("stranger", "POST", f"/api/cases/{hidden}/requests", made).status_code == 201
    compare(worlds, "caseworker", cases.copy().pop())
    assert heard(worlds[0], "caseworker", "GET", f"/api/cases/{hidden}") == heard(
        worlds[1], "caseworker", "GET", f"/api/cases/{hidden}"
    )


def test_a_person_who_refused_looks_like_one_who_was_never_asked(
    worlds: tuple[SeededWorld, SeededWorld],
) -> None:
    """For the NPO a case that it was refused is not there, in every answer."""
    for world in worlds:
        world.chance.seed("case")
        case = world.new_case()
    worlds[1].chance.seed("hidden")
    no = {
        "notice_version": 1,
        "language": "ja",
        "given_by": ["self"],
        "method": "paper",
        "event_day": "2026-11-23",
    }
    body = {"recipient": worlds[1].ids[NPO], "purpose": "food_support", "refusal": no}
    assert worlds[1]("caseworker", "POST", f"/api/cases/{case}/consents", body).status_code == 201
    for who in ("coordinator", "volunteer"):
        compare(worlds, who, case)
