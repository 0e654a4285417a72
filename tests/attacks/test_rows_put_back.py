"""I15: old rows that somebody kept and puts back, their marks and all. What the log names does not come back."""

from datetime import timedelta

from service.flows.changes import stop_user
from service.flows.sweep import sweep
from tests.attacks.hands import keep, put_back, raw, write
from tests.service.checking import found
from tests.service.consenting import HOW
from tests.service.disk import on_disk
from tests.service.world import FIELDS, World

NAME, PHONE = str(FIELDS["name"]), str(FIELDS["phone"])


def check_nothing(world: World, case: str) -> None:
    """The recipient is shown nothing of the case, whatever it asks; after a restart neither."""
    for _ in range(2):
        for path in (f"/api/cases/{case}", f"/api/cases/{case}/requests", "/api/inbox"):
            answer = world("coordinator", "GET", path)
            assert NAME not in answer.text and PHONE not in answer.text
            assert answer.status_code != 200 or not answer.json().get("fields")
        world.close()
        world.open()


def test_a_withdrawal_is_not_undone_by_deleting_it(world: World) -> None:
    """The last event of a series cannot be taken away: its count and hash stand under the mark."""
    case, consent, _ = world.shared_case()
    grant = keep(world, "sealed_grant")
    assert world("caseworker", "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200
    write(world, ("DELETE FROM consent_event WHERE number = 2", ()))
    put_back(world, grant)
    check_nothing(world, case)


def test_a_withdrawal_is_not_undone_by_the_rows_of_before(world: World) -> None:
    """A whole earlier state, marks and all, is not believed: the log names the event that is missing."""
    case, consent, _ = world.shared_case()
    kept = [keep(world, table) for table in ("sealed_grant", "consent_series", "request", "bundle")]
    assert world("caseworker", "POST", f"/api/consents/{consent}/withdraw", HOW).status_code == 200
    write(world, ("DELETE FROM consent_event WHERE number = 2", ()))
    put_back(world, *kept)
    check_nothing(world, case)


def test_a_narrower_answer_is_not_undone_by_the_rows_of_before(world: World) -> None:
    """The same for one item: what the person took back stays taken back."""
    case, consent, _ = world.shared_case()
    kept = [keep(world, table) for table in ("sealed_grant", "consent_series", "bundle", "sealed")]
    answer = world.answer(("phone",))
    changed = world("caseworker", "POST", f"/api/consents/{consent}/change", answer, {"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    write(world, ("DELETE FROM consent_event WHERE number = 2", ()))
    put_back(world, *kept)
    check_nothing(world, case)


def test_a_stopped_user_who_was_put_back_stands_in_the_log_as_stopped(world: World) -> None:
    """Not prevented, but found: with the rows of before the user is in again; the log has `user.disable` of that user
    before every later look of theirs, and nothing that would have let them in again, and `tsunagi fsck` says so."""
    case = world.new_case()
    user = raw(world.ids["colleague"])
    columns = {"user": "id", "member_seal": "user", "unlock": "user", "session": "user"}
    kept = [keep(world, table, f"{column} = ?", user) for table, column in columns.items()]
    world.run(stop_user(world.house, "colleague"))
    assert world("colleague", "GET", f"/api/cases/{case}").status_code == 401
    put_back(world, *kept)
    world.clock.advance(timedelta(minutes=1))
    assert world("colleague", "GET", f"/api/cases/{case}").status_code == 200
    mine = world.ids["colleague"]
    stopped = [leaf for leaf in world.leaves() if leaf["ev"] == "user.disable" and leaf.get("obj") == mine]
    looked = [leaf for leaf in world.leaves() if leaf["ev"] == "case.read" and leaf.get("act") == mine]
    assert len(stopped) == len(looked) == 1 and str(stopped[0]["t"]) < str(looked[0]["t"])
    about = [leaf["ev"] for leaf in world.leaves() if leaf.get("obj") == mine and leaf["t"] > stopped[0]["t"]]  # type: ignore[operator]  # a time
    assert about == []
    assert found(world) == [f"old user {mine}", f"old member_seal {mine}"]


def test_a_deleted_grant_leaves_the_disk_with_the_next_sweep(world: World) -> None:
    """Whoever copies the files later finds no grant of a consent that ended: neither in the database nor in its WAL."""
    _, consent, _ = world.shared_case()
    sealed = world.sql("SELECT sealed FROM sealed_grant")[0][0]
    assert isinstance(sealed, bytes) and sealed in on_disk(world)
    world("caseworker", "POST", f"/api/consents/{consent}/withdraw", HOW)
    world.run(sweep(world.house))
    assert sealed not in on_disk(world)
