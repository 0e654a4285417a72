"""What every story stands on: a town of its own, the machine that compares, and who does what in it."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.machine.client import Town
from tests.machine.house import Machine
from tests.machine.model import NPOS, OFFERED, ONGOING, Case, Request

pick = st.integers(0, 10_000)
npos = st.sampled_from(NPOS)
some = st.sets(st.sampled_from(sorted(OFFERED - {"observations"})), max_size=5).map(frozenset)
often = st.sampled_from((True, True, True, False))

COORDINATORS = {NPOS[0]: ("coordinator", "deputy"), NPOS[1]: ("other", "other_deputy")}
VOLUNTEERS = {NPOS[0]: "volunteer", NPOS[1]: "other_volunteer"}


class Story(RuleBasedStateMachine):
    """A town, the model of it, and the small things that every rule needs."""

    make: Callable[[], Town]
    steps = 0
    examples = 0

    def __init__(self) -> None:
        super().__init__()
        self.town = type(self).make()
        self.machine = Machine(self.town)
        self.handles = self.town.files()
        self.restarts = 0
        self.passwords = 0
        type(self).examples += 1

    def case(self, number: int) -> Case:
        cases = self.machine.cases
        return cases[number % len(cases)]

    def owner(self, case: Case, number: int = 0) -> str:
        """Somebody who may work on the case; the supervisor at least."""
        found = self.machine.readers(case)
        return found[number % len(found)]

    def coordinator(self, organisation: str) -> str:
        """One who is a coordinator now."""
        for login in COORDINATORS[organisation]:
            if self.machine.people[login].role == "npo_coordinator":
                return login
        raise AssertionError("the deputy stays")

    def version(self, login: str, case: Case) -> str:
        answer = self.machine.ask(login, "GET", f"/api/cases/{case.id}", good=True)
        return str(answer.headers["etag"])

    def version_of(self, login: str, case: Case, request: Request) -> str:
        rows = self.machine.ask(login, "GET", f"/api/cases/{case.id}/requests", good=True).json["requests"]
        assert isinstance(rows, list)
        return f'"{next(row["version"] for row in rows if row["id"] == request.id)}"'

    def request(self, case: Case, number: int) -> Request | None:
        """Rather one that is still open."""
        open_stages = ("draft", "sent", *ONGOING)
        found = sorted(case.requests, key=lambda one: one.stage not in open_stages)
        upper = sum(one.stage in open_stages for one in found) or len(found)
        return found[number % upper] if found else None
