"""Who works together: collaborations, organisations, sections, and each one's log tree."""

from piccolo.columns import Bytea, Integer, Serial, Text
from piccolo.table import Table


class Instance(Table, tablename="instance"):
    """One row: what this database is."""

    id = Integer(primary_key=True)
    operator = Bytea()
    practice = Integer()
    root_key = Integer()
    root_proof = Bytea()
    created = Integer()


class Organisation(Table, tablename="organisation"):
    id = Bytea(primary_key=True)
    name = Text()
    kind = Text()
    created = Integer()


class Collaboration(Table, tablename="collaboration"):
    id = Bytea(primary_key=True)
    name = Text()
    created = Integer()


class Membership(Table, tablename="membership"):
    id = Serial(primary_key=True)
    collaboration = Bytea()
    organisation = Bytea()
    version = Integer()
    mac = Bytea()


class Section(Table, tablename="section"):
    id = Bytea(primary_key=True)
    organisation = Bytea()
    name = Text()


class Place(Table, tablename="place"):
    """A place of pick-up of one collaboration; requests carry its code."""

    id = Serial(primary_key=True)
    collaboration = Bytea()
    code = Text()
    name = Text()
