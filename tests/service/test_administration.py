"""The first start, people and organisations as the console makes them, and the entries about them."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from audit.codes import Flag
from cases.ids import COLLABORATION, GROUP, ORGANISATION, USER, OrganisationId, write_id
from crypto.context import member_context
from crypto.keys import fingerprint
from crypto.totp import open_totp
from policies.errors import PolicyError
from policies.who import Role
from service.flows.administration import (
    AdministrationError,
    NewUser,
    Present,
    Problem,
    add_organisation,
    add_user,
    present_member,
    reset_user,
    set_role,
    stop_user,
)
from service.flows.passwords import PasswordError
from service.house import House
from service.store import trees
from service.store.organisations import OrganisationKind
from tests.cli.people import count, group_of, refused, root_of, row_of, seed_of, staffed
from tests.cli.town import CITY, NPO, ZERO, Town, begin, new_town, password_of, prove, settings_in
from tests.cli.town import COLLABORATION as SHARED


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A house in a folder of its own."""
    return new_town(tmp_path)


@pytest.mark.parametrize("practice", [True, False])
def test_every_tree_begins_with_its_start(tmp_path: Path, practice: bool) -> None:
    """The first entry of every tree is `system.start`, and says whether the data is for practice."""
    settings = settings_in(tmp_path)
    town = Town(settings=settings, made=begin(settings, practice=practice), npo=OrganisationId(ZERO))

    async def work(house: House) -> object:
        return await add_organisation(house, name=NPO, kind=OrganisationKind.NPO)

    town.run(work)
    names = [str(row[0]) for row in town.rows("SELECT name FROM tree")]
    assert len(names) == 3
    for name in names:
        first = town.leaves(name)[0].entry
        assert first.event == "system.start"
        assert first.flags == ((Flag.PRACTICE,) if practice else ())


def test_the_first_start_makes_files_that_are_closed_to_others(town: Town) -> None:
    """Keys are 0400 in a folder of 0700, the database 0600 in another folder of 0700."""
    modes = {
        path: path.stat().st_mode & 0o777
        for path in (
            town.settings.keys,
            town.settings.data,
            town.settings.root_key,
            town.settings.log_key,
            town.settings.database,
        )
    }
    assert list(modes.values()) == [0o700, 0o700, 0o400, 0o400, 0o600]


@pytest.mark.parametrize("left", ["root_key", "log_key", "log_public", "notary/state", "database"])
def test_the_first_start_overwrites_nothing(town: Town, left: str) -> None:
    """One file of an older house is enough to refuse, and it is the one that is named."""
    settings = town.settings
    files = {
        "root_key": settings.root_key,
        "log_key": settings.log_key,
        "log_public": settings.log_public,
        "notary/state": settings.notary / "state",
        "database": settings.database,
    }
    kept = files.pop(left)
    for path in files.values():
        path.unlink()
    before = kept.read_bytes()
    with pytest.raises(AdministrationError) as caught:
        begin(town.settings)
    assert (caught.value.problem, caught.value.path) == (Problem.FILE_EXISTS, str(kept))
    assert kept.read_bytes() == before
    assert len([path for path in town.settings.keys.iterdir() if path != kept]) == 0


def test_a_first_start_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A step fails after keys and database are made: no file and no folder of it is left."""
    broken = tmp_path / "broken.toml"
    broken.write_text("schema = 1\nnonsense = true\n")
    settings = replace(settings_in(tmp_path / "house"), fields=broken, roles=broken)
    with pytest.raises(PolicyError):
        begin(settings)
    assert sorted(tmp_path.rglob("*")) == [broken]


@pytest.mark.parametrize(
    ("role", "asked"),
    [(Role.SUPERVISOR, True), (Role.AUDITOR, True), (Role.ADMIN, True), (Role.CASEWORKER, False)],
)
def test_roles_with_power_get_a_second_factor(town: Town, role: Role, asked: bool) -> None:
    """Administrator, supervisor and auditor get a secret; it is the one that is stored, under their own seed."""
    second = town.add("new", role).second_factor
    stored = town.rows("SELECT blob FROM second_factor WHERE user = ?", row_of(town, "new").id.bytes)
    assert (second is not None, len(stored)) == (asked, int(asked))
    if second is not None:
        blob = stored[0][0]
        assert isinstance(blob, bytes)
        user = row_of(town, "new").id.bytes
        assert open_totp(root_of(town), seed_of(town, "new"), blob, user) == second.secret
        assert second.base32 in second.otpauth
        assert second.base32 not in repr(second)


# who may be added, and where


@pytest.mark.parametrize("role", [Role.NPO_COORDINATOR, Role.NPO_VOLUNTEER, Role.INTERMEDIARY])
def test_a_city_has_no_such_role(town: Town, role: Role) -> None:
    """What an organisation is decides which roles its people may have."""
    assert refused(lambda: town.add("new", role)) is Problem.ROLE_NOT_OF_KIND


def test_a_login_is_given_once(town: Town) -> None:
    """Two people never share a login, across organisations too."""
    town.add("super", Role.SUPERVISOR)
    assert refused(lambda: town.add("super", Role.NPO_VOLUNTEER, town.npo)) is Problem.LOGIN_TAKEN


def test_a_section_must_be_there(town: Town) -> None:
    """A misspelt section is refused, not made."""
    town.add("super", Role.SUPERVISOR, sections=("福祉課",))
    assert len(row_of(town, "super").sections) == 1
    bad = lambda: town.add("case", Role.CASEWORKER, present="super", sections=("福利課",))  # noqa: E731
    assert refused(bad) is Problem.NO_SECTION


@pytest.mark.parametrize("login", ["", "Tanaka", "田中", "a b", "x" * 65, "-x"])
def test_a_login_is_plain(town: Town, login: str) -> None:
    """Small letters, digits and four marks: nothing that looks like something else."""
    assert refused(lambda: town.add(login, Role.ADMIN)) is Problem.BAD_LOGIN


def test_a_short_password_is_refused_before_anything_is_written(town: Town) -> None:
    """A password of 14 characters adds nobody."""
    new = NewUser(
        login="new", name="新", organisation=town.made.city, role=Role.ADMIN, password="x7#kQ2m9 Lp4wZ"
    )
    before = count(town, "user")

    async def work(house: House) -> object:
        return await add_user(house, new)

    with pytest.raises(PasswordError):
        town.run(work)
    assert count(town, "user") == before


def test_an_auditor_reads_the_collaborations_log_or_the_named_ones(town: Town) -> None:
    """By default the tree of the own collaboration; with names, those and no other."""
    town.add("one", Role.AUDITOR)
    town.add("two", Role.AUDITOR, trees=(SHARED, NPO))
    shared = write_id(COLLABORATION, town.made.collaboration)
    assert appointed(town, "one") == [shared]
    assert appointed(town, "two") == [shared, write_id(ORGANISATION, town.npo)]


def appointed(town: Town, login: str) -> list[str]:
    row = row_of(town, login)

    async def work(house: House) -> list[str]:
        return [tree.name for tree in await house.look(lambda tx: trees.trees_of(tx, row.id))]

    return town.run(work)


def test_every_step_is_an_entry_of_the_organisations_tree(town: Town) -> None:
    """Who was added, certified, changed and stopped can be read from the log alone."""
    staffed(town).add("third", Role.CASEWORKER, present="super")

    async def work(house: House) -> None:
        await set_role(
            house,
            "third",
            Role.SUPERVISOR,
            present=await prove(house, "super"),
            password=password_of("third"),
        )
        await reset_user(house, "case", "an entirely new secret", await prove(house, "super"))
        await stop_user(house, "case")

    before = len(town.city_events())
    town.run(work)
    assert town.city_events()[before:] == [
        *("role.change", "mfa.enrol"),
        *("password.reset", "member.certify"),
        *("user.disable", "member.remove"),
    ]


def test_the_entries_of_a_new_group_name_its_keys(town: Town) -> None:
    """`key.pin` bears the fingerprint that is read aloud, `member.certify` the digest of the sealed place."""
    town.add("super", Role.SUPERVISOR)
    group, row = group_of(town, "super"), row_of(town, "super")
    id = town.rows('SELECT "group" FROM group_key')[0][0]
    assert isinstance(id, bytes)
    entries = {
        leaf.entry.event.value: leaf.entry for leaf in town.leaves(write_id(ORGANISATION, town.made.city))
    }
    pin, certified = entries["key.pin"], entries["member.certify"]
    assert pin.digest == fingerprint(group.x25519_public, group.ed25519_public)
    assert pin.object is not None and pin.object.startswith(f"{GROUP}_{id.hex()}")
    place = member_context(id, 1, row.id.bytes, row.public_key)
    assert certified.digest == hashlib.sha256(place).digest()
    assert certified.object == write_id(USER, row.id)


def test_the_actor_is_the_member_who_was_present(town: Town) -> None:
    """Where a colleague had to be there the entry names them, and the operator of the console never."""
    staffed(town)
    added = [
        leaf.entry
        for leaf in town.leaves(write_id(ORGANISATION, town.made.city))
        if leaf.entry.event == "user.add"
    ]
    assert [entry.actor for entry in added] == [None, None, write_id(USER, row_of(town, "super").id)]
    assert {entry.via for entry in added} == {"cli"}


@pytest.mark.parametrize("login", ["super", "nobody"])
def test_a_wrong_password_at_the_console_keeps_its_entry(town: Town, login: str) -> None:
    """A failed proof is refused, and stays in the log."""
    town.add("super", Role.SUPERVISOR)

    async def work(house: House) -> Present:
        return await present_member(house, login, "the wrong password, twice")

    assert refused(lambda: town.run(work)) is Problem.WRONG_PASSWORD
    assert town.city_events()[-1] == "login.fail"


def test_the_log_holds_no_name(town: Town) -> None:
    """Neither people's nor organisations' names, nor logins, stand in any entry."""
    staffed(town).add("tanaka.hanako", Role.CASEWORKER, present="super")
    text = "".join(str(row[0]) for row in town.rows("SELECT leaf FROM entry"))
    for name in (CITY, NPO, SHARED, "職員", "tanaka"):
        assert name not in text
