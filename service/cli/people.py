"""``tsunagi user add|role|reset|stop``: asks who must be present, and shows second factors once.

Without a terminal the answers are read in this order: the user's (new) password, the colleague's login and
password, and for ``user role`` at the end the user's own password; each only where it is needed.
"""

import argparse

from policies.who import Role
from service.cli.asking import ask, ask_password
from service.cli.running import in_house
from service.cli.saying import say, show_second_factor, tell
from service.flows.changes import asked_for_reset, asked_for_role, reset_user, set_role, stop_user
from service.flows.console import Present
from service.flows.membership import present_member
from service.flows.passwords import check_password
from service.flows.people import NewUser, add_user, check_new, find_organisation, present_needed
from service.house import House
from service.settings import Settings


async def _colleague(house: House, needed: bool) -> Present | None:
    """The member who must be there, proved by the password; None where nobody must."""
    if not needed:
        return None
    tell("A member of the organisation who works on cases must be present.")
    login = ask("Their login")
    return await present_member(house, login, ask_password("Their password"))


def add(settings: Settings, arguments: argparse.Namespace) -> int:
    """Adds a user."""

    async def work(house: House) -> int:
        organisation = await find_organisation(house, arguments.org)
        new = NewUser(
            login=arguments.login,
            name=arguments.name,
            organisation=organisation.id,
            role=Role(arguments.role),
            password=ask_password("New user's password", twice=True),
            sections=tuple(arguments.section),
            trees=tuple(arguments.tree),
        )
        check_new(new)
        present = await _colleague(house, await present_needed(house, organisation.id, new.role))
        added = await add_user(house, new, present)
        say(f"Added: {new.login}, {new.role.value} of {organisation.name}")
        show_second_factor(added.second_factor)
        return 0

    return in_house(settings, work)


def role(settings: Settings, arguments: argparse.Namespace) -> int:
    """Gives a user another role."""
    login: str = arguments.login
    wanted = Role(arguments.role)

    async def work(house: House) -> int:
        asked = await asked_for_role(house, login, wanted)
        present = await _colleague(house, asked.member)
        own = ask_password(f"Password of {login}") if asked.own_password else None
        second = await set_role(house, login, wanted, present=present, password=own)
        say(f"{login} is {wanted.value} now; every session of theirs has ended.")
        show_second_factor(second)
        return 0

    return in_house(settings, work)


def reset(settings: Settings, arguments: argparse.Namespace) -> int:
    """Gives a user a new password and a new second factor."""
    login: str = arguments.login

    async def work(house: House) -> int:
        asked = await asked_for_reset(house, login)
        password = ask_password(f"New password of {login}", twice=True)
        check_password(password, login)
        present = await _colleague(house, asked.member)
        second = await reset_user(house, login, password, present)
        say(f"{login} has a new password; every session of theirs has ended.")
        show_second_factor(second)
        return 0

    return in_house(settings, work)


def stop(settings: Settings, arguments: argparse.Namespace) -> int:
    """Stops a user."""
    login: str = arguments.login

    async def work(house: House) -> int:
        await stop_user(house, login)
        say(f"{login} is stopped; every session and key of theirs is gone.")
        return 0

    return in_house(settings, work)
