"""``fields.toml``: the registry of fields. Loaded strictly, once.

Rules
1. A slot is never reused and never renumbered: the slots run from 1 without a gap, in the order of the file;
   a field that was given up leaves its slot in ``retired``.
2. What a purpose does not name, its consent form does not offer.
3. A sensitive field that is an extra is never ticked before a person ticks it.
4. An unknown key or word refuses the whole file, and says which line.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cases.fields import Category, Field, FieldCode, FieldType, Offer, Purpose, Slot
from consent import rules
from policies.errors import PolicyError, PolicyFault, PolicyFile
from policies.lines import Document, only_keys, string_keys

SCHEMA = "tsunagi.fields/1"
LARGEST_SLOT = 0xFFFF
"""A slot is a u16 in every stored format (formats.md)."""

_TABLE = "field"
_TOP = frozenset({"schema", "retired", _TABLE})
_NEEDED = ("slot", "code", "ja", "en", "type", "category")
_KEYS = frozenset({*_NEEDED, "codes", "sensitive", "thread", "offer"})
_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_RESERVED = frozenset({"columns"})  # the head of a table in roles.toml


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Every field of a case, by slot and by code. Made by ``load_registry`` alone.

    fields   in the order of their slots
    threads  the slots that pass between the owner and one recipient
    retired  slots that once were fields, and never will be again
    offered  the slots that the consent form of a purpose offers; offered_by_any those of all purposes
    digest   SHA-256 of the file (32 bytes)
    """

    fields: tuple[Field, ...]
    by_slot: Mapping[Slot, Field]
    by_code: Mapping[str, Field]
    threads: frozenset[Slot]
    retired: frozenset[Slot]
    offered: Mapping[Purpose, frozenset[Slot]]
    offered_by_any: frozenset[Slot]
    digest: bytes

    def offer(self, purpose: Purpose) -> rules.Offer:
        """What the consent form of a purpose offers: all fields, the extras, the sensitive, the returning."""
        slots = self.offered[purpose]
        how = {slot: self.by_slot[slot].offers[purpose] for slot in slots}
        return rules.Offer(
            purpose=purpose,
            slots=slots,
            optional=frozenset(slot for slot in slots if how[slot] is not Offer.YES),
            sensitive=frozenset(slot for slot in slots if self.by_slot[slot].sensitive),
            returning=frozenset(slot for slot in slots if how[slot] is Offer.WITH_RETURN),
        )


def load_registry(content: bytes | str) -> Registry:
    """The registry that ``fields.toml`` states.

    Raises:
        PolicyError: the first thing that is wrong, with its line and the word found there.
    """
    raw = content.encode() if isinstance(content, str) else content
    document = Document(PolicyFile.FIELDS, raw)
    only_keys(document, _TOP)
    if document.values.get("schema") != SCHEMA:
        raise document.refuse(PolicyFault.WRONG_SCHEMA, "", "schema")
    retired = _retired(document)
    fields = _fields(document)
    _check_slots(document, fields, retired)
    _check_codes(document, fields)
    return Registry(
        fields=fields,
        by_slot=MappingProxyType({field.slot: field for field in fields}),
        by_code=MappingProxyType({str(field.code): field for field in fields}),
        threads=frozenset(field.slot for field in fields if field.thread),
        retired=frozenset(retired),
        offered=MappingProxyType({purpose: _offered(fields, purpose) for purpose in Purpose}),
        offered_by_any=frozenset().union(*(_offered(fields, purpose) for purpose in Purpose)),
        digest=hashlib.sha256(raw).digest(),
    )


def _offered(fields: tuple[Field, ...], purpose: Purpose) -> frozenset[Slot]:
    return frozenset(f.slot for f in fields if f.offers.get(purpose, Offer.NO) is not Offer.NO)


def _retired(document: Document) -> list[Slot]:
    slots = document.values.get("retired")
    if slots is None:
        raise document.refuse(PolicyFault.MISSING_KEY, "", "retired")
    if not isinstance(slots, list) or not all(type(slot) is int for slot in slots):
        raise document.refuse(PolicyFault.WRONG_TYPE, "", "retired")
    if len(set(slots)) != len(slots):
        raise document.refuse(PolicyFault.SLOT_TWICE, "", "retired")
    return [Slot(slot) for slot in slots]


def _fields(document: Document) -> tuple[Field, ...]:
    entries = document.values.get(_TABLE)
    if not isinstance(entries, list) or not entries:
        raise document.refuse(PolicyFault.MISSING_KEY, "", _TABLE)
    return tuple(_Entry(document, number, entry).field() for number, entry in enumerate(entries))


class _Entry:
    """One ``[[field]]`` of the file: reads its keys, and refuses with their lines."""

    def __init__(self, document: Document, number: int, entry: object) -> None:
        self._document = document
        self._number = number
        self._values = string_keys(document, entry, _TABLE, number)

    def refuse(self, what: PolicyFault, key: str) -> PolicyError:
        return self._document.refuse(what, _TABLE, key, self._number)

    def field(self) -> Field:
        """The field that the entry states."""
        for key in self._values:
            if key not in _KEYS:
                raise self.refuse(PolicyFault.UNKNOWN_KEY, key)
        for key in _NEEDED:
            if key not in self._values:
                labels = key in ("ja", "en")
                raise self.refuse(PolicyFault.LABEL_MISSING if labels else PolicyFault.MISSING_KEY, key)
        field = Field(
            slot=self._slot(),
            code=self._code(),
            label_ja=self._label("ja"),
            label_en=self._label("en"),
            type=self._type(),
            category=self._category(),
            sensitive=self._flag("sensitive"),
            codes=self._codes(),
            thread=self._flag("thread"),
            offers=self._offers(),
        )
        self._check_together(field)
        return field

    def _check_together(self, field: Field) -> None:
        if (field.type is FieldType.CODE) != bool(field.codes):
            raise self.refuse(PolicyFault.CODES_MISPLACED, "codes")
        if field.sensitive and Offer.OPTIONAL in field.offers.values():
            raise self.refuse(PolicyFault.SENSITIVE_PRESET, "offer")

    def _text(self, key: str) -> str:
        value = self._values[key]
        if not isinstance(value, str):
            raise self.refuse(PolicyFault.WRONG_TYPE, key)
        return value

    def _slot(self) -> Slot:
        value = self._values["slot"]
        if type(value) is not int:
            raise self.refuse(PolicyFault.WRONG_TYPE, "slot")
        if not 1 <= value <= LARGEST_SLOT:
            raise self.refuse(PolicyFault.SLOT_OUT_OF_RANGE, "slot")
        return Slot(value)

    def _code(self) -> FieldCode:
        code = self._text("code")
        if _CODE.fullmatch(code) is None or code in _RESERVED:
            raise self.refuse(PolicyFault.CODE_MALFORMED, "code")
        return FieldCode(code)

    def _label(self, key: str) -> str:
        label = self._text(key)
        if not label.strip():
            raise self.refuse(PolicyFault.LABEL_MISSING, key)
        return label

    def _type(self) -> FieldType:
        word = self._text("type")
        if word not in {each.value for each in FieldType}:
            raise self.refuse(PolicyFault.UNKNOWN_TYPE, "type")
        return FieldType(word)

    def _category(self) -> Category:
        word = self._text("category")
        if word not in {each.value for each in Category}:
            raise self.refuse(PolicyFault.UNKNOWN_CATEGORY, "category")
        return Category(word)

    def _flag(self, key: str) -> bool:
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.refuse(PolicyFault.WRONG_TYPE, key)
        return value

    def _codes(self) -> tuple[str, ...]:
        values = self._values.get("codes", [])
        if not isinstance(values, list) or not all(isinstance(code, str) for code in values):
            raise self.refuse(PolicyFault.WRONG_TYPE, "codes")
        codes = tuple(str(code) for code in values)
        if not all(_CODE.fullmatch(code) or re.fullmatch(r"[0-9][a-z0-9_]{0,31}", code) for code in codes):
            raise self.refuse(PolicyFault.CODE_MALFORMED, "codes")
        if len(set(codes)) != len(codes):
            raise self.refuse(PolicyFault.CODE_TWICE, "codes")
        return codes

    def _offers(self) -> Mapping[Purpose, Offer]:
        values = self._values.get("offer", {})
        if not isinstance(values, dict):
            raise self.refuse(PolicyFault.WRONG_TYPE, "offer")
        offers: dict[Purpose, Offer] = {}
        for purpose, word in values.items():
            if purpose not in {each.value for each in Purpose}:
                raise self.refuse(PolicyFault.UNKNOWN_PURPOSE, "offer")
            if not isinstance(word, str) or word not in {each.value for each in Offer}:
                raise self.refuse(PolicyFault.UNKNOWN_OFFER, "offer")
            offers[Purpose(purpose)] = Offer(word)
        return MappingProxyType(offers)


def _check_slots(document: Document, fields: tuple[Field, ...], retired: list[Slot]) -> None:
    """Slots rise in the order of the file: none twice, none retired, none left out."""
    expected = 1
    for number, field in enumerate(fields):
        while expected in retired:
            expected += 1
        if field.slot != expected:
            earlier = {other.slot for other in fields[:number]}
            raise document.refuse(_slot_fault(field.slot, earlier, retired), _TABLE, "slot", number)
        expected += 1
    if any(slot < 1 or slot > LARGEST_SLOT for slot in retired):
        raise document.refuse(PolicyFault.SLOT_OUT_OF_RANGE, "", "retired")
    if not set(range(expected, max([*retired, 0]) + 1)) <= set(retired):
        raise document.refuse(PolicyFault.SLOT_MISSING, "", "retired")


def _slot_fault(slot: Slot, earlier: set[Slot], retired: list[Slot]) -> PolicyFault:
    if slot in retired:
        return PolicyFault.SLOT_RETIRED
    return PolicyFault.SLOT_TWICE if slot in earlier else PolicyFault.SLOT_MISSING


def _check_codes(document: Document, fields: tuple[Field, ...]) -> None:
    seen: set[FieldCode] = set()
    for number, field in enumerate(fields):
        if field.code in seen:
            raise document.refuse(PolicyFault.CODE_TWICE, _TABLE, "code", number)
        seen.add(field.code)
