"""Conditions, requests, rows and the end of a case."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.closing import ClosingReason, is_connection
from cases.eligibility import Conditions, WayOut, ways_out
from cases.errors import CorrectionError, MoveError
from cases.ids import OrganisationId, RowId
from cases.ledger import ROW_SHAPES, Delivery, Result, RowHead, RowKind, check_correction
from cases.request import OPEN_STAGES, Move, Quantity, Stage, move

ANSWERS = (True, False, None)
CITY, NPO = OrganisationId(UUID(int=1)), OrganisationId(UUID(int=2))
OLD = RowHead(row=RowId(UUID(int=3)), kind=RowKind.DELIVERY, organisation=NPO)


@pytest.mark.parametrize("hardship", ANSWERS)
@pytest.mark.parametrize("willing", ANSWERS)
def test_only_two_yes_open_food_support(hardship: bool | None, willing: bool | None) -> None:
    """Both conditions hold only when both were answered with yes; otherwise there are always ways on."""
    found = Conditions(hardship=hardship, willing=willing)
    assert found.both is (hardship is True and willing is True)
    assert found.denied is (False in (hardship, willing))
    assert set(ways_out(found)) == (set() if found.both else set(WayOut))


TABLE = {
    Stage.DRAFT: {Move.SEND: Stage.SENT, Move.CANCEL: Stage.CANCELLED, Move.STOP: Stage.STOPPED},
    Stage.SENT: {
        Move.ACCEPT: Stage.ACCEPTED,
        Move.DECLINE: Stage.DECLINED,
        Move.CANCEL: Stage.CANCELLED,
        Move.STOP: Stage.STOPPED,
    },
    Stage.ACCEPTED: {Move.DELIVER: Stage.DELIVERED, Move.CANCEL: Stage.CANCELLED, Move.STOP: Stage.STOPPED},
    Stage.DELIVERED: {
        Move.DELIVER: Stage.DELIVERED,
        Move.COMPLETE: Stage.COMPLETED,
        Move.STOP: Stage.STOPPED,
    },
}


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("step", Move)
def test_a_request_moves_only_as_the_manual_says(stage: Stage, step: Move) -> None:
    """Every other move is a wrong state, with the codes of stage and move."""
    if step in TABLE.get(stage, {}):
        assert move(stage, step) is TABLE[stage][step]
        return
    with pytest.raises(MoveError) as caught:
        move(stage, step)
    assert (caught.value.stage, caught.value.move) == (stage.value, step.value)


def test_the_end_of_consent_stops_every_open_request_and_no_other() -> None:
    """Open is what can still be stopped; what is over stays as it ended."""
    assert {Stage.DRAFT, Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED} == OPEN_STAGES


@settings(max_examples=150)
@given(st.lists(st.sampled_from(Move), max_size=12))
def test_nothing_is_handed_over_before_it_was_accepted(steps: Sequence[Move]) -> None:
    """Whatever is tried in whatever order, a delivery lies behind a sending and an acceptance."""
    stage, done = Stage.DRAFT, []
    for step in steps:
        try:
            stage = move(stage, step)
        except MoveError:
            continue
        done.append(step)
    if Move.DELIVER in done:
        assert done[:2] == [Move.SEND, Move.ACCEPT]
    if stage not in OPEN_STAGES:
        assert done[-1] in (Move.DECLINE, Move.COMPLETE, Move.CANCEL, Move.STOP)


def test_meals_are_computed() -> None:
    """Two adults and a child for seven days: three meals a day each."""
    assert Quantity(adults=2, children=1, days=7, times=2).meals == 63


def test_a_row_is_corrected_once_by_who_wrote_it() -> None:
    """A correction is a row of the same kind, by the same organisation, of the newest row."""
    check_correction(OLD, RowKind.DELIVERY, NPO)
    done = RowHead(row=OLD.row, kind=OLD.kind, organisation=NPO, corrected_by=RowId(UUID(int=4)))
    for old, kind, by, why in (
        (OLD, RowKind.OBSERVATION, NPO, "kind"),
        (OLD, RowKind.CORRECTION, NPO, "kind"),
        (OLD, RowKind.DELIVERY, CITY, "owner"),
        (done, RowKind.DELIVERY, NPO, "corrected"),
    ):
        with pytest.raises(CorrectionError) as caught:
            check_correction(old, kind, by)
        assert caught.value.why == why


def test_a_free_note_tells_the_owner_something() -> None:
    """A note on a hand-over is known as one, so that the direction can be asked for."""
    day = date(2026, 10, 18)
    assert Delivery(date=day, result=Result.FULL, note="顔色が悪い").tells
    for silent in (None, "", " \n"):
        assert not Delivery(date=day, result=Result.FULL, note=silent).tells


def test_every_kind_of_row_but_a_correction_has_its_struct() -> None:
    """A correction has the struct of what it corrects."""
    assert set(ROW_SHAPES) == set(RowKind) - {RowKind.CORRECTION}


def test_connected_counts_as_a_connection() -> None:
    """One reason of closing counts for the month's connections."""
    assert [reason for reason in ClosingReason if is_connection(reason)] == [ClosingReason.CONNECTED]
