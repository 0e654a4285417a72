"""Requests of an owner to a recipient; their contents are sealed values with the request's id as record."""

from piccolo.columns import Bytea, Integer, Text
from piccolo.table import Table


class Request(Table, tablename="request"):
    id = Bytea(primary_key=True)
    case = Bytea()
    recipient = Bytea()
    stage = Text()
    created = Integer()
    sent = Integer(null=True)
    accepted = Integer(null=True)
    ended = Integer(null=True)
    decline_reason = Text(null=True)
    version = Integer()
    mac = Bytea()
