"""I2: after a narrowing nothing new opens with any key that the recipient ever held."""

from uuid import UUID

from cases.ids import CASE, CaseId, OrganisationId, read_id
from consent.grant import grant
from consent.standing import standing
from crypto.context import FieldContext
from crypto.envelope import open_field
from crypto.errors import CryptoError
from crypto.keys import SlotKey
from service.flows.keys import load_recipient_keys, open_recipient_ring
from service.house import Who
from service.session import Presented, find_who
from service.store import cases, consents
from service.store.engine import Transaction
from service.store.sessions import Transport
from tests.service.consenting import HOW, change, shared
from tests.service.world import NPO, OTHER_NPO, World


def who(world: World, login: str) -> Who:
    found = world.run(
        find_who(world.house, Presented(text=world.tokens[login], transport=Transport.BEARER), "0" * 32)
    )
    assert found is not None
    return found


def held_keys(world: World, login: str, case: str, recipient: str = NPO) -> list[SlotKey]:
    """Every slot key that the recipient's grant gives it now."""
    me = who(world, login)
    found = read_id(CASE, case)
    organisation = read_id("o", world.ids[recipient])
    assert found is not None and organisation is not None

    async def load(tx: Transaction) -> object:
        row = await cases.case(tx, CaseId(found))
        series = (await consents.series_of_case(tx, CaseId(found), OrganisationId(organisation)))[0]
        stands = standing(series.events, world.clock())
        assert row is not None and stands.event is not None
        return await load_recipient_keys(tx, me, row, grant(stands, series.stored[stands.event.number - 1]))

    rows = world.run(world.house.look(load))
    return [one.key for one in open_recipient_ring(world.house, me, rows).entries()]


def openable(world: World, case: str, keys: list[SlotKey]) -> set[int]:
    """The slots of which any stored value opens with any of the keys."""
    id = UUID(hex=case[2:])
    tenant = world.sql("SELECT owner FROM cases WHERE id = ?", id.bytes)[0][0]
    found = set()
    for record, slot, column, version, blob in world.sql(
        'SELECT record, slot, "column", version, blob FROM sealed WHERE "case" = ?', id.bytes
    ):
        assert isinstance(record, bytes) and isinstance(slot, int) and isinstance(column, int)
        assert isinstance(version, int) and isinstance(blob, bytes) and isinstance(tenant, bytes)
        place = FieldContext(
            tenant=tenant, case=id.bytes, record=record, slot=slot, column=column, version=version
        )
        for key in keys:
            try:
                open_field(key, blob, place)
            except CryptoError:
                continue
            found.add(slot)
    return found


def test_keys_of_a_consent_open_what_was_agreed_and_nothing_else(world: World) -> None:
    """The consent is the key: the grant's keys open the agreed slots only. (And the test can open something.)"""
    case, _, _ = shared(world, refused=("phone",))
    registry = world.house.policy.registry
    slots = openable(world, case, held_keys(world, "coordinator", case))
    agreed = {int(registry.by_code[code].slot) for code in world.offered()} - {
        int(registry.by_code["phone"].slot)
    }
    written = {int(field.slot) for field in registry.fields if not field.thread} | {16, 18, 19}
    assert slots == agreed & written


def test_a_narrower_consent_rotates_at_once(world: World) -> None:
    """After the change no value in the database opens with any key of before; what still holds opens with new ones."""
    case, consent, _ = shared(world)
    old = held_keys(world, "coordinator", case)
    assert openable(world, case, old)
    less = world.answer(refused=("name",))
    change(world, consent, less)
    assert openable(world, case, old) == set()
    slots = openable(world, case, held_keys(world, "coordinator", case))
    assert 1 not in slots and 2 in slots
    assert any(leaf["ev"] == "key.rotate" for leaf in world.leaves())


def test_after_a_withdrawal_the_owners_next_write_rotates_first(world: World) -> None:
    """Until then `rotation_due` is shown; nothing new is ever sealed under a key that the former recipient holds."""
    case, consent, _ = shared(world)
    old = held_keys(world, "coordinator", case)
    world("volunteer", "POST", f"/api/consents/{consent}/withdraw", HOW)
    assert world("caseworker", "GET", f"/api/cases/{case}").json()["rotation_due"] is True
    done = world(
        "caseworker", "PATCH", f"/api/cases/{case}", {"fields": {"household": "新"}}, {"If-Match": '"1"'}
    )
    assert done.status_code == 200
    after = world("caseworker", "GET", f"/api/cases/{case}").json()
    assert after["rotation_due"] is False
    assert (after["fields"]["household"], after["fields"]["name"]) == ("新", "山田 太郎")
    assert openable(world, case, old) == set()


def test_what_still_holds_for_another_goes_on_through_a_rotation(world: World) -> None:
    """The other recipient's grant is re-issued in the same transaction; it sees the same as before."""
    case, consent, _ = shared(world)
    world.consent(case, OTHER_NPO)
    world.accept(world.request(case, OTHER_NPO), "other")
    before = world("other", "GET", f"/api/cases/{case}").json()["fields"]
    old = held_keys(world, "coordinator", case)
    world("coordinator", "POST", f"/api/consents/{consent}/withdraw", HOW)
    done = world(
        "caseworker", "PATCH", f"/api/cases/{case}", {"fields": {"finances": "x"}}, {"If-Match": '"1"'}
    )
    assert done.status_code == 200
    assert world("other", "GET", f"/api/cases/{case}").json()["fields"] == before
    theirs = held_keys(world, "other", case, OTHER_NPO)
    assert openable(world, case, old) == set()
    mine = world.sql("SELECT count(*) FROM sealed WHERE thread = ?", bytes.fromhex(world.ids[NPO][2:]))
    assert mine == [(3,)] and 16 in openable(world, case, theirs)
