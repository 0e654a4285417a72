"""Each rule of the house finds what it forbids: a check that cannot fail is void."""

import pytest

from tests.house import rules
from tests.house.rules import File, Rule

LONG = "def f():\n" + "    a = 1\n" * 39
REGISTRY = "".join(["x pypi", ".org"])

BROKEN: list[tuple[Rule, str, str]] = [
    (rules.short_file, "cases/a.py", "a = 1\n" * 300),
    (rules.short_functions, "cases/a.py", LONG),
    (rules.short_functions, "cases/a.py", "async " + LONG),
    (
        rules.short_functions,
        "cases/a.py",
        "class A:\n" + LONG.replace("    ", "        ").replace("def", "    def"),
    ),
    (rules.no_assert, "crypto/a.py", "def f():\n    assert True\n"),
    (rules.plain_types, "cases/a.py", "from __future__ import annotations\n"),
    (rules.plain_types, "cases/a.py", "from typing import TYPE_CHECKING\n"),
    (rules.plain_types, "cases/a.py", "from typing import Any as A\n"),
    (rules.plain_types, "cases/a.py", "from typing import cast\n"),
    (rules.plain_types, "cases/a.py", "import typing\na: typing.Any = 1\n"),
    (rules.reasoned_ignores, "cases/a.py", "a = 1  # type: ignore\n"),
    (rules.reasoned_ignores, "cases/a.py", "a = 1  # type: ignore[misc]\n"),
    (rules.reasoned_ignores, "cases/a.py", "a = 1  #type:ignore # because\n"),
    (rules.quiet, "service/app.py", "print(1)\n"),
    (rules.quiet, "audit/tree.py", "def f():\n    print(1)\n"),
    (rules.made_in_one_place, "service/flows/a.py", "Grant(fields=1)\n"),
    (rules.made_in_one_place, "service/wiring.py", "session.Principal()\n"),
    (rules.made_in_one_place, "service/house.py", "Receipt()\n"),
    (rules.made_in_one_place, "service/house.py", "object.__new__(Receipt)\n"),
    (rules.made_in_one_place, "service/house.py", "Receipt.__new__()\n"),
    (rules.opened_in_one_place, "service/flows/cases.py", "from crypto.envelope import open_field\n"),
    (rules.opened_in_one_place, "service/flows/cases.py", "envelope.open_field(key)\n"),
    (rules.opened_in_one_place, "service/flows/cases.py", "getattr(envelope, 'open_field')\n"),
    (rules.no_registry, "README.md", f"see {REGISTRY}\n"),
    (rules.no_address_in_locks, "requirements/run.txt", "--find-links a\n"),
    (rules.no_address_in_locks, "requirements/run.txt", "# from https://x\n"),
]

FINE: list[tuple[Rule, str, str]] = [
    (rules.short_file, "cases/a.py", "a = 1\n" * 299),
    (rules.short_file, "service/migrations/a.py", "a = 1\n" * 900),
    (rules.short_functions, "cases/a.py", LONG.removesuffix("    a = 1\n")),
    (rules.reasoned_ignores, "cases/a.py", "a = '# type: ignore'  # type: ignore[misc]  # because\n"),
    (rules.quiet, "service/cli/main.py", "print(1)\n"),
    (rules.quiet, "audit/verify.py", "print(1)\n"),
    (rules.made_in_one_place, "consent/grant.py", "Grant(fields=1)\n"),
    (rules.made_in_one_place, "service/store/log.py", "Receipt()\n"),
    (rules.opened_in_one_place, "service/flows/reveal.py", "from crypto.envelope import open_field\n"),
    (rules.opened_in_one_place, "crypto/envelope.py", "def open_field(): ...\n"),
    (rules.no_address_in_locks, "requirements/run.txt", "litestar==2.25.0 --hash=sha256:00\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_a_broken_rule_is_found(rule: Rule, path: str, text: str) -> None:
    """Each rule complains of what it forbids, with the file and the line."""
    complaints = list(rule(File(path=path, text=text)))
    assert len(complaints) >= 1
    assert all(complaint.startswith(f"{path}:") for complaint in complaints)


@pytest.mark.parametrize(("rule", "path", "text"), FINE)
def test_what_is_allowed_is_not_complained_of(rule: Rule, path: str, text: str) -> None:
    """No rule complains of what stands in its right place."""
    assert list(rule(File(path=path, text=text))) == []
