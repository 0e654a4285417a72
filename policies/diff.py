"""Shows a policy as a plain table, and says in plain words what another one would change.

Promise of ``difference``: two policies that decide anything differently never give an empty answer.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from cases.fields import Field, Offer, Purpose
from policies.actions import PUBLIC, Action
from policies.matrix import METADATA, Policy
from policies.who import Role
from policies.words import Cell, Column, Metadata, Right, Scope, say_cell, say_right

_WHO = {Column.OWNER: "The owner", Column.RECIPIENT: "Recipients", Column.HELPER: "Helpers"}


def show(policy: Policy) -> str:
    """The whole policy as plain aligned tables: fields, metadata, actions, and the digest (hexadecimal)."""
    parts = (
        "FIELDS",
        _table(_field_rows(policy)),
        "METADATA",
        _table(_metadata_rows(policy)),
        "ACTIONS",
        _table(_action_rows(policy)),
        f"digest sha256:{policy.digest.hex()}",
    )
    return "\n\n".join(parts) + "\n"


def _field_rows(policy: Policy) -> Iterable[Sequence[str]]:
    yield ("slot", "field", "label", *(column.value for column in Column), *(p.value for p in Purpose))
    for field in policy.registry.fields:
        cells = policy.matrix.cells[field.slot]
        offers = (field.offers.get(purpose, Offer.NO).value for purpose in Purpose)
        words = (say_cell(cells[column]) for column in Column)
        yield (str(field.slot), str(field.code), field.label_ja, *words, *offers)


def _metadata_rows(policy: Policy) -> Iterable[Sequence[str]]:
    yield ("metadata", *(column.value for column in Column))
    for name in METADATA:
        yield (name, *(policy.matrix.metadata[name][column].value for column in Column))


def _action_rows(policy: Policy) -> Iterable[Sequence[str]]:
    yield ("action", *(role.value for role in Role))
    yield ("(cases)", *(policy.matrix.scopes[role].value for role in Role))
    for action in Action:
        if action not in PUBLIC:
            yield (action.value, *(say_right(policy.matrix.rights[role, action]) for role in Role))


def _table(rows: Iterable[Sequence[str]]) -> str:
    listed = [tuple(row) for row in rows]
    widths = [max(_width(row[column]) for row in listed) for column in range(len(listed[0]))]
    return "\n".join(_line(row, widths) for row in listed)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
    ).rstrip()


def _width(text: str) -> int:
    """The columns that a text takes in a terminal: a full-width character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def difference(old: Policy, new: Policy) -> tuple[str, ...]:
    """What would change, a sentence each; empty only where both files are the same, byte for byte."""
    sentences = (
        *_fields_changed(old, new),
        *_cells_changed(old, new),
        *_metadata_changed(old, new),
        *_scopes_changed(old, new),
        *_rights_changed(old, new),
        *_writes_changed(old, new),
    )
    if not sentences and old.digest != new.digest:
        return ("Only comments or spacing change: nobody may see or do anything else.",)
    return sentences


def _fields_changed(old: Policy, new: Policy) -> Iterable[str]:
    before, after = old.registry.by_slot, new.registry.by_slot
    for slot in sorted(before.keys() | after.keys()):
        if slot not in after:
            yield f"The field {before[slot].code} (slot {slot}) is given up."
        elif slot not in before:
            yield f"There is a new field {after[slot].code} (slot {slot})."
        else:
            yield from _field_changed(before[slot], after[slot])
    retired = sorted(old.registry.retired - new.registry.retired)
    if retired:
        yield f"WARNING: slots that were given up are used again: {', '.join(map(str, retired))}."


def _field_changed(old: Field, new: Field) -> Iterable[str]:
    name = new.code
    if old.code != new.code:
        yield f"WARNING: slot {new.slot} was {old.code} and becomes {name}: consents meant the old field."
    if old.type is not new.type:
        yield f"WARNING: the type of {name} was {old.type.value} and becomes {new.type.value}."
    if old.thread != new.thread:
        yield f"WARNING: {name} {_now(new.thread, 'passes between the owner and one recipient')}."
    if old.sensitive != new.sensitive:
        yield f"{name} {_now(new.sensitive, 'counts as sensitive')}."
    if old.codes != new.codes:
        yield f"The values of {name} were {_list(old.codes)} and become {_list(new.codes)}."
    if old.category is not new.category:
        yield f"The category of {name} was {old.category.value} and becomes {new.category.value}."
    if (old.label_ja, old.label_en) != (new.label_ja, new.label_en):
        yield f"{name} was called {old.label_ja} / {old.label_en}; now {new.label_ja} / {new.label_en}."
    for purpose in Purpose:
        was, becomes = old.offers.get(purpose, Offer.NO), new.offers.get(purpose, Offer.NO)
        if was is not becomes:
            yield f"For {purpose.value}, {name} was {_OFFERS[was]}; now it is {_OFFERS[becomes]}."


_OFFERS = {
    Offer.YES: "offered",
    Offer.OPTIONAL: "an extra, ticked",
    Offer.OPTIONAL_OFF: "an extra, not ticked",
    Offer.WITH_RETURN: "offered with the direction to the owner",
    Offer.NO: "not offered",
}


def _now(true: bool, what: str) -> str:
    return f"now {what}" if true else f"no longer {what}"


def _list(codes: Sequence[str]) -> str:
    return ", ".join(codes) if codes else "none"


def _cells_changed(old: Policy, new: Policy) -> Iterable[str]:
    for slot in sorted(new.matrix.cells):
        before = old.matrix.cells.get(slot, {})
        name = new.registry.by_slot[slot].code
        for column in Column:
            was, becomes = before.get(column, Cell()), new.matrix.cells[slot][column]
            if was != becomes:
                yield f"{_WHO[column]} {_could(was, name)}; now they {_can(becomes)}."


def _could(cell: Cell, name: str) -> str:
    return f"could not read {name}" if cell.never else f"could {_does(cell, str(name))}"


def _can(cell: Cell) -> str:
    return "cannot" if cell.never else f"can {_does(cell, 'it')}"


def _does(cell: Cell, name: str) -> str:
    if cell.read:
        return f"read and write {name}" if cell.write else f"read {name}"
    verb = "read and write" if cell.writes else "read"
    bare = " without free text" if cell.consented_bare else ""
    parts = [f"{verb} {name}{bare}, under a live consent that covers it, after accepting a request"]
    if cell.preview:
        parts.append(f"in a preview before accepting{' without free text' if cell.preview_bare else ''}")
    if cell.with_return:
        parts.append("only while the person lets the recipient tell the owner")
    if cell.note_return:
        parts.append("free text only while the person lets the recipient tell the owner")
    return ", ".join(parts)


_SHOWN: Mapping[Metadata, str] = {
    Metadata.NEVER: "never",
    Metadata.ALWAYS: "whenever the case is there for them",
    Metadata.ACCEPTED: "while a request is accepted and not completed",
}


def _metadata_changed(old: Policy, new: Policy) -> Iterable[str]:
    for name in METADATA:
        for column in Column:
            was, becomes = old.matrix.metadata[name][column], new.matrix.metadata[name][column]
            if was is not becomes:
                yield f"{_WHO[column]} saw {name} {_SHOWN[was]}; now {_SHOWN[becomes]}."


_SCOPES: Mapping[Scope, str] = {
    Scope.ASSIGNED: "cases of their own sections or assigned to them",
    Scope.WHOLE: "every case of their organisation",
    Scope.HELPER: "cases as a helper",
    Scope.NONE: "no case",
}


def _scopes_changed(old: Policy, new: Policy) -> Iterable[str]:
    for role in Role:
        was, becomes = old.matrix.scopes[role], new.matrix.scopes[role]
        if was is not becomes:
            yield f"{role.value} saw {_SCOPES[was]}; now {_SCOPES[becomes]}."


def _rights_changed(old: Policy, new: Policy) -> Iterable[str]:
    for action in Action:
        for role in Role:
            was, becomes = old.matrix.rights[role, action], new.matrix.rights[role, action]
            if was != becomes:
                yield f"{role.value}, {action.value}: {_may(was)}; now {_may(becomes)}."


def _may(right: Right) -> str:
    if right.never:
        return "never"
    limits = [
        text
        for holds, text in (
            (right.own, "in cases that the own organisation owns"),
            (right.recipient, "in cases that the own organisation receives"),
            (right.tree, "in the log appointed to"),
            (right.open_case, "while the case is open"),
            (right.live, "under a live consent"),
            (right.other, "unless recorded by the same person"),
            (right.blind, "even without reading the case"),
        )
        if holds
    ]
    return ", ".join(["allowed", *limits])


def _writes_changed(old: Policy, new: Policy) -> Iterable[str]:
    for action, slot in new.matrix.writes.items():
        if old.matrix.writes[action] != slot:
            before = old.registry.by_slot[old.matrix.writes[action]].code
            yield f"{action.value} wrote {before}; now it writes {new.registry.by_slot[slot].code}."
