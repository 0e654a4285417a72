"""Keys print nothing, compare in constant time, and every purpose has a label of its own."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from crypto import aead, context
from crypto.errors import Blob, KeyMissingError, OpenError
from crypto.keys import (
    GroupKeys,
    RootKey,
    RootKeys,
    Secret,
    ShredKey,
    SlotKey,
    UserKeys,
    fingerprint,
    read_aloud,
)
from crypto.notes import SignerKey
from tests.crypto import known as k

SIGNER = SignerKey(name="log.example", algorithm=1, seed=b"\x01" * 32)
KEYS: list[Secret] = [k.ROOT, k.SLOT_KEY, k.SHRED, k.STAFF, k.CITY_KEYS, SIGNER]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_a_key_prints_no_byte(key: Secret) -> None:
    """Neither a log line, an f-string nor a traceback shows a key."""
    assert f"{key!r} {key} {[key]}" == " ".join(
        [f"<{type(key).__name__}>"] * 2 + [f"[<{type(key).__name__}>]"]
    )


@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_a_key_does_not_leave_by_accident(key: Secret) -> None:
    """It is not pickled, copied, hashed, or given attributes."""
    for leave in (pickle.dumps, copy.copy, copy.deepcopy, hash):
        with pytest.raises(TypeError):
            leave(key)
    with pytest.raises((AttributeError, TypeError)):
        key.note = "x"  # type: ignore[attr-defined] # is what is refused


def test_keys_are_equal_by_their_bytes_and_kind() -> None:
    """The same bytes as another kind of key are another key."""
    assert SlotKey(key=k.SHRED.key, epoch=1) == SlotKey(key=k.SHRED.key, epoch=1)
    assert SlotKey(key=k.SHRED.key, epoch=1) != SlotKey(key=k.SHRED.key, epoch=2)
    assert ShredKey(key=k.SHRED.key) != SlotKey(key=k.SHRED.key, epoch=1)
    assert ShredKey(key=k.SHRED.key) != k.SHRED.key
    assert RootKey(number=1, key=k.ROOT.key) != RootKey(number=2, key=k.ROOT.key)
    assert UserKeys.from_seed(b"\xd1" * 32) == k.STAFF != k.COLLEAGUE


def test_a_key_of_another_size_cannot_be_made() -> None:
    """A caller's mistake is found at once."""
    for size in (0, 16, 31, 33, 64):
        for make in (
            lambda key: SlotKey(key=key, epoch=1),
            lambda key: ShredKey(key=key),
            lambda key: RootKey(number=1, key=key),
            UserKeys.from_seed,
            GroupKeys.from_seed,
        ):
            with pytest.raises(ValueError, match="32 bytes"):
                make(bytes(size))
    with pytest.raises(ValueError, match="number"):
        RootKey(number=0, key=bytes(32))


def test_a_root_key_is_found_by_its_number() -> None:
    """Old rows open with the old key; a number that nobody holds is said so, by number."""
    keys = RootKeys(current=k.OTHER_ROOT, older=(k.ROOT,))
    assert keys.by_number(1) == k.ROOT
    assert keys.by_number(2) == k.OTHER_ROOT
    with pytest.raises(KeyMissingError) as caught:
        keys.by_number(3)
    assert caught.value.number == 3


def test_a_root_key_file_is_read_back() -> None:
    """The text in the file is the key, with a check word against a lost digit."""
    assert RootKey.read_text(k.ROOT.write_unsafe_text()) == k.ROOT
    other = RootKey(number=2, key=k.ROOT.key)
    assert other.proof() == k.ROOT.proof() != k.OTHER_ROOT.proof()
    for text in (
        "",
        "00" * 32,
        k.ROOT.write_unsafe_text().replace(":1:", ":2:"),
        k.ROOT.write_unsafe_text() * 2,
    ):
        with pytest.raises(OpenError):
            RootKey.read_text(text)


def test_a_groups_keys_are_all_different() -> None:
    """No key of a group does two things."""
    group = k.CITY_KEYS
    parts = {
        group.seed,
        group.x25519_secret,
        group.x25519_public,
        group.ed25519_public,
        group.wrap,
        group.index,
    }
    assert len(parts | {group.ed25519_signing[:32]}) == 7


def test_a_fingerprint_is_read_aloud_in_eight_groups() -> None:
    """Both keys are in it, in their order, and all of it is read."""
    one, two = k.CITY_KEYS.x25519_public, k.CITY_KEYS.ed25519_public
    assert len({fingerprint(one, two), fingerprint(two, one), fingerprint(one, one)}) == 3
    groups = read_aloud(fingerprint(one, two)).split(" ")
    assert [len(group) for group in groups] == [4] * 8
    assert "".join(groups).isdigit()
    assert read_aloud(bytes(31) + b"\x01").endswith("0000 0001")
    for bad in (b"", bytes(31)):
        with pytest.raises(OpenError):
            read_aloud(bad)


def constants(prefix: str) -> dict[str, bytes]:
    found = {name: value for name, value in vars(context).items() if name.startswith(prefix)}
    return {name: value for name, value in found.items() if isinstance(value, bytes)}


def test_no_label_serves_two_purposes() -> None:
    """Every label is ASCII, at most 16 bytes, not cut, and stands once."""
    labels = constants("LABEL_") | constants("ROOT_")
    assert len(set(labels.values())) == len(labels) >= 24
    assert all(
        label.isascii() and label.startswith(b"tsn1.") and len(label) <= 16 for label in labels.values()
    )
    assert set(constants("ROOT_").values()) == context.ROOT_LABELS


def test_no_domain_is_the_beginning_of_another() -> None:
    """Every domain is ASCII and ends in its only NUL."""
    domains = constants("DOMAIN_") | constants("ROW_")
    assert len(set(domains.values())) == len(domains) >= 22
    assert all(domain.isascii() and domain.index(b"\0") == len(domain) - 1 for domain in domains.values())
    assert set(constants("ROW_").values()) == context.ROW_DOMAINS


def test_every_label_and_domain_stands_in_the_formats() -> None:
    """docs/formats.md names each of them."""
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    named = constants("LABEL_") | constants("ROOT_") | constants("DOMAIN_") | constants("ROW_")
    missing = [name for name, value in named.items() if value.rstrip(b"\0").decode() not in text]
    assert missing == []


def test_errors_carry_no_bytes() -> None:
    """What an error says is a kind of blob, or a number."""
    assert str(OpenError(Blob.FIELD)) == "field"
    assert str(KeyMissingError(7)) == "7"
    with pytest.raises(OpenError) as caught:
        aead.unseal(bytes(32), bytes(60), b"", Blob.SESSION)
    assert (caught.value.args, caught.value.__cause__) == (("session",), None)


def test_the_promises_hold_without_asserts() -> None:
    """Trap 23: under ``python -O`` a moved value is still refused."""
    program = (
        "from dataclasses import replace\n"
        "from tests.crypto import known as k\n"
        "from crypto.envelope import open_field\n"
        "from crypto.errors import OpenError\n"
        "blob = bytes.fromhex(k.make_field()['blob'])\n"
        "try: open_field(k.SLOT_KEY, blob, replace(k.PLACE, slot=9)); print('open')\n"
        "except OpenError: print('refused')\n"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-O", "-c", program], cwd=root, capture_output=True, text=True)
    assert run.stdout == "refused\n", run.stderr
