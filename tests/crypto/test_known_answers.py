"""What was stored once opens for ever: one frozen answer a format."""

import json
from pathlib import Path

import pytest

from crypto.context import FieldContext
from crypto.detail import open_detail, open_words
from crypto.envelope import decode_key_list, open_bundle, open_field, open_shred, root_open
from crypto.keys import RootKey, SlotKey
from crypto.notes import SignerKey, read_vkey
from crypto.password import Method, Unlock, open_seed
from crypto.rowmac import check_row
from crypto.sealing import SealedGrant, open_grant, open_member
from crypto.session import open_session
from crypto.totp import open_totp
from tests.crypto import known as k

VECTORS = Path(__file__).parents[1] / "vectors"
ORDERED = sorted(k.ENTRIES, key=lambda entry: entry.order())


def frozen(name: str) -> dict[str, str]:
    outputs = json.loads((VECTORS / f"crypto-{name}.json").read_text("utf-8"))["outputs"]
    return {key: str(value) for key, value in outputs.items()}


def blob(name: str, key: str = "blob") -> bytes:
    return bytes.fromhex(frozen(name)[key])


@pytest.mark.parametrize("name", sorted(k.MAKERS))
def test_a_format_is_written_as_frozen(name: str) -> None:
    """No change of the program changes a stored byte."""
    assert k.MAKERS[name]() == frozen(name)


def test_every_frozen_file_has_a_maker_and_an_origin() -> None:
    """A known answer that nothing runs, or that nobody can trace, does not exist."""
    files = {path.stem.removeprefix("crypto-"): path for path in VECTORS.glob("crypto-*.json")}
    assert set(files) == set(k.MAKERS)
    assert all(json.loads(path.read_text("utf-8"))["origin"] for path in files.values())


def test_the_known_answer_of_the_design_opens() -> None:
    """The field value that the design writes down is ours, byte for byte."""
    place = FieldContext(
        tenant=b"\x10" * 16, case=b"\x20" * 16, record=b"\x30" * 16, slot=3, column=4, version=5
    )
    stored = bytes.fromhex(
        "010100000007fccd0b02eedd1ac00787ecc335fc8c9148647547e0f7364aa0da761314f23d85"
        "000102030405060708090a0b0c0d0e0f1011121314151617"
        "7b73be980462ad4b97eecf4d45d2a8e84b4728a5fdd61deb7f1a3fb63dadf5595e06b6e441670964d595ae59cf215362"
        "71bae2594774fb19079b933d8fe744f40ae112768537a5f138f7d388956470d0"
    )
    assert stored == blob("field")
    assert open_field(SlotKey(key=bytes(range(32)), epoch=7), stored, place) == "山田 太郎".encode()


def test_frozen_wraps_open() -> None:
    """Root wraps, shred keys and log details of yesterday open today."""
    assert root_open(k.ROOT, b"tsn1.detail", blob("root"), b"place") == b"detail"
    assert open_shred(k.ROOT, blob("shred"), k.TENANT, k.CASE) == k.SHRED
    assert open_detail(k.ROOT, blob("detail"), k.TREE, 41) == b"203.0.113.9"
    assert open_words(k.CITY_KEYS, blob("detail", "words"), k.RECORD) == "やまだ".encode()


def test_frozen_slot_keys_open() -> None:
    """Key lists, bundles and grants of yesterday open today."""
    assert list(decode_key_list(blob("key-list", "list"))) == ORDERED
    assert list(open_bundle(blob("bundle"), k.SHRED, k.CITY_KEYS, k.BUNDLE)) == ORDERED
    row = SealedGrant(**{part: bytes.fromhex(value) for part, value in frozen("grant").items()})
    opened = open_grant(row, k.EXPECTED, k.CITY_KEYS.ed25519_public, k.SHRED, k.NPO_KEYS)
    assert opened == {entry.slot: entry.key for entry in ORDERED}


def test_frozen_seeds_open() -> None:
    """Members, passwords, sessions and second factors of yesterday open today."""
    pins = (k.CITY_KEYS.x25519_public, k.CITY_KEYS.ed25519_public)
    assert open_member(k.ROOT, blob("member"), k.CITY, 2, k.USER, k.STAFF, *pins) == k.CITY_KEYS
    unlock = Unlock(salt=blob("unlock", "salt"), cost=k.WEAK, blob=blob("unlock"))
    assert open_seed(k.PASSWORD, unlock, k.USER, Method.PASSWORD, k.ROOT) == k.STAFF.seed
    assert open_session(k.TOKEN, blob("session"), k.USER, k.EXPIRY) == k.STAFF.seed
    assert open_totp(k.ROOT, k.STAFF.seed, blob("totp"), k.USER) == k.SECRET


def test_frozen_texts_and_macs_hold() -> None:
    """Row MACs and key texts of yesterday hold today."""
    check_row(k.ROOT, b"TSN1-ROW-USER\0", k.COLUMNS, 12, blob("row", "mac"))
    assert SignerKey.read_text(frozen("note")["signer"]).verifier() == read_vkey(frozen("note")["log"])
    assert RootKey.read_text(frozen("keys")["root_file"]) == k.ROOT
