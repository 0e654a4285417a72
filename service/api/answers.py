"""What the API answers: structs made from the flows' views. Ids in their text form, times in ISO 8601 UTC."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from cases.ids import (
    CASE,
    COLLABORATION,
    ORGANISATION,
    SECTION,
    USER,
    write_id,
)
from consent.notice import Notice
from service.flows.cases import CaseKept
from service.flows.directory import CollaborationView, Directory, Partner
from service.flows.sessions import SessionView
from service.flows.sign_in import SignedIn
from service.flows.views import CaseLine, CaseView, Page, ReceiptView


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every answer."""


def moment(value: datetime) -> str:
    """A time as the API says it: UTC, milliseconds."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe_moment(value: datetime | None) -> str | None:
    """A time, or null."""
    return None if value is None else moment(value)


class SessionAnswer(Answer, frozen=True, kw_only=True):
    """Who is signed in. ``token`` only where a program has just signed in: it goes into the bearer header."""

    user: str
    name: str
    organisation: str
    organisation_name: str
    role: str
    token: str | None = None


def signed_in(made: SignedIn, token: str | None) -> SessionAnswer:
    """The answer to a sign-in."""
    return SessionAnswer(
        token=token,
        user=write_id(USER, made.user.id),
        name=made.user.name,
        organisation=write_id(ORGANISATION, made.user.organisation),
        organisation_name=made.organisation,
        role=made.user.role.value,
    )


def session(view: SessionView) -> SessionAnswer:
    """The answer to whose session it is."""
    return SessionAnswer(
        user=write_id(USER, view.user.id),
        name=view.user.name,
        organisation=write_id(ORGANISATION, view.organisation.id),
        organisation_name=view.organisation.name,
        role=view.user.role.value,
    )


class PartnerAnswer(Answer, frozen=True, kw_only=True):
    """An organisation; ``has_key``: a consent can be sealed to it."""

    id: str
    name: str
    kind: str
    has_key: bool


class PlaceAnswer(Answer, frozen=True, kw_only=True):
    """A place of pick-up."""

    code: str
    name: str


class CollaborationAnswer(Answer, frozen=True, kw_only=True):
    """A collaboration of the caller's organisation."""

    id: str
    organisations: tuple[PartnerAnswer, ...]
    places: tuple[PlaceAnswer, ...]


class SectionAnswer(Answer, frozen=True, kw_only=True):
    """A section of the caller's organisation."""

    id: str
    name: str


class DirectoryAnswer(Answer, frozen=True, kw_only=True):
    """Whom the caller's organisation works with."""

    collaborations: tuple[CollaborationAnswer, ...]
    sections: tuple[SectionAnswer, ...]


def directory(view: Directory) -> DirectoryAnswer:
    """The directory."""
    return DirectoryAnswer(
        collaborations=tuple(_collaboration(one) for one in view.collaborations),
        sections=tuple(SectionAnswer(id=write_id(SECTION, id), name=name) for id, name in view.sections),
    )


def _collaboration(view: CollaborationView) -> CollaborationAnswer:
    return CollaborationAnswer(
        id=write_id(COLLABORATION, view.id),
        organisations=tuple(_partner(one) for one in view.partners),
        places=tuple(PlaceAnswer(code=code, name=name) for code, name in view.places),
    )


def _partner(view: Partner) -> PartnerAnswer:
    found = view.organisation
    return PartnerAnswer(
        id=write_id(ORGANISATION, found.id), name=found.name, kind=found.kind.value, has_key=view.has_key
    )


class StatementAnswer(Answer, frozen=True, kw_only=True):
    """A statement of the notice, to be told."""

    number: int
    text: str


class NoticeAnswer(Answer, frozen=True, kw_only=True):
    """The notice, word for word; ``digest`` (SHA-256, hex) is what a consent records of it."""

    purpose: str
    version: int
    language: str
    opening: str
    statements: tuple[StatementAnswer, ...]
    closing: str
    shown: tuple[str, ...]
    text: str
    digest: str


def notice(found: Notice) -> NoticeAnswer:
    """The notice."""
    return NoticeAnswer(
        purpose=found.purpose.value,
        version=found.version,
        language=found.language.word,
        opening=found.opening,
        statements=tuple(StatementAnswer(number=number, text=text) for number, text in found.items),
        closing=found.closing,
        shown=found.shown,
        text=found.text,
        digest=found.digest.hex(),
    )


class ReceiptAnswer(Answer, frozen=True, kw_only=True):
    """What a reader may keep of the log entry that this answer stands on: tree, index, leaf hash (hex), and the
    number under which it can be asked for later."""

    tree: int
    index: int
    leaf_hash: str
    number: str


def receipt(view: ReceiptView | None) -> ReceiptAnswer | None:
    """The receipt."""
    if view is None:
        return None
    return ReceiptAnswer(tree=view.tree, index=view.index, leaf_hash=view.leaf_hash.hex(), number=view.number)


class KeptAnswer(Answer, frozen=True, kw_only=True):
    """What was written: its id, and the version to send in If-Match with the next write."""

    id: str
    number: str
    version: int


def kept(made: CaseKept) -> KeptAnswer:
    """The answer to a write of a case."""
    return KeptAnswer(id=write_id(CASE, made.id), number=made.number, version=made.version)


class ConditionsAnswer(Answer, frozen=True, kw_only=True):
    """The two conditions; null: not asked yet."""

    hardship: bool | None
    willing: bool | None


class CaseAnswer(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """A case as the caller may see it: ``fields`` by code, ``locked`` says why every other field is not shown.

    What is left out is not the caller's to see.
    """

    id: str
    number: str
    owner: str
    collaboration: str
    fields: Annotated[dict[str, object], msgspec.Meta(description="Permitted values by field code")]
    locked: dict[str, str]
    receipt: ReceiptAnswer | None
    open: bool | None = None
    sections: tuple[str, ...] | None = None
    conditions: ConditionsAnswer | None = None
    closing_reason: str | None = None
    rotation_due: bool | None = None
    version: int | None = None


def case(view: CaseView) -> CaseAnswer:
    """A case."""
    seen = view.metadata
    conditions = None
    if seen.conditions is not None:
        conditions = ConditionsAnswer(hardship=seen.conditions.hardship, willing=seen.conditions.willing)
    return CaseAnswer(
        id=write_id(CASE, view.id),
        number=view.number,
        owner=write_id(ORGANISATION, view.owner),
        collaboration=write_id(COLLABORATION, view.collaboration),
        open=view.open,
        fields=dict(view.fields),
        locked=dict(sorted(view.locked.items())),
        sections=None
        if seen.sections is None
        else tuple(sorted(write_id(SECTION, one) for one in seen.sections)),
        conditions=conditions,
        closing_reason=None if seen.closing_reason is None else seen.closing_reason.value,
        rotation_due=seen.rotation_due,
        version=view.version,
        receipt=receipt(view.receipt),
    )


class LineAnswer(Answer, frozen=True, kw_only=True):
    """A case in a list."""

    id: str
    number: str
    opened: str
    open: bool
    fields: dict[str, object]
    receipt: ReceiptAnswer | None


class CasesAnswer(Answer, frozen=True, kw_only=True):
    """A page of cases; ``next`` is the cursor of the next page, null on the last one."""

    cases: tuple[LineAnswer, ...]
    next: str | None


def lines(page: Page[CaseLine]) -> CasesAnswer:
    """A page of cases."""
    return CasesAnswer(cases=tuple(_line(one) for one in page.lines), next=page.next)


def _line(view: CaseLine) -> LineAnswer:
    return LineAnswer(
        id=write_id(CASE, view.id),
        number=view.number,
        opened=moment(view.opened),
        open=view.open,
        fields=dict(view.fields),
        receipt=receipt(view.receipt),
    )
