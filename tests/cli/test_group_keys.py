"""Who holds the group's seed, who hands it over, and that nobody else ever has it."""

import pytest

from cases.ids import OrganisationId
from crypto.context import ROOT_LABELS, member_context
from crypto.envelope import root_open
from crypto.errors import CryptoError, OpenError
from crypto.keys import RootKey, UserKeys
from crypto.sealing import open_member
from policies.who import Role
from service.flows.administration import (
    NewUser,
    Problem,
    add_organisation,
    add_user,
    present_member,
    reset_user,
    set_role,
    stop_user,
)
from service.house import House
from service.store.organisations import OrganisationKind
from tests.cli.people import count, group_of, refused, root_of, row_of, seed_of, staffed
from tests.cli.town import ANSWERS, Town, password_of, prove


def test_the_first_member_makes_the_group_and_later_ones_get_the_same(town: Town) -> None:
    """One seed an organisation: the first member's, sealed on by a member who is present."""
    staffed(town)
    assert group_of(town, "super") == group_of(town, "case")
    assert count(town, "group_key") == 1


def test_two_organisations_have_two_groups(town: Town) -> None:
    """The NPO's seed is not the city's."""
    staffed(town).add("npo", Role.NPO_COORDINATOR, town.npo)
    assert group_of(town, "npo") != group_of(town, "super")


def test_a_further_member_needs_one_who_is_present(town: Town) -> None:
    """Nobody at the console gets the seed for a newcomer by the root key alone; nothing is half written."""
    town.add("super", Role.SUPERVISOR)
    before = (count(town, "user"), count(town, "member_seal"), len(town.city_events()))
    assert refused(lambda: town.add("case", Role.CASEWORKER)) is Problem.MEMBER_NEEDED
    assert (count(town, "user"), count(town, "member_seal"), len(town.city_events())) == before


@pytest.mark.parametrize("present", ["admin", "npo"])
def test_only_a_key_holder_of_the_same_organisation_hands_the_seed_over(town: Town, present: str) -> None:
    """Neither the administrator nor another organisation's member can."""
    staffed(town).add("npo", Role.NPO_COORDINATOR, town.npo)
    passwords = {"admin": ANSWERS.password, "npo": password_of("npo")}
    new = NewUser(
        login="new", name="新", organisation=town.made.city, role=Role.CASEWORKER, password=password_of("new")
    )

    async def work(house: House) -> object:
        return await add_user(house, new, await present_member(house, present, passwords[present]))

    assert refused(lambda: town.run(work)) is Problem.NOT_A_MEMBER


@pytest.mark.parametrize("change", ["stop", "role", "reset"])
def test_who_is_present_is_believed_again_in_the_transaction(town: Town, change: str) -> None:
    """A member whose rights changed after the password was checked hands nothing over."""
    staffed(town).add("second", Role.SUPERVISOR, present="super")
    new = NewUser(
        login="new", name="新", organisation=town.made.city, role=Role.CASEWORKER, password=password_of("new")
    )

    async def change_rights(house: House) -> object:
        if change == "stop":
            return await stop_user(house, "second")
        if change == "role":
            return await set_role(house, "second", Role.CASEWORKER)
        return await reset_user(house, "second", "an entirely new secret", await prove(house, "super"))

    async def work(house: House) -> object:
        present = await prove(house, "second")
        await change_rights(house)
        return await add_user(house, new, present)

    assert refused(lambda: town.run(work)) is Problem.NOT_A_MEMBER


def test_a_small_role_hands_over_only_where_no_greater_one_could(town: Town) -> None:
    """With a supervisor in the house a caseworker confirms nobody; without one, growing is still possible."""
    town.add("case", Role.CASEWORKER)
    town.add("super", Role.SUPERVISOR, present="case")
    assert refused(lambda: town.add("late", Role.CASEWORKER, present="case")) is Problem.NOT_FOR_ROLE


def everybody(town: Town) -> dict[str, tuple[bytes, UserKeys]]:
    """Administrator, auditor and intermediary: their ids and all the keys that their passwords open."""
    office, middle = town.run(_two_offices)
    town.add("auditor", Role.AUDITOR, office)
    town.add("middle", Role.INTERMEDIARY, middle)
    passwords = {"admin": ANSWERS.password, "auditor": None, "middle": None}
    return {
        login: (row_of(town, login).id.bytes, UserKeys.from_seed(seed_of(town, login, password)))
        for login, password in passwords.items()
    }


async def _two_offices(house: House) -> tuple[OrganisationId, OrganisationId]:
    office = await add_organisation(house, name="監査", kind=OrganisationKind.AUDIT_OFFICE)
    return office, await add_organisation(house, name="中間支援", kind=OrganisationKind.INTERMEDIARY)


def every_blob(town: Town) -> list[bytes]:
    """Every BLOB of every row of every table."""
    tables = [str(row[0]) for row in town.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [
        value
        for table in tables
        for row in town.rows(f'SELECT * FROM "{table}"')
        for value in row
        if isinstance(value, bytes)
    ]


def test_no_row_opens_the_group_for_administrator_auditor_or_intermediary(town: Town) -> None:
    """Every blob of the database is tried with their keys and the root key: none is the group's seed."""
    staffed(town)
    holders = everybody(town)
    group, root = group_of(town, "super"), root_of(town)
    (id, epoch), pinned = town.rows('SELECT "group", epoch FROM group_key')[0], group
    assert isinstance(id, bytes) and isinstance(epoch, int)
    members = [row_of(town, login).id.bytes for login in ("super", "case")]
    tried = 0
    for blob in every_blob(town):
        assert group.seed not in blob
        for user, held in holders.values():
            for place in (user, *members):
                tried += 1
                with pytest.raises(OpenError):
                    open_member(
                        root, blob, id, epoch, place, held, pinned.x25519_public, pinned.ed25519_public
                    )
    assert tried > 300


def test_under_the_root_key_alone_lies_no_seed(town: Town) -> None:
    """Taking the root key's layer off any row, in any place that a row can have, bares no group seed."""
    staffed(town)
    root, group = root_of(town), group_of(town, "super")
    places = contexts(town)
    bared = [
        plain
        for blob in every_blob(town)
        for label in ROOT_LABELS
        for place in places
        if (plain := try_root(root, label, blob, place)) is not None
    ]
    assert len(bared) == 2  # the two members' seals, each a sealed box
    assert all(group.seed not in plain for plain in bared)


def contexts(town: Town) -> list[bytes]:
    """The places of member seals and second factors, of every user, and the empty one."""
    found = [b""]
    for id, public in town.rows("SELECT id, public_key FROM user"):
        assert isinstance(id, bytes) and isinstance(public, bytes)
        for group, epoch in town.rows('SELECT "group", epoch FROM group_key'):
            assert isinstance(group, bytes) and isinstance(epoch, int)
            found += [member_context(group, epoch, id, public)]
    return found


def try_root(root: RootKey, label: bytes, blob: bytes, place: bytes) -> bytes | None:
    try:
        return root_open(root, label, blob, place)
    except CryptoError:
        return None


@pytest.mark.parametrize("login", ["admin", "auditor", "middle"])
def test_who_works_on_no_case_holds_no_seal(town: Town, login: str) -> None:
    """Administrator, auditor and intermediary have no row among the seals."""
    staffed(town)
    everybody(town)
    found = town.rows("SELECT 1 FROM member_seal WHERE user = ?", row_of(town, login).id.bytes)
    assert found == []
