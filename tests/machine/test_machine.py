"""A stateful machine over HTTP: whatever is done in whatever order, only what the model permits is seen.

Invariants (promises): I1 no leak, I3 log before data, I4 replay, I7 order, I9 monotone, I13 sessions die, I16 no 5xx,
no hang, no leaked handle. ``MACHINE_EXAMPLES`` and ``MACHINE_STEPS`` make longer runs.
"""

import os
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from tests.machine.canaries import find
from tests.machine.client import Town
from tests.machine.consent_rules import ConsentRules
from tests.machine.model import NPOS
from tests.machine.owner_rules import OwnerRules
from tests.machine.people_rules import PeopleRules
from tests.machine.replay import replay
from tests.machine.work_rules import WorkRules

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "14"))
STEPS = int(os.environ.get("MACHINE_STEPS", "40"))
HANDLES = 24
"""File handles that a server may hold more than at its start: connections, and no more."""


class Lives(OwnerRules, ConsentRules, WorkRules, PeopleRules):
    """Cases of a city, two NPOs, and everything that happens to them."""

    @initialize()
    def begin(self) -> None:
        """Two cases; one of them shared with the first NPO, all the way."""
        self.create("caseworker", True)
        self.create("stranger", True)
        self.give(0, NPOS[0], frozenset(), True, 90, False, 0, False)
        self.draft(0, NPOS[0], 0, True)
        self.accept(0, 0, False)

    @invariant()
    def counted(self) -> None:
        type(self).steps += 1

    def teardown(self) -> None:
        """After the last step: the dead stay dead, the log justifies everything, no handle and no value leaked."""
        try:
            self.check_at_the_end()
        finally:
            self.town.stop()

    def check_at_the_end(self) -> None:
        for case in self.machine.cases:
            for npo in NPOS:
                self.machine.look(self.coordinator(npo), case)
        for token in self.town.dead:
            assert self.town.send("GET", "/api/session", token=token).status == 401
            path = f"/api/cases/{self.machine.cases[0].id}"
            assert self.town.send("GET", path, token=token).status == 401
        text = self.town.export()
        state = replay(text)
        assert not state.wrong, state.wrong
        assert not find(text), "a value in the access log"
        assert not find((self.town.folder / "server.log").read_text("utf-8")), "a value in the service's log"
        assert self.town.files() <= self.handles + HANDLES, "handles leak"


def test_whatever_happens_only_what_is_permitted_is_seen(
    new_town: Callable[[], Town], record_property: Callable[[str, object], None]
) -> None:
    """I1, I3, I4, I7, I9, I13, I16 hold after every step of every story."""
    Lives.make = staticmethod(new_town)
    Lives.steps = Lives.examples = 0
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    record_property("machine_steps", Lives.steps)
    record_property("machine_examples", Lives.examples)
    assert Lives.examples >= min(EXAMPLES, 5)
