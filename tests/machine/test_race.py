"""Readers race the consent: sixteen connections read while it is given, narrowed and withdrawn again and again.

Afterwards the exported log is replayed and every answer is held against it: not one release stands after the
withdrawal in log order, and not one answer with data is without its entry.
"""

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from tests.machine.canaries import find
from tests.machine.client import Answer, Json, Line, Town
from tests.machine.house import Machine
from tests.machine.model import NPOS, Agreement, Case
from tests.machine.replay import Leaf, read_leaves, replay

READERS = 16
RELEASES = 150
WITHDRAWALS = 12
AT_MOST = 40.0
"""Seconds after which the race ends whatever it has reached."""

NPO = NPOS[0]
LEDGER = {"delivery": "deliveries", "observation": "observations", "reply": "replies"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One answer with data: by whom, which fields, and the receipt where there is one."""

    login: str
    shown: frozenset[str]
    receipt: Json | None


@dataclass(slots=True)
class Race:
    """The case that is raced for, and what the readers brought home."""

    town: Town
    case: Case
    consent: str
    tokens: dict[str, str]
    over: threading.Event = field(default_factory=threading.Event)
    seen: list[Seen] = field(default_factory=list)
    faults: list[object] = field(default_factory=list)
    withdrawals: int = 0

    def read_for_ever(self, login: str, kinds: tuple[str, ...]) -> None:
        """One connection that reads the case, its ledger and its requests in turn."""
        assert self.town.line is not None
        line = Line(self.town.line.port)
        try:
            for kind in itertools.cycle(kinds):
                if self.over.is_set():
                    return
                before = time.monotonic()
                answer = line.send("GET", f"/api/cases/{self.case.id}{kind}", token=self.tokens[login])
                self._note(login, kind, answer, time.monotonic() - before)
        except Exception as error:
            self.faults.append(error)
        finally:
            line.close()

    def _note(self, login: str, kind: str, answer: Answer, took: float) -> None:
        if answer.status not in (200, 403) or took > 5:
            self.faults.append((login, kind, answer.status, took, answer.raw))
        if answer.status == 403 and find(answer.raw):
            self.faults.append(("a refusal with data", answer.raw))
        if answer.status == 200:
            self.seen.append(_seen(login, kind, answer.json))

    @property
    def released(self) -> int:
        return sum(bool(one.shown) and one.login != "caseworker" for one in self.seen)


def _seen(login: str, kind: str, view: Json) -> Seen:
    receipt = view.get("receipt")
    shown: set[str] = set()
    if kind == "":
        shown = _filled(view["fields"])
    elif kind == "/requests":
        rows = view["requests"]
        assert isinstance(rows, list)
        shown = set().union(*(_filled(row["fields"]) for row in rows))
    else:
        rows = view["rows"]
        assert isinstance(rows, list)
        shown = {LEDGER[row["about"]] for row in rows if row["value"] is not None}
    return Seen(login=login, shown=frozenset(shown), receipt=receipt if isinstance(receipt, dict) else None)


def _filled(fields: object) -> set[str]:
    assert isinstance(fields, dict)
    return {code for code, value in fields.items() if value}


def _begin(town: Town) -> Race:
    """A case with a live consent, an accepted request and a ledger; everybody is signed in."""
    machine = Machine(town)
    fields = machine.values()
    body = {"fields": fields, "conditions": {"hardship": True, "willing": True}}
    made = machine.ask("caseworker", "POST", "/api/cases", body, good=True).json
    case = Case(id=str(made["id"]), sections=frozenset(), fields=fields, both=True)
    machine.keep(case.id, fields)
    logins = ("coordinator", "deputy", "volunteer", "caseworker", "supervisor")
    race = Race(town, case, "", {login: town.token(login) for login in logins})
    _give(race, machine.answer(machine.agreement(frozenset(), True, 90)))
    _share(race)
    return race


def _ask(
    race: Race, login: str, method: str, path: str, body: object = None, *, if_match: str | None = None
) -> Json:
    answer = race.town.send(method, path, body, token=race.tokens[login], if_match=if_match)
    assert answer.good, (method, path, answer.raw)
    return answer.json


def _give(race: Race, answer: Json) -> None:
    body = {"recipient": race.town.ids[NPO], "purpose": "food_support", "answer": answer}
    race.consent = str(_ask(race, "supervisor", "POST", f"/api/cases/{race.case.id}/consents", body)["id"])


def _share(race: Race) -> None:
    """A request that is accepted, and a hand-over."""
    body = {
        "recipient": race.town.ids[NPO],
        "send": True,
        "quantity": {"adults": 2, "children": 1, "days": 7, "times": 2},
    }
    request = _ask(race, "supervisor", "POST", f"/api/cases/{race.case.id}/requests", body)["id"]
    _ask(race, "deputy", "POST", f"/api/requests/{request}/accept")
    value = {"date": "2026-11-23", "result": "full", "items": ["米 5kg"]}
    row = {"kind": "delivery", "value": value, "request": request}
    _ask(race, "deputy", "POST", f"/api/cases/{race.case.id}/ledger", row)


def _move_consent(race: Race, machine: Machine) -> None:
    """Give, narrow, withdraw, by owner and recipient in turn, until enough has been raced."""
    whole = machine.agreement(frozenset(), True, 90)
    narrow = Agreement(allowed=whole.allowed - {"name", "dietary"}, back=True, until=whole.until)
    deadline = time.monotonic() + AT_MOST
    while time.monotonic() < deadline and (race.released < RELEASES or race.withdrawals < WITHDRAWALS):
        time.sleep(0.05)
        if race.withdrawals % 2:
            path = f"/api/consents/{race.consent}/change"
            rows = _ask(race, "supervisor", "GET", f"/api/cases/{race.case.id}/consents")["consents"]
            assert isinstance(rows, list)
            version = f'"{len(rows[0]["events"])}"'
            _ask(race, "supervisor", "POST", path, machine.answer(narrow), if_match=version)
            time.sleep(0.03)
        by = ("supervisor", "deputy")[race.withdrawals % 2]
        path = f"/api/consents/{race.consent}/withdraw"
        _ask(race, by, "POST", path, {"given_by": ["self"], "method": "paper"})
        race.withdrawals += 1
        time.sleep(0.03)
        _give(race, machine.answer(whole))
        _share(race)


def test_no_release_stands_after_the_withdrawal(
    town: Town, record_property: Callable[[str, object], None]
) -> None:
    """I4: decision and entry are one; whatever the interleaving, log order justifies every release (and I3)."""
    race = _begin(town)
    machine = Machine(town)
    kinds = ("", "/ledger", "/requests")
    logins = ("coordinator", "coordinator", "volunteer", "caseworker")
    readers = [
        threading.Thread(target=race.read_for_ever, args=(logins[number % 4], kinds[number % 3 :] + kinds))
        for number in range(READERS)
    ]
    for reader in readers:
        reader.start()
    try:
        _move_consent(race, machine)
    finally:
        race.over.set()
        for reader in readers:
            reader.join(20)
    assert not race.faults, race.faults[:3]
    text = town.export()
    state = replay(text)
    assert not state.wrong, state.wrong[:5]
    _hold_against(race, read_leaves(text))
    assert race.released >= 100
    assert race.withdrawals >= 5
    record_property("releases_raced", race.released)
    record_property("withdrawals_raced", race.withdrawals)


def _hold_against(race: Race, leaves: list[Leaf]) -> None:
    """I3: each answer with data has an entry of its own with at least its fields."""
    unused = [leaf for leaf in leaves if leaf.get("sub") == race.case.id and leaf.get("fld") is not None]
    by_receipt = dict(enumerate(leaves))
    counted: dict[tuple[str, frozenset[str]], int] = {}
    for one in race.seen:
        if not one.shown:
            continue
        if one.receipt is not None:
            leaf = by_receipt[int(str(one.receipt["index"]))]
            assert _covers(race, leaf, one), (one, leaf)
            unused.remove(leaf)  # an entry answers once
        else:
            key = (one.login, one.shown)
            counted[key] = counted.get(key, 0) + 1
    for (login, shown), answers in counted.items():
        fitting = sum(_covers(race, leaf, Seen(login=login, shown=shown, receipt=None)) for leaf in unused)
        assert fitting >= answers, ("answers without entries", login, shown, answers, fitting)


def _covers(race: Race, leaf: Leaf, one: Seen) -> bool:
    fields = leaf.get("fld")
    mine = leaf.get("act") == race.town.ids[one.login] and leaf.get("sub") == race.case.id
    return mine and isinstance(fields, list) and one.shown <= set(fields)


def test_while_the_log_cannot_be_written_nothing_is_shown(town: Town) -> None:
    """I3: an answer waits for its entry; where the log stays shut it is 503 and holds nothing."""
    race = _begin(town)
    asked: list[Answer] = []

    def read() -> None:
        assert town.line is not None
        line = Line(town.line.port)
        line.connection.timeout = 20
        asked.append(line.send("GET", f"/api/cases/{race.case.id}", token=race.tokens["deputy"]))
        line.close()

    with closing(sqlite3.connect(town.folder / "data" / "tsunagi.sqlite", isolation_level=None)) as shut:
        shut.execute("BEGIN IMMEDIATE")
        reader = threading.Thread(target=read)
        reader.start()
        reader.join(0.5)
        assert not asked, "an answer without its entry"
        reader.join(20)
        assert [answer.status for answer in asked] == [503]
        assert not find(asked[0].raw)
        shut.execute("ROLLBACK")
    size = len(read_leaves(town.export()))
    read()
    assert asked[1].status == 200
    assert find(asked[1].raw)
    assert len(read_leaves(town.export())) > size
