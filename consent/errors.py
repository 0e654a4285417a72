"""What can be wrong with a consent: errors that carry codes and numbers, never a word of the person."""

from collections.abc import Iterable
from enum import Enum


class RecordFault(Enum):
    """Why bytes or parts are no consent event."""

    DOMAIN = "domain"
    VERSION = "version"
    LENGTH = "length"
    CODE = "code"
    ORDER = "order"
    RANGE = "range"
    TIME = "time"
    RECEIPT = "receipt"
    SET = "set"
    UNTIL = "until"
    NUMBER = "number"
    PREVIOUS = "previous"
    SERIES = "series"


class AnswerFault(Enum):
    """Which rule an answer breaks."""

    PURPOSE = "purpose"
    CONDITIONS = "conditions"
    NOT_TOLD = "not_told"
    TOLD_UNKNOWN = "told_unknown"
    TOLD_LATER = "told_later"
    NOTICE = "notice"
    NOT_ANSWERED = "not_answered"
    NOT_OFFERED = "not_offered"
    ALLOWED_AND_REFUSED = "allowed_and_refused"
    NOTHING_ALLOWED = "nothing_allowed"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    NOT_TO_ACKNOWLEDGE = "not_to_acknowledge"
    DIRECTION_MISSING = "direction_missing"
    NEEDS_DIRECTION = "needs_direction"
    REPRESENTATIVE_MISSING = "representative_missing"
    PERSON_MISSING = "person_missing"
    GIVEN_BY = "given_by"
    HELPER_NAME_MISSING = "helper_name_missing"
    REPRESENTATIVE_NAME_MISSING = "representative_name_missing"
    WITNESS_MISSING = "witness_missing"
    WITNESS_IS_RECORDER = "witness_is_recorder"
    WITNESS_NEEDLESS = "witness_needless"
    DAY_IN_FUTURE = "day_in_future"
    STARTS_LATER = "starts_later"
    STARTS_BEFORE = "starts_before"
    UNTIL_PAST = "until_past"
    UNTIL_TOO_FAR = "until_too_far"
    RETENTION = "retention"


class StateFault(Enum):
    """Why an event cannot follow on what there is."""

    ALREADY_LIVE = "already_live"
    NOT_LIVE = "not_live"
    NOTHING_TO_CONFIRM = "nothing_to_confirm"
    TOO_LATE = "too_late"
    BY_RECORDER = "by_recorder"
    NOT_THE_WITNESS = "not_the_witness"
    NOTHING_TO_WITHDRAW = "nothing_to_withdraw"
    NOTHING_TO_END = "nothing_to_end"
    NOT_EXPIRED = "not_expired"
    NOTHING_TO_INVALIDATE = "nothing_to_invalidate"


class ConsentError(Exception):
    """The common root of this package's errors."""


class RecordError(ConsentError):
    """Bytes or parts are no consent event: the fault, and the event's number in a chain where known."""

    def __init__(self, fault: RecordFault, number: int | None = None) -> None:
        super().__init__(fault.value, number)
        self.fault = fault
        self.number = number


class AnswerError(ConsentError):
    """An answer breaks a rule: the fault, the part of the answer, and the slots or numbers it is about."""

    def __init__(self, fault: AnswerFault, path: str, items: Iterable[int] = ()) -> None:
        self.fault = fault
        self.path = path
        self.items = tuple(sorted(items))
        super().__init__(fault.value, path, self.items)


class StateError(ConsentError):
    """An event cannot follow on what there is."""

    def __init__(self, fault: StateFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class NoticeError(ConsentError):
    """There is no notice for this purpose, language and version."""

    def __init__(self, purpose: str, language: str, version: int | None = None) -> None:
        super().__init__(purpose, language, version)
        self.purpose = purpose
        self.language = language
        self.version = version


class NoGrantError(ConsentError):
    """A standing lets nothing be sealed or opened: its state's word, or ``other_event``."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
