"""The one step in which a person's agreement becomes keys: given, confirmed, changed or renewed.

Event, newly sealed grant and entries are one transaction. A spoken answer that waits for its witness gets no grant;
an earlier consent that is live goes on. A narrower agreement is granted anew at once, and then the keys are rotated.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cases.fields import Purpose
from consent import answer
from consent.answer import Answer, Stamp, Terms
from consent.codes import Language
from consent.errors import NoticeError
from consent.grant import grant
from consent.notice import notice_at
from consent.record import Event as ConsentEvent
from consent.standing import Standing, State, standing
from crypto.keys import GroupKeys, ShredKey, fingerprint
from service.flows.consent_ends import add, stamp
from service.flows.errors import InvalidError, WrongStateError
from service.flows.granting import issue, recipient_group, revoke_ended
from service.flows.keys import Ring, open_owner_ring
from service.flows.names import Names, Place, seal_names
from service.flows.rotation import load_writing_keys
from service.flows.sealing import grow
from service.flows.situation import Situation
from service.house import House, Who
from service.store import keys
from service.store.cases import CaseRow
from service.store.consents import Series
from service.store.engine import Transaction
from service.store.log import Record

Agree = Callable[[answer.Series, Sequence[ConsentEvent], Stamp, Answer, Terms], ConsentEvent]


def about(series: Series) -> answer.Series:
    """The series as the consent package names it."""
    return answer.Series(
        series=series.id,
        receipt=series.number,
        case=series.case,
        recipient=series.recipient,
        purpose=Purpose(series.purpose),
    )


async def terms(
    tx: Transaction,
    house: House,
    case: CaseRow,
    series: Series,
    version: int,
    language: Language,
    *,
    with_key: bool,
) -> Terms:
    """What the answer is checked against. Raises InvalidError for a notice that is none, and
    WrongStateError(recipient_no_key) where the recipient has no key and ``with_key`` asks for it."""
    purpose = Purpose(series.purpose)
    try:
        notice = notice_at(purpose, version, language)
    except NoticeError:
        raise InvalidError("notice_version", "unknown") from None
    mark = bytes(32)
    if with_key:
        group = await recipient_group(tx, series.recipient)
        mark = fingerprint(group.x25519, group.ed25519)
    return Terms(
        offer=house.policy.registry.offer(purpose),
        notice=notice,
        conditions_both=case.conditions.both,
        recipient_key=mark,
    )


async def agree(
    tx: Transaction,
    house: House,
    who: Who,
    case: CaseRow,
    series: Series,
    given: Answer,
    names: Names,
    build: Agree,
    tree: int,
) -> tuple[Series, Standing, tuple[Record, ...]]:
    """Records an agreement built by ``build`` (give, change, renew) and seals the keys where it is live."""
    owner = await load_writing_keys(tx, house, who, case)
    opened = open_owner_ring(house, who, owner)
    ring, hashes = await grow(tx, house, owner, opened, (series.recipient.bytes,))
    sealed = seal_names(
        house, ring, case, Place(series=series.id.bytes, number=len(series.events) + 1), names
    )
    checked = await terms(tx, house, case, series, given.notice_version, given.language, with_key=True)
    full = replace(given, named=names.named, sealed_names=sealed)
    event = build(about(series), series.events, stamp(house, who.principal.user), full, checked)
    keyed = (ring, opened[1], opened[2])
    return await _record(tx, house, who, case, series, event, tree, keyed, hashes)


async def confirm(
    tx: Transaction, house: House, who: Who, case: CaseRow, series: Series, tree: int
) -> tuple[Series, Standing, tuple[Record, ...]]:
    """The witness confirms the spoken answer: the keys are sealed. Raises StateError, WrongStateError(conditions)."""
    if Purpose(series.purpose) is Purpose.FOOD_SUPPORT and not case.conditions.both:
        raise WrongStateError("conditions")
    event = answer.confirm(series.events, stamp(house, who.principal.user))
    owner = await load_writing_keys(tx, house, who, case)
    opened = open_owner_ring(house, who, owner)
    return await _record(tx, house, who, case, series, event, tree, opened)


async def _record(
    tx: Transaction,
    house: House,
    who: Who,
    case: CaseRow,
    series: Series,
    event: ConsentEvent,
    tree: int,
    opened: tuple[Ring, GroupKeys, ShredKey],
    hashes: bytes = b"",
) -> tuple[Series, Standing, tuple[Record, ...]]:
    """Appends the event; where it is now the one that justifies, its grant replaces the one before."""
    grown, record = await add(tx, house, who, case, series, event, tree, hashes)
    after = standing(grown.events, house.clock())
    if after.state is not State.LIVE or after.event != event:
        return grown, after, (record, *await revoke_ended(tx, house, who, case, grown, tree))
    agreed = grant(after, grown.stored[-1])
    sealed = await issue(tx, house, who, case, agreed, grown, *opened, tree)
    return grown, after, (record, sealed)


async def ensure_grant(tx: Transaction, house: House, who: Who, situation: Situation) -> tuple[Record, ...]:
    """Where the consent is live and its grant is gone (a request was declined before), seals it anew."""
    series, stands = situation.series, situation.standing
    if series is None or stands is None or stands.state is not State.LIVE or stands.event is None:
        return ()
    if await keys.grant(tx, series.id) is not None:
        return ()
    opened = open_owner_ring(house, who, await load_writing_keys(tx, house, who, situation.case))
    agreed = grant(stands, series.stored[stands.event.number - 1])
    return (await issue(tx, house, who, situation.case, agreed, series, *opened, situation.tree),)
