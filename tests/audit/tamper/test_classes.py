"""The offline check finds every class of tampering, names the step that found it, and the index where there is one."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.audit.tamper.classes import CLASSES, Tampering
from tests.audit.tamper.logs import LARGE, SIZES
from tests.audit.tamper.run import Planned, Shelf, plan, try_planned

MANY = 600
"""Up to this size every variant is tried; of larger logs some variants."""
SOME = 2
FEWEST = 300
"""So many attempts a class at least."""

Record = Callable[[str, object], None]


def attempts_of(kind: Tampering) -> list[Planned]:
    """What is tried of a class: small logs of every size with every variant, several times; some large ones."""
    small = plan(kind, [size for size in SIZES if size <= MANY])
    rounds = max(2, -(-FEWEST // len(small)))
    random = Random(kind.name)
    large = [one for size in SIZES if size > MANY for one in _some(random, plan(kind, [size]))]
    return [one.again(number) for number in range(rounds) for one in small] + large


def _some(random: Random, planned: list[Planned]) -> list[Planned]:
    return random.sample(planned, min(SOME, len(planned)))


def test_24_classes_are_each_tried_many_times() -> None:
    """24 classes; each is tried 300 times or more, with every variant, on every size where it can be."""
    assert len(Tampering) == 24 and set(CLASSES) == set(Tampering)
    for kind, variants in CLASSES.items():
        tried = attempts_of(kind)
        assert len(tried) >= FEWEST and len(set(tried)) == len(tried), kind
        assert {one.variant for one in tried} == {*range(len(variants))}, kind
        smallest = min(one.smallest for one in variants)
        assert {one.size for one in tried} == {size for size in SIZES if size >= smallest}, kind


@pytest.mark.parametrize("kind", Tampering, ids=lambda kind: kind.name.lower())
def test_every_tampering_is_found(kind: Tampering, tmp_path: Path, record_property: Record) -> None:
    """Every attempt of the class is refused, by the step and at the index that the class names."""
    shelf, tried = Shelf(tmp_path), attempts_of(kind)
    for one in tried:
        try_planned(one, shelf)
    record_property("tamperings", len(tried))


@pytest.mark.slow
def test_every_tampering_of_a_large_log_is_found(tmp_path: Path, record_property: Record) -> None:
    """The same in a log of 70,000 entries, with three levels of tiles and parts that are checked at once."""
    shelf, random = Shelf(tmp_path), Random(LARGE)
    tried = [one for kind in Tampering for one in _some(random, plan(kind, [LARGE]))]
    for one in tried:
        try_planned(one, shelf)
    record_property("tamperings", len(tried))
