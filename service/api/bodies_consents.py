"""What the API accepts about consents: the person's answer, whole, converted to the consent package's values."""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from cases.fields import Purpose
from cases.ids import ORGANISATION, USER, OrganisationId, UserId
from consent.answer import Answer, Refusal, Withdrawal
from consent.codes import AgeClass, CopyGiven, Direction, GivenBy, IdentityCheck, Language, Method
from consent.record import Told
from policies.registry import Registry
from service.api.bodies import Body, Id, Word, code, codes, one_id, slots
from service.flows.consents import NewAnswer
from service.flows.errors import InvalidError
from service.flows.names import NOBODY, Names


class ToldBody(Body, frozen=True, kw_only=True):
    """One statement of the notice, by its number, and when it was told."""

    number: Annotated[int, msgspec.Meta(ge=1, le=99)]
    at: datetime


class AnswerBody(Body, frozen=True, kw_only=True):
    """What the person answered, whole (see `GET /api/notices/{purpose}`): every offered field is allowed or refused."""

    told: tuple[ToldBody, ...]
    notice_version: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    language: Word
    allowed: tuple[Word, ...]
    refused: tuple[Word, ...]
    acknowledged: tuple[Word, ...] = ()
    directions: tuple[Word, ...]
    age: Word
    given_by: tuple[Word, ...]
    method: Word
    identity: Word
    copy_given: Word
    event_day: date
    valid_from: date | None = None
    until: date
    retention_months: Annotated[int, msgspec.Meta(ge=0, le=1200)] = 12
    witness: Id | None = None
    names: Names = NOBODY

    def answer(self, registry: Registry) -> Answer:
        """The consent package's value; names are sealed later. Raises InvalidError."""
        for path, day in (
            ("event_day", self.event_day),
            ("valid_from", self.valid_from),
            ("until", self.until),
        ):
            _check_year(path, day)
        return Answer(
            told=tuple(_told(one) for one in sorted(self.told, key=lambda one: one.number)),
            notice_version=self.notice_version,
            language=code(Language, self.language, "language"),
            allowed=slots(registry, self.allowed, "allowed"),
            refused=slots(registry, self.refused, "refused"),
            acknowledged=slots(registry, self.acknowledged, "acknowledged"),
            directions=codes(Direction, self.directions, "directions"),
            age=code(AgeClass, self.age, "age"),
            given_by=codes(GivenBy, self.given_by, "given_by"),
            method=code(Method, self.method, "method"),
            identity=code(IdentityCheck, self.identity, "identity"),
            copy=code(CopyGiven, self.copy_given, "copy_given"),
            event_day=self.event_day,
            valid_from=self.valid_from,
            until=self.until,
            retention_months=self.retention_months,
            witness=None if self.witness is None else UserId(one_id(USER, self.witness, "witness")),
        )


class RefusalBody(Body, frozen=True, kw_only=True):
    """What is known when the person did not agree."""

    told: tuple[ToldBody, ...] = ()
    notice_version: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    language: Word
    age: Word | None = None
    given_by: tuple[Word, ...]
    method: Word
    identity: Word | None = None
    event_day: date

    def refusal(self) -> Refusal:
        """The consent package's value. Raises InvalidError."""
        _check_year("event_day", self.event_day)
        return Refusal(
            told=tuple(_told(one) for one in sorted(self.told, key=lambda one: one.number)),
            notice_version=self.notice_version,
            language=code(Language, self.language, "language"),
            age=None if self.age is None else code(AgeClass, self.age, "age"),
            given_by=codes(GivenBy, self.given_by, "given_by"),
            method=code(Method, self.method, "method"),
            identity=None if self.identity is None else code(IdentityCheck, self.identity, "identity"),
            event_day=self.event_day,
        )


class ConsentBody(Body, frozen=True, kw_only=True):
    """Exactly one of ``answer`` and ``refusal``; neither: the person is being asked."""

    recipient: Id
    purpose: Literal["food_support", "referral"]
    answer: AnswerBody | None = None
    refusal: RefusalBody | None = None

    def new(self, registry: Registry) -> NewAnswer:
        """The flow's value. Raises InvalidError."""
        if self.answer is not None and self.refusal is not None:
            raise InvalidError("refusal", "answer_and_refusal")
        refusal = None if self.refusal is None else self.refusal.refusal()
        return NewAnswer(
            recipient=OrganisationId(one_id(ORGANISATION, self.recipient, "recipient")),
            purpose=Purpose(self.purpose),
            answer=refusal if self.answer is None else self.answer.answer(registry),
            names=NOBODY if self.answer is None else self.answer.names,
        )


class WithdrawBody(Body, frozen=True, kw_only=True):
    """Who withdraws and how. No reason is asked."""

    given_by: tuple[Word, ...]
    method: Word
    event_day: date | None = None

    def withdrawal(self) -> Withdrawal:
        """The consent package's value. Raises InvalidError."""
        _check_year("event_day", self.event_day)
        return Withdrawal(
            given_by=codes(GivenBy, self.given_by, "given_by"),
            method=code(Method, self.method, "method"),
            event_day=self.event_day,
        )


def _told(one: ToldBody) -> Told:
    if one.at.utcoffset() is None:
        raise InvalidError("told.at", "offset_missing")
    _check_year("told.at", one.at)
    return Told(number=one.number, at=one.at)


def _check_year(path: str, day: date | None) -> None:
    """Raises InvalidError for a day that the stored format has no place for."""
    if day is not None and not 1971 <= day.year <= 9998:
        raise InvalidError(path, "range")
