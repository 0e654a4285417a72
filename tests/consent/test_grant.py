"""What a live consent lets be opened, and what the person takes home."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cases.fields import Slot
from consent.answer import Refusal, confirm, give, refuse, withdraw
from consent.errors import NoGrantError, RecordError
from consent.grant import grant
from consent.receipt import receipt
from consent.record import TOKYO, Event, EventKind, GivenBy, Language, Method, encode, event_hash
from consent.standing import standing
from tests.consent.makers import (
    ANSWER,
    BOTH_WAYS,
    HOW,
    LAST_INSTANT,
    NOTICE,
    OFFERED,
    SERIES,
    SPOKEN,
    START,
    TERMS,
    UNTIL,
    WITNESS,
    stamp,
)

HOUR = timedelta(hours=1)
MADE = give(SERIES, (), stamp(), ANSWER, TERMS)
SAID = give(SERIES, (), stamp(), SPOKEN, TERMS)
REFUSED = refuse(
    SERIES,
    (),
    stamp(),
    Refusal(
        notice_version=1,
        language=Language.JA,
        given_by=frozenset((GivenBy.SELF,)),
        method=Method.PAPER,
        event_day=START.date(),
    ),
    TERMS,
)


def test_a_live_consent_grants_what_it_covers_until_its_last_day() -> None:
    """A grant names the case, the recipient, the slots, the event and the first second that is too late."""
    made = grant(standing((MADE,), START), encode(MADE))
    assert (made.case, made.series, made.recipient) == (SERIES.case, SERIES.series, SERIES.recipient)
    assert (made.slots, made.directions) == (ANSWER.allowed, BOTH_WAYS)
    assert (made.number, made.event_hash) == (1, event_hash(encode(MADE)))
    assert made.not_after == int(datetime(2027, 4, 1, tzinfo=TOKYO).timestamp())


def test_a_confirmed_consent_grants_under_its_confirmation() -> None:
    """The event that justifies is the one that made it live."""
    sure = confirm((SAID,), stamp(HOUR, WITNESS))
    assert grant(standing((SAID, sure), START + HOUR), encode(sure)).number == 2


@pytest.mark.parametrize(
    ("events", "at", "why"),
    [
        ((), START, "none"),
        ((SAID,), START, "awaiting_witness"),
        ((SAID,), START + 24 * HOUR, "none"),
        ((REFUSED,), START, "refused"),
        ((MADE, withdraw((MADE,), stamp(HOUR), HOW)), START + HOUR, "withdrawn"),
        ((MADE,), LAST_INSTANT + timedelta(milliseconds=1), "expired"),
    ],
)
def test_what_is_not_live_grants_nothing(events: tuple[Event, ...], at: datetime, why: str) -> None:
    """No consent, no key."""
    for stored in (encode(MADE), encode(SAID)):
        with pytest.raises(NoGrantError) as caught:
            grant(standing(events, at), stored)
        assert caught.value.why == why


def test_a_grant_names_the_very_event_that_justifies() -> None:
    """Bytes of another event, an earlier or a wider one, are refused."""
    now = standing((MADE,), START)
    wider = encode(replace(MADE, allowed=OFFERED, refused=frozenset()))
    for stored in (encode(SAID), wider, b"", encode(MADE)[:-1]):
        with pytest.raises(NoGrantError) as caught:
            grant(now, stored)
        assert caught.value.why == "other_event"


LABELS = {slot: f"label {slot}" for slot in OFFERED}


def test_the_person_takes_home_what_they_agreed_to() -> None:
    """The receipt holds what was allowed, what was refused, until when, and the words that were told."""
    paper = receipt(MADE, NOTICE, LABELS)
    assert paper.allowed == ("label 1", "label 4", "label 17", "label 21")
    assert paper.refused == ("label 6", "label 12")
    assert (paper.number, paper.kind, paper.until) == ("C-2026-50318", EventKind.GIVEN, UNTIL)
    assert paper.tells_back
    assert (paper.notice, paper.notice_digest) == (NOTICE.text, NOTICE.digest)
    assert paper.event_hash == event_hash(encode(MADE))
    assert paper.given_by == (GivenBy.SELF,)


def test_a_refusal_has_a_receipt_too() -> None:
    """Who said no can take that home as well."""
    paper = receipt(REFUSED, NOTICE, LABELS)
    assert (paper.allowed, len(paper.refused), paper.until) == ((), len(OFFERED), None)


def test_a_receipt_never_shows_other_words_than_those_told() -> None:
    """The wording on the paper is the one that the event names."""
    with pytest.raises(RecordError):
        receipt(MADE, replace(NOTICE, digest=bytes(32)), LABELS)
    with pytest.raises(KeyError):
        receipt(MADE, NOTICE, {Slot(1): "label 1"})
