"""Ed25519 and the key texts of signed notes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import OpenError
from crypto.notes import SignerKey, note_key_id, public_of, read_vkey, sign, verify, write_vkey

LOG = "log.tsunagi.example/kat+a90dfbc1+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
WITNESS = "npo.example/w1+8f097b91+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
SEED = st.binary(min_size=32, max_size=32)
NAMES = st.from_regex(r"[a-z0-9./-]{1,40}", fullmatch=True)


def test_the_verifier_keys_of_the_design() -> None:
    """Both known keys, of the log and of a witness, are written and read as in the design."""
    assert write_vkey("log.tsunagi.example/kat", public_of(b"\x01" * 32)) == LOG
    assert write_vkey("npo.example/w1", public_of(b"\x02" * 32), 4) == WITNESS
    log, witness = read_vkey(LOG), read_vkey(WITNESS)
    assert (log.name, log.algorithm, log.key_id.hex()) == ("log.tsunagi.example/kat", 1, "a90dfbc1")
    assert (witness.name, witness.algorithm, witness.key_id.hex()) == ("npo.example/w1", 4, "8f097b91")
    assert note_key_id(log.name, log.public) == log.key_id


@settings(max_examples=50)
@given(SEED, st.binary(max_size=100), st.integers(0, 511))
def test_a_signature_holds_for_its_message_and_key(seed: bytes, message: bytes, bit: int) -> None:
    """Any other message, key or bit of the signature: no."""
    public, signature = public_of(seed), sign(seed, message)
    assert verify(public, message, signature)
    assert not verify(public, message + b"\0", signature)
    assert not verify(public_of(bytes(32 * [seed[0] ^ 1])), message, signature)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not verify(public, message, bytes(flipped))


def test_keys_and_signatures_of_odd_sizes_never_verify() -> None:
    """Nothing is read beyond what was handed in."""
    public, signature = public_of(bytes(32)), sign(bytes(32), b"m")
    for bad in (b"", public[:31], public + b"\0"):
        assert not verify(bad, b"m", signature)
    for bad in (b"", signature[:63], signature + b"\0", signature[:32]):
        assert not verify(public, b"m", bad)
    assert not verify(public, b"", signature + b"m")


@settings(max_examples=50)
@given(NAMES, SEED, st.sampled_from([1, 4]))
def test_key_texts_come_back(name: str, seed: bytes, algorithm: int) -> None:
    """A key written down is the key that is read."""
    key = SignerKey(name=name, algorithm=algorithm, seed=seed)
    assert SignerKey.read_text(key.write_unsafe_text()) == key
    half = key.verifier()
    assert read_vkey(write_vkey(name, half.public, algorithm)) == half


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "a\0b", "a\u200bb", "x" * 256])
def test_a_name_with_space_or_plus_names_no_key(name: str) -> None:
    """c2sp.org/signed-note: else a signature line could be read two ways."""
    with pytest.raises(OpenError):
        write_vkey(name, bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "++",
        LOG.replace("a90dfbc1", "a90dfbc2"),
        LOG.replace("a90dfbc1", "A90DFBC1"),
        LOG.replace("kat", "cat"),
        LOG[:-1],
        LOG + "=",
        LOG.replace("+AYq", "+BYq"),
        LOG.replace("/kat", "/k t"),
        LOG.replace("/VLb", "_VLb"),
        LOG.replace("AYqI", "AYq\nI"),
        LOG + "A" * 1100,
    ],
)
def test_a_verifier_key_is_parsed_strictly(text: str) -> None:
    """What would not be written again the same is refused."""
    with pytest.raises(OpenError):
        read_vkey(text)


def test_a_signer_key_with_a_wrong_half_is_refused() -> None:
    """The id in the text is that of the seed's public half."""
    text = SignerKey(name="x", algorithm=1, seed=b"\x01" * 32).write_unsafe_text()
    other = SignerKey(name="x", algorithm=1, seed=b"\x02" * 32).write_unsafe_text()
    for bad in (text[:23] + other[23:], text.removeprefix("PRIVATE+KEY+"), "", other[:-4] + "AAAA"):
        with pytest.raises(OpenError):
            SignerKey.read_text(bad)
