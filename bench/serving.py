"""Two served apps against each other: both on one core, the load on another, rounds interleaved A B A B."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.load import Target, requests_in

CONNECTIONS = 32
_TICKS = os.sysconf("SC_CLK_TCK")
_STARTING = 20.0  # seconds
_ALL = frozenset(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running app: its process and what to ask it."""

    process: int
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one app did in one round: answers a second, and the server's CPU seconds for each of them."""

    rate: float
    cpu: float


@contextmanager
def served(kind: str, folder: Path, target: Target) -> Iterator[Served]:
    """The app of `bench.apps` in a process of its own on the server's core; ends with the block."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.set_inheritable(True)
        port = int(listening.getsockname()[1])
        number = listening.fileno()
        command = [sys.executable, "-m", "bench.apps", kind, str(folder), str(number)]
        process = subprocess.Popen(command, pass_fds=(number,), env=_environment())
    os.sched_setaffinity(process.pid, {server_core()})
    found = replace(target, port=port)
    try:
        _wait_for(process, found)
        yield Served(process=process.pid, target=found)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    """Nothing of ours goes to the server by its environment."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TSUNAGI_")}


def _wait_for(process: "subprocess.Popen[bytes]", target: Target) -> None:
    """Returns once the app answers; raises RuntimeError for one that ends or does not answer in time."""
    until = time.monotonic() + _STARTING
    while time.monotonic() < until and process.poll() is None:
        try:
            requests_in(target, 1, 0.01)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app does not answer on {target.path}")


def server_core() -> int:
    """The core that serves: the first that we may use."""
    return min(_ALL)


def go_to_the_other_core() -> None:
    """From here on this process stays off the server's core, where there is another one."""
    os.sched_setaffinity(0, (_ALL - {server_core()}) or _ALL)


@contextmanager
def on_every_core() -> Iterator[None]:
    """In the block this process, and what it starts, may use every core again."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _ALL)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def interleaved(a: Served, b: Served, rounds: int, seconds: float) -> list[tuple[Round, Round]]:
    """``rounds`` rounds of A then B, after one of each that does not count."""
    for one in (a, b):
        requests_in(one.target, CONNECTIONS, min(seconds, 1.0))
    return [(_round(a, seconds), _round(b, seconds)) for _ in range(rounds)]


def _round(one: Served, seconds: float) -> Round:
    before = cpu_seconds(one.process)
    answered, took = requests_in(one.target, CONNECTIONS, seconds)
    return Round(rate=answered / took, cpu=(cpu_seconds(one.process) - before) / answered)


def cpu_seconds(process: int) -> float:
    """User and system time of a process, from /proc (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
