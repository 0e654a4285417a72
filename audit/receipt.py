"""The number of a receipt: what a reader keeps of an entry, to ask later whether it is still in the log.

The number is the entry's index and 26 characters of base32, the first 130 bits of its leaf hash: enough that nobody
who rewrites the log finds another entry for it. Where there is room (API, QR) the whole hash stands beside it.
"""

import base64
import itertools
import re
from dataclasses import dataclass

from audit.errors import ReceiptError
from audit.tree import HASH_SIZE, MAX_SIZE

_CHARACTERS = 26
_GROUPS = (0, 5, 10, 15, 20, 26)
_FORM = re.compile(r"(0|[1-9][0-9]{0,12})-([A-Z2-7]{26})", re.ASCII)
_MISREAD = str.maketrans("018", "OIB")  # digits that base32 does not have
_LONGEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptNumber:
    """An entry's index, and the first 26 base32 characters of its leaf hash."""

    index: int
    mark: str

    def fits(self, leaf_hash: bytes) -> bool:
        """Whether the receipt was given for the entry with this leaf hash (32 bytes)."""
        return len(leaf_hash) == HASH_SIZE and self.mark == _mark(leaf_hash)


def _mark(leaf_hash: bytes) -> str:
    return base64.b32encode(leaf_hash).decode()[:_CHARACTERS]


def write_receipt(index: int, leaf_hash: bytes) -> str:
    """The number of the receipt for an entry, in groups: ``81-ABCDE-FGHIJ-KLMNO-PQRST-UVWXYZ``."""
    mark = _mark(leaf_hash)
    groups = (mark[start:stop] for start, stop in itertools.pairwise(_GROUPS))
    return "-".join((str(index), *groups))


def read_receipt(text: str) -> ReceiptNumber:
    """The number that was typed: small letters, spaces and other groups are taken, and 0, 1, 8 for O, I, B.

    Raises ReceiptError for a text that is no number of a receipt.
    """
    if len(text) > _LONGEST:
        raise ReceiptError
    index, _, rest = text.strip().partition("-")
    mark = rest.replace("-", "").replace(" ", "").upper().translate(_MISREAD)
    found = _FORM.fullmatch(f"{index}-{mark}")
    if found is None or int(found[1]) >= MAX_SIZE:
        raise ReceiptError
    return ReceiptNumber(index=int(found[1]), mark=found[2])
