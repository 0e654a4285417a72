"""Disclosures: who asked for a person's sheet of who looked, for which days, and who approved it."""

from piccolo.columns import Bytea, Integer
from piccolo.table import Table


class Disclosure(Table, tablename="disclosure"):
    """The row gives power and carries a MAC."""

    id = Bytea(primary_key=True)
    case = Bytea()
    since = Integer()
    until = Integer()
    asked_by = Bytea()
    asked = Integer()
    approved_by = Bytea(null=True)
    approved = Integer(null=True)
    version = Integer()
    mac = Bytea()
