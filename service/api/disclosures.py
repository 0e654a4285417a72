"""`/api/cases/{id}/disclosure` and `/api/disclosures`: the sheet "who looked at my data", by two persons."""

from datetime import date

from litestar import get, post
from litestar.params import FromPath, JSONBody

from cases.ids import CASE, DISCLOSURE, read_id, write_id
from policies.actions import Action
from policies.matrix import Policy
from service.api.answers import Answer, ReceiptAnswer, moment, receipt
from service.api.bodies import Body
from service.api.documented import CREATES, OF_A_CASE, READS, does
from service.api.documented import answers as documented
from service.flows import disclosures, sheets
from service.flows.disclosures import DisclosureView
from service.flows.sheet_lines import Line
from service.flows.sheet_words import Words, items_of, sentence, who_of
from service.flows.sheets import Sheet
from service.wiring import GivenHouse, GivenWho, HttpRequest, IdempotencyKey, once_of


class DisclosureBody(Body, frozen=True, kw_only=True):
    """The first and the last day of the period, days of Asia/Tokyo; at most eight years, not in the future."""

    since: date
    until: date


class DisclosureAnswer(Answer, frozen=True, kw_only=True):
    """A disclosure: case number, period, and where it stands. ``mine``: the caller asked for it."""

    id: str
    number: str
    since: str
    until: str
    state: str
    mine: bool


class DisclosuresAnswer(Answer, frozen=True, kw_only=True):
    """Disclosures, newest first."""

    disclosures: tuple[DisclosureAnswer, ...]


class WordsAnswer(Answer, frozen=True, kw_only=True):
    """The same thing in Japanese and in English."""

    ja: str
    en: str


class SheetItemAnswer(Answer, frozen=True, kw_only=True):
    """A field that was looked at."""

    code: str
    ja: str
    en: str


class SheetLineAnswer(Answer, frozen=True, kw_only=True):
    """A line of the sheet: its parts, and the whole as a sentence. ``consent`` null: the organisation's own work."""

    at: str
    kind: str
    organisation: str | None
    who: WordsAnswer
    items: tuple[SheetItemAnswer, ...]
    purpose: str | None
    consent: str | None
    recipient: str | None
    channel: str | None
    count: int
    sentence: WordsAnswer


class SheetAnswer(Answer, frozen=True, kw_only=True):
    """The sheet. ``gone``: records of that time whose text is no longer kept, whoever they were about."""

    id: str
    number: str
    since: str
    until: str
    looks: int
    lines: tuple[SheetLineAnswer, ...]
    gone: int
    notes: tuple[WordsAnswer, ...]
    receipt: ReceiptAnswer | None


def _disclosure(view: DisclosureView) -> DisclosureAnswer:
    return DisclosureAnswer(
        id=write_id(DISCLOSURE, view.id),
        number=view.number,
        since=view.since.isoformat(),
        until=view.until.isoformat(),
        state=view.stage.value,
        mine=view.mine,
    )


def _sheet(found: Sheet, policy: Policy) -> SheetAnswer:
    return SheetAnswer(
        id=write_id(DISCLOSURE, found.id),
        number=found.number,
        since=found.since.isoformat(),
        until=found.until.isoformat(),
        looks=found.looks,
        lines=tuple(_line(line, policy) for line in found.lines),
        gone=found.gone,
        notes=tuple(_words(note) for note in found.notes),
        receipt=receipt(found.receipt),
    )


def _line(line: Line, policy: Policy) -> SheetLineAnswer:
    fields = policy.registry.fields
    return SheetLineAnswer(
        at=moment(line.at),
        kind=line.kind.value,
        organisation=line.organisation,
        who=_words(who_of(line)),
        items=tuple(
            SheetItemAnswer(code=item.code, ja=item.words.ja, en=item.words.en)
            for item in items_of(line, fields)
        ),
        purpose=line.purpose,
        consent=line.consent,
        recipient=line.recipient,
        channel=None if line.channel is None else line.channel.value,
        count=line.count,
        sentence=_words(sentence(line, fields)),
    )


def _words(words: Words) -> WordsAnswer:
    return WordsAnswer(ja=words.ja, en=words.en)


@post("/api/cases/{case:str}/disclosure", opt=does(Action.CASE_DISCLOSE), responses=documented(*CREATES))
async def ask(
    request: HttpRequest,
    house: GivenHouse,
    who: GivenWho,
    case: FromPath[str],
    data: JSONBody[DisclosureBody],
    idempotency_key: IdempotencyKey = None,
) -> DisclosureAnswer:
    """Ask for the sheet of a case and a period. A second person approves it within 24 hours."""
    once = await once_of(request, idempotency_key)
    found = read_id(CASE, case)
    return _disclosure(await disclosures.ask_disclosure(house, who, found, data.since, data.until, once))


@get("/api/disclosures", opt=does(Action.DISCLOSURE_LIST), responses=documented(*READS))
async def listing(house: GivenHouse, who: GivenWho) -> DisclosuresAnswer:
    """What the caller has asked for, and what waits for the caller's approval: case numbers and periods only."""
    found = await disclosures.list_disclosures(house, who)
    return DisclosuresAnswer(disclosures=tuple(_disclosure(one) for one in found))


@post(
    "/api/disclosures/{id:str}/approve",
    opt=does(Action.DISCLOSURE_APPROVE),
    responses=documented(*OF_A_CASE),
    status_code=200,
)
async def approve(house: GivenHouse, who: GivenWho, id: FromPath[str]) -> DisclosureAnswer:
    """Approve what somebody else asked for, and see nothing of what the sheet will say."""
    return _disclosure(await disclosures.approve_disclosure(house, who, read_id(DISCLOSURE, id)))


@post(
    "/api/disclosures/{id:str}/issue",
    opt=does(Action.CASE_DISCLOSE),
    responses=documented(*OF_A_CASE),
    status_code=200,
)
async def issue(house: GivenHouse, who: GivenWho, id: FromPath[str]) -> SheetAnswer:
    """Make the sheet that was approved: every look of the period in plain words, with the receipt of its entry."""
    return _sheet(await sheets.issue_sheet(house, who, read_id(DISCLOSURE, id)), house.policy)


@post(
    "/api/disclosures/{id:str}/print",
    opt=does(Action.CASE_DISCLOSE),
    responses=documented(*OF_A_CASE),
    status_code=200,
)
async def print_out(house: GivenHouse, who: GivenWho, id: FromPath[str]) -> SheetAnswer:
    """The same sheet once more, for paper, with the receipt of the print's own entry."""
    return _sheet(await sheets.print_sheet(house, who, read_id(DISCLOSURE, id)), house.policy)


HANDLERS = (ask, listing, approve, issue, print_out)
