"""Keys: each organisation's group keys, the seals to its members, each case's keys, the grants."""

from piccolo.columns import Bytea, Integer, Serial
from piccolo.table import Table


class GroupKey(Table, tablename="group_key"):
    """The public halves of one group epoch, with a MAC: whose key is it?"""

    id = Serial(primary_key=True)
    group = Bytea()
    organisation = Bytea()
    epoch = Integer()
    x25519 = Bytea()
    ed25519 = Bytea()
    created = Integer()
    version = Integer()
    mac = Bytea()


class MemberSeal(Table, tablename="member_seal"):
    id = Serial(primary_key=True)
    group = Bytea()
    epoch = Integer()
    user = Bytea()
    root_key = Integer()
    blob = Bytea()


class CaseKey(Table, tablename="case_key"):
    """The shred key: deleting it erases the case."""

    case = Bytea(primary_key=True)
    root_key = Integer()
    blob = Bytea()


class Bundle(Table, tablename="bundle"):
    case = Bytea(primary_key=True)
    group = Bytea()
    epoch = Integer()
    version = Integer()
    rotation_due = Integer()
    blob = Bytea()
    mac = Bytea()


class SealedGrant(Table, tablename="sealed_grant"):
    """One live grant a consent series; deleted in the transaction that ends the consent."""

    series = Bytea(primary_key=True)
    case = Bytea()
    header = Bytea()
    sealed = Bytea()
    signature = Bytea()
    digest = Bytea()
