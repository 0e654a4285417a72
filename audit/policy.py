"""Trust policies (C2SP tlog-policy): which logs are known, which witnesses, and how many of them must have cosigned.

Rules:
1. The policy is the checker's own file. Nothing of it is ever taken from what is checked.
2. The size is capped first; a line that is not understood refuses the whole file.
3. Names are defined before they are used, and once; a key stands once; a name is a member of one group at most.
4. There is exactly one quorum line.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from audit.checkpoint import Checkpoint, Note, open_note, read_body, read_key
from audit.errors import NoteError, NoteFault, PolicyError, PolicyFault
from crypto.notes import COSIGNATURE, ED25519, VerifierKey

MAX_POLICY = 65_536  # bytes
_MOST_LINES = 512
_NUMBER = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_CONTACT = re.compile(r"[ \t]*# ?contact:[ \t]*(.{1,200})")
NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of witnesses or of groups: it has witnessed where ``threshold`` of its ``members`` have."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy: keys of logs, keys of witnesses by name, groups, the quorum's name (``none`` for no witness).

    ``urls`` are the addresses given behind the keys, by key name. ``contact`` is what a comment
    ``# contact: …`` says, for whoever reads a refusal; empty where there is none.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey]
    groups: Mapping[str, Group]
    quorum: str
    urls: Mapping[str, str]
    contact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A checkpoint that a policy accepts: what it says, and who cosigned it at which Unix second."""

    checkpoint: Checkpoint
    cosigners: tuple[tuple[str, int], ...]


class _Reader:
    """A policy while it is read, line by line."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, VerifierKey] = {}
        self.groups: dict[str, Group] = {}
        self.urls: dict[str, str] = {}
        self.used: set[str] = set()
        self.quorum = ""
        self.contact = ""
        self.kinds: dict[str, Callable[[list[str]], None]] = {
            "log": self.log,
            "witness": self.witness,
            "group": self.group,
            "quorum": self.end,
        }

    def line(self, text: str) -> None:
        words = re.split(r"[ \t]+", text.strip(" \t"))
        if words[0].startswith("#"):
            found = _CONTACT.fullmatch(text)
            self.contact = self.contact or (found[1].strip() if found else "")
        elif words != [""]:
            read = self.kinds.get(words[0])
            if read is None:
                raise PolicyError(PolicyFault.LINE)
            read(words[1:])

    def log(self, words: list[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise PolicyError(PolicyFault.LINE)
        self.logs.append(self._key(words, ED25519))

    def witness(self, words: list[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise PolicyError(PolicyFault.LINE)
        self._new(words[0])
        self.witnesses[words[0]] = self._key(words[1:], COSIGNATURE)

    def group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise PolicyError(PolicyFault.LINE)
        name, number, members = words[0], words[1], words[2:]
        self._new(name)
        for member in members:
            if not self._known(member) or member in self.used:
                raise PolicyError(PolicyFault.NAME)
            self.used.add(member)
        if number not in ("all", "any") and _NUMBER.fullmatch(number) is None:
            raise PolicyError(PolicyFault.LINE)
        threshold = len(members) if number == "all" else 1 if number == "any" else int(number)
        if threshold > len(members):
            raise PolicyError(PolicyFault.LINE)
        self.groups[name] = Group(threshold=threshold, members=tuple(members))

    def end(self, words: list[str]) -> None:
        if len(words) != 1:
            raise PolicyError(PolicyFault.LINE)
        if self.quorum or not (words[0] == NONE or self._known(words[0])):
            raise PolicyError(PolicyFault.QUORUM)
        self.quorum = words[0]

    def _known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _new(self, name: str) -> None:
        if name == NONE or self._known(name):
            raise PolicyError(PolicyFault.NAME)

    def _key(self, words: list[str], algorithm: int) -> VerifierKey:
        try:
            key = read_key(words[0])
        except NoteError:
            raise PolicyError(PolicyFault.KEY) from None
        if key.algorithm != algorithm or any(
            key.public == other.public for other in (*self.logs, *self.witnesses.values())
        ):
            raise PolicyError(PolicyFault.KEY)
        if len(words) > 1:
            self.urls[key.name] = words[1]
        return key


def read_policy(data: bytes) -> Policy:
    """The policy that a file's bytes say.

    Raises PolicyError with the fault and, where one line is at fault, its number from 1.
    """
    if len(data) > MAX_POLICY:
        raise PolicyError(PolicyFault.SIZE)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise PolicyError(PolicyFault.TEXT) from None
    lines = text.split("\n")
    if _CONTROL.search(text) or lines.pop() or len(lines) > _MOST_LINES:
        raise PolicyError(PolicyFault.TEXT)
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        try:
            reader.line(line)
        except PolicyError as error:
            raise PolicyError(error.fault, number) from None
    if not reader.quorum:
        raise PolicyError(PolicyFault.QUORUM)
    return Policy(
        logs=tuple(reader.logs),
        witnesses=reader.witnesses,
        groups=reader.groups,
        quorum=reader.quorum,
        urls=reader.urls,
        contact=reader.contact,
    )


def open_by_policy(note: str, policy: Policy) -> Cosigned:
    """The checkpoint of ``note``, if a log of the policy signed it under its origin, and the quorum cosigned it.

    Raises NoteError: SIZE, TEXT, SIGNATURE (a known key's line is false), UNSIGNED (no line of a known log),
    OTHER_KEY (a line bears a known log's name, of a key that is not the policy's), BODY, ORIGIN, QUORUM.
    """
    opened = open_note(note, policy.logs)
    checkpoint = read_body(opened.body)
    if checkpoint.origin not in {one.key.name for one in opened.signatures}:
        raise NoteError(NoteFault.ORIGIN)
    times = _cosignatures(note, policy)
    if policy.quorum not in _witnessed(policy, times):
        raise NoteError(NoteFault.QUORUM)
    return Cosigned(checkpoint=checkpoint, cosigners=tuple(sorted(times.items())))


def _cosignatures(note: str, policy: Policy) -> dict[str, int]:
    """When each witness of the policy that cosigned did, by its name in the policy."""
    by_key = {key: name for name, key in policy.witnesses.items()}
    try:
        found: Note = open_note(note, tuple(by_key))
    except NoteError as error:
        if error.fault in (NoteFault.UNSIGNED, NoteFault.OTHER_KEY):
            return {}
        raise
    return {by_key[one.key]: one.time or 0 for one in found.signatures}


def _witnessed(policy: Policy, cosigned: Iterable[str]) -> set[str]:
    """The witnesses and groups that have witnessed, and ``none``, which always has; groups stand behind members."""
    done = {NONE, *cosigned}
    for name, group in policy.groups.items():
        if len(done.intersection(group.members)) >= group.threshold:
            done.add(name)
    return done
