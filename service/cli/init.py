"""``tsunagi init``: the first start."""

import argparse
from os import urandom

from crypto.password import DEFAULT, ArgonCost
from service.cli.asking import ask, ask_password
from service.cli.saying import say, show_second_factor, tell
from service.flows.setting_up import Answers, refuse_to_overwrite, set_up
from service.house import system_clock
from service.settings import Settings

_STEPS = {
    "keys": "Making the keys …",
    "database": "Making the database …",
    "administrator": "Adding the administrator …",
}


def init(settings: Settings, _arguments: argparse.Namespace, cost: ArgonCost = DEFAULT) -> int:
    """Asks, makes everything, shows the second factor once and says where the root key lies."""
    refuse_to_overwrite(settings)
    answers = Answers(
        collaboration=ask("Name of the collaboration"),
        city=ask("Name of the city"),
        login=ask("Administrator's login"),
        name=ask("Administrator's name"),
        password=ask_password("Administrator's password", twice=True),
    )
    made = set_up(
        settings,
        answers,
        practice=False,
        random=urandom,
        clock=system_clock,
        cost=cost,
        tell=lambda step: tell(_STEPS[step]),
    )
    say(f"Root key: {settings.root_key}")
    say("  Keep a copy of it apart from the database's backups: without it nothing can be opened again.")
    say(f"Log signing key: {settings.log_key}")
    say(f"Database: {settings.database}")
    show_second_factor(made.second_factor)
    return 0
