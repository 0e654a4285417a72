"""The rules that an answer must keep before it is recorded.

1. All statements of the notice were told, each by its number. (manual 3)
2. Food support needs both conditions. (manual 1)
3. Every field on the form is either allowed or refused, in so many words; nothing else is.
4. Each sensitive field that is allowed was acknowledged by itself.
5. The direction from recipient to owner can be refused alone; what needs it is then refused too.
6. Under 12 the legal representative answers, from 12 to 14 both, from 15 the person.
7. Who helped and who represented is named. A spoken answer names a witness, who is not the recorder.
8. No day lies in the future; a consent starts no later than the day it is recorded, and lasts at most 12
   months. (A term in months ends with the day of the same number: Civil Code of Japan, articles 140 and 143.)
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from cases.fields import Purpose, Slot
from cases.ids import UserId
from consent.codes import AgeClass, Basis, CopyGiven, Direction, GivenBy, IdentityCheck, Language, Method
from consent.errors import AnswerError, AnswerFault
from consent.event import Told, tokyo_day
from consent.notice import Notice


class Named(Enum):
    """Whose name was written down beside the person's; the names themselves are sealed."""

    HELPER = "helper"
    REPRESENTATIVE = "representative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a municipality may set: months, and which age classes need whose answer.

    ``longest_months`` is at most 12. ``retention_months`` is the longest time for the recipient's own papers.
    """

    longest_months: int = 12
    retention_months: int = 120
    need_representative: frozenset[AgeClass] = frozenset((AgeClass.UNDER_12, AgeClass.FROM_12_TO_14))
    need_person: frozenset[AgeClass] = frozenset((AgeClass.FROM_12_TO_14, AgeClass.FROM_15_UP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the consent form of a purpose offers.

    ``optional`` are the slots shown as extras, ``sensitive`` those to acknowledge, ``returning`` those that
    exist only with the direction recipient_to_owner; all are subsets of ``slots``.
    """

    purpose: Purpose
    slots: frozenset[Slot]
    optional: frozenset[Slot]
    sensitive: frozenset[Slot]
    returning: frozenset[Slot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the recorder sends when a person agreed, wholly or in part.

    ``told`` in rising order of numbers. ``named`` says whose names ``sealed_names`` holds. ``valid_from``
    None: from ``event_day``. ``until``: the last day. ``retention_months``: how long the recipient may keep
    its own papers after the end. ``witness``: for a spoken answer only, who is to confirm it.
    """

    told: tuple[Told, ...]
    notice_version: int
    language: Language
    allowed: frozenset[Slot]
    refused: frozenset[Slot]
    acknowledged: frozenset[Slot]
    directions: frozenset[Direction]
    age: AgeClass
    given_by: frozenset[GivenBy]
    named: frozenset[Named] = frozenset()
    method: Method
    identity: IdentityCheck
    sealed_names: bytes = b""
    copy: CopyGiven
    event_day: date
    valid_from: date | None = None
    until: date
    retention_months: int = 12
    witness: UserId | None = None

    @property
    def basis(self) -> Basis:
        """Whose agreement it is: the representative's as soon as one takes part."""
        represented = GivenBy.LEGAL_REPRESENTATIVE in self.given_by
        return Basis.LEGAL_REPRESENTATIVE if represented else Basis.PERSON

    @property
    def starts(self) -> date:
        """The first day."""
        return self.event_day if self.valid_from is None else self.valid_from


_PERSON = frozenset((GivenBy.SELF, GivenBy.SELF_WITH_HELP))
LONGEST_MONTHS = 12
"""No setting makes a consent last longer."""


def check_answer(
    answer: Answer,
    offer: Offer,
    notice: Notice,
    *,
    conditions_both: bool,
    recorded_at: datetime,
    recorder: UserId,
    limits: Limits,
) -> None:
    """Lets pass an answer that keeps every rule of this module.

    Raises:
        AnswerError: the first rule broken, the part of the answer, and the slots or numbers concerned.
    """
    if offer.purpose is Purpose.FOOD_SUPPORT and not conditions_both:
        raise AnswerError(AnswerFault.CONDITIONS, "conditions")
    check_told(answer.told, answer.notice_version, answer.language, offer, notice, recorded_at)
    missing = {number for number, _ in notice.items} - {told.number for told in answer.told}
    _refuse(missing, AnswerFault.NOT_TOLD, "told")
    check_fields(answer, offer.slots)
    _check_sensitive(answer, offer)
    check_directions(answer, offer)
    _check_given_by(answer, limits)
    _check_witness(answer, recorder)
    check_days(answer, recorded_at, limits)


def check_told(
    told: tuple[Told, ...],
    version: int,
    language: Language,
    offer: Offer,
    notice: Notice,
    recorded_at: datetime,
) -> None:
    """Lets pass statements of this very notice, told before they are recorded."""
    if notice.purpose is not offer.purpose:
        raise AnswerError(AnswerFault.PURPOSE, "purpose")
    if (version, language) != (notice.version, notice.language):
        raise AnswerError(AnswerFault.NOTICE, "notice_version")
    numbers = [item.number for item in told]
    unknown = set(numbers) - {number for number, _ in notice.items}
    _refuse(unknown, AnswerFault.TOLD_UNKNOWN, "told")
    if numbers != sorted(set(numbers)):
        raise AnswerError(AnswerFault.TOLD_UNKNOWN, "told", numbers)
    _refuse(
        {item.number for item in told if item.at.replace(microsecond=0) > recorded_at},
        AnswerFault.TOLD_LATER,
        "told",
    )


def check_fields(answer: Answer, offered: frozenset[Slot]) -> None:
    """Lets pass an answer in which each offered field, and no other, is either allowed or refused."""
    _refuse(answer.allowed - offered, AnswerFault.NOT_OFFERED, "allowed")
    _refuse(answer.refused - offered, AnswerFault.NOT_OFFERED, "refused")
    _refuse(answer.allowed & answer.refused, AnswerFault.ALLOWED_AND_REFUSED, "allowed")
    _refuse(offered - answer.allowed - answer.refused, AnswerFault.NOT_ANSWERED, "allowed")
    if not answer.allowed:
        raise AnswerError(AnswerFault.NOTHING_ALLOWED, "allowed")


def check_directions(answer: Answer, offer: Offer) -> None:
    """Lets pass an answer that lets things pass to the recipient, and back only what the person lets back."""
    if Direction.OWNER_TO_RECIPIENT not in answer.directions:
        raise AnswerError(AnswerFault.DIRECTION_MISSING, "directions")
    if Direction.RECIPIENT_TO_OWNER not in answer.directions:
        _refuse(answer.allowed & offer.returning, AnswerFault.NEEDS_DIRECTION, "allowed")


def check_days(answer: Answer, recorded_at: datetime, limits: Limits) -> None:
    """Lets pass days that rule 8 permits, seen from the day of the recording in Asia/Tokyo."""
    today = tokyo_day(recorded_at)
    if answer.event_day > today:
        raise AnswerError(AnswerFault.DAY_IN_FUTURE, "event_day")
    if answer.starts > today:
        raise AnswerError(AnswerFault.STARTS_LATER, "valid_from")
    if answer.starts < answer.event_day:
        raise AnswerError(AnswerFault.STARTS_BEFORE, "valid_from")
    if answer.until < today:
        raise AnswerError(AnswerFault.UNTIL_PAST, "until")
    if answer.until > months_later(answer.starts, min(limits.longest_months, LONGEST_MONTHS)):
        raise AnswerError(AnswerFault.UNTIL_TOO_FAR, "until")
    if not 0 <= answer.retention_months <= limits.retention_months:
        raise AnswerError(AnswerFault.RETENTION, "retention_months")


def months_later(day: date, months: int) -> date:
    """The last day of a term of months that began on ``day``: the same number, or the month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _check_sensitive(answer: Answer, offer: Offer) -> None:
    due = answer.allowed & offer.sensitive
    _refuse(due - answer.acknowledged, AnswerFault.NOT_ACKNOWLEDGED, "acknowledged")
    _refuse(answer.acknowledged - due, AnswerFault.NOT_TO_ACKNOWLEDGE, "acknowledged")


def _check_given_by(answer: Answer, limits: Limits) -> None:
    given = answer.given_by
    if not given or given >= _PERSON:
        raise AnswerError(AnswerFault.GIVEN_BY, "given_by")
    represented = GivenBy.LEGAL_REPRESENTATIVE in given
    if answer.age in limits.need_representative and not represented:
        raise AnswerError(AnswerFault.REPRESENTATIVE_MISSING, "given_by")
    if answer.age in limits.need_person and not given & _PERSON:
        raise AnswerError(AnswerFault.PERSON_MISSING, "given_by")
    if represented and Named.REPRESENTATIVE not in answer.named:
        raise AnswerError(AnswerFault.REPRESENTATIVE_NAME_MISSING, "names")
    if GivenBy.SELF_WITH_HELP in given and Named.HELPER not in answer.named:
        raise AnswerError(AnswerFault.HELPER_NAME_MISSING, "names")


def _check_witness(answer: Answer, recorder: UserId) -> None:
    spoken = answer.method is Method.ORAL_WITNESSED
    if spoken and answer.witness is None:
        raise AnswerError(AnswerFault.WITNESS_MISSING, "witness")
    if spoken and answer.witness == recorder:
        raise AnswerError(AnswerFault.WITNESS_IS_RECORDER, "witness")
    if not spoken and answer.witness is not None:
        raise AnswerError(AnswerFault.WITNESS_NEEDLESS, "witness")


def _refuse(items: set[int] | frozenset[Slot], fault: AnswerFault, path: str) -> None:
    if items:
        raise AnswerError(fault, path, items)
