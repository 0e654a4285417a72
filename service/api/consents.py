"""`/api/cases/{id}/consents` and `/api/consents/{id}`: record, read, confirm, change, renew, withdraw."""

from litestar import get, post
from litestar.params import FromPath, JSONBody

from cases.ids import CASE, read_id
from policies.actions import Action
from service.api import answers_shared as answers
from service.api.answers_shared import ConsentsAnswer, DoneAnswer, RecordedAnswer
from service.api.bodies_consents import AnswerBody, ConsentBody, WithdrawBody
from service.api.documented import CHANGES, CREATES, OF_A_CASE, does
from service.api.documented import answers as documented
from service.flows import consent_reading, consents
from service.wiring import GivenHouse, GivenWho, HttpRequest, IdempotencyKey, IfMatch, once_of, version_of


@post("/api/cases/{case:str}/consents", opt=does(Action.CONSENT_RECORD), responses=documented(*CREATES))
async def record(
    request: HttpRequest,
    house: GivenHouse,
    who: GivenWho,
    case: FromPath[str],
    data: JSONBody[ConsentBody],
    idempotency_key: IdempotencyKey = None,
) -> RecordedAnswer:
    """Record the person's answer: agreement, refusal, or that they are being asked."""
    once = await once_of(request, idempotency_key)
    new = data.new(house.policy.registry)
    return answers.recorded(await consents.record_consent(house, who, read_id(CASE, case), new, once))


@get("/api/cases/{case:str}/consents", opt=does(Action.CONSENT_READ), responses=documented(*OF_A_CASE))
async def read(house: GivenHouse, who: GivenWho, case: FromPath[str]) -> ConsentsAnswer:
    """The consents of a case: for the owner all of them, for a recipient its own."""
    return answers.consents(await consent_reading.read_consents(house, who, read_id(CASE, case)))


@post(
    "/api/consents/{consent:str}/confirm",
    opt=does(Action.CONSENT_CONFIRM),
    responses=documented(*OF_A_CASE, 422, 428),
    status_code=200,
)
async def confirm(
    house: GivenHouse, who: GivenWho, consent: FromPath[str], if_match: IfMatch = None
) -> RecordedAnswer:
    """The witness confirms a spoken answer, within 24 hours; only then do the keys go."""
    return answers.recorded(await consents.confirm_consent(house, who, consent, version_of(if_match)))


@post(
    "/api/consents/{consent:str}/withdraw",
    opt=does(Action.CONSENT_WITHDRAW),
    responses=documented(*CREATES),
    status_code=200,
)
async def withdraw(
    house: GivenHouse, who: GivenWho, consent: FromPath[str], data: JSONBody[WithdrawBody]
) -> DoneAnswer:
    """Withdraw, by consent id or receipt number, at once: no reason, no key, no version."""
    await consents.withdraw_consent(house, who, consent, data.withdrawal())
    return DoneAnswer()


@post(
    "/api/consents/{consent:str}/change",
    opt=does(Action.CONSENT_CHANGE),
    responses=documented(*CHANGES),
    status_code=200,
)
async def change(
    house: GivenHouse,
    who: GivenWho,
    consent: FromPath[str],
    data: JSONBody[AnswerBody],
    if_match: IfMatch = None,
) -> RecordedAnswer:
    """Change what is agreed; the whole set again. Narrower holds at once."""
    given, version = data.answer(house.policy.registry), version_of(if_match)
    made = await consents.change_consent(house, who, consent, given, data.names, version, renewing=False)
    return answers.recorded(made)


@post(
    "/api/consents/{consent:str}/renew",
    opt=does(Action.CONSENT_RENEW),
    responses=documented(*CHANGES),
    status_code=200,
)
async def renew(
    house: GivenHouse,
    who: GivenWho,
    consent: FromPath[str],
    data: JSONBody[AnswerBody],
    if_match: IfMatch = None,
) -> RecordedAnswer:
    """Renew before the end: everything is told and asked again."""
    given, version = data.answer(house.policy.registry), version_of(if_match)
    made = await consents.change_consent(house, who, consent, given, data.names, version, renewing=True)
    return answers.recorded(made)


HANDLERS = (record, read, confirm, withdraw, change, renew)
