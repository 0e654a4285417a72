"""What a flow answers: plain values, with ids as ids and codes as words. The API and the pages convert them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from audit.receipt import write_receipt
from cases.closing import ClosingReason
from cases.eligibility import Conditions
from cases.ids import (
    CaseId,
    CollaborationId,
    OrganisationId,
    RequestId,
    RowId,
    SectionId,
    SeriesId,
    UserId,
)
from cases.request import DeclineReason, Stage
from service.store.log import Receipt

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """What a reader keeps of a log entry: the tree's number, the index, the whole leaf hash."""

    tree: int
    index: int
    leaf_hash: bytes

    @property
    def number(self) -> str:
        """The receipt's number as it is printed and asked for (formats.md, Receipt of a reader)."""
        return write_receipt(self.index, self.leaf_hash)


def receipt_view(receipt: Receipt) -> ReceiptView:
    """The part of a receipt that leaves the house."""
    return ReceiptView(tree=receipt.tree, index=receipt.index, leaf_hash=receipt.leaf_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is kept in clear about a case, as far as this caller may see it; None: not shown."""

    sections: frozenset[SectionId] | None = None
    conditions: Conditions | None = None
    closing_reason: ClosingReason | None = None
    rotation_due: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case as one caller sees it. ``fields`` are by code; thread fields are lists, a row each.

    ``locked`` says why every other field is not shown. ``version`` is for the owner only.
    """

    id: CaseId
    number: str
    owner: OrganisationId
    collaboration: CollaborationId
    open: bool | None
    fields: Mapping[str, object]
    locked: Mapping[str, str]
    metadata: Metadata = field(default_factory=Metadata)
    version: int | None = None
    receipt: ReceiptView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A case in a list: what identifies it for those who may read it."""

    id: CaseId
    number: str
    opened: datetime
    open: bool
    fields: Mapping[str, object]
    receipt: ReceiptView


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Line]):
    """Some lines, and where the next ones begin; no totals. ``receipt``: that of the one entry which they stand on."""

    lines: tuple[Line, ...]
    next: str | None
    receipt: ReceiptView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request with what this caller may see of its contents."""

    id: RequestId
    case: CaseId
    number: str
    recipient: OrganisationId
    stage: Stage
    created: datetime
    sent: datetime | None
    decline_reason: DeclineReason | None
    version: int
    meals: int | None
    fields: Mapping[str, object]
    locked: Mapping[str, str]
    receipt: ReceiptView


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """A row of the ledger; ``value`` is None where this caller may not see it, ``locked`` says why.

    ``about`` is the kind of the value: for a correction that of the row which it corrects.
    """

    id: RowId
    kind: str
    about: str
    recipient: OrganisationId
    request: RequestId | None
    author: UserId | None
    organisation: OrganisationId
    recorded: datetime
    corrects: RowId | None
    value: object
    locked: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """A consent series: what holds now, and its events. ``version``, for the owner, is how many events there are."""

    id: SeriesId
    number: str
    recipient: OrganisationId
    purpose: str
    state: str
    until: datetime | None
    allowed: tuple[str, ...]
    refused: tuple[str, ...] | None
    directions: tuple[str, ...]
    asked_again: bool
    version: int | None
    events: tuple[Mapping[str, object], ...]
