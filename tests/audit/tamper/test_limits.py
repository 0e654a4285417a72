"""What the offline check cannot find, so that nobody believes it does: what no witness and no auditor had seen."""

from pathlib import Path
from random import Random

import pytest

from tests.audit.bundles import POLICY, UNWITNESSED, of_case, since
from tests.audit.tamper import edits
from tests.audit.tamper.attempts import Edit, resigned
from tests.audit.tamper.logs import CASES, honest, note_of
from tests.audit.tamper.run import Shelf
from tests.audit.tamper.verifiers import ask

UNRULED = (
    edits.edit_digit,
    edits.edit_time_unseen,
    edits.edit_actor,
    edits.swap_equal,
    edits.delete_first,
    edits.delete_middle,
    edits.truncate,
    edits.truncate_and_go_on,
    edits.insert,
    edits.take_from_other_log,
    edits.take_all_from_other_log,
)


@pytest.mark.parametrize("edit", UNRULED)
def test_only_what_is_held_outside_finds_a_thorough_forger(edit: Edit, tmp_path: Path) -> None:
    """With the database and the log's key a log can be made anew; the witness or an older checkpoint finds it.

    So the forgeries of this folder are without fault but the one that they are refused for.
    """
    shelf = Shelf(tmp_path)
    for size in (3, 31, 257, 513):
        for number in range(4):
            changed = edit(Random(number), honest(size))
            path = shelf.hold(resigned(changed).files)
            assert ask(path, UNWITNESSED)["ok"] is True
            assert ask(path, POLICY)["fault"] == "quorum"
            before = min(changed.at, len(changed.leaves))
            assert ask(path, UNWITNESSED, note_of(before))["ok"] is True
            assert ask(path, UNWITNESSED, note_of(size))["step"] == "since"


def test_a_rollback_is_found_by_who_has_seen_more(tmp_path: Path) -> None:
    """An older export is honest in itself; it is old only to somebody who kept a newer checkpoint."""
    path = Shelf(tmp_path).hold(honest(31).files)
    assert ask(path, POLICY)["ok"] is True and ask(path, POLICY, note_of(31))["ok"] is True
    assert ask(path, POLICY, note_of(33)) == {
        "ok": False,
        "step": "since",
        "index": 31,
        "fault": "shrank",
        "call": None,
    }


def test_one_cases_entries_are_never_said_to_be_all(tmp_path: Path) -> None:
    """Lines may be left out of a bundle of one case; the answer's scope says that it proves inclusion only."""
    log, case, shelf = honest(257), CASES[1], Shelf(tmp_path)
    files = of_case(log.log, case)
    lines = files["leaves"].splitlines(keepends=True)
    for kept in (lines[1:], lines[:-1], lines[::2], []):
        answer = ask(shelf.hold({**files, "leaves": b"".join(kept)}), POLICY)
        assert (answer["ok"], answer["scope"], answer["read"]) == (True, f"case {case}", len(kept))


def test_a_scope_is_told_as_it_stands(tmp_path: Path) -> None:
    """Nobody signs the scope: a bundle that says less than it could is accepted, and says so."""
    log, shelf = honest(513), Shelf(tmp_path)
    files = {name: data for name, data in log.files.items() if name != "entries.csv"}
    for size in (256, 300, 512, 513):
        answer = ask(shelf.hold({**files, "scope": since(log.log, size)["scope"]}), POLICY)
        read = 513 - size // 256 * 256
        assert (answer["ok"], answer["scope"], answer["read"]) == (True, f"since {size}", read)
