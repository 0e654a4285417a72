"""The rules of a leaf: what the log takes, checked in one place for writing, reading and verifying.

Rules (formats.md, "Log leaf"):
1. Keys sorted, ``,`` and ``:`` without spaces, no floats, only the characters 0x20 to 0x7e, no backslash.
2. At most 2,048 bytes. The stored text is the hashed bytes and is never serialised again.
3. Unknown keys, codes and forms of value are refused.
4. No key takes free text: a person's name has no place to stand.
5. A leaf names one case at most, and must name it where it is about one.
"""

import functools
import itertools
import operator
import re
from collections.abc import Collection, Sequence

from audit.codes import (
    ABOUT_A_CASE,
    ABOUT_ANY,
    ABOUT_MANY,
    BEFORE_THE_CASE,
    Decision,
    Event,
    Flag,
    Purpose,
    Reason,
    Role,
    Via,
)
from audit.errors import EntryError, EntryFault
from audit.times import check_day

MAX_LEAF = 2048  # bytes

_CODE = "[a-z][a-z0-9_]{0,39}"
_CODES = rf'\["{_CODE}"(?:,"{_CODE}")*\]'
_HEX32 = "[0-9a-f]{32}"
_HEX64 = "[0-9a-f]{64}"
_NUMBER = "(?:0|[1-9][0-9]{0,11})"
_TIME = r"(?P<day>2[0-9]{3}-[01][0-9]-[0-3][0-9])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"

# Every key of version 1 in its order: the key, the quote around its value, the form of the value.
FORMS: tuple[tuple[str, str, str], ...] = (
    ("act", '"', f"u_{_HEX32}"),
    ("cns", '"', f"k_{_HEX32}:[1-9][0-9]{{0,8}}:{_HEX64}"),
    ("dec", '"', "[a-z]{1,40}"),
    ("det", '"', "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="),
    ("dig", '"', _HEX64),
    ("ev", '"', r"[a-z]{1,20}\.[a-z]{1,20}"),
    ("fld", "", _CODES),
    ("flg", "", _CODES),
    ("fno", "", _CODES),
    ("id", '"', _HEX32),
    ("n", "", _NUMBER),
    ("obj", '"', f"[abd-z]_{_HEX32}"),  # never a second case
    ("obo", '"', f"u_{_HEX32}"),
    ("org", '"', f"o_{_HEX32}"),
    ("pol", '"', f"sha256:{_HEX64}"),
    ("pur", '"', "[a-z_]{1,40}"),
    ("ref", "", _NUMBER),
    ("rid", '"', "[0-9a-f]{16,64}"),
    ("rol", '"', "[a-z_]{1,40}"),
    ("rsn", '"', "[a-z_]{1,40}"),
    ("ses", '"', "[0-9a-f]{16,64}"),
    ("sub", '"', f"c_{_HEX32}"),
    ("t", '"', _TIME),
    ("v", "", "1"),
    ("via", '"', "[a-z]{1,40}"),
)
KEYS = tuple(key for key, _, _ in FORMS)
_MANDATORY = frozenset({"ev", "id", "t", "v"})


def _quick(form: str) -> str:
    """The same form in the way in which Python's re is quick.

    What is repeated is never given back (``+`` behind a count): no form goes on with what it repeats. A hex digit is
    said by what it is not: three ranges are one look into a bitmap, two are two comparisons. A leaf is read as
    latin-1, so that nothing lies above 0xff.
    """
    return re.sub("[}*]", r"\g<0>+", form).replace("[0-9a-f]", r"[^\x00-/:-`g-\xff]")


def _pattern(kept: frozenset[str]) -> re.Pattern[str]:
    """One expression for a whole leaf: the text that it matches is canonical, so nothing is re-encoded.

    The values of the keys in ``kept`` are groups of those names; a group costs time, so a scan keeps few.

    ``v`` is mandatory and nearly last: each key before it brings the comma behind, each one after it the
    comma in front. No key can be read as another one, so nothing is ever tried twice (``?+``).
    """
    parts: list[str] = []
    for key, quote, form in FORMS:
        before, behind = ("," if key > "v" else "", "," if key < "v" else "")
        group = f"?P<{key}>" if key in kept else "?:"
        part = f'{before}"{key}":{quote}({group}{_quick(form)}){quote}{behind}'
        parts.append(part if key in _MANDATORY else f"(?:{part})?+")
    return re.compile(r"\{" + "".join(parts) + r"\}", re.ASCII)


_RULED = ("ev", "dec", "rsn", "pur", "rol", "via", "fld", "fno", "flg")
_NEEDED = frozenset({*_RULED, "sub", "t"})
_SCANS = _NEEDED | {"id", "ref"}
_LEAF, _SCANNED = _pattern(frozenset(KEYS)), _pattern(_SCANS)

Values = tuple[str, ...]
"""Values of a leaf in the order of ``KEYS``: lists as JSON text, "" for a key that is not there."""


class Line:
    """A leaf as one line among others; ``keys``: those whose values are taken, in the order of ``KEYS``.

    Every key of a leaf is checked in any case; a value that is taken costs time.
    """

    def __init__(self, keys: Collection[str]) -> None:
        """Take the values of these keys, and of those that the rules are about."""
        self.keys = tuple(key for key in KEYS if key in _NEEDED or key in keys)
        leaf = _pattern(frozenset(self.keys)).pattern.replace("?P<day>", "?:")
        self.find = re.compile(f"^{leaf}$", re.ASCII | re.MULTILINE).findall
        self.ruled = operator.itemgetter(*map(self.keys.index, _RULED))
        self.sub, self.time = (operator.itemgetter(self.keys.index(key)) for key in ("sub", "t"))


WHOLE, SCANNED = Line(KEYS), Line(_SCANS)

_EVENTS = {event.value: event for event in Event}
_LISTS: tuple[tuple[str, frozenset[str]], ...] = (
    ("dec", frozenset(Decision)),
    ("rsn", frozenset(Reason)),
    ("pur", frozenset(Purpose)),
    ("rol", frozenset(Role)),
    ("via", frozenset(Via)),
)


def match_leaf(leaf: bytes) -> re.Match[str]:
    """The leaf taken apart, its groups named as its keys (lists still as JSON text).

    Raises EntryError for anything that breaks a rule of this module.
    """
    return _match(_LEAF, leaf)


def _match(pattern: re.Pattern[str], leaf: bytes) -> re.Match[str]:
    if len(leaf) > MAX_LEAF:
        raise EntryError(EntryFault.SIZE)
    found = pattern.fullmatch(leaf.decode("latin-1"))  # a byte above 0x7e becomes a letter that no form takes
    if found is None:
        raise EntryError(EntryFault.FORM)
    _check_rules(found["sub"] is not None, *found.group(*_RULED))
    check_day(found["day"])
    return found


def scan_leaf(leaf: bytes) -> re.Match[str]:
    """As `match_leaf`, with fewer groups and so quicker: the codes, and ``id``, ``ref``, ``sub``, ``t``."""
    return _match(_SCANNED, leaf)


def scan_leaves(leaves: Sequence[bytes], line: Line = WHOLE) -> list[Values]:
    """The values of each leaf at ``line.keys``; many are read at once, for far less than one by one.

    Raises EntryError where one of them breaks a rule of this module; which one and how, only a leaf alone says.
    """
    if max(map(len, leaves), default=0) > MAX_LEAF:
        raise EntryError(EntryFault.SIZE)
    found: list[Values] = line.find(b"\n".join(leaves).decode("latin-1"))
    if len(found) != len(leaves) or b"\n" in b"".join(leaves):  # one is none, or one is two
        raise EntryError(EntryFault.FORM)
    for codes in set(zip(map(bool, map(line.sub, found)), map(line.ruled, found), strict=True)):
        _check_codes_of(codes)
    for day in {time[:10] for time in map(line.time, found)}:
        check_day(day)
    return found


def join_codes(codes: Sequence[str]) -> str | None:
    """The JSON text of a list of codes; None for no codes, whose key is left out.

    Raises EntryError(FORM) for a code that would be read as two.
    """
    if any('"' in code for code in codes):
        raise EntryError(EntryFault.FORM)
    return '["' + '","'.join(codes) + '"]' if codes else None


def split_codes(text: str | None) -> tuple[str, ...]:
    """The codes of a list as ``match_leaf`` gives it; none for a key that is not there."""
    return () if text is None else tuple(text[2:-2].split('","'))


@functools.lru_cache(maxsize=4096)  # one argument is found sooner than ten
def _check_codes_of(found: tuple[bool, Values]) -> None:
    """As `_check_rules`, of whether a case is named and of the values of ``_RULED``."""
    named, (event, *codes) = found
    _check_rules(named, event, *(code or None for code in codes))


@functools.lru_cache(maxsize=4096)  # a log has few such combinations; a refusal is not kept
def _check_rules(named: bool, event: str, *parts: str | None) -> None:
    """Refuse what the form alone allows: see the three checks; ``parts`` stand as in ``_RULED``."""
    decision, reason, purpose, role, via, released, withheld, flags = parts
    _check_codes(event, decision, reason, purpose, role, via)
    _check_sets(released, withheld, flags, purpose)
    _check_subject(event, decision, reason, named)


def _check_codes(event: str, *codes: str | None) -> None:
    """Refuse a code that is not on its list, and a refusal without its reason."""
    if event not in _EVENTS:
        raise EntryError(EntryFault.CODE, "ev")
    for (key, known), code in zip(_LISTS, codes, strict=True):
        if code is not None and code not in known:
            raise EntryError(EntryFault.CODE, key)
    if codes[0] == Decision.DENY and codes[1] is None:
        raise EntryError(EntryFault.REASON, "rsn")


def _check_sets(released: str | None, withheld: str | None, flags: str | None, purpose: str | None) -> None:
    """Refuse codes out of order, a field both released and withheld, fields released for no purpose."""
    sets = {"fld": split_codes(released), "fno": split_codes(withheld), "flg": split_codes(flags)}
    for key, codes in sets.items():
        if any(one >= other for one, other in itertools.pairwise(codes)):
            raise EntryError(EntryFault.FIELDS, key)
    if not set(sets["fld"]).isdisjoint(sets["fno"]):
        raise EntryError(EntryFault.FIELDS, "fno")
    if not set(sets["flg"]) <= set(Flag):
        raise EntryError(EntryFault.CODE, "flg")
    if released is not None and purpose is None:
        raise EntryError(EntryFault.PURPOSE, "pur")


def _check_subject(event: str, decision: str | None, reason: str | None, named: bool) -> None:
    """Refuse a leaf about one case that does not name it, and one about many that names one.

    A refusal before any case was found names none, so that a 404 costs the same (formats.md, "Log leaf").
    """
    kind = _EVENTS[event]
    if named and kind in ABOUT_MANY:
        raise EntryError(EntryFault.SUBJECT, "sub")
    free = decision == Decision.DENY and reason in BEFORE_THE_CASE
    if not named and not free and kind in ABOUT_A_CASE - ABOUT_MANY - ABOUT_ANY:
        raise EntryError(EntryFault.SUBJECT, "sub")
