"""What the command line says: one plain sentence a problem, and nothing that nobody asked for.

Results go to standard output, progress and errors to standard error.
"""

import sys
from collections.abc import Callable

from service.flows.console import Problem
from service.flows.passwords import SHORTEST, PasswordFault
from service.flows.people import SecondFactor

PROBLEMS: dict[Problem, str] = {
    Problem.AUDITOR_STAYS: "an auditor stays one, and nobody becomes one: add a user of their own for it",
    Problem.BAD_LOGIN: "a login is 1 to 64 small letters, digits and . _ @ -, and begins with a letter or digit",
    Problem.BAD_NAME: "a name is one line, not empty, at most 200 bytes, without control characters",
    Problem.BAD_NOTE: "this is no checkpoint that our key signed, of a log that goes on here",
    Problem.BAD_SINCE: "--since is not between 0 and the size of the log",
    Problem.BAD_URL: "a witness's address begins with https://",
    Problem.BAD_VKEY: "this is not the verifier key of a witness (name+hash+key, made by `tsunagi witness --init`)",
    Problem.FILE_EXISTS: "is there already; nothing was overwritten",
    Problem.LAST_KEY_HOLDER: "is the last who holds the organisation's keys; add another member first",
    Problem.LOG_ENDED: "this log has ended; nothing is written to it any more, and its texts stay",
    Problem.LOGIN_TAKEN: "this login is taken",
    Problem.MEMBER_NEEDED: "a member of the organisation who works on cases must be present",
    Problem.NAME_TAKEN: "this name is taken",
    Problem.NOT_A_MEMBER: "who was present holds no keys of this organisation",
    Problem.NOT_FOR_ROLE: "who was present may not do this by their role; ask a supervisor or coordinator",
    Problem.NO_CASE: "there is no case of this number",
    Problem.NOTARY_APART: "the notary runs apart: do this as the notary's user, with TSUNAGI_SIGNING=inside",
    Problem.NOT_COSIGNED: "no witness has cosigned this log yet",
    Problem.NOT_REDACTABLE: "this entry says where the log begins or what was taken out; it stays",
    Problem.NOT_SIGNED: "this entry is not signed yet; wait for the notary",
    Problem.NO_COLLABORATION: "there is no collaboration of this name",
    Problem.NO_ENTRY: "there is no entry of this number that has a text",
    Problem.NO_ORGANISATION: "there is no organisation of this name",
    Problem.NO_SECTION: "the organisation has no section of this name",
    Problem.NO_TREE: "there is no log of this name",
    Problem.NO_USER: "there is no user of this login",
    Problem.NO_WITNESS: "the log has no witness of this name",
    Problem.OWN_PASSWORD_NEEDED: "the user's own password is needed for the second factor",
    Problem.ROLE_NOT_OF_KIND: "an organisation of this kind has no such role",
    Problem.SAME_PERSON: "the member who is present must be another person",
    Problem.SAME_ROLE: "the user has this role already",
    Problem.STOPPED: "this user was stopped",
    Problem.TOO_EARLY: "entries of that day are still to be kept (TSUNAGI_RETENTION, in years)",
    Problem.TREES_ARE_FOR_AUDITORS: "--tree is for auditors",
    Problem.WHICH_COLLABORATION: "there are several collaborations; say which",
    Problem.WRONG_PASSWORD: "login or password is wrong",
}
"""A sentence for each problem."""

PASSWORDS: dict[PasswordFault, str] = {
    PasswordFault.TOO_SHORT: f"a password has at least {SHORTEST} characters",
    PasswordFault.TOO_LONG: "this password is too long",
    PasswordFault.CONTROL_CHARACTER: "this password holds a control character",
    PasswordFault.COMMON: "this password is one that an attacker tries first; choose another",
    PasswordFault.LIKE_LOGIN: "this password is little more than the login; choose another",
}
"""A sentence for each fault of a password."""


def say(line: str) -> None:
    """A line of the result."""
    print(line)


def tell(line: str) -> None:
    """A line about what is going on, for who waits."""
    print(line, file=sys.stderr, flush=True)


def refuse(why: str) -> int:
    """One plain line about what was refused; the exit code."""
    print(f"tsunagi: {why}", file=sys.stderr)
    return 1


def show_second_factor(second: SecondFactor | None) -> None:
    """The second factor's secret, which is never shown again."""
    if second is None:
        return
    say(f"Second factor of {second.login}, shown this once:")
    say(f"  key   {second.base32}")
    say(f"  {second.otpauth}")


def counter(what: str) -> Callable[[int, int], None]:
    """Tells how far a work has come, where it takes more than one step."""

    def count(done: int, size: int) -> None:
        if done < size:
            tell(f"{what}: {done} of {size} …")

    return count
