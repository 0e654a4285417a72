"""The kinds of object: a case in every state that a consent and a request can bring it to.

Each is made over the API as it would be made in life. What is true of it is written down beside it, for the model.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from tests.matrix.canaries import Canaries, Canary
from tests.matrix.people import FAR_CITY, FAR_NPO
from tests.matrix.values import (
    case_fields,
    delivery_value,
    mark,
    observation_value,
    reply_value,
    request_fields,
)
from tests.service.world import CITY, NPO, OTHER_NPO, World


@dataclass
class Agreed:
    """A consent as the person gave it: what holds now, what was allowed, whether the recipient may tell."""

    state: str
    allowed: frozenset[str] = frozenset()
    back: bool = True
    was_live: bool = False


@dataclass
class Asked:
    """A request: to whom, where it stands, whether it was ever sent and ever accepted."""

    recipient: str
    stage: str
    sent: bool = False
    accepted: bool = False


@dataclass
class Thing:
    """An object: its ids for the routes, and its facts. ``main`` is the recipient that the routes are about."""

    kind: str
    title: str
    case: str = ""
    request: str | None = None
    consent: str | None = None
    number: str | None = None
    delivery: str | None = None
    reply: str | None = None
    owner: str = CITY
    main: str = NPO
    sections: frozenset[str] = frozenset({"福祉課"})
    closed: bool = False
    consents: dict[str, Agreed] = field(default_factory=dict)
    requests: dict[str, Asked] = field(default_factory=dict)
    name_mark: str = ""
    assigned: bool = False
    version: int = 1
    request_version: int = 1
    consent_version: int = 1


class Making:
    """The steps of a case's life, each with what it makes true."""

    def __init__(self, world: World, canaries: Canaries, thing: Thing) -> None:
        self.world, self.canaries, self.thing = world, canaries, thing
        self.staff = "caseworker" if thing.owner == CITY else "far_caseworker"
        self.hands = {NPO: "coordinator", OTHER_NPO: "other", FAR_NPO: "outsider"}
        fields = case_fields(canaries, thing.kind)
        thing.name_mark = str(fields["name"])
        thing.case = world.new_case(self.staff, fields)

    def agree(self, recipient: str = NPO, **parts: object) -> "Making":
        """A consent; a helper's name stands beside it."""
        helper = mark(self.canaries, self.thing.kind, "evidence")
        refused = parts.pop("refused", ())
        assert isinstance(refused, tuple)
        parts = {"given_by": ["self_with_help"], "names": {"helper": f"手伝い{helper}"}, **parts}
        body = self.world.answer(refused, **parts)
        made = self._record(recipient, {"answer": body})
        allowed, back = body["allowed"], "recipient_to_owner" in str(body["directions"])
        assert isinstance(allowed, list)
        live = made["state"] == "live"
        self.thing.consents[recipient] = Agreed(str(made["state"]), frozenset(allowed), back, live)
        return self

    def refuse(self) -> "Making":
        """The person says no."""
        today = (self.world.clock() + timedelta(hours=9)).date().isoformat()
        refusal = {
            "notice_version": 1,
            "language": "ja",
            "given_by": ["self"],
            "method": "paper",
            "event_day": today,
        }
        self._record(NPO, {"refusal": refusal})
        self.thing.consents[NPO] = Agreed("refused")
        return self

    def ask(self) -> "Making":
        """The person is being asked."""
        self._record(NPO, {})
        self.thing.consents[NPO] = Agreed("requested")
        return self

    def _record(self, recipient: str, answer: Mapping[str, object]) -> dict[str, object]:
        body = {"recipient": self.world.ids[recipient], "purpose": "food_support", **answer}
        made = self._do(self.staff, "POST", f"/api/cases/{self.thing.case}/consents", body)
        if recipient == self.thing.main:
            self.thing.consent, self.thing.number = str(made["id"]), str(made["number"])
        return made

    def _do(
        self, who: str, method: str, path: str, body: object = None, etag: int | None = None
    ) -> dict[str, object]:
        headers = {} if etag is None else {"If-Match": f'"{etag}"'}
        made = self.world(who, method, path, body, headers)
        assert made.status_code in (200, 201), (self.thing.kind, path, made.text)
        return dict(made.json())

    def request(self, recipient: str = NPO, *, send: bool = True) -> "Making":
        """A request, sent or a draft."""
        canary = Canary(kind=self.thing.kind, field="", thread=recipient)
        fields = request_fields(self.canaries, canary, f"{recipient}-{len(self.thing.requests)}")
        body = {"recipient": self.world.ids[recipient], "send": send, **fields}
        made = str(self._do(self.staff, "POST", f"/api/cases/{self.thing.case}/requests", body)["id"])
        asked = Asked(recipient, "sent" if send else "draft", send)
        self.thing.requests[f"{recipient}-{len(self.thing.requests)}"] = asked
        if recipient == self.thing.main:
            self.thing.request = made
        self._last, self._asked = made, asked
        return self

    def accept(self) -> "Making":
        """The recipient accepts."""
        self._do(self.hands[self._asked.recipient], "POST", f"/api/requests/{self._last}/accept")
        self._asked.stage, self._asked.accepted = "accepted", True
        return self

    def decline(self) -> "Making":
        """The recipient declines."""
        self._do(self.hands[NPO], "POST", f"/api/requests/{self._last}/decline", {"reason": "out_of_stock"})
        self._asked.stage = "declined"
        return self

    def owner_moves(self, how: str, stage: str, etag: int) -> "Making":
        """The owner completes or cancels."""
        self._do(self.staff, "POST", f"/api/requests/{self._last}/{how}", etag=etag)
        self._asked.stage = stage
        return self

    def deliver(self) -> "Making":
        """A hand-over, what was noticed, and the owner's reply."""
        recipient = self._asked.recipient
        canary = Canary(kind=self.thing.kind, field="", thread=recipient)
        back = self.thing.consents[recipient].back
        value = delivery_value(self.canaries, canary, note=back)
        hands = self.hands[recipient]
        delivery = self._row(hands, {"kind": "delivery", "request": self._last, "value": value})
        if back:
            value = observation_value(self.canaries, canary)
            self._row(hands, {"kind": "observation", "request": self._last, "value": value})
        value = reply_value(self.canaries, canary)
        reply = self._row(
            self.staff, {"kind": "reply", "recipient": self.world.ids[recipient], "value": value}
        )
        if recipient == self.thing.main:
            self.thing.delivery, self.thing.reply = delivery, reply
        self._asked.stage = "delivered"
        return self

    def _row(self, who: str, body: object) -> str:
        return str(self._do(who, "POST", f"/api/cases/{self.thing.case}/ledger", body)["id"])

    def withdraw(self) -> "Making":
        """The person takes it back."""
        how = {"given_by": ["self"], "method": "paper"}
        self._do(self.staff, "POST", f"/api/consents/{self.thing.consent}/withdraw", how)
        return self.over("withdrawn")

    def over(self, state: str) -> "Making":
        """Every consent has come to ``state``, and what was open is stopped."""
        for agreed in self.thing.consents.values():
            agreed.state = state
        for asked in self.thing.requests.values():
            if asked.stage in ("draft", "sent", "accepted", "delivered"):
                asked.stage = "stopped" if state != "expired" else asked.stage
        return self

    def case_moves(self, method: str, word: str, body: object) -> "Making":
        """The owner closes the case or answers the conditions."""
        version = self.world(self.staff, "GET", f"/api/cases/{self.thing.case}").json()["version"]
        self._do(self.staff, method, f"/api/cases/{self.thing.case}/{word}", body, version)
        self.thing.closed = word == "close"
        return self.over("ended")


def _spoken(make: Making) -> None:
    witness = make.world.ids["colleague"]
    make.request(send=False).agree(method="oral_witnessed", witness=witness)


def _two(make: Making) -> None:
    make.agree().request().accept().deliver()
    make.agree(OTHER_NPO, refused=("address",)).request(OTHER_NPO).accept().deliver()


def _less(make: Making) -> None:
    refused = ("phone", "address", "birth_date", "health", "message", "gender")
    make.agree(refused=refused, back=False).request().accept().deliver()


NO = {"hardship": True, "willing": False}
KINDS: Mapping[str, tuple[str, Callable[[Making], object]]] = {
    "NC": ("no consent yet, a draft of a request", lambda make: make.request(send=False)),
    "AS": ("the person is being asked", lambda make: make.request(send=False).ask()),
    "RF": ("refused", lambda make: make.request(send=False).refuse()),
    "AW": ("spoken, waits for its witness", _spoken),
    "LV": ("consent, no request", lambda make: make.agree()),
    "DR": ("consent, draft of a request", lambda make: make.agree().request(send=False)),
    "SE": ("consent, request sent", lambda make: make.agree().request()),
    "AC": ("consent, request accepted", lambda make: make.agree().request().accept()),
    "DL": ("consent, delivered, noticed, answered", lambda make: make.agree().request().accept().deliver()),
    "LS": ("consent to less, and nothing may be told back; delivered", _less),
    "DC": ("consent, request declined", lambda make: make.agree().request().decline()),
    "CA": (
        "consent, request cancelled when sent",
        lambda make: make.agree().request().owner_moves("cancel", "cancelled", 1),
    ),
    "CO": (
        "consent, request completed",
        lambda make: make.agree().request().accept().deliver().owner_moves("complete", "completed", 3),
    ),
    "MX": (
        "consent, one request completed and a new draft",
        lambda make: (
            make.agree()
            .request()
            .accept()
            .deliver()
            .owner_moves("complete", "completed", 3)
            .request(send=False)
        ),
    ),
    "WD": ("withdrawn after delivery", lambda make: make.agree().request().accept().deliver().withdraw()),
    "EX": (
        "expired after delivery, not yet swept",
        lambda make: make.agree(until=_today(make)).request().accept().deliver().over("expired"),
    ),
    "EN": (
        "ended: a condition no longer holds",
        lambda make: make.agree().request().accept().case_moves("PUT", "conditions", NO),
    ),
    "CL": (
        "case closed after delivery",
        lambda make: (
            make.agree().request().accept().deliver().case_moves("POST", "close", {"reason": "moved"})
        ),
    ),
    "ON": (
        "consent to the other NPO only, accepted",
        lambda make: make.agree(OTHER_NPO).request(OTHER_NPO).accept().deliver(),
    ),
    "TW": ("consent to both NPOs, both delivered", _two),
    "FA": (
        "case of another collaboration, delivered",
        lambda make: make.agree(FAR_NPO).request(FAR_NPO).accept().deliver(),
    ),
}
FIRST = ("EX",)
"""The kinds that are made two days before the others."""


def _today(make: Making) -> str:
    return (make.world.clock() + timedelta(hours=9)).date().isoformat()


def make_thing(world: World, canaries: Canaries, kind: str) -> Thing:
    """The object of a kind."""
    title, life = KINDS[kind]
    thing = Thing(kind=kind, title=title)
    if kind == "ON":
        thing.main = OTHER_NPO
    if kind == "FA":
        thing.owner, thing.main, thing.sections = FAR_CITY, FAR_NPO, frozenset({"遠方課"})
    life(Making(world, canaries, thing))
    return thing
