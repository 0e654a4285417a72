"""Values and slot keys: at their own place, under their own key, and nowhere else."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from crypto import aead, context
from crypto.context import BundleContext, FieldContext
from crypto.envelope import (
    LARGEST_VALUE,
    SlotKeyEntry,
    decode_key_list,
    encode_key_list,
    field_key_name,
    open_bundle,
    open_field,
    open_shred,
    root_open,
    root_wrap,
    seal_bundle,
    seal_field,
    seal_shred,
)
from crypto.errors import Blob, OpenError
from crypto.keys import GroupKeys, ShredKey, SlotKey
from crypto.padding import pad, unpad
from tests.crypto import known as k
from tests.crypto.twokeys import opens_under_both

ID = st.binary(min_size=16, max_size=16)
KEY = st.binary(min_size=32, max_size=32)
U16 = st.integers(0, 2**16 - 1)
U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
PLACES = st.builds(FieldContext, tenant=ID, case=ID, record=ID, slot=U16, column=U16, version=U64)
ENTRIES = st.lists(
    st.builds(SlotKeyEntry, slot=U16, thread=ID, key=st.builds(SlotKey, key=KEY, epoch=U32)),
    max_size=23,
    unique_by=lambda entry: entry.order(),
)


@settings(max_examples=100)
@given(KEY, U32, st.binary(max_size=5000), PLACES)
def test_a_value_comes_back(key: bytes, epoch: int, value: bytes, place: FieldContext) -> None:
    """What was closed opens at the same place, whatever it is."""
    slot_key = SlotKey(key=key, epoch=epoch)
    blob = seal_field(slot_key, value, place, os.urandom)
    assert open_field(slot_key, blob, place) == value
    assert field_key_name(blob) == (epoch, slot_key.kid)


@pytest.mark.parametrize("part", ["tenant", "case", "record", "slot", "column", "version"])
def test_a_value_moved_elsewhere_does_not_open(part: str) -> None:
    """Trap 1: ciphertexts swapped across tenant, case, record, slot, column or version are refused."""
    blob = seal_field(k.SLOT_KEY, b"eggs", k.PLACE, os.urandom)
    other: bytes | int = b"\x99" * 16 if part in ("tenant", "case", "record") else 99
    with pytest.raises(OpenError):
        open_field(k.SLOT_KEY, blob, replace(k.PLACE, **{part: other}))  # type: ignore[arg-type] # by name


def test_ids_cannot_slide_into_each_other() -> None:
    """Trap 1: an id that is too short or too long is refused, not filled up or cut."""
    for size in (0, 15, 17, 32):
        with pytest.raises(OpenError):
            seal_field(k.SLOT_KEY, b"", replace(k.PLACE, case=b"\x20" * size), os.urandom)


def test_numbers_that_do_not_fit_are_refused() -> None:
    """A version or slot from a damaged row is a refusal, never a wrap-around."""
    blob = seal_field(k.SLOT_KEY, b"", k.PLACE, os.urandom)
    for place in (
        replace(k.PLACE, version=-1),
        replace(k.PLACE, version=5 + 2**64),
        replace(k.PLACE, slot=3 + 2**16),
        replace(k.PLACE, column=-1),
    ):
        with pytest.raises(OpenError):
            open_field(k.SLOT_KEY, blob, place)


def test_a_ciphertext_that_opens_under_two_keys_is_refused() -> None:
    """Trap 2: the key's name is compared, so one record never shows two organisations two facts."""
    one, other = SlotKey(key=b"\x01" * 32, epoch=1), SlotKey(key=b"\x02" * 32, epoch=1)
    head = b"\x01\x01" + (1).to_bytes(4, "big") + one.kid
    associated = context.DOMAIN_FIELD + head + k.PLACE.encode()
    double, nonce = opens_under_both(one.key, other.key, associated)
    facts = [unpad(aead.decrypt(key.key, double, associated, nonce, Blob.FIELD)) for key in (one, other)]
    assert facts[0] != facts[1]
    blob = head + nonce + double
    assert open_field(one, blob, k.PLACE) == facts[0]
    with pytest.raises(OpenError):
        open_field(other, blob, k.PLACE)


def test_every_sealing_draws_a_fresh_nonce() -> None:
    """Trap 6: nothing is deterministic; two sealings of one value have no nonce in common."""
    blobs = [seal_field(k.SLOT_KEY, b"eggs", k.PLACE, os.urandom) for _ in range(64)]
    assert len({blob[38:62] for blob in blobs}) == 64
    wraps = [root_wrap(k.ROOT, context.ROOT_DETAIL, b"x", b"", os.urandom) for _ in range(64)]
    assert len({wrap[1:25] for wrap in wraps}) == 64
    bundle = seal_bundle(k.ENTRIES, k.SHRED, k.CITY_KEYS, k.BUNDLE, os.urandom)
    again = seal_bundle(k.ENTRIES, k.SHRED, k.CITY_KEYS, k.BUNDLE, os.urandom)
    outer = context.DOMAIN_CSK + k.BUNDLE.encode()
    inner = {aead.unseal(k.SHRED.key, b, outer, Blob.BUNDLE)[1:25] for b in (bundle, again)}
    assert len({bundle[1:25], again[1:25]} | inner) == 4


def test_short_values_have_one_length() -> None:
    """Trap 7: nobody sees from a ciphertext whether a value of 0 to 63 bytes is there, or how long it is."""
    sizes = {len(seal_field(k.SLOT_KEY, b"x" * n, k.PLACE, os.urandom)) for n in range(64)}
    assert sizes == {62 + 64 + 16}


def test_a_key_of_another_epoch_does_not_open() -> None:
    """The epoch in the head is the key's own."""
    blob = seal_field(k.SLOT_KEY, b"eggs", k.PLACE, os.urandom)
    with pytest.raises(OpenError):
        open_field(SlotKey(key=k.SLOT_KEY.key, epoch=8), blob, k.PLACE)


def test_another_column_of_the_slot_is_another_place() -> None:
    """Trap 5: a column added to a slot never opens with what stood in column 0."""
    place = replace(k.PLACE, column=0)
    blob = seal_field(k.SLOT_KEY, b"eggs", place, os.urandom)
    assert open_field(k.SLOT_KEY, blob, place) == b"eggs"
    with pytest.raises(OpenError):
        open_field(k.SLOT_KEY, blob, replace(place, column=1))


def test_a_value_that_is_too_long_is_the_callers_mistake() -> None:
    """Size is capped before anything is done."""
    with pytest.raises(ValueError, match="8 MiB"):
        seal_field(k.SLOT_KEY, bytes(LARGEST_VALUE + 1), k.PLACE, os.urandom)


def test_a_value_padded_another_way_is_refused() -> None:
    """Padding has one form: a value in a longer bucket than its own is not ours."""
    head = b"\x01\x01" + (7).to_bytes(4, "big") + k.SLOT_KEY.kid
    associated = context.DOMAIN_FIELD + head + k.PLACE.encode()
    for padded in (pad(b"eggs").ljust(128, b"\0"), bytes(64), b"\x01" * 64):
        blob = crypto_aead_xchacha20poly1305_ietf_encrypt(padded, associated, bytes(24), k.SLOT_KEY.key)
        with pytest.raises(OpenError):
            open_field(k.SLOT_KEY, head + bytes(24) + blob, k.PLACE)


@settings(max_examples=100)
@given(st.sampled_from(sorted(context.ROOT_LABELS)), st.binary(max_size=300), st.binary(max_size=99))
def test_a_root_wrap_comes_back_under_its_label_only(label: bytes, message: bytes, place: bytes) -> None:
    """Label, context and root key are those it was made with, or it does not open."""
    blob = root_wrap(k.ROOT, label, message, place, os.urandom)
    assert root_open(k.ROOT, label, blob, place) == message
    for root, other, where in (
        (k.OTHER_ROOT, label, place),
        (k.ROOT, min(context.ROOT_LABELS - {label}), place),
        (k.ROOT, label, place + b"\0"),
    ):
        with pytest.raises(OpenError):
            root_open(root, other, blob, where)


def test_only_root_labels_wrap() -> None:
    """No purpose is made up on the way."""
    with pytest.raises(ValueError, match="label"):
        root_wrap(k.ROOT, context.LABEL_KID, b"", b"", os.urandom)


def test_a_shred_key_opens_for_its_case_only() -> None:
    """A shred key's row put into another case or tenant is refused."""
    blob = seal_shred(k.ROOT, k.SHRED, k.TENANT, k.CASE, os.urandom)
    assert open_shred(k.ROOT, blob, k.TENANT, k.CASE) == k.SHRED
    for tenant, case in ((k.CASE, k.TENANT), (k.TENANT, k.RECORD), (k.RECORD, k.CASE)):
        with pytest.raises(OpenError):
            open_shred(k.ROOT, blob, tenant, case)


@settings(max_examples=60)
@given(ENTRIES)
def test_a_key_list_comes_back_sorted(entries: list[SlotKeyEntry]) -> None:
    """The list has one form, whatever order it was handed in, and a length in steps of ten."""
    raw = encode_key_list(entries)
    assert list(decode_key_list(raw)) == sorted(entries, key=SlotKeyEntry.order)
    assert raw == encode_key_list(entries[::-1])
    assert len(raw) == 2 + 540 * -(-len(entries) // 10)


def test_a_key_list_out_of_order_is_refused() -> None:
    """Unsorted, doubled, or with anything in the filling: refused."""
    raw = encode_key_list(k.ENTRIES)
    first, second = raw[2:56], raw[56:110]
    doubled = raw[:2] + first + first + raw[110:]
    for bad in (raw[:2] + second + first + raw[110:], doubled, raw[:-1] + b"\x01"):
        with pytest.raises(OpenError):
            decode_key_list(bad)
    with pytest.raises(ValueError, match="two keys"):
        encode_key_list([k.ENTRIES[0], k.ENTRIES[0]])


@settings(max_examples=30)
@given(ENTRIES)
def test_a_bundle_comes_back(entries: list[SlotKeyEntry]) -> None:
    """The owner gets its slot keys back."""
    blob = seal_bundle(entries, k.SHRED, k.CITY_KEYS, k.BUNDLE, os.urandom)
    opened = open_bundle(blob, k.SHRED, k.CITY_KEYS, k.BUNDLE)
    assert list(opened) == sorted(entries, key=SlotKeyEntry.order)


@pytest.mark.parametrize(
    ("shred", "group", "place"),
    [
        (k.OTHER_SHRED, k.CITY_KEYS, k.BUNDLE),
        (k.SHRED, k.NPO_KEYS, k.BUNDLE),
        (k.SHRED, k.CITY_KEYS, replace(k.BUNDLE, tenant=k.RECORD)),
        (k.SHRED, k.CITY_KEYS, replace(k.BUNDLE, case=k.RECORD)),
        (k.SHRED, k.CITY_KEYS, replace(k.BUNDLE, group=k.NPO)),
        (k.SHRED, k.CITY_KEYS, replace(k.BUNDLE, group_epoch=3)),
        (k.SHRED, k.CITY_KEYS, replace(k.BUNDLE, version=8)),
    ],
)
def test_a_bundle_elsewhere_does_not_open(shred: ShredKey, group: GroupKeys, place: BundleContext) -> None:
    """Another case, group, epoch, version or shred key: an old or a foreign bundle put back is refused."""
    blob = seal_bundle(k.ENTRIES, k.SHRED, k.CITY_KEYS, k.BUNDLE, os.urandom)
    with pytest.raises(OpenError):
        open_bundle(blob, shred, group, place)


def test_with_the_shred_key_gone_the_bundle_is_gone() -> None:
    """Deleting a case's shred key erases it: the group's own keys do not reach below that layer."""
    blob = seal_bundle(k.ENTRIES, k.SHRED, k.CITY_KEYS, k.BUNDLE, os.urandom)
    for key in (k.CITY_KEYS.wrap, k.CITY_KEYS.index, k.CITY_KEYS.seed, k.CITY_KEYS.x25519_secret):
        with pytest.raises(OpenError):
            aead.unseal(key, blob, context.DOMAIN_CSK + k.BUNDLE.encode(), Blob.BUNDLE)


@settings(max_examples=200)
@given(st.binary(max_size=9000))
def test_padding_comes_back_and_has_few_lengths(value: bytes) -> None:
    """Lengths are 64 to 4096 in powers of two, then multiples of 4096, always the smallest that fits."""
    padded = pad(value)
    assert unpad(padded) == value
    lengths = [64, 128, 256, 512, 1024, 2048, 4096, 8192, 12288]
    assert len(padded) == next(length for length in lengths if length > len(value))
