"""The commands and their arguments. Passwords are never among them."""

import argparse
from datetime import date
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from policies.who import Role
from service.store.organisations import OrganisationKind


class Command(Enum):
    """Every command."""

    DEMO = "demo"
    FSCK = "fsck"
    INIT = "init"
    LOG_CONTINUE = "log continue"
    LOG_COSIGN = "log cosign"
    LOG_EXPORT = "log export"
    LOG_PAPER = "log paper"
    LOG_PRUNE = "log prune"
    LOG_RECEIPT = "log receipt"
    LOG_REDACT = "log redact"
    LOG_VERIFY = "log verify"
    LOG_WITNESS = "log witness"
    NOTARY = "notary"
    ORG_ADD = "org add"
    POLICY_DIFF = "policy diff"
    POLICY_SHOW = "policy show"
    SERVE = "serve"
    USER_ADD = "user add"
    USER_RESET = "user reset"
    USER_ROLE = "user role"
    USER_STOP = "user stop"
    WITNESS = "witness"


Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""argparse's own type, which has no public name."""


def _group(commands: Parsers, name: str, what: str) -> Parsers:
    """The subcommands of one word."""
    return commands.add_parser(name, help=what, description=what).add_subparsers(
        required=True, metavar="COMMAND"
    )


def make_parser() -> argparse.ArgumentParser:
    """The parser of ``tsunagi``; what it parsed has ``command``, a Command."""
    parser = argparse.ArgumentParser(
        prog="tsunagi",
        description="Case sharing between a city and an NPO: no consent, no data. 同意にもとづくケース共有",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, Command.INIT, "make keys, database and first administrator (asks)")
    _command(commands, Command.SERVE, "run the service")
    _command(commands, Command.FSCK, "compare the database with the log: old rows, deleted ones, any damage")
    notary = _command(commands, Command.NOTARY, "sign checkpoints under another user than the service")
    notary.add_argument("--once", action="store_true", help="sign what there is, and end")
    demo = _command(commands, Command.DEMO, "play the story on practice data, then serve it")
    demo.add_argument("--once", action="store_true", help="end after the story")
    _witness(_command(commands, Command.WITNESS, "cosign the checkpoints of logs, on a machine of its own"))
    _organisations(_group(commands, "org", "partners and their sections"))
    _users(_group(commands, "user", "people"))
    _policy(_group(commands, "policy", "who may see what"))
    _log(_group(commands, "log", "the access log"))
    return parser


def _command(commands: Parsers, command: Command, what: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(command.value.split()[-1], help=what, description=what)
    parser.set_defaults(command=command)
    return parser


def _witness(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, required=True)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--init", action="store_true", help="make key and store, and print the verifier key")
    how.add_argument("--once", action="store_true", help="ask each log once, and end")


def _organisations(commands: Parsers) -> None:
    add = _command(commands, Command.ORG_ADD, "add a partner, or sections to one that is there")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--kind", required=True, choices=[kind.value for kind in OrganisationKind])
    add.add_argument("--collaboration", metavar="NAME", help="which one, where there are several")
    add.add_argument("--section", metavar="NAME", action="append", default=[], help="may be repeated")


def _users(commands: Parsers) -> None:
    roles = [role.value for role in Role]
    add = _command(commands, Command.USER_ADD, "add a user (asks for the password)")
    add.add_argument("login", metavar="LOGIN")
    add.add_argument("--org", metavar="NAME", required=True)
    add.add_argument("--role", required=True, choices=roles)
    add.add_argument("--name", metavar="TEXT", required=True)
    add.add_argument("--section", metavar="NAME", action="append", default=[], help="may be repeated")
    add.add_argument(
        "--tree",
        metavar="NAME",
        action="append",
        default=[],
        help="a log for an auditor to read: the name of a collaboration or an organisation; may be repeated",
    )
    change = _command(commands, Command.USER_ROLE, "give a user another role")
    change.add_argument("login", metavar="LOGIN")
    change.add_argument("--role", required=True, choices=roles)
    reset = _command(commands, Command.USER_RESET, "give a user a new password and second factor (asks)")
    reset.add_argument("login", metavar="LOGIN")
    stop = _command(commands, Command.USER_STOP, "stop a user at once")
    stop.add_argument("login", metavar="LOGIN")


def _policy(commands: Parsers) -> None:
    show = _command(commands, Command.POLICY_SHOW, "print the policy as tables")
    show.add_argument("--fields", metavar="FILE", type=Path)
    show.add_argument("--roles", metavar="FILE", type=Path)
    diff = _command(commands, Command.POLICY_DIFF, "say what would change, in plain words")
    diff.add_argument("old", metavar="OLD", type=Path, help="a folder with fields.toml and roles.toml")
    diff.add_argument("new", metavar="NEW", type=Path, help="another one")


def _log(commands: Parsers) -> None:
    export = _command(commands, Command.LOG_EXPORT, "write a log to a folder or zip that anybody can check")
    export.add_argument("target", metavar="DIR|ZIP", type=Path)
    _tree(export)
    part = export.add_mutually_exclusive_group()
    part.add_argument("--since", metavar="SIZE", type=int, help="only the entries from this number on")
    part.add_argument("--case", metavar="CASE", help="only the entries of this case: its number or id")
    export.add_argument(
        "--cosigned", action="store_true", help="up to the last size that a witness has cosigned"
    )
    verify = _command(commands, Command.LOG_VERIFY, "check such a bundle, offline")
    verify.add_argument("bundle", metavar="BUNDLE", type=Path)
    verify.add_argument("--policy", metavar="FILE", type=Path, required=True)
    verify.add_argument("--since", metavar="CHECKPOINT", type=Path)
    receipt = _command(commands, Command.LOG_RECEIPT, "say whether a receipt's entry is in the log")
    receipt.add_argument("number", metavar="NUMBER")
    receipt.add_argument(
        "--proof", metavar="FILE", type=Path, help="write the proof to a new .tlog-proof file"
    )
    witness = _command(
        commands, Command.LOG_WITNESS, "let a witness of a log in (prints its token), or take it out"
    )
    witness.add_argument(
        "vkey", metavar="VKEY", nargs="?", help="the witness's verifier key, from the agreement"
    )
    _tree(witness, required=True)
    witness.add_argument(
        "--url", metavar="URL", help="where checkpoints are pushed to; else the witness pulls"
    )
    witness.add_argument("--remove", metavar="NAME")
    cosign = _command(commands, Command.LOG_COSIGN, "take in cosigned checkpoints that came back as files")
    cosign.add_argument("file", metavar="FILE", type=Path, nargs="+")

    paper = _command(commands, Command.LOG_PAPER, "write the monthly sheet of paper (HTML, to be printed)")
    paper.add_argument("file", metavar="FILE", type=Path)
    _tree(paper)
    _texts(commands)


def _texts(commands: Parsers) -> None:
    redact = _command(commands, Command.LOG_REDACT, "take out one entry's text (two people, asks)")
    redact.add_argument("index", metavar="INDEX", type=int)
    _tree(redact)
    prune = _command(commands, Command.LOG_PRUNE, "take out the texts whose time is over")
    prune.add_argument("--before", metavar="DATE", type=date.fromisoformat, required=True)
    _tree(prune)
    go_on = _command(commands, Command.LOG_CONTINUE, "go on under a new origin after a backup was restored")
    go_on.add_argument(
        "--note",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a checkpoint that a witness kept, where the notary's folder was rolled back too; may be repeated",
    )


def _tree(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    what = "the name of a collaboration or an organisation"
    parser.add_argument("--tree", metavar="NAME", required=required, help=what)
