"""Slot keys for another organisation (grant), and a group's seed for its members (member seal).

To open a grant, in this order, and no step later than the one before has held:

1. The signature is verified with the PINNED key of the granting group, never with a key of the row.
2. The header is compared with what the server computed from the consent, never with the row: an older, wider
   grant put back by somebody who can write the database fails here.
3. The outer layers are opened and each key is compared with the name (kid) that the signed header gives it.

Formats: docs/formats.md, Grant, Member seal.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crypto import aead, context
from crypto.context import Random
from crypto.envelope import NO_THREAD, SlotKeyEntry, root_open, root_wrap
from crypto.errors import Blob, OpenError
from crypto.grant import GrantedSlot, GrantExpectation, GrantHeader, GrantTerms, decode_header, encode_header
from crypto.keys import GroupKeys, RootKey, ShredKey, SlotKey, UserKeys
from crypto.notes import sign_with, verify

_KEY: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedGrant:
    """A grant as stored: header in clear, what is sealed, signature (64), BLAKE2b-256 of the box (32)."""

    header: bytes
    sealed: bytes
    signature: bytes
    digest: bytes


def seal_grant(
    terms: GrantTerms, entries: Sequence[SlotKeyEntry], shred: ShredKey, group: GroupKeys, random: Random
) -> SealedGrant:
    """The slot keys of ``entries`` for ``terms.to_public`` only, signed by ``group``, erasable with the case.

    One key a slot and at most one recipient's thread, else ValueError.
    """
    ordered = sorted(entries, key=SlotKeyEntry.order)
    if len({entry.thread for entry in ordered} - {NO_THREAD}) > 1:
        raise ValueError("a grant carries its recipient's thread only")
    slots = tuple(GrantedSlot(slot=e.slot, epoch=e.key.epoch, kid=e.key.kid) for e in ordered)
    header = encode_header(GrantHeader(terms=terms, slots=slots))
    box = aead.box_seal(b"".join(entry.key.key for entry in ordered), terms.to_public, random)
    digest = aead.digest(box)
    return SealedGrant(
        header=header,
        sealed=aead.seal(shred.key, box, context.DOMAIN_CSK + header, random),
        signature=sign_with(group.ed25519_signing, _signed(header, digest)),
        digest=digest,
    )


def open_grant(
    row: SealedGrant,
    expected: GrantExpectation,
    pinned_ed25519: bytes,
    shred: ShredKey,
    group: GroupKeys,
) -> dict[int, SlotKey]:
    """The slot keys that the grant gives ``group``, by slot; OpenError(GRANT) unless all is as expected.

    ``expected`` is computed from the case, the recipient and the event that ``standing`` names.
    """
    if not verify(pinned_ed25519, _signed(row.header, row.digest), row.signature):
        raise OpenError(Blob.GRANT)
    header = decode_header(row.header)
    if not expected.is_met_by(header) or header.terms.to_public != group.x25519_public:
        raise OpenError(Blob.GRANT)
    box = aead.unseal(shred.key, row.sealed, context.DOMAIN_CSK + row.header, Blob.GRANT)
    if not hmac.compare_digest(aead.digest(box), row.digest):
        raise OpenError(Blob.GRANT)
    keys = aead.box_open(box, group.x25519_public, group.x25519_secret, Blob.GRANT)
    return _named_keys(header.slots, keys)


def _named_keys(slots: tuple[GrantedSlot, ...], keys: bytes) -> dict[int, SlotKey]:
    if len(keys) != _KEY * len(slots):
        raise OpenError(Blob.GRANT)
    found: dict[int, SlotKey] = {}
    for at, slot in enumerate(slots):
        key = SlotKey(key=keys[at * _KEY : (at + 1) * _KEY], epoch=slot.epoch)
        if not hmac.compare_digest(key.kid, slot.kid):
            raise OpenError(Blob.GRANT)
        found[slot.slot] = key
    return found


def _signed(header: bytes, digest: bytes) -> bytes:
    """A bare sealed box has no sender: this is what the granting group signs."""
    return context.DOMAIN_GRANT_SIGNATURE + aead.blake2b(header + digest, digest_size=64).digest()


def seal_member(
    root: RootKey,
    group_seed: bytes,
    group: bytes,
    epoch: int,
    user: bytes,
    user_public: bytes,
    random: Random,
) -> bytes:
    """The group's seed for one member; ``group`` and ``user`` are 16-byte ids."""
    ad = context.member_context(group, epoch, user, user_public)
    box = aead.box_seal(aead.digest(ad) + context.exactly(32, group_seed), user_public, random)
    return root_wrap(root, context.ROOT_MEMBER, box, ad, random)


def open_member(
    root: RootKey,
    blob: bytes,
    group: bytes,
    epoch: int,
    user: bytes,
    keys: UserKeys,
    pinned_x25519: bytes,
    pinned_ed25519: bytes,
) -> GroupKeys:
    """The group's keys; OpenError for another group, epoch or user, or where they are not the pinned ones."""
    ad = context.member_context(group, epoch, user, keys.public)
    box = root_open(root, context.ROOT_MEMBER, blob, ad)
    message = aead.box_open(box, keys.public, keys.secret, Blob.MEMBER)
    if len(message) != 64 or not hmac.compare_digest(message[:32], aead.digest(ad)):
        raise OpenError(Blob.MEMBER)
    opened = GroupKeys.from_seed(message[32:])
    if (opened.x25519_public, opened.ed25519_public) != (pinned_x25519, pinned_ed25519):
        raise OpenError(Blob.MEMBER)
    return opened
