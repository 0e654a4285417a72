"""The client that moves the consent: the city gives it and asks, the NPO accepts, the city withdraws, for ever."""

from enum import Enum

from tests.endurance.books import GIVEN, WITHDRAWN, Books
from tests.endurance.clients import Client, Load, agreeing, asking
from tests.endurance.wire import Wire


class Step(Enum):
    """What is asked next, in this order; after the last comes the first."""

    GIVE = "give"
    SEND = "send"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"


ORDER = tuple(Step)


class Mover(Client):
    """Knows exactly where consent and request stand: at what was acknowledged last, or one step further."""

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self.consent = ""
        self.request = ""
        self.next = Step.GIVE
        self._key: str | None = None

    def begin(self) -> None:
        """Goes on with the case that is the moving one now."""
        self.consent, self.request, self.next, self._key = "", "", Step.GIVE, None

    def step(self, wire: Wire) -> None:
        match self.next:
            case Step.GIVE | Step.SEND:
                self._create(wire)
            case Step.ACCEPT:
                wire.good("deputy", "POST", f"/api/requests/{self.request}/accept")
            case Step.WITHDRAW:
                by = ("supervisor", "deputy")[next(self.load.keys) % 2]
                body = {"given_by": ["self"], "method": "paper"}
                wire.good(by, "POST", f"/api/consents/{self.consent}/withdraw", body)
        self._done()

    def _create(self, wire: Wire) -> None:
        """Gives, or asks, under one key until the answer comes."""
        self._key = self._key or f"endurance-{next(self.load.keys)}"
        giving = self.next is Step.GIVE
        kind, body = (
            ("consents", agreeing(self.load)) if giving else ("requests", asking(self.load, send=True))
        )
        path = f"/api/cases/{self.load.moving}/{kind}"
        id = str(wire.good("supervisor", "POST", path, body, key=self._key).json["id"])
        if giving:
            self.consent = id
        else:
            self.request = id

    def _done(self) -> None:
        """The step is acknowledged, or was found done."""
        kept = self.load.kept
        match self.next:
            case Step.GIVE:
                kept.kinds.setdefault(self.consent, []).append(GIVEN)
            case Step.SEND:
                kept.stages[self.request] = "sent"
            case Step.ACCEPT:
                kept.stages[self.request] = "accepted"
            case Step.WITHDRAW:
                kept.kinds[self.consent].append(WITHDRAWN)
                kept.stages[self.request] = "stopped"
        kept.count()
        self._key = None
        self.next = ORDER[(ORDER.index(self.next) + 1) % len(ORDER)]

    def settle(self, wire: Wire) -> None:
        """Asks again what has a key."""
        if self._key is not None:
            self.step(wire)

    def look(self, books: Books) -> None:
        """A step without a key that got no answer was done whole or not at all; the books say which."""
        kinds = books.kinds.get(self.consent, [])
        withdrawn = self.next is Step.WITHDRAW and kinds == [*self.load.kept.kinds[self.consent], WITHDRAWN]
        accepted = self.next is Step.ACCEPT and books.stages[self.request] == "accepted"
        if withdrawn or accepted:
            self._done()
