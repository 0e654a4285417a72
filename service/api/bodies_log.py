"""Bodies about the log."""

from typing import Annotated

import msgspec

from audit.reviews import Review
from service.api.bodies import Body

LONGEST_NOTE = 65_536


class CheckBody(Body, frozen=True, kw_only=True):
    """A finding that was checked: of which log and review, which entry, and why it is all right or what was done.

    A finding that stands on no entry is named by its ``account`` (``u_…``) in place of ``index``.
    """

    tree: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    review: Review
    index: Annotated[int, msgspec.Meta(ge=0, lt=2**40)] | None = None
    account: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | None = None
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class NoteBody(Body, frozen=True, kw_only=True):
    """A checkpoint with cosignatures, as a witness wrote it (C2SP signed note)."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NOTE)]
