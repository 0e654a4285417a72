"""What every step works with: the callers in their sessions, the report, and the tables that all steps print."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from service.cli.demo import words
from service.cli.demo.cases import PracticeCase
from service.cli.demo.http import (
    Caller,
    CaseSeen,
    EntriesSeen,
    EntrySeen,
    ProblemSeen,
    StoryError,
    TreesSeen,
    read,
    sign_in,
)
from service.cli.demo.people import Town
from service.cli.demo.report import Report

CALLERS = (
    "welfare",
    "children",
    "supervisor",
    "npo",
    "volunteer",
    "npo2",
    "council",
    "auditor",
    "intermediary",
    "admin",
)


@dataclass(slots=True, kw_only=True)
class Play:
    """The story as it stands. ``case``, ``consent`` and ``request`` are those that it is about."""

    report: Report
    town: Town
    callers: Mapping[str, Caller]
    cases: tuple[PracticeCase, ...]
    now: datetime
    tree: str
    ids: dict[str, str] = field(default_factory=dict)
    consent: str = ""
    request: str = ""
    seen: int = 0

    @property
    def names(self) -> dict[str, str]:
        """Logins by the text form of a user's id, as the log names them."""
        return {caller.user: login for login, caller in self.callers.items()}

    def status(self, login: str, path: str) -> int:
        """The status that this caller gets for a GET."""
        return self.callers[login].ask("GET", path).status_code

    def show_case(self, login: str, key: str) -> CaseSeen:
        """The case as this caller sees it. Raises StoryError."""
        return self.callers[login].get(f"/api/cases/{self.ids[key]}", CaseSeen)


def begin(
    report: Report, town: Town, client: httpx.Client, cases: tuple[PracticeCase, ...], now: datetime
) -> Play:
    """Signs everybody in, each once: their sessions last for the whole story. Raises StoryError."""
    callers = {
        login: sign_in(client, login, town.accounts[login].password, town.accounts[login].code())
        for login in CALLERS
    }
    found = callers["auditor"].get("/api/log", TreesSeen)
    if not found.trees:
        raise StoryError("GET /api/log", 200)
    return Play(report=report, town=town, callers=callers, cases=cases, now=now, tree=found.trees[0].name)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """A refusal as status and code; a success as its status alone."""
    if answer.is_success:
        return answer.status_code, ""
    return answer.status_code, read_problem(answer).code


def read_problem(answer: httpx.Response) -> ProblemSeen:
    """The problem document of a refusal."""
    plain = httpx.Response(200, content=answer.content, request=answer.request)
    return read(plain, ProblemSeen)


def new_entries(play: Play, key: str) -> list[EntrySeen]:
    """The log's entries about a case since this was last asked, oldest first, as the auditor gets them."""
    path = f"/api/log/{play.tree}/entries?case={play.ids[key]}&limit=500"
    found = play.callers["auditor"].get(path, EntriesSeen).entries
    fresh = [entry for entry in reversed(found) if entry.index >= play.seen]
    if fresh:
        play.seen = fresh[-1].index + 1
    return fresh


def print_log(play: Play, key: str) -> list[EntrySeen]:
    """The new log lines about a case as a table; gives them back."""
    entries = new_entries(play, key)
    names = play.names
    rows = [
        (
            str(entry.index),
            words.clock(entry.leaf.t),
            names.get(entry.leaf.act, "-"),
            words.event(entry.leaf.ev),
            words.decision(entry.leaf.dec, entry.leaf.rsn),
            words.opened(entry.leaf.fld),
        )
        for entry in entries
    ]
    headings = ("記録", "時刻", "だれが", "何を log entry", "結果", "開いた項目 fields opened")
    play.report.table(headings, rows, (4, 8, 9, 29, 17, -1), whole=True)
    return entries


def print_fields(play: Play, city: CaseSeen, npo: CaseSeen, volunteer: CaseSeen | None = None) -> None:
    """Field by field: what the city holds, what the NPO saw, and why the rest is locked."""
    held = [code for code in words.all_codes() if city.fields.get(code) or code in npo.fields]
    rows = []
    for code in held:
        cells = [words.label(code), words.value(city.fields.get(code)), _cell(npo, code)]
        if volunteer is not None:
            cells.append(_cell(volunteer, code))
        cells.append(words.lock(npo.locked[code]) if code in npo.locked else "")
        rows.append(cells)
    headings = ["項目 field", "市が持つ情報 city holds", "NPO担当者 NPO saw"]
    shares = [28, -4, -3]
    if volunteer is not None:
        headings.append("ボランティア")
        shares.append(-3)
    play.report.table([*headings, "NPOに鍵がかかる理由"], rows, [*shares, 24])


def _cell(seen: CaseSeen, code: str) -> str:
    return words.value(seen.fields[code]) if code in seen.fields else "-"
