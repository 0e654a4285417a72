"""``tsunagi demo``: practice data, the story played over HTTP against a real server, and then the server to try.

Rules kept here:
- Practice data lies in folders of its own and says so in its log's first entries; `serve` refuses it.
- Loopback only; another database than an older practice one is never touched (`folder`).
- Passwords and second factors are random at each run, and printed at the end only, for who goes on trying.
"""

import argparse
import io
import os
import signal
import socket
import sys
import threading
from contextlib import closing

from service.cli.demo.accounts import print_accounts, print_codes
from service.cli.demo.folder import LOG, address_of, practice_settings, remove_old_practice
from service.cli.demo.people import COLLABORATION, Town, build_town
from service.cli.demo.report import Report
from service.cli.demo.server import NotStartedError, Running
from service.cli.demo.story import tell_story
from service.cli.opening import load_house
from service.cli.saying import refuse, say, tell
from service.cli.serve import listen
from service.house import system_clock
from service.logs import configure
from service.settings import Settings


def run(arguments: argparse.Namespace) -> int:
    """Plays the story; 0 if every step held, else 1. Without ``--once`` the server then runs until Ctrl+C.

    Raises SettingError, OpeningError, AdministrationError: nothing was touched then.
    """
    settings = practice_settings(os.environ)
    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        return refuse(f"{where}: {error.strerror}; stop what listens there, or set TSUNAGI_PORT")
    with closing(listening):
        remove_old_practice(settings)
        _speak_plainly()
        tell("練習用のデータを作っています … (making practice data)")
        town = build_town(settings)
        return _serve(settings, listening, town, once=arguments.once)


def _speak_plainly() -> None:
    """Lines come at once, and a letter that the terminal's encoding lacks does not end the story."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True, errors="replace")


def _serve(settings: Settings, listening: socket.socket, town: Town, *, once: bool) -> int:
    """Starts the server, tells the story, and stays where it shall. The server's log goes to a file."""
    house = load_house(settings, practice=True)
    with (settings.data / LOG).open("w", encoding="ascii") as log:
        configure(log, clock=system_clock)
        server = Running(house, listening)
        try:
            server.start()
        except NotStartedError:
            return refuse(f"the server did not start; {settings.data / LOG} says why")
        try:
            return _play(settings, town, once=once)
        finally:
            server.stop()


def _play(settings: Settings, town: Town, *, once: bool) -> int:
    report = Report(say)
    address = address_of(settings)
    report.say("つなぎ:同意がなければ、情報はわたりません / Tsunagi: no consent, no data")
    report.say(f"{COLLABORATION} (練習用の架空のデータです / invented practice data)  {address}")
    tell_story(report, settings, town, address)
    report.say("", f"{report.held} OK, {report.failed} NG")
    if not once:
        print_accounts(report, town, address)
        _wait(town)
    return report.exit_code


def _wait(town: Town) -> None:
    """Until Ctrl+C or a stop of the process; at a terminal, Enter shows the codes of the moment."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        while sys.stdin.isatty() and sys.stdin.readline():
            print_codes(town, say)
        threading.Event().wait()
    except KeyboardInterrupt:
        say("")


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
