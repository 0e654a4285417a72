"""What comes out of a row is untrusted: each value is checked for its kind before anybody uses it."""

from datetime import UTC, datetime, timedelta

from service.store.errors import TamperedError

Value = bytes | str | int | float | None
Row = tuple[Value, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01 UTC, exact, rounded down."""
    return (moment - _EPOCH) // _MS


def from_ms(value: int) -> datetime:
    """The aware UTC time of ``to_ms``'s number."""
    return _EPOCH + value * _MS


def as_bytes(value: Value) -> bytes:
    """A BLOB. Raises TamperedError for anything else."""
    if not isinstance(value, bytes):
        raise TamperedError("value")
    return value


def as_int(value: Value) -> int:
    """An INTEGER. Raises TamperedError for anything else."""
    if not isinstance(value, int):
        raise TamperedError("value")
    return value


def as_text(value: Value) -> str:
    """A TEXT. Raises TamperedError for anything else."""
    if not isinstance(value, str):
        raise TamperedError("value")
    return value


def maybe_text(value: Value) -> str | None:
    """A TEXT or NULL."""
    return None if value is None else as_text(value)


def maybe_bytes(value: Value) -> bytes | None:
    """A BLOB or NULL."""
    return None if value is None else as_bytes(value)


def maybe_time(value: Value) -> datetime | None:
    """The time of a column of milliseconds, or None."""
    return None if value is None else from_ms(as_int(value))


def as_flag(value: Value) -> bool | None:
    """0, 1 or NULL."""
    return None if value is None else as_int(value) == 1


def pack_ids(ids: frozenset[bytes]) -> bytes:
    """16-byte ids, sorted and put behind each other: one set, one encoding."""
    return b"".join(sorted(ids))


def unpack_ids(value: Value) -> frozenset[bytes]:
    """The set that `pack_ids` wrote. Raises TamperedError where it is none."""
    packed = as_bytes(value)
    ids = frozenset(packed[start : start + 16] for start in range(0, len(packed), 16))
    if pack_ids(ids) != packed or len(packed) % 16:
        raise TamperedError("value")
    return ids
