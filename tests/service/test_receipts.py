"""A receipt opens values once, soon, for its own reader, its own case and the fields of its own entry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.event import Decision, Event, Purpose, Reason
from service.flows.entries import entry
from service.store.engine import Transaction
from service.store.log import RECEIPT_LIFE, Receipt, Record
from service.store.writer import Done
from tests.service.world import World

CASE_ID = "c_" + "1" * 32
OTHER_CASE = "c_" + "2" * 32
FIELDS = frozenset({"name", "phone"})


def receipt(world: World, **parts: object) -> Receipt:
    """The receipt of an entry that is really committed."""
    made = replace(
        entry(world.house, None, Event.CASE_READ, purpose=Purpose.OWN_WORK, fields=FIELDS),
        actor=world.ids["caseworker"],
        subject=CASE_ID,
    )
    made = replace(made, **parts)  # type: ignore[arg-type]  # a test names the parts that differ

    async def job(tx: Transaction) -> Done[None]:
        return Done(outcome=None, records=(Record(tree=1, entry=made),))

    return world.run(world.house.commit(job)).receipts[0]


def release(world: World, shown: Receipt, **parts: object) -> None:
    told = {
        "actor": world.ids["caseworker"],
        "subject": CASE_ID,
        "fields": FIELDS,
        "now": world.clock(),
        **parts,
    }
    shown.release(**told)  # type: ignore[arg-type]  # a test names the parts that differ


def test_a_receipt_is_that_of_its_entry(world: World) -> None:
    """Tree, index and leaf hash are those under which the entry stands in the log."""
    made = receipt(world)
    found = world.sql("SELECT leaf_hash FROM entry WHERE tree = ? AND idx = ?", made.tree, made.index)
    assert found == [(made.leaf_hash,)]
    release(world, made)


def test_a_receipt_opens_once(world: World) -> None:
    """Single use: the second time is a programmer's mistake, whatever it asks for."""
    made = receipt(world)
    release(world, made, fields=frozenset({"name"}))
    with pytest.raises(RuntimeError):
        release(world, made, fields=frozenset({"phone"}))


@pytest.mark.parametrize(
    "parts",
    [
        {"actor": "u_" + "3" * 32},
        {"subject": OTHER_CASE},
        {"fields": FIELDS | {"address"}},
    ],
)
def test_a_receipt_opens_nothing_that_its_entry_does_not_name(world: World, parts: dict[str, object]) -> None:
    """Another reader, another case, one field more: nothing, and the receipt is spent."""
    made = receipt(world)
    with pytest.raises(RuntimeError):
        release(world, made, **parts)
    with pytest.raises(RuntimeError):
        release(world, made)


@pytest.mark.parametrize(
    ("after", "opens"), [(timedelta(), True), (timedelta(seconds=29), True), (RECEIPT_LIFE, False),
                         (timedelta(days=1), False), (timedelta(seconds=-1), True), (timedelta(seconds=-31), False)],
)  # fmt: skip
def test_a_receipt_is_good_for_thirty_seconds(world: World, after: timedelta, opens: bool) -> None:
    """Within 30 seconds of its commit; a clock that is set back a little opens no fault."""
    made = receipt(world)
    world.clock.advance(after)
    if opens:
        release(world, made)
        return
    with pytest.raises(RuntimeError):
        release(world, made)


def test_a_denial_opens_nothing(world: World) -> None:
    """The entry of a refusal is a receipt for nothing."""
    made = receipt(world, decision=Decision.DENY, reason=Reason.WITHDRAWN)
    with pytest.raises(RuntimeError):
        release(world, made)


@pytest.mark.parametrize(
    ("event", "count", "fields", "opens"),
    [
        (Event.CASE_SCAN, 2, FIELDS, True),
        (Event.KEY_ROTATE, 2, FIELDS, True),
        (Event.CASE_SCAN, 3, FIELDS, False),
        (Event.CASE_SCAN, 2, FIELDS | {"address"}, False),
        (Event.CASE_LIST, 2, FIELDS, False),
        (Event.CASE_READ, 2, FIELDS, False),
    ],
)
def test_only_a_scan_or_a_rotation_opens_to_compute(
    world: World, event: Event, count: int, fields: frozenset[str], opens: bool
) -> None:
    """As many cases as the entry counts and the fields that it names; a look is no scan."""
    subject = None if event in (Event.CASE_SCAN, Event.CASE_LIST) else CASE_ID
    made = receipt(world, event=event, count=2, subject=subject)

    def compute() -> None:
        made.compute(actor=world.ids["caseworker"], fields=fields, count=count, now=world.clock())

    check(compute, opens)
    check(compute, False)


def check(work: Callable[[], None], works: bool) -> None:
    if works:
        work()
        return
    with pytest.raises(RuntimeError):
        work()
