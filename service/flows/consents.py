"""Consent: record what the person answered, and let it be read (manual step 3).

Withdrawing needs no key and no reason, and is open to any member of owner or recipient, even one who may not read
the case: it tells them only that it is done.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from audit.event import Event as LogEvent
from audit.event import Reason as LogReason
from cases.fields import Purpose
from cases.ids import SERIES, OrganisationId, SeriesId, read_id, write_id
from consent import answer
from consent.answer import Answer, Refusal, Withdrawal
from consent.errors import StateError, StateFault
from consent.record import Event as ConsentEvent
from consent.standing import State, standing
from policies.actions import Action
from policies.words import Scope
from service.flows import numbers, repeat
from service.flows.agreeing import Agree, about, agree, confirm, terms
from service.flows.cases import uuid4_of
from service.flows.consent_ends import add, stamp
from service.flows.entries import Refusal as Refused
from service.flows.entries import refuse, settle
from service.flows.errors import InvalidError, NotThereError, StaleError
from service.flows.granting import revoke, revoke_ended
from service.flows.names import NOBODY, Names
from service.flows.repeat import Once
from service.flows.rotation import rotate, settle_write
from service.flows.situation import Admitted, admit
from service.house import House, Who
from service.store import cases, consents, keys, organisations, users
from service.store.cases import CaseRow
from service.store.consents import Series
from service.store.engine import Transaction
from service.store.errors import UnavailableError
from service.store.log import Record
from service.store.users import UserState
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the recorder gets back: the series, its receipt number, where it stands now, and how many events it has."""

    id: SeriesId
    number: str
    state: State
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAnswer:
    """What the recorder sends: an answer, a refusal, or None for "being asked"; and the names, in clear."""

    recipient: OrganisationId
    purpose: Purpose
    answer: Answer | Refusal | None
    names: Names = NOBODY


async def record_consent(
    house: House, who: Who, case: UUID | None, new: NewAnswer, once: Once | None
) -> Recorded:
    """Records the person's answer for one recipient and purpose; where it is live at once, the keys go with it.

    Raises AnswerError, StateError, NotThereError, NeverAllowedError, InvalidError, ReusedKeyError, and
    WrongStateError: no_key, recipient_no_key, closed.
    """
    series_id = SeriesId(uuid4_of(house))

    async def job(tx: Transaction) -> Done[Recorded] | Done[Refused]:
        admitted = await admit(tx, house, who, Action.CONSENT_RECORD, case, recipient=new.recipient)
        if isinstance(admitted, Done):
            return admitted
        made = await repeat.done_before(tx, house, who, once)
        if made is not None:
            return Done(outcome=await _made_before(tx, house, made))
        series = await _series(tx, house, admitted.situation.case, new, series_id)
        grown, records = await _answer(tx, house, who, admitted, series, new)
        await repeat.remember(tx, house, who, once, write_id(SERIES, series.id))
        return Done(outcome=_recorded(house, grown), records=records)

    return (await settle_write(house, who, job)).outcome


def _recorded(house: House, series: Series) -> Recorded:
    state = standing(series.events, house.clock()).state
    return Recorded(id=series.id, number=series.number, state=state, version=len(series.events))


async def _made_before(tx: Transaction, house: House, made: str) -> Recorded:
    found = read_id(SERIES, made)
    series = None if found is None else await consents.series(tx, SeriesId(found))
    if series is None:
        raise NotThereError
    return _recorded(house, series)


async def _series(tx: Transaction, house: House, row: CaseRow, new: NewAnswer, series_id: SeriesId) -> Series:
    """The one series of this case, recipient and purpose; begun where there is none yet."""
    partners = {partner.id for partner in await organisations.partners(tx, row.collaboration)}
    if new.recipient == row.owner or new.recipient not in partners:
        raise InvalidError("recipient", "unknown")
    for series in await consents.series_of_case(tx, row.id, new.recipient):
        if series.purpose == new.purpose.value:
            return series
    number = await numbers.draw(house, lambda one: consents.number_taken(tx, one), "C-")
    await consents.add_series(tx, series_id, row.id, new.recipient, new.purpose.value, number)
    return Series(
        id=series_id,
        case=row.id,
        recipient=new.recipient,
        purpose=new.purpose.value,
        number=number,
        events=(),
        stored=(),
    )


async def _answer(
    tx: Transaction, house: House, who: Who, admitted: Admitted, series: Series, new: NewAnswer
) -> tuple[Series, tuple[Record, ...]]:
    row, tree = admitted.situation.case, admitted.situation.tree
    match new.answer:
        case None:
            event = answer.request(about(series), series.events, stamp(house, who.principal.user))
            grown, record = await add(tx, house, who, row, series, event, tree)
            return grown, (record, *await revoke_ended(tx, house, who, row, grown, tree))
        case Refusal() as refusal:
            version, language = refusal.notice_version, refusal.language
            checked = await terms(tx, house, row, series, version, language, with_key=False)
            when = stamp(house, who.principal.user)
            event = answer.refuse(about(series), series.events, when, refusal, checked)
            grown, record = await add(tx, house, who, row, series, event, tree)
            return grown, (record, *await revoke(tx, house, who, row, grown, tree))
        case Answer() as given:
            await _check_witness(tx, house, row, given)
            grown, _, records = await agree(tx, house, who, row, series, given, new.names, answer.give, tree)
            return grown, records


async def _check_witness(tx: Transaction, house: House, row: CaseRow, given: Answer) -> None:
    """A witness is another member of the owner who may read the case."""
    if given.witness is None:
        return
    found = await users.user(tx, given.witness)
    if found is None or found.organisation != row.owner or found.state is not UserState.ACTIVE:
        raise InvalidError("witness", "unknown")
    scope = house.policy.matrix.scopes[found.role]
    mine = bool(found.sections & row.sections) or await cases.is_assigned(tx, row.id, found.id)
    if scope is not Scope.WHOLE and not (scope is Scope.ASSIGNED and mine):
        raise InvalidError("witness", "unknown")


async def change_consent(
    house: House, who: Who, series: str, given: Answer, names: Names, version: int, *, renewing: bool
) -> Recorded:
    """Changes or renews what is live; the whole set again. A narrower one holds at once, and rotates the keys.

    ``version`` is how many events the recorder saw: two who narrow at once must not widen for each other. Raises
    AnswerError, StateError, StaleError, NotThereError, NeverAllowedError, WrongStateError.
    """
    action = Action.CONSENT_RENEW if renewing else Action.CONSENT_CHANGE
    build: Agree = answer.renew if renewing else answer.change

    async def job(tx: Transaction) -> Done[tuple[Recorded, CaseRow]] | Done[Refused]:
        found = await _find(tx, series)
        admitted = await _admit(tx, house, who, action, found)
        if isinstance(admitted, Done) or found is None:
            return admitted if isinstance(admitted, Done) else Done(outcome=Refused(NotThereError()))
        row, tree = admitted.situation.case, admitted.situation.tree
        if standing(found.events, house.clock()).state is not State.LIVE:
            raise StateError(StateFault.NOT_LIVE)
        if version != len(found.events):
            raise StaleError
        await _check_witness(tx, house, row, given)
        grown, _, records = await agree(tx, house, who, row, found, given, names, build, tree)
        return Done(outcome=(_recorded(house, grown), row), records=records)

    recorded, row = (await settle_write(house, who, job)).outcome
    await _rotate_if_due(house, who, row)
    return recorded


async def _rotate_if_due(house: House, who: Who, row: CaseRow) -> None:
    bundle = await house.look(lambda tx: keys.bundle(tx, row.id))
    if bundle is not None and bundle.rotation_due:
        with suppress(UnavailableError):  # the change is committed; the next write rotates
            await rotate(house, who, row.id)


async def confirm_consent(house: House, who: Who, series: str, version: int) -> Recorded:
    """The witness confirms a spoken answer within 24 hours; only then do the keys go to the recipient.

    ``version`` is how many events the witness saw: an answer that took the place of the one heard is not confirmed.

    Raises StateError (409), NotThereError, NeverAllowedError, WrongStateError.
    """

    async def job(tx: Transaction) -> Done[Recorded] | Done[Refused]:
        found = await _find(tx, series)
        admitted = await _admit(tx, house, who, Action.CONSENT_CONFIRM, found)
        if isinstance(admitted, Done) or found is None:
            return admitted if isinstance(admitted, Done) else Done(outcome=Refused(NotThereError()))
        row, tree = admitted.situation.case, admitted.situation.tree
        if _recorded_by(found.events, who, house):
            same, error = LogReason.SAME_PERSON, StateError(StateFault.BY_RECORDER)
            return await refuse(tx, house, who, LogEvent.CONSENT_CONFIRM, same, error, case=row, series=found)
        if standing(found.events, house.clock()).waiting is not None and version != len(found.events):
            raise StaleError
        grown, _, records = await confirm(tx, house, who, row, found, tree)
        return Done(outcome=_recorded(house, grown), records=records)

    return (await settle_write(house, who, job)).outcome


async def withdraw_consent(house: House, who: Who, series: str, how: Withdrawal) -> None:
    """Withdraws, at once, with nobody's key. Done twice it is done once.

    ``series`` is the id or the receipt number. Raises NotThereError, NeverAllowedError, AnswerError for a day in
    the future.
    """

    async def job(tx: Transaction) -> Done[None] | Done[Refused]:
        found = await _find(tx, series)
        admitted = await _admit(tx, house, who, Action.CONSENT_WITHDRAW, found)
        if isinstance(admitted, Done) or found is None:
            return admitted if isinstance(admitted, Done) else Done(outcome=Refused(NotThereError()))
        row, tree = admitted.situation.case, admitted.situation.tree
        records: list[Record] = []
        try:
            event = answer.withdraw(found.events, stamp(house, who.principal.user), how)
        except StateError:
            grown = found  # nothing to withdraw any more: whatever is left of it goes all the same
        else:
            grown, record = await add(tx, house, who, row, found, event, tree)
            records.append(record)
        records += await revoke(tx, house, who, row, grown, tree)
        return Done(outcome=None, records=tuple(records))

    await settle(house, job)


async def _find(tx: Transaction, series: str) -> Series | None:
    """The series of an id or of a receipt number; one without an event is nobody's yet."""
    found = read_id(SERIES, series)
    if found is not None:
        return await consents.series(tx, SeriesId(found))
    return await consents.series_numbered(tx, series)


async def _admit(
    tx: Transaction, house: House, who: Who, action: Action, found: Series | None
) -> Admitted | Done[Refused]:
    if found is None:
        return await admit(tx, house, who, action, None)
    mine = found.recipient if found.recipient != who.principal.organisation else None
    return await admit(tx, house, who, action, found.case, recipient=mine, series=found)


def _recorded_by(events: Sequence[ConsentEvent], who: Who, house: House) -> bool:
    """Whether the spoken answer that waits was recorded by the caller, who then cannot confirm it."""
    waiting = standing(events, house.clock()).waiting if events else None
    return waiting is not None and waiting.recorder == who.principal.user
