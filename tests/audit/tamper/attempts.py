"""Attempts to tamper, the refusals that each may meet, and who tampers.

Four kinds of attacker, each of whom has what the one before has:
`entries_only` edits the entry bundles; `without_key` has the database and makes every other file anew;
`resigned` and `copied` have the log's signing key too, but not the witness's; `cosigned` fooled even the witness.
"""

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from audit.errors import EntryError, ProofFault, WitnessFault
from audit.layout import bundle_path, bundles_of, tile_path, tiles_of, write_bundle
from audit.tiles import WIDTH
from audit.tree import leaf_hash
from tests.audit.bundles import POLICY, UNWITNESSED, Files, Log, entry_bundles, hash_tiles, table
from tests.audit.tamper.logs import Honest, note_of

_TIME = re.compile(rb'"t":"([^"]*)"')
_MOST_WITH_TABLE = 600


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a verifier says where it refuses."""

    step: str
    index: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A bundle that must be refused: its files, what the auditor brings, and the refusals that may be given."""

    files: Files
    expected: frozenset[Refusal]
    policy: str = POLICY
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofAttempt:
    """A proof that must be refused: what checks it, and the faults that it may be refused for."""

    check: Callable[[], None]
    expected: frozenset[ProofFault | WitnessFault]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What somebody made of an honest log.

    ``at`` is the first index where it differs. ``rule`` is what the log's own rules say of it whoever signed:
    ``leaf`` and ``time`` before the hashes are compared, ``unique`` and ``absent`` behind.
    """

    honest: Honest
    leaves: Sequence[bytes]
    at: int
    rule: Refusal | None = None

    @property
    def early(self) -> Refusal | None:
        """The rule that is broken, if it is one that is found before hashes are compared."""
        return self.rule if self.rule is not None and self.rule.step in ("leaf", "time") else None


Edit = Callable[[Random, Honest], Changed]
Make = Callable[[Random, Honest], Attempt | ProofAttempt]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to tamper, and the smallest log on which it can be tried."""

    make: Make
    smallest: int = 1


def refused(step: str, index: int | None = None, fault: str | None = None) -> frozenset[Refusal]:
    """The one refusal that may be given."""
    return frozenset({Refusal(step, index, fault)})


def time_of(leaf: bytes) -> bytes:
    """The time that a leaf says; sorts as time."""
    found = _TIME.search(leaf)
    assert found is not None
    return found[1]


def goes_back(leaves: Sequence[bytes]) -> Refusal | None:
    """The first entry that is earlier than the one before."""
    times = [time_of(leaf) for leaf in leaves]
    at = next((at for at in range(1, len(times)) if times[at] < times[at - 1]), None)
    return None if at is None else Refusal("time", at)


def start_of(index: int) -> int:
    """The first index in the same entry bundle."""
    return index // WIDTH * WIDTH


def found_in_place(changed: Changed) -> frozenset[Refusal]:
    """How changed entries are refused by hashes that were not changed: entry by entry, rules before hashes."""
    early = changed.early
    if early is not None and early.index == changed.at:
        return frozenset({early})
    return refused("tile", changed.at)


def repacked(leaves: Sequence[bytes], size: int) -> Files:
    """The entry bundles of a log of ``size`` that hold these leaves; the last one holds what is too many."""
    made = {}
    tiles = list(bundles_of(size))
    for tile in tiles:
        stop = len(leaves) if tile == tiles[-1] else (tile.number + 1) * WIDTH
        made[bundle_path(tile)] = write_bundle(leaves[tile.number * WIDTH : stop])
    return made


def entries_only(changed: Changed) -> Attempt:
    """Nothing but the entry bundles is changed."""
    size = changed.honest.size
    first, last = start_of(min(changed.at, size - 1)), start_of(size - 1)
    held = len(changed.leaves) - first
    fits = (held if first == last else min(held, WIDTH)) == min(size - first, WIDTH)
    expected = found_in_place(changed) if fits else refused("entries", first)
    return Attempt(files={**changed.honest.files, **repacked(changed.leaves, size)}, expected=expected)


def one_bundle(changed: Changed) -> Attempt:
    """An entry was taken out of its bundle, or put in, and nothing else was changed."""
    tile = next(one for one in bundles_of(changed.honest.size) if one.number == changed.at // WIDTH)
    first, more = tile.number * WIDTH, len(changed.leaves) - changed.honest.size
    bundle = write_bundle(changed.leaves[first : first + tile.width + more])
    return Attempt(
        files={**changed.honest.files, bundle_path(tile): bundle}, expected=refused("entries", first)
    )


def rebuilt(changed: Changed) -> tuple[Log, Files]:
    """The changed log, and every file of its bundle but the checkpoint, all fitting each other."""
    honest_log = changed.honest.log
    kept = honest_log.all_hashes[: changed.at]
    hashes = (*kept, *(leaf_hash(leaf) for leaf in changed.leaves[changed.at :]))
    log = Log(leaves=changed.leaves, hashes=hashes)
    files = {
        "scope": b"tsunagi-export/v1\nwhole\n",
        **hash_tiles(hashes),
        **entry_bundles(changed.leaves),
    }
    if len(hashes) <= _MOST_WITH_TABLE:
        with contextlib.suppress(EntryError):  # no table can hold such an entry: the attacker leaves it out
            files["entries.csv"] = table(changed.leaves)
    return log, files


def first_missing(files: Files, size: int) -> frozenset[Refusal]:
    """How files are refused that are those of another size: the first tile that is missing, else the root."""
    for tile in tiles_of(size):
        if tile_path(tile) not in files:
            return refused("tile", tile.number * WIDTH ** (tile.level + 1))
    return refused("root")


def without_key(changed: Changed) -> Attempt:
    """Every file fits the changed entries, but the checkpoint is the honest one."""
    _, files = rebuilt(changed)
    size = changed.honest.size
    expected = first_missing(files, size)
    (found,) = expected
    early = changed.early
    whole_tiles = size if found.step == "root" or found.index is None else found.index
    if early is not None and early.index is not None and early.index < whole_tiles:
        expected = frozenset({early})
    return Attempt(
        files={**files, "checkpoint": changed.honest.files["checkpoint"]},
        expected=expected,
    )


def sign(log: Log, files: Files, *, cosigned: bool = False) -> Files:
    """The files with a checkpoint that the log's own key signed, and the witness only where it was fooled."""
    note = log.note() if cosigned else replace(log, witnesses=()).note()
    return {**files, "checkpoint": note.encode()}


def resigned(changed: Changed) -> Attempt:
    """Signed again with the log's key; the witness's line is gone."""
    return Attempt(files=sign(*rebuilt(changed)), expected=refused("note", None, "quorum"))


def copied(changed: Changed) -> Attempt:
    """Signed again with the log's key; the witness's line is copied from the honest checkpoint."""
    files = sign(*rebuilt(changed))
    line = changed.honest.files["checkpoint"].splitlines(keepends=True)[-1]
    files["checkpoint"] += line
    return Attempt(files=files, expected=refused("note", None, "signature"))


def cosigned(changed: Changed) -> Attempt:
    """Signed again, and cosigned by a witness that was fooled: what breaks a rule of the log is found all the same."""
    assert changed.rule is not None
    return Attempt(files=sign(*rebuilt(changed), cosigned=True), expected=frozenset({changed.rule}))


def saved(random: Random, changed: Changed) -> Attempt:
    """Signed again and shown to an auditor whose policy names no witness, but who kept an older checkpoint."""
    size = len(changed.leaves)
    old = random.randint(changed.at + 1, changed.honest.size)
    expected = refused("since", None, "fork") if old <= size else refused("since", size, "shrank")
    if changed.early is not None and old <= size:
        expected = frozenset({changed.early})
    return Attempt(
        files=sign(*rebuilt(changed)),
        expected=expected,
        policy=UNWITNESSED,
        since=note_of(old),
    )


def by(attacker: Callable[[Changed], Attempt], edit: Edit, smallest: int = 1) -> Variant:
    """The edit by this attacker."""
    return Variant(make=lambda random, log: attacker(edit(random, log)), smallest=smallest)


def attackers(edit: Edit, smallest: int = 1, *, breaks_a_rule: bool = False) -> tuple[Variant, ...]:
    """The edit by every attacker; ``breaks_a_rule``: one that the log's own rules refuse, whoever signed."""
    plain = (entries_only, without_key, resigned, copied, *((cosigned,) if breaks_a_rule else ()))
    return (
        *(by(attacker, edit, smallest) for attacker in plain),
        Variant(make=lambda random, log: saved(random, edit(random, log)), smallest=smallest),
    )
