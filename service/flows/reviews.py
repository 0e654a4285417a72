"""The ready-made reviews of a log for its auditor, and what the auditor says of a finding.

The questions are `audit.reviews`; here is only what they are asked with. A review shows no name and no case content:
accounts, cases and entries by their ids. Asking is an entry, and so is each finding that was checked, with its reason
in the erasable detail.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from structlog import get_logger

from audit.event import Event
from audit.event import Purpose as LogPurpose
from audit.event import Reason as LogReason
from audit.reviews import Account, Context, Findings, Review, Reviewing
from cases.ids import CASE, COLLABORATION, USER, CollaborationId, read_id, write_id
from policies.actions import Action
from policies.words import Scope
from service.flows.beside import read_beside, read_row
from service.flows.entries import Refusal, detailed, entry, refuse, settle
from service.flows.errors import InvalidError, NotThereError
from service.flows.hours import HOURS, is_holiday
from service.flows.log import admit_auditor, tree_of_looks
from service.house import House, Who
from service.store import looks, trees
from service.store import reviews as store
from service.store.engine import Transaction
from service.store.errors import TamperedError
from service.store.log import Record
from service.store.trees import EntryRow, TreeRow
from service.store.writer import Done

PIECE = 512
"""Entries looked at before others get their turn."""
MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What the reviews of a log found, and what they were asked with.

    ``damaged``: the entries whose text is none, or whose detail is not the one that they commit to. What stood there
    is not known, so that the findings may lack it; `tsunagi fsck` says more.
    """

    tree: TreeRow
    size: int
    findings: Mapping[Review, Findings]
    context: Context
    damaged: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What stands beside the entries that raise or check, as `Context` has it, and which of them are damaged."""

    flags: Mapping[int, str]
    checked: frozenset[tuple[Review, int]]
    accounts: Mapping[str, datetime]
    damaged: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A review that was asked for: the log, and the period (``before`` is outside it)."""

    tree: str | None
    since: datetime | None
    before: datetime | None


async def review(house: House, who: Who, asked: Asked) -> Reviewed:
    """Every review of one log. Raises NotThereError, NeverAllowedError, InvalidError where there are several logs."""
    name = asked.tree if asked.tree is not None else await _only_tree(house, who)

    async def job(tx: Transaction) -> Done[tuple[TreeRow, int]] | Done[Refusal]:
        tree = await admit_auditor(tx, house, who, Action.LOG_REVIEW, name)
        if isinstance(tree, Done):
            return tree
        size = (await trees.head(tx, tree.number)).size
        made = entry(house, who, Event.LOG_SEARCH, purpose=LogPurpose.AUDIT, count=size)
        return Done(outcome=(tree, size), records=(Record(tree=await tree_of_looks(tx, tree), entry=made),))

    tree, size = (await settle(house, job)).outcome
    said = await house.look(lambda tx: _all_said(tx, tree))
    context = await house.look(lambda tx: _context(tx, house, tree, asked, said))
    reviewing, damaged = Reviewing(context, MOST), {*said.damaged}
    for first in range(0, size, PIECE):
        for row in await house.look(_leaves(tree.number, first, min(first + PIECE, size))):
            try:
                if row.leaf is not None:
                    reviewing.take(row.index, read_row(row))
            except TamperedError:
                damaged.add(row.index)
        await asyncio.sleep(0)
    found = reviewing.findings()
    return Reviewed(tree=tree, size=size, findings=found, context=context, damaged=tuple(sorted(damaged)))


async def _only_tree(house: House, who: Who) -> str:
    """The one shared log of an auditor; of logs that continue one another the newest."""
    mine = await house.look(lambda tx: trees.trees_of(tx, who.principal.user))
    shared = {tree.name.partition(".")[0]: tree.name for tree in mine if tree.name.startswith(COLLABORATION)}
    if len(shared) != 1:
        raise InvalidError("tree", "which")
    return next(iter(shared.values()))


def _leaves(tree: int, first: int, stop: int) -> Callable[[Transaction], Awaitable[tuple[EntryRow, ...]]]:
    async def query(tx: Transaction) -> tuple[EntryRow, ...]:
        return await trees.leaves(tx, tree, first, stop)

    return query


async def _context(tx: Transaction, house: House, tree: TreeRow, asked: Asked, said: _Said) -> Context:
    """What the leaves do not say, from the rest of the database."""
    id = read_id(COLLABORATION, tree.name.partition(".")[0])
    context = Context(
        now=house.clock(),
        is_holiday=is_holiday,
        hours=HOURS,
        since=asked.since,
        before=asked.before,
        flags=said.flags,
        checked=said.checked,
        accounts_checked=said.accounts,
        by_assignment=frozenset(
            role.value for role, scope in house.policy.matrix.scopes.items() if scope is Scope.ASSIGNED
        ),
    )
    if id is None:
        return context
    collaboration = CollaborationId(id)
    return replace(
        context,
        accounts=await _accounts(tx, collaboration),
        in_section=await _in_section(tx, collaboration),
    )


async def _accounts(tx: Transaction, collaboration: CollaborationId) -> dict[str, Account]:
    signed_in = await store.last_sign_ins(tx)
    return {
        write_id(USER, row.id): Account(
            active=row.active, created=row.created, signed_in=signed_in.get(write_id(USER, row.id))
        )
        for row in await store.accounts_of(tx, collaboration)
    }


async def _in_section(tx: Transaction, collaboration: CollaborationId) -> Callable[[str, str], bool]:
    people = {row.id: row.sections for row in await store.accounts_of(tx, collaboration)}
    of_cases = await store.sections_of_cases(tx, collaboration)
    by_user = {write_id(USER, user): sections for user, sections in people.items()}
    by_case = {write_id(CASE, case): sections for case, sections in of_cases.items()}
    nobody: frozenset[UUID] = frozenset()
    return lambda user, case: not by_user.get(user, nobody).isdisjoint(by_case.get(case, nobody))


async def _all_said(tx: Transaction, tree: TreeRow) -> _Said:
    """What the details say of what was found and of what was checked; one that was changed says nothing.

    What was checked of a log that has ended stands in one that goes on.
    """
    flags: dict[int, str] = {}
    checked: set[tuple[Review, int]] = set()
    accounts: dict[str, datetime] = {}
    damaged: list[int] = []
    for one in await looks.generations(tx, tree.name.partition(".")[0]):
        for event in (Event.FLAG_RAISE, Event.FLAG_CHECK):
            for row in await store.entries_of_event(tx, one.number, event.value):
                try:
                    leaf, said = await read_beside(tx, one, row)
                except TamperedError as error:
                    get_logger().error("tampered", table=error.table)
                    damaged += [row.index] if one == tree else []
                    continue
                if leaf is None or said.get("tree", one.name) != tree.name:
                    continue
                if "flag" in said:
                    flags[row.index] = said["flag"]
                elif "index" in said:
                    checked.add((Review(said["review"]), int(said["index"])))
                elif leaf.entry.reference is not None:
                    checked.add((Review(said["review"]), leaf.entry.reference))
                elif leaf.entry.object is not None:
                    accounts[leaf.entry.object] = leaf.time
    return _Said(flags=flags, checked=frozenset(checked), accounts=accounts, damaged=tuple(damaged))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding, by its log and review; and by the entry that it stands on or, where there is none, the account."""

    tree: str
    review: Review
    index: int | None
    account: str | None


async def check_finding(house: House, who: Who, finding: Finding, reason: str) -> int:
    """Marks one finding as checked, with the auditor's reason; gives the index of the entry that says so.

    Nothing is appended to a log that has ended: the entry stands in the one that goes on, and its detail names both.
    Raises NotThereError, also for an index beyond the log and an account that is none; NeverAllowedError; InvalidError
    for an empty reason, and unless one of index and account is named.
    """
    if not reason.strip():
        raise InvalidError("reason", "empty")
    if (finding.index is None) == (finding.account is None):
        raise InvalidError("index", "one_of_index_and_account")

    async def job(tx: Transaction) -> Done[None] | Done[Refusal]:
        tree = await admit_auditor(tx, house, who, Action.LOG_REVIEW, finding.tree)
        if isinstance(tree, Done):
            return tree
        if not await _is_there(tx, tree, finding):
            return await refuse(tx, house, who, Event.FLAG_CHECK, LogReason.UNKNOWN_ID, NotThereError())
        target = await tree_of_looks(tx, tree)
        said = {"review": finding.review.value, "reason": reason.strip()}
        about = finding.index
        if target != tree.number:
            said |= {"tree": tree.name} | ({} if about is None else {"index": str(about)})
            about = None
        made = entry(
            house, who, Event.FLAG_CHECK, purpose=LogPurpose.AUDIT, reference=about, object=finding.account
        )
        return Done(outcome=None, records=(detailed(house, target, made, said),))

    return (await settle(house, job)).receipts[0].index


async def _is_there(tx: Transaction, tree: TreeRow, finding: Finding) -> bool:
    """Whether the log has the entry, or its collaboration the account."""
    if finding.index is not None:
        return finding.index < (await trees.head(tx, tree.number)).size
    id = read_id(COLLABORATION, tree.name.partition(".")[0])
    known = () if id is None else await store.accounts_of(tx, CollaborationId(id))
    return finding.account in {write_id(USER, row.id) for row in known}
