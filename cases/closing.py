"""The end of a case: why it was closed, and whether that counts as a connection (つなぎ)."""

from enum import Enum


class ClosingReason(Enum):
    """Why a case was closed."""

    CONDITIONS_ENDED = "conditions_ended"
    CONNECTED = "connected"
    MOVED = "moved"
    WITHDREW = "withdrew"
    REFUSED = "refused"
    OTHER = "other"


def is_connection(reason: ClosingReason) -> bool:
    """Whether the person was connected to other support, which the month's figures count."""
    return reason is ClosingReason.CONNECTED
