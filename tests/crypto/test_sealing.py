"""Grants and member seals: for the one they were made for, from the one who may, under the live consent."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import aead, context
from crypto.context import member_context
from crypto.envelope import NO_THREAD, SlotKeyEntry, root_open, root_wrap
from crypto.errors import Blob, OpenError
from crypto.grant import decode_header
from crypto.keys import GroupKeys, SlotKey
from crypto.notes import sign
from crypto.sealing import SealedGrant, open_grant, open_member, seal_grant, seal_member
from tests.crypto import known as k

PINNED = k.CITY_KEYS.ed25519_public
PINS = (k.CITY_KEYS.x25519_public, k.CITY_KEYS.ed25519_public)


def opened(row: SealedGrant, group: GroupKeys = k.NPO_KEYS) -> dict[int, SlotKey]:
    return open_grant(row, k.EXPECTED, PINNED, k.SHRED, group)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from([1, 16, 17, 18]), st.binary(min_size=32, max_size=32), min_size=1))
def test_a_grant_gives_exactly_its_slot_keys(keys: dict[int, bytes]) -> None:
    """The recipient gets the keys of the agreed slots, no more and no others."""
    entries = [SlotKeyEntry(slot=slot, key=SlotKey(key=key, epoch=slot)) for slot, key in keys.items()]
    row = seal_grant(k.TERMS, entries, k.SHRED, k.CITY_KEYS, os.urandom)
    assert opened(row) == {entry.slot: entry.key for entry in entries}


def test_a_grant_signed_by_another_group_is_refused() -> None:
    """Trap 3: a sealed box has no sender, so only the pinned group's signature counts."""
    row = seal_grant(k.TERMS, k.ENTRIES, k.SHRED, k.THIRD_KEYS, os.urandom)
    with pytest.raises(OpenError):
        opened(row)
    assert open_grant(row, k.EXPECTED, k.THIRD_KEYS.ed25519_public, k.SHRED, k.NPO_KEYS)


@pytest.mark.parametrize(
    "part",
    [
        "tenant",
        "case",
        "from_group",
        "to_group",
        "series",
        "event_hash",
        "to_public",
        "from_epoch",
        "to_epoch",
        "not_after",
    ],
)
def test_a_grant_that_says_something_else_is_refused(part: str) -> None:
    """Properly signed, but for another case, recipient, epoch, event or end: the server knows."""
    value: bytes | int = 5 if part.endswith(("epoch", "after")) else b"\x99" * len(getattr(k.TERMS, part))
    other = replace(k.TERMS, **{part: value})  # type: ignore[arg-type] # by name
    row = k.granted(replace(other, to_public=k.TERMS.to_public) if part == "to_public" else other)
    expected = replace(k.EXPECTED, to_public=b"\x99" * 32) if part == "to_public" else k.EXPECTED
    with pytest.raises(OpenError):
        open_grant(row, expected, PINNED, k.SHRED, k.NPO_KEYS)


def test_an_older_wider_grant_put_back_is_refused() -> None:
    """Somebody who can write the database puts back yesterday's row: it goes beyond what stands."""
    row = k.granted()
    narrowed = replace(k.EXPECTED, slots=frozenset({1, 17}))
    with pytest.raises(OpenError):
        open_grant(row, narrowed, PINNED, k.SHRED, k.NPO_KEYS)
    wider = replace(k.EXPECTED, slots=frozenset(range(1, 27)))
    assert open_grant(row, wider, PINNED, k.SHRED, k.NPO_KEYS)


def test_every_header_byte_is_signed() -> None:
    """Trap 4: the policy digest and the grant's id, compared with nothing, cannot be changed either."""
    row = k.granted()
    box = aead.unseal(k.SHRED.key, row.sealed, context.DOMAIN_CSK + row.header, Blob.GRANT)
    for at in range(len(row.header)):
        header = bytearray(row.header)
        header[at] ^= 0xFF
        place = context.DOMAIN_CSK + bytes(header)
        sealed = aead.seal(k.SHRED.key, box, place, os.urandom)  # as one who holds the shred key could
        with pytest.raises(OpenError):
            opened(replace(row, header=bytes(header), sealed=sealed))


def test_a_grant_for_another_group_does_not_open() -> None:
    """Another organisation's keys do not open it, even where it is told to expect it."""
    expected = replace(k.EXPECTED, to_public=k.THIRD_KEYS.x25519_public)
    for wanted in (k.EXPECTED, expected):
        with pytest.raises(OpenError):
            open_grant(k.granted(), wanted, PINNED, k.SHRED, k.THIRD_KEYS)


def test_with_the_shred_key_gone_the_grant_is_gone() -> None:
    """Erasing a case erases what was granted of it."""
    with pytest.raises(OpenError):
        open_grant(k.granted(), k.EXPECTED, PINNED, k.OTHER_SHRED, k.NPO_KEYS)


def test_sealed_keys_of_another_grant_are_refused() -> None:
    """The signature covers the sealed keys: the box of one grant under the header of another is nothing."""
    narrow = k.granted(entries=k.ENTRIES[:1])
    wide = k.granted()
    for row in (replace(narrow, sealed=wide.sealed), replace(narrow, sealed=wide.sealed, digest=wide.digest)):
        with pytest.raises(OpenError):
            opened(row)


def forged(header: bytes, keys: bytes) -> SealedGrant:
    """A grant around any keys, signed by the city itself."""
    box = aead.box_seal(keys, k.NPO_KEYS.x25519_public, os.urandom)
    digest = aead.digest(box)
    signed = context.DOMAIN_GRANT_SIGNATURE + aead.blake2b(header + digest, digest_size=64).digest()
    sealed = aead.seal(k.SHRED.key, box, context.DOMAIN_CSK + header, os.urandom)
    signature = sign(k.CITY_KEYS.ed25519_signing[:32], signed)
    return SealedGrant(header=header, sealed=sealed, signature=signature, digest=digest)


def test_each_key_has_the_name_that_the_header_gives_it() -> None:
    """A grantor that seals another key than it names is found before any value is opened with it."""
    header = k.granted().header
    right = b"".join(entry.key.key for entry in sorted(k.ENTRIES, key=SlotKeyEntry.order))
    assert opened(forged(header, right))
    for keys in (bytes(96), right[:64], right + bytes(32), right[32:] + right[:32]):
        with pytest.raises(OpenError):
            opened(forged(header, keys))


def test_a_sealed_box_not_of_the_signed_digest_is_refused() -> None:
    """The stored digest is that of the box inside: nobody swaps the box and keeps the signature."""
    row, other = k.granted(), forged(k.granted().header, bytes(96))
    with pytest.raises(OpenError):
        opened(replace(row, sealed=other.sealed))


def test_the_header_tells_an_auditor_what_was_shared() -> None:
    """Slots, epochs and names of keys are read with no key at all."""
    header = decode_header(k.granted().header)
    assert header.terms == k.TERMS
    assert [(s.slot, s.epoch) for s in header.slots] == [(1, 3), (16, 2), (17, 1)]
    assert [s.kid for s in header.slots] == [e.key.kid for e in sorted(k.ENTRIES, key=SlotKeyEntry.order)]


def test_a_grant_carries_one_thread_and_one_key_a_slot() -> None:
    """A second organisation's thread never travels along."""
    other = SlotKeyEntry(slot=18, thread=k.NPO, key=SlotKey(key=bytes(32), epoch=1))
    assert k.ENTRIES[2].thread not in (NO_THREAD, other.thread)
    with pytest.raises(ValueError, match="thread"):
        k.granted(entries=(*k.ENTRIES, other))
    for entries in ((), (k.ENTRIES[0], replace(k.ENTRIES[0], key=SlotKey(key=bytes(32), epoch=9)))):
        with pytest.raises(ValueError, match="rising"):
            k.granted(entries=entries)


def test_a_public_key_that_is_none_is_refused() -> None:
    """Keys of small order would make a secret that everybody knows (RFC 7748 §6.1)."""
    for public in (bytes(32), b"\x01" + bytes(31), bytes(31)):
        with pytest.raises(OpenError):
            k.granted(replace(k.TERMS, to_public=public))


def test_a_member_gets_the_groups_keys() -> None:
    """The seal opens for the member, and gives the keys that are pinned."""
    blob = seal_member(k.ROOT, k.CITY_KEYS.seed, k.CITY, 2, k.USER, k.STAFF.public, os.urandom)
    assert open_member(k.ROOT, blob, k.CITY, 2, k.USER, k.STAFF, *PINS) == k.CITY_KEYS


def test_a_member_seal_elsewhere_is_refused() -> None:
    """Trap 16: a seal moved to another group, epoch, user or root key, or to a colleague, is nothing."""
    blob = seal_member(k.ROOT, k.CITY_KEYS.seed, k.CITY, 2, k.USER, k.STAFF.public, os.urandom)
    with pytest.raises(OpenError):
        open_member(k.OTHER_ROOT, blob, k.CITY, 2, k.USER, k.STAFF, *PINS)
    for group, epoch, user, keys in (
        (k.NPO, 2, k.USER, k.STAFF),
        (k.CITY, 3, k.USER, k.STAFF),
        (k.CITY, 2, k.CASE, k.STAFF),
        (k.CITY, 2, k.USER, k.COLLEAGUE),
    ):
        with pytest.raises(OpenError):
            open_member(k.ROOT, blob, group, epoch, user, keys, *PINS)


def test_a_planted_group_seed_is_refused() -> None:
    """Trap 16: anybody with root key and public key can seal a seed; only the pinned group's counts."""
    blob = seal_member(k.ROOT, k.THIRD_KEYS.seed, k.CITY, 2, k.USER, k.STAFF.public, os.urandom)
    with pytest.raises(OpenError):
        open_member(k.ROOT, blob, k.CITY, 2, k.USER, k.STAFF, *PINS)
    third = (k.THIRD_KEYS.x25519_public, k.THIRD_KEYS.ed25519_public)
    for pins in ((third[0], PINS[1]), (PINS[0], third[1])):
        with pytest.raises(OpenError):
            open_member(k.ROOT, blob, k.CITY, 2, k.USER, k.STAFF, *pins)


def test_a_box_transplanted_into_another_place_is_refused() -> None:
    """Trap 16: even under a fresh outer layer the box says for which place it was sealed."""
    blob = seal_member(k.ROOT, k.CITY_KEYS.seed, k.CITY, 2, k.USER, k.STAFF.public, os.urandom)
    here = member_context(k.CITY, 2, k.USER, k.STAFF.public)
    there = member_context(k.CITY, 3, k.USER, k.STAFF.public)
    moved = root_wrap(
        k.ROOT, context.ROOT_MEMBER, root_open(k.ROOT, context.ROOT_MEMBER, blob, here), there, os.urandom
    )
    with pytest.raises(OpenError):
        open_member(k.ROOT, moved, k.CITY, 3, k.USER, k.STAFF, *PINS)
