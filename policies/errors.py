"""What can be wrong with the two files of the policy, and where it stands.

The error carries codes, a line and the word that was found there, never a sentence.
"""

from enum import Enum, StrEnum


class PolicyFile(StrEnum):
    """Which of the two files is meant."""

    FIELDS = "fields.toml"
    ROLES = "roles.toml"


class PolicyFault(Enum):
    """What is wrong. The closed list of everything for which a policy is refused when it is loaded."""

    NOT_UTF8 = "not_utf8"
    NOT_TOML = "not_toml"
    WRONG_SCHEMA = "wrong_schema"
    UNKNOWN_KEY = "unknown_key"
    MISSING_KEY = "missing_key"
    WRONG_TYPE = "wrong_type"
    LABEL_MISSING = "label_missing"
    SLOT_TWICE = "slot_twice"
    SLOT_MISSING = "slot_missing"
    SLOT_RETIRED = "slot_retired"
    SLOT_OUT_OF_RANGE = "slot_out_of_range"
    CODE_TWICE = "code_twice"
    CODE_MALFORMED = "code_malformed"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_PURPOSE = "unknown_purpose"
    UNKNOWN_OFFER = "unknown_offer"
    CODES_MISPLACED = "codes_misplaced"
    SENSITIVE_PRESET = "sensitive_preset"
    UNKNOWN_COLUMN = "unknown_column"
    COLUMN_MISSING = "column_missing"
    WRONG_WIDTH = "wrong_width"
    UNKNOWN_WORD = "unknown_word"
    UNKNOWN_FIELD = "unknown_field"
    FIELD_WITHOUT_ROW = "field_without_row"
    UNKNOWN_METADATA = "unknown_metadata"
    METADATA_WITHOUT_ROW = "metadata_without_row"
    UNKNOWN_ROLE = "unknown_role"
    ROLE_WITHOUT_COLUMN = "role_without_column"
    UNKNOWN_ACTION = "unknown_action"
    ACTION_WITHOUT_ROW = "action_without_row"
    READABLE_WITHOUT_CONSENT = "readable_without_consent"
    CONSENT_FOR_OWNER = "consent_for_owner"
    WRITABLE_BUT_NOT_READABLE = "writable_but_not_readable"


class PolicyError(Exception):
    """One of the policy's files is refused: which, why, in which line (from 1), and the word found there."""

    def __init__(self, file: PolicyFile, line: int, what: PolicyFault, where: str = "") -> None:
        super().__init__(file, line, what, where)
        self.file = file
        self.line = line
        self.what = what
        self.where = where
