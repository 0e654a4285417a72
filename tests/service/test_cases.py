"""Cases over HTTP: sealed from the first page, changed field by field, found only by who may read them."""

from datetime import timedelta

import pytest

from tests.service.world import FIELDS, World


def sealed(world: World, case: str) -> dict[object, tuple[object, ...]]:
    rows = world.sql(
        'SELECT slot, version, blob FROM sealed WHERE "case" = ? ORDER BY slot', bytes.fromhex(case[2:])
    )
    return {row[0]: row[1:] for row in rows}


def numbers(world: World, who: str, path: str = "/api/cases") -> list[str]:
    return [one["id"] for one in world(who, "GET", path).json()["cases"]]


def found(world: World, words: str, who: str = "caseworker") -> list[str]:
    answer = world(who, "POST", "/api/cases/search", {"words": words})
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["cases"]]


def test_a_new_case_seals_every_single_field(world: World) -> None:
    """Empty ones too: an owner reads null, and the database cannot tell."""
    case = world.new_case(fields={"name": "氏名"})
    registry = world.house.policy.registry
    assert set(sealed(world, case)) == {int(field.slot) for field in registry.fields if not field.thread}
    seen = world("caseworker", "GET", f"/api/cases/{case}").json()
    assert seen["fields"]["name"] == "氏名" and seen["fields"]["address"] is None
    assert seen["version"] == 1 and seen["conditions"] == {"hardship": True, "willing": True}


def test_a_change_leaves_every_other_value_byte_identical(world: World) -> None:
    """PATCH writes the named fields and no other byte; the version moves, and the ETag with it."""
    case = world.new_case()
    before = sealed(world, case)
    etag = world("caseworker", "GET", f"/api/cases/{case}").headers["etag"]
    done = world(
        "caseworker", "PATCH", f"/api/cases/{case}", {"fields": {"phone": "0895"}}, {"If-Match": etag}
    )
    assert done.json()["version"] == 2
    after = sealed(world, case)
    assert {slot for slot in after if after[slot] != before[slot]} == {7}
    read = world("caseworker", "GET", f"/api/cases/{case}")
    assert read.headers["etag"] == '"2"' and read.json()["fields"]["phone"] == "0895"
    assert read.json()["fields"]["name"] == FIELDS["name"]


def test_names_come_back_byte_for_byte(world: World) -> None:
    """Stored as typed: 𠮷, 髙, compatibility ideographs and variation selectors survive."""
    name = "𠮷田 髙﨑 神\U000e0100 \ufa19"
    case = world.new_case(fields={"name": name})
    assert world("caseworker", "GET", f"/api/cases/{case}").json()["fields"]["name"] == name


def test_a_recipient_gets_no_version(world: World) -> None:
    """An ETag of the case would move with hidden edits."""
    case, _, _ = world.shared_case()
    answer = world("coordinator", "GET", f"/api/cases/{case}")
    assert "etag" not in answer.headers and "version" not in answer.json()
    assert not {"conditions", "sections", "closing_reason", "rotation_due"} & set(answer.json())


def test_a_section_is_the_reach_of_a_caseworker(world: World) -> None:
    """Another section's caseworker does not find the case; its supervisor does, and assigns it."""
    case = world.new_case()
    assert world("stranger", "GET", f"/api/cases/{case}").status_code == 404
    assert numbers(world, "stranger") == [] and numbers(world, "supervisor") == [case] == numbers(
        world, "colleague"
    )
    body = {"users": [world.ids["stranger"]]}
    assert world("caseworker", "POST", f"/api/cases/{case}/assign", body).status_code == 403
    assert world("supervisor", "POST", f"/api/cases/{case}/assign", body).status_code == 200
    assert world("stranger", "GET", f"/api/cases/{case}").status_code == 200
    assert numbers(world, "stranger") == [case] == found(world, "山田", "stranger")
    away = world("supervisor", "POST", f"/api/cases/{case}/assign", {**body, "remove": True})
    assert away.status_code == 200
    assert world("stranger", "GET", f"/api/cases/{case}").status_code == 404
    assert found(world, "山田", "stranger") == []


@pytest.mark.parametrize("login", ["coordinator", "other"])
def test_a_case_is_assigned_to_members_of_the_owner_only(world: World, login: str) -> None:
    """Another organisation's user is unknown here: 422, and nobody is assigned."""
    case = world.new_case()
    answer = world("supervisor", "POST", f"/api/cases/{case}/assign", {"users": [world.ids[login]]})
    assert answer.status_code == 422
    assert world.sql("SELECT count(*) FROM assignment") == [(0,)]


def test_a_closed_case_has_ended_for_every_recipient(world: World) -> None:
    """Closing ends consents, deletes grants, stops requests; the owner still reads, nobody writes."""
    case, _, _ = world.shared_case()
    body = {"reason": "connected", "note": "ハローワークへ"}
    assert (
        world("caseworker", "POST", f"/api/cases/{case}/close", body, {"If-Match": '"1"'}).status_code == 200
    )
    assert world.sql("SELECT count(*) FROM sealed_grant") == [(0,)]
    seen = world("caseworker", "GET", f"/api/cases/{case}").json()
    assert (seen["open"], seen["closing_reason"], seen["fields"]["outcome_note"]) == (
        False,
        "connected",
        "ハローワークへ",
    )
    theirs = world("coordinator", "GET", f"/api/cases/{case}").json()
    assert theirs["fields"] == {} and theirs["open"] is False
    assert {leaf["ev"] for leaf in world.leaves()} >= {
        "case.close",
        "consent.end",
        "key.revoke",
        "request.stop",
    }


def test_a_list_goes_page_by_page_and_counts_nothing(world: World) -> None:
    """Newest first, each case once, the last page without a cursor, no totals anywhere."""
    made = []
    for _ in range(5):
        made.append(world.new_case())
        world.clock.advance(timedelta(seconds=1))
    hidden = world.new_case("stranger")
    pages, cursor = [], ""
    for _ in range(5):
        answer = world("caseworker", "GET", f"/api/cases?limit=2{cursor}").json()
        assert set(answer) == {"cases", "next"}
        pages.append([one["id"] for one in answer["cases"]])
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [id for page in pages for id in page] == list(reversed(made))
    assert hidden not in str(pages)
    assert world("caseworker", "GET", "/api/cases?cursor=x").status_code == 422


def test_a_list_writes_a_line_for_each_case_it_shows(world: World) -> None:
    """One leaf a case whose fields are shown, naming them; for none, one that says so."""
    cases = {world.new_case() for _ in range(3)}
    before = len(world.leaves())
    numbers(world, "caseworker")
    shown = [leaf for leaf in world.leaves() if leaf["ev"] == "case.list"]
    assert {leaf["sub"] for leaf in shown} == cases and len(world.leaves()) == before + 3
    assert all(leaf["fld"] == ["age_band", "gender", "name", "name_kana"] for leaf in shown)
    numbers(world, "stranger")
    empty = [leaf for leaf in world.leaves() if leaf["ev"] == "case.list" and "sub" not in leaf]
    assert [leaf["n"] for leaf in empty] == [0]


@pytest.mark.parametrize(
    ("name", "kana", "words"),
    [
        ("髙﨑 みどり", "たかさき みどり", ("高崎", "髙﨑", "タカサキ", "ﾀｶｻｷ", "かさき", "みどり")),
        ("渡邉 一郎", "わたなべ いちろう", ("渡辺", "渡邊", "ワタナベ", "わたなべいちろう")),
        ("𠮷田 花", "よしだ はな", ("吉田", "ヨシダ", "はな")),
    ],
)
def test_a_search_finds_names_however_they_are_written(
    world: World, name: str, kana: str, words: tuple[str, ...]
) -> None:
    """Parts of a name, kana in any form, variant characters."""
    case = world.new_case(fields={"name": name, "name_kana": kana})
    world.new_case(fields={"name": "鈴木 次郎", "name_kana": "すずき じろう"})
    for word in words:
        assert found(world, word) == [case], word
    assert found(world, "存在しない") == []


def test_a_search_finds_numbers_and_only_what_the_caller_may_read(world: World) -> None:
    """By case number too; another section's case is no hit; recipients do not search what they receive."""
    case, _, _ = world.shared_case()
    number = world("caseworker", "GET", f"/api/cases/{case}").json()["number"]
    assert found(world, number) == [case] == found(world, number[-5:])
    assert found(world, number, "stranger") == [] == found(world, "山田", "stranger")
    assert found(world, "山田", "coordinator") == []
    assert {"case.scan", "case.search", "field.release"} <= {str(leaf["ev"]) for leaf in world.leaves()}
    assert world("caseworker", "POST", "/api/cases/search", {"words": "　"}).status_code == 422
