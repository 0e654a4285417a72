"""Ids and their text forms."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.ids import CASE, USER, read_id, write_id

HEX = "00112233445566778899aabbccddeeff"


@settings(max_examples=50)
@given(st.uuids())
def test_an_id_comes_back_from_its_text(value: UUID) -> None:
    """One text form an id, and one id a text."""
    assert read_id(CASE, write_id(CASE, value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c_",
        HEX,
        f"u_{HEX}",
        f"c_{HEX.upper()}",
        f"c_{HEX}0",
        f"c_{HEX[:-1]}",
        f" c_{HEX}",
        f"c_{HEX}\n",
        f"C_{HEX}",
    ],
)
def test_nothing_else_is_an_id(text: str) -> None:
    """Another kind, another case or another length names nothing."""
    assert read_id(CASE, text) is None
    assert read_id(USER, f"u_{HEX}") == UUID(hex=HEX)
