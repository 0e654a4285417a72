"""Values under their slot key, slot keys in the owner's bundle, and the root key's outer layer.

1. A value opens at its own place and version only: every id of the place is authenticated.
2. The key's name (kid) is compared before anything is decrypted, because XChaCha20-Poly1305 does not commit
   to its key: a ciphertext that opens under two keys would show two organisations two different facts.
3. Everything is parsed strictly: what would not be written again to the same bytes is refused.

Formats: docs/formats.md, Field value, Root wrap, Shred key, Key list, Own bundle.
"""

import hmac
import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from crypto import aead, context
from crypto.context import BundleContext, FieldContext, Random
from crypto.errors import Blob, OpenError
from crypto.keys import GroupKeys, RootKey, ShredKey, SlotKey
from crypto.padding import SMALLEST, pad, unpad

LARGEST_VALUE: Final = 1 << 23
"""A field value has at most 8 MiB."""
NO_THREAD: Final = bytes(16)
"""The thread of a slot that is no thread slot."""

_FIELD_VERSION: Final = b"\x01\x01"
_FIELD_HEAD: Final = struct.Struct(">2sI")
_HEAD: Final = 38
_CIPHERTEXT: Final = _HEAD + aead.NONCE
_SMALLEST_FIELD: Final = _CIPHERTEXT + SMALLEST + aead.TAG
_LARGEST_FIELD: Final = _CIPHERTEXT + LARGEST_VALUE + 4096 + aead.TAG
_ENTRY: Final = struct.Struct(">H16sI32s")
_ORDER: Final = 22
_GROUP_OF_ENTRIES: Final = 10


def seal_field(key: SlotKey, value: bytes, place: FieldContext, random: Random) -> bytes:
    """``value`` closed under its slot key, for this place and version; only its padded length shows.

    An empty value is closed like any other, so that presence is hidden. Above 8 MiB: ValueError.
    """
    if len(value) > LARGEST_VALUE:
        raise ValueError("a value has at most 8 MiB")
    head = _FIELD_VERSION + context.numbers(context.U32, key.epoch) + key.kid
    nonce = random(aead.NONCE)
    associated = context.DOMAIN_FIELD + head + place.encode()
    return head + nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(pad(value), associated, nonce, key.key)


def open_field(key: SlotKey, blob: bytes, place: FieldContext) -> bytes:
    """The value; OpenError(FIELD) for another key, key epoch, place or version, or any changed byte."""
    if not _SMALLEST_FIELD <= len(blob) <= _LARGEST_FIELD:
        raise OpenError(Blob.FIELD)
    head = blob[:_HEAD]
    if _FIELD_HEAD.unpack_from(head) != (_FIELD_VERSION, key.epoch):
        raise OpenError(Blob.FIELD)
    if not hmac.compare_digest(head[6:], key.kid):
        raise OpenError(Blob.FIELD)
    associated = context.DOMAIN_FIELD + head + place.encode()
    nonce = blob[_HEAD:_CIPHERTEXT]
    return unpad(aead.decrypt(key.key, blob[_CIPHERTEXT:], associated, nonce, Blob.FIELD))


def field_key_name(blob: bytes) -> tuple[int, bytes]:
    """(key epoch, kid) that a sealed value names, unchecked; OpenError where it is too short to be one."""
    if len(blob) < _SMALLEST_FIELD or blob[:2] != _FIELD_VERSION:
        raise OpenError(Blob.FIELD)
    return int.from_bytes(blob[2:6], "big"), blob[6:_HEAD]


def root_wrap(root: RootKey, label: bytes, message: bytes, place: bytes, random: Random) -> bytes:
    """``message`` under the root key for the purpose ``label``; store the key's number beside it."""
    return aead.seal(_root_subkey(root, label), message, _root_context(label, place), random)


def root_open(root: RootKey, label: bytes, blob: bytes, place: bytes) -> bytes:
    """What ``root_wrap`` was given; OpenError(ROOT) for another key, label or place, or any changed byte."""
    return aead.unseal(_root_subkey(root, label), blob, _root_context(label, place), Blob.ROOT)


def _root_subkey(root: RootKey, label: bytes) -> bytes:
    if label not in context.ROOT_LABELS:
        raise ValueError("no label of the root wrap")
    return aead.subkey(root.key, label)


def _root_context(label: bytes, place: bytes) -> bytes:
    return context.DOMAIN_ROOT + label + b"\0" + place


def seal_shred(root: RootKey, shred: ShredKey, tenant: bytes, case: bytes, random: Random) -> bytes:
    """The case's shred key under the root key, for its row."""
    return root_wrap(root, context.ROOT_CSK, shred.key, context.shred_context(tenant, case), random)


def open_shred(root: RootKey, blob: bytes, tenant: bytes, case: bytes) -> ShredKey:
    """The case's shred key; OpenError(ROOT) where the row belongs to another case or was changed."""
    key = root_open(root, context.ROOT_CSK, blob, context.shred_context(tenant, case))
    if len(key) != 32:
        raise OpenError(Blob.ROOT)
    return ShredKey(key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotKeyEntry:
    """A slot key with its slot, and in thread slots the recipient organisation's id (16 bytes, else 0)."""

    slot: int
    key: SlotKey
    thread: bytes = NO_THREAD

    def order(self) -> tuple[int, bytes, int]:
        """What key lists are sorted by: slot, thread, key epoch."""
        return self.slot, self.thread, self.key.epoch


def encode_key_list(entries: Sequence[SlotKeyEntry]) -> bytes:
    """The sorted list, filled with zeros to a multiple of ten entries of 54 bytes; two alike: ValueError."""
    ordered = sorted(entries, key=SlotKeyEntry.order)
    if len({entry.order() for entry in ordered}) != len(ordered):
        raise ValueError("two keys of one slot, thread and epoch")
    body = b"".join(_encode_entry(entry) for entry in ordered)
    return context.numbers(context.U16, len(ordered)) + body.ljust(_list_size(len(ordered)), b"\0")


def _encode_entry(entry: SlotKeyEntry) -> bytes:
    slot, epoch = context.numbers(context.U16, entry.slot), context.numbers(context.U32, entry.key.epoch)
    return slot + context.ids(entry.thread) + epoch + entry.key.key


def _list_size(count: int) -> int:
    return -(-count // _GROUP_OF_ENTRIES) * _GROUP_OF_ENTRIES * _ENTRY.size


def decode_key_list(raw: bytes) -> tuple[SlotKeyEntry, ...]:
    """The entries; OpenError(KEY_LIST) where order, length or filling are not exactly as written."""
    if len(raw) < 2:
        raise OpenError(Blob.KEY_LIST)
    count = int.from_bytes(raw[:2], "big")
    end = 2 + count * _ENTRY.size
    if len(raw) != 2 + _list_size(count) or any(raw[end:]):
        raise OpenError(Blob.KEY_LIST)
    orders = [
        raw[at : at + _ORDER] for at in range(2, end, _ENTRY.size)
    ]  # big-endian bytes sort as numbers do
    if any(left >= right for left, right in itertools.pairwise(orders)):
        raise OpenError(Blob.KEY_LIST)
    return tuple(
        SlotKeyEntry(slot=slot, thread=thread, key=SlotKey(key=key, epoch=epoch))
        for slot, thread, epoch, key in _ENTRY.iter_unpack(raw[2:end])
    )


def seal_bundle(
    entries: Sequence[SlotKeyEntry], shred: ShredKey, group: GroupKeys, place: BundleContext, random: Random
) -> bytes:
    """The owner's slot keys of one case, under the group's wrap key and the case's shred key."""
    ad = place.encode()
    inner = aead.seal(group.wrap, encode_key_list(entries), ad, random)
    return aead.seal(shred.key, inner, context.DOMAIN_CSK + ad, random)


def open_bundle(
    blob: bytes, shred: ShredKey, group: GroupKeys, place: BundleContext
) -> tuple[SlotKeyEntry, ...]:
    """The slot keys; OpenError for another case, group, epoch, version or shred key, or a changed byte."""
    ad = place.encode()
    inner = aead.unseal(shred.key, blob, context.DOMAIN_CSK + ad, Blob.BUNDLE)
    return decode_key_list(aead.unseal(group.wrap, inner, ad, Blob.BUNDLE))
