"""The tables: one file an aggregate. Only the store imports them."""

from service.tables.cases import Assignment, Case, CaseSection, Sealed
from service.tables.consents import ConsentEvent, ConsentSeries
from service.tables.disclosures import Disclosure
from service.tables.keys import Bundle, CaseKey, GroupKey, MemberSeal, SealedGrant
from service.tables.ledger import LedgerRow
from service.tables.log import (
    Appointment,
    Checkpoint,
    Cosignature,
    Detail,
    Entry,
    Head,
    SealedDigest,
    Tile,
    Tree,
    Witness,
)
from service.tables.organisations import Collaboration, Instance, Membership, Organisation, Place, Section
from service.tables.requests import Request
from service.tables.users import (
    Denial,
    Device,
    Idempotency,
    SecondFactor,
    Session,
    Throttle,
    Unlock,
    User,
)

TABLES = (
    Appointment,
    Assignment,
    Bundle,
    Case,
    CaseKey,
    CaseSection,
    Checkpoint,
    Collaboration,
    ConsentEvent,
    ConsentSeries,
    Cosignature,
    Denial,
    Detail,
    Device,
    Disclosure,
    Entry,
    GroupKey,
    Head,
    Idempotency,
    Instance,
    LedgerRow,
    MemberSeal,
    Membership,
    Organisation,
    Place,
    Request,
    Sealed,
    SealedDigest,
    SealedGrant,
    SecondFactor,
    Section,
    Session,
    Throttle,
    Tile,
    Tree,
    Unlock,
    User,
    Witness,
)
