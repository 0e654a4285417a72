"""What can be wrong with a case: errors that carry codes and never a value that somebody typed."""

from enum import Enum


class Fault(Enum):
    """Why a value is not taken."""

    TYPE = "type"
    UNKNOWN_KEY = "unknown_key"
    MISSING_KEY = "missing_key"
    UNKNOWN_CODE = "unknown_code"
    RANGE = "range"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    TWICE = "twice"
    EMPTY = "empty"
    FORM = "form"
    ENCODING = "encoding"
    CONTROL_CHARACTER = "control_character"
    NOT_KANA = "not_kana"
    NO_SUCH_DAY = "no_such_day"
    ORDER = "order"
    NOTE_MISSING = "note_missing"
    NOT_CANONICAL = "not_canonical"


class CaseError(Exception):
    """The common root of this package's errors."""


class ShapeError(CaseError):
    """One part of a value is not taken: the fault, and the path of the part inside the value (``adults``)."""

    def __init__(self, fault: Fault, path: str = "") -> None:
        super().__init__(fault.value, path)
        self.fault = fault
        self.path = path


class FieldError(CaseError):
    """A field's value is not taken: the field's code, the fault and the path inside the value."""

    def __init__(self, code: str, fault: Fault, path: str = "") -> None:
        super().__init__(code, fault.value, path)
        self.code = code
        self.fault = fault
        self.path = path


class MoveError(CaseError):
    """A request does not go this way from where it stands: the stage's and the move's codes."""

    def __init__(self, stage: str, move: str) -> None:
        super().__init__(stage, move)
        self.stage = stage
        self.move = move


class CorrectionError(CaseError):
    """A row cannot be corrected so: ``kind``, ``owner`` or ``corrected`` says what stands against it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
