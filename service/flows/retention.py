"""Texts that go: one entry's, by two people; old ones, when their time is over. The hashes stay for ever.

Rules kept here:
- The entry that says so is durable first; then the text goes, from the database and from the disk.
- Only what is signed is taken out, and what is pruned only below what a witness has cosigned: else nobody outside
  could tell that it was there.
- Whole entry bundles are pruned, never a tile of hashes.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from audit.event import Event
from audit.leaf import scan_leaf
from audit.tiles import WIDTH
from audit.times import write_time
from cases.ids import USER, write_id
from policies.who import Role
from service.flows.console import AdministrationError, Present, Problem, record
from service.flows.entries import detailed
from service.flows.notary import has_ended, publish
from service.flows.proven import tree_state
from service.house import House
from service.store import organisations, trees, users
from service.store.details import erase_details
from service.store.engine import Transaction
from service.store.log import Record
from service.store.trees import TreeRow
from service.store.users import UserState
from service.store.writer import Done

PIECE = 4096
"""Texts that go in one transaction."""

_TOKYO = ZoneInfo("Asia/Tokyo")
_KEPT = frozenset({Event.REDACT_ENTRY, Event.RETENTION_PRUNE, Event.LOG_CONTINUE, Event.SYSTEM_START})
"""What is never redacted: without it nobody could tell what was taken out, or where a log begins."""


async def redact_entry(
    house: House, tree: int, index: int, reason: str, first: Present, second: Present
) -> None:
    """Takes one entry's text out: an auditor of the log and a supervisor or coordinator, both present.

    Raises AdministrationError: SAME_PERSON, NOT_FOR_ROLE, NO_ENTRY, NOT_SIGNED (publish first), NOT_REDACTABLE,
    LOG_ENDED.
    """
    if first.user == second.user:
        raise AdministrationError(Problem.SAME_PERSON)
    row = await _signed(house, tree)

    async def job(tx: Transaction) -> Done[None]:
        await _check_two(tx, tree, first, second)
        await _check_redactable(tx, house, row, index)
        made = record(house, tree, Event.REDACT_ENTRY, first.organisation, present=first)
        about = replace(made.entry, reference=index, on_behalf_of=write_id(USER, second.user))
        return Done(outcome=None, records=(detailed(house, tree, about, {"reason": reason}),))

    await house.commit(job)
    await _take_out(house, tree, index, index + 1)
    await house.forget_deleted()


async def _signed(house: House, tree: int) -> TreeRow:
    """The tree, signed as far as it goes now. Raises AdministrationError(LOG_ENDED): a log that has ended has no place
    for the entry that says what goes."""
    row = await house.look(lambda tx: trees.tree_of_number(tx, tree))
    if has_ended(house, row):
        raise AdministrationError(Problem.LOG_ENDED)
    await publish(house, row)
    return row


async def _check_two(tx: Transaction, tree: int, first: Present, second: Present) -> None:
    """An auditor appointed to the tree, and somebody who leads work on cases: neither can do it alone.

    Who is present is believed in the transaction again: somebody who was stopped meanwhile takes nothing out.
    """
    for present in (first, second):
        row = await users.user(tx, present.user)
        if row is None or row.state is not UserState.ACTIVE or row.version != present.version:
            raise AdministrationError(Problem.NOT_FOR_ROLE)
    mine = {one.number for one in await trees.trees_of(tx, first.user)}
    leads = second.role in (Role.SUPERVISOR, Role.NPO_COORDINATOR)
    if first.role is not Role.AUDITOR or tree not in mine or not leads:
        raise AdministrationError(Problem.NOT_FOR_ROLE)


async def _check_redactable(tx: Transaction, house: House, tree: TreeRow, index: int) -> None:
    found = await trees.entry(tx, tree.number, index)
    if found is None or found.leaf is None:
        raise AdministrationError(Problem.NO_ENTRY)
    if index >= (await tree_state(tx, house, tree)).signed:
        raise AdministrationError(Problem.NOT_SIGNED)
    if Event(scan_leaf(found.leaf.encode("ascii"))["ev"]) in _KEPT:
        raise AdministrationError(Problem.NOT_REDACTABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """The texts below ``below`` are gone; ``count`` of them went now."""

    below: int
    count: int


async def prune_log(house: House, tree: int, before: date) -> Pruned:
    """Takes out the texts of the entries before that day in Tokyo, in whole bundles, below the last cosigned size.

    Raises AdministrationError: TOO_EARLY for a day within the time that entries are kept, LOG_ENDED.
    """
    start = datetime(before.year, before.month, before.day, tzinfo=_TOKYO)
    today = house.clock().astimezone(_TOKYO).date()
    if before > today or today < _after_years(before, house.settings.retention):
        raise AdministrationError(Problem.TOO_EARLY)
    row = await _signed(house, tree)

    async def job(tx: Transaction) -> Done[int]:
        state = await tree_state(tx, house, row)
        cosigned = max((one.size for one in state.cosigned), default=0)
        first = await trees.first_index_since(tx, tree, write_time(start))
        below = min(cosigned, state.size if first is None else first) // WIDTH * WIDTH
        if below <= await trees.pruned_below(tx, tree):
            return Done(outcome=await trees.pruned_below(tx, tree))
        return Done(outcome=below, records=(await _pruning(tx, house, tree, below, before),))

    below = (await house.commit(job)).outcome
    count = 0
    for at in range(0, below, PIECE):
        count += await _take_out(house, tree, at, min(at + PIECE, below))
    await house.forget_deleted()
    return Pruned(below=below, count=count)


def _after_years(day: date, years: int) -> date:
    """The same day so many years later; a 29 February that there is not is 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


async def _pruning(tx: Transaction, house: House, tree: int, below: int, before: date) -> Record:
    operated = await organisations.instance(tx)
    if operated is None:
        raise AdministrationError(Problem.NO_TREE)
    made = record(house, tree, Event.RETENTION_PRUNE, operated.operator)
    about = replace(made.entry, reference=below)
    return detailed(house, tree, about, {"before": before.isoformat()})


async def _take_out(house: House, tree: int, first: int, stop: int) -> int:
    """The texts and details of these entries go; a trigger lets it pass only after the entry that says so."""

    async def job(tx: Transaction) -> Done[int]:
        count = await trees.take_out_texts(tx, tree, first, stop)
        await erase_details(tx, tree, first, stop)
        return Done(outcome=count)

    return (await house.commit(job)).outcome
