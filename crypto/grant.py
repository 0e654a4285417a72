"""A grant's header: what was shared with whom, on which consent, until when; readable with no key.

Format: docs/formats.md, Grant header. An auditor reads from it WHAT was shared, never a key.
"""

import itertools
import struct
from dataclasses import dataclass
from typing import Final

from crypto import context
from crypto.errors import Blob, OpenError

_FIXED: Final = struct.Struct(">16s16s16s16sI16sI32s16s32s32sQH")
_SLOT: Final = struct.Struct(">HI32s")
_SLOT_NUMBERS: Final = struct.Struct(">HI")
_START: Final = len(context.DOMAIN_GRANT)
_FIRST_SLOT: Final = _START + _FIXED.size


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """A grant but for its slots. Ids are 16 bytes, keys and digests 32; ``not_after`` is in Unix seconds."""

    grant: bytes
    tenant: bytes
    case: bytes
    from_group: bytes
    from_epoch: int
    to_group: bytes
    to_epoch: int
    to_public: bytes
    series: bytes
    event_hash: bytes
    policy_digest: bytes
    not_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedSlot:
    """A slot that is shared, with the epoch and the name (kid, 32 bytes) of its key."""

    slot: int
    epoch: int
    kid: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantHeader:
    """A grant in clear: its terms and its slots, in rising order."""

    terms: GrantTerms
    slots: tuple[GrantedSlot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantExpectation:
    """What the server computed that the grant has to say; ``slots`` are those that the live event allows."""

    tenant: bytes
    case: bytes
    from_group: bytes
    from_epoch: int
    to_group: bytes
    to_epoch: int
    to_public: bytes
    series: bytes
    event_hash: bytes
    not_after: int
    slots: frozenset[int]

    def is_met_by(self, header: GrantHeader) -> bool:
        """Whether the header says all this, and no slot beyond."""
        terms = header.terms
        return (
            terms.tenant == self.tenant
            and terms.case == self.case
            and terms.from_group == self.from_group
            and terms.from_epoch == self.from_epoch
            and terms.to_group == self.to_group
            and terms.to_epoch == self.to_epoch
            and terms.to_public == self.to_public
            and terms.series == self.series
            and terms.event_hash == self.event_hash
            and terms.not_after == self.not_after
            and all(granted.slot in self.slots for granted in header.slots)
        )


def encode_header(header: GrantHeader) -> bytes:
    """The header's bytes; slots that do not rise, or none at all: ValueError."""
    slots = [granted.slot for granted in header.slots]
    if not slots or any(left >= right for left, right in itertools.pairwise(slots)):
        raise ValueError("slots in rising order, at least one")
    return (
        context.DOMAIN_GRANT
        + _encode_terms(header.terms, len(slots))
        + b"".join(
            context.numbers(_SLOT_NUMBERS, granted.slot, granted.epoch) + context.exactly(32, granted.kid)
            for granted in header.slots
        )
    )


def _encode_terms(terms: GrantTerms, count: int) -> bytes:
    return b"".join(
        (
            context.ids(terms.grant, terms.tenant, terms.case, terms.from_group),
            context.numbers(context.U32, terms.from_epoch),
            context.ids(terms.to_group),
            context.numbers(context.U32, terms.to_epoch),
            context.exactly(32, terms.to_public),
            context.ids(terms.series),
            context.exactly(32, terms.event_hash),
            context.exactly(32, terms.policy_digest),
            context.numbers(context.U64, terms.not_after),
            context.numbers(context.U16, count),
        )
    )


def decode_header(raw: bytes) -> GrantHeader:
    """The header; OpenError(GRANT) for anything that ``encode_header`` does not write."""
    if len(raw) < _FIRST_SLOT + _SLOT.size or raw[:_START] != context.DOMAIN_GRANT:
        raise OpenError(Blob.GRANT)
    count = int.from_bytes(raw[_FIRST_SLOT - 2 : _FIRST_SLOT], "big")
    if count == 0 or len(raw) != _FIRST_SLOT + count * _SLOT.size:
        raise OpenError(Blob.GRANT)
    slots = tuple(
        GrantedSlot(slot=slot, epoch=epoch, kid=kid)
        for slot, epoch, kid in _SLOT.iter_unpack(raw[_FIRST_SLOT:])
    )
    if any(left.slot >= right.slot for left, right in itertools.pairwise(slots)):
        raise OpenError(Blob.GRANT)
    return GrantHeader(terms=_decode_terms(raw), slots=slots)


def _decode_terms(raw: bytes) -> GrantTerms:
    values = _FIXED.unpack_from(raw, _START)
    return GrantTerms(
        grant=values[0],
        tenant=values[1],
        case=values[2],
        from_group=values[3],
        from_epoch=values[4],
        to_group=values[5],
        to_epoch=values[6],
        to_public=values[7],
        series=values[8],
        event_hash=values[9],
        policy_digest=values[10],
        not_after=values[11],
    )
