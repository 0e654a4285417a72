"""The practice server: the real one, in a thread of this process, on a socket that listens on loopback only."""

import socket
import threading
import time

from service.cli.serve import make_server
from service.house import House

PATIENCE = 30.0
"""Seconds to wait for the start and for the end."""


class NotStartedError(Exception):
    """The server did not come up; its log says why."""


class Running:
    """A server that answers, until `stop`."""

    __slots__ = ("_server", "_thread")

    def __init__(self, house: House, listening: socket.socket) -> None:
        self._server = make_server(house)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="practice-server", daemon=True
        )

    def start(self) -> None:
        """Returns once the server answers. Raises NotStartedError."""
        self._thread.start()
        end = time.monotonic() + PATIENCE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise NotStartedError
            time.sleep(0.02)

    def stop(self) -> None:
        """Finishes what is being answered, and closes everything."""
        self._server.should_exit = True
        self._thread.join(PATIENCE)
