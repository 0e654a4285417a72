"""`/api/cases/{id}/ledger`: the shared record of support and of what was noticed."""

from litestar import get, post
from litestar.params import FromPath, JSONBody

from cases.ids import CASE, ROW, read_id, write_id
from policies.actions import Action
from service.api import answers_shared as answers
from service.api.answers_shared import LedgerAnswer, RowKeptAnswer
from service.api.bodies import RowBody
from service.api.documented import CREATES, OF_A_CASE, does
from service.api.documented import answers as documented
from service.flows import ledger, ledger_reading
from service.wiring import GivenHouse, GivenWho, HttpRequest, IdempotencyKey, once_of


@get("/api/cases/{case:str}/ledger", opt=does(Action.LEDGER_READ), responses=documented(*OF_A_CASE))
async def read(house: GivenHouse, who: GivenWho, case: FromPath[str]) -> LedgerAnswer:
    """The rows that the caller meets, each with its value or why it is locked."""
    return answers.ledger(await ledger_reading.read_ledger(house, who, read_id(CASE, case)))


@post("/api/cases/{case:str}/ledger", opt=does(Action.LEDGER_READ), responses=documented(*CREATES))
async def write(
    request: HttpRequest,
    house: GivenHouse,
    who: GivenWho,
    case: FromPath[str],
    data: JSONBody[RowBody],
    idempotency_key: IdempotencyKey = None,
) -> RowKeptAnswer:
    """Add a row. The kind decides which right is needed; whoever cannot read the ledger has none of them."""
    once = await once_of(request, idempotency_key)
    made = await ledger.write_row(house, who, read_id(CASE, case), data.new(), once)
    return RowKeptAnswer(id=write_id(ROW, made))


HANDLERS = (read, write)
