"""Every operation of the API, each with a request that is well formed: what stops it is the caller or the state.

Versions and ids are the true ones, as an attacker who saw them somewhere would send them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from crypto.totp import code_at, step_at
from tests.matrix.objects import Thing
from tests.matrix.people import Principal
from tests.service.world import PASSWORD, REQUEST, World

SENT = "Qz9999zQ"
"""What writes carry; nobody is ever shown it."""


class Over(Enum):
    """What an operation's route is about."""

    CASE = "case"
    REQUEST = "request"
    CONSENT = "consent"
    NUMBER = "number"
    TREE = "tree"
    SHEET = "sheet"
    ONCE = "once"


Body = Callable[[World, Thing, Principal], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: its name in the golden file, method, route as the app names it, and what is sent.

    ``etag``: If-Match carries the true version. ``query`` is appended; ``{id}`` in it is the object's id.
    """

    name: str
    method: str
    route: str
    over: Over
    body: Body | None = None
    etag: bool = False
    query: str = ""

    def path(self, world: World, thing: Thing) -> str | None:
        """The path for the object; None where the object has no such part."""
        ids = {Over.REQUEST: thing.request, Over.CONSENT: thing.consent, Over.NUMBER: thing.number}
        id = ids.get(self.over, thing.case)
        if id is None:
            return None
        values = {"{tree:str}": world.ids["shared"], "{index:int}": "0", "{purpose:str}": "food_support"}
        values |= {"{level:str}": "0", "{number:path}": "000.p/1", "{number:str}": NO_RECEIPT}
        if self.over is Over.TREE:
            values["{tree:str}"] = id
        parts = [values.get(part, id if part.startswith("{") else part) for part in self.route.split("/")]
        return "/".join(parts) + self.query.replace("{id}", id)


def _still(value: object) -> Body:
    return lambda world, thing, principal: value


def _recipient(world: World, thing: Thing) -> str:
    return world.ids[thing.main]


def _answer(world: World, thing: Thing, principal: Principal) -> object:
    return {"recipient": _recipient(world, thing), "purpose": "food_support", "answer": world.answer()}


def _refusal(world: World, thing: Thing, principal: Principal) -> object:
    today = (world.clock() + timedelta(hours=9)).date().isoformat()
    refusal = {
        "notice_version": 1,
        "language": "ja",
        "given_by": ["self"],
        "method": "paper",
        "event_day": today,
    }
    return {"recipient": _recipient(world, thing), "purpose": "food_support", "refusal": refusal}


def _asking(world: World, thing: Thing, principal: Principal) -> object:
    return {"recipient": _recipient(world, thing), "purpose": "food_support"}


def _narrower(world: World, thing: Thing, principal: Principal) -> object:
    return world.answer(("phone", "address"), back=thing.kind != "LS")


def _again(world: World, thing: Thing, principal: Principal) -> object:
    return world.answer(back=thing.kind != "LS")


def _request(send: bool) -> Body:
    def body(world: World, thing: Thing, principal: Principal) -> object:
        return {"recipient": _recipient(world, thing), "send": send, **REQUEST, "message": SENT}

    return body


def _row(kind: str, value: object, names: str) -> Body:
    def body(world: World, thing: Thing, principal: Principal) -> object:
        parts = {
            "request": thing.request or "r_" + "0" * 32,
            "recipient": _recipient(world, thing),
            "delivery": thing.delivery or "w_" + "0" * 32,
            "reply": thing.reply or "w_" + "0" * 32,
        }
        sent: dict[str, object] = {"kind": kind, "value": value}
        sent["corrects" if kind == "correction" else names] = parts[names]
        return sent

    return body


def _assign(remove: bool) -> Body:
    return lambda world, thing, principal: {"users": [world.ids["colleague"]], "remove": remove}


def _search(world: World, thing: Thing, principal: Principal) -> object:
    return {"words": thing.name_mark or "名のない人"}


def _sign_in(world: World, thing: Thing, principal: Principal) -> object:
    secret = world.secrets.get(principal.name)
    code = None if secret is None else code_at(secret, step_at(int(world.clock().timestamp())))
    return {"login": principal.name, "password": PASSWORD.format(login=principal.name), "code": code}


def _password(world: World, thing: Thing, principal: Principal) -> object:
    word = PASSWORD.format(login=principal.name)
    return {"old": word, "new": f"{word} and more"}


DELIVERED = {"date": "2026-11-24", "result": "full", "items": [SENT]}
WITHDRAWAL = {"given_by": ["self"], "method": "paper"}
YES, NO = {"hardship": True, "willing": True}, {"hardship": True, "willing": False}
_CASE, _CONSENT, _REQUEST = "/api/cases/{case:str}", "/api/consents/{consent:str}", "/api/requests/{id:str}"
_TREE = "/api/log/{tree:str}"
_SHEET = "/api/disclosures/{id:str}"
NO_RECEIPT = "1-AAAAA-AAAAA-AAAAA-AAAAA-AAAAAA"
PERIOD = {"since": "2026-11-01", "until": "2026-11-25"}


def _case(
    name: str, method: str, rest: str = "", body: Body | None = None, etag: bool = False, query: str = ""
) -> Operation:
    return Operation(
        name=name, method=method, route=_CASE + rest, over=Over.CASE, body=body, etag=etag, query=query
    )


def _consent(
    name: str, rest: str, body: Body | None = None, over: Over = Over.CONSENT, etag: bool = False
) -> Operation:
    return Operation(name=name, method="POST", route=_CONSENT + rest, over=over, body=body, etag=etag)


def _move(name: str, rest: str, body: Body | None = None, etag: bool = False) -> Operation:
    return Operation(name=name, method="POST", route=_REQUEST + rest, over=Over.REQUEST, body=body, etag=etag)


def _once(name: str, method: str, route: str, body: Body | None = None, query: str = "") -> Operation:
    return Operation(name=name, method=method, route=route, over=Over.ONCE, body=body, query=query)


def _tree(name: str, rest: str, query: str = "") -> Operation:
    return Operation(name=name, method="GET", route=_TREE + rest, over=Over.TREE, query=query)


def _watched(name: str, rest: str) -> Operation:
    return Operation(name=name, method="GET", route=f"/log/{{tree:str}}{rest}", over=Over.TREE)


def _check(world: World, thing: Thing, principal: Principal) -> object:
    return {"tree": thing.case, "review": "bulk", "index": 0, "reason": SENT}


def _note(world: World, thing: Thing, principal: Principal) -> object:
    return {"note": "no note at all"}


def _sheet(name: str, rest: str) -> Operation:
    return Operation(name=name, method="POST", route=_SHEET + rest, over=Over.SHEET)


OPERATIONS: tuple[Operation, ...] = (
    _case("open the case", "GET"),
    _case("change fields", "PATCH", body=_still({"fields": {"household": SENT}}), etag=True),
    _case("change fields, version missing", "PATCH", body=_still({"fields": {"household": SENT}})),
    _case("both conditions hold", "PUT", "/conditions", _still(YES), etag=True),
    _case("a condition fails", "PUT", "/conditions", _still(NO), etag=True),
    _case("assign to a colleague", "POST", "/assign", _assign(False)),
    _case("take an assignment back", "POST", "/assign", _assign(True)),
    _case("close the case", "POST", "/close", _still({"reason": "moved", "note": SENT}), etag=True),
    _case("who looked", "GET", "/looks"),
    _case("ask for the sheet", "POST", "/disclosure", _still(PERIOD)),
    _sheet("approve the sheet", "/approve"),
    _sheet("make the sheet", "/issue"),
    _sheet("print the sheet", "/print"),
    _case("read consents", "GET", "/consents"),
    _case("record a consent", "POST", "/consents", _answer),
    _case("record a refusal", "POST", "/consents", _refusal),
    _case("record the asking", "POST", "/consents", _asking),
    _consent("confirm as witness", "/confirm", etag=True),
    _consent("withdraw by id", "/withdraw", _still(WITHDRAWAL)),
    _consent("withdraw by receipt number", "/withdraw", _still(WITHDRAWAL), Over.NUMBER),
    _consent("change the consent", "/change", _narrower, etag=True),
    _consent("renew the consent", "/renew", _again, etag=True),
    _case("read requests", "GET", "/requests"),
    _case("write a draft request", "POST", "/requests", _request(False)),
    _case("write and send a request", "POST", "/requests", _request(True)),
    _move("send the request", "/send", etag=True),
    _move("cancel the request", "/cancel", etag=True),
    _move("complete the request", "/complete", etag=True),
    _move("accept the request", "/accept"),
    _move("decline the request", "/decline", _still({"reason": "date"})),
    _case("read the ledger", "GET", "/ledger"),
    _case("write a delivery", "POST", "/ledger", _row("delivery", DELIVERED, "request")),
    _case("write an observation", "POST", "/ledger", _row("observation", {"text": SENT}, "request")),
    _case("write a reply", "POST", "/ledger", _row("reply", {"text": SENT}, "recipient")),
    _case("correct the delivery", "POST", "/ledger", _row("correction", DELIVERED, "delivery")),
    _case("correct the reply", "POST", "/ledger", _row("correction", {"text": SENT}, "reply")),
    Operation(name="search by name", method="POST", route="/api/cases/search", over=Over.CASE, body=_search),
    Operation(
        name="filter the log by case",
        method="GET",
        route="/api/log/{tree:str}/entries",
        over=Over.CASE,
        query="?case={id}",
    ),
    Operation(
        name="read the inbox", method="GET", route="/api/inbox", over=Over.TREE, query="?collaboration={id}"
    ),
    _tree("read the log", "/entries"),
    _tree("checkpoint of the log", "/checkpoint"),
    _tree("proof of the first entry", "/proof/{index:int}"),
    _watched("published checkpoint", "/checkpoint"),
    _watched("tile of hashes", "/tile/{level:str}/{number:path}"),
    _watched("bundle of entries", "/tile/entries/{number:path}"),
    Operation(
        name="bring a false cosignature",
        method="POST",
        route=f"{_TREE}/cosignatures",
        over=Over.TREE,
        body=_note,
    ),
    Operation(
        name="review the log", method="GET", route="/api/log/reviews", over=Over.TREE, query="?tree={id}"
    ),
    Operation(
        name="mark a finding", method="POST", route="/api/log/reviews/checks", over=Over.TREE, body=_check
    ),
    _once("ask for a receipt", "GET", "/api/receipts/{number:str}"),
    _once("list the sheets", "GET", "/api/disclosures"),
    _once("list the logs", "GET", "/api/log"),
    _once("read the only inbox", "GET", "/api/inbox"),
    _once("begin a case", "POST", "/api/cases", _still({"fields": {"name": SENT}, "conditions": YES})),
    _once("list cases", "GET", "/api/cases"),
    _once("list organisations", "GET", "/api/organisations"),
    _once("read the notice", "GET", "/api/notices/{purpose:str}"),
    _once("who am I", "GET", "/api/session"),
    _once("health", "GET", "/api/health"),
    _once("change the password", "POST", "/api/session/password", _password),
    _once("sign in", "POST", "/api/session", _sign_in),
    _once("sign out", "DELETE", "/api/session"),
)
