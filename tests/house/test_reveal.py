"""Record, commit, then reveal, kept on the syntax tree; and lists that two packages must agree on."""

import ast
from pathlib import Path

from audit import codes
from policies.decide import Reason
from policies.who import Role

ROOT = Path(__file__).resolve().parents[2]
OPENERS = frozenset({"open_for_release", "open_for_computing"})
SPENDING = frozenset({"release", "compute"})


def _functions(path: Path) -> list[ast.AsyncFunctionDef | ast.FunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)]


def _calls(node: ast.AST) -> list[ast.Call]:
    return [each for each in ast.walk(node) if isinstance(each, ast.Call)]


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def test_each_opener_spends_its_receipt_before_it_opens_anything() -> None:
    """Nothing is decrypted before the receipt of its committed entry is spent; the receipt has no default."""
    found = {f.name: f for f in _functions(ROOT / "service/flows/reveal.py") if f.name in OPENERS}
    assert found.keys() == OPENERS
    for function in found.values():
        assert "receipt" in [argument.arg for argument in function.args.args]
        assert not function.args.defaults and not function.args.kw_defaults
        calls = sorted(_calls(function), key=lambda call: (call.lineno, call.col_offset))
        spent = [call.lineno for call in calls if _name(call) in SPENDING]
        opened = [call.lineno for call in calls if _name(call) == "_open"]
        assert len(spent) == 1 and opened and spent[0] < min(opened), function.name


def test_openers_are_called_with_a_receipt_of_what_was_committed() -> None:
    """A receipt comes from a commit: it is a parameter named so, or an element of ``committed.receipts``."""
    seen = 0
    for path in sorted((ROOT / "service").rglob("*.py")):
        for function in _functions(path):
            for call in _calls(function):
                if _name(call) not in OPENERS:
                    continue
                seen += 1
                receipt = ast.unparse(call.args[2])
                assert receipt in {"receipt", "committed.receipts[0]"}, (
                    f"{path.name}:{call.lineno}: {receipt}"
                )
    assert seen >= 3


def test_jobs_never_open_values() -> None:
    """A function that is handed a transaction seals, decides and records; it opens nothing."""
    for path in sorted((ROOT / "service").rglob("*.py")):
        for function in _functions(path):
            if "tx" not in [argument.arg for argument in function.args.args]:
                continue
            names = {_name(call) for call in _calls(function)}
            assert not names & (OPENERS | {"open_reading"}), f"{path.name}:{function.name}"


def test_the_log_knows_every_role_and_every_reason_of_the_policies() -> None:
    """audit and policies do not know each other; what one says the other can write down."""
    assert {role.value for role in Role} == {role.value for role in codes.Role}
    assert {reason.value for reason in Reason} <= {reason.value for reason in codes.Reason}
