"""Keys at rest: group keys and their members' seals, each case's shred key and bundle, the grants."""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from cases.ids import CaseId, GroupId, OrganisationId, SeriesId, UserId
from service.store.engine import Transaction
from service.store.macs import Marked
from service.store.values import Row, as_bytes, as_int, to_ms
from service.tables.keys import Bundle, CaseKey, GroupKey, MemberSeal, SealedGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKeyRow:
    """The public halves of one epoch of an organisation's group, MAC checked: this is what grants are sealed to."""

    group: GroupId
    organisation: OrganisationId
    epoch: int
    x25519: bytes
    ed25519: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSealRow:
    """The group seed, sealed to one member inside the root key."""

    group: GroupId
    epoch: int
    user: UserId
    root_key: int
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseKeyRow:
    root_key: int
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRow:
    """The owner's copy of every slot key of a case. ``rotation_due``: new keys come before anything new is sealed."""

    group: GroupId
    epoch: int
    version: int
    rotation_due: bool
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    header: bytes
    sealed: bytes
    signature: bytes
    digest: bytes


async def add_group_key(tx: Transaction, row: GroupKeyRow, now: datetime) -> None:
    columns = (row.group.bytes, row.organisation.bytes, row.epoch, row.x25519, row.ed25519)
    await GroupKey.insert(
        GroupKey(
            group=columns[0],
            organisation=columns[1],
            epoch=row.epoch,
            x25519=row.x25519,
            ed25519=row.ed25519,
            created=to_ms(now),
            version=1,
            mac=tx.macs.make(Marked.GROUP_KEY, 1, columns),
        )
    )


async def group_key(tx: Transaction, organisation: OrganisationId) -> GroupKeyRow | None:
    """The newest epoch of the organisation's group, its MAC checked; None where it has no key yet."""
    found = tx.row(
        'SELECT "group", epoch, x25519, ed25519, version, mac FROM group_key WHERE organisation = ? '
        "ORDER BY epoch DESC LIMIT 1",
        organisation.bytes,
    )
    return None if found is None else _group_key(tx, organisation, found)


def _group_key(tx: Transaction, organisation: OrganisationId, found: Row) -> GroupKeyRow:
    """The row of group, epoch, keys, version and MAC. Raises TamperedError where the MAC does not fit."""
    row = GroupKeyRow(
        group=GroupId(UUID(bytes=as_bytes(found[0]))),
        organisation=organisation,
        epoch=as_int(found[1]),
        x25519=as_bytes(found[2]),
        ed25519=as_bytes(found[3]),
    )
    columns = (row.group.bytes, organisation.bytes, row.epoch, row.x25519, row.ed25519)
    tx.macs.check(Marked.GROUP_KEY, as_int(found[4]), columns, found[5])
    return row


async def group_with_seal(
    tx: Transaction, organisation: OrganisationId, user: UserId
) -> tuple[GroupKeyRow, MemberSealRow] | None:
    """The newest epoch of the organisation's group and its seed's seal to the user; None where either is missing."""
    found = tx.row(
        'SELECT g."group", g.epoch, g.x25519, g.ed25519, g.version, g.mac, m.root_key, m.blob FROM group_key g '
        'JOIN member_seal m ON m.user = ? AND m."group" = g."group" AND m.epoch = g.epoch '
        "WHERE g.organisation = ? AND g.epoch = (SELECT max(epoch) FROM group_key WHERE organisation = ?)",
        user.bytes,
        organisation.bytes,
        organisation.bytes,
    )
    if found is None:
        return None
    key = _group_key(tx, organisation, found[:6])
    seal = MemberSealRow(
        group=key.group, epoch=key.epoch, user=user, root_key=as_int(found[6]), blob=as_bytes(found[7])
    )
    return key, seal


async def put_member_seal(tx: Transaction, row: MemberSealRow) -> None:
    await drop_member_seals(tx, row.user)
    await MemberSeal.insert(
        MemberSeal(
            group=row.group.bytes, epoch=row.epoch, user=row.user.bytes, root_key=row.root_key, blob=row.blob
        )
    )


async def drop_member_seals(tx: Transaction, user: UserId) -> None:
    await MemberSeal.delete().where(MemberSeal.user == user.bytes)


async def member_seal(tx: Transaction, group: GroupKeyRow, user: UserId) -> MemberSealRow | None:
    found = tx.row(
        'SELECT root_key, blob FROM member_seal WHERE user = ? AND "group" = ? AND epoch = ?',
        user.bytes,
        group.group.bytes,
        group.epoch,
    )
    if found is None:
        return None
    return MemberSealRow(
        group=group.group, epoch=group.epoch, user=user, root_key=as_int(found[0]), blob=as_bytes(found[1])
    )


async def count_seals(tx: Transaction, group: GroupKeyRow) -> int:
    """How many members hold the epoch's seed: the last one cannot be removed."""
    found = tx.row(
        'SELECT count(*) FROM member_seal m JOIN user u ON u.id = m.user WHERE m."group" = ? AND m.epoch = ? '
        "AND u.state = 'active'",
        group.group.bytes,
        group.epoch,
    )
    return 0 if found is None else as_int(found[0])


async def add_case_key(tx: Transaction, case: CaseId, row: CaseKeyRow) -> None:
    await CaseKey.insert(CaseKey(case=case.bytes, root_key=row.root_key, blob=row.blob))


async def case_key(tx: Transaction, case: CaseId) -> CaseKeyRow | None:
    found = tx.row('SELECT root_key, blob FROM case_key WHERE "case" = ?', case.bytes)
    return None if found is None else CaseKeyRow(root_key=as_int(found[0]), blob=as_bytes(found[1]))


def _bundle_columns(case: CaseId, row: BundleRow) -> tuple[bytes | int, ...]:
    """Every column: whether rotation is due decides under which keys the next value is sealed."""
    due = int(row.rotation_due)
    return (case.bytes, row.group.bytes, row.epoch, due, sha256(row.blob).digest())


async def put_bundle(tx: Transaction, case: CaseId, row: BundleRow) -> None:
    await Bundle.delete().where(Bundle.case == case.bytes)
    await Bundle.insert(
        Bundle(
            case=case.bytes,
            group=row.group.bytes,
            epoch=row.epoch,
            version=row.version,
            rotation_due=int(row.rotation_due),
            blob=row.blob,
            mac=tx.macs.make(Marked.BUNDLE, row.version, _bundle_columns(case, row)),
        )
    )


async def bundle(tx: Transaction, case: CaseId) -> BundleRow | None:
    """The owner's keys of the case, the row's MAC checked."""
    found = tx.row(
        'SELECT "group", epoch, version, rotation_due, blob, mac FROM bundle WHERE "case" = ?', case.bytes
    )
    if found is None:
        return None
    row = BundleRow(
        group=GroupId(UUID(bytes=as_bytes(found[0]))),
        epoch=as_int(found[1]),
        version=as_int(found[2]),
        rotation_due=as_int(found[3]) == 1,
        blob=as_bytes(found[4]),
    )
    tx.macs.check(Marked.BUNDLE, row.version, _bundle_columns(case, row), found[5])
    return row


async def mark_rotation_due(tx: Transaction, case: CaseId) -> None:
    """From here on nothing is sealed under the case's present slot keys. Needs no key."""
    row = await bundle(tx, case)
    if row is not None and not row.rotation_due:
        await put_bundle(tx, case, replace(row, rotation_due=True))


async def put_grant(tx: Transaction, series: SeriesId, case: CaseId, row: GrantRow) -> None:
    await drop_grant(tx, series)
    await SealedGrant.insert(
        SealedGrant(
            series=series.bytes,
            case=case.bytes,
            header=row.header,
            sealed=row.sealed,
            signature=row.signature,
            digest=row.digest,
        )
    )


async def drop_grant(tx: Transaction, series: SeriesId) -> None:
    await SealedGrant.delete().where(SealedGrant.series == series.bytes)


async def grant(tx: Transaction, series: SeriesId) -> GrantRow | None:
    found = tx.row(
        "SELECT header, sealed, signature, digest FROM sealed_grant WHERE series = ?", series.bytes
    )
    return None if found is None else _grant(found)


async def grant_with_shred(
    tx: Transaction, series: SeriesId, case: CaseId
) -> tuple[GrantRow, CaseKeyRow] | None:
    """The series' grant and its case's shred key; None where either is gone."""
    found = tx.row(
        "SELECT g.header, g.sealed, g.signature, g.digest, k.root_key, k.blob FROM sealed_grant g "
        'JOIN case_key k ON k."case" = ? WHERE g.series = ? AND g."case" = ?',
        case.bytes,
        series.bytes,
        case.bytes,
    )
    if found is None:
        return None
    return _grant(found[:4]), CaseKeyRow(root_key=as_int(found[4]), blob=as_bytes(found[5]))


def _grant(row: Row) -> GrantRow:
    return GrantRow(
        header=as_bytes(row[0]), sealed=as_bytes(row[1]), signature=as_bytes(row[2]), digest=as_bytes(row[3])
    )


async def series_with_grants(tx: Transaction) -> tuple[SeriesId, ...]:
    """Every series that has a grant."""
    rows = tx.rows("SELECT series FROM sealed_grant ORDER BY rowid")
    return tuple(SeriesId(UUID(bytes=as_bytes(row[0]))) for row in rows)
