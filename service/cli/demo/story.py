"""The story, step by step, in the order of the manual; each step compares what HTTP answered."""

from collections.abc import Callable
from datetime import timedelta

import httpx

from service.cli.demo import consenting, ending, others, proof, sharing
from service.cli.demo.cases import MOTHER, WRITTEN, practice_cases, texts_of
from service.cli.demo.evidence import count_keys
from service.cli.demo.http import StoryError, new_client
from service.cli.demo.people import Town
from service.cli.demo.play import Play, begin
from service.cli.demo.report import Report
from service.cli.demo.words import tokyo
from service.house import system_clock
from service.settings import Settings

STEPS: tuple[Callable[[Play], None], ...] = (
    consenting.take_in,
    consenting.before_consent,
    consenting.consent,
    sharing.ask,
    sharing.accept,
    sharing.ledger,
    others.others,
)
"""Before the withdrawal."""


def tell_story(report: Report, settings: Settings, town: Town, address: str) -> None:
    """Plays every step against the server at ``address``. What does not hold is counted in the report."""
    now = system_clock() - timedelta(seconds=1)  # what was told was told before it is recorded
    told = practice_cases(tokyo(now).date())
    texts = [text for case in told for text in texts_of(case.fields)] + list(WRITTEN)
    try:
        with new_client(address) as client:
            play = begin(report, town, client, told, now)
            for step in STEPS:
                step(play)
            ending.withdraw(play, lambda: count_keys(settings, town.accounts["npo"], play.ids[MOTHER]))
            ending.audit(play)
        proof.check_files(report, settings, texts)
        proof.check_log(report, settings, address, texts)
    except StoryError as error:
        report.broken(f"{error.what}: HTTP {error.status}; the story cannot go on")
    except httpx.HTTPError as error:
        report.broken(f"the server did not answer ({type(error).__name__}); the story cannot go on")
