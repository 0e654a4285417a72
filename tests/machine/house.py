"""What the machine does: each step over HTTP, foretold by the model, and everything that came back looked at.

A step says what must happen (`good` or not) before it asks; the model moves only with the server.
"""

from collections.abc import Callable
from datetime import datetime

from tests.machine.canaries import Canary, find
from tests.machine.client import Answer, Json, Town
from tests.machine.making import Maker
from tests.machine.model import (
    CITY,
    FIELDS,
    NPOS,
    TOLD_TO_A_RECIPIENT,
    Case,
    Person,
    Sight,
    may_see,
    sight,
)

OWNERS_ONLY = ("sections", "conditions", "closing_reason", "rotation_due", "version")


class Machine(Maker):
    """The town, the model of it, and the comparison of the two."""

    def __init__(self, town: Town) -> None:
        super().__init__(town)
        self.cases: list[Case] = []
        self.people = {
            login: Person(
                login=login,
                organisation=town.organisations.get(login, CITY),
                role=role,
                sections=frozenset(town.sections.get(login, ())),
            )
            for login, role in town.roles.items()
        }
        trees = self.ask("auditor", "GET", "/api/log").json["trees"]
        assert isinstance(trees, list)
        self.tree = next(str(tree["name"]) for tree in trees if str(tree["name"]).startswith("b_"))
        self.size = 0
        self.read_log()

    # --- asking, and looking at what came back

    def ask(
        self,
        login: str,
        method: str,
        path: str,
        body: object = None,
        *,
        if_match: str | None = None,
        moves: Callable[[], None] | None = None,
        good: bool | None = None,
    ) -> Answer:
        """One request. Where it is granted the model ``moves``; the answer may hold what could be seen before or after.

        ``good`` is what must happen.
        """
        self.town.token(login)  # a sign-in may move the clock; not between the model and the request
        person = self.people[login]
        words_before = self._permitted(person)
        answer = self.town.ask(login, method, path, body, if_match=if_match)
        if good is not None:
            assert answer.good is good, (login, method, path, body, good, answer.status, answer.raw)
        if answer.good and moves is not None:
            moves()
        self._scan(person, answer, words_before)
        return answer

    def _permitted(self, person: Person) -> Callable[[str], bool]:
        """Which canaries this person may see at this instant."""
        now = self.town.now
        sights = {case.id: sight(person, case, now) for case in self.cases}

        def permitted(word: str) -> bool:
            found = self.cage.known.get(word)
            return found is not None and found.case in sights and _in_sight(found, person, sights[found.case])

        return permitted

    def _scan(self, person: Person, answer: Answer, before: Callable[[str], bool]) -> None:
        """I1: whatever stands anywhere in the answer was permitted before or after the request."""
        by_id = {case.id: case for case in self.cases}
        for word in find(answer.raw):
            found = self.cage.known.get(word)
            assert found is not None, ("a value that was replaced, or nobody's", person.login, word)
            after = found.case in by_id and may_see(person, by_id[found.case], found, self.town.now)
            assert after or before(word), ("leak", person.login, found, answer.raw)

    # --- the log

    def read_log(self) -> list[Json]:
        """The leaves of the collaboration's tree since the last time, oldest first, as its auditor reads them."""
        fresh: list[Json] = []
        before = ""
        while True:
            answer = self.ask("auditor", "GET", f"/api/log/{self.tree}/entries?limit=25{before}", good=True)
            entries = answer.json["entries"]
            assert isinstance(entries, list)
            assert entries, "I5: the log only grows, and its own reading stands in it"
            indexes = [one["index"] for one in entries]
            assert indexes == list(range(indexes[0], indexes[-1] - 1, -1)), "I5: without gaps"
            fresh += [one["leaf"] for one in entries if one["index"] >= self.size]
            if indexes[-1] <= self.size:
                break
            before = f"&before={indexes[-1]}"
        self.size += len(fresh)
        return fresh[::-1]

    def logged(self, login: str, case: str, shown: set[str], fresh: list[Json]) -> None:
        """I3: an entry of this reader about this case permits at least the fields that were shown."""
        if not shown:
            return
        me = self.town.ids.get(login)
        for leaf in fresh:
            mine = leaf.get("sub") == case and leaf.get("act") == (me or leaf.get("act"))
            fields = leaf.get("fld", [])
            assert isinstance(fields, list)
            if mine and leaf.get("dec") == "permit" and shown <= set(fields):
                return
        raise AssertionError(("shown without an entry", login, case, shown, fresh))

    # --- reading

    def look(self, login: str, case: Case) -> dict[str, object]:
        """The case as somebody sees it, held against the model; gives the fields."""
        seen = sight(self.people[login], case, self.town_now(login))
        answer = self.ask(login, "GET", f"/api/cases/{case.id}", good=self._reads(login, seen))
        if not answer.good:
            assert answer.status == (404 if self._works_on_cases(login) else 403), answer.raw
            return {}
        view = answer.json
        fields, locked = view["fields"], view["locked"]
        assert isinstance(fields, dict) and isinstance(locked, dict)
        assert fields.keys() <= seen.fields, (login, fields.keys() - seen.fields)
        assert not seen.exact or fields.keys() == seen.fields, (login, seen.fields - fields.keys(), locked)
        assert fields.keys() | locked.keys() == FIELDS and not fields.keys() & locked.keys()
        if self.people[login].organisation != CITY:
            assert set(locked.values()) <= TOLD_TO_A_RECIPIENT, locked
            assert not view.keys() & set(OWNERS_ONLY), view.keys()
        self._same_values(case, fields, seen)
        self.logged(login, case.id, {code for code, value in fields.items() if value}, self.read_log())
        return fields

    def town_now(self, login: str) -> datetime:
        """The time at which the next request of the login will be made."""
        self.town.token(login)
        return self.town.now

    def _reads(self, login: str, seen: Sight) -> bool:
        return seen.there and self._works_on_cases(login)

    def _works_on_cases(self, login: str) -> bool:
        return self.people[login].role in ("caseworker", "supervisor", "npo_coordinator", "npo_volunteer")

    def _same_values(self, case: Case, fields: dict[str, object], seen: Sight) -> None:
        """What is shown is what was written: the newest value, whole or without free text."""
        for code, value in case.fields.items():
            if code not in fields:
                continue
            if code in seen.bare and isinstance(value, dict):
                assert fields[code] == {**value, "note": None}, code
            else:
                assert fields[code] == value, code

    def look_around(self, login: str, case: Case) -> None:
        """Every other way to a case's data: requests, ledger, consents, inbox, list, search, who looked."""
        person = self.people[login]
        seen = sight(person, case, self.town_now(login))
        reads = self._reads(login, seen)
        path = f"/api/cases/{case.id}"
        asked = self.ask(login, "GET", f"{path}/requests", good=reads)
        if reads:
            rows = asked.json["requests"]
            assert isinstance(rows, list)
            assert {row["id"] for row in rows} <= seen.records, "a request that is not the caller's"
            self.logged(login, case.id, _codes(rows, "fields"), self.read_log())
        ledger = self.ask(login, "GET", f"{path}/ledger", good=reads)
        if reads:
            rows = ledger.json["rows"]
            assert isinstance(rows, list)
            assert {row["id"] for row in rows} <= seen.records, "a row that is not the caller's"
            kinds = {"delivery": "deliveries", "observation": "observations", "reply": "replies"}
            shown = {kinds[row["about"]] for row in rows if row["value"] is not None}
            self.logged(login, case.id, shown, self.read_log())
        self.ask(login, "GET", f"{path}/consents", good=reads and person.role != "npo_volunteer")
        self.ask(login, "GET", f"{path}/looks")
        self._inbox(login)
        self.ask(login, "GET", "/api/cases?limit=50")

    def _inbox(self, login: str) -> None:
        answer = self.ask(login, "GET", "/api/inbox", good=self._works_on_cases(login))
        if not answer.good:
            return
        cards = answer.json["requests"]
        assert isinstance(cards, list)
        fresh = self.read_log()
        for case in {card["case"] for card in cards}:
            mine = [card for card in cards if card["case"] == case]
            assert not any({"name", "name_kana"} & card["fields"].keys() for card in mine), (
                "no names in an inbox"
            )
            self.logged(login, case, _codes(mine, "fields"), fresh)

    def search(self, login: str, words: str) -> None:
        """What a search shows is only what may be read (I1), each case with its entry (I3)."""
        answer = self.ask(login, "POST", "/api/cases/search", {"words": words})
        if not answer.good:
            return
        lines = answer.json["cases"]
        assert isinstance(lines, list)
        readable = {case.id for case in self.cases if sight(self.people[login], case, self.town.now).there}
        assert {line["id"] for line in lines} <= readable
        fresh = self.read_log()
        for line in lines:
            self.logged(login, line["id"], {code for code, value in line["fields"].items() if value}, fresh)

    # --- who, and the views around a step

    def readers(self, case: Case) -> list[str]:
        """Who of the city may read the case and work on it."""
        found = [login for login, person in self.people.items() if person.organisation == CITY]
        return [
            login
            for login in found
            if self.people[login].active
            and self._reads(login, sight(self.people[login], case, self.town.now))
        ]

    def views(self, organisation: str, case: Case) -> dict[str, tuple[object, object]]:
        """What each working member of an organisation gets to see of the case now: fields and locked."""
        found: dict[str, tuple[object, object]] = {}
        for login, person in self.people.items():
            if person.organisation == organisation and person.active:
                answer = self.ask(login, "GET", f"/api/cases/{case.id}")
                view = answer.json if answer.good else {}
                found[login] = view.get("fields", {}), view.get("locked", {})
        return found

    def around(self, case: Case, organisation: str, narrows: bool, step: Callable[[], None]) -> None:
        """I9: what is done for one recipient changes nothing for another, and taking away never widens."""
        others = {npo: self.views(npo, case) for npo in NPOS}
        step()
        for npo, before in others.items():
            after = self.views(npo, case)
            if npo != organisation:
                assert after == before, ("a consent of another changed the view", npo)
            elif narrows:
                for login, (fields, _) in after.items():
                    assert isinstance(fields, dict)
                    was = before.get(login, ({}, {}))[0]
                    assert isinstance(was, dict)
                    assert fields.keys() <= was.keys(), ("taking away widened", login)


def _in_sight(found: Canary, person: Person, seen: Sight) -> bool:
    if found.thread is not None and person.organisation not in (CITY, found.thread):
        return False
    if found.field not in seen.fields or (found.note and found.field in seen.bare):
        return False
    return found.record is None or found.record in seen.records


def _codes(rows: list[Json], key: str) -> set[str]:
    found: set[str] = set()
    for row in rows:
        fields = row[key]
        assert isinstance(fields, dict)
        found |= {code for code, value in fields.items() if value}
    return found
