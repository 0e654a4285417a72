"""The table of fields, turned into sets once, so that a decision is only algebra on sets.

One ``View`` for each column, reach and consent form. No view knows a consent: what it calls ``covered`` is
shown only where the consent in force covers it too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cases.fields import Slot
from policies.decision import Allowed, Reason
from policies.who import Reach
from policies.words import Cell, Column


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one column may see at one reach, before the consent is asked.

    own          what is allowed without a consent: the owner's own, and all else locked (``role``)
    own_closed   the same in a closed case, where nothing is written
    covered      readable where a live consent covers them
    writable     writable where covered
    bare         without free text where covered
    note_return  without free text where covered and the recipient may not tell the owner
    with_return  covered only while the recipient may tell the owner
    outbound     flow from the owner to the recipient: covered only while that direction holds
    by_consent   every offered field that a consent opens to this column, at this reach or a later one
    unasked      why each field is locked before anybody was asked: ``role``, ``not_offered``, ``not_asked``
    """

    own: Allowed
    own_closed: Allowed
    covered: frozenset[Slot]
    writable: frozenset[Slot]
    bare: frozenset[Slot]
    note_return: frozenset[Slot]
    with_return: frozenset[Slot]
    outbound: frozenset[Slot]
    by_consent: frozenset[Slot]
    unasked: Mapping[Slot, Reason]


Cells = Mapping[Slot, Mapping[Column, Cell]]


def build_view(cells: Cells, column: Column, reach: Reach, offered: frozenset[Slot]) -> View:
    """The sets of one column at one reach, under a consent form that offers these fields and no others."""
    mine = {slot: row[column] for slot, row in cells.items()}
    by_consent = frozenset(slot for slot, cell in mine.items() if cell.consented and slot in offered)
    covered = frozenset(slot for slot in by_consent if _covered(mine[slot], reach))
    return View(
        own=_own(mine, frozenset(slot for slot, cell in mine.items() if cell.write)),
        own_closed=_own(mine, frozenset()),
        covered=covered,
        writable=frozenset(slot for slot in covered if mine[slot].writes and reach is Reach.ACCEPTED),
        bare=frozenset(slot for slot in covered if _bare(mine[slot], reach)),
        note_return=frozenset(slot for slot in by_consent if mine[slot].note_return),
        with_return=frozenset(slot for slot in by_consent if mine[slot].with_return),
        outbound=frozenset(slot for slot in by_consent if not mine[slot].writes),
        by_consent=by_consent,
        unasked=_unasked(mine, offered),
    )


def _own(mine: Mapping[Slot, Cell], write: frozenset[Slot]) -> Allowed:
    read = frozenset(slot for slot, cell in mine.items() if cell.read)
    locked = {slot: Reason.ROLE for slot in mine if slot not in read}
    return Allowed(read=read, write=write, masked=frozenset(), locked=MappingProxyType(locked))


def _unasked(mine: Mapping[Slot, Cell], offered: frozenset[Slot]) -> Mapping[Slot, Reason]:
    otherwise = {slot: Reason.NOT_ASKED if slot in offered else Reason.NOT_OFFERED for slot in mine}
    return {slot: Reason.ROLE if cell.never else otherwise[slot] for slot, cell in mine.items()}


def _covered(cell: Cell, reach: Reach) -> bool:
    if reach is Reach.ACCEPTED:
        return cell.consented
    return reach is Reach.SENT and cell.preview


def _bare(cell: Cell, reach: Reach) -> bool:
    return cell.consented_bare if reach is Reach.ACCEPTED else cell.preview_bare
