"""``tsunagi log redact|prune|continue``: texts that go, and a log that goes on after a backup was restored."""

import argparse

from service.cli.asking import ask, ask_password
from service.cli.log import read_note
from service.cli.running import in_house
from service.cli.saying import say
from service.flows.continuing import continue_logs as go_on
from service.flows.export import tree_to_export
from service.flows.membership import present_member
from service.flows.retention import prune_log, redact_entry
from service.house import House
from service.settings import Settings


def redact(settings: Settings, arguments: argparse.Namespace) -> int:
    """Takes out one entry's text, with an auditor of the log and a supervisor or coordinator at the console."""
    reason = ask("Reason (kept apart from the log, erasable)")
    auditor = ask("Auditor's login"), ask_password("Auditor's password")
    other = ask("Supervisor's or coordinator's login"), ask_password("Their password")

    async def work(house: House) -> int:
        tree = await tree_to_export(house, arguments.tree)
        first = await present_member(house, *auditor)
        second = await present_member(house, *other)
        await redact_entry(house, tree, arguments.index, reason, first, second)
        say(f"entry {arguments.index}: its text is gone, its hash stays")
        return 0

    return in_house(settings, work)


def prune(settings: Settings, arguments: argparse.Namespace) -> int:
    """Takes out the texts of entries before a day, in whole bundles, below the last cosigned size."""

    async def work(house: House) -> int:
        tree = await tree_to_export(house, arguments.tree)
        found = await prune_log(house, tree, arguments.before)
        say(f"{found.count} texts went; entries from {found.below} on have theirs")
        return 0

    return in_house(settings, work)


def continue_logs(settings: Settings, arguments: argparse.Namespace) -> int:
    """Ends the logs that are behind what was signed of them, and begins those that go on."""

    notes = [read_note(path) for path in arguments.note]

    async def work(house: House) -> int:
        done = await go_on(house, notes)
        for one in done:
            say(f"{one.old}: ended at {one.size} entries, {one.left} of them are left here")
            say(f"  goes on as {one.new}" if one.new else "  nothing here goes on with it")
        if done:
            say("Tell the witnesses and the auditors: the new logs are new lines in their policies.")
        else:
            say("no log is behind what was signed; nothing was changed")
        return 0

    return in_house(settings, work, behind=True)
