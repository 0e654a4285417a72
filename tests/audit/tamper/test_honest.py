"""No false alarm: what an honest log exports is accepted, and exactly what was taken out of it is told."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from audit.checkpoint import Checkpoint, sign_note, write_body
from audit.tiles import WIDTH
from audit.tree import root_of
from crypto.notes import public_of, write_vkey
from tests.audit.bundles import (
    COSIGNED_AT,
    POLICY,
    UNWITNESSED,
    WITNESS_VKEY,
    Files,
    of_case,
    since,
    whole,
)
from tests.audit.examples import ORIGIN, SEED, VKEY
from tests.audit.tamper.attempts import start_of, time_of
from tests.audit.tamper.logs import CASES, LARGE, SIZES, Honest, honest, with_gaps
from tests.audit.tamper.run import Shelf
from tests.audit.tamper.verifiers import Answer, ask

OTHERS = 0.1
"""The part of the bundles that every verifier is asked about."""
Record = Callable[[str, object], None]
MANY = 600
"""Up to this size every scope is tried in every way, above it in some."""


def accepted(log: Honest, scope: str, read: Sequence[bytes | None], old: int | None) -> Answer:
    """What must be said of an honest bundle in which these entries can be read."""
    hashes = log.log.all_hashes
    texts = [leaf for leaf in read if leaf is not None]
    first = start_of(int(scope.removeprefix("since "))) if scope.startswith("since ") else 0
    whole_scope = not scope.startswith("case ")
    return {
        "ok": True,
        "origin": ORIGIN,
        "size": len(hashes),
        "root": root_of(hashes).hex(),
        "scope": scope,
        "read": len(texts),
        "first": time_of(texts[0]).decode() if texts else None,
        "last": time_of(texts[-1]).decode() if texts else None,
        "cosigners": {"npo": COSIGNED_AT},
        "redacted": [at for at in log.redacted if at >= first] if whole_scope else [],
        "pruned": log.pruned if whole_scope and first < log.pruned else 0,
        "table": whole_scope,
        "since": old,
    }


def exports(random: Random, log: Honest) -> list[tuple[Files, str, Sequence[bytes | None]]]:
    """The log's bundles: whole, since three sizes, and of two cases; with the entries that can be read in each."""
    leaves = log.log.leaves
    made: list[tuple[Files, str, Sequence[bytes | None]]] = [(log.files, "whole", leaves)]
    for size in (0, random.randint(0, log.size), log.size):
        made.append((since(log.log, size), f"since {size}", leaves[start_of(size) :]))
    for case in random.sample(CASES, 2):
        mark = f'"sub":"{case}"'.encode()
        chosen = [leaf for leaf in leaves if leaf is not None and mark in leaf]
        made.append((of_case(log.log, case), f"case {case}", chosen))
    return made


def check_honest(log: Honest, random: Random, shelf: Shelf, most: int = 12) -> int:
    """All of the log's bundles are accepted, as folder and zip, with and without an older checkpoint; how many."""
    ways = [(*one, zipped) for one in exports(random, log) for zipped in (False, True)]
    tried = ways if len(ways) <= most else random.sample(ways, most)
    for files, scope, read, zipped in tried:
        path = (shelf.zip if zipped else shelf.hold)(files)
        for old in random.sample([None, 0, log.size, random.randint(0, log.size)], 2):
            note = None if old is None else log.log.note(old)
            found = ask(path, POLICY, note, others=random.random() < OTHERS and log.size <= MANY)
            assert found == accepted(log, scope, read, old), (log.size, scope, old)
    return 2 * len(tried)


@pytest.mark.parametrize("size", SIZES)
def test_an_honest_log_is_accepted(size: int, tmp_path: Path, record_property: Record) -> None:
    """Every size, scope and container, with older checkpoints of any size: accepted, and all of it is told."""
    record_property("honest_logs", check_honest(honest(size), Random(size), Shelf(tmp_path)))


@pytest.mark.parametrize("size", [size for size in SIZES if size > 1])
def test_what_was_taken_out_is_told_and_accepted(size: int, tmp_path: Path, record_property: Record) -> None:
    """Texts that an entry of the log redacted or pruned are no alarm; the answer names exactly these."""
    random, shelf, tried = Random(-size), Shelf(tmp_path), 0
    rounds, most = (4, 4) if size <= MANY else (1, 2)
    for _ in range(rounds):
        tried += check_honest(with_gaps(random, size), random, shelf, most)
    record_property("honest_logs", tried)


@pytest.mark.slow
def test_a_large_honest_log_is_accepted(tmp_path: Path, record_property: Record) -> None:
    """70,000 entries, with three levels of tiles and parts that are checked at once."""
    random, shelf = Random(LARGE), Shelf(tmp_path)
    tried = check_honest(honest(LARGE), random, shelf, 2) + check_honest(
        with_gaps(random, LARGE), random, shelf, 1
    )
    record_property("honest_logs", tried)


@pytest.mark.slow
@pytest.mark.parametrize("size", [2**power + step for power in range(13, 17) for step in (-1, 1)])
def test_an_honest_log_between_is_accepted(size: int, tmp_path: Path, record_property: Record) -> None:
    """Around each power of two up to where a third level of tiles begins."""
    record_property("honest_logs", check_honest(honest(size), Random(size), Shelf(tmp_path), 1))


def test_every_reach_of_a_pruning_is_told(tmp_path: Path) -> None:
    """Texts may be pruned below any multiple of 256, up to the newest entries, and redacted above."""
    random = Random(5)
    logs = [with_gaps(random, 1025) for _ in range(40)]
    pruned = [log for log in logs if log.pruned]
    assert {log.pruned for log in pruned} == {WIDTH, 2 * WIDTH, 3 * WIDTH, 4 * WIDTH}
    shelf = Shelf(tmp_path)
    for log in pruned[:8]:
        answer = ask(shelf.hold(log.files), POLICY)
        assert (answer["pruned"], answer["redacted"]) == (log.pruned, [*log.redacted])


def test_lines_of_unknown_keys_are_no_alarm(tmp_path: Path) -> None:
    """A note may bear lines of witnesses and logs that the policy does not name (C2SP signed-note)."""
    log, shelf = honest(257), Shelf(tmp_path)
    for line in ("— a.example QUJDREVG\n", f"— {ORIGIN}x QUJDREVG\n", "— npo.example/w1 QUJDREVG\n"):
        note = (log.note + line * 3).encode()
        assert ask(shelf.hold({**log.files, "checkpoint": note}), POLICY)["ok"] is True
    assert ask(shelf.hold(log.files), UNWITNESSED)["cosigners"] == {}


def test_files_that_are_not_named_are_not_read(tmp_path: Path) -> None:
    """A policy, a program or tiles too many in the bundle change nothing: nobody believes them."""
    log, shelf = honest(257), Shelf(tmp_path)
    theirs = {
        "policy.txt": b"quorum none\n",
        "verify.py": b"print('OK')",
        "tile/0/000.p/9": b"x",
        "tile/9/9": b"",
    }
    expected = accepted(log, "whole", log.log.leaves, None)
    assert ask(shelf.hold({**log.files, **theirs, "leaves": b"0 x\n"}), POLICY) == expected
    without_table = {name: data for name, data in log.files.items() if name != "entries.csv"}
    assert ask(shelf.hold(without_table), POLICY) == {**expected, "table": False}


def test_a_new_key_beside_the_old_is_accepted(tmp_path: Path) -> None:
    """While the log changes its key both sign, and a policy may name the one, the other or both."""
    log, shelf, seed = honest(31), Shelf(tmp_path), b"\x07" * 32
    text = write_body(Checkpoint(origin=ORIGIN, size=31, root=root_of(log.log.all_hashes)))
    second = sign_note(text, ORIGIN, seed).rpartition("\n\n")[2]
    path = shelf.hold({**log.files, "checkpoint": (log.note + second).encode()})
    new = write_vkey(ORIGIN, public_of(seed))
    rest = f"witness npo {WITNESS_VKEY}\nquorum npo\n"
    for policy in (POLICY, f"log {new}\n{rest}", f"log {new}\nlog {VKEY}\n{rest}"):
        assert ask(path, policy, sign_note(text, ORIGIN, SEED if VKEY in policy else seed))["ok"] is True
    assert whole(log.log)["checkpoint"] == log.note.encode()
