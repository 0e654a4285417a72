"""What a decision is: Allowed or Denied, with a closed list of reasons. ``decide`` makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from cases.fields import Slot


class Reason(StrEnum):
    """Why not. A closed list, and its order is the precedence: the first that applies is given."""

    ROLE = "role"
    NOT_ASSIGNED = "not_assigned"
    NOT_OFFERED = "not_offered"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    AWAITING_WITNESS = "awaiting_witness"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_ACCEPTED_YET = "not_accepted_yet"
    NOT_A_PARTY = "not_a_party"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The action may be done. It shows ``read`` and may write ``write``.

    read    the fields whose values may be opened
    write   the fields that may be written
    masked  the fields, read or written, without free text
    locked  every other field of the registry, with the reason (empty where the action shows no fields)
    """

    read: frozenset[Slot]
    write: frozenset[Slot]
    masked: frozenset[Slot]
    locked: Mapping[Slot, Reason]

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision has no truth value: match on Allowed and Denied")


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The action may not be done, for this reason."""

    reason: Reason

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision has no truth value: match on Allowed and Denied")
