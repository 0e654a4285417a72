"""Answers about what owner and recipient share: consents, requests, the ledger; and the log."""

from collections.abc import Mapping

from cases.ids import CASE, ORGANISATION, REQUEST, ROW, SERIES, USER, write_id
from service.api.answers import Answer, ReceiptAnswer, maybe_moment, moment, receipt
from service.flows.consents import Recorded
from service.flows.requests import RequestKept
from service.flows.views import LedgerView, Page, RequestView, SeriesView


class RecordedAnswer(Answer, frozen=True, kw_only=True):
    """A consent that was recorded: its id, the receipt number, where it stands, and the version for If-Match."""

    id: str
    number: str
    state: str
    version: int


def recorded(made: Recorded) -> RecordedAnswer:
    """The answer to recording a consent."""
    return RecordedAnswer(
        id=write_id(SERIES, made.id), number=made.number, state=made.state.value, version=made.version
    )


class DoneAnswer(Answer, frozen=True, kw_only=True):
    """It is done; nothing more is told."""

    done: bool = True


class SeriesAnswer(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """A consent series. ``refused`` and ``events`` are the owner's to see."""

    id: str
    number: str
    recipient: str
    purpose: str
    state: str
    until: str | None
    allowed: tuple[str, ...]
    directions: tuple[str, ...]
    refused: tuple[str, ...] | None = None
    asked_again: bool = False
    version: int | None = None
    events: tuple[Mapping[str, object], ...] = ()


class ConsentsAnswer(Answer, frozen=True, kw_only=True):
    """The consents of a case that the caller may see."""

    consents: tuple[SeriesAnswer, ...]
    receipt: ReceiptAnswer | None


def consents(page: Page[SeriesView]) -> ConsentsAnswer:
    """The consents."""
    return ConsentsAnswer(consents=tuple(_series(one) for one in page.lines), receipt=receipt(page.receipt))


def _series(view: SeriesView) -> SeriesAnswer:
    return SeriesAnswer(
        id=write_id(SERIES, view.id),
        number=view.number,
        recipient=write_id(ORGANISATION, view.recipient),
        purpose=view.purpose,
        state=view.state,
        until=maybe_moment(view.until),
        allowed=view.allowed,
        refused=view.refused,
        directions=view.directions,
        asked_again=view.asked_again,
        version=view.version,
        events=view.events,
    )


class RequestKeptAnswer(Answer, frozen=True, kw_only=True):
    """What was done with a request: its stage now, and the version to send in If-Match."""

    id: str
    stage: str
    version: int


def request_kept(made: RequestKept) -> RequestKeptAnswer:
    """The answer to a move of a request."""
    return RequestKeptAnswer(id=write_id(REQUEST, made.id), stage=made.stage.value, version=made.version)


class RequestAnswer(Answer, frozen=True, kw_only=True):
    """A request as the caller may see it."""

    id: str
    case: str
    number: str
    recipient: str
    stage: str
    created: str
    sent: str | None
    decline_reason: str | None
    version: int
    meals: int | None
    fields: dict[str, object]
    locked: dict[str, str]
    receipt: ReceiptAnswer | None


class RequestsAnswer(Answer, frozen=True, kw_only=True):
    """Requests, of one case or of the inbox."""

    requests: tuple[RequestAnswer, ...]


def requests(views: tuple[RequestView, ...]) -> RequestsAnswer:
    """The requests."""
    return RequestsAnswer(requests=tuple(_request(one) for one in views))


def _request(view: RequestView) -> RequestAnswer:
    return RequestAnswer(
        id=write_id(REQUEST, view.id),
        case=write_id(CASE, view.case),
        number=view.number,
        recipient=write_id(ORGANISATION, view.recipient),
        stage=view.stage.value,
        created=moment(view.created),
        sent=maybe_moment(view.sent),
        decline_reason=None if view.decline_reason is None else view.decline_reason.value,
        version=view.version,
        meals=view.meals,
        fields=dict(view.fields),
        locked=dict(sorted(view.locked.items())),
        receipt=receipt(view.receipt),
    )


class RowAnswer(Answer, frozen=True, kw_only=True):
    """A row of the ledger; ``value`` null and ``locked`` the reason where the caller may not see it."""

    id: str
    kind: str
    about: str
    recipient: str
    request: str | None
    author: str | None
    organisation: str
    recorded: str
    corrects: str | None
    value: object
    locked: str | None


class LedgerAnswer(Answer, frozen=True, kw_only=True):
    """The ledger of a case, oldest row first."""

    rows: tuple[RowAnswer, ...]
    receipt: ReceiptAnswer | None


class RowKeptAnswer(Answer, frozen=True, kw_only=True):
    """The row that was added."""

    id: str


def ledger(page: Page[LedgerView]) -> LedgerAnswer:
    """The ledger."""
    return LedgerAnswer(rows=tuple(_row(one) for one in page.lines), receipt=receipt(page.receipt))


def _row(view: LedgerView) -> RowAnswer:
    return RowAnswer(
        id=write_id(ROW, view.id),
        kind=view.kind,
        about=view.about,
        recipient=write_id(ORGANISATION, view.recipient),
        request=None if view.request is None else write_id(REQUEST, view.request),
        author=None if view.author is None else write_id(USER, view.author),
        organisation=write_id(ORGANISATION, view.organisation),
        recorded=moment(view.recorded),
        corrects=None if view.corrects is None else write_id(ROW, view.corrects),
        value=view.value,
        locked=view.locked,
    )
