"""Consents: one series for each case, recipient and purpose, and its events as stored bytes."""

from piccolo.columns import Bytea, Integer, Serial, Text
from piccolo.table import Table


class ConsentSeries(Table, tablename="consent_series"):
    """What the series is about, how many events it has and the hash of the last, under a MAC.

    ``look_at`` is when the clock's work must look at the series again; it says nothing of what holds.
    """

    id = Bytea(primary_key=True)
    case = Bytea()
    recipient = Bytea()
    purpose = Text()
    number = Text()
    look_at = Integer(null=True)
    events = Integer()
    last = Bytea()
    mac = Bytea()


class ConsentEvent(Table, tablename="consent_event"):
    """Append-only: triggers refuse update, delete and replace."""

    id = Serial(primary_key=True)
    series = Bytea()
    number = Integer()
    event = Bytea()
