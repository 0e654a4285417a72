"""Digests by which an entry says of a row what its own keys do not: ``dig``, SHA-256 (formats.md, Log leaf).

`tsunagi fsck` compares them with the rows, so that an older row that was put back is found.
"""

from hashlib import sha256

from cases.ids import CASE, USER, CaseId, UserId, write_id
from crypto.context import unlock_context
from crypto.password import Method


def assignment_digest(case: CaseId, user: UserId, *, taken: bool) -> bytes:
    """What `case.assign` says: whether the case was given to the user or taken back."""
    said = f"{write_id(USER, user)}\n{write_id(CASE, case)}\n{'taken' if taken else 'given'}"
    return sha256(said.encode("ascii")).digest()


def unlock_digest(user: UserId, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    """What a new password's entry says of what it unlocks: SHA-256 of the unlock's ``ad``.

    The salt is new with each password, so that an older row has another digest. ``cost`` is (m in KiB, t, p).
    """
    return sha256(unlock_context(Method.PASSWORD, user.bytes, salt, cost)).digest()
