"""``tsunagi policy show|diff``: the policy as tables, and what another one would change, in plain words."""

import argparse
from pathlib import Path

from policies.diff import difference, show
from policies.matrix import Policy, default_policy, load_policy
from service.cli.saying import refuse, say
from service.settings import Settings


def show_policy(settings: Settings, arguments: argparse.Namespace) -> int:
    """Prints the policy of the two files named, else of those that the settings name, else our own."""
    fields: Path | None = arguments.fields
    roles: Path | None = arguments.roles
    if (fields is None) != (roles is None):
        return refuse("--fields goes with --roles")
    if fields is None:
        fields, roles = settings.fields, settings.roles
    policy = default_policy() if fields is None or roles is None else _load(fields, roles)
    say(show(policy).rstrip("\n"))
    return 0


def diff(_settings: Settings, arguments: argparse.Namespace) -> int:
    """Prints what would change from one folder's policy to another's."""
    for sentence in difference(_load_folder(arguments.old), _load_folder(arguments.new)) or (
        "Nothing changes.",
    ):
        say(sentence)
    return 0


def _load_folder(folder: Path) -> Policy:
    return _load(folder / "fields.toml", folder / "roles.toml")


def _load(fields: Path, roles: Path) -> Policy:
    return load_policy(fields.read_bytes(), roles.read_bytes())
