"""Row MACs: no two rows share one, and no change passes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import context
from crypto.errors import OpenError
from crypto.rowmac import check_row, column, keyed_hash, row_mac
from tests.crypto import known as k

COLUMNS = st.lists(st.binary(max_size=6), max_size=4)
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.binary(max_size=4)


@settings(max_examples=200)
@given(COLUMNS, COLUMNS, st.integers(0, 3), st.integers(0, 3))
def test_two_rows_share_a_mac_only_if_they_are_one(
    one: list[bytes], other: list[bytes], version: int, later: int
) -> None:
    """Where a column ends is part of what is authenticated, and so is the version."""
    mac = row_mac(k.ROOT, context.ROW_USER, one, version)
    same = one == other and version == later
    assert (row_mac(k.ROOT, context.ROW_USER, other, later) == mac) == same


def test_columns_cannot_slide() -> None:
    """ "ab","c" is another row than "a","bc", and than one with a column more."""
    rows: tuple[list[bytes], ...] = ([b"ab", b"c"], [b"a", b"bc"], [b"abc"], [b"abc", b""], [b"", b"abc"], [])
    assert len({row_mac(k.ROOT, context.ROW_USER, row, 1) for row in rows}) == len(rows)


def test_one_update_is_noticed() -> None:
    """Role, version, table or root key changed: the row is refused."""
    mac = row_mac(k.ROOT, context.ROW_USER, k.COLUMNS, 12)
    check_row(k.ROOT, context.ROW_USER, k.COLUMNS, 12, mac)
    promoted = (column("supervisor"), *k.COLUMNS[1:])
    for root, domain, columns, version in (
        (k.ROOT, context.ROW_USER, promoted, 12),
        (k.ROOT, context.ROW_USER, k.COLUMNS, 11),
        (k.ROOT, context.ROW_CASE, k.COLUMNS, 12),
        (k.OTHER_ROOT, context.ROW_USER, k.COLUMNS, 12),
    ):
        with pytest.raises(OpenError):
            check_row(root, domain, columns, version, mac)
    for bad in (b"", mac[:31], mac + b"\0", bytes(32)):
        with pytest.raises(OpenError):
            check_row(k.ROOT, context.ROW_USER, k.COLUMNS, 12, bad)


@settings(max_examples=200)
@given(VALUES, VALUES)
def test_two_values_share_a_column_only_if_they_are_one(
    one: bytes | str | int | None, other: bytes | str | int | None
) -> None:
    """NULL, empty, 0, false and "0" are five different things."""
    same = one == other and type(one) is type(other)
    assert (column(one) == column(other)) == same


def test_keyed_hashes_differ_by_label() -> None:
    """One hash for each purpose, and none for a purpose that has no name."""
    assert len({keyed_hash(k.ROOT, label, b"x") for label in context.HASH_LABELS}) == len(context.HASH_LABELS)
    with pytest.raises(ValueError, match="label"):
        keyed_hash(k.ROOT, context.LABEL_ROW, b"x")
    with pytest.raises(ValueError, match="domain"):
        row_mac(k.ROOT, context.DOMAIN_FIELD, [], 1)
