"""What is done at the machine's own console: who acts there, what it may be called, what it refuses.

The operator at the console is nobody in the database. An entry names the colleague who was present and proved it;
where nobody had to be, it names no actor and says ``cli``.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from audit.event import Decision, Entry, Event, Flag, Reason, Via
from cases.errors import ShapeError
from cases.ids import ORGANISATION, USER, OrganisationId, UserId, write_id
from cases.text import check_line
from policies.who import Role
from service.house import House, KeyHandle
from service.store.log import Record
from service.store.organisations import OrganisationKind
from service.store.users import UserRow

LONGEST_NAME = 200
"""Bytes of UTF-8 in a name of a person, an organisation or a section."""

WORKS_ON_CASES = frozenset({Role.CASEWORKER, Role.SUPERVISOR, Role.NPO_COORDINATOR, Role.NPO_VOLUNTEER})
"""The roles whose holders get the group's seed. Administrator, auditor and intermediary never do (keys.md)."""

_NPO_ROLES = frozenset({Role.ADMIN, Role.NPO_COORDINATOR, Role.NPO_VOLUNTEER})
ROLES_OF = {
    OrganisationKind.MUNICIPALITY: frozenset({Role.ADMIN, Role.AUDITOR, Role.CASEWORKER, Role.SUPERVISOR}),
    OrganisationKind.NPO: _NPO_ROLES,
    OrganisationKind.COUNCIL: _NPO_ROLES,
    OrganisationKind.BUSINESS: _NPO_ROLES,
    OrganisationKind.INTERMEDIARY: frozenset({Role.ADMIN, Role.INTERMEDIARY}),
    OrganisationKind.AUDIT_OFFICE: frozenset({Role.ADMIN, Role.AUDITOR}),
}
"""Which roles the people of each kind of organisation may have."""

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}", re.ASCII)


class Problem(StrEnum):
    """Everything that the console refuses."""

    AUDITOR_STAYS = "auditor_stays"
    BAD_LOGIN = "bad_login"
    BAD_NAME = "bad_name"
    BAD_NOTE = "bad_note"
    BAD_SINCE = "bad_since"
    BAD_URL = "bad_url"
    BAD_VKEY = "bad_vkey"
    FILE_EXISTS = "file_exists"
    LAST_KEY_HOLDER = "last_key_holder"
    LOG_ENDED = "log_ended"
    LOGIN_TAKEN = "login_taken"
    MEMBER_NEEDED = "member_needed"
    NAME_TAKEN = "name_taken"
    NOT_A_MEMBER = "not_a_member"
    NOT_FOR_ROLE = "not_for_role"
    NO_CASE = "no_case"
    NOTARY_APART = "notary_apart"
    NOT_COSIGNED = "not_cosigned"
    NOT_REDACTABLE = "not_redactable"
    NOT_SIGNED = "not_signed"
    NO_COLLABORATION = "no_collaboration"
    NO_ENTRY = "no_entry"
    NO_ORGANISATION = "no_organisation"
    NO_SECTION = "no_section"
    NO_TREE = "no_tree"
    NO_USER = "no_user"
    NO_WITNESS = "no_witness"
    OWN_PASSWORD_NEEDED = "own_password_needed"
    ROLE_NOT_OF_KIND = "role_not_of_kind"
    SAME_PERSON = "same_person"
    SAME_ROLE = "same_role"
    STOPPED = "stopped"
    TOO_EARLY = "too_early"
    TREES_ARE_FOR_AUDITORS = "trees_are_for_auditors"
    WHICH_COLLABORATION = "which_collaboration"
    WRONG_PASSWORD = "wrong_password"


class AdministrationError(Exception):
    """What the console refuses: ``problem`` says why, ``path`` which file where it is about one."""

    def __init__(self, problem: Problem, path: str = "") -> None:
        super().__init__(problem, path)
        self.problem = problem
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A member who is at the console and has proved it with the password; made by `present_member` alone.

    ``version`` is that of the member's rights then: whoever uses this checks that they still hold.
    """

    user: UserId
    organisation: OrganisationId
    role: Role
    version: int
    keys: KeyHandle


def new_uuid(house: House) -> UUID:
    """A random id (RFC 9562, version 4)."""
    return UUID(bytes=house.random(16), version=4)


def check_login(login: str) -> None:
    """Lets pass a login: 1 to 64 small letters, digits, ``.``, ``_``, ``@``, ``-``. Raises AdministrationError."""
    if _LOGIN.fullmatch(login) is None:
        raise AdministrationError(Problem.BAD_LOGIN)


def check_name(name: str) -> None:
    """Lets pass a name as typed: one line, not empty, at most 200 bytes. Raises AdministrationError."""
    try:
        check_line(name, LONGEST_NAME, "name")
    except ShapeError:
        raise AdministrationError(Problem.BAD_NAME) from None


def rights_digest(row: UserRow) -> bytes:
    """The digest of what a user may be, for the entries about people (formats.md, ``dig``).

    SHA-256 of ``user LF role LF state``; the entry names no role of its object otherwise.
    """
    said = f"{write_id(USER, row.id)}\n{row.role.value}\n{row.state.value}"
    return hashlib.sha256(said.encode("ascii")).digest()


def record(
    house: House,
    tree: int,
    event: Event,
    organisation: OrganisationId,
    *,
    object: str | None = None,
    digest: bytes | None = None,
    present: Present | None = None,
    flags: tuple[Flag, ...] = (),
    refused: Reason | None = None,
) -> Record:
    """An entry of the console in ``tree``; ``organisation`` is whose business it is."""
    return Record(
        tree=tree,
        entry=Entry(
            event=event,
            id=house.random(16),
            actor=None if present is None else write_id(USER, present.user),
            role=None if present is None else present.role.value,
            organisation=write_id(ORGANISATION, organisation),
            object=object,
            digest=digest,
            decision=Decision.PERMIT if refused is None else Decision.DENY,
            reason=refused,
            policy=house.policy.digest,
            via=Via.CLI,
            flags=flags,
        ),
    )
