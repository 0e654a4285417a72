"""The columns that the database makes of a leaf say what the leaf says."""

import dataclasses
import json

from audit.event import Decision, Entry, Event, Reason
from service.store.engine import Transaction
from service.store.log import Record
from service.store.writer import Done
from tests.audit.examples import digest, full_entry
from tests.service.world import World

COLUMNS = ("act", "sub", "obj", "org", "ev", "dec", "t", "ref")


def every_shape() -> list[Entry]:
    """Entries with every key, with few, with other lengths, and one of each event."""
    full = full_entry()
    few = [
        dataclasses.replace(full, actor=None, on_behalf_of=None),
        dataclasses.replace(full, object=None, organisation=None),
        dataclasses.replace(full, reference=999_999_999_999, detail=None, digest=None),
        dataclasses.replace(full, reference=None, decision=None, reason=None),
    ]
    refused = [
        Entry(event=event, id=digest(at)[:16], decision=Decision.DENY, reason=Reason.UNKNOWN_ID)
        for at, event in enumerate(Event)
    ]
    return [full, *few, *refused, Entry(event=Event.LOGIN_OK, id=digest(999)[:16])]


def test_a_generated_column_says_what_the_leaf_says(world: World) -> None:
    """Whatever keys a leaf has, and NULL for one that is not there: the filters and the triggers ask these columns."""
    entries = every_shape()

    async def job(_: Transaction) -> Done[None]:
        return Done(outcome=None, records=tuple(Record(tree=1, entry=entry) for entry in entries))

    world.run(world.house.commit(job))
    rows = world.sql(f"SELECT leaf, {', '.join(COLUMNS)} FROM entry ORDER BY id")
    assert len(rows) > len(entries)
    for leaf, *found in rows:
        said = json.loads(str(leaf))
        assert found == [said.get(key) for key in COLUMNS]
