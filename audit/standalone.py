"""Checks an exported access log offline, trusting nobody: one file, Python 3.9 or newer, nothing to install.

    python3 verify.py BUNDLE --policy FILE [--since CHECKPOINT] [--json]

BUNDLE is the folder or zip that was handed over, FILE your own policy and never one that came with it, CHECKPOINT a
note that you kept. Nothing else is read, nothing written or sent. ``Bundle.check`` follows formats.md, section 26, up
to the first step that fails; each file is read up to a limit. Exit codes: 0 accepted, 1 refused, 2 not checked.
"""

import argparse
import base64
import errno
import functools
import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import IO, NoReturn
from unicodedata import normalize

WIDTH, HASH, MAX_SIZE = 256, 32, 2**40  # hashes in a complete tile; bytes in a hash; entries in a log
MAX_NOTE, MAX_LEAF, MAX_BUNDLE = 65_536, 2_048, 524_800  # bytes; a policy is as long as a note
WORDS = """ok OK: the records are unaltered / 記録は書き換えられていません
case OK: these entries are in the log; whether they are all is not proved / 含まれていますが、全部とは限りません
note REFUSED: the checkpoint is not to be believed / チェックポイントを信じることができません
since REFUSED: the log does not continue the older checkpoint / 前のチェックポイントから続いていません
else REFUSED: entries were changed, moved, added or taken away / 記録が書き換え、追加、または削除されています
call Keep this bundle, use the log no further, and call / この書き出しを保管し、記録の使用を止め、次に連絡してください：
whom the auditors and the city's information security officer / 監査担当と市の情報セキュリティ担当"""


class RefusedError(Exception):
    """What failed: the step, the index of the entry (or the line of the policy) at fault or None, the fault's code."""


def refuse(step: str, index: "int | None" = None, fault: "str | None" = None) -> NoReturn:
    """Stop the check: what stands before the ``or`` does not hold."""
    raise RefusedError(step, index, fault)


# Signatures: Ed25519 of RFC 8032, section 5.1, as strict as libsodium's crypto_sign_open.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ZERO = -121665 * pow(121666, -1, P) % P, (0, 1, 1, 0)
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
    point = eight = (x, y, 1, x * y % P)
    for _ in range(3):
        eight = add(eight, eight)
    return point if y < P and x * x % P == square and eight[0] else ZERO  # no small order


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key's holder signed the message, section 5.1.7: [S]B - [k]A is R."""
    key, r, s = read_point(public), read_point(signature[:32]), int.from_bytes(signature[32:], "little")
    fits = len(public) == 32 and len(signature) == 64 and ZERO not in (key, r) and s < L
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    base, minus = read_point(b"X" + 31 * b"f"), (P - key[0], key[1], 1, P - key[3])  # y of the base is 4/5
    table, total = (ZERO, base, minus, add(base, minus)), ZERO
    for bit in range(252, -1, -1):  # both products in one pass, from the highest bit on
        total = add(add(total, total), table[(s >> bit & 1) + 2 * (k >> bit & 1)])
    return fits and (total[0] - r[0] * total[2]) % P == 0 and (total[1] - r[1] * total[2]) % P == 0


# Policies and signed notes: sections 18, 24 and 26.
LOG, WITNESS = 1, 4  # kinds of keys
Keys = dict[tuple[str, bytes], tuple[int, bytes, str]]  # name, mark: kind, 32 bytes, name in the policy
ANY, LAST = "[A-Za-z0-9+/]", "[AEIMQUYcgkosw048]"  # of base64; LAST before a single "=" leaves no spare bits
NAME, BLOB = r"([^ +\n]{1,255})", rf"((?:{ANY}{{4}})+(?:{ANY}{{2}}{LAST}=|{ANY}{{4}}(?:{ANY}[AQgw]==)?))"
NOTE = re.compile(r"([^\x00-\x09\x0b-\x1f\ud800-\udfff]+\n)\n((?:— [^\n]+\n){1,100})")
LINES = re.compile(r"(?:[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*\n){0,512}")
VKEY = re.compile(rf"{NAME}\+([0-9a-f]{{8}})\+({ANY}{{44}})")


class Policy:
    """A trust policy (C2SP tlog-policy): keys of logs and witnesses, groups of witnesses, who must have cosigned."""

    def __init__(self, data: bytes) -> None:
        self.keys: Keys = {}
        self.groups: dict[str, tuple[int, list[str]]] = {"none": (0, [])}  # a witness is one of one
        self.members, self.quorum, text = {"none"}, "", data.decode("utf-8", "surrogateescape")
        len(data) <= MAX_NOTE or refuse("policy", None, "size")
        LINES.fullmatch(text) or refuse("policy", None, "text")
        for number, line in enumerate(text.split("\n"), 1):
            self.take(number, *re.split(r"[ \t]+", line.strip(" \t")))
        self.quorum or refuse("policy", None, "quorum")
        self.contact = (re.findall(r"(?m)^[ \t]*# ?contact:[ \t]*(\S.{0,199})$", text) or [""])[0].strip()

    def take(self, number: int, word: str, *words: str) -> None:
        if (word, len(words)) in {("log", 1), ("log", 2), ("witness", 2), ("witness", 3)}:
            kind, name, text = (LOG, "", words[0]) if word == "log" else (WITNESS, words[0], words[1])
            name not in self.groups or refuse("policy", number, "name")
            found = VKEY.fullmatch(text) or refuse("policy", number, "key")
            data, known = base64.b64decode(found[3]), {key[1] for key in self.keys.values()}
            mark = hashlib.sha256(found[1].encode() + b"\n" + data).digest()[:4]
            good = found[1].isprintable() and mark.hex() == found[2] and data[0] == kind
            (good and data[1:] not in known) or refuse("policy", number, "key")
            self.keys[found[1], mark] = kind, data[1:], name
            self.groups |= {name: (1, [name])} if name else {}
        elif word == "group" and len(words) > 2:
            name, count, *members = words
            fresh = {*members} & {*self.groups} - self.members  # a name is a member once, "none" never
            (name not in self.groups and len(fresh) == len(members)) or refuse("policy", number, "name")
            count = {"all": str(len(members)), "any": "1"}.get(count, count)
            count in map(str, range(1, len(members) + 1)) or refuse("policy", number, "line")
            self.groups[name] = int(count), members
            self.members.update(members)
        elif word == "quorum" and len(words) == 1:
            (not self.quorum and words[0] in self.groups) or refuse("policy", number, "quorum")
            self.quorum = words[0]
        else:
            not word or word.startswith("#") or refuse("policy", number, "line")


def open_note(data: bytes, step: str, keys: Keys) -> "tuple[str, int, bytes, dict[str, int]]":
    """Origin, size and root that a log signed, and which witnesses cosigned them at which Unix second."""
    len(data) <= MAX_NOTE or refuse(step, None, "size")
    note = NOTE.fullmatch(data.decode("utf-8", "surrogateescape")) or refuse(step, None, "text")
    forms = [re.fullmatch(f"— {NAME} {BLOB}", line) for line in note[2].split("\n")[:-1]]
    lines = [(form[1], base64.b64decode(form[2])) for form in forms if form and form[1].isprintable()]
    len(lines) == len(forms) or refuse(step, None, "text")
    signed: dict[int, dict[tuple[str, bytes], int]] = {LOG: {}, WITNESS: {}}
    false = set()  # the kinds of keys with a line that is false or stands twice
    for mark, signature in [((name, blob[:4]), blob[4:]) for name, blob in lines if (name, blob[:4]) in keys]:
        (kind, public, _), seconds, message = keys[mark], int.from_bytes(signature[:8], "big"), note[1]
        if kind == WITNESS:  # who signs the time too
            message, signature = f"cosignature/v1\ntime {seconds}\n{message}", signature[8:]
        late = kind == WITNESS and seconds >> 63
        if mark in signed[kind] or late or not is_signed(public, message.encode(), signature):
            false.add(kind)
        signed[kind][mark] = seconds
    LOG not in false or refuse(step, None, "signature")
    named = {name for (name, _), key in keys.items() if key[0] == LOG} & {name for name, _ in lines}
    signed[LOG] or refuse(step, None, "other_key" if named else "unsigned")
    form = re.fullmatch(rf"{NAME}\n(0|[1-9][0-9]{{0,18}})\n({ANY}{{42}}{LAST}=)\n", note[1])
    origin, size, root = form.groups() if form and form[1].isprintable() else refuse(step, None, "body")
    origin in {name for name, _ in signed[LOG]} or refuse(step, None, "origin")
    WITNESS not in false or refuse(step, None, "signature")
    times = {keys[mark][2]: seconds for mark, seconds in signed[WITNESS].items()}
    return origin, int(size), base64.b64decode(root), times


# Entries: section 21. A form is a value's one text; the codes in it must stand on their lists as well.
EVENTS = """case: assign close create list read scan search update clock: step consent: change confirm end expire give
invalidate refuse renew request tell withdraw deny: suppressed disclosure: approve ask issue erase: case export: csv
print xlsx field: release flag: check raise key: pin revoke rotate seal ledger: read write log: continue export open
search verify login: fail lock ok member: certify confirm invite remove mfa: enrol reset organisation: add password:
change reset policy: change redact: entry request: accept cancel complete decline draft send stop retention: prune
role: change session: end system: start stop user: add disable witness: add remove"""
LISTS = """rsn: awaiting_witness closed conditions disabled ended expired idle invalidated logout no_key
no_second_factor not_a_party not_accepted_yet not_addressee not_asked not_assigned not_live not_offered not_told
password_changed refused role role_changed same_person stale throttled too_late too_old unknown_id unknown_login
withdrawn wrong_code wrong_password wrong_state rol: admin auditor caseworker intermediary npo_coordinator
npo_volunteer supervisor pur: audit case_review disclosure food_support own_work via: api cli csv job mail print ui
dec: permit deny flg: after_hours bulk practice"""
GROUP = re.compile(r"(\w+):((?:\s+\w+(?!:|\w))*)")  # a word with a colon, and those up to the next
CODES = {key: {*words.split()} for key, words in GROUP.findall(LISTS)}
CODES["ev"] = {f"{group}.{word}" for group, words in GROUP.findall(EVENTS) for word in words.split()}
ABOUT_A_CASE = ("case", "consent", "request", "ledger", "field", "disclosure", "erase")
ABOUT_MANY, ABOUT_ANY, BEFORE = ("case.scan", "case.search"), "case.list", ("unknown_id", "role", "throttled")
ID, HASHED, NUMBER, CODE = "[0-9a-f]{32}", "[0-9a-f]{64}", "(?:0|[1-9][0-9]{0,11})", "[a-z_]{1,40}"
SEVERAL = r'\["[a-z][a-z0-9_]{0,39}"(?:,"[a-z][a-z0-9_]{0,39}")*\]'
TIME = r"2[0-9]{3}-[01][0-9]-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
NO_DAY = re.compile("....-(00|1[3-9]|..-(00|3[2-9])|02-3.|0[469]-31|11-31)")  # and 29 February of most years
FORMS = rf"""act:"u_{ID}"?  cns:"k_{ID}:[1-9][0-9]{{0,8}}:{HASHED}"?  dec:"[a-z]{{1,40}}"?  det:"{ANY}{{42}}{LAST}="?
dig:"{HASHED}"?  ev:"[a-z]{{1,20}}\.[a-z]{{1,20}}"  fld:{SEVERAL}?  flg:{SEVERAL}?  fno:{SEVERAL}?  id:"{ID}"
n:{NUMBER}?  obj:"[abd-z]_{ID}"?  obo:"u_{ID}"?  org:"o_{ID}"?  pol:"sha256:{HASHED}"?  pur:"{CODE}"?  ref:{NUMBER}?
rid:"[0-9a-f]{{16,64}}"?  rol:"{CODE}"?  rsn:"{CODE}"?  ses:"[0-9a-f]{{16,64}}"?  sub:"c_{ID}"?  t:"{TIME}"
v:1  via:"[a-z]{{1,40}}"?"""  # a key, its value, and ? where it may be left out
PART = r'(?:"\1":(?P<\1>\2)(?:,(?=")|(?=\})))\3'  # a comma where another key follows
ENTRY = re.compile(r"\{" + re.sub(r"(\w+):(\S+?)(\??)(?:\s+|$)", PART, FORMS) + r"\}")
HEADER = ("\ufeff" + ",".join(f'"{key}"' for key in ("index", *ENTRY.groupindex)) + "\r\n").encode()
PARTS = re.compile(r"([^/\\:\0]*[^/\\:\0. ]/)+")  # none ends with a dot, as ".." does, or a space
SCOPE = re.compile(r"tsunagi-export/v1\n(whole|since (0|[1-9][0-9]{0,12})|case (c_[0-9a-f]{32}))\n")


@functools.lru_cache(maxsize=4096)
def find_fault(day: str, named: bool, **values: str) -> str:
    """What is wrong with the values of an entry that has its form: the fault's code, or nothing."""
    codes, denied = {key: values[key].split() for key in values}, values["dec"] == "deny"
    about = values["ev"].split(".")[0] in ABOUT_A_CASE and values["ev"] not in {*ABOUT_MANY, ABOUT_ANY}
    faults = (
        ("code", any({*codes[key]} - CODES[key] for key in CODES if key != "flg")),
        ("reason", denied and not codes["rsn"]),
        ("fields", any(row != sorted({*row}) for row in codes.values()) or {*codes["fld"]} & {*codes["fno"]}),
        ("code", {*codes["flg"]} - CODES["flg"]),
        ("purpose", codes["fld"] and not codes["pur"]),
        ("subject", named and values["ev"] in ABOUT_MANY),
        ("subject", about and not named and not (denied and values["rsn"] in BEFORE)),
        ("time", NO_DAY.match(day) or ("02-29" in day and int(day[:4]) % (400 if day[2:4] == "00" else 4))),
    )
    return next((fault for fault, found in faults if found), "")


def tree_root(row: "list[bytes]") -> bytes:
    """The root over these hashes, section 22: two by two, level by level; the last of an odd row moves up as it is."""
    while len(row) > 1:
        pairs = [row[at] + row[at + 1] for at in range(0, len(row) - 1, 2)]
        row = [hashlib.sha256(b"\x01" + pair).digest() for pair in pairs] + row[2 * len(pairs) :]
    return row[0] if row else hashlib.sha256().digest()


class Bundle:
    """A folder or zip, section 26. Names of files are made here, never read; only plain files are opened."""

    def __init__(self, path: Path) -> None:
        self.path, self.zip, self.rows = path, None if path.is_dir() else self.open_zip(path), bytearray()
        self.read, self.first, self.last, self.pruned, self.same = 0, "", "", 0, True
        self.ids, self.twice, self.absent, self.redacted = set[str](), list[int](), list[int](), set[int]()

    def open_zip(self, path: Path) -> zipfile.ZipFile:
        """A zip of plain files that every program unpacks under the same names; nothing is unpacked here."""
        path.is_file() or not path.exists() or refuse("scope", None, "text")  # a pipe would never end
        file, names = zipfile.ZipFile(path), set[str]()
        for one in file.infolist():
            name, extra = normalize("NFC", one.orig_filename.removesuffix("/").casefold()) + "/", one.extra
            while extra and extra[:2] != b"up":  # fields: mark, length, so many bytes; "up" is another name
                extra = extra[4 + int.from_bytes(extra[2:4], "little") :]
            plain = one.compress_type in (0, 8) and not one.flag_bits & ~0x80E and not extra
            plain = plain and 0 <= one.header_offset < file.start_dir and one.external_attr >> 28 != 10
            (plain and PARTS.fullmatch(name) and name not in names) or refuse("scope", None, "text")
            names.add(name)
        return file

    def open(self, name: str, number: int = -1, width: int = WIDTH) -> "IO[bytes] | None":
        """A file; with a number the tile or entries of that number below ``name``. None where there is none."""
        if number >= 0:
            *groups, last = [f"{group:0>3}" for group in f"{number:,}".split(",")]
            name = "/x".join([name, *groups]) + f"/{last}" + f".p/{width}" * (width < WIDTH)
        if self.zip is None:
            return (self.path / name).open("rb") if (self.path / name).is_file() else None
        return self.zip.open(name) if name in self.zip.NameToInfo else None

    def load(self, limit: int, name: str, number: int = -1, width: int = WIDTH, gone: bytes = b"") -> bytes:
        """The bytes of a file, of one that is too long one too many; ``gone`` where there is none."""
        with self.open(name, number, width) or io.BytesIO(gone) as file:
            return file.read(limit + 1)

    def tile(self, level: int, number: int, width: int) -> "list[bytes]":
        data = self.load(WIDTH * HASH, f"tile/{level}", number, width)
        len(data) == width * HASH or refuse("tile", number * WIDTH ** (level + 1))
        return [data[at : at + HASH] for at in range(0, len(data), HASH)]

    def entries(self, number: int, width: int) -> "list[bytes]":
        """The entries whose hashes are a tile, each behind its length, which is 0 where the text is gone."""
        data = self.load(MAX_BUNDLE, "tile/entries", number, width, gone=bytes(2 * width))
        found, at = list[bytes](), 0
        while len(found) < width and at < len(data):
            size = int.from_bytes(data[at : at + 2], "big")
            found.append(data[at + 2 : at + 2 + size])
            at += 2 + size if size <= MAX_LEAF else MAX_BUNDLE
        (len(found) == width and at == len(data)) or refuse("entries", number * WIDTH)
        return found

    def take(self, index: int, leaf: bytes, case: str = "") -> bytes:
        """The hash of an entry that keeps every rule and, with ``case``, names it."""
        len(leaf) <= MAX_LEAF or refuse("leaf", index, "size")
        parts = (ENTRY.fullmatch(leaf.decode("latin-1")) or refuse("leaf", index, "form")).groupdict("")
        values = {key: text.strip('["]').replace('","', " ") for key, text in parts.items()}
        ruled = {key: values[key] for key in (*CODES, "fld", "fno")}
        if fault := find_fault(values["t"][:10], bool(values["sub"]), **ruled):
            refuse("leaf", index, fault)
        case in ("", values["sub"]) or refuse("scope", index)
        values["t"] >= self.last or refuse("time", index)
        self.read, self.first, self.last = self.read + 1, self.first or values["t"], values["t"]
        self.twice += [index] * (values["id"] in self.ids)
        self.ids.add(values["id"])
        ref = int(values["ref"]) if values["ref"] and values["dec"] != "deny" else MAX_SIZE
        self.redacted |= {ref} if values["ev"] == "redact.entry" and ref < index else set()
        if values["ev"] == "retention.prune" and ref <= index and ref % WIDTH == 0:
            self.pruned = max(self.pruned, ref)
        if self.table:
            cells = (f"'{text}" if text[:1] in {*"=+-@"} else text for text in values.values())
            self.rows += ('","'.join([f'"{index}', *cells]) + '"\r\n').encode()
        return hashlib.sha256(b"\x00" + leaf).digest()

    def check_tiles(self, size: int, first: int) -> "list[bytes]":
        """Every tile, from below, with the entries from bundle ``first`` on. The roots of the lowest tiles."""
        roots = list[bytes]()
        for number in range(-(-size // WIDTH)):
            width, start = min(WIDTH, size - number * WIDTH), number * WIDTH
            leaves = self.entries(number, width) if number >= first else []
            hashes = self.tile(0, number, width)
            self.absent += [at for at, leaf in enumerate(leaves, start) if not leaf]
            for at, leaf in enumerate(leaves, start):
                not leaf or self.take(at, leaf) == hashes[at - start] or refuse("tile", at)
            roots.append(tree_root(hashes))
            if (number - first) % 64 == 63 or start + width == size:  # the rows of so many entries at once
                self.same = self.same and (not self.table or self.table.read(len(self.rows)) == self.rows)
                self.rows.clear()
        row, level = roots[: size // WIDTH], 1
        while row:
            parts = [row[at : at + WIDTH] for at in range(0, len(row), WIDTH)]
            for number, part in enumerate(parts):
                self.tile(level, number, len(part)) == part or refuse("tile", number * WIDTH ** (level + 1))
            row, level = [tree_root(part) for part in parts if len(part) == WIDTH], level + 1
        return roots

    def check_case(self, case: str, size: int) -> None:
        """One case's entries, a line each, in their places; that they are all is not proved."""
        last = -1
        with self.open("leaves") or refuse("entries") as file:
            while line := file.readline(MAX_LEAF + 16):
                line.endswith(b"\n") or refuse("entries")
                parts = re.fullmatch(rb"(0|[1-9][0-9]{0,12}) ([^\n]*)\n", line)
                index, leaf = (int(parts[1]), parts[2]) if parts else (-1, b"")
                last < index < size or refuse("entries", max(last, 0))
                last, number, hashed = index, index // WIDTH, self.take(index, leaf, case)
                hashes = self.tile(0, number, min(WIDTH, size - number * WIDTH))
                hashed == hashes[index % WIDTH] or refuse("tile", index)

    def check(self, policy: Policy, older: "bytes | None") -> "dict[str, object]":
        """What the bundle proves; raises RefusedError with the first step that failed."""
        origin, size, root, times = open_note(self.load(MAX_NOTE, "checkpoint"), "note", policy.keys)
        done = {*times}
        for name, (count, members) in policy.groups.items():  # each stands behind its members
            done |= {name} if len(done.intersection(members)) >= count else set()
        policy.quorum in done or refuse("note", None, "quorum")
        size <= MAX_SIZE or refuse("note", None, "body")
        said = SCOPE.fullmatch(self.load(128, "scope").decode("latin-1"))
        scope, since, case = (said or refuse("scope")).groups()
        logs = {mark: key for mark, key in policy.keys.items() if (key[0], mark[0]) == (LOG, origin)}
        old = None if older is None else open_note(older, "since", logs)
        old is None or old[1] <= size or refuse("since", size, "shrank")
        self.table = self.open("entries.csv")
        with self.table or io.BytesIO():
            self.same = not self.table or bool(case) or self.table.read(len(HEADER)) == HEADER
            roots = self.check_tiles(size, MAX_SIZE if case else min(int(since or 0), size) // WIDTH)
            tree_root(roots) == root or refuse("root")
            if old:
                at, more = divmod(old[1], WIDTH)
                part = [tree_root(self.tile(0, at, min(WIDTH, size - at * WIDTH))[:more])] if more else []
                tree_root(roots[:at] + part) == old[2] or refuse("since", None, "fork")
            if case:
                self.check_case(case, size)
            case or not self.twice or refuse("unique", self.twice[0])
            absent = [at for at in self.absent if at >= self.pruned]
            missing = [at for at in absent if at not in self.redacted]
            not missing or refuse("absent", missing[0])
            (self.same and not (self.table and (self.table.read(1) or case))) or refuse("table")
        log = {"ok": True, "origin": origin, "size": size, "root": root.hex(), "cosigners": times}
        span = {"scope": scope, "read": self.read, "first": self.first or None, "last": self.last or None}
        gone = {"redacted": absent, "pruned": self.pruned * (absent != self.absent)}
        return {**log, **span, **gone, "since": old and old[1], "table": self.table is not None}


def say(said: "dict[str, object]") -> str:
    """The outcome in plain words, each thing that was found, and whom to call where it is bad."""
    japanese = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "").startswith("ja")
    words = {key: text.split(" / ")[japanese] for key, text in re.findall(r"(\w+) (.+)", WORDS)}
    accepted = words["case" if str(said.get("scope")).startswith("case") else "ok"]
    lines = [accepted if said["ok"] else words.get(str(said["step"]), words["else"])]
    lines += [f"  {key}: {value}" for key, value in said.items() if value not in (None, []) and key != "call"]
    return "\n".join(lines if said["ok"] else [*lines, f"{words['call']} {said['call'] or words['whom']}"])


def main(argv: "list[str] | None" = None) -> int:
    """Check one bundle and say so; the exit code."""
    parser = argparse.ArgumentParser(usage="verify.py BUNDLE --policy FILE [--since CHECKPOINT] [--json]")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--policy", type=Path, required=True)
    parser.add_argument("--since", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    try:
        with given.policy.open("rb") as file, (given.since or given.policy).open("rb") as kept:
            policy, older = Policy(file.read(MAX_NOTE + 1)), kept.read(MAX_NOTE + 1) if given.since else None
        said = Bundle(given.bundle).check(policy, older)
    except Exception as error:  # whatever zipfile raises for a damaged zip, EINVAL for a seek to nowhere
        lost = isinstance(error, OSError) and (error.filename or error.errno not in (None, errno.EINVAL))
        lost = lost or isinstance(error, MemoryError) or given.bundle.is_dir()
        if lost and not isinstance(error, RefusedError):
            parser.error(f"{type(error).__name__}: {error}")  # with exit code 2
        step, index, fault = error.args if isinstance(error, RefusedError) else ("scope", None, "text")
        step != "policy" or parser.error(f"{given.policy}:{index or ''} {fault}")
        said = {"ok": False, "step": step, "index": index, "fault": fault, "call": policy.contact or None}
    print(json.dumps(said, sort_keys=True, ensure_ascii=False) if given.json else say(said))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
