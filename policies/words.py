"""The words that may stand in a cell of ``roles.toml``, and what each means.

The file itself says the meaning of each word to those who edit it. Here every other word is refused:
a word that is misspelt never widens, and never narrows, what somebody sees.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from policies.errors import PolicyFault


class Column(StrEnum):
    """The columns of the table of fields: who looks."""

    OWNER = "owner"
    RECIPIENT = "recipient"
    HELPER = "helper"


class Scope(Enum):
    """How a role reads the table of fields: which cases are there for it."""

    ASSIGNED = "assigned"
    WHOLE = "whole"
    HELPER = "helper"
    NONE = "none"


class Metadata(Enum):
    """When a piece of metadata, which is kept in clear, is shown."""

    NEVER = "-"
    ALWAYS = "r"
    ACCEPTED = "accepted"


class WordError(Exception):
    """A cell is refused: why, and the cell as it stands."""

    def __init__(self, what: PolicyFault, cell: str) -> None:
        super().__init__(what, cell)
        self.what = what
        self.cell = cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one column may do with one field.

    read, write     without asking a consent: the owner's own
    consented       read under a live consent, from the first accepted request on
    consented_bare  … but without free text
    preview         read under a live consent, from the first sent request on
    preview_bare    … but without free text
    writes          written where ``consented`` holds: then the field flows from recipient to owner
    with_return     only while the direction recipient_to_owner holds
    note_return     free text only while that direction holds
    """

    read: bool = False
    write: bool = False
    consented: bool = False
    consented_bare: bool = False
    preview: bool = False
    preview_bare: bool = False
    writes: bool = False
    with_return: bool = False
    note_return: bool = False

    @property
    def never(self) -> bool:
        """Nobody in this column ever sees or writes the field."""
        return not (self.read or self.write or self.consented)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Under which circumstances a role may do an action: all that are set must hold.

    never      nobody of this role, ever
    own        the own organisation owns the case
    recipient  the own organisation is the recipient
    tree       the caller is appointed to the tree of the log
    open_case  the case is not closed
    live       the consent in question is live
    other      the caller is not the one who recorded it
    blind      the case need not be there for the caller's eyes; nothing of it is shown
    """

    never: bool = False
    own: bool = False
    recipient: bool = False
    tree: bool = False
    open_case: bool = False
    live: bool = False
    other: bool = False
    blind: bool = False


_RIGHT_BASES = frozenset({"x", "own", "recipient", "tree"})
_RIGHT_WORDS = _RIGHT_BASES | {"open", "live", "other", "blind"}
_OWNER_CELLS = {
    "-": Cell(),
    "r": Cell(read=True),
    "rw": Cell(read=True, write=True),
}
_CONSENT_WORDS = frozenset({"c", "c*", "p", "p*", "w", "return", "note:return"})


def read_cell(column: Column, text: str) -> Cell:
    """The meaning of a cell of the table of fields; ``WordError`` for anything else.

    A right without consent outside the owner, and a consent for the owner's own, each have a fault of
    their own: the first would be the leak that this file must never be able to write down.
    """
    if column is Column.OWNER:
        return _read_owner_cell(text)
    words = text.split(" ")
    if words == ["-"]:
        return Cell()
    if any(word in {"r", "rw"} for word in words) or words == ["w"]:
        raise WordError(PolicyFault.READABLE_WITHOUT_CONSENT, text)
    if not _CONSENT_WORDS.issuperset(words) or len(set(words)) != len(words):
        raise WordError(PolicyFault.UNKNOWN_WORD, text)
    return _read_consent_cell(text, frozenset(words))


def _read_owner_cell(text: str) -> Cell:
    if text in _OWNER_CELLS:
        return _OWNER_CELLS[text]
    if text == "w":
        raise WordError(PolicyFault.WRITABLE_BUT_NOT_READABLE, text)
    if _CONSENT_WORDS.issuperset(text.split(" ")):
        raise WordError(PolicyFault.CONSENT_FOR_OWNER, text)
    raise WordError(PolicyFault.UNKNOWN_WORD, text)


def _read_consent_cell(text: str, words: frozenset[str]) -> Cell:
    if len(words & {"c", "c*"}) != 1 or len(words & {"p", "p*"}) > 1:
        raise WordError(PolicyFault.UNKNOWN_WORD, text)
    return Cell(
        consented=True,
        consented_bare="c*" in words,
        preview="p" in words or "p*" in words,
        preview_bare="p*" in words,
        writes="w" in words,
        with_return="return" in words,
        note_return="note:return" in words,
    )


def read_right(text: str) -> Right:
    """The meaning of a cell of the table of actions; ``WordError`` for anything else."""
    if text == "-":
        return Right(never=True)
    words = text.split(" ")
    if not _RIGHT_WORDS.issuperset(words) or len(set(words)) != len(words):
        raise WordError(PolicyFault.UNKNOWN_WORD, text)
    if len(_RIGHT_BASES.intersection(words)) != 1:
        raise WordError(PolicyFault.UNKNOWN_WORD, text)
    return Right(
        own="own" in words,
        recipient="recipient" in words,
        tree="tree" in words,
        open_case="open" in words,
        live="live" in words,
        other="other" in words,
        blind="blind" in words,
    )


def say_cell(cell: Cell) -> str:
    """A cell in the words of the file; ``read_cell`` of it gives the cell again."""
    if cell.never:
        return "-"
    if cell.read:
        return "rw" if cell.write else "r"
    words = (
        ("c*" if cell.consented_bare else "c", cell.consented),
        ("p*" if cell.preview_bare else "p", cell.preview),
        ("w", cell.writes),
        ("return", cell.with_return),
        ("note:return", cell.note_return),
    )
    return " ".join(word for word, holds in words if holds)


def say_right(right: Right) -> str:
    """A right in the words of the file; ``read_right`` of it gives the right again."""
    if right.never:
        return "-"
    words = (
        ("own", right.own),
        ("recipient", right.recipient),
        ("tree", right.tree),
        ("x", not (right.own or right.recipient or right.tree)),
        ("open", right.open_case),
        ("live", right.live),
        ("other", right.other),
        ("blind", right.blind),
    )
    return " ".join(word for word, holds in words if holds)
