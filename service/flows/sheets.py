"""The sheet "who looked at my data": made for the person by the one who asked, once a second person approved it.

Rules kept here:
- Recorded and committed first, told afterwards: the entry of the issue is durable before a line is read.
- Every look of the period is told, over all trees that continue one another, without a limit; of this case only.
- One approval is one sheet: issued again or printed, it tells what the log held when it was issued first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from audit.event import Event, Leaf, Via, read_leaf
from audit.event import Reason as LogReason
from cases.disclosure import against_issuing, against_printing
from cases.fields import Slot
from cases.ids import (
    CASE,
    COLLABORATION,
    DISCLOSURE,
    ORGANISATION,
    SERIES,
    USER,
    DisclosureId,
    OrganisationId,
    UserId,
    read_id,
    write_id,
)
from consent.record import tokyo_day
from policies.actions import Action
from service.flows.disclosures import case_of, entry_about, steps_of
from service.flows.entries import Refusal, refuse, settle
from service.flows.errors import NotSignedInError, NotThereError, WrongStateError
from service.flows.sheet_lines import Agreement, Known, Line, Person, lines_of, looks_in
from service.flows.sheet_words import Words, notes_for
from service.flows.situation import Admitted, admit
from service.flows.views import ReceiptView, receipt_view
from service.house import House, Who
from service.store import consents, disclosures, looks, organisations, sessions, users
from service.store.cases import CaseRow
from service.store.consents import Series
from service.store.disclosures import DisclosureRow
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.log import Record
from service.store.looks import Wanted
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The sheet: case number and period, how many looks, the lines, what has to be said beside them, the receipt.

    ``gone``: how many records of that time have no text any more, whoever they were about.
    """

    id: DisclosureId
    number: str
    since: date
    until: date
    looks: int
    lines: tuple[Line, ...]
    gone: int
    notes: tuple[Words, ...]
    receipt: ReceiptView


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What the job found: the disclosure, its case, and which entries; ``first``: where it was issued first."""

    row: DisclosureRow
    case: CaseRow
    wanted: Wanted
    first: int | None


async def issue_sheet(house: House, who: Who, disclosure: UUID | None) -> Sheet:
    """Makes the sheet, within 24 hours of the approval, for nobody but the one who asked.

    Raises NotThereError, NeverAllowedError, WrongStateError(not_approved, too_late).
    """
    return await _tell(house, who, disclosure, Event.DISCLOSURE_ISSUE)


async def print_sheet(house: House, who: Who, disclosure: UUID | None) -> Sheet:
    """The same sheet once more, for paper.

    Raises NotThereError, NeverAllowedError, WrongStateError(not_approved, too_late, not_issued).
    """
    return await _tell(house, who, disclosure, Event.EXPORT_PRINT)


async def _tell(house: House, who: Who, disclosure: UUID | None, event: Event) -> Sheet:
    async def job(tx: Transaction) -> Done[_Ready] | Done[Refusal]:
        found = await _admit_asker(tx, house, who, disclosure)
        if isinstance(found, Done):
            return found
        row, admitted = found
        ready = await _ready(tx, row, admitted.situation.case)
        steps = steps_of(row, ready.first is not None)
        against = against_printing if event is Event.EXPORT_PRINT else against_issuing
        obstacle = against(steps, house.clock())
        if obstacle is not None:
            raise WrongStateError(obstacle.value)
        made = replace(
            entry_about(house, who, event, ready.case, row), count=await looks.count_looks(tx, ready.wanted)
        )
        if event is Event.EXPORT_PRINT:
            made = replace(made, via=Via.PRINT)
        elif row.approved_by is not None:
            made = replace(made, on_behalf_of=write_id(USER, row.approved_by))
        return Done(outcome=ready, records=(Record(tree=admitted.situation.tree, entry=made),))

    committed = await settle(house, job)
    ready, receipt = committed.outcome, committed.receipts[0]
    end = looks.key_of(receipt.tree, receipt.index) if ready.first is None else ready.first
    until_then = replace(ready, wanted=replace(ready.wanted, end=end))
    return await house.look(lambda tx: _sheet(tx, house, until_then, receipt_view(receipt)))


async def _admit_asker(
    tx: Transaction, house: House, who: Who, disclosure: UUID | None
) -> tuple[DisclosureRow, Admitted] | Done[Refusal]:
    """The disclosure, where the caller asked for it and may still ask; any other is not there."""
    row = None if disclosure is None else await disclosures.disclosure(tx, DisclosureId(disclosure))
    if row is not None and row.asked_by != who.principal.user:
        if not await sessions.session_lives(tx, who.session, who.principal.version):
            return Done(outcome=Refusal(NotSignedInError()))
        return await refuse(
            tx,
            house,
            who,
            Event.DISCLOSURE_ISSUE,
            LogReason.NOT_ASSIGNED,
            NotThereError(),
            case=await case_of(tx, row),
            object=write_id(DISCLOSURE, row.id),
        )
    admitted = await admit(tx, house, who, Action.CASE_DISCLOSE, None if row is None else row.case)
    if isinstance(admitted, Done) or row is None:
        return admitted if isinstance(admitted, Done) else Done(outcome=Refusal(NotThereError()))
    return row, admitted


async def _ready(tx: Transaction, row: DisclosureRow, case: CaseRow) -> _Ready:
    trees = await looks.generations(tx, write_id(COLLABORATION, case.collaboration))
    first = await looks.first_issue(tx, trees, write_id(DISCLOSURE, row.id))
    wanted = Wanted(trees=trees, subject=write_id(CASE, case.id), since=row.since, until=row.until)
    return _Ready(
        row=row, case=case, wanted=wanted if first is None else replace(wanted, end=first), first=first
    )


async def _sheet(tx: Transaction, house: House, ready: _Ready, receipt: ReceiptView) -> Sheet:
    leaves = [read_leaf(leaf.encode()) for leaf in await looks.looks(tx, ready.wanted)]
    lines = lines_of(leaves, await _known(tx, house, ready.case, leaves))
    gone = await looks.count_gone(tx, ready.wanted)
    count = looks_in(lines)
    return Sheet(
        id=ready.row.id,
        number=ready.case.number,
        since=tokyo_day(ready.row.since),
        until=tokyo_day(ready.row.until - timedelta(milliseconds=1)),
        looks=count,
        lines=lines,
        gone=gone,
        notes=notes_for(count, gone),
        receipt=receipt,
    )


async def _known(tx: Transaction, house: House, case: CaseRow, leaves: Iterable[Leaf]) -> Known:
    """What the ids in the leaves stand for. Raises TamperedError for an organisation or a consent that is gone."""
    entries = [leaf.entry for leaf in leaves]
    series = {write_id(SERIES, one.id): one for one in await consents.series_of_case(tx, case.id)}
    if any(entry.consent is not None and entry.consent[0] not in series for entry in entries):
        raise TamperedError("consent_series")
    owners = {one: await _organisation(tx, one) for one in {entry.organisation for entry in entries} if one}
    return Known(
        organisations=owners,
        people={one: await _person(tx, house, one) for one in {entry.actor for entry in entries} if one},
        consents={id: await _agreement(tx, house, one) for id, one in series.items()},
    )


async def _organisation(tx: Transaction, text: str) -> str:
    id = read_id(ORGANISATION, text)
    found = None if id is None else await organisations.organisation(tx, OrganisationId(id))
    return organisations.must(found).name


async def _person(tx: Transaction, house: House, text: str) -> Person:
    """The departments of an account, and the name where the house shows names; nothing for one that is gone."""
    id = read_id(USER, text)
    found = None if id is None else await users.user(tx, UserId(id))
    if found is None:
        return Person()
    sections = await organisations.sections_of(tx, found.organisation)
    return Person(
        sections=tuple(name for section, name in sections if section in found.sections),
        name=found.name if house.settings.staff_names else None,
    )


async def _agreement(tx: Transaction, house: House, series: Series) -> Agreement:
    return Agreement(
        number=series.number,
        recipient=organisations.must(await organisations.organisation(tx, series.recipient)).name,
        purpose=series.purpose,
        allowed=tuple(_codes(house, event.allowed) for event in series.events),
    )


def _codes(house: House, slots: frozenset[Slot]) -> tuple[str, ...]:
    """The fields' codes; what is no field any more is named by its slot, and not left out."""
    by_slot = house.policy.registry.by_slot
    return tuple(sorted(str(by_slot[slot].code) if slot in by_slot else f"slot_{slot}" for slot in slots))
