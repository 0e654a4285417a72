"""Who asks, and what the database says about this caller and one case.

A ``Principal`` must not be forged: the product makes it in one place only, ``service/session.py``.
``Facts`` are loaded in the same transaction in which the decision is made and logged.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum

from cases.ids import OrganisationId, SectionId, UserId
from cases.request import Stage


class Role(StrEnum):
    """What a user may be. One role a user; the columns of the table of actions in ``roles.toml``."""

    ADMIN = "admin"
    AUDITOR = "auditor"
    CASEWORKER = "caseworker"
    INTERMEDIARY = "intermediary"
    NPO_COORDINATOR = "npo_coordinator"
    NPO_VOLUNTEER = "npo_volunteer"
    SUPERVISOR = "supervisor"


class Side(Enum):
    """What the caller's organisation is to a case: it owns it, it is a recipient of it, or neither."""

    OWNER = "owner"
    RECIPIENT = "recipient"
    NONE = "none"


class Reach(IntEnum):
    """How far a request of this case to this organisation has come; each step includes the one before.

    NONE      none has been sent
    SENT      one has been sent: the preview may be seen
    ACCEPTED  one has been accepted. For a helper: one is accepted and not completed now
    """

    NONE = 0
    SENT = 1
    ACCEPTED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The user who is signed in, as the session proved it. Made in ``service/session.py`` alone.

    ``version`` is the version of the user's rights: it moves with each change of role, section or state.
    """

    user: UserId
    organisation: OrganisationId
    role: Role
    sections: frozenset[SectionId]
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the database says about this caller and one case (or one tree of the log).

    side           what the caller's organisation is to the case
    assigned       the case is of a section of the caller, or a supervisor assigned it to the caller
    party          to the caller's organisation a consent of this case was once live (``Standing.ever_live``)
    reach          how far requests to the caller's organisation have come (``reach_of``)
    closed         the case is closed
    appointed      the caller is an auditor appointed to the tree of the case, or to the tree asked for
    own_recording  the consent event in question was recorded by the caller
    """

    side: Side
    assigned: bool = False
    party: bool = False
    reach: Reach = Reach.NONE
    closed: bool = False
    appointed: bool = False
    own_recording: bool = False


NO_CASE = Facts(side=Side.NONE)
"""The facts for an action that is about no single case: sign-in, lists, a new case."""

ONGOING = frozenset({Stage.ACCEPTED, Stage.DELIVERED})
"""The stages of a request that is accepted and not completed: the only ones that a helper sees."""


def reach_of(role: Role, requests: Iterable[tuple[Stage, bool]]) -> Reach:
    """How far the requests of one case to the caller's organisation have come, for this role.

    Each request is its stage now and whether it was ever accepted. A helper's reach falls back when the
    request is completed, cancelled or stopped; an organisation's stays, since it has seen the fields already.
    """
    reach = Reach.NONE
    for stage, accepted_once in requests:
        if stage in ONGOING or (accepted_once and role is not Role.NPO_VOLUNTEER):
            return Reach.ACCEPTED
        if stage is Stage.SENT:
            reach = Reach.SENT
    return reach
