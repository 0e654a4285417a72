"""What only the opened value shows: somebody looks at the own record, or at somebody of the same family name.

That is personal in itself. So the leaf says that something is to be checked, and where; what it is stands in the
erasable detail beside it. Nobody is stopped: a small town has many of one name.
"""

from collections.abc import Iterable
from enum import StrEnum

from audit.event import Entry, Event
from cases.text import fold
from service.flows.entries import detailed
from service.flows.reveal import Opened
from service.house import House, Who
from service.store.cases import CaseRow
from service.store.engine import Transaction
from service.store.log import Receipt
from service.store.writer import Done

NAME = "name"


class Seen(StrEnum):
    """What an opened name shows of whoever looks."""

    OWN_RECORD = "own_record"
    SAME_SURNAME = "same_surname"


def compare(person: str, staff: str) -> Seen | None:
    """What the two names have in common, as they are compared in a search (`cases.text.fold`).

    The family name is what stands before the first space; a name without one is compared from its beginning.
    """
    mine, theirs = fold(staff), fold(person)
    if not mine or not theirs:
        return None
    if mine == theirs:
        return Seen.OWN_RECORD
    families = [fold(name.split()[0]) for name in (person, staff) if len(name.split()) > 1]
    if len(families) == 2:
        return Seen.SAME_SURNAME if families[0] == families[1] else None
    others = (theirs, mine)
    return Seen.SAME_SURNAME if families and all(one.startswith(families[0]) for one in others) else None


async def raise_flags(
    house: House, who: Who, case: CaseRow, receipt: Receipt, opened: Iterable[Opened]
) -> None:
    """Appends a `flag.raise` about the receipt's entry where the opened name calls for one.

    The leaf names that entry and commits to the detail, and says nothing else: who and which case stand there.
    """
    slot = house.policy.registry.by_code[NAME].slot
    name = next((one.value for one in opened if one.slot == slot and one.record == case.id.bytes), b"")
    found = compare(name.decode("utf-8"), who.name) if name else None
    if found is None:
        return

    async def job(_: Transaction) -> Done[None]:
        made = Entry(event=Event.FLAG_RAISE, id=house.random(16), reference=receipt.index)
        return Done(outcome=None, records=(detailed(house, receipt.tree, made, {"flag": found.value}),))

    await house.commit(job)
