"""Sessions, throttles, known devices, counted denials and creates that were done before."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cases.ids import UserId
from service.store.engine import Transaction
from service.store.macs import Marked
from service.store.users import UserRow, read_user
from service.store.values import as_bytes, as_int, as_text, from_ms, to_ms
from service.tables.users import Denial, Device, Idempotency, Session, Throttle


class Transport(StrEnum):
    """How a session's token travels; a session made for one is refused on the other."""

    BEARER = "bearer"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """``id`` is the hash of the token; ``blob`` the user's seed under the token; times are UTC.

    ``version`` is that of the user's rights at sign-in: a session does not outlive a change of rights.
    """

    id: bytes
    user: UserId
    transport: Transport
    blob: bytes
    created: datetime
    seen: datetime
    expires: datetime
    version: int


def _mac_columns(row: SessionRow) -> tuple[bytes | str | int, ...]:
    """What makes a session somebody's: all but when it was last used."""
    return (row.id, row.user.bytes, row.transport.value, row.blob, to_ms(row.created), to_ms(row.expires))


async def add_session(tx: Transaction, row: SessionRow) -> None:
    await Session.insert(
        Session(
            id=row.id,
            user=row.user.bytes,
            transport=row.transport.value,
            blob=row.blob,
            created=to_ms(row.created),
            seen=to_ms(row.seen),
            expires=to_ms(row.expires),
            version=row.version,
            mac=tx.macs.make(Marked.SESSION, row.version, _mac_columns(row)),
        )
    )


async def session_with_user(tx: Transaction, session: bytes) -> tuple[SessionRow, UserRow] | None:
    """The session of that hash and its user, MACs checked, in one statement: every request begins with it."""
    found = tx.row(
        "SELECT s.user, s.transport, s.blob, s.created, s.seen, s.expires, s.version, s.mac, "
        "u.id, u.organisation, u.login, u.name, u.role, u.state, u.sections, u.public_key, u.version, u.mac "
        "FROM session s JOIN user u ON u.id = s.user WHERE s.id = ?",
        session,
    )
    if found is None:
        return None
    row = SessionRow(
        id=session,
        user=UserId(UUID(bytes=as_bytes(found[0]))),
        transport=Transport(as_text(found[1])),
        blob=as_bytes(found[2]),
        created=from_ms(as_int(found[3])),
        seen=from_ms(as_int(found[4])),
        expires=from_ms(as_int(found[5])),
        version=as_int(found[6]),
    )
    tx.macs.check(Marked.SESSION, row.version, _mac_columns(row), found[7])
    return row, read_user(tx, found[8:])


async def session_lives(tx: Transaction, session: bytes, version: int) -> bool:
    """Whether the session is still there and its user's rights are still those of ``version``."""
    found = tx.row(
        "SELECT u.version FROM session s JOIN user u ON u.id = s.user WHERE s.id = ? AND u.state = 'active'",
        session,
    )
    return found is not None and found[0] == version


async def touch_session(tx: Transaction, session: bytes, now: datetime) -> None:
    await Session.update({Session.seen: to_ms(now)}).where(Session.id == session)


async def end_session(tx: Transaction, session: bytes) -> None:
    await Session.delete().where(Session.id == session)


async def end_sessions(tx: Transaction, user: UserId) -> None:
    """Ends every session of the user, everywhere, at once."""
    await Session.delete().where(Session.user == user.bytes)


async def users_of_ended(tx: Transaction, idle_before: datetime, now: datetime) -> tuple[UserId, ...]:
    """The user of each session that is idle or too old."""
    rows = tx.rows("SELECT user FROM session WHERE expires <= ? OR seen <= ?", to_ms(now), to_ms(idle_before))
    return tuple(UserId(UUID(bytes=as_bytes(row[0]))) for row in rows)


async def sweep_sessions(tx: Transaction, idle_before: datetime, now: datetime) -> None:
    """Deletes sessions that no request can use any more, throttles an hour after their wait, and the keys of creates
    after seven days."""
    await Session.delete().where((Session.expires <= to_ms(now)) | (Session.seen <= to_ms(idle_before)))
    await Throttle.delete().where(Throttle.until <= to_ms(now) - 3_600_000)
    await Idempotency.delete().where(Idempotency.created <= to_ms(now) - 7 * 86_400_000)


async def throttle(tx: Transaction, key: bytes) -> tuple[int, datetime]:
    """How many failures stand against the key, and until when it waits."""
    found = tx.row("SELECT failures, until FROM throttle WHERE id = ?", key)
    return (0, from_ms(0)) if found is None else (as_int(found[0]), from_ms(as_int(found[1])))


async def put_throttle(tx: Transaction, key: bytes, failures: int, until: datetime) -> None:
    await Throttle.delete().where(Throttle.id == key)
    if failures:
        await Throttle.insert(Throttle(id=key, failures=failures, until=to_ms(until)))


async def add_device(tx: Transaction, device: bytes, user: UserId, now: datetime) -> None:
    await Device.insert(Device(id=device, user=user.bytes, created=to_ms(now)))


async def device_of(tx: Transaction, device: bytes) -> UserId | None:
    found = tx.row("SELECT user FROM device WHERE id = ?", device)
    return None if found is None else UserId(UUID(bytes=as_bytes(found[0])))


async def denials(tx: Transaction, user: UserId) -> tuple[datetime, int, int]:
    """Since when the running minute goes, and how many denials in it were logged and only counted."""
    found = tx.row("SELECT since, logged, suppressed FROM denial WHERE user = ?", user.bytes)
    if found is None:
        return from_ms(0), 0, 0
    return from_ms(as_int(found[0])), as_int(found[1]), as_int(found[2])


async def put_denials(tx: Transaction, user: UserId, since: datetime, logged: int, suppressed: int) -> None:
    await Denial.delete().where(Denial.user == user.bytes)
    await Denial.insert(Denial(user=user.bytes, since=to_ms(since), logged=logged, suppressed=suppressed))


async def suppressed_before(tx: Transaction, moment: datetime) -> tuple[tuple[UserId, int], ...]:
    """Users whose counted denials of an ended minute have no entry yet."""
    rows = tx.rows("SELECT user, suppressed FROM denial WHERE since <= ? AND suppressed > 0", to_ms(moment))
    return tuple((UserId(UUID(bytes=as_bytes(row[0]))), as_int(row[1])) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A create that was done before under the same key."""

    request_hash: bytes
    status: int
    object: str


async def done_before(tx: Transaction, key: bytes) -> Before | None:
    found = tx.row("SELECT request_hash, status, object FROM idempotency WHERE id = ?", key)
    if found is None:
        return None
    return Before(request_hash=as_bytes(found[0]), status=as_int(found[1]), object=as_text(found[2]))


async def remember(tx: Transaction, key: bytes, before: Before, now: datetime) -> None:
    await Idempotency.insert(
        Idempotency(
            id=key,
            request_hash=before.request_hash,
            status=before.status,
            object=before.object,
            created=to_ms(now),
        )
    )


async def end_other_sessions(tx: Transaction, user: UserId, kept: bytes) -> None:
    """Ends every session of the user but one."""
    await Session.delete().where((Session.user == user.bytes) & (Session.id != kept))


async def forget_devices(tx: Transaction, user: UserId) -> None:
    """From here on no browser is known as the user's."""
    await Device.delete().where(Device.user == user.bytes)
