"""What lies on the disk: no value in clear anywhere, not even whether there is one; and nothing personal in a log."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from crypto.session import read_token
from service import logs
from tests.service.disk import on_disk
from tests.service.world import NPO, OTHER_NPO, PASSWORD, World

CANARIES = {
    "name": "かなりあ 氏名壱",
    "name_kana": "かなりあ しめいいち",
    "birth_date": "1931-07-19",
    "address": "かなりあ町四丁目五番六号",
    "phone": "0895-77-31337",
    "household": "かなりあ世帯七人",
    "consultation": "かなりあ相談八",
    "handover_summary": "かなりあ要約九",
    "health": "かなりあ健康十",
    "public_support": "かなりあ公的十一",
    "finances": "かなりあ家計十二",
    "outcome_note": "かなりあ終了十三",
    "review_notes": "かなりあ検討十四",
    "dietary": {"allergens": ["egg"], "note": "かなりあ食事十五"},
    "eligibility_reasons": {"hardship": "かなりあ理由十六", "willing": "かなりあ理由十七"},
    "support_plan": {"goal": "かなりあ方針十八", "per_month": 2, "from": "2027-01-13", "until": "2027-04-17"},
}
REST = (
    "かなりあ連絡十九",
    "かなりあ品目二十",
    "かなりあ気づき二十一",
    "かなりあ返答二十二",
    "かなりあ代理二十三",
)


def texts(value: object) -> Iterator[str]:
    """Every text of a value that cannot be there by accident."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from (text for text in texts(part) if len(text) > 5)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The service's log as `serve` sets it up, and what was before put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def whole_story(world: World) -> list[str]:
    """Every kind of personal text that the service takes in; gives back all of them."""
    case = world.new_case(fields=CANARIES)
    how = {"given_by": ["self_with_help"], "names": {"helper": REST[4]}}
    consent = str(world.consent(case, **how)["id"])
    world.consent(case, OTHER_NPO)
    asked = {
        "recipient": world.ids[NPO], "send": True, "message": REST[0],
        "quantity": {"adults": 1, "children": 0, "days": 7, "times": 2},
    }  # fmt: skip
    made = world("caseworker", "POST", f"/api/cases/{case}/requests", asked)
    assert made.status_code == 201, made.text
    request = made.json()["id"]
    world.accept(request)
    rows = [
        ("coordinator", {"kind": "delivery", "request": request,
                         "value": {"date": "2026-11-23", "result": "full", "items": [REST[1]]}}),
        ("coordinator", {"kind": "observation", "value": {"text": REST[2], "urgent": True}}),
        ("caseworker", {"kind": "reply", "value": {"text": REST[3]}, "recipient": world.ids[NPO]}),
    ]  # fmt: skip
    for who, body in rows:
        answer = world(who, "POST", f"/api/cases/{case}/ledger", body)
        assert answer.status_code == 201, answer.text
    assert world("caseworker", "POST", "/api/cases/search", {"words": "かなりあ"}).json()["cases"]
    read = [("caseworker", ""), ("coordinator", ""), ("volunteer", ""), ("caseworker", "/ledger"),
            ("coordinator", "/requests"), ("caseworker", "/consents"), ("supervisor", "/looks")]  # fmt: skip
    for who, path in read:
        assert world(who, "GET", f"/api/cases/{case}{path}").status_code == 200
    refused = {"fields": {"gender": "かなりあ性別二十四", "かなりあ項目二十五": 1}}
    assert world("caseworker", "POST", "/api/cases", refused).status_code == 422
    body = {"given_by": ["self"], "method": "paper"}
    assert world("volunteer", "POST", f"/api/consents/{consent}/withdraw", body).status_code == 200
    return [*(text for value in CANARIES.values() for text in texts(value)), *REST, "かなりあ"]


def test_no_value_is_in_clear_on_the_disk(world: World) -> None:
    """No name, address or note in the database, its WAL or anything beside it, in any encoding that it would have."""
    canaries = whole_story(world)
    assert len(canaries) > 20
    for when in ("open", "closed"):
        disk = on_disk(world)
        for canary in canaries:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be", "shift_jis"):
                assert canary.encode(encoding) not in disk, (when, canary, encoding)
            assert canary.encode("unicode_escape") not in disk
        if when == "open":
            world.close()
    world.open()


def test_the_search_would_find_a_value_that_is_in_clear(world: World) -> None:
    """The check above can fail: what is in clear on purpose is found, also while it is only in the WAL."""
    case = world.new_case(fields=CANARIES)
    number = world("caseworker", "GET", f"/api/cases/{case}").json()["number"]
    assert number.encode() in on_disk(world)


def test_a_missing_value_looks_like_one_that_is_there(world: World) -> None:
    """Presence is hidden: an empty case has the same rows, slots, versions and lengths as a full one."""
    short = {"name": "氏", "consultation": "短い", "finances": "苦しい", "review_notes": "要", "phone": "090"}
    empty, full = (world.new_case(fields=fields) for fields in ({"age_band": "70s"}, short))
    shapes = [
        world.sql(
            'SELECT slot, "column", thread, version, length(blob) FROM sealed WHERE "case" = ? ORDER BY slot',
            bytes.fromhex(case[2:]),
        )
        for case in (empty, full)
    ]
    assert shapes[0] == shapes[1]
    registry = world.house.policy.registry
    assert [row[0] for row in shapes[0]] == sorted(int(one.slot) for one in registry.fields if not one.thread)
    assert len({row[4] for row in shapes[0]}) == 1


def test_a_request_without_a_message_looks_like_one_with(world: World) -> None:
    """The contents of a request are as many rows, and as long, whether pick-up and message are named or not."""
    case = world.new_case()
    world.consent(case)
    quantity = {"adults": 1, "children": 0, "days": 7, "times": 2}
    shapes = []
    for extra in ({}, {"message": "短い"}):
        body = {"recipient": world.ids[NPO], "quantity": quantity, "send": True, **extra}
        made = world("caseworker", "POST", f"/api/cases/{case}/requests", body).json()["id"]
        record = bytes.fromhex(made[2:])
        shapes.append(
            world.sql("SELECT slot, length(blob) FROM sealed WHERE record = ? ORDER BY slot", record)
        )
    assert shapes[0] == shapes[1] and len(shapes[0]) == 3


def test_no_two_values_have_the_same_bytes(world: World) -> None:
    """Nothing is deterministic: the same value in two cases, and in one case twice, is sealed differently."""
    for _ in range(2):
        world.new_case(fields={"name": "同じ氏名", "address": "同じ氏名"})
    assert world.sql("SELECT count(*) - count(DISTINCT blob) FROM sealed") == [(0,)]


def test_nothing_personal_is_in_any_log(world: World, lines: io.StringIO) -> None:
    """Tokens, passwords, names, search words: not in the lines that the service writes, not in the access log."""
    canaries = whole_story(world)
    signed = world.sign_in("caseworker").json()
    world(None, "GET", "/api/cases?cursor=かなりあ", headers={"Authorization": f"Bearer {signed['token']}"})
    world(None, "GET", "/api/かなりあ/かなりあ")
    world.sign_in("かなりあ", password="かなりあの合い言葉です十五文字")
    written = lines.getvalue()
    assert written.count('"request"') > 20, "the test wants lines"
    leaves = "\n".join(str(row[0]) for row in world.sql("SELECT leaf FROM entry"))
    secrets = [signed["token"], read_token(signed["token"]).hex(), PASSWORD.format(login="caseworker"),
               *world.tokens.values(), "職員", "caseworker@", "かなりあの合い言葉"]  # fmt: skip
    for canary in [*canaries, *secrets]:
        assert canary not in written and canary not in leaves, canary
        assert canary.encode("unicode_escape").decode() not in written


def test_after_the_withdrawal_no_grant_is_left(world: World) -> None:
    """The key is gone with the consent: no grant row, and its sealed bytes are not left in free pages."""
    case, consent, _ = world.shared_case()
    sealed = world.sql("SELECT sealed FROM sealed_grant")[0][0]
    assert isinstance(sealed, bytes)
    world.close()
    world.open()
    assert sealed in on_disk(world)
    body = {"given_by": ["self"], "method": "paper"}
    assert world("coordinator", "POST", f"/api/consents/{consent}/withdraw", body).status_code == 200
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]
    world.close()
    assert sealed not in on_disk(world)
    world.open()
    assert world("coordinator", "GET", f"/api/cases/{case}").json()["fields"] == {}
