"""The project keeps the rules of the house (house.md)."""

import re
from pathlib import Path

import pytest

from tests.house.rules import FILE_RULES, PACKAGES, PRODUCT_RULES, ROOT, File, Rule, product, read_files

EXCEPTIONS: dict[str, frozenset[str]] = {}
"""By rule, the ``path`` that may break it for now. This list may only shrink."""


@pytest.fixture(scope="module")
def files() -> list[File]:
    """Every text file of the project."""
    return read_files()


def complain(rule: Rule, files: list[File]) -> list[str]:
    """What a rule says of the files, exceptions left out."""
    excepted = EXCEPTIONS.get(rule.__name__, frozenset())
    return [complaint for file in files if file.path not in excepted for complaint in rule(file)]


@pytest.mark.parametrize("rule", PRODUCT_RULES, ids=lambda rule: rule.__name__)
def test_the_six_packages_keep_the_rules(rule: Rule, files: list[File]) -> None:
    """Each rule holds in every Python file of the six packages."""
    assert complain(rule, product(files)) == []


@pytest.mark.parametrize("rule", FILE_RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rules(rule: Rule, files: list[File]) -> None:
    """Each rule on text holds in every file of the project."""
    assert complain(rule, files) == []


def test_exceptions_are_still_needed(files: list[File]) -> None:
    """An exception whose file keeps the rule by now is taken off the list."""
    by_name = {rule.__name__: rule for rule in (*PRODUCT_RULES, *FILE_RULES)}
    broken = {name: {file.path for file in files if any(by_name[name](file))} for name in EXCEPTIONS}
    assert {name: paths - broken[name] for name, paths in EXCEPTIONS.items() if paths - broken[name]} == {}


def test_every_package_was_looked_at(files: list[File]) -> None:
    """The rules were tried on files of all six packages, not on none."""
    assert {file.path.split("/")[0] for file in product(files)} == set(PACKAGES)


def test_every_seeded_defect_names_a_test_that_exists(files: list[File]) -> None:
    """The first line of each patch names a test file and a function in it."""
    for file in files:
        if not re.fullmatch(r"tests/seeded/[^/]+\.patch", file.path):
            continue
        named = re.match(r"# fails: (tests/[\w/]+\.py)::(?:\w+::)*(test_\w+)(?:\[.+\])?\n", file.text)
        assert named is not None, (
            f"{file.path}:1: the first line must be '# fails: tests/…/test_x.py::test_name'"
        )
        test = ROOT / Path(named[1])
        assert test.is_file(), f"{file.path}:1: there is no {named[1]}"
        assert f"def {named[2]}(" in test.read_text("utf-8"), f"{file.path}:1: {named[1]} has no {named[2]}"


def test_packages_are_regular(files: list[File]) -> None:
    """Each folder of product and tests that holds Python has an __init__.py, so that names are unique."""
    paths = {file.path for file in files}
    holders = {path.rpartition("/")[0] for path in paths if path.endswith(".py")}
    wanted = {f"{holder}/__init__.py" for holder in holders if holder.split("/")[0] in (*PACKAGES, "tests")}
    assert sorted(wanted - paths - {"tests/seeded/__init__.py"}) == []
