"""What happens to a case as a whole: the two conditions are answered, it is assigned, it is closed (manual step 1)."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from audit.event import Event
from cases.closing import ClosingReason
from cases.eligibility import Conditions
from cases.ids import USER, UserId, write_id
from policies.actions import Action
from service.flows.cases import CaseKept, field_values, next_rows
from service.flows.consent_ends import end_consents
from service.flows.digests import assignment_digest
from service.flows.entries import Refusal, entry, settle, written
from service.flows.errors import InvalidError, StaleError
from service.flows.keys import open_owner_ring
from service.flows.rotation import load_writing_keys, settle_write
from service.flows.sealing import put_rows
from service.flows.situation import admit
from service.house import House, Who
from service.store import cases, users
from service.store.cases import CaseRow
from service.store.engine import Transaction
from service.store.log import Record, digest_of
from service.store.users import UserState
from service.store.writer import Done


async def set_conditions(
    house: House, who: Who, case: UUID | None, conditions: Conditions, version: int
) -> CaseKept:
    """Answers the two conditions (manual 1). A "no" ends the live food-support consents in the same transaction.

    Raises NotThereError, NeverAllowedError, StaleError, WrongStateError(closed).
    """

    async def job(tx: Transaction) -> Done[CaseKept] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.CASE_CONDITIONS, case)
        if isinstance(admitted, Done):
            return admitted
        row = admitted.situation.case
        if row.version != version:
            raise StaleError
        changed = await cases.change_case(tx, replace(row, conditions=conditions))
        tree = admitted.situation.tree
        records = [Record(tree=tree, entry=entry(house, who, Event.CASE_UPDATE, case=row))]
        if conditions.denied:
            records += await end_consents(tx, house, who, row, tree, only_food_support=True)
        kept = CaseKept(id=row.id, number=row.number, version=changed.version)
        return Done(outcome=kept, records=tuple(records))

    return (await settle(house, job)).outcome


async def assign_case(
    house: House, who: Who, case: UUID | None, users_: Collection[UserId], remove: bool
) -> CaseKept:
    """Assigns the case to caseworkers of the owner, or takes the assignment back.

    Raises NotThereError, NeverAllowedError, InvalidError for a user that cannot work on cases of the owner.
    """

    async def job(tx: Transaction) -> Done[CaseKept] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.CASE_ASSIGN, case)
        if isinstance(admitted, Done):
            return admitted
        row = admitted.situation.case
        records = []
        for user in sorted(set(users_)):
            await _check_assignee(tx, row, user)
            await (
                cases.unassign(tx, row.id, user) if remove else cases.assign(tx, row.id, user, house.clock())
            )
            digest = assignment_digest(row.id, user, taken=remove)
            made = entry(house, who, Event.CASE_ASSIGN, case=row, object=write_id(USER, user), digest=digest)
            records.append(Record(tree=admitted.situation.tree, entry=made))
        kept = CaseKept(id=row.id, number=row.number, version=row.version)
        return Done(outcome=kept, records=tuple(records))

    return (await settle(house, job)).outcome


async def _check_assignee(tx: Transaction, row: CaseRow, user: UserId) -> None:
    found = await users.user(tx, user)
    if found is None or found.organisation != row.owner or found.state is not UserState.ACTIVE:
        raise InvalidError("users", "unknown")


async def close_case(
    house: House, who: Who, case: UUID | None, reason: ClosingReason, note: object, version: int
) -> CaseKept:
    """Closes the case: every consent ends, grants go, open requests stop, in one transaction.

    ``note`` is the raw value of ``outcome_note``, None for none. Raises as `update_case`.
    """
    values = field_values(house, {} if note is None else {"outcome_note": note})

    async def job(tx: Transaction) -> Done[CaseKept] | Done[Refusal]:
        admitted = await admit(tx, house, who, Action.CASE_CLOSE, case)
        if isinstance(admitted, Done):
            return admitted
        row, tree = admitted.situation.case, admitted.situation.tree
        if row.version != version:
            raise StaleError
        hashes = b""
        if values:
            ring = open_owner_ring(house, who, await load_writing_keys(tx, house, who, row))[0]
            hashes = await put_rows(tx, row, await next_rows(tx, house, ring, row, values))
        closed = replace(row, closed=house.clock(), closing_reason=reason)
        changed = await cases.change_case(tx, closed)
        made = entry(house, who, Event.CASE_CLOSE, case=row, digest=digest_of(hashes))
        ended = await end_consents(tx, house, who, row, tree, only_food_support=False)
        kept = CaseKept(id=row.id, number=row.number, version=changed.version)
        return Done(outcome=kept, records=(written(tree, made, hashes), *ended))

    return (await settle_write(house, who, job)).outcome
