"""A server that is killed: started, struck down with SIGKILL, started again on the same data."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.machine.client import Json


class Starter:
    """The test's hand on `tests.endurance.starter`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.endurance.starter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.process = 0

    def start(self, folder: Path) -> int:
        """The port of a server on the data of a town; it refuses to start where the log is behind what was signed."""
        self.begin(folder)
        said = self._hear()
        assert "port" in said, ("the server does not start", said)
        self.process = int(str(said["pid"]))
        return int(str(said["port"]))

    def begin(self, folder: Path) -> None:
        """Starts a server and waits for nothing."""
        self._say(f"start {folder}")

    def kill(self) -> None:
        """SIGKILL: nothing is written, flushed or closed; fails where the server had ended otherwise."""
        self._say("kill")
        while "killed" not in (said := self._hear()):
            assert "ended" not in said, said
        assert said["killed"] == -signal.SIGKILL, said

    def end(self) -> None:
        """Ends everything that still runs."""
        self._process.communicate(timeout=20)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> Json:
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        assert isinstance(said, dict)
        return said
