"""The log over HTTP: its auditors read, filter and prove it; each look at it is an entry too."""

import base64
import hashlib
import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from audit.receipt import write_receipt
from service.flows import log
from tests.service.world import World


def tree_of(world: World, prefix: str = "b_") -> str:
    found = [one["name"] for one in world("auditor", "GET", "/api/log").json()["trees"]]
    return str(next(name for name in found if name.startswith(prefix)))


def entries(world: World, tree: str, query: str = "", who: str = "auditor") -> list[dict[str, object]]:
    answer = world(who, "GET", f"/api/log/{tree}/entries?limit=500{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


def test_an_entry_is_told_as_it_was_hashed(world: World) -> None:
    """RFC 6962 §2.1: the leaf hash is SHA-256 of 0x00 and the text, byte for byte."""
    world.shared_case()
    found = entries(world, tree_of(world))
    assert [one["index"] for one in found] == list(range(len(found)))[::-1]
    for one in found:
        text = str(one["text"]).encode("ascii")
        assert hashlib.sha256(b"\x00" + text).hexdigest() == one["leaf_hash"]
        assert json.loads(text) == one["leaf"]


def test_the_filters_choose_what_they_say(world: World) -> None:
    """Case, user, organisation, event, decision, time: exactly the entries that fit."""
    case, _, _ = world.shared_case()
    world.clock.advance(timedelta(minutes=5))
    later = quote(world.clock().isoformat())
    world("coordinator", "GET", f"/api/cases/{case}")
    world("stranger", "GET", f"/api/cases/{case}")
    tree = tree_of(world)
    everything = [(dict(one["leaf"])) for one in entries(world, tree)]  # type: ignore[call-overload]  # a JSON object

    def chosen(query: str) -> list[object]:
        return [dict(one["leaf"])["id"] for one in entries(world, tree, query)]  # type: ignore[call-overload]  # a JSON object

    def fitting(key: str, value: str) -> list[object]:
        return [leaf["id"] for leaf in everything if leaf.get(key) == value]

    coordinator = world.ids["coordinator"]
    assert chosen(f"&case={case}") == fitting("sub", case) != []
    assert chosen(f"&user={coordinator}") == fitting("act", coordinator) != []
    assert chosen("&event=case.read") == fitting("ev", "case.read") != []
    assert chosen("&decision=deny") == fitting("dec", "deny") != []
    assert chosen(f"&case={case}&user={coordinator}&event=case.read&decision=permit&since={later}") != []
    assert set(chosen(f"&until={later}")) < {leaf["id"] for leaf in everything}
    assert chosen("&case=c_nothing") == []


def test_pages_go_from_the_newest_to_the_first_entry(world: World) -> None:
    """Each entry once, in order, whatever is added meanwhile."""
    world.shared_case()
    tree = tree_of(world)
    size = len(entries(world, tree))
    seen: list[int] = []
    before = f"&before={size}"
    while True:
        page = world("auditor", "GET", f"/api/log/{tree}/entries?limit=4{before}").json()
        seen += [one["index"] for one in page["entries"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert seen == list(range(size))[::-1]


def test_reading_the_log_is_in_the_log(world: World) -> None:
    """A look at the log, at a checkpoint and at who looked is an entry of the same tree, with the number of lines."""
    tree = tree_of(world)
    shown = len(entries(world, tree))
    newest = dict(entries(world, tree)[0]["leaf"])  # type: ignore[call-overload]  # a JSON object
    assert (newest["ev"], newest["act"], newest["n"]) == ("log.search", world.ids["auditor"], shown)
    assert world("auditor", "GET", f"/api/log/{tree}/checkpoint").status_code == 200
    assert dict(entries(world, tree)[0]["leaf"])["ev"] == "log.verify"  # type: ignore[call-overload]  # a JSON object


def test_a_look_at_the_log_bears_its_receipt(world: World) -> None:
    """Entries, who looked at a case, and a bundle of leaves: each names the entry that was made for it."""
    case, _, _ = world.shared_case()
    tree = tree_of(world)
    size = open_checkpoint_size(world, tree)
    for path in (
        f"/api/log/{tree}/entries",
        f"/api/cases/{case}/looks",
        f"/log/{tree}/tile/entries/000.p/{size}",
    ):
        answer = world("auditor", "GET", path)
        newest = world.sql("SELECT idx, leaf_hash FROM entry WHERE tree = 1 ORDER BY idx DESC LIMIT 1")
        assert world.sql("SELECT name FROM tree WHERE number = 1") == [(tree,)]
        index, hashed = newest[0]
        assert isinstance(index, int) and isinstance(hashed, bytes)
        told = answer.headers.get("Tsunagi-Receipt") or answer.json()["receipt"]["number"]
        assert told == write_receipt(index, hashed)


def open_checkpoint_size(world: World, tree: str) -> int:
    """The size of the newest checkpoint."""
    return int(world("auditor", "GET", f"/log/{tree}/checkpoint").text.split("\n")[1])


def test_an_entry_is_proved_against_a_signed_checkpoint(world: World) -> None:
    """The proof leads from the entry's hash to the root that the checkpoint signs, for every entry."""
    world.shared_case()
    tree = tree_of(world)
    for one in entries(world, tree)[:12]:
        proof = world("auditor", "GET", f"/api/log/{tree}/proof/{one['index']}").json()
        assert proof["leaf_hash"] == one["leaf_hash"]
        note = "\n".join(proof["proof"].split("\n")[proof["proof"].split("\n").index("") + 1 :])
        origin, size, root = note.split("\n")[:3]
        assert int(size) == proof["size"] and origin
        hashes = [bytes.fromhex(part) for part in proof["hashes"]]
        reached = fold(int(str(one["index"])), proof["size"], bytes.fromhex(proof["leaf_hash"]), hashes)
        assert base64.b64encode(reached).decode() == root
        assert "\n— " in note


def fold(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """RFC 9162 §2.1.3.2, step by step."""
    fn, sn, reached = index, size - 1, leaf
    for part in path:
        if fn & 1 or fn == sn:
            reached = hashlib.sha256(b"\x01" + part + reached).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            reached = hashlib.sha256(b"\x01" + reached + part).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return reached


def test_an_index_beyond_the_tree_is_not_there(world: World) -> None:
    """404, with no proof of anything."""
    tree = tree_of(world)
    for index in ("999999", "9" * 30):
        assert world("auditor", "GET", f"/api/log/{tree}/proof/{index}").status_code == 404


@pytest.mark.parametrize(
    "who", ["supervisor", "caseworker", "coordinator", "volunteer", "admin", "intermediary"]
)
def test_the_log_is_its_auditors(world: World, who: str) -> None:
    """Nobody else reads it: 403 for every route of it."""
    tree = tree_of(world)
    for path in ("", f"/{tree}/entries", f"/{tree}/checkpoint", f"/{tree}/proof/0"):
        assert world(who, "GET", f"/api/log{path}").status_code == 403


def test_a_tree_of_others_is_not_there(world: World) -> None:
    """An auditor is appointed to named trees: another's is the same 404 as one that there is not."""
    mine = {tree["name"] for tree in world("auditor", "GET", "/api/log").json()["trees"]}
    for (name,) in world.sql("SELECT name FROM tree"):
        status = world("auditor", "GET", f"/api/log/{name}/checkpoint").status_code
        assert status == (200 if name in mine else 404)
    gone = world("auditor", "GET", "/api/log/b_" + "0" * 32 + "/entries")
    assert gone.status_code == 404


def test_who_looked_is_for_supervisor_and_auditor(world: World) -> None:
    """Every entry that names the case, newest first; for another organisation it is not there."""
    case, _, _ = world.shared_case()
    world("coordinator", "GET", f"/api/cases/{case}")
    for who in ("supervisor", "auditor"):
        answer = world(who, "GET", f"/api/cases/{case}/looks")
        leaves = [one["leaf"] for one in answer.json()["entries"]]
        assert {leaf["sub"] for leaf in leaves} == {case}
        look = next(leaf for leaf in leaves if leaf["ev"] == "case.read")
        assert (
            look["act"] == world.ids["coordinator"] and "name" in look["fld"] and look["cns"].startswith("k_")
        )
        assert look["pur"] == "food_support" and look["pol"].startswith("sha256:")
    assert world("other", "GET", f"/api/cases/{case}/looks").status_code == 404
    assert world("caseworker", "GET", f"/api/cases/{case}/looks").status_code == 403


def test_every_refusal_leaves_its_reason(world: World) -> None:
    """The real reason stands in the log, where the asker got the one 404."""
    case, _, _ = world.shared_case()
    world("stranger", "GET", f"/api/cases/{case}")
    world("other", "GET", f"/api/cases/{case}")
    world("caseworker", "GET", "/api/cases/nothing")
    world("admin", "GET", f"/api/cases/{case}")
    reasons = [
        str(leaf["rsn"]) for leaf in world.leaves() if leaf.get("dec") == "deny" and leaf["ev"] == "case.read"
    ]
    assert sorted(reasons) == ["not_a_party", "not_assigned", "role", "unknown_id"]


def leaf_of(entry: dict[str, object]) -> dict[str, object]:
    """The leaf in an entry's answer."""
    leaf = entry["leaf"]
    assert isinstance(leaf, dict)
    return leaf


@pytest.mark.parametrize(
    ("query", "key", "wanted"),
    [
        ("purpose=audit", "pur", "audit"),
        ("purpose=food_support", "pur", "food_support"),
        ("channel=api", "via", "api"),
        ("channel=cli", "via", "cli"),
        ("field=name", "fld", "name"),
        ("field=address", "fld", "address"),
        ("flag=practice", "flg", "practice"),
        ("flag=after_hours", "flg", "after_hours"),
    ],
)
def test_what_the_text_says_is_found(world: World, query: str, key: str, wanted: str) -> None:
    """By purpose, channel, field shown and flag: exactly the entries whose leaf says so, in the log's order."""
    shared, _, _ = world.shared_case()
    world("coordinator", "GET", f"/api/cases/{shared}")
    world.clock.advance(timedelta(hours=14))
    for login in ("caseworker", "auditor", "supervisor"):
        world.tokens[login] = world.sign_in(login).json()["token"]
    case = world.new_case(fields={"name": "鈴木 花"})
    world("caseworker", "GET", f"/api/cases/{case}")
    tree = tree_of(world)
    entries(world, tree)
    every = entries(world, tree)
    found = entries(world, tree, f"&{query}")

    def says(entry: dict[str, object]) -> bool:
        said = leaf_of(entry).get(key, [])
        return wanted in said if isinstance(said, list) else said == wanted

    told = [one["index"] for one in every if says(one)]
    newer = [one["index"] for one in found if int(str(one["index"])) <= int(str(every[0]["index"]))]
    assert newer == told
    assert told or wanted == "practice"
    assert len(told) < len(every) or key == "via"


def test_a_field_that_was_withheld_is_not_one_that_was_shown(world: World) -> None:
    """Only what was shown is found by its field."""
    case, _, _ = world.shared_case()
    world("coordinator", "GET", f"/api/cases/{case}")
    tree = tree_of(world)
    kept: set[str] = set()
    for one in entries(world, tree):
        kept |= {*leaf_of(one).get("fno", [])}  # type: ignore[call-overload]  # a list
    assert kept
    for code in sorted(kept):
        for one in entries(world, tree, f"&field={code}"):
            assert code in leaf_of(one)["fld"]  # type: ignore[operator]  # a list


def test_texts_are_looked_through_a_piece_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short page, or an empty one, says where the next one goes on; all pages together miss nothing."""
    case, _, _ = world.shared_case()
    for _ in range(6):
        world("coordinator", "GET", f"/api/cases/{case}")
    tree = tree_of(world)
    whole = [one["index"] for one in entries(world, tree, "&purpose=food_support")]
    monkeypatch.setattr(log, "LOOKED_THROUGH", 3)
    for limit in (1, 2, 100):
        told: list[object] = []
        query: str | None = f"purpose=food_support&limit={limit}&before={int(str(whole[0])) + 1}"
        while query is not None:
            page = world("auditor", "GET", f"/api/log/{tree}/entries?{query}").json()
            told += [one["index"] for one in page["entries"]]
            assert len(page["entries"]) <= limit
            before = page["next"]
            query = None if before is None else f"purpose=food_support&limit={limit}&before={before}"
        assert told == whole


@pytest.mark.parametrize("query", ["purpose=x", "channel=x", "flag=x", "field=A", "field=a%22b", "field="])
def test_what_is_no_code_is_refused(world: World, query: str) -> None:
    """Nothing of a query gets into the search but a code."""
    assert world("auditor", "GET", f"/api/log/{tree_of(world)}/entries?{query}").status_code in (400, 422)
