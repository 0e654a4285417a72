"""Checks an exported access log offline, trusting nobody: one file, Python 3.9 or newer, nothing to install.

    python3 verify.py BUNDLE --policy FILE [--since CHECKPOINT] [--json]

BUNDLE is the folder or zip that was handed over. FILE is your own policy (which log, which witnesses, how many of
them), never one that came with the bundle. CHECKPOINT is a note that you kept from an earlier time. These are read and
nothing else; no file is written, no program started, no network used. Exit codes: 0 accepted, 1 refused, 2 not checked.

What is checked stands in formats.md, sections 18, 21, 22, 24 and 26; ``check`` below follows it and stops at the first
step that fails. Nothing here comes from the service's own verifier, so that one mistake is not made twice. Every file
is read up to its limit only, every number and base64 text is taken in its one form only.
"""

import argparse
import base64
import datetime
import functools
import hashlib
import json
import os
import re
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

WIDTH, HASH = 256, 32  # hashes in a complete tile, bytes in a hash
MAX_NOTE, MAX_LEAF, MAX_ENTRIES, MAX_SCOPE = 65_536, 2_048, 524_800, 128  # bytes; a policy is as long as a note
MAX_SIZE = 2**40  # entries


class RefusedError(Exception):
    """What failed: the step, the index of the entry (or the line of the policy) at fault, the fault's code."""

    def __init__(self, step: str, index: "int | None" = None, fault: str = "") -> None:
        super().__init__(step, index, fault)
        self.step, self.index, self.fault = step, index, fault


def need(condition: bool, step: str, index: "int | None" = None, fault: str = "") -> None:
    """Go on only if the condition holds."""
    if not condition:
        raise RefusedError(step, index, fault)


# Signatures: Ed25519 of RFC 8032, section 5.1, as strict as libsodium's crypto_sign_open.

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]  # X, Y, Z, T: x = X/Z, y = Y/Z, xy = T/Z


def add(p: Point, q: Point) -> Point:
    """The sum of two points, section 5.1.4."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(p: Point) -> Point:
    """Twice a point, section 5.1.4."""
    a, b = p[0] * p[0] % P, p[1] * p[1] % P
    g, h = a - b, a + b
    e, f = h - (p[0] + p[1]) ** 2, 2 * p[2] * p[2] + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def read_point(data: bytes) -> "Point | None":
    """The point of 32 bytes, section 5.1.3; None for another form, one not on the curve, or one of small order."""
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    x = x if x % 2 == sign else P - x
    good = y < P and x * x % P == square and double(double(double((x, y, 1, x * y % P))))[0]
    return (x, y, 1, x * y % P) if good else None  # eight times a point of small order is zero


ZERO, BASE = (0, 1, 1, 0), read_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key's holder signed the message, section 5.1.7: [S]B - [k]A is R."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = read_point(public), read_point(signature[:32]), int.from_bytes(signature[32:], "little")
    if not BASE or not key or not r or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    minus = (P - key[0], key[1], 1, P - key[3])
    table, total = (ZERO, BASE, minus, add(BASE, minus)), ZERO
    for bit in range(252, -1, -1):  # both products in one pass, from the highest bit on
        total = double(total)
        if pick := (s >> bit & 1) + 2 * (k >> bit & 1):
            total = add(total, table[pick])
    return (total[0] - r[0] * total[2]) % P == 0 and (total[1] - r[1] * total[2]) % P == 0


# Policies and signed notes: sections 18, 24 and 26.

ANY, LAST = "[A-Za-z0-9+/]", "[AEIMQUYcgkosw048]"  # of base64: LAST leaves no spare bits before one "="
BASE64 = f"(?:{ANY}{{4}})*(?:{ANY}[AQgw]==|{ANY}{{2}}{LAST}=)?"
VKEY = re.compile(rf"([^+]+)\+([0-9a-f]{{8}})\+({ANY}{{44}})")
BODY = re.compile(rf"([^\n]+)\n(0|[1-9][0-9]{{0,18}})\n({ANY}{{42}}{LAST}=)\n")
SIGNATURE = re.compile(rf"— ([^\n ]+) ({BASE64})")
CONTACT = re.compile(r"[ \t]*# ?contact:[ \t]*(.{1,200})")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]")  # neither in a note nor in a policy


class Key(NamedTuple):
    """A key that the policy knows: kind (1 log, 4 witness), name and mark in notes, 32 bytes, name in the policy."""

    kind: int
    name: str
    mark: bytes
    public: bytes
    called: str


def is_name(text: str) -> bool:
    """Whether a key may have this name."""
    return 0 < len(text) <= 255 and text.isprintable() and " " not in text and "+" not in text


class Policy:
    """A trust policy (C2SP tlog-policy): keys of logs and witnesses, groups of witnesses, who must have cosigned."""

    def __init__(self, data: bytes) -> None:
        """Read a file; raises RefusedError with the line's number and the fault."""
        self.keys: list[Key] = []
        self.groups: dict[str, tuple[int, Sequence[str]]] = {}
        self.names, self.members, self.quorum, self.contact = set[str](), set[str](), "", ""
        text = data.decode("utf-8", "surrogateescape")
        *lines, rest = text.split("\n")
        need(len(data) <= MAX_NOTE, "policy", None, "size")
        need(not (rest or CONTROL.search(text) or "\x7f" in text or len(lines) > 512), "policy", None, "text")
        for number, line in enumerate(lines, 1):
            fault = self.take(*re.split(r"[ \t]+", line.strip(" \t")))
            need(not fault, "policy", number, fault)
            found = CONTACT.fullmatch(line)
            self.contact = self.contact or (found[1].strip() if found else "")
        need(bool(self.quorum), "policy", None, "quorum")

    def take(self, word: str, *words: str) -> str:
        """Read the words of a line; the fault's code, or nothing."""
        is_new = bool(words) and words[0] not in {"none", *self.names}
        if word == "log" and len(words) in (1, 2):
            return self.take_key(words[0], 1, "")
        if word == "witness" and len(words) in (2, 3):
            return self.take_key(words[1], 4, words[0]) if is_new else "name"
        if word == "group" and len(words) > 2:
            return self.take_group(words[0], words[1], words[2:]) if is_new else "name"
        if word == "quorum" and len(words) == 1:
            known, self.quorum = not self.quorum and words[0] in {"none", *self.names}, words[0]
            return "" if known else "quorum"
        return "line" if word and not word.startswith("#") else ""

    def take_key(self, text: str, kind: int, called: str) -> str:
        """A key of this kind, with its own mark, and not one that is here already."""
        found = VKEY.fullmatch(text)
        if found is None or len(text) > 1024 or not is_name(found[1]):
            return "key"
        data = base64.b64decode(found[3])
        key = Key(kind, found[1], hashlib.sha256(found[1].encode() + b"\n" + data).digest()[:4], data[1:], called)
        if data[0] != kind or key.mark.hex() != found[2] or key.public in {one.public for one in self.keys}:
            return "key"
        self.keys.append(key)
        self.names.add(called)
        return ""

    def take_group(self, name: str, number: str, members: Sequence[str]) -> str:
        """A group: so many of its members, each defined before and a member once."""
        if len({*members}) < len(members) or not self.names.issuperset(members) or self.members & {*members}:
            return "name"
        number = {"all": str(len(members)), "any": "1"}.get(number, number)
        if not re.fullmatch("[1-9][0-9]{0,2}", number) or int(number) > len(members):
            return "line"
        self.groups[name] = int(number), members
        self.names.add(name)
        self.members.update(members)
        return ""

    def has_quorum(self, cosigners: "dict[str, int]") -> bool:
        """Whether those who cosigned are enough; a group stands behind its members, so one pass is all."""
        done = {"none", *cosigners}
        for name, (number, members) in self.groups.items():
            done |= {name} if len(done.intersection(members)) >= number else set()
        return self.quorum in done


def open_note(data: bytes, step: str, keys: Sequence[Key]) -> "tuple[str, int, bytes, dict[str, int]]":
    """Origin, size and root that one of the keys signed, and which witnesses cosigned at which Unix second."""
    need(len(data) <= MAX_NOTE, step, None, "size")
    body, gap, rest = data.decode("utf-8", "surrogateescape").rpartition("\n\n")
    body, (*lines, end) = body + gap[:1], rest.split("\n")
    found = [SIGNATURE.fullmatch(line) for line in lines[:101]]
    blobs = [(one[1], base64.b64decode(one[2])) for one in found if one and is_name(one[1])]
    good = len(body) > 1 and not end and not CONTROL.search(body) and "\t" not in body and 0 < len(lines) <= 100
    need(good and len(blobs) == len(lines) and all(len(blob) > 4 for _, blob in blobs), step, None, "text")
    signed: dict[Key, int] = {}
    false: set[int] = set()  # kinds of keys with a line that is false or stands twice
    for name, blob in blobs:
        for key in (one for one in keys if (one.name, one.mark) == (name, blob[:4])):
            seconds, signature, message = 0, blob[4:], body
            if key.kind == 4:  # a cosignature: the time is signed too
                seconds, signature = int.from_bytes(blob[4:12], "big"), blob[12:]
                message = f"cosignature/v1\ntime {seconds}\n{body}"
            if key in signed or not is_signed(key.public, message.encode(), signature):
                false.add(key.kind)
            signed[key] = seconds
    need(1 not in false, step, None, "signature")
    logs = {key.name for key in keys if key.kind == 1}
    named = "other_key" if logs.intersection(name for name, _ in blobs) else "unsigned"
    need(any(key.kind == 1 for key in signed), step, None, named)
    said = BODY.fullmatch(body)
    if said is None or not is_name(said[1]):
        raise RefusedError(step, None, "body")
    need(said[1] in {key.name for key in signed if key.kind == 1}, step, None, "origin")
    need(4 not in false, step, None, "signature")
    cosigners = {key.called: seconds for key, seconds in signed.items() if key.kind == 4}
    return said[1], int(said[2]), base64.b64decode(said[3]), cosigners


# Entries: section 21. A form is a value's one text; the codes in it must stand on their lists.

LISTS = {
    "ev": """case.assign case.close case.create case.list case.read case.scan case.search case.update clock.step
        consent.change consent.confirm consent.end consent.expire consent.give consent.invalidate consent.refuse
        consent.renew consent.request consent.tell consent.withdraw deny.suppressed disclosure.approve disclosure.ask
        disclosure.issue erase.case export.csv export.print export.xlsx field.release flag.check flag.raise key.pin
        key.revoke key.rotate key.seal ledger.read ledger.write log.continue log.export log.open log.search log.verify
        login.fail login.lock login.ok member.certify member.confirm member.invite member.remove mfa.enrol mfa.reset
        organisation.add password.change password.reset policy.change redact.entry request.accept request.cancel
        request.complete request.decline request.draft request.send request.stop retention.prune role.change
        session.end system.start system.stop user.add user.disable witness.add witness.remove""",
    "dec": "permit deny",
    "rsn": """awaiting_witness closed conditions disabled ended expired idle invalidated logout no_key no_second_factor
        not_a_party not_accepted_yet not_addressee not_asked not_assigned not_live not_offered not_told
        password_changed refused role role_changed same_person stale throttled too_late too_old unknown_id
        unknown_login withdrawn wrong_code wrong_password wrong_state""",
    "pur": "audit case_review disclosure food_support own_work",
    "rol": "admin auditor caseworker intermediary npo_coordinator npo_volunteer supervisor",
    "via": "api cli csv job mail print ui",
    "flg": "after_hours bulk practice",
}
CODES = {key: frozenset(text.split()) for key, text in LISTS.items()}
ABOUT_A_CASE = re.compile(r"(case|consent|request|ledger|field|disclosure|erase)\..*(?<!case.list)")
ABOUT_MANY, BEFORE_THE_CASE = ("case.scan", "case.search"), ("unknown_id", "role", "throttled")
ID, HASHED, NUMBER = "[0-9a-f]{32}", "[0-9a-f]{64}", "(?:0|[1-9][0-9]{0,11})"
DAY, CLOCK = "2[0-9]{3}-[01][0-9]-[0-3][0-9]", r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
SEVERAL = r'\["[a-z][a-z0-9_]{0,39}"(?:,"[a-z][a-z0-9_]{0,39}")*\]'
FORMS = rf"""
act u_{ID}   cns k_{ID}:[1-9][0-9]{{0,8}}:{HASHED}   dec [a-z]{{1,40}}   det {ANY}{{42}}{LAST}=   dig {HASHED}
ev [a-z]{{1,20}}\.[a-z]{{1,20}}   fld {SEVERAL}   flg {SEVERAL}   fno {SEVERAL}   id {ID}   n {NUMBER}   obj [abd-z]_{ID}
obo u_{ID}   org o_{ID}   pol sha256:{HASHED}   pur [a-z_]{{1,40}}   ref {NUMBER}   rid [0-9a-f]{{16,64}}
rol [a-z_]{{1,40}}   rsn [a-z_]{{1,40}}   ses [0-9a-f]{{16,64}}   sub c_{ID}   t {DAY}T{CLOCK}   v 1   via [a-z]{{1,40}}
""".split()
KEYS, PLAIN = FORMS[::2], {"fld", "flg", "fno", "n", "ref", "v"}  # values of PLAIN keys stand in no quotes


def write_pattern() -> str:
    """One expression for a whole entry: its keys in order, a comma between them, each value a group."""
    text = ""
    for key, form in zip(KEYS, FORMS[1::2], strict=True):
        value = f'"{key}":({form})' if key in PLAIN else f'"{key}":"({form})"'
        value = f",{value}" if key > "v" else value if key == "v" else f"{value},"
        text += value if key in {"ev", "id", "t", "v"} else f"(?:{value})?"
    return rf"\{{{text}\}}"


ENTRY = re.compile(write_pattern())


@functools.lru_cache(maxsize=4096)
def find_fault(day: str, ev: str, named: bool, *codes: "str | None") -> str:
    """What is wrong with values that each have their form: the fault's code, or nothing."""
    dec, rsn, pur, _, _, *texts = codes
    fields, flags, withheld = (text[2:-2].split('","') if text else [] for text in texts)
    if any(code is not None and code not in CODES[key] for key, code in zip(CHECKED, (ev, *codes))):
        return "code"
    if dec == "deny" and rsn is None:
        return "reason"
    if any(row != sorted({*row}) for row in (fields, flags, withheld)) or {*fields} & {*withheld}:
        return "fields"
    if not CODES["flg"].issuperset(flags):
        return "code"
    if fields and pur is None:
        return "purpose"
    free = dec == "deny" and rsn in BEFORE_THE_CASE
    if (ev in ABOUT_MANY) if named else (ABOUT_A_CASE.fullmatch(ev) and ev not in ABOUT_MANY and not free):
        return "subject"
    try:
        time.strptime(day, "%Y-%m-%d")
    except ValueError:
        return "time"
    return ""


# The tree and the bundle: sections 22 and 26.


def tree_root(row: "list[bytes]") -> bytes:
    """The root over these hashes: two by two, level by level; the last of an odd row moves up as it is."""
    while len(row) > 1:
        pairs = (row[at] + row[at + 1] for at in range(0, len(row) - 1, 2))
        row = [hashlib.sha256(b"\x01" + pair).digest() for pair in pairs] + row[len(row) - len(row) % 2 :]
    return row[0] if row else hashlib.sha256().digest()


class Bundle:
    """The files of a folder or a zip. Names are made here, never read; only plain files are opened."""

    def __init__(self, path: Path) -> None:
        self.path, self.zip = path, None if path.is_dir() else zipfile.ZipFile(path)

    def open(self, name: str) -> "IO[bytes] | None":
        if self.zip is None:
            return (self.path / name).open("rb") if (self.path / name).is_file() else None
        return self.zip.open(name) if name in self.zip.NameToInfo else None

    def read(self, name: str, limit: int) -> "bytes | None":
        """A file; of a longer one so much that it is seen to be longer."""
        file = self.open(name)
        if file is None:
            return None
        with file:
            return file.read(limit + 1)

    def tile(self, level: int, number: int, width: int) -> "list[bytes]":
        """The hashes of a tile."""
        data = self.read(write_path(str(level), number, width), WIDTH * HASH) or b""
        need(len(data) == width * HASH, "tile", number * WIDTH ** (level + 1))
        return [data[at : at + HASH] for at in range(0, len(data), HASH)]

    def entries(self, number: int, width: int) -> "list[bytes]":
        """The entries of a bundle, no bytes for one without text."""
        data, found, at = self.read(write_path("entries", number, width), MAX_ENTRIES), [], 0
        if data is None:
            return [b""] * width
        for _ in range(width):
            size = int.from_bytes(data[at : at + 2], "big")
            found.append(data[at + 2 : at + 2 + size])
            at += 2 + size
            need(at <= len(data) and size <= MAX_LEAF, "entries", number * WIDTH)
        need(at == len(data), "entries", number * WIDTH)
        return found


class Entries:
    """What the entries say, in their order."""

    def __init__(self, table: "IO[bytes] | None", case: str) -> None:
        self.table, self.case, self.read, self.first, self.last, self.pruned = table, case, 0, "", "", 0
        self.ids, self.twice, self.absent, self.redacted = set[bytes](), list[int](), list[int](), set[int]()
        header = "\ufeff" + ",".join(f'"{key}"' for key in ("index", *KEYS)) + "\r\n"
        self.same = table is None or table.read(len(header.encode())) == header.encode()

    def take(self, index: int, leaf: bytes) -> bytes:
        """The hash of an entry that keeps every rule; no bytes for one without text."""
        if not leaf:
            self.absent.append(index)
            return b""
        need(len(leaf) <= MAX_LEAF, "leaf", index, "size")
        found = ENTRY.fullmatch(leaf.decode("latin-1"))
        if found is None:
            raise RefusedError("leaf", index, "form")
        values = dict(zip(KEYS, found.groups()))
        fault = find_fault(values["t"][:10], values["sub"] is not None, *(values[key] for key in CHECKED))
        need(not fault, "leaf", index, fault)
        need(self.case in ("", values["sub"]), "scope", index)
        need(values["t"] >= self.last, "time", index)
        self.read, self.first, self.last = self.read + 1, self.first or values["t"], values["t"]
        one = bytes.fromhex(values["id"])
        self.twice += [index] if one in self.ids else []
        self.ids.add(one)
        ref = int(values["ref"] or 0)
        if values["ref"] and values["dec"] != "deny":
            self.redacted |= {ref} if values["ev"] == "redact.entry" and ref < index else set()
            self.pruned = max(self.pruned, ref) if ... 
        if self.table:
            self.same = self.table.read(len(row)) == row and self.same
        return hashlib.sha256(b"\x00" + leaf).digest()


def check(bundle: Bundle, policy: Policy, older: "bytes | None") -> "dict[str, object]":
    """What the bundle proves; raises RefusedError with the first step that failed."""
    origin, size, root, cosigners = open_note(bundle.read("checkpoint", MAX_NOTE) or b"", "note", policy.keys)
    need(policy.has_quorum(cosigners), "note", None, "quorum")
    need(size <= MAX_SIZE, "note", None, "body")
    scope = SCOPE.fullmatch(bundle.read("scope", MAX_SCOPE) or b"")
    if scope is None:
        raise RefusedError("scope")
    case, since, tiles, rest = (scope[3] or b"").decode(), int(scope[2] or 0), *divmod(size, WIDTH)
    if older is not None:
        _, old, old_root, _ = open_note(older, "since", [key for key in policy.keys if key.name == origin and key.kind == 1])
        need(old <= size, "since", size, "shrank")
    table = None if case else bundle.open("entries.csv")
    entries, roots, first = Entries(table, case), [], tiles + 1 if case else min(since, size) // WIDTH
    for number in range(tiles + (rest > 0)):
        width = WIDTH if number < tiles else rest
        leaves = bundle.entries(number, width) if number >= first else []
        hashes = bundle.tile(0, number, width)
        found = [entries.take(number * WIDTH + at, leaf) for at, leaf in enumerate(leaves)]
        for at, one in enumerate(found):
            need(one in (b"", hashes[at]), "tile", number * WIDTH + at)
        roots.append(tree_root(hashes))
    check_above(bundle, roots[:tiles])
    need(tree_root(roots) == root, "root")
    if older is not None:
        part = bundle.tile(0, old // WIDTH, min(WIDTH, size - old // WIDTH * WIDTH))[: old % WIDTH] if old % WIDTH else []
        need(tree_root(roots[: old // WIDTH] + ([tree_root(part)] if part else [])) == old_root, "since", None, "fork")
    if case:
        check_case(...)
    need(not entries.twice, "unique", ...)
    missing = [at for at in entries.absent if at >= entries.pruned and at not in entries.redacted]
    need(not missing, "absent", missing[0])
    need(entries.same and not (table and table.read(1)), "table")
    return {}
