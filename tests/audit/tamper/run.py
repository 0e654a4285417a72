"""Runs attempts: each must be refused, by the step and at the index that its class names."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from audit.errors import ProofError, WitnessError
from tests.audit.bundles import Files, save
from tests.audit.tamper.attempts import Attempt, ProofAttempt, Refusal
from tests.audit.tamper.classes import CLASSES, Tampering
from tests.audit.tamper.logs import honest
from tests.audit.tamper.verifiers import Answer, ask

_ZIPS = 0.1  # the part of the bundles that is saved as a zip
_OTHERS = 0.05  # the part of them that every verifier is asked about, up to a size
_MOST_FOR_OTHERS = 600


class Shelf:
    """Where bundles lie to be checked, one after the other."""

    def __init__(self, folder: Path) -> None:
        """An empty shelf."""
        self._folder = folder / "bundle"
        self._zips = folder
        self._held: Files = {}
        self._made = 0

    def hold(self, files: Files) -> Path:
        """A folder with these files and no others; only what differs from the last ones is written."""
        for name in self._held.keys() - files.keys():
            (self._folder / name).unlink()
        for folder in {name.rpartition("/")[0] for name in files}:
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            if self._held.get(name) != data:
                (self._folder / name).write_bytes(data)
        self._held = dict(files)
        return self._folder

    def zip(self, files: Files) -> Path:
        """A zip with these files, under a name that was not used before."""
        self._made += 1
        return save(files, self._zips / f"{self._made}.zip")


def refusal_of(answer: Answer) -> Refusal | None:
    """What was refused and where; None where the bundle was accepted."""
    if answer["ok"]:
        return None
    assert set(answer) == {"ok", "step", "index", "fault", "call"}
    step, index, fault = answer["step"], answer["index"], answer["fault"]
    assert isinstance(step, str) and isinstance(index, int | None) and isinstance(fault, str | None)
    return Refusal(step, index, fault)


def check_attempt(attempt: Attempt, shelf: Shelf, random: Random, size: int, *, what: str) -> None:
    """The bundle is refused, and for what it may be refused for."""
    zipped, others = random.random() < _ZIPS, size <= _MOST_FOR_OTHERS and random.random() < _OTHERS
    path = (shelf.zip if zipped else shelf.hold)(attempt.files)
    found = refusal_of(ask(path, attempt.policy, attempt.since, others=others))
    assert found in attempt.expected, f"{what}: {found}, not one of {sorted(map(str, attempt.expected))}"
    if zipped:
        path.unlink()


def check_proof(attempt: ProofAttempt, *, what: str) -> None:
    """The proof is refused, and for what it may be refused for."""
    try:
        attempt.check()
    except (ProofError, WitnessError) as error:
        assert error.fault in attempt.expected, f"{what}: {error.fault!r}, not one of {attempt.expected}"
    else:
        raise AssertionError(f"{what}: accepted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One attempt to make: the class, which of its variants, the size of the honest log, and which time."""

    kind: Tampering
    variant: int
    size: int
    round: int = 0

    def again(self, number: int) -> "Planned":
        """The same, drawn anew."""
        return replace(self, round=number)


def plan(kind: Tampering, sizes: Iterable[int]) -> list[Planned]:
    """Every variant of a class, on every size that it can be tried on."""
    return [
        Planned(kind=kind, variant=number, size=size)
        for size in sizes
        for number, variant in enumerate(CLASSES[kind])
        if variant.smallest <= size
    ]


def try_planned(planned: Planned, shelf: Shelf) -> None:
    """Makes the attempt on the honest log, and checks that it is refused."""
    random = Random(repr(planned))
    attempt = CLASSES[planned.kind][planned.variant].make(random, honest(planned.size))
    if isinstance(attempt, ProofAttempt):
        check_proof(attempt, what=repr(planned))
    else:
        check_attempt(attempt, shelf, random, planned.size, what=repr(planned))
