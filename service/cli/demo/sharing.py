"""Steps 4 to 6: request and preview, acceptance and permitted fields, the handover ledger."""

from collections.abc import Mapping

from service.cli.demo import words
from service.cli.demo.cases import (
    ITEMS,
    MESSAGE,
    MOTHER,
    OBSERVATION,
    REPLY,
)
from service.cli.demo.consenting import ALLOWED, REFUSED, fields_of, request_body
from service.cli.demo.http import CaseSeen, Kept, LedgerSeen, RequestsSeen, RowSeen
from service.cli.demo.people import NPO
from service.cli.demo.play import Play, print_fields, print_log

PREVIEW = ["age_band", "dietary", "gender", "pickup", "quantity"]
HELPER = ["deliveries", "dietary", "pickup", "quantity"]
NEVER = (
    "found_by",
    "consultation",
    "finances",
    "eligibility_reasons",
    "outcome_note",
    "review_notes",
    "evidence",
)
"""What no recipient ever gets: not on the form, and in no cell of the policy."""


def ask(play: Play) -> None:
    """The city sends a request; the NPO sees how much and when, and no name."""
    report = play.report
    report.step("依頼と、名前のない下見", "Request, and a preview without a name")
    path = f"/api/cases/{play.ids[MOTHER]}"
    body = request_body(play, send=True, message=MESSAGE)
    play.request = play.callers["children"].post(f"{path}/requests", body, Kept).id
    answer = play.callers["npo"].ask("GET", "/api/inbox")
    inbox = play.callers["npo"].get("/api/inbox", RequestsSeen).requests
    report.same(
        "受信箱に1件とどきました (one request in the inbox)", [play.request], [one.id for one in inbox]
    )
    seen, city = play.show_case("npo", MOTHER), play.show_case("children", MOTHER)
    print_fields(play, city, seen)
    report.say("")
    report.same("下見は5項目だけ (a preview of five fields)", PREVIEW, fields_of(seen))
    report.same("鍵の理由 (why the rest is locked)", expected_locks("not_accepted_yet", PREVIEW), seen.locked)
    dietary = seen.fields.get("dietary")
    note = dietary.get("note", "?") if isinstance(dietary, Mapping) else "?"
    report.same("下見に自由記述はありません (no free text in the preview)", None, note)
    told = _texts(city, ("name", "name_kana", "address", "phone", "birth_date"))
    report.same(
        "受信箱に氏名・住所・電話はありません (no name in the inbox)",
        [],
        [one for one in told if one in answer.text],
    )
    report.same(
        "ボランティアにはまだありません (volunteer: nothing yet)",
        {},
        play.show_case("volunteer", MOTHER).fields,
    )
    print_log(play, MOTHER)


def _texts(city: CaseSeen, codes: tuple[str, ...]) -> list[str]:
    return [text for code in codes if isinstance(text := city.fields.get(code), str) and text]


def expected_locks(reason: str, shown: list[str]) -> dict[str, str]:
    """What the NPO is told of each field that it does not get: never whether the person refused it."""
    locks = (
        dict.fromkeys(ALLOWED, reason) | dict.fromkeys(REFUSED, "not_shared") | dict.fromkeys(NEVER, "role")
    )
    return {code: why for code, why in locks.items() if code not in shown}


def accept(play: Play) -> None:
    """After accepting, the coordinator sees exactly what was agreed, and the volunteer what packing needs."""
    report = play.report
    report.step("NPOが受けます:同意した項目だけが開きます", "The NPO accepts: only the agreed fields open")
    made = play.callers["npo"].post(f"/api/requests/{play.request}/accept", None, Kept)
    report.same("依頼を受けました (accepted)", "accepted", made.stage)
    city = play.show_case("children", MOTHER)
    seen, helper = play.show_case("npo", MOTHER), play.show_case("volunteer", MOTHER)
    print_fields(play, city, seen, helper)
    report.say("")
    report.same(
        "NPO担当者に開いたのは同意した項目だけ (agreed fields only)", sorted(ALLOWED), fields_of(seen)
    )
    held = {code: city.fields.get(code) for code in ALLOWED}
    report.same("値は市が持つものと同じです (values equal the city's)", held, seen.fields)
    report.same("鍵の理由 (why the rest is locked)", expected_locks("", sorted(ALLOWED)), seen.locked)
    report.same("ボランティアは4項目だけ (volunteer: four fields)", HELPER, fields_of(helper))
    name = str(city.fields.get("name"))
    answer = play.callers["volunteer"].ask("GET", f"/api/cases/{play.ids[MOTHER]}").text
    report.same("ボランティアに氏名はとどきません (the volunteer never gets the name)", False, name in answer)
    report.same(
        "もう一つのNPOにはありません (the other NPO: 404)",
        404,
        play.status("npo2", f"/api/cases/{play.ids[MOTHER]}"),
    )
    logged = [entry for entry in print_log(play, MOTHER) if entry.leaf.act == play.callers["npo"].user]
    report.say("")
    opened = sorted(code for code, value in seen.fields.items() if value != [])
    report.same(
        "開いた項目は、そのまま記録にあります (the log names what was opened)",
        opened,
        sorted(logged[-1].leaf.fld) if logged else [],
    )


def ledger(play: Play) -> None:
    """The handover ledger: a delivery by the volunteer, an observation by the coordinator, the city's reply."""
    report = play.report
    report.step("引き継ぎ簿:渡した記録・気づき・返答", "Handover ledger: delivery, observation, reply")
    path = f"/api/cases/{play.ids[MOTHER]}/ledger"
    for login, body in _rows(play):
        play.callers[login].post(path, body, Kept)
    city, npo, helper = (
        play.callers[login].get(path, LedgerSeen).rows for login in ("children", "npo", "volunteer")
    )
    shown = [
        (words.clock(row.recorded), row.kind, _who(play, row.organisation), words.value(row.value))
        for row in city
    ]
    headings = ("時刻", "種類 kind", "団体", "内容(市もNPO担当者も同じものを見ます)")
    report.table(headings, shown, (8, 11, 20, -1), whole=True)
    report.say("")
    _compare(play, city, npo, helper)
    print_log(play, MOTHER)


def _rows(play: Play) -> tuple[tuple[str, dict[str, object]], ...]:
    """Who writes what."""
    today = str(words.tokyo(play.now).date())
    delivery = {"date": today, "result": "full", "items": list(ITEMS)}
    noticed = {"text": OBSERVATION, "urgent": False, "chips": ["came_early", "ran_out"]}
    npo = play.town.organisations[NPO]
    return (
        ("volunteer", {"kind": "delivery", "request": play.request, "value": delivery}),
        ("npo", {"kind": "observation", "value": noticed}),
        ("children", {"kind": "reply", "recipient": npo, "value": {"text": REPLY}}),
    )


def _compare(play: Play, city: list[RowSeen], npo: list[RowSeen], helper: list[RowSeen]) -> None:
    report = play.report
    report.same(
        "市とNPO担当者は同じ行を見ます (both see the same rows)",
        [row.value for row in city],
        [row.value for row in npo],
    )
    report.same(
        "3行、この順です (three rows, in this order)",
        ["delivery", "observation", "reply"],
        [row.kind for row in npo],
    )
    report.same(
        "気づきは書いたとおり市にとどきます (the observation arrives)",
        [OBSERVATION],
        [_text(row.value) for row in city if row.kind == "observation"],
    )
    report.same(
        "ボランティアに気づきと返答は開きません (volunteer: deliveries only)",
        ["delivery"],
        [row.kind for row in helper if row.value is not None],
    )


def _who(play: Play, organisation: str) -> str:
    return next((name for name, id in play.town.organisations.items() if id == organisation), "-")


def _text(value: object) -> object:
    return value.get("text") if isinstance(value, Mapping) else None
