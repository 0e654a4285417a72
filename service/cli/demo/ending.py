"""Steps 8 and 9: the withdrawal, and the log as the auditor reads it."""

from collections.abc import Callable

from service.cli.demo import words
from service.cli.demo.cases import MOTHER
from service.cli.demo.consenting import ALLOWED, request_body
from service.cli.demo.http import EntriesSeen, EntrySeen, LedgerSeen, RequestsSeen
from service.cli.demo.play import Play, print_fields, print_log, refusal
from service.cli.demo.sharing import expected_locks

LOOKS = (
    ("npo", "case.list"),
    ("npo", "case.list"),
    ("npo", "case.read"),
    ("npo", "case.read"),
    ("volunteer", "case.read"),
    ("volunteer", "case.read"),
    ("npo", "ledger.read"),
    ("volunteer", "ledger.read"),
)
"""Every answer with data that the NPO got in this case, in the order of the story."""
FINALE = ("consent.give", "consent.withdraw")


def withdraw(play: Play, keys: Callable[[], int]) -> None:
    """She says that she no longer needs it; the NPO records it, with no reason; the same session sees nothing.

    ``keys`` counts the keys of the case that the database gives to the NPO's own keys.
    """
    report = play.report
    report.step(
        "同意の取り消し:同じ画面のまま、すべて鍵がかかります",
        "Withdrawal: the same session finds everything locked",
    )
    report.same("取り消しの前、データベースにはNPOが開ける鍵があります (keys before)", len(ALLOWED), keys())
    done = play.callers["npo"].ask(
        "POST", f"/api/consents/{play.consent}/withdraw", {"given_by": ["self"], "method": "oral_witnessed"}
    )
    report.same(
        "NPOの窓口で受け付けました。理由は聞きません (withdrawn at the NPO, no reason)", 200, done.status_code
    )
    seen, city = play.show_case("npo", MOTHER), play.show_case("children", MOTHER)
    print_fields(play, city, seen)
    report.say("")
    report.same("同じセッションのNPO担当者に、何も開きません (nothing opens)", {}, seen.fields)
    report.same("鍵の理由 (why)", expected_locks("withdrawn", []), seen.locked)
    report.same(
        "ボランティアにも開きません (volunteer: nothing)", {}, play.show_case("volunteer", MOTHER).fields
    )
    _ledger_and_inbox(play)
    report.same("データベースに、NPOが開ける鍵は1つもありません (no key in the database)", 0, keys())
    report.same("市のケースは変わりません (the city still holds its case)", True, "name" in city.fields)
    path = f"/api/cases/{play.ids[MOTHER]}/requests"
    again = play.callers["children"].ask("POST", path, request_body(play, send=True))
    report.same("取り消しの後、依頼は送れません (no request afterwards)", (403, "withdrawn"), refusal(again))
    print_log(play, MOTHER)


def _ledger_and_inbox(play: Play) -> None:
    """What else the NPO had on its screen is locked too."""
    report = play.report
    rows = play.callers["npo"].get(f"/api/cases/{play.ids[MOTHER]}/ledger", LedgerSeen).rows
    report.same(
        "引き継ぎ簿も開きません (the ledger is locked too)",
        [],
        [row.value for row in rows if row.value is not None],
    )
    cards = [
        one for one in play.callers["npo"].get("/api/inbox", RequestsSeen).requests if one.id == play.request
    ]
    report.same(
        "受信箱の依頼は止まりました (the request is stopped, and empty)",
        [("stopped", {})],
        [(one.stage, one.fields) for one in cards],
    )


def audit(play: Play) -> None:
    """The auditor reads who looked at what, and no content; every look of the NPO lies inside the consent."""
    report = play.report
    report.step("監査担当:だれが、いつ、何を見たか", "The auditor: who looked at what")
    path = f"/api/log/{play.tree}/entries?case={play.ids[MOTHER]}&limit=500"
    entries = list(reversed(play.callers["auditor"].get(path, EntriesSeen).entries))
    inside = [entry.index for entry in entries if entry.leaf.ev in FINALE and entry.leaf.dec != "deny"]
    mine = {play.callers["npo"].user, play.callers["volunteer"].user}
    looks = [entry for entry in entries if entry.leaf.act in mine and entry.leaf.fld]
    report.table(
        ("番号", "時刻", "だれが", "何を", "開いた項目"),
        [_row(play, entry) for entry in looks],
        (4, 8, 9, 29, -1),
        whole=True,
    )
    report.say("")
    report.same("同意と取り消しは1回ずつ (one consent, one withdrawal)", 2, len(inside))
    given, ended = (inside[0], inside[-1]) if inside else (0, 0)
    beyond = [entry.index for entry in looks if not given < entry.index < ended]
    report.same("NPOが開いたのは、すべて同意の間です (every look lies inside the consent)", [], beyond)
    more = sorted({code for entry in looks for code in entry.leaf.fld} - set(ALLOWED))
    report.same("同意していない項目は一度も開いていません (never a field that was not agreed)", [], more)
    listed = [(play.names.get(entry.leaf.act, ""), entry.leaf.ev) for entry in looks]
    report.same("見た回数だけ記録があります (as many entries as answers with data)", list(LOOKS), listed)
    for login in ("npo", "supervisor", "admin"):
        status = play.status(login, f"/api/log/{play.tree}/entries")
        report.same(f"{login}: 記録は監査担当だけが読みます (403)", 403, status)
    report.same(
        "監査担当にケースの中身は見えません (the auditor sees no content: 403)",
        403,
        play.status("auditor", f"/api/cases/{play.ids[MOTHER]}"),
    )


def _row(play: Play, entry: EntrySeen) -> tuple[str, ...]:
    leaf = entry.leaf
    who = play.names.get(leaf.act, "-")
    return (str(entry.index), words.clock(leaf.t), who, words.event(leaf.ev), words.opened(leaf.fld))
