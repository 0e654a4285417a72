"""The handover ledger: append-only rows; their texts are sealed values with the row's id as record."""

from piccolo.columns import Bytea, Integer, Text
from piccolo.table import Table


class LedgerRow(Table, tablename="ledger_row"):
    id = Bytea(primary_key=True)
    case = Bytea()
    recipient = Bytea()
    request = Bytea(null=True)
    kind = Text()
    author = Bytea()
    organisation = Bytea()
    recorded = Integer()
    corrects = Bytea(null=True)
