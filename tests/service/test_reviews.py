"""The ready-made reviews over HTTP: what an auditor should look at, found in the log that the service wrote."""

from datetime import datetime, timedelta

import pytest

from service.flows.flags import Seen, compare
from tests.service.forging import forge
from tests.service.test_log_api import tree_of
from tests.service.world import World


def ask(world: World, review: str, query: str = "") -> dict[str, object]:
    """One review as the auditor gets it."""
    answer = world("auditor", "GET", f"/api/log/reviews{query}")
    assert answer.status_code == 200, answer.text
    return next(dict(one) for one in answer.json()["reviews"] if one["review"] == review)


def hits(world: World, review: str, query: str = "") -> list[dict[str, object]]:
    """The hits of one review."""
    found = ask(world, review, query)["hits"]
    assert isinstance(found, list)
    return [dict(one) for one in found]


def test_the_eleven_reviews_are_there_with_their_words(world: World) -> None:
    """Title, why it matters, the rule; Japanese unless English is asked for."""
    japanese = world("auditor", "GET", "/api/log/reviews").json()
    english = world("auditor", "GET", "/api/log/reviews?language=en").json()
    assert len(japanese["reviews"]) == len(english["reviews"]) == 11
    for one, other in zip(japanese["reviews"], english["reviews"], strict=True):
        assert one["review"] == other["review"]
        assert all(
            one[part] and other[part] and one[part] != other[part] for part in ("title", "why", "rule")
        )


def test_a_look_at_a_namesake_is_found_and_the_leaf_does_not_say_so(world: World) -> None:
    """The same family name: `flag.raise` with a commitment, the flag itself only beside the log."""
    case = world.new_case(fields={"name": "職員 花子"})
    made = world("caseworker", "GET", f"/api/cases/{case}").json()
    flags = [leaf for leaf in world.leaves(tree_of(world)) if leaf["ev"] == "flag.raise"]
    assert [flag["ref"] for flag in flags] == [made["receipt"]["index"]]
    assert set(flags[0]) == {"ev", "id", "t", "v", "ref", "det"}
    assert len(str(flags[0]["det"])) == 44
    found = hits(world, "same_surname")
    assert [(hit["index"], hit["case"]) for hit in found] == [(made["receipt"]["index"], case)]
    world.sql("SELECT 1")
    assert b"same_surname" not in world.settings.database.read_bytes()


def test_the_own_record_is_found(world: World) -> None:
    """Name and name are the same, written in another way."""
    name = world.sql("SELECT name FROM user WHERE login = 'caseworker'")[0][0]
    case = world.new_case(fields={"name": str(name).replace(" ", "　")})
    made = world("caseworker", "GET", f"/api/cases/{case}").json()
    assert [hit["index"] for hit in hits(world, "own_record")] == [made["receipt"]["index"]]


@pytest.mark.parametrize(
    ("person", "staff", "seen"),
    [
        ("山田 太郎", "山田 太郎", Seen.OWN_RECORD),
        ("山田　太郎", "山田太郎", Seen.OWN_RECORD),
        ("髙橋 花", "高橋 一郎", Seen.SAME_SURNAME),
        ("山田花", "山田 太郎", Seen.SAME_SURNAME),
        ("山田 花", "山本 太郎", None),
        ("山田花", "山田太郎", None),
        ("", "山田 太郎", None),
        ("山田 太郎", "", None),
        ("山 田", "山田 太郎", None),
    ],
)
def test_names_are_compared_as_they_are_searched(person: str, staff: str, seen: Seen | None) -> None:
    """Variants of a letter and kinds of spaces do not hide a namesake; without a space nothing is guessed."""
    assert compare(person, staff) is seen


def test_nights_and_holidays_are_flagged_before_anything_is_opened(world: World) -> None:
    """Outside Monday to Friday 8:30–17:15 in Tokyo, and on a public holiday, the entry says so."""
    case, _, _ = world.shared_case()
    seen = {}
    for moment in ("2026-11-24T08:29:59+09:00", "2026-11-24T08:30:00+09:00", "2026-11-24T17:15:00+09:00"):
        seen[moment] = _flags(world, case, moment)
    seen["2027-01-01T10:00:00+09:00"] = _flags(world, case, "2027-01-01T10:00:00+09:00")
    seen["2027-01-02T10:00:00+09:00"] = _flags(world, case, "2027-01-02T10:00:00+09:00")
    assert list(seen.values()) == [["after_hours"], None, ["after_hours"], ["after_hours"], ["after_hours"]]


def _flags(world: World, case: str, moment: str) -> object:
    """The flags of a read at that time, None for no flag."""
    world.clock.advance(datetime.fromisoformat(moment) - world.clock())
    world.tokens["caseworker"] = world.sign_in("caseworker").json()["token"]
    made = world("caseworker", "GET", f"/api/cases/{case}").json()
    return world.leaves(tree_of_case(world))[made["receipt"]["index"]].get("flg")


def tree_of_case(world: World) -> str:
    """The name of the collaboration's log."""
    return str(world.sql("SELECT name FROM tree WHERE name LIKE 'b!_%' ESCAPE '!'")[0][0])


def test_a_refused_try_is_found_and_can_be_checked(world: World) -> None:
    """A case that is not assigned: found; the auditor's reason is an entry, and the hit stays listed as checked."""
    case = world.new_case("colleague")
    denied = world("stranger", "GET", f"/api/cases/{case}")
    assert denied.status_code in (403, 404)
    world("caseworker", "GET", f"/api/cases/{case}")
    tree = tree_of(world)
    before = hits(world, "top_readers")
    assert before
    assert not before[0]["checked"]
    body = {"tree": tree, "review": "top_readers", "index": before[0]["index"], "reason": "当番でした"}
    made = world("auditor", "POST", "/api/log/reviews/checks", body)
    assert made.status_code == 201, made.text
    leaf = world.leaves(tree)[made.json()["index"]]
    assert (leaf["ev"], leaf["ref"], leaf["act"]) == ("flag.check", before[0]["index"], world.ids["auditor"])
    assert "当番" not in str(leaf)
    after = hits(world, "top_readers")
    assert [hit["checked"] for hit in after if hit["index"] == before[0]["index"]] == [True]
    assert ask(world, "top_readers")["unchecked"] == len([hit for hit in after if not hit["checked"]])


def test_who_may_not_gets_no_review(world: World) -> None:
    """Only the tree's auditor; another tree, another role, an index beyond the log, an empty reason are refused."""
    tree = tree_of(world)
    body = {"tree": tree, "review": "bulk", "index": 0, "reason": "x"}
    assert world("supervisor", "GET", "/api/log/reviews").status_code == 403
    assert world(None, "GET", "/api/log/reviews").status_code == 401
    assert world("supervisor", "POST", "/api/log/reviews/checks", body).status_code == 403
    assert world("auditor", "GET", "/api/log/reviews?tree=b_none").status_code == 404
    assert world("auditor", "POST", "/api/log/reviews/checks", {**body, "index": 2**39}).status_code == 404
    assert world("auditor", "POST", "/api/log/reviews/checks", {**body, "tree": "b_none"}).status_code == 404
    assert world("auditor", "POST", "/api/log/reviews/checks", {**body, "reason": " "}).status_code == 422
    assert (
        world("auditor", "POST", "/api/log/reviews/checks", {**body, "review": "gossip"}).status_code == 422
    )


def test_the_period_bounds_what_is_found(world: World) -> None:
    """A read before the period is history and no hit."""
    case, _, _ = world.shared_case()
    world("caseworker", "GET", f"/api/cases/{case}")
    later = (world.clock() + timedelta(minutes=1)).isoformat().replace("+", "%2B")
    assert hits(world, "top_readers")
    assert hits(world, "top_readers", f"?since={later}") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE detail SET ciphertext = zeroblob(length(ciphertext)) WHERE idx = {}",
        "UPDATE detail SET salt = zeroblob(32) WHERE idx = {}",
        "UPDATE entry SET leaf = '{{}}' WHERE idx = {} AND ev = 'flag.raise'",
        "UPDATE entry SET leaf = 'あ' WHERE idx = {} AND ev = 'flag.raise'",
    ],
)
def test_one_damaged_row_does_not_blind_the_auditor(world: World, statement: str) -> None:
    """It is named, what it said is not found, and every other finding stays."""
    case = world.new_case(fields={"name": "職員 花子"})
    world("caseworker", "GET", f"/api/cases/{case}")
    (index,) = world.sql("SELECT idx FROM entry WHERE ev = 'flag.raise'")[0]
    before = world("auditor", "GET", "/api/log/reviews").json()
    assert before["damaged"] == [] and len(hits(world, "same_surname")) == 1
    assert hits(world, "top_readers") != []
    forge(world, statement.format(index))
    after = world("auditor", "GET", "/api/log/reviews").json()
    assert after["damaged"] == [index]
    assert hits(world, "same_surname") == []
    assert len(hits(world, "top_readers")) == 1


def test_a_person_who_never_came_is_marked_by_the_account(world: World) -> None:
    """There is no entry to name: the account is; nobody else's, and neither both nor none."""
    world.clock.advance(timedelta(days=100))
    world.tokens["auditor"] = world.sign_in("auditor").json()["token"]
    quiet = {hit["actor"] for hit in hits(world, "dormant") if hit["index"] is None}
    assert quiet
    actor = sorted(str(one) for one in quiet)[0]
    body = {"tree": tree_of(world), "review": "dormant", "account": actor, "reason": "休職中です"}
    for wrong, status in (
        ({"index": 0}, 422),
        ({"account": None}, 422),
        ({"account": "u_" + "0" * 32}, 404),
        ({"account": "x"}, 404),
    ):
        assert world("auditor", "POST", "/api/log/reviews/checks", {**body, **wrong}).status_code == status
    made = world("auditor", "POST", "/api/log/reviews/checks", body).json()
    leaf = world.leaves(tree_of(world))[made["index"]]
    assert (leaf["ev"], leaf["obj"], "ref" in leaf) == ("flag.check", actor, False)
    checked = {hit["actor"]: hit["checked"] for hit in hits(world, "dormant") if hit["index"] is None}
    assert checked == {one: one == actor for one in quiet}
