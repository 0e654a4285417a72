"""Starts the server of a town as a process of its own, quickly and often: the product is imported once, then forked.

``python -m tests.endurance.starter`` reads a command a line: ``start FOLDER`` forks a server, which prints its port
as `tests.machine.server` does, or ``{"ended": …}`` where it does not stay; ``kill`` ends it with SIGKILL and prints
how it really ended, which is minus nine unless it was dead before.
"""

import gc
import json
import os
import signal
import sys
import traceback
from pathlib import Path

import uvicorn
from litestar import Litestar

from tests.machine.server import serve_town


def warm_up() -> None:
    """Loads what is otherwise loaded when the first app is made, and leaves it to the children as it is."""
    uvicorn.Config(Litestar([], openapi_config=None), log_config=None).load()
    gc.freeze()


def start(folder: Path) -> int:
    """The process id of a new server; the child never comes back from here."""
    child = os.fork()
    if child:
        return child
    try:
        quiet, _held = os.pipe()  # an input that neither speaks nor ends
        os.dup2(quiet, 0)
        serve_town(folder)
    except BaseException:
        traceback.print_exc()
    print(json.dumps({"ended": str(folder)}), flush=True)
    os._exit(1)


def kill(child: int) -> None:
    """Kills and says how the process ended."""
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print(json.dumps({"killed": os.waitstatus_to_exitcode(status)}), flush=True)


def main() -> None:
    warm_up()
    child = None
    for line in sys.stdin:
        what, _, folder = line.rstrip("\n").partition(" ")
        if what == "start":
            child = start(Path(folder))
        elif child is not None:
            kill(child)
            child = None
    if child is not None:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
