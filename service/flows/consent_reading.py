"""Consents as they are read: what holds now, and the events. The owner sees who refused what; a recipient only what
it was given."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from audit.event import Event
from audit.event import Purpose as LogPurpose
from cases.ids import USER, write_id
from consent.codes import Code
from consent.record import Event as ConsentEvent
from consent.standing import known_to_recipient, standing
from policies.actions import Action
from policies.who import Side
from service.flows.entries import Refusal, codes, entry, settle
from service.flows.keys import OwnerKeys, load_owner_keys, open_owner_ring
from service.flows.names import evidence_slot, names_row, read_names
from service.flows.reveal import Opened, open_for_release
from service.flows.situation import Situation, admit
from service.flows.views import Page, SeriesView, receipt_view
from service.house import House, Who
from service.store import consents
from service.store.cases import SealedRow
from service.store.consents import Series
from service.store.engine import Transaction
from service.store.log import Record
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    situation: Situation
    series: tuple[Series, ...]
    keys: OwnerKeys | None
    names: tuple[SealedRow, ...]


async def read_consents(house: House, who: Who, case: UUID | None) -> Page[SeriesView]:
    """The case's consent series: for the owner all and whole, for a recipient its own and what holds.

    Raises NotThereError, NeverAllowedError; WrongStateError(no_key).
    """

    async def job(tx: Transaction) -> Done[_Found] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.CONSENT_READ, case)
        if isinstance(admitted, Done):
            return admitted
        situation = admitted.situation
        owner = situation.facts.side is Side.OWNER
        mine = None if owner else who.principal.organisation
        series = _met(house, owner, await consents.series_of_case(tx, situation.case.id, mine))
        names = _names(house, series) if owner else ()
        keys = await load_owner_keys(tx, who, situation.case) if names else None
        made = entry(
            house,
            who,
            Event.CASE_READ,
            case=situation.case,
            purpose=LogPurpose.OWN_WORK if names else None,
            fields=codes(house, {evidence_slot(house)}) if names else (),
            count=len(series),
        )
        found = _Found(situation=situation, series=series, keys=keys, names=names)
        return Done(outcome=found, records=(Record(tree=situation.tree, entry=made),))

    committed = await settle(house, job)
    found = committed.outcome
    opened: tuple[Opened, ...] = ()
    if found.keys is not None:
        ring = open_owner_ring(house, who, found.keys)[0]
        opened = open_for_release(house, who, committed.receipts[0], ring, found.situation.case, found.names)
    names = {(one.record, one.version): one.value for one in opened}
    lines = tuple(_view(house, found.situation, one, names) for one in found.series)
    return Page(lines=lines, next=None, receipt=receipt_view(committed.receipts[0]))


def _met(house: House, owner: bool, series: tuple[Series, ...]) -> tuple[Series, ...]:
    """For the owner every series that was begun, for a recipient those that were once live."""
    now = house.clock()
    return tuple(one for one in series if one.events and (owner or standing(one.events, now).ever_live))


def _names(house: House, series: tuple[Series, ...]) -> tuple[SealedRow, ...]:
    rows = (names_row(house, one, event) for one in series for event in one.events)
    return tuple({(row.record, row.version): row for row in rows if row is not None}.values())


def _view(
    house: House, situation: Situation, series: Series, names: Mapping[tuple[bytes, int], bytes]
) -> SeriesView:
    owner = situation.facts.side is Side.OWNER
    stands = (standing if owner else known_to_recipient)(series.events, house.clock())
    return SeriesView(
        id=series.id,
        number=series.number,
        recipient=series.recipient,
        purpose=series.purpose,
        state=stands.state.value,
        until=stands.until,
        allowed=codes(house, stands.fields),
        refused=codes(house, stands.refused) if owner else None,
        directions=_words(stands.directions),
        asked_again=stands.asked_again and owner,
        version=len(series.events) if owner else None,
        events=tuple(_event(house, series, event, names) for event in series.events) if owner else (),
    )


def _words(found: frozenset[Code]) -> tuple[str, ...]:
    return tuple(sorted(code.word for code in found))


def _event(
    house: House, series: Series, event: ConsentEvent, names: Mapping[tuple[bytes, int], bytes]
) -> dict[str, object]:
    """One event in words, for the owner."""
    sealed = names.get((series.id.bytes, event.about or event.number))
    written = read_names(sealed) if sealed is not None and event.sealed_names else None
    return {
        "number": event.number,
        "kind": event.kind.word,
        "about": event.about or None,
        "event_day": event.event_day.isoformat(),
        "recorded_at": event.recorded_at.isoformat(),
        "recorder": None if event.recorder is None else write_id(USER, event.recorder),
        "witness": None if event.witness is None else write_id(USER, event.witness),
        "allowed": codes(house, event.allowed),
        "refused": codes(house, event.refused),
        "directions": _words(event.directions),
        "told": tuple(told.number for told in event.told),
        "notice_version": event.notice_version or None,
        "notice_digest": event.notice_digest.hex() if event.notice_version else None,
        "language": None if event.language is None else event.language.word,
        "basis": None if event.basis is None else event.basis.word,
        "given_by": _words(event.given_by),
        "method": None if event.method is None else event.method.word,
        "identity": None if event.identity is None else event.identity.word,
        "copy": None if event.copy is None else event.copy.word,
        "valid_from": None if event.valid_from is None else event.valid_from.isoformat(),
        "until": None if event.until is None else event.until.isoformat(),
        "helper": None if written is None else written.helper,
        "representative": None if written is None else written.representative,
    }
