"""The number of a receipt names one entry, however it was typed."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import AuditError, ReceiptError
from audit.receipt import ReceiptNumber, read_receipt, write_receipt
from tests.audit.examples import digest

HASH = bytes.fromhex("05e143df65f306e675d703c70a7d03954e87cf966fbc4bce1b43ef16dce6540e")
NUMBER = "81-AXQUH-X3F6M-DOM5O-XAPDQ-U7IDSV"
MARK = "AXQUHX3F6MDOM5OXAPDQU7IDSV"


def test_the_number_is_the_known_answer() -> None:
    """Index and 26 characters of base32 in groups of 5, 5, 5, 5, 6 (formats.md §27)."""
    assert base64.b32encode(HASH).decode()[:26] == MARK
    assert write_receipt(81, HASH) == NUMBER
    assert read_receipt(NUMBER) == ReceiptNumber(index=81, mark=MARK)
    assert write_receipt(0, bytes(32)) == "0-AAAAA-AAAAA-AAAAA-AAAAA-AAAAAA"


@settings(max_examples=100)
@given(st.integers(0, 2**40 - 1), st.binary(min_size=32, max_size=32))
def test_every_number_reads_back_and_fits_its_entry(index: int, leaf_hash: bytes) -> None:
    """What was written is read, for each index that a tree can have."""
    found = read_receipt(write_receipt(index, leaf_hash))
    assert found.index == index
    assert found.fits(leaf_hash)


def test_a_receipt_fits_its_entry_only() -> None:
    """130 bits are compared; a hash of another length fits nothing."""
    found = read_receipt(NUMBER)
    assert found.fits(HASH)
    assert not found.fits(digest(1))
    for bit in range(130):
        changed = bytearray(HASH)
        changed[bit // 8] ^= 0x80 >> bit % 8
        assert not found.fits(bytes(changed))
    for wrong in (HASH[:31], HASH + b"\x00", b"", HASH[:17]):
        assert not found.fits(wrong)


@pytest.mark.parametrize(
    "text",
    [
        NUMBER.lower(),
        f"  {NUMBER}\n",
        f"81-{MARK}",
        "81-AXQ UHX 3F6 MDO M5O XAP DQU 7ID SV",
        "81-A-X-Q-U-H-X-3-F-6-M-D-O-M-5-O-X-A-P-D-Q-U-7-I-D-S-V",
        "81-axquh-x3f6m-d0m50-xapdq-u71dsv",
        "81-AXQUH-X3F6M-D0M5O-XAPDQ-U7IDSV-",
        "81--AXQUH  X3F6M  DOM5O  XAPDQ  U7IDSV",
    ],
)
def test_a_number_is_read_as_people_type_it(text: str) -> None:
    """Small letters, other groups, spaces, and 0, 1 for O, I."""
    assert read_receipt(text) == ReceiptNumber(index=81, mark=MARK)


def test_an_eight_is_a_b() -> None:
    """Base32 has no 0, 1, 8: they were O, I, B."""
    assert read_receipt("7-8BBBB-00000-11111-IIIII-OOOOO8").mark == "BBBBBOOOOOIIIIIIIIIIOOOOOB"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "81",
        MARK,
        f"-{MARK}",
        f"x-{MARK}",
        f"081-{MARK}",
        f"+81-{MARK}",
        f"-81-{MARK}",
        f"8 1-{MARK}",
        f"٨١-{MARK}",
        f"81 {MARK}",
        f"81-{MARK[:-1]}",
        f"81-{MARK}A",
        f"81-{MARK[:-1]}9",
        f"81-{MARK[:-1]}=",
        f"81-{MARK[:-1]}Ä",
        f"81-{MARK[:10]}\n{MARK[10:]}",
        f"{2**40}-{MARK}",
        f"{10**13}-{MARK}",
    ],
)
def test_another_text_is_no_number(text: str) -> None:
    """Too short, too long, other letters, an index that no tree has: refused, and nothing is guessed."""
    with pytest.raises(ReceiptError) as caught:
        read_receipt(text)
    assert caught.value.args == ()
    assert isinstance(caught.value, AuditError)


def test_the_largest_index_and_the_longest_text_are_read() -> None:
    """An index below 2^40; 64 characters, and not one more."""
    assert read_receipt(f"{2**40 - 1}-{MARK}").index == 2**40 - 1
    text = f"81-{MARK}"
    longest = text + " " * (64 - len(text))
    assert read_receipt(longest).index == 81
    with pytest.raises(ReceiptError):
        read_receipt(longest + " ")
