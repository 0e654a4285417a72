"""`/api/log/reviews`: what an auditor should look at, and what was said of it."""

from datetime import datetime

from litestar import get, post
from litestar.params import FromQuery, JSONBody

from audit.review_words import words_of
from audit.reviews import Findings, Hit, Review
from policies.actions import Action
from service.api.answers import Answer, maybe_moment
from service.api.bodies_log import CheckBody
from service.api.documented import CREATES, WITH_QUERY, does
from service.api.documented import answers as documented
from service.api.log import aware
from service.flows import reviews
from service.flows.reviews import Asked, Finding, Reviewed
from service.wiring import GivenHouse, GivenWho


class HitAnswer(Answer, frozen=True, kw_only=True):
    """One thing to check: the entry, who, which case, when; ``count`` and ``reads`` say how many."""

    index: int | None
    actor: str | None
    case: str | None
    time: str | None
    count: int | None
    reads: int | None
    checked: bool


class ReviewAnswer(Answer, frozen=True, kw_only=True):
    """One review: what it is called, why it matters, the rule, and what it found."""

    review: Review
    title: str
    why: str
    rule: str
    total: int
    unchecked: int
    hits: tuple[HitAnswer, ...]


class ReviewsAnswer(Answer, frozen=True, kw_only=True):
    """Every review of one log; ``damaged`` are entries that could not be read, of which the reviews know nothing."""

    tree: str
    size: int
    damaged: tuple[int, ...]
    reviews: tuple[ReviewAnswer, ...]


class CheckedAnswer(Answer, frozen=True, kw_only=True):
    """The index of the entry that says that the finding was checked."""

    index: int


def _answer(found: Reviewed, language: str) -> ReviewsAnswer:
    return ReviewsAnswer(
        tree=found.tree.name,
        size=found.size,
        damaged=found.damaged,
        reviews=tuple(_review(found, one, language) for one in found.findings.values()),
    )


def _review(found: Reviewed, one: Findings, language: str) -> ReviewAnswer:
    words = words_of(one.review, found.context, language == "ja")
    return ReviewAnswer(
        review=one.review,
        title=words.title,
        why=words.why,
        rule=words.rule,
        total=one.total,
        unchecked=one.unchecked,
        hits=tuple(_hit(hit) for hit in one.hits),
    )


def _hit(hit: Hit) -> HitAnswer:
    return HitAnswer(
        index=hit.index,
        actor=hit.actor,
        case=hit.subject,
        time=maybe_moment(hit.time),
        count=hit.count,
        reads=hit.reads,
        checked=hit.checked,
    )


@get("/api/log/reviews", opt=does(Action.LOG_REVIEW), responses=documented(*WITH_QUERY, 404))
async def read(
    house: GivenHouse,
    who: GivenWho,
    tree: FromQuery[str | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    language: FromQuery[str] = "ja",
) -> ReviewsAnswer:
    """What to look at in a log, the only one unless ``tree`` names it; ``language`` is ja or en."""
    asked = Asked(tree=tree, since=aware(since, "since"), before=aware(until, "until"))
    return _answer(await reviews.review(house, who, asked), language)


@post("/api/log/reviews/checks", opt=does(Action.LOG_REVIEW), responses=documented(*CREATES))
async def check(house: GivenHouse, who: GivenWho, data: JSONBody[CheckBody]) -> CheckedAnswer:
    """Mark a finding as checked, with a reason. That is an entry too."""
    finding = Finding(tree=data.tree, review=data.review, index=data.index, account=data.account)
    return CheckedAnswer(index=await reviews.check_finding(house, who, finding, data.reason))


HANDLERS = (read, check)
