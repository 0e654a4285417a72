"""The log as auditors read it: entries, signed checkpoints, proofs; and who looked at one case.

Reading the log is itself an entry of the same tree. Nothing here opens a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from audit.event import Event
from audit.event import Purpose as LogPurpose
from audit.event import Reason as LogReason
from cases.ids import CASE, COLLABORATION, CaseId, write_id
from policies.actions import Action
from policies.decide import Denied, decide
from policies.who import Facts, Side
from service.flows.beside import Beside, find_beside
from service.flows.entries import EVENT_OF, Refusal, entry, refuse, settle, tree_of_organisation
from service.flows.errors import NeverAllowedError, NotSignedError, NotSignedInError, NotThereError
from service.flows.notary import publish
from service.flows.proven import Cosigned, Proof, TreeState, proof_of, proven, tree_state
from service.flows.situation import Admitted, admit
from service.flows.views import ReceiptView, receipt_view
from service.house import House, Who
from service.store import cases, sessions, trees
from service.store.cases import CaseRow
from service.store.engine import Transaction
from service.store.filters import Filter
from service.store.log import Record
from service.store.looks import generations
from service.store.trees import EntryRow, TreeRow
from service.store.writer import Done

MOST = 500
LOOKED_THROUGH = 50_000
"""Entries whose text is looked through for one page: others wait meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """An entry, and how far it is proven: whether a checkpoint covers it, and who cosigned it first and when.

    ``beside``: for auditors, where the entry commits to a detail.
    """

    row: EntryRow
    signed: bool
    cosigned: tuple[Cosigned, ...]
    beside: Beside | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Entries, newest first, and the place below which the next page goes on; ``receipt``: of the look at them.

    An entry's place is its index, counted on over the logs that continue one another.
    """

    lines: tuple[LogLine, ...]
    next: int | None
    receipt: ReceiptView | None = None


async def list_trees(house: House, who: Who) -> tuple[TreeState, ...]:
    """The trees that the caller is appointed to, and how far each is proven. Raises NeverAllowedError."""

    async def job(tx: Transaction) -> Done[tuple[TreeState, ...]] | Done[Refusal]:
        refused = await _never(tx, house, who, Action.LOG_LIST)
        if refused is not None:
            return refused
        made = entry(house, who, Event.LOG_OPEN, purpose=LogPurpose.AUDIT)
        tree = await tree_of_organisation(tx, who.principal.organisation)
        mine = await trees.trees_of(tx, who.principal.user)
        states = tuple([await tree_state(tx, house, one) for one in mine])
        return Done(outcome=states, records=(Record(tree=tree, entry=made),))

    return (await settle(house, job)).outcome


async def _never(tx: Transaction, house: House, who: Who, action: Action) -> Done[Refusal] | None:
    if not await sessions.session_lives(tx, who.session, who.principal.version):
        return Done(outcome=Refusal(NotSignedInError()))
    if house.policy.matrix.rights[who.principal.role, action].never:
        return await refuse(tx, house, who, EVENT_OF[action], LogReason.ROLE, NeverAllowedError())
    return None


async def admit_auditor(
    tx: Transaction, house: House, who: Who, action: Action, name: str
) -> TreeRow | Done[Refusal]:
    """The tree, where the caller is appointed to it; another's is not there."""
    refused = await _never(tx, house, who, action)
    if refused is not None:
        return refused
    mine = {tree.name: tree for tree in await trees.trees_of(tx, who.principal.user)}
    facts = Facts(side=Side.NONE, appointed=name in mine)
    if isinstance(decide(who.principal, action, facts, None, house.policy), Denied):
        return await refuse(tx, house, who, EVENT_OF[action], LogReason.UNKNOWN_ID, NotThereError())
    return mine[name]


async def tree_of_looks(tx: Transaction, tree: TreeRow) -> int:
    """The number of the tree that a look at ``tree`` is an entry of: a log that has ended takes none."""
    found = await trees.newest_tree(tx, tree.name.partition(".")[0])
    return tree.number if found is None else found.number


async def read_entries(
    house: House, who: Who, name: str, wanted: Filter, before: int | None, limit: int
) -> LogPage:
    """Entries of a tree that pass the filter, and their details. Raises NotThereError, NeverAllowedError."""

    async def job(tx: Transaction) -> Done[tuple[TreeRow, LogPage]] | Done[Refusal]:
        tree = await admit_auditor(tx, house, who, Action.LOG_READ, name)
        if isinstance(tree, Done):
            return tree
        page = await _page(tx, house, (tree,), wanted, before, limit)
        looked = _looked(house, who, await tree_of_looks(tx, tree), len(page.lines))
        return Done(outcome=(tree, page), records=(looked,))

    done = await settle(house, job)
    tree, page = done.outcome
    lines = await house.look(lambda tx: _with_details(tx, tree, page.lines))
    return replace(page, lines=lines, receipt=receipt_view(done.receipts[0]))


async def _with_details(tx: Transaction, tree: TreeRow, lines: Sequence[LogLine]) -> tuple[LogLine, ...]:
    return tuple([replace(line, beside=await find_beside(tx, tree, line.row)) for line in lines])


async def _page(
    tx: Transaction,
    house: House,
    over: Sequence[TreeRow],
    wanted: Filter,
    before: int | None,
    limit: int,
) -> LogPage:
    """A page of the entries of logs that continue one another (the oldest first).

    Where texts have to be looked through, a page ends after so many of them, however few it has found.
    """
    sizes = [(await trees.head(tx, tree.number)).size for tree in over]
    found: list[tuple[int, LogLine]] = []
    for at in reversed(range(len(over))):
        older = sum(sizes[:at])
        below = sizes[at] if before is None else min(sizes[at], max(0, before - older))
        first = max(0, below - LOOKED_THROUGH) if wanted.needs_text else 0
        rows = await trees.entries(tx, over[at].number, wanted, below, limit + 1 - len(found), first)
        found += [(older + line.row.index, line) for line in await _lines(tx, house, over[at], rows)]
        if first and len(found) <= limit:
            return LogPage(lines=tuple(line for _, line in found), next=older + first)
    page = found[:limit]
    return LogPage(lines=tuple(line for _, line in page), next=page[-1][0] if len(found) > limit else None)


async def _lines(tx: Transaction, house: House, tree: TreeRow, rows: Sequence[EntryRow]) -> list[LogLine]:
    known = await proven(tx, house, tree, [row.index for row in rows])
    return [
        LogLine(row=row, signed=row.index < known.signed, cosigned=known.cosigned.get(row.index, ()))
        for row in rows
    ]


def _looked(house: House, who: Who, tree: int, count: int, case: CaseRow | None = None) -> Record:
    """The entry of a look into the log; one at a single case's entries names the case, and is among them next time."""
    made = entry(house, who, Event.LOG_SEARCH, case=case, purpose=LogPurpose.AUDIT, count=count)
    return Record(tree=tree, entry=made)


async def read_looks(house: House, who: Who, case: UUID | None, before: int | None, limit: int) -> LogPage:
    """Who looked at this case: the entries that name it. For the owner's supervisor and the tree's auditor.

    Raises NotThereError, NeverAllowedError.
    """

    async def job(tx: Transaction) -> Done[LogPage] | Done[Refusal]:
        row = await _admit_looks(tx, house, who, case)
        if isinstance(row, Done):
            return row
        wanted = Filter(subject=write_id(CASE, row.id))
        over = await generations(tx, write_id(COLLABORATION, row.collaboration))
        page = await _page(tx, house, over, wanted, before, limit)
        return Done(outcome=page, records=(_looked(house, who, over[-1].number, len(page.lines), row),))

    done = await settle(house, job)
    return replace(done.outcome, receipt=receipt_view(done.receipts[0]))


async def _admit_looks(tx: Transaction, house: House, who: Who, case: UUID | None) -> CaseRow | Done[Refusal]:
    mine = await trees.trees_of(tx, who.principal.user)
    row = None if case is None else await cases.case(tx, CaseId(case))
    name = None if row is None else write_id(COLLABORATION, row.collaboration)
    appointed = any(tree.name.partition(".")[0] == name for tree in mine)
    admitted = await admit(tx, house, who, Action.CASE_LOOKS, case, appointed=appointed)
    return admitted.situation.case if isinstance(admitted, Admitted) else admitted


async def read_checkpoint(house: House, who: Who, name: str) -> str:
    """The signed checkpoint over the tree as it is now, its own reading included.

    Raises NotThereError, NeverAllowedError.
    """

    async def job(tx: Transaction) -> Done[TreeRow] | Done[Refusal]:
        tree = await admit_auditor(tx, house, who, Action.LOG_PROVE, name)
        if isinstance(tree, Done):
            return tree
        return Done(outcome=tree, records=(_verified(house, who, await tree_of_looks(tx, tree)),))

    return (await publish(house, (await settle(house, job)).outcome))[0]


def _verified(house: House, who: Who, tree: int) -> Record:
    made = entry(house, who, Event.LOG_VERIFY, purpose=LogPurpose.AUDIT)
    return Record(tree=tree, entry=made)


async def prove(house: House, who: Who, name: str, index: int) -> Proof:
    """The proof that entry ``index`` is in the tree, for the checkpoint signed now; O(log n) reads.

    Raises NotThereError (also for an index beyond the tree), NeverAllowedError.
    """

    async def job(tx: Transaction) -> Done[TreeRow] | Done[Refusal]:
        tree = await admit_auditor(tx, house, who, Action.LOG_PROVE, name)
        if isinstance(tree, Done):
            return tree
        if index >= (await trees.head(tx, tree.number)).size:
            return await refuse(tx, house, who, Event.LOG_VERIFY, LogReason.UNKNOWN_ID, NotThereError())
        return Done(outcome=tree, records=(_verified(house, who, await tree_of_looks(tx, tree)),))

    tree = (await settle(house, job)).outcome
    note, checkpoint = await publish(house, tree)
    if index >= checkpoint.size:
        raise NotSignedError
    return await house.look(lambda tx: proof_of(tx, house, tree, index, note))
