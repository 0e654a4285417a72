"""Entries for the log, in the one place where a flow's words become the leaf's codes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from audit.event import Decision, Entry, Event, Flag, Reason, Via
from audit.event import Purpose as LogPurpose
from cases.fields import Purpose, Slot
from cases.ids import (
    CASE,
    COLLABORATION,
    ORGANISATION,
    SERIES,
    USER,
    CollaborationId,
    OrganisationId,
    write_id,
)
from consent.record import event_hash
from policies.actions import Action
from service.house import House, Who
from service.store import sessions, trees
from service.store.cases import CaseRow
from service.store.consents import Series
from service.store.details import Detail, write_detail
from service.store.engine import Transaction
from service.store.log import Record, digest_of
from service.store.writer import Committed, Done, Job

Outcome = TypeVar("Outcome")

DENIALS_A_MINUTE = 60
_MINUTE = timedelta(minutes=1)

EVENT_OF = {
    Action.CASE_ASSIGN: Event.CASE_ASSIGN,
    Action.CASE_CLOSE: Event.CASE_CLOSE,
    Action.CASE_CONDITIONS: Event.CASE_UPDATE,
    Action.CASE_CREATE: Event.CASE_CREATE,
    Action.CASE_DISCLOSE: Event.DISCLOSURE_ASK,
    Action.CASE_LIST: Event.CASE_LIST,
    Action.CASE_LOOKS: Event.LOG_SEARCH,
    Action.CASE_READ: Event.CASE_READ,
    Action.CASE_SEARCH: Event.CASE_SEARCH,
    Action.CASE_UPDATE: Event.CASE_UPDATE,
    Action.CONSENT_CHANGE: Event.CONSENT_CHANGE,
    Action.CONSENT_CONFIRM: Event.CONSENT_CONFIRM,
    Action.CONSENT_READ: Event.CASE_READ,
    Action.CONSENT_RECORD: Event.CONSENT_GIVE,
    Action.CONSENT_RENEW: Event.CONSENT_RENEW,
    Action.CONSENT_WITHDRAW: Event.CONSENT_WITHDRAW,
    Action.DISCLOSURE_APPROVE: Event.DISCLOSURE_APPROVE,
    Action.DISCLOSURE_LIST: Event.DISCLOSURE_APPROVE,
    Action.INBOX_READ: Event.CASE_LIST,
    Action.LEDGER_CORRECT: Event.LEDGER_WRITE,
    Action.LEDGER_DELIVER: Event.LEDGER_WRITE,
    Action.LEDGER_OBSERVE: Event.LEDGER_WRITE,
    Action.LEDGER_READ: Event.LEDGER_READ,
    Action.LEDGER_REPLY: Event.LEDGER_WRITE,
    Action.LOG_COSIGN: Event.LOG_VERIFY,
    Action.LOG_EXPORT: Event.LOG_EXPORT,
    Action.LOG_HASHES: Event.LOG_VERIFY,
    Action.LOG_LIST: Event.LOG_OPEN,
    Action.LOG_PROVE: Event.LOG_VERIFY,
    Action.LOG_READ: Event.LOG_SEARCH,
    Action.LOG_REVIEW: Event.LOG_SEARCH,
    Action.RECEIPT_READ: Event.LOG_VERIFY,
    Action.REQUEST_ACCEPT: Event.REQUEST_ACCEPT,
    Action.REQUEST_CANCEL: Event.REQUEST_CANCEL,
    Action.REQUEST_COMPLETE: Event.REQUEST_COMPLETE,
    Action.REQUEST_CREATE: Event.REQUEST_DRAFT,
    Action.REQUEST_DECLINE: Event.REQUEST_DECLINE,
    Action.REQUEST_READ: Event.FIELD_RELEASE,
    Action.REQUEST_SEND: Event.REQUEST_SEND,
}


class Refusal:
    """A job's outcome that is committed with its entry and raised afterwards: a refusal keeps its line."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


async def settle(house: House, job: Job[Outcome | Refusal]) -> Committed[Outcome]:
    """Commits the job; raises the error of a refusal once its entry is durable."""
    committed = await house.commit(job)
    outcome = committed.outcome
    if isinstance(outcome, Refusal):
        raise outcome.error
    return Committed(outcome=outcome, receipts=committed.receipts)


def entry(
    house: House,
    who: Who | None,
    event: Event,
    *,
    case: CaseRow | None = None,
    id: bytes | None = None,
    object: str | None = None,
    reference: int | None = None,
    digest: bytes | None = None,
    reason: Reason | None = None,
    decision: Decision = Decision.PERMIT,
    purpose: LogPurpose | None = None,
    fields: Iterable[str] = (),
    withheld: Iterable[str] = (),
    series: Series | None = None,
    event_number: int | None = None,
    count: int | None = None,
    flags: tuple[Flag, ...] = (),
) -> Entry:
    """An entry by this caller (None: the clock), under the policy in force; ids as text forms, digests as 32 bytes.

    ``event_number``: the event of ``series`` that justifies what is done, None: its newest one.
    """
    return replace(
        _by(house, who, event, house.random(16) if id is None else id),
        subject=None if case is None else write_id(CASE, case.id),
        object=object,
        reference=reference,
        digest=digest,
        decision=decision,
        reason=reason,
        purpose=purpose,
        fields=tuple(sorted(fields)),
        withheld=tuple(sorted(withheld)),
        consent=None if series is None else named(series, event_number),
        count=count,
        flags=flags,
    )


def _by(house: House, who: Who | None, event: Event, id: bytes) -> Entry:
    """The part of an entry that says who, in which request, under which policy."""
    if who is None:
        return Entry(event=event, id=id, policy=house.policy.digest, via=Via.JOB)
    principal = who.principal
    return Entry(
        event=event,
        id=id,
        actor=write_id(USER, principal.user),
        role=principal.role.value,
        organisation=write_id(ORGANISATION, principal.organisation),
        policy=house.policy.digest,
        request_id=who.request,
        session=who.mark,
        via=who.via,
    )


def named(series: Series, event_number: int | None = None) -> tuple[str, int, bytes] | None:
    """An event of a series as the leaf names it, None: its newest one: id, number, hash."""
    if not series.stored:
        return None
    number = event_number or len(series.stored)
    return write_id(SERIES, series.id), number, event_hash(series.stored[number - 1])


def codes(house: House, slots: Iterable[Slot]) -> tuple[str, ...]:
    """The codes of the slots, sorted, as the log and the API say them."""
    by_slot = house.policy.registry.by_slot
    return tuple(sorted(str(by_slot[slot].code) for slot in slots))


def purpose_for(who: Who, case: CaseRow, series: Series | None) -> LogPurpose:
    """Why values are opened: the owner's own work, or what the person agreed to."""
    if (
        series is None
        or who.principal.organisation == case.owner
        or series.purpose != Purpose.FOOD_SUPPORT.value
    ):
        return LogPurpose.OWN_WORK
    return LogPurpose.FOOD_SUPPORT


async def tree_of_case(tx: Transaction, case: CaseRow) -> int:
    """The number of the tree of the case's collaboration."""
    return await tree_of_collaboration(tx, case.collaboration)


async def tree_of_collaboration(tx: Transaction, collaboration: CollaborationId) -> int:
    found = await trees.newest_tree(tx, write_id(COLLABORATION, collaboration))
    if found is None:
        raise RuntimeError("a collaboration has a tree")
    return found.number


async def tree_of_organisation(tx: Transaction, organisation: OrganisationId) -> int:
    """The number of the organisation's system tree: sign-ins, people, and looks at what is not there."""
    found = await trees.newest_tree(tx, write_id(ORGANISATION, organisation))
    if found is None:
        raise RuntimeError("an organisation has a tree")
    return found.number


async def refuse(
    tx: Transaction,
    house: House,
    who: Who,
    event: Event,
    reason: Reason,
    error: Exception,
    *,
    case: CaseRow | None = None,
    series: Series | None = None,
    object: str | None = None,
) -> Done[Refusal]:
    """A refusal and its entry; past a number a minute only its count is kept, and logged when the minute is over."""
    own = await tree_of_organisation(tx, who.principal.organisation)
    tree = own if case is None else await tree_of_case(tx, case)
    denied = entry(
        house,
        who,
        event,
        case=case,
        series=series,
        object=object,
        decision=Decision.DENY,
        reason=reason,
    )
    records = await _counted(tx, house, who, Record(tree=tree, entry=denied), own)
    return Done(outcome=Refusal(error), records=records)


async def _counted(tx: Transaction, house: House, who: Who, denied: Record, own: int) -> tuple[Record, ...]:
    now = house.clock()
    user = who.principal.user
    since, logged, suppressed = await sessions.denials(tx, user)
    if now - since >= _MINUTE:
        await sessions.put_denials(tx, user, now, 1, 0)
        return (suppressed_record(house, who, own, suppressed), denied) if suppressed else (denied,)
    if logged < DENIALS_A_MINUTE:
        await sessions.put_denials(tx, user, since, logged + 1, suppressed)
        return (denied,)
    await sessions.put_denials(tx, user, since, logged, suppressed + 1)
    return ()


def suppressed_record(house: House, who: Who, tree: int, count: int) -> Record:
    """The entry that stands for refusals which were only counted."""
    return Record(
        tree=tree,
        entry=entry(
            house, who, Event.DENY_SUPPRESSED, decision=Decision.DENY, reason=Reason.THROTTLED, count=count
        ),
    )


def detailed(house: House, tree: int, entry: Entry, said: Mapping[str, str]) -> Record:
    """A record of an entry with an erasable detail beside it: the leaf commits to it and shows nothing of it."""
    detail = Detail(text=write_detail(said), salt=house.random(32), nonce=house.random(24))
    return Record(tree=tree, entry=replace(entry, detail=detail.commitment), detail=detail)


def written(tree: int, entry: Entry, hashes: bytes) -> Record:
    """A record of an entry that wrote sealed rows: their hashes are kept beside it, their digest is in it."""
    if entry.digest != digest_of(hashes):
        raise RuntimeError("the entry's digest is that of the rows")
    return Record(tree=tree, entry=entry, hashes=hashes)
