"""Short stories through the machine's own rules: one for each promise, always the same, so that none waits for luck.

Every rule compares the server with the model as in the random runs; each story ends with the same last checks.
"""

from collections.abc import Iterator

import pytest

from tests.machine.client import Town
from tests.machine.lives import VOLUNTEERS
from tests.machine.model import NPOS
from tests.machine.test_machine import Lives

NPO, OTHER = NPOS
NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def lives(town: Town) -> Iterator[Lives]:
    """Two cases of the city; the first is shared with the first NPO, its request accepted."""
    Lives.make = staticmethod(lambda: town)
    story = Lives()
    story.begin()
    yield story
    story.check_at_the_end()


def _look(lives: Lives, number: int = 0) -> None:
    """Everybody looks at a case in every way."""
    case = lives.case(number)
    for login, person in lives.machine.people.items():
        if person.active:
            lives.machine.look(login, case)
            lives.machine.look_around(login, case)


def _share(lives: Lives, number: int, npo: str) -> None:
    """A live consent and an accepted request for one more NPO."""
    lives.give(number, npo, NOTHING, True, 90, False, 0, False)
    lives.draft(number, npo, 0, True)
    lives.accept(number, len(lives.case(number).requests) - 1, False)


def test_a_consent_holds_to_the_last_millisecond_of_its_day(lives: Lives) -> None:
    """I1: standing does not wait for the sweep; neither a millisecond more nor one less."""
    lives.wait(0, 0, NPO, -1)
    assert lives.machine.look("coordinator", lives.case(0))
    lives.wait(0, 0, NPO, 0)
    assert not lives.machine.look("coordinator", lives.case(0))
    _look(lives)


def test_narrower_holds_at_once(lives: Lives) -> None:
    """I1, I9: what is taken out of a consent is gone with the answer, also for a spoken change."""
    lives.change(0, NPO, frozenset({"name", "message"}), True, 90, False, 0, True, False)
    lives.change(0, NPO, frozenset({"dietary"}), True, 90, True, 0, True, False)
    fields = lives.machine.look("coordinator", lives.case(0))
    assert fields and not {"name", "message", "dietary"} & fields.keys()
    _look(lives)


def test_a_note_needs_the_direction_back(lives: Lives) -> None:
    """I1: without recipient_to_owner no free text about a hand-over is taken, and none is shown to the recipient."""
    lives.deliver(0, 0, False, True)
    lives.change(0, NPO, NOTHING, False, 90, False, 0, False, False)
    lives.deliver(0, 0, False, True)
    lives.deliver(0, 0, False, False)
    lives.observe(0, NPO, False)
    _look(lives)


def test_a_draft_is_the_owners(lives: Lives) -> None:
    """I1: nothing of a request is there for the recipient before it was sent."""
    lives.draft(0, NPO, 0, False)
    _look(lives)


def test_a_helper_meets_the_hand_overs_of_ongoing_requests_only(lives: Lives) -> None:
    """I1: what belongs to a completed request is no longer a helper's, in no view of the case."""
    lives.deliver(0, 0, False, True)
    lives.owner_moves(0, 0, 0, "complete")
    lives.draft(0, NPO, 0, True)
    lives.accept(0, 0, False)
    assert [one.stage for one in lives.case(0).requests] == ["completed", "accepted"]
    _look(lives)
    assert lives.machine.look(VOLUNTEERS[NPO], lives.case(0))


def test_two_recipients_know_nothing_of_each_other(lives: Lives) -> None:
    """I9: the thread of one NPO is not the other's; the end of one consent leaves the other as it is."""
    _share(lives, 0, OTHER)
    for npo in NPOS:
        lives.observe(0, npo, False)
        lives.reply(0, npo, 0)
    _look(lives)
    lives.withdraw(0, NPO, "volunteer", True)
    _look(lives)
    assert lives.machine.look("other", lives.case(0))


def test_a_spoken_consent_releases_nothing_before_its_witness(lives: Lives) -> None:
    """I1, I7: not to the recipient before, not by the recorder, not after a day; then everything."""
    lives.give(1, OTHER, NOTHING, True, 90, True, 0, False)
    lives.confirm(1, OTHER, True)
    _look(lives, 1)
    lives.wait(25, 1, OTHER, None)
    lives.confirm(1, OTHER, False)
    lives.give(1, OTHER, NOTHING, True, 90, True, 0, False)
    lives.confirm(1, OTHER, False)
    _look(lives, 1)
    found = lives.case(1).consents[OTHER]
    assert found.party


def test_consent_needs_the_conditions_and_all_five_statements(lives: Lives) -> None:
    """I7: no consent with a statement untold or a condition unmet, and no request before it."""
    lives.give(1, NPO, NOTHING, True, 90, False, 0, True)
    lives.draft(1, NPO, 0, True)
    lives.conditions(1, 0, True, False)
    lives.give(1, NPO, NOTHING, True, 90, False, 0, False)
    assert NPO not in lives.case(1).consents
    _look(lives, 1)


@pytest.mark.parametrize("who", ["owner", "blind", "coordinator", "volunteer"])
def test_whoever_withdraws_it_holds_at_once(lives: Lives, who: str) -> None:
    """I1, I4: by either side, by one who may not read the case; a foreign NPO cannot; the keys go."""
    lives.withdraw(0, NPO, "foreign", False)
    assert lives.machine.look("coordinator", lives.case(0))
    lives.withdraw(0, NPO, who, False)
    assert not lives.machine.look("coordinator", lives.case(0))
    lives.edit(0, 0, {"name", "dietary"})
    _look(lives)
    _share(lives, 0, NPO)
    _look(lives)


@pytest.mark.parametrize("end", ["close", "hardship", "willing", "refuse"])
def test_the_end_ends_everything(lives: Lives, end: str) -> None:
    """I1, I7: closing, either condition answered with no, a refusal: consent, keys and requests end together."""
    _share(lives, 0, OTHER)
    match end:
        case "close":
            lives.close(0, 0)
        case "refuse":
            lives.refuse_or_ask(0, NPO, 0, False)
        case _:
            lives.conditions(0, 0, end != "hardship", end != "willing")
    assert not lives.machine.look("coordinator", lives.case(0))
    _look(lives)
    lives.draft(0, NPO, 0, True)
    lives.accept(0, 0, False)


def test_a_declined_request_takes_the_key_along(lives: Lives) -> None:
    """I1: after a decline with no other request open the recipient sees nothing; the next one opens again."""
    lives.owner_moves(0, 0, 0, "cancel")
    lives.draft(0, NPO, 0, True)
    lives.decline(0, 0)
    assert not lives.machine.look("coordinator", lives.case(0))
    lives.draft(0, NPO, 0, True)
    _look(lives)
    assert lives.machine.look("coordinator", lives.case(0))


def test_sessions_die_at_once(lives: Lives) -> None:
    """I13: at sign-out, with a new password, a new role or a stop; what is seen follows the new role."""
    lives.leave("deputy", False)
    lives.leave("deputy", True)
    lives.role("coordinator")
    _look(lives)
    lives.role("coordinator")
    lives.stop("volunteer")
    lives.stop("colleague")
    assert len(lives.town.dead) >= 5
    _look(lives)


def test_a_restart_changes_nothing_that_is_seen(lives: Lives) -> None:
    """I1, I5: the same views, the same sessions, and the log goes on where it was."""
    before = {npo: lives.machine.views(npo, lives.case(0)) for npo in NPOS}
    lives.restart()
    assert {npo: lives.machine.views(npo, lives.case(0)) for npo in NPOS} == before
    _look(lives)
