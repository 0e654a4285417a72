"""Which entries of a log are asked for."""

from dataclasses import dataclass
from datetime import datetime

from audit.times import write_time

# Exact, because no value of a canonical leaf holds a quote, and no code of a list a bracket.
_IN_TEXT = "instr(leaf, ?) > 0"
_LIST = "substr(leaf, nullif(instr(leaf, '\"{key}\":['), 0))"
_IN_LIST = f"instr(substr({_LIST}, 1, instr({_LIST}, ']')), ?) > 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are asked for; every part that is not None must hold.

    ``field`` is one of the fields that were shown, ``flag`` one of the leaf's flags, ``channel`` how it came.
    """

    subject: str | None = None
    actor: str | None = None
    organisation: str | None = None
    event: str | None = None
    decision: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    purpose: str | None = None
    channel: str | None = None
    field: str | None = None
    flag: str | None = None

    @property
    def needs_text(self) -> bool:
        """Whether no index helps, so that each entry's text has to be looked through."""
        return any(part is not None for part in (self.purpose, self.channel, self.field, self.flag))


def conditions(wanted: Filter) -> list[tuple[str, str]]:
    """What must hold in SQL, each with the value that stands for its question mark."""
    given = (
        ("sub = ?", wanted.subject),
        ("act = ?", wanted.actor),
        ("org = ?", wanted.organisation),
        ("ev = ?", wanted.event),
        ("dec = ?", wanted.decision),
        ("t >= ?", None if wanted.since is None else write_time(wanted.since)),
        ("t < ?", None if wanted.before is None else write_time(wanted.before)),
        (_IN_TEXT, None if wanted.purpose is None else f'"pur":"{wanted.purpose}"'),
        (_IN_TEXT, None if wanted.channel is None else f'"via":"{wanted.channel}"'),
        (_IN_LIST.format(key="fld"), None if wanted.field is None else f'"{wanted.field}"'),
        (_IN_LIST.format(key="flg"), None if wanted.flag is None else f'"{wanted.flag}"'),
    )
    return [(column, value) for column, value in given if value is not None]
