"""Honest logs to tamper with: of every size, about several cases, with texts taken out as the log itself says."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from audit.event import Decision, Entry, Event, Purpose, Reason, canonical
from audit.tiles import WIDTH
from audit.tree import leaf_hash
from tests.audit.bundles import Files, Log, whole
from tests.audit.examples import START, digest

LARGE = 70_000
SIZES = tuple(
    sorted({0, 1, 2, 3, 256, 512, 1024, *(2**power + step for power in range(2, 13) for step in (-1, 1))})
)
CASES = tuple(f"c_{digest(at).hex()[:32]}" for at in range(5))
ACTORS = tuple(f"u_{digest(at).hex()[:32]}" for at in range(100, 107))
OTHER_LOG = 1
_SMALL = SIZES[-1] + 3
_GROUP = 3  # so many entries have one time


@dataclass(frozen=True, slots=True, kw_only=True)
class Honest:
    """A log, its bundle with scope ``whole``, the indices redacted, and the index below which texts were pruned."""

    log: Log
    files: Files
    redacted: tuple[int, ...] = ()
    pruned: int = 0

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return len(self.log.leaves)

    @property
    def note(self) -> str:
        """The signed and cosigned checkpoint."""
        return self.files["checkpoint"].decode()

    @property
    def texts(self) -> list[bytes]:
        """The leaves of a log where none was taken out."""
        return [leaf for leaf in self.log.leaves if leaf is not None]


def time_at(index: int) -> datetime:
    """The time of an entry: three have the same, the next three are 30 milliseconds later."""
    return START + timedelta(milliseconds=10 * (index - index % _GROUP))


def entry_id(index: int, log: int = 0) -> bytes:
    """The id of an entry, another one in each log."""
    return digest(log << 40 | index)[:16]


@functools.cache
def _leaves(count: int, log: int) -> tuple[bytes, ...]:
    return tuple(canonical(_entry(index, log), time_at(index)) for index in range(count))


@functools.cache
def _hashes(count: int) -> tuple[bytes, ...]:
    return tuple(leaf_hash(leaf) for leaf in _leaves(count, 0))


def _entry(index: int, log: int) -> Entry:
    actor = ACTORS[(index + log) % len(ACTORS)]
    if index % 2:
        return Entry(event=Event.LOGIN_OK, id=entry_id(index, log), actor=actor)
    return Entry(
        event=Event.CASE_READ,
        id=entry_id(index, log),
        actor=actor,
        subject=CASES[index // 2 % len(CASES)],
        purpose=Purpose.FOOD_SUPPORT,
        fields=("dietary", "name"),
        decision=Decision.PERMIT,
    )


def leaves(size: int, log: int = 0) -> list[bytes]:
    """The first leaves of a log; another number, another log with the same times."""
    return list(_leaves(_SMALL if size <= _SMALL else LARGE, log)[:size])


def _log(size: int) -> Log:
    hashes = _hashes(_SMALL if size <= _SMALL else LARGE)[:size]
    return Log(leaves=tuple(leaves(size)), hashes=hashes)


@functools.lru_cache(maxsize=2 * len(SIZES))
def honest(size: int) -> Honest:
    """The log of this size; a larger one continues a smaller one."""
    log = _log(size)
    return Honest(log=log, files=whole(log))


@functools.cache
def note_of(size: int) -> str:
    """The signed and cosigned checkpoint of the honest log of this size."""
    return _log(size).note()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What to take out of a log: the entry at each key names the value to redact; one entry prunes below a number."""

    redactions: dict[int, int]
    prune_at: int = 0
    prune_below: int = 0


def draw_gaps(random: Random, size: int, *, most: int = 4, prune: bool = True) -> Gaps:
    """Some redactions and, in a log that is large enough, perhaps a pruning; ``size`` is 2 or more.

    Without a pruning there is one redaction at least.
    """
    below = random.choice(range(0, size, WIDTH)) if prune and size > WIDTH else 0
    prune_at = random.randrange(below, size) if below else 0
    redactions: dict[int, int] = {}
    for _ in range(random.randint(1, most)):
        ref, at = sorted(random.sample(range(size), 2))
        if not {ref, at} & {*redactions, *redactions.values(), *([prune_at] if below else [])}:
            redactions[at] = ref
    return Gaps(redactions=redactions, prune_at=prune_at, prune_below=below)


def redact_leaf(index: int, ref: int, decision: Decision | None = None) -> bytes:
    """The entry at ``index`` that takes out the text of ``ref``, or with DENY the refusal to."""
    entry = Entry(
        event=Event.REDACT_ENTRY,
        id=entry_id(index),
        actor=ACTORS[0],
        on_behalf_of=ACTORS[1],
        reference=ref,
        decision=decision,
        reason=Reason.SAME_PERSON if decision is Decision.DENY else None,
        detail=digest(ref),
    )
    return canonical(entry, time_at(index))


def prune_leaf(index: int, ref: int) -> bytes:
    """The entry at ``index`` that takes out the texts below ``ref``."""
    return canonical(Entry(event=Event.RETENTION_PRUNE, id=entry_id(index), reference=ref), time_at(index))


def take_out(size: int, gaps: Gaps) -> Honest:
    """The log of this size with these texts taken out, and the entries in it that say so."""
    texts = leaves(size)
    for at, ref in gaps.redactions.items():
        texts[at] = redact_leaf(at, ref)
    if gaps.prune_below:
        texts[gaps.prune_at] = prune_leaf(gaps.prune_at, gaps.prune_below)
    gone = {*gaps.redactions.values(), *range(gaps.prune_below)}
    log = Log(
        leaves=tuple(None if at in gone else text for at, text in enumerate(texts)),
        hashes=tuple(leaf_hash(text) for text in texts),
    )
    redacted = tuple(sorted(ref for ref in gaps.redactions.values() if ref >= gaps.prune_below))
    return Honest(log=log, files=whole(log), redacted=redacted, pruned=gaps.prune_below)


def with_gaps(random: Random, size: int) -> Honest:
    """A log of this size, from 2 on, with some texts taken out as it says itself."""
    return take_out(size, draw_gaps(random, size))


def without(log: Log, gone: Sequence[int]) -> Log:
    """The log with more texts gone, which nothing in it says."""
    missing = frozenset(gone)
    kept = (None if at in missing else leaf for at, leaf in enumerate(log.leaves))
    return Log(leaves=tuple(kept), hashes=log.all_hashes)
