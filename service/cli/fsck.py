"""``tsunagi fsck``: a line a finding, and at the end how many; nothing is written.

Exit codes: 0 nothing was found, 1 something was, 2 it was not run.
"""

import argparse

from service.cli.running import in_house
from service.cli.saying import counter, say
from service.flows.fsck import Finding, check_house
from service.house import House
from service.settings import Settings


def fsck(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Compares the database with the log, also one that is behind what was signed of it."""
    return in_house(settings, _check, behind=True)


async def _check(house: House) -> int:
    checked = await check_house(house, _say, counter("Entries read"))
    say(f"{checked.findings} found in {checked.entries} entries and the rows beside them")
    return 1 if checked.findings else 0


def _say(finding: Finding) -> None:
    say(finding.line)
