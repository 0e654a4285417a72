"""``tsunagi``: finds the command, and turns what was refused into one plain line and an exit code.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage (of `fsck` also: not run), 130 interrupted.
"""

import argparse
import os
from collections.abc import Callable, Sequence

from audit.errors import NotaryError, NotaryFault
from crypto.errors import CryptoError
from policies.errors import PolicyError
from service.cli import keeping, log, notary, organisations, paper, people, policy
from service.cli.arguments import Command, make_parser
from service.cli.asking import NoAnswerError, TwiceError
from service.cli.fsck import fsck
from service.cli.init import init
from service.cli.opening import OpeningError
from service.cli.saying import PASSWORDS, PROBLEMS, refuse
from service.flows.console import AdministrationError
from service.flows.errors import InvalidError, NotSignedError
from service.flows.passwords import PasswordError
from service.house import BusyError
from service.settings import SettingError, Settings, read_settings
from service.store.errors import TamperedError, UnavailableError
from service.store.migrate import MigrationError

Run = Callable[[Settings, argparse.Namespace], int]

COMMANDS: dict[Command, Run] = {
    Command.FSCK: fsck,
    Command.INIT: init,
    Command.LOG_CONTINUE: keeping.continue_logs,
    Command.LOG_COSIGN: log.cosign,
    Command.LOG_EXPORT: log.export,
    Command.LOG_PAPER: paper.paper,
    Command.LOG_PRUNE: keeping.prune,
    Command.LOG_RECEIPT: log.receipt,
    Command.LOG_REDACT: keeping.redact,
    Command.LOG_VERIFY: log.verify,
    Command.LOG_WITNESS: log.witness,
    Command.NOTARY: notary.notary,
    Command.ORG_ADD: organisations.add,
    Command.POLICY_DIFF: policy.diff,
    Command.POLICY_SHOW: policy.show_policy,
    Command.USER_ADD: people.add,
    Command.USER_RESET: people.reset,
    Command.USER_ROLE: people.role,
    Command.USER_STOP: people.stop,
}
"""Every command but the three that serve."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code. Wrong usage ends the program with 2."""
    arguments = make_parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return _find(command)(read_settings(os.environ), arguments)
    except KeyboardInterrupt:
        return 130
    except SettingError as error:
        return _failed(command, f"{error.name} {error.why}")
    except Exception as error:
        sentence = say_error(error)
        if sentence is None:
            raise
        return _failed(command, sentence)


def _failed(command: Command, sentence: str) -> int:
    """The exit code of a command that was refused or failed; a check that was not run has found nothing."""
    code = refuse(sentence)
    return 2 if command is Command.FSCK else code


def say_error(error: Exception) -> str | None:
    """A plain sentence for what a command may raise; None for a programmer's mistake."""
    match error:
        case OpeningError():
            return str(error)
        case AdministrationError():
            sentence = PROBLEMS[error.problem]
            return f"{error.path}: {sentence}" if error.path else sentence
        case PasswordError():
            return PASSWORDS[error.code]
        case NoAnswerError():
            return "an answer is missing on standard input"
        case TwiceError():
            return "the two passwords differ"
        case PolicyError():
            return f"{error.file.value}: line {error.line}: {error.what.value} {error.where}".rstrip()
        case InvalidError():
            return f"{error.path}: this is not acceptable ({error.code})"
        case NotaryError(fault=NotaryFault.STATE):
            return "the notary's folder cannot be read or written now; nothing was signed"
        case NotaryError():
            return "the notary refuses to sign: the log is not the one that was signed; stop, and call the auditors"
        case NotSignedError():
            return "the log has no signed checkpoint yet; start `tsunagi notary`"
        case _:
            return _say_failure(error)


def _say_failure(error: Exception) -> str | None:
    match error:
        case BusyError() | UnavailableError():
            return "the database cannot be written now; nothing was changed"
        case MigrationError():
            return "the database's schema could not be made; nothing was kept"
        case TamperedError():
            return f"a row of {error.table} was changed behind the program's back; nothing was done"
        case CryptoError():
            return "a key does not open what it should; nothing was changed"
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
        case _:
            return None


def _find(command: Command) -> Run:
    """The command's function. The server's parts are loaded by the commands that serve, and by no other."""
    if command is Command.SERVE:
        from service.cli.serve import serve  # noqa: PLC0415  # slow to load

        return serve
    if command is Command.DEMO:
        from service.cli.demo import run  # noqa: PLC0415  # slow to load

        return lambda _settings, given: run(given)
    if command is Command.WITNESS:
        from service.cli.witness.command import witness  # noqa: PLC0415  # needs nothing of the house

        return lambda _settings, given: witness(given)
    return COMMANDS[command]
