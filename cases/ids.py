"""Ids: one type a kind, random, and one text form each.

An id is a random UUID (version 4). Its text form, in the API and in the log alike, is a letter that names
the kind, an underscore and 32 hexadecimal digits: ``c_3f2a…``. Nothing is counted up, so an id tells
nothing about how many things there are.
"""

import re
from typing import NewType
from uuid import UUID

CaseId = NewType("CaseId", UUID)
CollaborationId = NewType("CollaborationId", UUID)
DisclosureId = NewType("DisclosureId", UUID)
GroupId = NewType("GroupId", UUID)
OrganisationId = NewType("OrganisationId", UUID)
RequestId = NewType("RequestId", UUID)
RowId = NewType("RowId", UUID)
SectionId = NewType("SectionId", UUID)
SeriesId = NewType("SeriesId", UUID)
UserId = NewType("UserId", UUID)

_FORM = re.compile(r"([a-z])_([0-9a-f]{32})", re.ASCII)

CASE = "c"
COLLABORATION = "b"
DISCLOSURE = "d"
GROUP = "g"
ORGANISATION = "o"
REQUEST = "r"
ROW = "w"
SECTION = "s"
SERIES = "k"
USER = "u"


def write_id(kind: str, value: UUID) -> str:
    """The text form of an id: ``kind`` (one letter, a constant of this module), ``_``, 32 hex digits."""
    return f"{kind}_{value.hex}"


def read_id(kind: str, text: str) -> UUID | None:
    """The id that ``text`` names, or None where it is not exactly the text form of an id of that kind."""
    found = _FORM.fullmatch(text)
    return UUID(hex=found[2]) if found is not None and found[1] == kind else None
