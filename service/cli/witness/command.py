"""``tsunagi witness``: makes the witness's key and store, does one round, or runs until it is told to stop."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from crypto.context import Random
from service.cli.witness.config import Pull, WatchedLog, read_config
from service.cli.witness.errors import StartError, StoreError
from service.cli.witness.keeping import Clock, Store
from service.cli.witness.pulling import Pulled, pull
from service.cli.witness.sentences import say_error
from service.cli.witness.serving import listen, make_app, make_server
from service.cli.witness.starting import Witness, begin, open_witness


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def witness(arguments: argparse.Namespace, clock: Clock = system_clock, random: Random = os.urandom) -> int:
    """The command; 0 done, 1 refused or failed."""
    path: Path = arguments.config
    try:
        config = read_config(path)
        if arguments.init:
            say(begin(config, clock, random))
            return 0
        ready = open_witness(path, config, clock)
        if arguments.once:
            return asyncio.run(once(path, ready))
        return run(ready)
    except (StartError, StoreError, OSError) as error:
        return refuse(say_error(error))


async def once(path: Path, ready: Witness) -> int:
    """One round with each log that is asked; 0 where every one went well. Raises StartError."""
    if not ready.pulled:
        raise StartError(path, "--once asks logs, and none has a `url`")
    done = [await round_with(ready.store, log, how) for log, how in ready.pulled]
    return 0 if all(done) else 1


async def round_with(store: Store, log: WatchedLog, how: Pull) -> bool:
    """One round with one log, and a line about it; whether it went well."""
    try:
        done = await pull(store, log.key, how)
    except Exception as error:
        refuse(f"{log.key.name}: {say_error(error)}")
        return False
    say(f"{log.key.name}: {say_pulled(done)}")
    return True


def say_pulled(done: Pulled) -> str:
    """A line about a round that went well."""
    if done.before == done.now:
        return f"nothing new, {done.now} entries" + (", cosignature handed over" if done.sent else "")
    return f"{done.now} entries cosigned, {done.before if done.before is not None else 'none'} before"


def run(ready: Witness) -> int:
    """Asks each log every so often and serves pushes, until SIGTERM or SIGINT. Raises OSError."""
    served = ready.config.serve
    listening = None if served is None else listen(served)
    if served is not None:
        tell(f"{ready.config.name} listens on http://{served.host}:{served.port}")
    return asyncio.run(_run(ready, listening))


async def _run(ready: Witness, listening: socket.socket | None) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    asking = [asyncio.create_task(_repeat(ready.store, log, how)) for log, how in ready.pulled]
    stopped = asyncio.create_task(stop.wait())
    try:
        if listening is None:
            await stopped
            return 0
        return await _serve(ready, listening, stopped)
    finally:
        for task in (*asking, stopped):
            task.cancel()
        await asyncio.gather(*asking, stopped, return_exceptions=True)


async def _repeat(store: Store, log: WatchedLog, how: Pull) -> None:
    while True:
        await round_with(store, log, how)
        await asyncio.sleep(how.every * 60)


async def _serve(ready: Witness, listening: socket.socket, stopped: "asyncio.Task[bool]") -> int:
    """Serves until it is told to stop; 1 where the server ended by itself."""
    keys = tuple(log.key for log in ready.config.logs)
    server = make_server(make_app(ready.store, keys, lambda error: tell(f"tsunagi: {say_error(error)}")))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await asyncio.wait({stopped, serving}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    return 0 if stopped.done() else 1


def say(line: str) -> None:
    """A line of the result."""
    print(line, flush=True)


def tell(line: str) -> None:
    """A line about what is going on."""
    print(line, file=sys.stderr, flush=True)


def refuse(why: str) -> int:
    """One plain line about what was refused; the exit code."""
    tell(f"tsunagi: {why}")
    return 1
