"""``tsunagi serve`` as a process: it answers, it refuses, it stops."""

import base64
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from crypto.totp import code_at, step_at
from tests.cli.test_commands import INIT, ROOT
from tests.cli.town import begin, settings_in


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(folder: Path, port: int) -> dict[str, str]:
    settings = settings_in(folder)
    named = {"DATA": settings.data, "KEYS": settings.keys, "NOTARY": settings.notary, "PORT": port}
    return {**os.environ, **{f"TSUNAGI_{name}": str(value) for name, value in named.items()}}


def tsunagi(folder: Path, port: int, *argv: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service.cli", *argv]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(folder, port),
        input=answers,
        text=True,
        capture_output=True,
        timeout=60,
    )


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The server as a process, once it answers; ended afterwards."""
    child = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve"],
        cwd=ROOT,
        env=environment(folder, port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/api/health", trust_env=False)
                break
            except httpx.TransportError:
                assert child.poll() is None
                time.sleep(0.05)
        yield child
    finally:
        child.kill()
        child.wait(timeout=20)


def test_the_first_administrator_signs_in_over_http(tmp_path: Path) -> None:
    """What `init` made opens with the password and the code of the secret that it showed."""
    port = free_port()
    made = tsunagi(tmp_path, port, "init", answers="".join(f"{line}\n" for line in INIT))
    assert made.returncode == 0
    found = re.search(r"secret=([A-Z2-7]+)", made.stdout)
    assert found is not None
    with serving(tmp_path, port) as child, httpx.Client(trust_env=False) as client:
        code = code_at(_unbase32(found[1]), step_at(int(time.time())))
        sent = {"login": INIT[2], "password": INIT[4], "code": code}
        answer = client.post(f"http://127.0.0.1:{port}/api/session", json=sent)
        assert answer.status_code in (200, 201), answer.text
        assert answer.json()["role"] == "admin"
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=20) in (0, -signal.SIGTERM)


def _unbase32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


def test_practice_data_is_refused_by_serve(tmp_path: Path) -> None:
    """The process ends at once with code 1, one plain line, and nothing listens."""
    begin(settings_in(tmp_path), practice=True)
    port = free_port()
    ended = tsunagi(tmp_path, port, "serve")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "practice" in ended.stderr
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/api/health", trust_env=False)


def test_an_address_that_is_taken_is_named(tmp_path: Path) -> None:
    """Another program on the port: one plain line and code 1."""
    begin(settings_in(tmp_path))
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port: int = other.getsockname()[1]
        ended = tsunagi(tmp_path, port, "serve")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"tsunagi: 127.0.0.1:{port}: ")
    assert ended.stderr.count("\n") == 1
