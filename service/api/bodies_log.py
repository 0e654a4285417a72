"""Bodies about the log."""

from typing import Annotated

import msgspec

from service.api.bodies import Body

LONGEST_NOTE = 65_536


class NoteBody(Body, frozen=True, kw_only=True):
    """A checkpoint with cosignatures, as a witness wrote it (C2SP signed note)."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NOTE)]
