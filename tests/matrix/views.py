"""What a 200 showed, in words without ids and values, so that the golden file can be read and compared."""

from collections.abc import Callable, Mapping, Sequence

JsonObject = Mapping[str, object]


def describe(answer: object) -> str:
    """The answer in words: which fields, which stayed locked and why, which other parts there are."""
    if not isinstance(answer, dict):
        return "nothing more"
    for key, say in _SAY.items():
        found = answer.get(key)
        if isinstance(found, list):
            return say(found)
    if "fields" in answer:
        return _case(answer)
    return _parts(answer)


def _case(answer: JsonObject) -> str:
    known = {"id", "number", "owner", "collaboration", "fields", "locked", "receipt"}
    others = sorted(set(answer) - known)
    said = _fields(answer)
    return f"{said}; also: {' '.join(others)}" if others else said


def _fields(answer: JsonObject) -> str:
    fields, locked = _dict(answer.get("fields")), _dict(answer.get("locked"))
    shown = " ".join(_field(code, value) for code, value in sorted(fields.items()) if value not in (None, []))
    by_reason: dict[str, list[str]] = {}
    for code, reason in sorted(locked.items()):
        by_reason.setdefault(str(reason), []).append(code)
    parts = [f"shows {shown or 'nothing'}"]
    parts += [f"{reason}: {' '.join(found)}" for reason, found in sorted(by_reason.items())]
    return "; ".join(parts)


def _field(code: str, value: object) -> str:
    """The code; with the number of rows where there are several, with * where free text is taken out."""
    if isinstance(value, list):
        rows = [_dict(row).get("value") for row in value]
        bare = any(_is_bare(row) for row in rows)
        return f"{code}{'*' if bare else ''}{f'×{len(rows)}' if len(rows) > 1 else ''}"
    return f"{code}{'*' if _is_bare(value) else ''}"


def _is_bare(value: object) -> bool:
    found = _dict(value)
    return ("allergens" in found and found.get("note") is None) or ("items" in found and not found["items"])


def _requests(answer: Sequence[object]) -> str:
    found = []
    for one in map(_dict, answer):
        reason = "" if one.get("decline_reason") is None else f" because of {one['decline_reason']}"
        meals = "" if one.get("meals") is None else " with meals"
        found.append(f"{one.get('stage')}{reason}{meals} ({_fields(one)})")
    return f"{len(found)} requests: " + _counted(found)


def _rows(answer: Sequence[object]) -> str:
    found = []
    for one in map(_dict, answer):
        value = one.get("value")
        shown = f"locked, {one.get('locked')}" if value is None else f"shown{'*' if _is_bare(value) else ''}"
        author = "author named" if one.get("author") else "author not named"
        found.append(f"{one.get('about')} {shown}, {author}")
    return f"{len(found)} rows: " + _counted(found)


def _consents(answer: Sequence[object]) -> str:
    found = []
    for one in map(_dict, answer):
        parts = [str(one.get("state")), f"{len(_list(one.get('allowed')))} items allowed"]
        if "refused" in one:
            parts.append(f"{len(_list(one.get('refused')))} refused")
        if "events" in one:
            kinds = [str(_dict(event).get("kind")) for event in _list(one.get("events"))]
            parts.append("events " + " ".join(kinds))
            named = any(_dict(event).get("helper") for event in _list(one.get("events")))
            parts.append("helper named" if named else "no helper")
        found.append(", ".join(parts))
    return f"{len(found)} consents: " + _counted(found)


def _cases(answer: Sequence[object]) -> str:
    return f"{len(answer)} cases: " + _counted([_fields(_dict(one)) for one in answer])


def _entries(answer: Sequence[object]) -> str:
    return "entries of the log" if answer else "no entry of the log"


def _sheets(answer: Sequence[object]) -> str:
    found = [f"{one.get('state')}{', own' if one.get('mine') else ''}" for one in map(_dict, answer)]
    return f"{len(found)} sheets: " + _counted(found)


def _sheet(answer: Sequence[object]) -> str:
    kinds = {str(_dict(one).get("kind")) for one in answer}
    return f"the sheet of who looked, with {' '.join(sorted(kinds)) or 'no line'}"


def _trees(answer: Sequence[object]) -> str:
    return f"{len(answer)} logs"


def _collaborations(answer: Sequence[object]) -> str:
    partners = [len(_list(_dict(one).get("organisations"))) for one in answer]
    return f"collaborations with {', '.join(map(str, partners))} organisations"


def _parts(answer: JsonObject) -> str:
    """Small answers: their parts, and the words that say where something stands now."""
    words = [f"{key} {answer[key]}" for key in ("state", "stage", "role", "done") if key in answer]
    hidden = {"state", "stage", "role", "done"}
    return ", ".join([*words, *(key for key in sorted(set(answer) - hidden) if answer[key] is not None)])


def _counted(found: list[str]) -> str:
    counts = {one: found.count(one) for one in sorted(set(found))}
    return " | ".join(one if number == 1 else f"{number}× {one}" for one, number in counts.items()) or "-"


_SAY: Mapping[str, Callable[[Sequence[object]], str]] = {
    "requests": _requests,
    "rows": _rows,
    "consents": _consents,
    "cases": _cases,
    "entries": _entries,
    "trees": _trees,
    "disclosures": _sheets,
    "lines": _sheet,
    "collaborations": _collaborations,
}


def _dict(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
