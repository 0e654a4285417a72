"""The receipt (控え): what the person takes home. It says what was agreed, and carries no name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cases.fields import Purpose, Slot
from cases.ids import OrganisationId
from consent.errors import RecordError, RecordFault
from consent.event import Event, tokyo_day
from consent.notice import Notice
from consent.record import Direction, EventKind, GivenBy, Language, Method, encode, event_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReceipt:
    """A copy of one answer, in the language in which the notice was told.

    ``allowed`` and ``refused`` are the fields' labels in the order of their slots. ``tells_back``: whether
    the recipient may tell the owner what it notices. ``event_hash`` is 32 bytes: whoever holds the receipt
    can ask for the event with this hash. ``notice`` is the whole text that was told and shown.
    """

    number: str
    kind: EventKind
    purpose: Purpose
    recipient: OrganisationId
    language: Language
    event_day: date
    recorded_on: date
    valid_from: date | None
    until: date | None
    allowed: tuple[str, ...]
    refused: tuple[str, ...]
    tells_back: bool
    given_by: tuple[GivenBy, ...]
    method: Method | None
    notice: str
    notice_version: int
    notice_digest: bytes
    event_hash: bytes


def receipt(event: Event, notice: Notice, labels: Mapping[Slot, str]) -> PersonReceipt:
    """The receipt of an answer, with the wording that it names and a label for each of its slots.

    Raises:
        RecordError: ``set`` where the event names another wording.
        KeyError: a slot without a label, which is a mistake in the program.
    """
    if event.notice_digest != notice.digest:
        raise RecordError(RecordFault.SET, event.number)
    return PersonReceipt(
        number=event.receipt,
        kind=event.kind,
        purpose=event.purpose,
        recipient=event.recipient,
        language=notice.language,
        event_day=event.event_day,
        recorded_on=tokyo_day(event.recorded_at),
        valid_from=event.valid_from,
        until=event.until,
        allowed=tuple(labels[slot] for slot in sorted(event.allowed)),
        refused=tuple(labels[slot] for slot in sorted(event.refused)),
        tells_back=Direction.RECIPIENT_TO_OWNER in event.directions,
        given_by=tuple(sorted(event.given_by, key=lambda given: given.value)),
        method=event.method,
        notice=notice.text,
        notice_version=event.notice_version,
        notice_digest=event.notice_digest,
        event_hash=event_hash(encode(event)),
    )
