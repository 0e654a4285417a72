"""The rows compared with what the log says of them: each table by itself, in pieces.

A row of which the log names a newer state is ``old``, one that it does not know is ``planted``, and one that it knows
and that is not there is ``deleted``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from audit.event import Event
from cases.ids import USER, UserId
from cases.request import Stage
from crypto.context import member_context
from crypto.errors import CryptoError
from crypto.grant import decode_header
from service.flows.digests import unlock_digest
from service.flows.fsck.findings import Code, Find, Finding, found_all, id_of, ids_of
from service.flows.fsck.tables import each
from service.flows.fsck.told import GONE, Told
from service.store.errors import TamperedError
from service.store.fsck import Table
from service.store.reader import Look
from service.store.values import Row, Value, as_bytes, as_int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How one table is compared.

    ``kinds`` are those of the ids that a row begins with and that its key is made of. ``judge`` says what is wrong
    with a row, and takes it off what the log knows; ``left`` are the keys of the rows that should be there as well.
    """

    table: Table
    kinds: str
    judge: Callable[[Told, bytes, Row], Code | None]
    left: Callable[[Told], Iterable[bytes]]


async def compare_rows(look: Look, told: Told, find: Find) -> None:
    """Compares every table of the list below with the log."""
    for comparison in COMPARISONS:
        await _compare(look, told, find, comparison)


async def _compare(look: Look, told: Told, find: Find, comparison: Comparison) -> None:
    kinds = comparison.kinds

    def see(row: Row) -> None:
        code = comparison.judge(told, _key(row[: len(kinds)]), row)
        if code is not None:
            ids = ids_of(*zip(kinds, row, strict=False))
            find(Finding(code=code, table=comparison.table, ids=ids))

    if await each(look, comparison.table, see, find):
        found_all(find, Code.DELETED, comparison.table, kinds, list(comparison.left(told)))


def _key(values: Iterable[Value]) -> bytes:
    """The raw ids behind each other; what is no id makes a key that nothing has."""
    return b"".join(value if isinstance(value, bytes) and len(value) == 16 else b"?" for value in values)


def _unknown(told: Told) -> Code | None:
    return None if told.gaps else Code.PLANTED


def _user(told: Told, key: bytes, row: Row) -> Code | None:
    said = told.rights.pop(key, None)
    if said is None:
        return _unknown(told)
    rights = "\n".join((id_of(USER, row[0]), *(part if isinstance(part, str) else "?" for part in row[1:])))
    return None if sha256(rights.encode("utf-8")).digest() == said else Code.OLD


def _unlock(told: Told, key: bytes, row: Row) -> Code | None:
    said = told.unlocks.pop(key, None)
    if said is None:
        return None  # no new password since the user was added
    try:
        cost = (as_int(row[2]), as_int(row[3]), as_int(row[4]))
        made = unlock_digest(UserId(UUID(bytes=key)), as_bytes(row[1]), cost)
    except (TamperedError, CryptoError):
        return Code.OLD
    return None if made == said else Code.OLD


def _seal(told: Told, key: bytes, row: Row) -> Code | None:
    said = told.seals.pop(key, None)
    if said is None:
        return _unknown(told)
    try:
        place = member_context(as_bytes(row[1]), as_int(row[2]), key, as_bytes(row[3]))
    except (TamperedError, CryptoError):
        return Code.OLD
    return None if sha256(place).digest() == said else Code.OLD


def _assignment(told: Told, key: bytes, _row: Row) -> Code | None:
    if key not in told.assigned:
        return _unknown(told)
    return Code.OLD if told.assigned.pop(key) is False else None


def _grant(told: Told, key: bytes, row: Row) -> Code | None:
    said = told.grants.pop(key, None)
    if said is None:
        return _unknown(told)
    if row[2] != said:
        return Code.OLD
    try:
        terms = decode_header(as_bytes(row[3])).terms
    except (TamperedError, CryptoError):
        return Code.CHANGED
    return None if (terms.series, terms.case) == (key, row[1]) else Code.CHANGED


def _bundle(told: Told, key: bytes, row: Row) -> Code | None:
    """New keys are due from the revocation of a grant until the rotation: a bundle that says otherwise is older."""
    told.bundles.discard(key)
    return Code.OLD if told.due.get(key, False) and row[1] == 0 else None


def _shred(told: Told, key: bytes, _row: Row) -> Code | None:
    told.shreds.discard(key)
    return None


def _case(told: Told, key: bytes, row: Row) -> Code | None:
    closed = told.cases.pop(key, None)
    if closed is None:
        return _unknown(told)
    return None if (row[1] is not None) == closed else Code.OLD


STAGES = {
    Event.REQUEST_DRAFT: Stage.DRAFT,
    Event.REQUEST_SEND: Stage.SENT,
    Event.REQUEST_ACCEPT: Stage.ACCEPTED,
    Event.REQUEST_DECLINE: Stage.DECLINED,
    Event.REQUEST_CANCEL: Stage.CANCELLED,
    Event.REQUEST_COMPLETE: Stage.COMPLETED,
    Event.REQUEST_STOP: Stage.STOPPED,
}
"""The stage of a request after its newest entry; a hand-over moves an accepted one on, with an entry of its own."""


def _request(told: Told, key: bytes, row: Row) -> Code | None:
    said = told.requests.pop(key, None)
    if said is None:
        return _unknown(told)
    stage, delivered = STAGES[Event(said)], row[3] == 1
    if stage is Stage.ACCEPTED and (delivered or row[2] == Stage.DELIVERED.value):
        stage = Stage.DELIVERED  # where the hand-over's row is gone, that is the finding
    return None if row[2] == stage.value else Code.OLD


def _ledger(told: Told, key: bytes, row: Row) -> Code | None:
    said = told.ledger.pop(key, None)
    if said is None:
        return _unknown(told)
    thread = row[5] if row[5] is not None else row[4]  # where the text is gone, that is the finding
    return None if (row[1:4], thread) == (said, row[4]) else Code.CHANGED


COMPARISONS = (
    Comparison(table=Table.USER, kinds="u", judge=_user, left=lambda told: told.rights),
    Comparison(
        table=Table.UNLOCK,
        kinds="u",
        judge=_unlock,
        left=lambda told: (key for key, said in told.unlocks.items() if said is not None),
    ),
    Comparison(
        table=Table.MEMBER_SEAL,
        kinds="u",
        judge=_seal,
        left=lambda told: (key for key, said in told.seals.items() if said != GONE),
    ),
    Comparison(table=Table.BUNDLE, kinds="c", judge=_bundle, left=lambda told: told.bundles),
    Comparison(table=Table.CASE_KEY, kinds="c", judge=_shred, left=lambda told: told.shreds),
    Comparison(table=Table.CASES, kinds="c", judge=_case, left=lambda told: told.cases),
    Comparison(
        table=Table.ASSIGNMENT,
        kinds="cu",
        judge=_assignment,
        left=lambda told: (key for key, given in told.assigned.items() if given),
    ),
    Comparison(
        table=Table.SEALED_GRANT,
        kinds="k",
        judge=_grant,
        left=lambda told: (key for key, said in told.grants.items() if said != GONE),
    ),
    Comparison(table=Table.REQUEST, kinds="r", judge=_request, left=lambda told: told.requests),
    Comparison(table=Table.LEDGER_ROW, kinds="w", judge=_ledger, left=lambda told: told.ledger),
)
"""Every table that is compared row by row; sealed values and consent series have files of their own."""
