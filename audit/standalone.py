"""Checks an exported access log offline, trusting nobody: one file, Python 3.9 or newer, nothing to install.

    python3 verify.py BUNDLE --policy FILE [--since CHECKPOINT] [--json]

BUNDLE is the folder or zip that was handed over; FILE your own policy, never one that came with the bundle; CHECKPOINT
a note kept from an earlier time. Nothing else is read; nothing is written, started or sent. Files are read up to their
limits, numbers and base64 taken in one form only. What is checked stands in formats.md; ``Bundle.check`` follows its
section 26 and stops at the first step that fails. Exit codes: 0 accepted, 1 refused, 2 not checked.
"""

import argparse
import base64
import functools
import hashlib
import io
import json
import os
import re
import sys
import time
import zipfile
from pathlib import Path
from typing import IO

WIDTH, HASH, MAX_SIZE = 256, 32, 2**40  # hashes in a complete tile; bytes in a hash; entries in a log
MAX_NOTE, MAX_LEAF, MAX_BUNDLE = 65_536, 2_048, 524_800  # bytes; a policy is as long as a note


class RefusedError(Exception):
    """What failed: the step, the index of the entry (or the line of the policy) at fault or None, the fault's code."""


def need(condition: object, step: str, index: "int | None" = None, fault: str = "") -> None:
    """Go on only if the condition holds; raises RefusedError."""
    if not condition:
        raise RefusedError(step, index, fault)


def match(form: "re.Pattern[str]", text: str, *refusal: "str | int | None") -> "re.Match[str]":
    """The parts of a text that has this form; raises RefusedError."""
    found = form.fullmatch(text)
    if found is None:
        raise RefusedError(*refusal)
    return found


# Signatures: Ed25519 of RFC 8032, section 5.1, as strict as libsodium's crypto_sign_open.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]  # X, Y, Z, T: x = X/Z, y = Y/Z, xy = T/Z


def add(p: Point, q: Point) -> Point:
    """The sum of two points, also of one with itself, section 5.1.4."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def read_point(data: bytes) -> Point:
    """The point of 32 bytes, section 5.1.3; ZERO for another form, one not on the curve, or one of small order."""
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    x = x if x % 2 == sign else P - x
    point = (x, y, 1, x * y % P)
    two = add(point, point)
    four = add(two, two)
    good = y < P and x * x % P == square and add(four, four)[0]  # eight times one of small order is zero
    return point if good else ZERO


ZERO = (0, 1, 1, 0)
BASE = read_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key's holder signed the message, section 5.1.7: [S]B - [k]A is R."""
    key, r, s = read_point(public), read_point(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(public) != 32 or len(signature) != 64 or ZERO in (key, r) or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    minus = (P - key[0], key[1], 1, P - key[3])
    table, total = (ZERO, BASE, minus, add(BASE, minus)), ZERO
    for bit in range(252, -1, -1):  # both products in one pass, from the highest bit on
        total = add(total, total)
        if pick := (s >> bit & 1) + 2 * (k >> bit & 1):
            total = add(total, table[pick])
    return (total[0] - r[0] * total[2]) % P == 0 and (total[1] - r[1] * total[2]) % P == 0


# Policies and signed notes: sections 18, 24 and 26.
LOG, WITNESS = 1, 4  # kinds of keys
Keys = dict[tuple[str, bytes], tuple[int, bytes, str]]  # name, mark: kind, 32 bytes, name in the policy
ANY, NAME = "[A-Za-z0-9+/]", r"([^ +\n]{1,255})"
LAST = "[AEIMQUYcgkosw048]"  # what stands before a single "=" of base64 that has no spare bits
VKEY = re.compile(rf"{NAME}\+([0-9a-f]{{8}})\+({ANY}{{44}})")
BODY = re.compile(rf"{NAME}\n(0|[1-9][0-9]{{0,18}})\n({ANY}{{42}}{LAST}=)\n")
SIGNATURE = re.compile(rf"— {NAME} ((?:{ANY}{{4}})+(?:{ANY}[AQgw]==|{ANY}{{2}}{LAST}=)?)")
CONTACT = re.compile(r"[ \t]*# ?contact:[ \t]*(.{1,200})")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]")  # neither in a note nor in a policy


class Policy:
    """A trust policy (C2SP tlog-policy): keys of logs and witnesses, groups of witnesses, who must have cosigned."""

    def __init__(self, data: bytes) -> None:
        """Read a file; raises RefusedError with the line's number and the fault."""
        self.keys: Keys = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.names, self.members, self.quorum, self.contact = {"none"}, {"none"}, "", ""
        text = data.decode("utf-8", "surrogateescape")
        *lines, rest = text.split("\n")
        need(len(data) <= MAX_NOTE, "policy", None, "size")
        need(not (rest or len(lines) > 512 or CONTROL.search(text) or "\x7f" in text), "policy", None, "text")
        for number, line in enumerate(lines, 1):
            self.take(number, *re.split(r"[ \t]+", line.strip(" \t")))
            found = CONTACT.fullmatch(line)
            self.contact = self.contact or (found[1].strip() if found else "")
        need(self.quorum, "policy", None, "quorum")

    def take(self, number: int, word: str, *words: str) -> None:
        """Read the words of a line."""
        if word == "log" and len(words) in (1, 2):
            self.take_key(number, words[0], LOG, "")
        elif word == "witness" and len(words) in (2, 3):
            need(words[0] not in self.names, "policy", number, "name")
            self.take_key(number, words[1], WITNESS, words[0])
        elif word == "group" and len(words) > 2:
            name, count, *members = words
            known = {*members} & self.names - self.members  # a name is a member once, "none" never
            need(name not in self.names and len(known) == len(members), "policy", number, "name")
            count = {"all": str(len(members)), "any": "1"}.get(count, count)
            good = re.fullmatch("[1-9][0-9]{0,2}", count) and int(count) <= len(members)
            need(good, "policy", number, "line")
            self.groups[name] = int(count), members
            self.names.add(name)
            self.members.update(members)
        elif word == "quorum" and len(words) == 1:
            need(not self.quorum and words[0] in self.names, "policy", number, "quorum")
            self.quorum = words[0]
        else:
            need(not word or word.startswith("#"), "policy", number, "line")

    def take_key(self, number: int, text: str, kind: int, called: str) -> None:
        """A key of this kind, with its own mark, and not one that is here already."""
        found = match(VKEY, text, "policy", number, "key")
        data, known = base64.b64decode(found[3]), {public for _, public, _ in self.keys.values()}
        mark = hashlib.sha256(found[1].encode() + b"\n" + data).digest()[:4]
        good = len(text) <= 1024 and found[1].isprintable() and mark.hex() == found[2]
        need(good and data[0] == kind and data[1:] not in known, "policy", number, "key")
        self.keys[found[1], mark] = kind, data[1:], called
        self.names.update([called] * (kind == WITNESS))

    def has_quorum(self, cosigners: "dict[str, int]") -> bool:
        """Whether those who cosigned are enough; a group stands behind its members, so one pass is all."""
        done = {"none", *cosigners}
        for name, (number, members) in self.groups.items():
            done |= {name} if len(done.intersection(members)) >= number else set()
        return self.quorum in done


def open_note(data: bytes, step: str, keys: Keys) -> "tuple[str, int, bytes, dict[str, int]]":
    """Origin, size and root that a log signed, and which witnesses cosigned them at which Unix second."""
    body, gap, rest = data.decode("utf-8", "surrogateescape").rpartition("\n\n")
    body, (*lines, end) = body + gap[:1], rest.split("\n")
    need(len(data) <= MAX_NOTE, step, None, "size")
    good = len(body) > 1 and "\t" not in body and not CONTROL.search(body) and not end
    need(good and 0 < len(lines) <= 100, step, None, "text")
    found = [match(SIGNATURE, line, step, None, "text") for line in lines]
    signatures = [(line[1], base64.b64decode(line[2])) for line in found]
    good = all(name.isprintable() and len(blob) > 4 for name, blob in signatures)
    need(good, step, None, "text")
    signed: dict[int, dict[tuple[str, bytes], int]] = {LOG: {}, WITNESS: {}}
    false = set()  # the kinds of keys with a line that is false or stands twice
    for name, blob in signatures:
        mark, signature, seconds, message = (name, blob[:4]), blob[4:], 0, body
        kind, public, _ = keys.get(mark, (0, b"", ""))
        if kind == WITNESS:  # who signs the time too
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = f"cosignature/v1\ntime {seconds}\n{body}"
        if kind and (mark in signed[kind] or not is_signed(public, message.encode(), signature)):
            false.add(kind)
        signed.setdefault(kind, {})[mark] = seconds
    need(LOG not in false, step, None, "signature")
    logs = {name for (name, _), (kind, _, _) in keys.items() if kind == LOG}
    need(signed[LOG], step, None, "other_key" if logs & {name for name, _ in signatures} else "unsigned")
    said = match(BODY, body, step, None, "body")
    need(said[1].isprintable(), step, None, "body")
    need(said[1] in {name for name, _ in signed[LOG]}, step, None, "origin")
    need(WITNESS not in false, step, None, "signature")
    cosigners = {keys[mark][2]: seconds for mark, seconds in signed[WITNESS].items()}
    return said[1], int(said[2]), base64.b64decode(said[3]), cosigners


# Entries: section 21. A form is a value's one text; the codes in it must stand on their lists as well.
LISTS = """
ev: case.assign case.close case.create case.list case.read case.scan case.search case.update clock.step consent.change
consent.confirm consent.end consent.expire consent.give consent.invalidate consent.refuse consent.renew consent.request
consent.tell consent.withdraw deny.suppressed disclosure.approve disclosure.ask disclosure.issue erase.case export.csv
export.print export.xlsx field.release flag.check flag.raise key.pin key.revoke key.rotate key.seal ledger.read
ledger.write log.continue log.export log.open log.search log.verify login.fail login.lock login.ok member.certify
member.confirm member.invite member.remove mfa.enrol mfa.reset organisation.add password.change password.reset
policy.change redact.entry request.accept request.cancel request.complete request.decline request.draft request.send
request.stop retention.prune role.change session.end system.start system.stop user.add user.disable witness.add
witness.remove
rsn: awaiting_witness closed conditions disabled ended expired idle invalidated logout no_key no_second_factor
not_a_party not_accepted_yet not_addressee not_asked not_assigned not_live not_offered not_told password_changed
refused role role_changed same_person stale throttled too_late too_old unknown_id unknown_login withdrawn wrong_code
wrong_password wrong_state
rol: admin auditor caseworker intermediary npo_coordinator npo_volunteer supervisor
pur: audit case_review disclosure food_support own_work
via: api cli csv job mail print ui
dec: permit deny
flg: after_hours bulk practice
"""
CODES = {key: text.split() for key, text in re.findall(r"(\w+): ([^:]+)(?=\n\w+:|$)", LISTS)}
ABOUT_A_CASE = ("case", "consent", "request", "ledger", "field", "disclosure", "erase")
ABOUT_MANY, ABOUT_ANY, BEFORE = ("case.scan", "case.search"), "case.list", ("unknown_id", "role", "throttled")
ID, HASHED, NUMBER, CODE = "[0-9a-f]{32}", "[0-9a-f]{64}", "(?:0|[1-9][0-9]{0,11})", "[a-z_]{1,40}"
SEVERAL = r'\["[a-z][a-z0-9_]{0,39}"(?:,"[a-z][a-z0-9_]{0,39}")*\]'
TIME = r"2[0-9]{3}-[01][0-9]-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
FORMS = rf"""
act:"u_{ID}"  cns:"k_{ID}:[1-9][0-9]{{0,8}}:{HASHED}"  dec:"[a-z]{{1,40}}"  det:"{ANY}{{42}}{LAST}="  dig:"{HASHED}"
ev:"[a-z]{{1,20}}\.[a-z]{{1,20}}"  fld:{SEVERAL}  flg:{SEVERAL}  fno:{SEVERAL}  id:"{ID}"  n:{NUMBER}
obj:"[abd-z]_{ID}"  obo:"u_{ID}"  org:"o_{ID}"  pol:"sha256:{HASHED}"  pur:"{CODE}"  ref:{NUMBER}
rid:"[0-9a-f]{{16,64}}"  rol:"{CODE}"  rsn:"{CODE}"  ses:"[0-9a-f]{{16,64}}"  sub:"c_{ID}"  t:"{TIME}"
v:1  via:"[a-z]{{1,40}}"
"""
PART = r'(?:"\1":(?P<\1>\2)(?:,(?=")|(?=\})))?'  # a key, its value, and a comma where another key follows
ENTRY = re.compile(r"\{" + re.sub(r"\s*(\w+):(\S+)\s*", PART, FORMS) + r"\}")


@functools.lru_cache(maxsize=4096)
def find_fault(day: str, named: bool, fields: str, withheld: str, flags: str, **codes: str) -> str:
    """What is wrong with the values of an entry that has its form: the fault's code, or nothing."""
    event, denied, lists = codes["ev"], codes["dec"] == "deny", [text.split() for text in (fields, withheld, flags)]
    about = event.split(".")[0] in ABOUT_A_CASE and event not in {*ABOUT_MANY, ABOUT_ANY}
    free = denied and codes["rsn"] in BEFORE
    try:
        bad_day = not time.strptime(day, "%Y-%m-%d")
    except ValueError:
        bad_day = True
    faults = (
        ("code", any(code and code not in CODES[key] for key, code in codes.items())),
        ("reason", denied and not codes["rsn"]),
        ("fields", any(row != sorted({*row}) for row in lists) or {*lists[0]} & {*lists[1]}),
        ("code", {*lists[2]} - {*CODES["flg"]}),
        ("purpose", fields and not codes["pur"]),
        ("subject", event in ABOUT_MANY if named else about and not free),
        ("time", bad_day),
    )
    return next((fault for fault, found in faults if found), "")


# The tree and the bundle: sections 22 and 26.
SCOPE = re.compile(r"tsunagi-export/v1\n(whole|since (0|[1-9][0-9]{0,12})|case (c_[0-9a-f]{32}))\n")
LINE = re.compile(r"(0|[1-9][0-9]{0,12}) ([^\n]*)\n")


def tree_root(row: "list[bytes]") -> bytes:
    """The root over these hashes: two by two, level by level; the last of an odd row moves up as it is."""
    while len(row) > 1:
        pairs = [row[at] + row[at + 1] for at in range(0, len(row) - 1, 2)]
        row = [hashlib.sha256(b"\x01" + pair).digest() for pair in pairs] + row[2 * len(pairs) :]
    return row[0] if row else hashlib.sha256().digest()


class Bundle:
    """A folder or zip to check. Names of files are made here, never read; only plain files are opened."""

    def __init__(self, path: Path) -> None:
        self.path, self.zip = path, None if path.is_dir() else zipfile.ZipFile(path)
        self.ids, self.twice, self.redacted, self.pruned = set[str](), list[int](), set[int](), 0
        self.read, self.first, self.last, self.absent = 0, "", "", list[int]()
        self.table: "IO[bytes] | None" = None
        self.same = True

    def open(self, name: str) -> "IO[bytes] | None":
        if self.zip is None:
            return (self.path / name).open("rb") if (self.path / name).is_file() else None
        return self.zip.open(name) if name in self.zip.NameToInfo else None

    def read_file(self, name: str, limit: int) -> bytes:
        """A file, of a longer one just so much that it is seen to be longer; nothing where there is none."""
        with self.open(name) or io.BytesIO() as file:
            return file.read(limit + 1)

    def tile(self, level: int, number: int, width: int) -> "list[bytes]":
        """The hashes of a tile."""
        data = self.read_file(f"tile/{level}/{write_number(number, width)}", WIDTH * HASH)
        need(len(data) == width * HASH, "tile", number * WIDTH ** (level + 1))
        return [data[at : at + HASH] for at in range(0, len(data), HASH)]

    def entries(self, number: int, width: int) -> "list[bytes]":
        """The entries whose hashes are a tile, each behind its length; no bytes for one without text."""
        file = self.open(f"tile/entries/{write_number(number, width)}")
        if file is None:
            return [b""] * width
        with file:
            data, found, at = file.read(MAX_BUNDLE + 1), list[bytes](), 0
        while len(found) < width and at < len(data):
            size = int.from_bytes(data[at : at + 2], "big")
            found.append(data[at + 2 : at + 2 + size])
            at += 2 + size if size <= MAX_LEAF else len(data) + 1
        need(len(found) == width and at == len(data), "entries", number * WIDTH)
        return found

    def take(self, index: int, leaf: bytes, case: str = "") -> bytes:
        """The hash of an entry that keeps every rule; with ``case``, one that names it."""
        need(len(leaf) <= MAX_LEAF, "leaf", index, "size")
        found = match(ENTRY, leaf.decode("latin-1"), "leaf", index, "form").groupdict("")
        values = {key: text.strip('["]').replace('","', " ") for key, text in found.items()}
        need(all(values[key] for key in ("ev", "id", "t", "v")), "leaf", index, "form")
        codes = {key: values[key] for key in ("ev", "dec", "rsn", "pur", "rol", "via")}
        at, named, lists = values["t"], bool(values["sub"]), (values["fld"], values["fno"], values["flg"])
        fault = find_fault(at[:10], named, *lists, **codes)
        need(not fault, "leaf", index, fault)
        need(case in ("", values["sub"]), "scope", index)
        need(at >= self.last, "time", index)
        self.read, self.first, self.last = self.read + 1, self.first or at, at
        self.twice += [index] * (values["id"] in self.ids)
        self.ids.add(values["id"])
        ref = int(values["ref"] or MAX_SIZE) if values["dec"] != "deny" else MAX_SIZE
        self.redacted |= {ref} if values["ev"] == "redact.entry" and ref < index else set()
        if values["ev"] == "retention.prune" and ref <= index and not ref % WIDTH:
            self.pruned = max(self.pruned, ref)
        if self.table and self.same:
            cells = (text if text[:1] not in "=+-@" else f"'{text}" for text in values.values())
            row = '","'.join((f'"{index}', *cells)) + '"\r\n'
            self.same = self.table.read(len(row)) == row.encode()
        return hashlib.sha256(b"\x00" + leaf).digest()

    def check(self, policy: Policy, older: "bytes | None") -> "dict[str, object]":
        """What the bundle proves; raises RefusedError with the first step that failed."""
        origin, size, root, cosigners = open_note(self.read_file("checkpoint", MAX_NOTE), "note", policy.keys)
        need(policy.has_quorum(cosigners), "note", None, "quorum")
        need(size <= MAX_SIZE, "note", None, "body")
        scope = match(SCOPE, self.read_file("scope", 128).decode("latin-1"), "scope", None, "")
        logs = {mark: key for mark, key in policy.keys.items() if key[0] == LOG and mark[0] == origin}
        old = open_note(older, "since", logs) if older is not None else None
        need(old is None or old[1] <= size, "since", size, "shrank")
        roots = self.check_entries(size, MAX_SIZE if scope[3] else min(int(scope[2] or 0), size) // WIDTH)
        self.check_above(roots[: size // WIDTH])
        need(tree_root(roots) == root, "root")
        if old:
            whole, more = divmod(old[1], WIDTH)
            part = self.tile(0, whole, min(WIDTH, size - whole * WIDTH))[:more] if more else []
            past = tree_root(roots[:whole] + [tree_root(part)] * bool(part))
            need(past == old[2], "since", None, "fork")
        if scope[3]:
            self.check_case(scope[3], size)
        else:
            self.check_rest()
        return {
            "ok": True,
            "origin": origin,
            "size": size,
            "root": root.hex(),
            "scope": scope[1],
            "read": self.read,
            "first": self.first or None,
            "last": self.last or None,
            "cosigners": cosigners,
            "redacted": [at for at in self.absent if at >= self.pruned],
            "pruned": self.pruned if self.absent and self.absent[0] < self.pruned else 0,
            "table": self.table is not None,
            "since": old and old[1],
        }
