"""What the API accepts: structs that refuse unknown names, converted to the flows' values.

Lengths and forms that a struct can say are said here; what a value means is checked by the package that owns it.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import msgspec

from cases.eligibility import Conditions
from cases.fields import Slot
from cases.ids import (
    COLLABORATION,
    ORGANISATION,
    REQUEST,
    ROW,
    SECTION,
    USER,
    CollaborationId,
    OrganisationId,
    RequestId,
    RowId,
    SectionId,
    UserId,
    read_id,
)
from cases.ledger import RowKind
from consent.codes import Code
from policies.registry import Registry
from service.flows.cases import NewCase
from service.flows.errors import InvalidError
from service.flows.ledger import NewRow
from service.flows.requests import NewRequest

Chosen = TypeVar("Chosen", bound=Code)
Id = Annotated[str, msgspec.Meta(min_length=34, max_length=34)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every body: a name that is not known is refused."""


class SignInBody(Body, frozen=True, kw_only=True):
    """Login, password and code in one; ``code`` only for those who have a second factor."""

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    password: Secret
    code: Annotated[str, msgspec.Meta(max_length=12)] | None = None
    transport: Literal["bearer", "cookie"] = "bearer"


class PasswordBody(Body, frozen=True, kw_only=True):
    """The old and the new password."""

    old: Secret
    new: Secret


class ConditionsBody(Body, frozen=True, kw_only=True):
    """The two conditions (manual 1); null: not asked yet."""

    hardship: bool | None
    willing: bool | None

    def conditions(self) -> Conditions:
        """The conditions."""
        return Conditions(hardship=self.hardship, willing=self.willing)


NOT_ASKED = ConditionsBody(hardship=None, willing=None)


class CaseBody(Body, frozen=True, kw_only=True):
    """A new case. ``fields`` by code; without a collaboration the only one, without sections the caller's own."""

    fields: dict[Word, object] = {}
    conditions: ConditionsBody | None = None
    collaboration: Id | None = None
    sections: tuple[Id, ...] | None = None

    def new(self) -> NewCase:
        """The flow's value. Raises InvalidError."""
        conditions = (
            Conditions(hardship=None, willing=None)
            if self.conditions is None
            else self.conditions.conditions()
        )
        collaboration = None
        if self.collaboration is not None:
            collaboration = CollaborationId(one_id(COLLABORATION, self.collaboration, "collaboration"))
        sections = None
        if self.sections is not None:
            sections = frozenset(SectionId(one_id(SECTION, text, "sections")) for text in self.sections)
        return NewCase(
            fields=self.fields, conditions=conditions, collaboration=collaboration, sections=sections
        )


class FieldsBody(Body, frozen=True, kw_only=True):
    """The fields to change, by code; what is not named stays as it is."""

    fields: dict[Word, object]


class SearchBody(Body, frozen=True, kw_only=True):
    """What to look for: a name, kana or number, or a part of one."""

    words: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AssignBody(Body, frozen=True, kw_only=True):
    """Whom the case is assigned to, or, with ``remove``, no longer."""

    users: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=50)]
    remove: bool = False

    def ids(self) -> tuple[UserId, ...]:
        """The users. Raises InvalidError."""
        return tuple(UserId(one_id(USER, text, "users")) for text in self.users)


class CloseBody(Body, frozen=True, kw_only=True):
    """Why the case is closed, and the note of the outcome."""

    reason: Literal["conditions_ended", "connected", "moved", "withdrew", "refused", "other"]
    note: object = None


class RequestBody(Body, frozen=True, kw_only=True):
    """What is asked of the recipient (manual 4); ``send``: at once, or keep a draft."""

    recipient: Id
    quantity: dict[str, object]
    pickup: dict[str, object] | None = None
    message: str | None = None
    send: bool = False

    def new(self) -> NewRequest:
        """The flow's value. Raises InvalidError."""
        fields = {"quantity": self.quantity, "pickup": self.pickup, "message": self.message}
        return NewRequest(
            recipient=OrganisationId(one_id(ORGANISATION, self.recipient, "recipient")),
            fields=fields,
            send=self.send,
        )


class DeclineBody(Body, frozen=True, kw_only=True):
    """Why the request cannot be taken."""

    reason: Literal["out_of_stock", "date", "area", "not_in_scope", "other"]


class RowBody(Body, frozen=True, kw_only=True):
    """A row of the ledger: what was handed over, noticed or answered; a correction names the row it corrects."""

    kind: Literal["delivery", "observation", "reply", "correction"]
    value: dict[str, object]
    request: Id | None = None
    recipient: Id | None = None
    corrects: Id | None = None

    def new(self) -> NewRow:
        """The flow's value. Raises InvalidError."""
        request = None if self.request is None else RequestId(one_id(REQUEST, self.request, "request"))
        recipient = None
        if self.recipient is not None:
            recipient = OrganisationId(one_id(ORGANISATION, self.recipient, "recipient"))
        corrects = None if self.corrects is None else RowId(one_id(ROW, self.corrects, "corrects"))
        return NewRow(
            kind=RowKind(self.kind),
            value=self.value,
            request=request,
            recipient=recipient,
            corrects=corrects,
        )


def one_id(kind: str, text: str, path: str) -> UUID:
    """The id that ``text`` names. Raises InvalidError with the path of the part."""
    found = read_id(kind, text)
    if found is None:
        raise InvalidError(path, "form")
    return found


def code(kind: type[Chosen], word: str, path: str) -> Chosen:
    """The code of a word. Raises InvalidError for a word that the list does not have."""
    found = kind.of(word)
    if found is None:
        raise InvalidError(path, "unknown_code")
    return found


def codes(kind: type[Chosen], words: Iterable[str], path: str) -> frozenset[Chosen]:
    """The codes of the words."""
    return frozenset(code(kind, word, path) for word in words)


def slots(registry: Registry, words: Iterable[str], path: str) -> frozenset[Slot]:
    """The slots of the fields. Raises InvalidError for a field that there is not."""
    found: set[Slot] = set()
    for word in words:
        field = registry.by_code.get(word)
        if field is None:
            raise InvalidError(path, "unknown_field")
        found.add(field.slot)
    return frozenset(found)
