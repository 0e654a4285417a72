"""One principal walks through every operation on every object, and each answer is checked."""

import json
from dataclasses import dataclass, field

import httpx
import msgspec

from policies.who import Role
from tests.matrix.canaries import Canary
from tests.matrix.model import (
    SAID_OUTSIDE,
    SAID_TO_OWNERS,
    SHOWN_BY,
    may_do,
    may_see,
    may_see_field,
    reads_as_owner,
)
from tests.matrix.objects import Thing
from tests.matrix.operations import OPERATIONS, Operation, Over
from tests.matrix.people import Principal
from tests.matrix.shown import ShownField, find_fields, find_parts
from tests.matrix.town import Town
from tests.matrix.views import describe

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_CHANGING = frozenset({"date", "x-request-id"})


class Leaf(msgspec.Struct):
    """What of a log entry is compared with an answer."""

    act: str | None = None
    sub: str | None = None
    dec: str | None = None
    fld: tuple[str, ...] = ()


@dataclass
class Walk:
    """The cells by operation and object, the 200s in words, and what was wrong."""

    principal: Principal
    town: Town
    cells: dict[str, dict[str, str]] = field(default_factory=dict)
    views: dict[str, dict[str, str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    not_there: dict[bytes, str] = field(default_factory=dict)
    never: dict[bytes, str] = field(default_factory=dict)

    def run(self) -> "Walk":
        """Every operation on every object that it can be about."""
        self.town.restore()
        self.documented = documented(self.town)
        for operation in OPERATIONS:
            for thing in self._things(operation):
                self._cell(operation, thing)
        for kind, found in (("404", self.not_there), ("403 never", self.never)):
            if len(found) > 1:
                self.wrong.append(f"{kind} has {len(found)} forms: {sorted(found.values())}")
        return self

    def _things(self, operation: Operation) -> list[Thing]:
        match operation.over:
            case Over.ONCE:
                return [Thing("--", "", owner="-")]
            case Over.TREE:
                return list(self.town.trees.values())
            case Over.SHEET:
                return list(self.town.sheets.values())
            case _:
                return list(self.town.things.values())

    def _cell(self, operation: Operation, thing: Thing) -> None:
        world = self.town.world
        path = operation.path(world, thing)
        if path is None:
            return
        versions = {Over.REQUEST: thing.request_version, Over.CONSENT: thing.consent_version}
        version = versions.get(operation.over, thing.version)
        headers = {"If-Match": f'"{version}"'} if operation.etag else {}
        body = None if operation.body is None else operation.body(world, thing, self.principal)
        heads = world.sql("SELECT tree, size FROM head") if operation.name in SHOWN_BY else []
        answer = world(self.principal.login, operation.method, path, body, headers)
        self._note(operation, thing, answer)
        Check(self, operation, thing, answer, heads).all()
        if operation.method in _UNSAFE and (answer.is_success or operation.route == "/api/session"):
            self.town.restore()

    def _note(self, operation: Operation, thing: Thing, answer: httpx.Response) -> None:
        found = read_json(answer)
        self.cells.setdefault(operation.name, {})[thing.kind] = code_of(answer.status_code, found)
        if answer.status_code in (200, 201):
            self.views.setdefault(operation.name, {})[thing.kind] = describe(found)


def read_json(answer: httpx.Response) -> object:
    """What an answer says as JSON; None for one without content, or of another type."""
    kind = answer.headers.get("content-type", "")
    return json.loads(answer.content) if answer.content and "json" in kind else None


def code_of(status: int, answer: object) -> str:
    """The status, and the problem's word and code where there is one."""
    if not isinstance(answer, dict) or status < 400:
        return str(status)
    word = str(answer.get("type", "")).removeprefix("/problems/")
    more = [str(answer[key]) for key in ("code",) if key in answer]
    more += [f"{one['path']}.{one['code']}" for one in answer.get("errors", []) if not more]
    return " ".join([str(status), ":".join([word, *more])])


def documented(town: Town) -> dict[tuple[str, str], set[str]]:
    """The statuses that the schema documents, by method and route."""
    schema = town.app.openapi_schema.to_schema()
    found: dict[tuple[str, str], set[str]] = {}
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "responses" in operation:
                found[method.upper(), path] = set(operation["responses"])
    return found


@dataclass
class Check:
    """The checks of one answer."""

    walk: Walk
    operation: Operation
    thing: Thing
    answer: httpx.Response
    heads: list[tuple[object, ...]]

    def all(self) -> None:
        """Every check; what is wrong is noted on the walk."""
        self._status()
        self._same_refusals()
        found = read_json(self.answer)
        self._canaries(found)
        if self.answer.is_success:
            self._there()
            self._outside(found)
            self._logged(found)

    def _say(self, what: str) -> None:
        where = f"{self.walk.principal.name}, {self.operation.name}, {self.thing.kind} ({self.thing.title})"
        self.walk.wrong.append(f"{where}: {what}")

    def _there(self) -> None:
        """A case that is not there for the caller gives no success."""
        searching = self.operation.name == "search by name"
        if self.operation.over in (Over.ONCE, Over.TREE) or searching:
            return
        if not may_do(self.walk.principal, self.thing, self.operation.name):
            self._say("is done, and the case is not there for the caller")

    def _status(self) -> None:
        status = self.answer.status_code
        if status >= 500:
            self._say(f"answers {status}")
        if (
            self.walk.principal.role is None
            and status != 401
            and self.operation.name not in ("health", "sign in")
        ):
            self._say(f"is not let in, and gets {status}")
        path = self.operation.route.replace(":str", "").replace(":int", "").replace(":path", "")
        if str(status) not in self.walk.documented[self.operation.method, path]:
            self._say(f"{status} is not documented")

    def _same_refusals(self) -> None:
        """404 is one answer, whatever is not there or not the caller's; an action never had is one 403."""
        status = self.answer.status_code
        form = b"\n".join(
            name.encode() + b": " + value.encode()
            for name, value in sorted(self.answer.headers.items())
            if name.lower() not in _CHANGING
        )
        form += b"\n\n" + self.answer.content
        if status == 404:
            self.walk.not_there.setdefault(form, self.operation.name)
        elif status == 403 and b"/problems/not_allowed" in self.answer.content:
            self.walk.never.setdefault(form, self.operation.name)

    def _canaries(self, found: object) -> None:
        """No value in body or headers but those that the model permits in this answer."""
        canaries, answer = self.walk.town.canaries, self.answer
        seen = {
            *canaries.in_text(str(answer.headers)),
            *canaries.in_text(answer.text),
            *canaries.in_json(found),
        }
        for canary in seen:
            if not self._permits(canary):
                self._say(f"shows {canary}")
        if "Qz9999zQ" in answer.text:
            self._say("gives back what was sent")

    def _permits(self, canary: Canary) -> bool:
        case = self.walk.town.things[canary.kind]
        shows = SHOWN_BY.get(self.operation.name, frozenset())
        one = self.operation.over is not Over.CASE or self.operation.name == "search by name"
        mine = one or canary.kind == self.thing.kind
        return mine and canary.field in shows and may_see(self.walk.principal, case, canary)

    def _outside(self, found: object) -> None:
        """Fields that carry no mark, reasons, other recipients' rows, and what only the owner is told."""
        principal = self.walk.principal
        for one in find_fields(self.walk.town.things, found):
            if one.field not in SHOWN_BY.get(self.operation.name, ()):
                self._say(f"shows {one.field}")
            elif not may_see_field(principal, one.thing, one.field):
                self._say(f"shows {one.field} of {one.thing.kind}")
        for row in find_parts(self.walk.town.things, self.thing, found):
            owner = reads_as_owner(principal, row.thing)
            said = set(row.reasons) - (SAID_TO_OWNERS if owner else SAID_OUTSIDE)
            if said:
                self._say(f"says {sorted(said)}")
            if not owner and row.recipient not in (None, self._me()):
                self._say("shows what is another recipient's")
            if principal.role is Role.NPO_VOLUNTEER and row.row not in (None, "delivery"):
                self._say(f"tells a helper of a row {row.row}")
            if not owner and row.owners_parts:
                self._say(f"tells {sorted(row.owners_parts)}")

    def _me(self) -> str:
        return self.walk.town.world.ids.get(self.walk.principal.organisation or "", "")

    def _logged(self, found: object) -> None:
        """Each case whose fields are shown has an entry by the caller that names them all."""
        shown: dict[str, set[str]] = {}
        for one in [*find_fields(self.walk.town.things, found), *self._marked(found)]:
            shown.setdefault(one.thing.case, set()).add(one.field)
        if not shown:
            return
        logged = self._new_leaves()
        for case, fields in shown.items():
            named = {code for leaf in logged if leaf.sub == case for code in leaf.fld}
            if not fields <= named:
                self._say(f"shows {sorted(fields - named)} and no entry names it")

    def _marked(self, found: object) -> list[ShownField]:
        things = self.walk.town.things
        return [ShownField(things[one.kind], one.field) for one in self.walk.town.canaries.in_json(found)]

    def _new_leaves(self) -> list[Leaf]:
        """The permits by this caller that were appended since the request was sent."""
        world = self.walk.town.world
        query = "SELECT leaf FROM entry WHERE tree = ? AND idx >= ?"
        leaves = [
            msgspec.json.decode(str(row[0]), type=Leaf)
            for head in self.heads
            for row in world.sql(query, *head)
        ]
        me = world.ids.get(self.walk.principal.name)
        return [leaf for leaf in leaves if leaf.act == me and leaf.dec == "permit"]
