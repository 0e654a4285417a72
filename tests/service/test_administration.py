"""Keys, people and organisations as the console makes them: who holds the group's seed, and who must be there."""

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from audit.codes import Flag
from cases.ids import COLLABORATION, GROUP, ORGANISATION, USER, OrganisationId, write_id
from crypto.context import ROOT_LABELS, member_context
from crypto.envelope import root_open
from crypto.errors import CryptoError, OpenError
from crypto.keys import GroupKeys, RootKey, UserKeys, fingerprint
from crypto.sealing import open_member
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
from service.flows.membership import open_lock
from service.flows.passwords import PasswordError
from service.house import House
from service.store import keys, trees, users
from service.store.engine import Transaction
from service.store.keys import GroupKeyRow, MemberSealRow
from service.store.organisations import OrganisationKind
from service.store.users import UserRow
from tests.cli.town import ANSWERS, CITY, NPO, ZERO, Town, begin, new_town, password_of, prove, settings_in
from tests.cli.town import COLLABORATION as SHARED

ADMIN = (ANSWERS.login, ANSWERS.password)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A house in a folder of its own."""
    return new_town(tmp_path)


def refused(work: Callable[[], object]) -> Problem:
    with pytest.raises(AdministrationError) as caught:
        work()
    return caught.value.problem


def row_of(town: Town, login: str) -> UserRow:
    async def work(house: House) -> UserRow | None:
        return await house.look(lambda tx: users.user_by_login(tx, login))

    found = town.run(work)
    assert found is not None
    return found


def seed_of(town: Town, login: str, password: str | None = None) -> bytes:
    """The user's seed, as the password opens it."""

    async def work(house: House) -> bytes:
        row = await house.look(lambda tx: users.user_by_login(tx, login))
        assert row is not None
        lock = await house.look(lambda tx: users.unlock(tx, row.id))
        assert lock is not None
        return open_lock(house, row, lock, password or password_of(login))

    return town.run(work)


def group_of(town: Town, login: str, password: str | None = None) -> GroupKeys:
    """The keys of the user's group, opened with the user's own. Raises where the user holds none."""
    row, mine = row_of(town, login), UserKeys.from_seed(seed_of(town, login, password))

    async def load(tx: Transaction) -> tuple[GroupKeyRow, MemberSealRow]:
        group = await keys.group_key(tx, row.organisation)
        assert group is not None
        seal = await keys.member_seal(tx, group, row.id)
        if seal is None:
            raise LookupError
        return group, seal

    async def work(house: House) -> tuple[GroupKeyRow, MemberSealRow]:
        return await house.look(load)

    group, seal = town.run(work)
    pinned = (group.x25519, group.ed25519)
    return open_member(root_of(town), seal.blob, group.group.bytes, group.epoch, row.id.bytes, mine, *pinned)


def root_of(town: Town) -> RootKey:
    return RootKey.read_text(town.settings.root_key.read_text())


def count(town: Town, table: str) -> int:
    found = town.rows(f"SELECT count(*) FROM {table}")[0][0]
    assert isinstance(found, int)
    return found


def staffed(town: Town) -> Town:
    """A supervisor and a caseworker in the city."""
    town.add("super", Role.SUPERVISOR)
    town.add("case", Role.CASEWORKER, present="super")
    return town


def sign_in_by_hand(town: Town, login: str) -> None:
    """A session row of the user's, as a sign-in leaves it."""
    with closing(sqlite3.connect(town.settings.database)) as connection:
        values = (hashlib.sha256(login.encode()).digest(), row_of(town, login).id.bytes)
        connection.execute("INSERT INTO session VALUES (?, ?, 'bearer', x'00', 1, 1, 1)", values)
        connection.commit()


# the first start


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


@pytest.mark.parametrize("left", ["root_key", "log_key", "database"])
def test_the_first_start_overwrites_nothing(town: Town, left: str) -> None:
    """One file of an older house is enough to refuse, and it is the one that is named."""
    kept: Path = getattr(town.settings, left)
    for path in (town.settings.root_key, town.settings.log_key, town.settings.database):
        if path != kept:
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


# the group's seed


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


# second factors


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


# changing and stopping


def test_narrowing_needs_nobody_and_widening_a_member(town: Town) -> None:
    """An administrator at the console may take rights away, and give none."""
    staffed(town).add("second", Role.SUPERVISOR, present="super")

    async def narrow(house: House) -> object:
        return await set_role(house, "second", Role.CASEWORKER)

    async def widen(house: House) -> object:
        return await set_role(house, "second", Role.SUPERVISOR)

    async def widen_with(house: House) -> object:
        return await set_role(house, "second", Role.SUPERVISOR, present=await prove(house, "super"))

    town.run(narrow)
    assert row_of(town, "second").role is Role.CASEWORKER
    assert refused(lambda: town.run(widen)) is Problem.MEMBER_NEEDED
    assert row_of(town, "second").role is Role.CASEWORKER
    town.run(widen_with)
    assert row_of(town, "second").role is Role.SUPERVISOR


def test_nobody_widens_their_own_role(town: Town) -> None:
    """The member who is present is another person."""
    staffed(town)

    async def work(house: House) -> object:
        present = await prove(house, "case")
        return await set_role(house, "case", Role.SUPERVISOR, present=present, password=password_of("case"))

    assert refused(lambda: town.run(work)) is Problem.SAME_PERSON


def test_a_role_with_a_second_factor_asks_for_the_users_own_password(town: Town) -> None:
    """The secret is closed under the user's seed, which nobody else can open."""
    staffed(town)

    def promote(password: str | None) -> object:
        async def work(house: House) -> object:
            present = await prove(house, "super")
            return await set_role(house, "case", Role.SUPERVISOR, present=present, password=password)

        return town.run(work)

    assert refused(lambda: promote(None)) is Problem.OWN_PASSWORD_NEEDED
    assert refused(lambda: promote("not the password of case")) is Problem.WRONG_PASSWORD
    assert promote(password_of("case")) is not None


def test_the_last_key_holder_is_neither_stopped_nor_moved_nor_reset(town: Town) -> None:
    """What an organisation holds must stay openable by somebody."""
    staffed(town)

    async def stop(house: House) -> object:
        return await stop_user(house, "case")

    async def move(house: House) -> object:
        return await set_role(house, "super", Role.ADMIN, present=await present_member(house, *ADMIN))

    async def last(house: House) -> object:
        return await stop_user(house, "super")

    async def again(house: House) -> object:
        return await reset_user(house, "super", "an entirely new secret")

    town.run(stop)
    assert refused(lambda: town.run(last)) is Problem.LAST_KEY_HOLDER
    assert refused(lambda: town.run(again)) is Problem.LAST_KEY_HOLDER
    assert refused(lambda: town.run(move)) in (Problem.LAST_KEY_HOLDER, Problem.NOT_A_MEMBER)
    assert row_of(town, "super").state.value == "active"
    assert group_of(town, "super")


def test_stopping_ends_sessions_and_takes_the_seal(town: Town) -> None:
    """A stopped user has no session, no seal and no word at the console any more."""
    staffed(town)
    sign_in_by_hand(town, "case")

    async def stop(house: House) -> object:
        return await stop_user(house, "case")

    async def come_back(house: House) -> Present:
        return await present_member(house, "case", password_of("case"))

    town.run(stop)
    assert count(town, "session") == 0
    assert count(town, "member_seal") == 1
    assert row_of(town, "case").state.value == "stopped"
    assert refused(lambda: town.run(come_back)) is Problem.WRONG_PASSWORD
    assert refused(lambda: town.run(stop)) is Problem.STOPPED


@pytest.mark.parametrize("change", ["role", "reset"])
def test_every_change_of_rights_ends_the_sessions(town: Town, change: str) -> None:
    """A new role or password holds everywhere at once."""
    staffed(town).add("second", Role.SUPERVISOR, present="super")
    sign_in_by_hand(town, "second")
    sign_in_by_hand(town, "case")

    async def work(house: House) -> object:
        if change == "role":
            return await set_role(house, "second", Role.CASEWORKER)
        return await reset_user(house, "second", "an entirely new secret", await prove(house, "super"))

    town.run(work)
    assert town.rows("SELECT user FROM session") == [(row_of(town, "case").id.bytes,)]


def test_a_reset_makes_new_keys_and_a_new_second_factor(town: Town) -> None:
    """The old password opens nothing; the new one opens the same group; the old authenticator is void."""
    old = town.add("super", Role.SUPERVISOR).second_factor
    town.add("second", Role.SUPERVISOR, present="super")
    public, group = row_of(town, "super").public_key, group_of(town, "super")

    async def work(house: House) -> object:
        return await reset_user(house, "super", "an entirely new secret", await prove(house, "second"))

    async def alone(house: House) -> object:
        return await reset_user(house, "super", "an entirely new secret")

    assert refused(lambda: town.run(alone)) is Problem.MEMBER_NEEDED
    new = town.run(work)
    with pytest.raises(OpenError):
        seed_of(town, "super")
    assert group_of(town, "super", "an entirely new secret") == group
    assert row_of(town, "super").public_key != public
    assert old is not None and new is not None and new != old


def test_an_auditor_is_nobody_elses_role(town: Town) -> None:
    """Nobody audits what they did under another role."""
    town.add("auditor", Role.AUDITOR)

    async def work(house: House) -> object:
        return await set_role(house, "auditor", Role.ADMIN)

    assert refused(lambda: town.run(work)) is Problem.AUDITOR_STAYS


# the entries


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
    staffed(town)
    text = "".join(str(row[0]) for row in town.rows("SELECT leaf FROM entry"))
    for name in (CITY, NPO, SHARED, "職員", "super"):
        assert name not in text
