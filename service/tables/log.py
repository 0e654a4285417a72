"""The access log: trees, heads, entries, complete tiles, checkpoints, erasable details.

``entry.id`` is ``(tree << 40) | idx``: one integer key, so that a rowid can be neither reused nor replaced.
"""

from piccolo.columns import Bytea, Integer, Serial, Text
from piccolo.table import Table


class Tree(Table, tablename="tree"):
    number = Integer(primary_key=True)
    name = Text()
    origin = Text()


class Appointment(Table, tablename="appointment"):
    """An auditor's tree; the row gives power and carries a MAC."""

    id = Serial(primary_key=True)
    user = Bytea()
    tree = Integer()
    version = Integer()
    mac = Bytea()


class Head(Table, tablename="head"):
    tree = Integer(primary_key=True)
    size = Integer()
    root = Bytea()
    frontier = Bytea()
    last = Integer()


class Entry(Table, tablename="entry"):
    """Read through Piccolo, written raw: Piccolo cannot insert beside generated columns."""

    id = Integer(primary_key=True)
    tree = Integer()
    idx = Integer()
    leaf = Bytea(null=True)
    leaf_hash = Bytea()


class Tile(Table, tablename="tile"):
    id = Integer(primary_key=True)
    tree = Integer()
    level = Integer()
    n = Integer()
    root = Bytea()
    data = Bytea()


class Checkpoint(Table, tablename="checkpoint"):
    id = Integer(primary_key=True)
    tree = Integer()
    size = Integer()
    note = Text()


class Detail(Table, tablename="detail"):
    id = Integer(primary_key=True)
    tree = Integer()
    idx = Integer()
    salt = Bytea()
    ciphertext = Bytea()


class Witness(Table, tablename="witness"):
    """Who cosigns a tree; the row gives power and carries a MAC. ``token`` is the hash of its bearer token."""

    id = Serial(primary_key=True)
    tree = Integer()
    name = Text()
    vkey = Text()
    token = Bytea()
    url = Text(null=True)
    state = Text()
    version = Integer()
    mac = Bytea()


class Cosignature(Table, tablename="cosignature"):
    """A witness's signature line under the checkpoint of that size."""

    id = Serial(primary_key=True)
    tree = Integer()
    size = Integer()
    name = Text()
    time = Integer()
    line = Text()


class SealedDigest(Table, tablename="sealed_digest"):
    """The hashes of the sealed rows that an entry wrote; their SHA-256 is the entry's ``dig``."""

    id = Integer(primary_key=True)
    hashes = Bytea()
