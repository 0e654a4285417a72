"""Lists and search: only cases that the caller may read, and a leaf for each case whose fields are shown.

Search opens names to compute with (a committed `case.scan`), and gives back ids only; what is then shown of the
hits is a release of its own. No index of names exists.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.event import Event
from audit.event import Purpose as LogPurpose
from cases.fields import Slot, fold
from cases.ids import CaseId, SectionId, UserId
from policies.actions import Action
from policies.decide import Allowed, decide
from policies.words import Scope
from service.flows.entries import Refusal, codes, entry, settle, tree_of_organisation
from service.flows.errors import InvalidError
from service.flows.keys import OwnerKeys, load_owner_keys, open_owner_ring
from service.flows.reading import Reading, load_reading, open_reading, reading_entry
from service.flows.reveal import Opened, open_for_computing, shown
from service.flows.situation import Admitted, admit_without_case, situation
from service.flows.views import CaseLine, Page, receipt_view
from service.house import House, Who
from service.store import cases
from service.store.cases import CaseRow, SealedRow
from service.store.engine import Transaction
from service.store.log import Receipt, Record
from service.store.values import from_ms, to_ms
from service.store.writer import Committed, Done

MOST = 50
_CURSOR = re.compile(r"([0-9a-f]{1,12})-([0-9a-f]{32})", re.ASCII)
_LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: no time lies after it."""
_SHOWN = ("name", "name_kana", "age_band", "gender")
_SEARCHED = ("name", "name_kana")


def _slots(house: House, words: Sequence[str]) -> frozenset[Slot]:
    by_code = house.policy.registry.by_code
    return frozenset(by_code[word].slot for word in words if word in by_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    readings: tuple[Reading, ...]
    next: str | None


async def list_cases(house: House, who: Who, cursor: str | None, limit: int) -> Page[CaseLine]:
    """The caller's own organisation's cases that it may read, newest first, a page at a time, without totals.

    Raises NeverAllowedError, InvalidError for a cursor that is none.
    """
    after = _read_cursor(cursor)

    async def job(tx: Transaction) -> Done[_Found] | Done[Refusal]:
        allowed = await admit_without_case(tx, house, who, Action.CASE_LIST)
        if isinstance(allowed, Done):
            return allowed
        rows = await cases.cases_of(tx, who.principal.organisation, _within(house, who), after, limit + 1)
        page = rows[:limit]
        following = _write_cursor(page[-1]) if len(rows) > limit and page else None
        return await _lines(tx, house, who, page, Event.CASE_LIST, following)

    return await _open_lines(house, who, await settle(house, job))


def _within(house: House, who: Who) -> tuple[UserId, frozenset[SectionId]] | None:
    """Whom the list is narrowed to: a role that reads by assignment meets its sections' and its own cases."""
    me = who.principal
    return (me.user, me.sections) if house.policy.matrix.scopes[me.role] is Scope.ASSIGNED else None


async def _lines(
    tx: Transaction, house: House, who: Who, rows: Sequence[CaseRow], event: Event, following: str | None
) -> Done[_Found]:
    """The readings of the cases that may be read, each with its leaf; without any, one leaf that says so."""
    slots = _slots(house, _SHOWN)
    readings: list[Reading] = []
    for row in rows:
        found = await situation(tx, house, who, row)
        decision = decide(who.principal, Action.CASE_READ, found.facts, found.standing, house.policy)
        if isinstance(decision, Allowed):
            admitted = Admitted(situation=found, allowed=decision)
            readings.append(await load_reading(tx, house, who, admitted, slots))
    records = [
        Record(tree=one.situation.tree, entry=reading_entry(house, who, event, one)) for one in readings
    ]
    if not records and event is Event.CASE_LIST:
        tree = await tree_of_organisation(tx, who.principal.organisation)
        records = [Record(tree=tree, entry=entry(house, who, event, count=0))]
    return Done(outcome=_Found(readings=tuple(readings), next=following), records=tuple(records))


async def _open_lines(house: House, who: Who, committed: Committed[_Found]) -> Page[CaseLine]:
    found = committed.outcome
    lines: list[CaseLine] = []
    for reading, receipt in zip(found.readings, committed.receipts, strict=False):
        opened = await open_reading(house, who, reading, receipt)
        lines.append(_line(house, reading, opened, receipt))
    return Page(lines=tuple(lines), next=found.next)


def _line(house: House, reading: Reading, opened: Sequence[Opened], receipt: Receipt) -> CaseLine:
    case = reading.situation.case
    by_slot = house.policy.registry.by_slot
    values = {str(by_slot[one.slot].code): shown(house, one, reading.masked) for one in opened}
    return CaseLine(
        id=case.id,
        number=case.number,
        opened=case.opened,
        open=case.closed is None,
        fields=values,
        receipt=receipt_view(receipt),
    )


def _write_cursor(row: CaseRow) -> str:
    return f"{to_ms(row.opened):x}-{row.id.hex}"


def _read_cursor(cursor: str | None) -> tuple[datetime, CaseId] | None:
    """Where a page begins. The cursor only narrows what the caller may read anyway."""
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidError("cursor", "form")
    opened = int(found[1], 16)
    if opened > _LAST_MS:
        raise InvalidError("cursor", "form")
    return from_ms(opened), CaseId(UUID(hex=found[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """The cases that a search may compute with: the rows to their keys, and their sealed names."""

    cases: tuple[tuple[OwnerKeys, tuple[SealedRow, ...]], ...]
    rows: tuple[CaseRow, ...]


async def search_cases(house: House, who: Who, words: str) -> Page[CaseLine]:
    """Cases whose number, name or kana holds ``words``, among those that the caller may read; at most 50.

    Raises NeverAllowedError, InvalidError for words that hold no letter.
    """
    wanted = fold(words)
    if not wanted:
        raise InvalidError("words", "empty")
    slots = _slots(house, _SEARCHED)

    async def scan(tx: Transaction) -> Done[_Scan] | Done[Refusal]:
        allowed = await admit_without_case(tx, house, who, Action.CASE_SEARCH)
        if isinstance(allowed, Done):
            return allowed
        rows = await cases.cases_of(tx, who.principal.organisation, _within(house, who), None, 0)
        found = [await _sealed_names(tx, who, row, slots) for row in rows]
        made = entry(
            house,
            who,
            Event.CASE_SCAN,
            purpose=LogPurpose.OWN_WORK,
            fields=codes(house, slots),
            count=len(rows),
        )
        tree = await tree_of_organisation(tx, who.principal.organisation)
        return Done(outcome=_Scan(cases=tuple(found), rows=rows), records=(Record(tree=tree, entry=made),))

    committed = await settle(house, scan)
    hits = await _hits(house, who, committed, wanted, words.strip())
    return await _show_hits(house, who, hits)


async def _sealed_names(
    tx: Transaction, who: Who, row: CaseRow, slots: frozenset[Slot]
) -> tuple[OwnerKeys, tuple[SealedRow, ...]]:
    sealed = await cases.sealed_values(tx, row.id, slots)
    return await load_owner_keys(tx, who, row), sealed


async def _hits(
    house: House, who: Who, committed: Committed[_Scan], wanted: str, number: str
) -> tuple[CaseRow, ...]:
    found = committed.outcome
    opening = [(open_owner_ring(house, who, keys)[0], keys.case, rows) for keys, rows in found.cases]
    opened = open_for_computing(house, who, committed.receipts[0], opening)
    matching = {
        case for case, values in opened.items() if any(wanted in fold(one.value.decode()) for one in values)
    }
    return tuple(row for row in found.rows if row.id in matching or number in row.number)[:MOST]


async def _show_hits(house: House, who: Who, hits: Sequence[CaseRow]) -> Page[CaseLine]:
    async def job(tx: Transaction) -> Done[_Found] | Done[Refusal]:
        allowed = await admit_without_case(tx, house, who, Action.CASE_SEARCH)
        if isinstance(allowed, Done):
            return allowed
        rows = [row for hit in hits if (row := await cases.case(tx, hit.id)) is not None]
        done = await _lines(tx, house, who, rows, Event.FIELD_RELEASE, None)
        tree = await tree_of_organisation(tx, who.principal.organisation)
        made = entry(house, who, Event.CASE_SEARCH, count=len(done.outcome.readings))
        return Done(outcome=done.outcome, records=(*done.records, Record(tree=tree, entry=made)))

    return await _open_lines(house, who, await settle(house, job))
