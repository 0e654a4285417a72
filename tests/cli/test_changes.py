"""Changes of role, password and state at the console: who must be there, and what ends with them."""

import pytest

from crypto.errors import OpenError
from policies.who import Role
from service.flows.administration import (
    Present,
    Problem,
    present_member,
    reset_user,
    set_role,
    stop_user,
)
from service.house import House
from tests.cli.people import count, group_of, refused, row_of, seed_of, sign_in_by_hand, staffed
from tests.cli.town import Town, password_of, prove


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


def test_the_last_key_holder_is_neither_stopped_nor_reset(town: Town) -> None:
    """What an organisation holds must stay openable by somebody."""
    staffed(town)

    async def stop(house: House) -> object:
        return await stop_user(house, "case")

    async def last(house: House) -> object:
        return await stop_user(house, "super")

    async def again(house: House) -> object:
        return await reset_user(house, "super", "an entirely new secret")

    town.run(stop)
    assert refused(lambda: town.run(last)) is Problem.LAST_KEY_HOLDER
    assert refused(lambda: town.run(again)) is Problem.LAST_KEY_HOLDER
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
