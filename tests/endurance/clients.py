"""Who asks while the server is struck down: each client asks one thing after the other and keeps every answer.

A client that creates sends a key of its own with each creation (Idempotency-Key); what it asked and got no answer to
it asks again after the restart, with the same key, as a program should. So nothing is there twice.
"""

import itertools
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.endurance.books import GIVEN
from tests.endurance.kept import Kept
from tests.endurance.wire import GONE, Wire
from tests.machine.client import SLOWEST, Answer, Json, Town
from tests.machine.making import Maker
from tests.machine.model import NPOS

NPO = NPOS[0]
LOGINS = ("coordinator", "deputy", "volunteer", "caseworker", "supervisor", "auditor")
QUANTITY = {"adults": 2, "children": 1, "days": 7, "times": 2}


@dataclass(slots=True)
class Load:
    """What all clients share: the town, its two shared cases, the answers kept, and what went wrong.

    ``steady``: its consent stays. ``moving``: its consent is given and withdrawn all the time.
    """

    town: Town
    maker: Maker
    tokens: dict[str, str]
    tree: str
    kept: Kept = field(default_factory=Kept)
    steady: str = ""
    moving: str = ""
    going: threading.Event = field(default_factory=threading.Event)
    striking: threading.Event = field(default_factory=threading.Event)
    victims: list[int] = field(default_factory=list)
    """The server's process, where the next success that is heard is its last."""
    faults: list[object] = field(default_factory=list)
    keys: "itertools.count[int]" = field(default_factory=itertools.count)

    @classmethod
    def of(cls, town: Town) -> "Load":
        """The load on a town that is served now: whoever asks is signed in."""
        tokens = {login: town.token(login) for login in LOGINS}
        trees = town.ask("auditor", "GET", "/api/log").json["trees"]
        assert isinstance(trees, list)
        tree = next(str(one["name"]) for one in trees if str(one["name"]).startswith("b_"))
        return cls(town, Maker(town), tokens, tree)

    def hear(self) -> None:
        """A success came; from here on it must be kept. Where it shall be the last, the server dies at once."""
        self.going.set()
        try:
            victim = self.victims.pop()  # for one of the threads that hear
        except IndexError:
            return
        self.striking.set()
        os.kill(victim, signal.SIGKILL)


class Client:
    """One connection; asks until the server is gone."""

    def __init__(self, load: Load) -> None:
        self.load = load

    def run(self, port: int) -> None:
        """Steps until the server is gone; it may go only when it is struck."""
        wire = Wire(port, self.load.tokens, self.load.hear)
        try:
            while True:
                self.step(wire)
        except GONE as error:
            if not self.load.striking.is_set() or isinstance(error, TimeoutError):
                self.load.faults.append((type(self).__name__, "lost the server", error))
        except Exception as error:
            self.load.faults.append((type(self).__name__, error))
        finally:
            wire.close()

    def step(self, wire: Wire) -> None:
        """Asks once."""
        raise NotImplementedError

    def settle(self, wire: Wire) -> None:
        """Asks again what got no answer."""


class Reader(Client):
    """Reads both shared cases, their ledgers and their requests in turn."""

    def __init__(self, load: Load, login: str) -> None:
        super().__init__(load)
        self._login = login
        self._turns = itertools.cycle(itertools.product(("", "/ledger", "", "/requests"), (True, False)))

    def step(self, wire: Wire) -> None:
        kind, steady = next(self._turns)
        case = self.load.steady if steady else self.load.moving
        answer = wire.ask(self._login, "GET", f"/api/cases/{case}{kind}")
        assert answer.status in ((200,) if steady else (200, 403, 404)), (kind, steady, answer.raw)
        if answer.good and kind == "":
            self.load.kept.receipt(answer)


class Auditor(Client):
    """Has the log signed, again and again."""

    def step(self, wire: Wire) -> None:
        answer = wire.good("auditor", "GET", f"/api/log/{self.load.tree}/checkpoint")
        self.load.kept.note(str(answer.json["note"]))


Ask = tuple[str, str, Json]
"""A path, the key, the body."""


class Creator(Client):
    """Creates one thing after the other."""

    def __init__(self, load: Load, login: str) -> None:
        super().__init__(load)
        self._login = login
        self._open: Ask | None = None

    def step(self, wire: Wire) -> None:
        if self._open is None:
            path, body = self.next()
            self._open = (path, f"endurance-{next(self.load.keys)}", body)
        path, key, body = self._open
        answer = wire.good(self._login, "POST", path, body, key=key)
        self.keep(path, body, answer)
        self.load.kept.count()
        self._open = None

    def settle(self, wire: Wire) -> None:
        if self._open is not None:
            self.step(wire)

    def next(self) -> tuple[str, Json]:
        """What to create next: path and body."""
        raise NotImplementedError

    def keep(self, path: str, body: Json, answer: Answer) -> None:
        """Remembers what is promised now."""
        raise NotImplementedError


class Beginner(Creator):
    """Begins cases."""

    def next(self) -> tuple[str, Json]:
        fields = {code: self.load.maker.values()[code] for code in ("name", "phone", "health", "dietary")}
        return "/api/cases", {"fields": fields}

    def keep(self, path: str, body: Json, answer: Answer) -> None:
        fields = body["fields"]
        assert isinstance(fields, dict)
        self.load.kept.cases[str(answer.json["id"])] = fields


class Writer(Creator):
    """Adds rows to the ledger of the steady case: what the NPO noticed, or what the city replies."""

    def __init__(self, load: Load, login: str, kind: str) -> None:
        super().__init__(load, login)
        self._kind = kind

    def next(self) -> tuple[str, Json]:
        body: Json = {"kind": self._kind, "value": {"text": self.load.maker.cage.text()}}
        if self._kind == "reply":
            body["recipient"] = self.load.town.ids[NPO]
        return f"/api/cases/{self.load.steady}/ledger", body

    def keep(self, path: str, body: Json, answer: Answer) -> None:
        value = body["value"]
        assert isinstance(value, dict)
        self.load.kept.rows[str(answer.json["id"])] = (path.split("/")[3], str(value["text"]))


class Asker(Creator):
    """Writes requests in the steady case; every second one is sent."""

    def next(self) -> tuple[str, Json]:
        body = asking(self.load, send=next(self.load.keys) % 2 == 0)
        return f"/api/cases/{self.load.steady}/requests", body

    def keep(self, path: str, body: Json, answer: Answer) -> None:
        self.load.kept.stages[str(answer.json["id"])] = str(answer.json["stage"])


class Editor(Client):
    """Writes another telephone number into the case that was begun last."""

    def step(self, wire: Wire) -> None:
        kept = self.load.kept
        case = next(reversed(kept.cases))
        seen = wire.good("caseworker", "GET", f"/api/cases/{case}")
        kept.receipt(seen)
        fields: Json = {"phone": self.load.maker.cage.text()}
        kept.doubted[case] = fields
        wire.good(
            "caseworker", "PATCH", f"/api/cases/{case}", {"fields": fields}, if_match=seen.headers["etag"]
        )
        kept.cases[case] = kept.cases[case] | kept.doubted.pop(case)
        kept.count()


def asking(load: Load, *, send: bool) -> Json:
    """The body of a request."""
    return {"recipient": load.town.ids[NPO], "send": send, "quantity": QUANTITY}


def agreeing(load: Load) -> Json:
    """The body of a consent to everything."""
    answer = load.maker.answer(load.maker.agreement(frozenset(), True, 90))
    return {"recipient": load.town.ids[NPO], "purpose": "food_support", "answer": answer}


def begin_case(load: Load, wire: Wire) -> str:
    """A case with everything in it."""
    fields = load.maker.values()
    body = {"fields": fields, "conditions": {"hardship": True, "willing": True}}
    case = str(wire.good("caseworker", "POST", "/api/cases", body).json["id"])
    load.kept.cases[case] = fields
    return case


def share(load: Load, wire: Wire, case: str) -> str:
    """The case gets a consent, which is given back, and an accepted request."""
    path = f"/api/cases/{case}"
    consent = str(wire.good("supervisor", "POST", f"{path}/consents", agreeing(load)).json["id"])
    load.kept.kinds[consent] = [GIVEN]
    request = str(wire.good("supervisor", "POST", f"{path}/requests", asking(load, send=True)).json["id"])
    wire.good("deputy", "POST", f"/api/requests/{request}/accept")
    load.kept.stages[request] = "accepted"
    return consent


def at_once(load: Load, clients: list[Client], port: int, strike: Callable[[], None]) -> None:
    """Lets all clients ask until ``strike`` has ended the server; it is called once the first answer came."""
    load.going.clear()
    load.striking.clear()
    load.victims.clear()
    threads = [threading.Thread(target=client.run, args=(port,)) for client in clients]
    for thread in threads:
        thread.start()
    load.going.wait(SLOWEST)
    strike()
    for thread in threads:
        thread.join(20)
    assert not load.faults, load.faults[:3]
