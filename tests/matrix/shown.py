"""Finds in an answer what carries no mark: which fields of which case have a value, and what is said around them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.matrix.objects import Thing

_OWNERS_PARTS = frozenset({"sections", "conditions", "closing_reason", "rotation_due", "version"})
_OWNERS_WORDS = frozenset({"refused", "events", "asked_again", "version"})
_STATES_OUTSIDE = frozenset({"live", "withdrawn", "expired", "ended"})


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of an object that has a value in the answer."""

    thing: Thing
    field: str

    def __hash__(self) -> int:
        return hash((self.thing.kind, self.field))


@dataclass(frozen=True, slots=True)
class Part:
    """A case, request, row or consent in an answer: whose, the reasons said, and what only owners are told."""

    thing: Thing
    recipient: str | None
    reasons: tuple[str, ...] = ()
    owners_parts: frozenset[str] = frozenset()
    row: str | None = None


def find_fields(things: Mapping[str, Thing], found: object) -> list[ShownField]:
    """The fields with a value, of every case in the answer."""
    by_id = {thing.case: thing for thing in things.values()}
    shown = []
    for one in _objects(found):
        thing = by_id.get(str(one.get("case", one.get("id"))))
        fields = one.get("fields")
        if thing is not None and isinstance(fields, dict):
            shown += [
                ShownField(thing, code) for code, value in fields.items() if value not in (None, [], "")
            ]
    return shown


def find_parts(things: Mapping[str, Thing], about: Thing, found: object) -> list[Part]:
    """The case itself, the requests, the ledger's rows and the consents of the answer."""
    if not isinstance(found, dict):
        return []
    by_id = {thing.case: thing for thing in things.values()}
    parts = [_request(by_id, one) for one in _listed(found, "requests")]
    parts += [_row(about, one) for one in _listed(found, "rows")]
    parts += [_consent(about, one) for one in _listed(found, "consents")]
    if "fields" in found and "owner" in found:
        parts.append(Part(by_id[str(found["id"])], None, _reasons(found), _OWNERS_PARTS & set(found)))
    return parts


def _request(by_id: Mapping[str, Thing], one: Mapping[str, object]) -> Part:
    draft = frozenset({"draft"}) & {str(one["stage"])}
    return Part(by_id[str(one["case"])], str(one["recipient"]), _reasons(one), draft)


def _row(about: Thing, one: Mapping[str, object]) -> Part:
    reasons = () if one["locked"] is None else (str(one["locked"]),)
    return Part(about, str(one["recipient"]), reasons, row=str(one["about"]))


def _consent(about: Thing, one: Mapping[str, object]) -> Part:
    owners = _OWNERS_WORDS & set(one)
    if one["state"] not in _STATES_OUTSIDE:
        owners |= {str(one["state"])}
    return Part(about, str(one["recipient"]), (), owners)


def _reasons(one: Mapping[str, object]) -> tuple[str, ...]:
    locked = one.get("locked")
    return tuple(map(str, locked.values())) if isinstance(locked, dict) else ()


def _listed(found: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    value = found.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _objects(found: object) -> Iterator[Mapping[str, object]]:
    if isinstance(found, dict):
        yield found
        for value in found.values():
            yield from _objects(value)
    elif isinstance(found, list):
        for value in found:
            yield from _objects(value)
