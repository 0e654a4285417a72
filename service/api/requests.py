"""`/api/cases/{id}/requests`, `/api/requests/{id}`, `/api/inbox`: ask, answer, complete."""

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from cases.ids import CASE, COLLABORATION, REQUEST, CollaborationId, read_id
from cases.request import DeclineReason, Move
from policies.actions import Action
from service.api import answers_shared as answers
from service.api.answers_shared import RequestKeptAnswer, RequestsAnswer
from service.api.bodies import DeclineBody, RequestBody
from service.api.documented import CHANGES, CREATES, OF_A_CASE, WITH_QUERY, does
from service.api.documented import answers as documented
from service.flows import inbox, ledger_reading, request_moves, requests
from service.flows.errors import NotThereError
from service.house import House, Who
from service.wiring import GivenHouse, GivenWho, HttpRequest, IdempotencyKey, IfMatch, once_of, version_of


@get("/api/cases/{case:str}/requests", opt=does(Action.REQUEST_READ), responses=documented(*OF_A_CASE))
async def of_case(house: GivenHouse, who: GivenWho, case: FromPath[str]) -> RequestsAnswer:
    """The case's requests that the caller meets."""
    return answers.requests(await ledger_reading.read_requests(house, who, read_id(CASE, case)))


@post("/api/cases/{case:str}/requests", opt=does(Action.REQUEST_CREATE), responses=documented(*CREATES))
async def create(
    request: HttpRequest,
    house: GivenHouse,
    who: GivenWho,
    case: FromPath[str],
    data: JSONBody[RequestBody],
    idempotency_key: IdempotencyKey = None,
) -> RequestKeptAnswer:
    """Write a request, as a draft or sent at once."""
    once = await once_of(request, idempotency_key)
    made = await requests.create_request(house, who, read_id(CASE, case), data.new(), once)
    return answers.request_kept(made)


@get("/api/inbox", opt=does(Action.INBOX_READ), responses=documented(*WITH_QUERY, 404, 409))
async def read_inbox(
    house: GivenHouse, who: GivenWho, collaboration: FromQuery[str | None] = None
) -> RequestsAnswer:
    """What was asked of the caller's organisation in one collaboration. No names."""
    found = None if collaboration is None else read_id(COLLABORATION, collaboration)
    if collaboration is not None and found is None:
        raise NotThereError
    chosen = None if found is None else CollaborationId(found)
    return answers.requests(await inbox.read_inbox(house, who, chosen))


async def _owner_move(house: House, who: Who, id: str, how: Move, if_match: str | None) -> RequestKeptAnswer:
    version = version_of(if_match)
    moved = await request_moves.move_request(house, who, read_id(REQUEST, id), how, version=version)
    return answers.request_kept(moved)


@post(
    "/api/requests/{id:str}/send",
    opt=does(Action.REQUEST_SEND),
    responses=documented(*CHANGES),
    status_code=200,
)
async def send(
    house: GivenHouse, who: GivenWho, id: FromPath[str], if_match: IfMatch = None
) -> RequestKeptAnswer:
    """Send a draft: from now on the recipient sees its preview."""
    return await _owner_move(house, who, id, Move.SEND, if_match)


@post(
    "/api/requests/{id:str}/cancel",
    opt=does(Action.REQUEST_CANCEL),
    responses=documented(*CHANGES),
    status_code=200,
)
async def cancel(
    house: GivenHouse, who: GivenWho, id: FromPath[str], if_match: IfMatch = None
) -> RequestKeptAnswer:
    """Take a request back, before anything was handed over."""
    return await _owner_move(house, who, id, Move.CANCEL, if_match)


@post(
    "/api/requests/{id:str}/complete",
    opt=does(Action.REQUEST_COMPLETE),
    responses=documented(*CHANGES),
    status_code=200,
)
async def complete(
    house: GivenHouse, who: GivenWho, id: FromPath[str], if_match: IfMatch = None
) -> RequestKeptAnswer:
    """Say that everything asked for was handed over."""
    return await _owner_move(house, who, id, Move.COMPLETE, if_match)


@post(
    "/api/requests/{id:str}/accept",
    opt=does(Action.REQUEST_ACCEPT),
    responses=documented(*OF_A_CASE),
    status_code=200,
)
async def accept(house: GivenHouse, who: GivenWho, id: FromPath[str]) -> RequestKeptAnswer:
    """Accept: from now on the organisation sees what the consent covers."""
    return answers.request_kept(
        await request_moves.move_request(house, who, read_id(REQUEST, id), Move.ACCEPT)
    )


@post(
    "/api/requests/{id:str}/decline",
    opt=does(Action.REQUEST_DECLINE),
    responses=documented(*CREATES),
    status_code=200,
)
async def decline(
    house: GivenHouse, who: GivenWho, id: FromPath[str], data: JSONBody[DeclineBody]
) -> RequestKeptAnswer:
    """Say that it cannot be taken, and why."""
    reason = DeclineReason(data.reason)
    found = read_id(REQUEST, id)
    return answers.request_kept(
        await request_moves.move_request(house, who, found, Move.DECLINE, reason=reason)
    )


HANDLERS = (of_case, create, read_inbox, send, cancel, complete, accept, decline)
