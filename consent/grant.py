"""What a live consent lets be sealed for, and opened by, its recipient. A Grant is made here only.

A function that seals or opens for a recipient takes a Grant, so that it cannot be called without a consent
that holds. A test on the syntax tree keeps the one place.
"""

from dataclasses import dataclass

from cases.fields import Purpose, Slot
from cases.ids import CaseId, OrganisationId, SeriesId
from consent.errors import NoGrantError, RecordError
from consent.record import Direction, Event, decode, event_hash
from consent.standing import Standing, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A live standing, for keys: whose, which slots, under which event, and until when.

    ``event_hash`` is that of the stored bytes of the event that justifies, 32 bytes; ``not_after`` is the
    first Unix second that is too late.
    """

    case: CaseId
    series: SeriesId
    recipient: OrganisationId
    purpose: Purpose
    slots: frozenset[Slot]
    directions: frozenset[Direction]
    number: int
    event_hash: bytes
    not_after: int


def grant(standing: Standing, stored: bytes) -> Grant:
    """The grant of a live standing, whose justifying event has these stored bytes.

    Raises:
        NoGrantError: the state's word where it is not live, ``other_event`` where the bytes are another's.
    """
    event, until = standing.event, standing.until
    if standing.state is not State.LIVE or event is None or until is None:
        raise NoGrantError(standing.state.value)
    if not _is(event, stored):
        raise NoGrantError("other_event")
    return Grant(
        case=event.case,
        series=event.series,
        recipient=event.recipient,
        purpose=event.purpose,
        slots=standing.fields,
        directions=standing.directions,
        number=event.number,
        event_hash=event_hash(stored),
        not_after=int(until.timestamp()),
    )


def _is(event: Event, stored: bytes) -> bool:
    try:
        found = decode(stored)
    except RecordError:
        return False
    return found is event or found == event
