"""Looks past the service, at the rows: which keys the database gives to an organisation.

A check that finds nothing must show that it can find: before the withdrawal the same count gives the agreed fields.
"""

from dataclasses import dataclass

from cases.ids import CASE, CaseId, read_id
from crypto.envelope import open_bundle
from crypto.errors import OpenError
from crypto.grant import GrantExpectation, decode_header
from crypto.keys import GroupKeys, ShredKey
from crypto.sealing import SealedGrant, open_grant, open_member
from service.cli.demo.people import Account
from service.cli.running import in_house
from service.flows.console import Present
from service.flows.keys import bundle_place, open_case_shred
from service.flows.membership import present_member
from service.house import House
from service.settings import Settings
from service.store import cases, consents, keys
from service.store.cases import CaseRow
from service.store.engine import Transaction
from service.store.keys import BundleRow, CaseKeyRow, GrantRow, GroupKeyRow, MemberSealRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Every row in which keys of one case could lie, and the organisation's way to its own group key."""

    case: CaseRow
    shred: CaseKeyRow
    bundle: BundleRow
    grants: tuple[GrantRow, ...]
    own: GroupKeyRow
    seal: MemberSealRow
    owner: GroupKeyRow


def count_keys(settings: Settings, account: Account, case: str) -> int:
    """How many field keys of the case open with all that this person's organisation holds, root key included.

    No rule is asked and no decision made: what the rows say is believed. Call it outside an event loop.
    """
    found: list[int] = []

    async def work(house: House) -> int:
        present = await present_member(house, account.person.login, account.password)
        found.append(_count(house, present, await house.look(lambda tx: _load(tx, present, case))))
        return 0

    in_house(settings, work)
    return found[0]


async def _load(tx: Transaction, present: Present, text: str) -> Held | None:
    id = read_id(CASE, text)
    case = None if id is None else await cases.case(tx, CaseId(id))
    own = await keys.group_key(tx, present.organisation)
    if case is None or own is None:
        return None
    seal = await keys.member_seal(tx, own, present.user)
    owner = await keys.group_key(tx, case.owner)
    shred, bundle = await keys.case_key(tx, case.id), await keys.bundle(tx, case.id)
    if seal is None or owner is None or shred is None or bundle is None:
        return None
    series = await consents.series_of_case(tx, case.id)
    grants = [await keys.grant(tx, one.id) for one in series]
    there = tuple(one for one in grants if one is not None)
    return Held(case=case, shred=shred, bundle=bundle, grants=there, own=own, seal=seal, owner=owner)


def _count(house: House, present: Present, held: Held | None) -> int:
    if held is None:
        return 0
    group = open_member(
        house.roots.by_number(held.seal.root_key),
        held.seal.blob,
        held.own.group.bytes,
        held.own.epoch,
        present.user.bytes,
        present.keys.user(),
        held.own.x25519,
        held.own.ed25519,
    )
    shred = open_case_shred(house, held.case, held.shred)
    in_grants = sum(_grant(held, row, shred, group) for row in held.grants)
    return in_grants + _bundle(held, shred, group)


def _grant(held: Held, row: GrantRow, shred: ShredKey, group: GroupKeys) -> int:
    """The keys that a grant gives, whatever it says about itself."""
    header = decode_header(row.header)
    terms = header.terms
    expected = GrantExpectation(
        tenant=terms.tenant,
        case=terms.case,
        from_group=terms.from_group,
        from_epoch=terms.from_epoch,
        to_group=terms.to_group,
        to_epoch=terms.to_epoch,
        to_public=terms.to_public,
        series=terms.series,
        event_hash=terms.event_hash,
        not_after=terms.not_after,
        slots=frozenset(one.slot for one in header.slots),
    )
    sealed = SealedGrant(header=row.header, sealed=row.sealed, signature=row.signature, digest=row.digest)
    try:
        return len(open_grant(sealed, expected, held.owner.ed25519, shred, group))
    except OpenError:
        return 0


def _bundle(held: Held, shred: ShredKey, group: GroupKeys) -> int:
    """The keys that the owner's bundle gives to this group: none, unless it is the owner's."""
    try:
        return len(open_bundle(held.bundle.blob, shred, group, bundle_place(held.case, held.bundle)))
    except OpenError:
        return 0
