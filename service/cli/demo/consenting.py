"""Steps 1 to 3: the city takes in five cases; before the consent nothing is there for the NPO; the consent."""

from collections.abc import Mapping
from datetime import timedelta

from service.cli.demo.cases import MOTHER, PracticeCase
from service.cli.demo.http import CaseSeen, Kept, NoticeSeen, RequestsSeen
from service.cli.demo.people import NPO, ROLES
from service.cli.demo.play import Play, print_log, read_problem, refusal
from service.cli.demo.words import labels, tokyo

ALLOWED = (
    "name",
    "name_kana",
    "age_band",
    "gender",
    "household",
    "handover_summary",
    "quantity",
    "dietary",
    "pickup",
    "message",
    "deliveries",
    "observations",
    "replies",
)
REFUSED = ("birth_date", "address", "phone", "health", "public_support", "support_plan")
SENSITIVE = ("health", "public_support", "dietary")
UNKNOWN = "c_" + "0" * 32
"""An id that no case has."""


def take_in(play: Play) -> None:
    """The city opens five cases; each is read back as it was written, by its own section only."""
    report = play.report
    report.step("市が5つのケースを受け付けます", "The city takes in five cases")
    rows = []
    for case in play.cases:
        made = play.callers[case.by].post("/api/cases", new_case(case), Kept)
        play.ids[case.key] = made.id
        seen = play.show_case(case.by, case.key)
        kept = {code: seen.fields.get(code) for code in case.fields}
        report.same(f"{made.number}: 書いたとおりに読めます (read back as written)", stored(case), bare(kept))
        rows.append((made.number, case.who, case.by, str(len(case.fields))))
    report.same(
        "別の課の担当者には、このケースはありません (another section: 404)",
        404,
        play.status("welfare", f"/api/cases/{play.ids[MOTHER]}"),
    )
    headings = ("番号 number", "当事者 person", "担当 caseworker", "市が持つ項目 fields held")
    report.table(headings, rows, (14, -1, 18, 26))


def new_case(case: PracticeCase) -> dict[str, object]:
    """The body that makes a case; both conditions hold."""
    return {"fields": dict(case.fields), "conditions": {"hardship": True, "willing": True}}


def stored(case: PracticeCase) -> dict[str, object]:
    """What the story says that the city holds afterwards; an empty text is an empty value."""
    return bare({code: value or None for code, value in case.fields.items()})


def bare(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields without the parts of structs that nobody filled in, which come back as null or false."""
    return {code: _bare(value) for code, value in fields.items()}


def _bare(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {key: part for key, part in value.items() if part not in (None, False, [])}


def before_consent(play: Play) -> None:
    """Without a consent the case is not there for anybody outside the city."""
    report = play.report
    report.step("同意の前:NPOにはケースがありません", "Before consent the case is not there for the NPO")
    path = f"/api/cases/{play.ids[MOTHER]}"
    rows = []
    for login, expected in (("npo", 404), ("volunteer", 404), ("npo2", 404), ("council", 404)):
        answer = play.callers[login].ask("GET", path)
        unknown = play.callers[login].ask("GET", f"/api/cases/{UNKNOWN}")
        same = (answer.status_code, answer.content) == (unknown.status_code, unknown.content)
        report.same(
            f"{login}: 404、無いケースと同じ返事 (same as an unknown case)",
            (expected, True),
            (answer.status_code, same),
        )
        rows.append((login, _role(play, login), str(answer.status_code)))
    for login in ("auditor", "intermediary", "admin"):
        status = play.status(login, path)
        report.same(f"{login}: ケースを見る役割ではありません (403, for any id)", 403, status)
        rows.append((login, _role(play, login), str(status)))
    inbox = play.callers["npo"].get("/api/inbox", RequestsSeen)
    report.same("NPOの受信箱は空です (the inbox is empty)", [], inbox.requests)
    report.same(
        "同意がないので依頼は送れません (no request without consent)",
        (403, "not_asked"),
        refusal(play.callers["children"].ask("POST", f"{path}/requests", request_body(play, send=True))),
    )
    report.table(("ログイン", "役割 role", "返事 HTTP answer"), rows, (14, -1, 20))
    print_log(play, MOTHER)


def _role(play: Play, login: str) -> str:
    person = play.town.accounts[login].person
    return f"{person.organisation} {ROLES[person.role]}"


def consent(play: Play) -> None:
    """The five are told, each ticked; the items are agreed or refused one by one."""
    report = play.report
    report.step("5つの説明と、項目ごとの同意", "Five statements told, each item agreed or refused")
    notice = play.callers["children"].get("/api/notices/food_support?language=ja", NoticeSeen)
    report.say("", *(f"  [説明済] {one.number}. {one.text}" for one in notice.statements), "")
    path = f"/api/cases/{play.ids[MOTHER]}/consents"
    children = play.callers["children"]
    early = children.ask("POST", path, consent_body(play, agreement(play, told=(1, 2, 3, 4))))
    report.same(
        "5番をまだ伝えていないと記録できません (4 of 5 told: refused)",
        (422, ["5"]),
        (early.status_code, read_problem(early).items),
    )
    made = children.post(path, consent_body(play, agreement(play)), Kept)
    play.consent = made.id
    report.same("同意が有効になりました (consent is live)", "live", made.state)
    report.say("", f"  渡す   agreed : {labels(ALLOWED)}", f"  渡さない refused: {labels(REFUSED)}", "")
    seen = play.show_case("npo", MOTHER)
    report.same("依頼を受けるまで、NPOには何も開きません (nothing opens before a request)", {}, seen.fields)
    report.same(
        "同意していない団体にはケースがありません (the other NPO: 404)",
        404,
        play.status("npo2", f"/api/cases/{play.ids[MOTHER]}"),
    )
    print_log(play, MOTHER)


def agreement(
    play: Play,
    *,
    told: tuple[int, ...] = (1, 2, 3, 4, 5),
    allowed: tuple[str, ...] = ALLOWED,
    refused: tuple[str, ...] = REFUSED,
    **more: object,
) -> dict[str, object]:
    """An answer of the person: what is agreed, what is refused, on paper, for half a year."""
    today = tokyo(play.now).date()
    both_ways = "observations" in allowed
    return {
        "told": [{"number": number, "at": play.now.isoformat()} for number in told],
        "notice_version": 1,
        "language": "ja",
        "allowed": list(allowed),
        "refused": list(refused),
        "acknowledged": [code for code in allowed if code in SENSITIVE],
        "directions": ["owner_to_recipient", *(["recipient_to_owner"] if both_ways else [])],
        "age": "15_up",
        "given_by": ["self"],
        "method": "paper",
        "identity": "insurance_card",
        "copy_given": "given",
        "event_day": today.isoformat(),
        "until": (today + timedelta(days=180)).isoformat(),
        **more,
    }


def consent_body(play: Play, answer: Mapping[str, object] | None) -> dict[str, object]:
    """A consent to the NPO; None: the person is being asked."""
    return {
        "recipient": play.town.organisations[NPO],
        "purpose": "food_support",
        **({} if answer is None else {"answer": dict(answer)}),
    }


def request_body(
    play: Play, *, send: bool, adults: int = 1, children: int = 2, message: str = ""
) -> dict[str, object]:
    """A request to the NPO: for a week, twice, picked up in three days at the counter."""
    day = tokyo(play.now).date() + timedelta(days=3)
    return {
        "recipient": play.town.organisations[NPO],
        "send": send,
        "quantity": {"adults": adults, "children": children, "days": 7, "times": 2},
        "pickup": {"date": day.isoformat(), "time": "17:30", "place": "office", "who": "person"},
        "message": message or None,
    }


def fields_of(seen: CaseSeen) -> list[str]:
    """The fields that were seen, sorted by code."""
    return sorted(seen.fields)
