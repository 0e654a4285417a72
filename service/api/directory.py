"""`/api/organisations`, `/api/notices`, `/api/health`: what everybody may look up."""

from litestar import get
from litestar.params import FromPath, FromQuery

from policies.actions import Action
from service.api import answers
from service.api.answers import DirectoryAnswer, NoticeAnswer
from service.api.answers_shared import DoneAnswer
from service.api.documented import READS, does
from service.api.documented import answers as documented
from service.flows import directory
from service.wiring import GivenHouse, GivenWho


@get("/api/organisations", opt=does(Action.ORGANISATION_LIST), responses=documented(*READS))
async def organisations(house: GivenHouse, who: GivenWho) -> DirectoryAnswer:
    """The collaborations of the caller's organisation, their partners and places, and the own sections."""
    return answers.directory(await directory.read_directory(house, who))


@get(
    "/api/notices/{purpose:str}",
    opt=does(Action.NOTICE_READ),
    responses=documented(*READS, 404, 422),
    sync_to_thread=False,
)
def notice(purpose: FromPath[str], language: FromQuery[str] = "ja") -> NoticeAnswer:
    """The notice to tell, word for word, with the digest that a consent records."""
    return answers.notice(directory.read_notice(purpose, language))


@get("/api/health", opt=does(Action.HEALTH_READ), responses=documented(400, 500, 503))
async def health(house: GivenHouse) -> DoneAnswer:
    """Whether the service and its database answer. No sign-in."""
    await directory.check_health(house)
    return DoneAnswer()


HANDLERS = (organisations, notice, health)
