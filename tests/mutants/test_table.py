"""The table of changes that no test can tell is read as it is meant, and follows the code."""

import importlib
import inspect

import pytest

from tests.mutants.run import TABLE, TITLE, Explained, Mutant, function_of, read_table

HEAD = f"x\n\n{TITLE}\nWords.\n\n| where | what is changed | why nothing changes |\n|---|---|---|\n"


def test_a_line_may_explain_several_changes() -> None:
    """Each is a piece of a line, and what it becomes; "nothing" takes it away."""
    row = "| `audit.tree.fold` | `1` → `2`; `, strict=True` → nothing | Because | it is so. |"
    text = f"{HEAD}{row}\n\n## More\n| `x` |\n"
    assert read_table(text) == [
        Explained(function="audit.tree.fold", old="1", new="2"),
        Explained(function="audit.tree.fold", old=", strict=True", new=""),
    ]
    assert read_table("no table") == []


@pytest.mark.parametrize(
    "line",
    [
        "| `audit.tree.fold` | all of it | Why. |",
        "| `audit.tree.fold` | `1` → `2` | |",
        "| `audit.tree.fold` | `1` → `2` and more | Why. |",
        "| `audit.tree.fold` | | Why. |",
        "| `audit tree` | `1` → `2` | Why. |",
    ],
)
def test_a_line_that_cannot_be_read_is_an_error(line: str) -> None:
    """Nothing is explained by a line that nobody understands."""
    with pytest.raises(ValueError, match="cannot be read"):
        read_table(f"{HEAD}{line}\n")


def test_a_change_is_explained_at_its_place_only() -> None:
    """The same function, and exactly this replacement, once, anywhere in the line."""
    row = Explained(function="audit.tree.fold", old="1", new="2")
    for new, explained in (
        ("a = 2 + 1", True),
        ("a = 1 + 2", True),
        ("a = 2 + 2", False),
        ("a = 1 + 3", False),
    ):
        assert row.explains(Mutant(function="audit.tree.fold", old="a = 1 + 1", new=new)) is explained
    assert not row.explains(Mutant(function="audit.tree.split", old="a = 1 + 1", new="a = 2 + 1"))


def test_a_mutants_name_is_that_of_its_function() -> None:
    """As mutmut names functions and methods, private ones too."""
    for name, function in (
        ("audit.tree.x_fold__mutmut_1", "audit.tree.fold"),
        ("audit.bundle.x__check_root__mutmut_10", "audit.bundle._check_root"),
        ("audit.whole.xǁWholeǁ_second__mutmut_8", "audit.whole.Whole._second"),
        ("audit.policy.xǁ_Readerǁ__init____mutmut_6", "audit.policy._Reader.__init__"),
    ):
        assert function_of(name) == function


def test_the_table_follows_the_code() -> None:
    """Each function that it names is there, and holds what is said to be changed."""
    rows = read_table(TABLE.read_text("utf-8"))
    assert len(rows) == len(set(rows)) > 10
    for row in rows:
        module, *inner = row.function.split(".")[1:]
        found: object = importlib.import_module(f"audit.{module}")
        for name in inner:
            found = getattr(found, name)
        assert callable(found)
        assert row.old in inspect.getsource(found), row
        assert row.old != row.new
