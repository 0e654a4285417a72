"""The closed lists of a consent event. Each code is a fixed u16 in the stored bytes and a word elsewhere.

A number is never reused and never changes its meaning; new codes are added at the end (formats.md). Zero
means "not stated" and is no code: a part that may be missing is None.
"""

from enum import Enum
from typing import Self

from cases.fields import Purpose


class Code(Enum):
    """A code of a closed list: ``value`` is the stored u16, ``word`` what the API and the log say."""

    @property
    def word(self) -> str:
        """The word of the code in the API and in the log: ``legal_representative``."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Self | None:
        """The code of a word, or None where the list has no such word."""
        return next((code for code in cls if code.word == word), None)


class EventKind(Code):
    """What happened to a consent."""

    REQUESTED = 1
    GIVEN = 2
    CONFIRMED = 3
    CHANGED = 4
    RENEWED = 5
    REFUSED = 6
    WITHDRAWN = 7
    EXPIRED = 8
    ENDED = 9
    INVALIDATED = 10


class Basis(Code):
    """Whose agreement it is."""

    PERSON = 1
    LEGAL_REPRESENTATIVE = 2


class AgeClass(Code):
    """The person's age as the recorder states it; the birth date is not opened for it."""

    UNDER_12 = 1
    FROM_12_TO_14 = 2
    FROM_15_UP = 3

    @property
    def word(self) -> str:
        """``under_12``, ``12_14`` or ``15_up``."""
        return {1: "under_12", 2: "12_14", 3: "15_up"}[self.value]


class Language(Code):
    """The language in which the notice was told."""

    JA = 1
    EN = 2


class Direction(Code):
    """Which way the consent lets things pass; the second can be refused on its own."""

    OWNER_TO_RECIPIENT = 1
    RECIPIENT_TO_OWNER = 2


class GivenBy(Code):
    """Who answered. Family without authority are helpers, not representatives."""

    SELF = 1
    SELF_WITH_HELP = 2
    LEGAL_REPRESENTATIVE = 3


class Method(Code):
    """How the answer was given."""

    PAPER = 1
    SCREEN = 2
    ORAL_WITNESSED = 3


class IdentityCheck(Code):
    """How the recorder made sure who answered."""

    KNOWN = 1
    INDIVIDUAL_NUMBER_CARD = 2
    DRIVING_LICENCE = 3
    INSURANCE_CARD = 4
    OTHER_DOCUMENT = 5
    QUESTIONS = 6
    NONE = 7


class CopyGiven(Code):
    """Whether a copy was handed over, and if not, why."""

    GIVEN = 1
    NOT_WANTED = 2
    NO_SAFE_PLACE = 3
    LATER = 4
    SPOKEN = 5


PURPOSES = {Purpose.FOOD_SUPPORT: 1, Purpose.REFERRAL: 2}
"""The stored u16 of each purpose."""
