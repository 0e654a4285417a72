"""A log whose own key signed another tree: a fork, another size, an older checkpoint in place of the newest."""

import base64
from dataclasses import replace
from random import Random

from audit.checkpoint import Checkpoint, cosign, sign_note, with_lines, write_body
from tests.audit.bundles import COSIGNED_AT, WITNESS, since
from tests.audit.examples import ORIGIN, SEED, digest
from tests.audit.tamper.attempts import Attempt, Changed, first_missing, rebuilt, refused, sign
from tests.audit.tamper.edits import edit_digit, truncate_and_go_on
from tests.audit.tamper.logs import LARGE, Honest, honest, note_of


def regrown(random: Random, log: Honest) -> Attempt:
    """Truncated, grown again with other entries, signed and cosigned; the auditor kept what was cut off."""
    changed = truncate_and_go_on(random, log)
    return fork_of(random, changed)


def fork_of(random: Random, changed: Changed) -> Attempt:
    """A fork that even the witness cosigned, against a checkpoint that the auditor kept."""
    old = random.randint(changed.at + 1, changed.honest.size)
    return Attempt(
        files=sign(*rebuilt(changed), cosigned=True),
        expected=refused("since", None, "fork"),
        since=note_of(old),
    )


def fork_of_one_entry(random: Random, log: Honest) -> Attempt:
    """One digit in the past is another one."""
    return fork_of(random, edit_digit(random, log))


def fork_of_the_same_size(random: Random, log: Honest) -> Attempt:
    """Two signed checkpoints of one size with two roots."""
    attempt = fork_of_one_entry(random, log)
    return replace(attempt, since=log.note)


def fork_below_since(random: Random, log: Honest) -> Attempt:
    """A fork in a bundle with scope ``since``, below the entries that it holds."""
    changed = edit_digit(random, log)
    forged, _ = rebuilt(changed)
    old = random.randint(changed.at + 1, log.size)
    return Attempt(files=since(forged, old), expected=refused("since", None, "fork"), since=note_of(old))


def saved_fork(random: Random, log: Honest) -> Attempt:
    """The bundle is honest; what the auditor was shown once was a fork."""
    old = honest(random.randint(1, log.size))
    forged, _ = rebuilt(edit_digit(random, old))
    return Attempt(files=log.files, expected=refused("since", None, "fork"), since=forged.note())


def fork_of_nothing(random: Random, log: Honest) -> Attempt:
    """A signed checkpoint of size 0 whose root is not that of the empty tree."""
    text = write_body(Checkpoint(origin=ORIGIN, size=0, root=digest(random.randrange(1000))))
    return Attempt(
        files=log.files, expected=refused("since", None, "fork"), since=sign_note(text, ORIGIN, SEED)
    )


def other_size(random: Random, log: Honest) -> int:
    """A size that is not the log's, near it or far."""
    near = [log.size + step for step in (-256, -2, -1, 1, 2, 255, 256)]
    sizes = (*near, 0, 256, random.randrange(2 * log.size + 300))
    return random.choice([size for size in sizes if size >= 0 and size != log.size])


def size_note(log: Honest, size: int, *, cosigned: bool = False) -> str:
    """A note that the log's key signed: the honest root under another size."""
    root = base64.b64decode(log.note.split("\n")[2])
    text = write_body(Checkpoint(origin=ORIGIN, size=size, root=root))
    note = sign_note(text, ORIGIN, SEED)
    return with_lines(note, cosign(text, WITNESS, COSIGNED_AT)) if cosigned else note


def size_unsigned(random: Random, log: Honest) -> Attempt:
    """Another number under the old signatures."""
    note = log.note.replace(f"\n{log.size}\n", f"\n{other_size(random, log)}\n", 1)
    return Attempt(
        files={**log.files, "checkpoint": note.encode()}, expected=refused("note", None, "signature")
    )


def size_resigned(random: Random, log: Honest) -> Attempt:
    """Another number, signed again without the witness."""
    note = size_note(log, other_size(random, log))
    return Attempt(files={**log.files, "checkpoint": note.encode()}, expected=refused("note", None, "quorum"))


def size_cosigned(random: Random, log: Honest) -> Attempt:
    """Another number that everybody signed: the tiles are not those of that size."""
    size = other_size(random, log)
    note = size_note(log, size, cosigned=True)
    return Attempt(files={**log.files, "checkpoint": note.encode()}, expected=first_missing(log.files, size))


def size_cosigned_with_tiles(random: Random, log: Honest) -> Attempt:
    """Another number that everybody signed, and all files fit it; the root is that of the true size."""
    sizes = (log.size - 2, log.size - 1, log.size + 1, log.size + 2, random.randrange(log.size + 1))
    size = random.choice([one for one in sizes if 0 <= one <= LARGE and one != log.size])
    note = size_note(log, size, cosigned=True)
    return Attempt(files={**honest(size).files, "checkpoint": note.encode()}, expected=refused("root"))


def rolled_back(random: Random, log: Honest) -> Attempt:
    """The whole bundle is an honest older one; the auditor has seen more."""
    old = random.randrange(log.size)
    seen = random.randint(old + 1, log.size)
    return Attempt(
        files=honest(old).files,
        expected=refused("since", old, "shrank"),
        since=note_of(seen),
    )


def rolled_back_alone(random: Random, log: Honest) -> Attempt:
    """Only the checkpoint is an older one; the auditor has seen more."""
    attempt = rolled_back(random, log)
    return replace(attempt, files={**log.files, "checkpoint": attempt.files["checkpoint"]})


def rolled_back_unseen(random: Random, log: Honest) -> Attempt:
    """Only the checkpoint is an older one, and the auditor kept none: the files are those of a larger log."""
    old = random.randrange(log.size)
    files = {**log.files, "checkpoint": note_of(old).encode()}
    expected = first_missing(files, old)
    return Attempt(files=files, expected=refused("table") if expected == refused("root") else expected)
