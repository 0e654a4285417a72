"""`/api/cases`: begin, list, search, open, change, conditions, assign, close."""

from typing import Annotated

from litestar import Response, get, patch, post, put
from litestar.datastructures import ResponseHeader
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from cases.closing import ClosingReason
from cases.ids import CASE, read_id
from policies.actions import Action
from service.api import answers
from service.api.answers import CaseAnswer, CasesAnswer, KeptAnswer
from service.api.bodies import AssignBody, CaseBody, CloseBody, ConditionsBody, FieldsBody, SearchBody
from service.api.documented import CHANGES, CREATES, OF_A_CASE, WITH_QUERY, WRITES, does
from service.api.documented import answers as documented
from service.flows import case_life, cases, lists, reading
from service.wiring import GivenHouse, GivenWho, HttpRequest, IdempotencyKey, IfMatch, once_of, version_of

ETAG = ResponseHeader(
    name="ETag",
    description="The version that the owner saw, for If-Match with the next write; a recipient gets none.",
    documentation_only=True,
)
Limit = Annotated[int, QueryParameter(ge=1, le=lists.MOST)]


@post("/api/cases", opt=does(Action.CASE_CREATE), responses=documented(*CREATES))
async def create(
    request: HttpRequest,
    house: GivenHouse,
    who: GivenWho,
    data: JSONBody[CaseBody],
    idempotency_key: IdempotencyKey = None,
) -> KeptAnswer:
    """Begin a case. It is sealed and logged from its first page."""
    once = await once_of(request, idempotency_key)
    return answers.kept(await cases.create_case(house, who, data.new(), once))


@get("/api/cases", opt=does(Action.CASE_LIST), responses=documented(*WITH_QUERY, 409))
async def listing(
    house: GivenHouse, who: GivenWho, cursor: FromQuery[str | None] = None, limit: Limit = lists.MOST
) -> CasesAnswer:
    """The own organisation's cases that the caller may read, newest first; no totals."""
    return answers.lines(await lists.list_cases(house, who, cursor, limit))


@post("/api/cases/search", opt=does(Action.CASE_SEARCH), responses=documented(*WRITES, 409), status_code=200)
async def search(house: GivenHouse, who: GivenWho, data: JSONBody[SearchBody]) -> CasesAnswer:
    """Cases by name, kana or number. The words are in the body: no name ever stands in an address."""
    return answers.lines(await lists.search_cases(house, who, data.words))


@get(
    "/api/cases/{case:str}",
    opt=does(Action.CASE_READ),
    responses=documented(*OF_A_CASE),
    response_headers=[ETAG],
)
async def read(house: GivenHouse, who: GivenWho, case: FromPath[str]) -> Response[CaseAnswer]:
    """The case: permitted values, and why the rest is locked. The owner's answer bears an ETag."""
    view = await reading.read_case(house, who, read_id(CASE, case))
    headers = {} if view.version is None else {"ETag": f'"{view.version}"'}
    return Response(answers.case(view), headers=headers)


@patch("/api/cases/{case:str}", opt=does(Action.CASE_UPDATE), responses=documented(*CHANGES))
async def update(
    house: GivenHouse,
    who: GivenWho,
    case: FromPath[str],
    data: JSONBody[FieldsBody],
    if_match: IfMatch = None,
) -> KeptAnswer:
    """Change the fields that are named; the others stay byte-identical."""
    version = version_of(if_match)
    return answers.kept(await cases.update_case(house, who, read_id(CASE, case), data.fields, version))


@put("/api/cases/{case:str}/conditions", opt=does(Action.CASE_CONDITIONS), responses=documented(*CHANGES))
async def conditions(
    house: GivenHouse,
    who: GivenWho,
    case: FromPath[str],
    data: JSONBody[ConditionsBody],
    if_match: IfMatch = None,
) -> KeptAnswer:
    """Answer the two conditions. A "no" ends live food-support consents and stops open requests at once."""
    version = version_of(if_match)
    found = read_id(CASE, case)
    return answers.kept(await case_life.set_conditions(house, who, found, data.conditions(), version))


@post(
    "/api/cases/{case:str}/assign",
    opt=does(Action.CASE_ASSIGN),
    responses=documented(*CREATES),
    status_code=200,
)
async def assign(
    house: GivenHouse, who: GivenWho, case: FromPath[str], data: JSONBody[AssignBody]
) -> KeptAnswer:
    """Assign the case to caseworkers, or take it back."""
    found = read_id(CASE, case)
    return answers.kept(await case_life.assign_case(house, who, found, data.ids(), data.remove))


@post(
    "/api/cases/{case:str}/close",
    opt=does(Action.CASE_CLOSE),
    responses=documented(*CHANGES),
    status_code=200,
)
async def close(
    house: GivenHouse, who: GivenWho, case: FromPath[str], data: JSONBody[CloseBody], if_match: IfMatch = None
) -> KeptAnswer:
    """Close the case: every consent ends, every open request stops, every key given away is gone."""
    version = version_of(if_match)
    reason = ClosingReason(data.reason)
    return answers.kept(
        await case_life.close_case(house, who, read_id(CASE, case), reason, data.note, version)
    )


HANDLERS = (create, listing, search, read, update, conditions, assign, close)
