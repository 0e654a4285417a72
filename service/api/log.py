"""`/api/log` and `/api/cases/{id}/looks`: the access log for its auditors, and who looked at one case."""

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.params import FromPath, FromQuery, QueryParameter

from audit.event import Decision, Event, Flag, Purpose, Via
from cases.ids import CASE, read_id
from policies.actions import Action
from service.api import answers_log as answers
from service.api.answers_log import (
    CheckpointAnswer,
    EntriesAnswer,
    ProofAnswer,
    ReceiptStandingAnswer,
    TreesAnswer,
)
from service.api.documented import OF_A_CASE, READS, WITH_QUERY, does
from service.api.documented import answers as documented
from service.flows import log, receipts
from service.flows.errors import InvalidError
from service.store.filters import Filter
from service.wiring import GivenHouse, GivenWho

Limit = Annotated[int, QueryParameter(ge=1, le=log.MOST)]
Before = Annotated[int | None, QueryParameter(ge=0, le=2**40)]
Code = Annotated[str | None, QueryParameter(pattern="^[a-z][a-z0-9_]{0,39}$")]
Index = Annotated[int, QueryParameter(ge=0, le=2**40)]


@get("/api/log", opt=does(Action.LOG_LIST), responses=documented(*READS))
async def trees(house: GivenHouse, who: GivenWho) -> TreesAnswer:
    """The trees that the caller is appointed to."""
    return answers.trees(await log.list_trees(house, who))


@get("/api/log/{tree:str}/entries", opt=does(Action.LOG_READ), responses=documented(*WITH_QUERY, 404))
async def entries(
    house: GivenHouse,
    who: GivenWho,
    tree: FromPath[str],
    case: FromQuery[str | None] = None,
    user: FromQuery[str | None] = None,
    organisation: FromQuery[str | None] = None,
    event: FromQuery[Event | None] = None,
    decision: FromQuery[Decision | None] = None,
    purpose: FromQuery[Purpose | None] = None,
    channel: FromQuery[Via | None] = None,
    field: Code = None,
    flag: FromQuery[Flag | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    before: Before = None,
    limit: Limit = 100,
) -> EntriesAnswer:
    """Entries that pass the filters, newest first; a short page may have a next one. Reading is an entry too."""
    wanted = Filter(
        subject=case,
        actor=user,
        organisation=organisation,
        event=event,
        decision=decision,
        purpose=purpose,
        channel=channel,
        field=field,
        flag=flag,
        since=aware(since, "since"),
        before=aware(until, "until"),
    )
    return answers.entries(await log.read_entries(house, who, tree, wanted, before, limit))


def aware(time: datetime | None, path: str) -> datetime | None:
    """A time of a query, with its offset and within reach of every calendar. Raises InvalidError."""
    if time is not None and time.utcoffset() is None:
        raise InvalidError(path, "offset_missing")
    if time is not None and not 1970 <= time.year <= 9998:
        raise InvalidError(path, "range")
    return time


@get("/api/log/{tree:str}/checkpoint", opt=does(Action.LOG_PROVE), responses=documented(*READS, 404))
async def checkpoint(house: GivenHouse, who: GivenWho, tree: FromPath[str]) -> CheckpointAnswer:
    """The signed checkpoint over the tree as it is now."""
    return CheckpointAnswer(note=await log.read_checkpoint(house, who, tree))


@get(
    "/api/log/{tree:str}/proof/{index:int}",
    opt=does(Action.LOG_PROVE),
    responses=documented(*WITH_QUERY, 404),
)
async def proof(house: GivenHouse, who: GivenWho, tree: FromPath[str], index: FromPath[int]) -> ProofAnswer:
    """The proof that an entry is in the tree, with a checkpoint signed now."""
    return answers.proof(await log.prove(house, who, tree, index))


@get("/api/cases/{case:str}/looks", opt=does(Action.CASE_LOOKS), responses=documented(*OF_A_CASE, 422))
async def looks(
    house: GivenHouse, who: GivenWho, case: FromPath[str], before: Before = None, limit: Limit = 100
) -> EntriesAnswer:
    """Who looked at this case: for the owner's supervisor and the tree's auditor."""
    return answers.entries(await log.read_looks(house, who, read_id(CASE, case), before, limit))


@get("/api/receipts/{number:str}", opt=does(Action.RECEIPT_READ), responses=documented(*WITH_QUERY))
async def receipt(house: GivenHouse, who: GivenWho, number: FromPath[str]) -> ReceiptStandingAnswer:
    """Whether the entry of a receipt is still in the log, with its proof. For everybody who kept one."""
    return answers.receipt_standing(await receipts.ask_receipt(house, who, number))


HANDLERS = (trees, entries, checkpoint, proof, looks, receipt)
