"""Consents: one series for each case, recipient and purpose, and its events as stored bytes."""

from piccolo.columns import Bytea, Integer, Serial, Text
from piccolo.table import Table


class ConsentSeries(Table, tablename="consent_series"):
    """``look_at`` is when the clock's work must look at the series again; it says nothing of what holds."""

    id = Bytea(primary_key=True)
    case = Bytea()
    recipient = Bytea()
    purpose = Text()
    number = Text()
    look_at = Integer(null=True)


class ConsentEvent(Table, tablename="consent_event"):
    """Append-only: triggers refuse update, delete and replace."""

    id = Serial(primary_key=True)
    series = Bytea()
    number = Integer()
    event = Bytea()
