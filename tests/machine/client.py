"""The town as its users meet it: a server process, HTTP with bearer tokens, a second factor. Nothing of the product.

Every answer is looked at: no 5xx, none slower than five seconds (invariant I16).
"""

import base64
import hashlib
import hmac
import http.client
import json
import shutil
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.machine.replay import read_bundle

SLOWEST = 5.0
"""Seconds: no step may hang longer (I16)."""
IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
TOUCH = timedelta(minutes=1)

Json = dict[str, object]


def totp(secret: bytes, at: datetime) -> str:
    """The six digits of RFC 6238 (SHA-1, 30 seconds) at a time."""
    counter = struct.pack(">Q", int(at.timestamp()) // 30)
    mac = hmac.new(secret, counter, hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came: ``raw`` is everything, the status line's reason, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: str

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Json:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass(slots=True, kw_only=True)
class Session:
    """A bearer token, and when it was made and last noted as used."""

    token: str
    made: datetime
    seen: datetime

    def over(self, now: datetime) -> bool:
        return now >= self.seen + IDLE or now >= self.made + LONGEST


class Line:
    """One HTTP connection that is kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SLOWEST)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        if_match: str | None = None,
    ) -> Answer:
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if if_match is not None:
            headers["If-Match"] = if_match
        content = None
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, content, headers)
        got = self.connection.getresponse()
        said = got.read()
        head = "\n".join(f"{name}: {value}" for name, value in got.getheaders())
        text = said.decode()
        if "\\u" in text:  # an escape must not hide a value from the scan
            text += json.dumps(json.loads(text), ensure_ascii=False)
        return Answer(
            status=got.status,
            headers={name.lower(): value for name, value in got.getheaders()},
            body=said,
            raw=f"{got.reason}\n{head}\n{text}",
        )

    def close(self) -> None:
        self.connection.close()


@dataclass(slots=True)
class Town:
    """A copy of the town, served by a process of its own."""

    folder: Path
    passwords: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    organisations: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    sections: dict[str, list[str]] = field(default_factory=dict)

    process: "subprocess.Popen[str] | None" = None
    line: Line | None = None
    now: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    sessions: dict[str, Session] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
    used_steps: dict[str, int] = field(default_factory=dict)
    answers: int = 0

    @classmethod
    def copy(cls, built: Path, folder: Path) -> "Town":
        """A town of one's own, served."""
        shutil.copytree(built, folder)
        known = json.loads((folder / "town.json").read_text("utf-8"))
        town = cls(
            folder,
            passwords=known["passwords"],
            secrets={login: bytes.fromhex(text) for login, text in known["secrets"].items()},
            ids=known["ids"],
            organisations=known["organisations"],
            roles=known["roles"],
            sections=known["sections"],
        )
        (start,) = struct.unpack(">Q", (folder / "clock").read_bytes())
        town.now = datetime.fromtimestamp(start / 1000, UTC)
        town.advance(timedelta(minutes=1))  # the codes of the building are used up
        town.start()
        return town

    def start(self) -> None:
        """Starts the server; again after `stop`, as a restart."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.machine.server", "serve", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first, "the server does not start"
        self.line = Line(int(json.loads(first)["port"]))

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Ends the server process and nothing else."""
        if self.line is not None:
            self.line.close()
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
        self.process = None

    def order(self, do: str, **said: str) -> None:
        """Has something done at the console."""
        assert self.process is not None and self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **said}) + "\n")
        self.process.stdin.flush()
        answered = json.loads(self.process.stdout.readline())
        assert answered == {"done": do}, (do, said, answered)

    def export(self) -> str:
        """The collaboration's log as its auditor gets it."""
        folder = self.folder / "export"
        shutil.rmtree(folder, ignore_errors=True)
        self.order("export", folder=str(folder))
        return read_bundle(folder)

    def files(self) -> int:
        """How many file handles the server holds."""
        assert self.process is not None
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def advance(self, by: timedelta) -> None:
        """Moves the server's clock."""
        self.now += by
        with (self.folder / "clock").open("r+b") as file:
            file.write(struct.pack(">Q", int(self.now.timestamp() * 1000)))

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        if_match: str | None = None,
    ) -> Answer:
        """One request; the clock stands while it runs."""
        assert self.line is not None
        before = time.monotonic()
        answer = self.line.send(method, path, body, token=token, if_match=if_match)
        took = time.monotonic() - before
        self.answers += 1
        assert answer.status < 500, (method, path, answer.raw)
        assert took < SLOWEST, (method, path, took)
        return answer

    def token(self, login: str) -> str:
        """A token that is alive: the one that the login has, or that of a new sign-in."""
        found = self.sessions.get(login)
        if found is not None and found.over(self.now):
            self.bury(login)
            found = None
        if found is None:
            found = self.sign_in(login)
            self.sessions[login] = found
        if self.now - found.seen >= TOUCH:
            found.seen = self.now
        return found.token

    def bury(self, login: str) -> None:
        """From now on the login's token must be dead."""
        gone = self.sessions.pop(login, None)
        if gone is not None:
            self.dead.append(gone.token)

    def sign_in(self, login: str) -> Session:
        answer = self.try_to_sign_in(login)
        assert answer.status == 201, (login, answer.raw)
        token = answer.json["token"]
        assert isinstance(token, str) and len(base64.urlsafe_b64decode(token + "==")) >= 32
        return Session(token=token, made=self.now, seen=self.now)

    def try_to_sign_in(self, login: str) -> Answer:
        body: Json = {"login": login, "password": self.passwords[login]}
        if login in self.secrets:
            step = int(self.now.timestamp()) // 30
            if self.used_steps.get(login, 0) >= step:  # a code counts once
                self.advance(timedelta(seconds=30))
                step += 1
            self.used_steps[login] = step
            body["code"] = totp(self.secrets[login], self.now)
        return self.send("POST", "/api/session", body)

    def ask(
        self, login: str, method: str, path: str, body: object = None, *, if_match: str | None = None
    ) -> Answer:
        """One request by somebody who is signed in."""
        return self.send(method, path, body, token=self.token(login), if_match=if_match)
