"""Cases: clear metadata that keyless work needs, and the sealed values."""

from piccolo.columns import Bytea, Integer, Serial, Text
from piccolo.table import Table


class Case(Table, tablename="cases"):
    """Owner and sections give power: the row carries a MAC."""

    id = Bytea(primary_key=True)
    number = Text()
    collaboration = Bytea()
    owner = Bytea()
    sections = Bytea()
    opened = Integer()
    closed = Integer(null=True)
    closing_reason = Text(null=True)
    hardship = Integer(null=True)
    willing = Integer(null=True)
    version = Integer()
    mac = Bytea()


class CaseSection(Table, tablename="case_section"):
    """For finding only: what decides is the MACed column of the case."""

    id = Serial(primary_key=True)
    case = Bytea()
    section = Bytea()


class Assignment(Table, tablename="assignment"):
    id = Serial(primary_key=True)
    case = Bytea()
    user = Bytea()
    created = Integer()
    version = Integer()
    mac = Bytea()


class Sealed(Table, tablename="sealed"):
    """One encrypted value. ``thread`` is the recipient of a thread slot, zeros for the others."""

    id = Serial(primary_key=True)
    case = Bytea()
    record = Bytea()
    slot = Integer()
    column = Integer()
    thread = Bytea()
    version = Integer()
    blob = Bytea()
