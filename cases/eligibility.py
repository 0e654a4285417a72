"""The two conditions of the manual's step 1, and the ways on when they do not both hold."""

from dataclasses import dataclass
from enum import Enum


class WayOut(Enum):
    """What can be done where food support cannot be asked: never a dead end."""

    CONNECT = "connect"  # to other support; counts as a connection
    ASK_AGAIN = "ask_again"
    KEEP = "keep"  # the owner goes on by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The two conditions: hardship that the owner's support cannot meet alone, and the will to work on it.

    None: not asked yet, which is not the same as no.
    """

    hardship: bool | None
    willing: bool | None

    @property
    def both(self) -> bool:
        """Whether both were answered with yes: only then can food support be asked."""
        return self.hardship is True and self.willing is True

    @property
    def denied(self) -> bool:
        """Whether one was answered with no: this ends live consents for food support and open requests."""
        return self.hardship is False or self.willing is False


def ways_out(conditions: Conditions) -> tuple[WayOut, ...]:
    """The ways on, in the order shown; none where both conditions hold, never none where they do not."""
    return () if conditions.both else (WayOut.CONNECT, WayOut.ASK_AGAIN, WayOut.KEEP)
