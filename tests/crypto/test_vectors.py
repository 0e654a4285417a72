"""Vectors of others: our primitives are the standard's.

Origins: C2SP/wycheproof, pyca/pynacl (beside the project), PyPI cryptography_vectors (RFC 9106, 7748).
Where the files are not beside the project the tests are skipped and say so.
"""

import json
import re
from pathlib import Path

import cryptography_vectors
import pytest
from argon2.low_level import Type, core, ffi, hash_secret_raw
from nacl.bindings import crypto_scalarmult
from nacl.exceptions import CryptoError

from crypto import aead
from crypto.errors import Blob, OpenError
from crypto.notes import verify

SHARED = Path(__file__).parents[3] / "shared" / "vectors"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/vectors beside the project")


def wycheproof(name: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    data = json.loads((SHARED / "wycheproof" / name).read_text("utf-8"))
    return [(group.get("publicKey", {}), test) for group in data["testGroups"] for test in group["tests"]]


def of(test: dict[str, str], key: str) -> bytes:
    return bytes.fromhex(test[key])


@needs_shared
def test_xchacha20_poly1305_wycheproof() -> None:
    """315 cases: valid ones open and are sealed to the same bytes, invalid ones give OpenError."""
    tests = wycheproof("xchacha20_poly1305_test.json")
    assert len(tests) == 315
    for _, test in tests:
        key, nonce, aad = of(test, "key"), of(test, "iv"), of(test, "aad")
        sealed = of(test, "ct") + of(test, "tag")
        if test["result"] == "valid":
            assert aead.decrypt(key, sealed, aad, nonce, Blob.FIELD) == of(test, "msg")
            assert aead.seal(key, of(test, "msg"), aad, {24: nonce}.__getitem__) == b"\x01" + nonce + sealed
        else:
            with pytest.raises(OpenError):
                aead.decrypt(key, sealed, aad, nonce, Blob.FIELD)


@needs_shared
def test_x25519_wycheproof() -> None:
    """518 cases: the shared secret, or refusal where it would be all zero."""
    tests = wycheproof("x25519_test.json")
    refused = 0
    for _, test in tests:
        try:
            assert crypto_scalarmult(of(test, "private"), of(test, "public")) == of(test, "shared")
        except (RuntimeError, CryptoError):
            assert not any(of(test, "shared"))
            refused += 1
    assert (len(tests), refused) == (518, 31)


@needs_shared
def test_ed25519_wycheproof() -> None:
    """Forged, malleable and truncated signatures never verify."""
    tests = wycheproof("ed25519_test.json")
    assert len(tests) > 100
    for group, test in tests:
        found = verify(bytes.fromhex(group["pk"]), of(test, "msg"), of(test, "sig"))
        assert found == (test["result"] == "valid"), test


@needs_shared
def test_sealed_boxes_of_others_open() -> None:
    """crypto_box_seal by libsodium opens here, and a box of ours opens with libsodium's own function."""
    lines = (SHARED / "pynacl" / "sealed_box_ref.txt").read_text("ascii").splitlines()
    boxes = 0
    for line in (line for line in lines if line and not line.startswith("#")):
        secret, public, *pairs = line.split("\t")
        for message, box in zip(pairs[::2], pairs[1::2], strict=True):
            _, box_hex = box.split(":")
            opened = aead.box_open(
                bytes.fromhex(box_hex), bytes.fromhex(public), bytes.fromhex(secret), Blob.GRANT
            )
            assert opened == bytes.fromhex(message.split(":")[1])
            boxes += 1
    assert boxes > 0


@needs_shared
def test_argon2id_of_pynacl() -> None:
    """libsodium's Argon2id hashes are those of the library in use."""
    tests = json.loads((SHARED / "pynacl" / "raw_argon2id_hashes.json").read_text("utf-8"))
    for test in tests:
        kib, size = int(test["maxmem"]), int(test["dgst_len"])
        secret, salt = test["passwd"].encode(), test["salt"].encode()
        found = hash_secret_raw(secret, salt, int(test["iters"]), kib, 1, size, Type.ID, 19)
        assert found.hex() == test["pwhash"]


@needs_shared
def test_xchacha20_poly1305_of_libsodium() -> None:
    """libsodium's own vector."""
    text = (SHARED / "pynacl" / "xchacha20-poly1305-ietf_ref.txt").read_text("ascii")
    found = [dict(re.findall(r"^([A-Z]+): *([0-9a-f]*)$", part, re.M)) for part in re.split(r"\n\s*\n", text)]
    tests = [test for test in found if "CT" in test]
    assert tests
    for test in tests:
        sealed = of(test, "CT") + bytes.fromhex(test.get("TAG", ""))
        assert aead.decrypt(of(test, "KEY"), sealed, of(test, "AD"), of(test, "NONCE"), Blob.FIELD) == of(
            test, "IN"
        )


def published(path: str) -> list[dict[str, str]]:
    """The cases of a file of PyPI cryptography_vectors: ``key = value`` lines, parted by empty lines."""
    text = (Path(cryptography_vectors.__file__).parent / path).read_text("ascii")
    found = [dict(re.findall(r"^(\w+) =[ ]*(\S*)$", part, re.M)) for part in text.split("\n\n")]
    return [case for case in found if "COUNT" in case]


def argon2id(case: dict[str, str]) -> bytes:
    """Argon2id of the library in use, through its C interface, which knows secret and associated data too."""
    size = int(case["length"])
    out = ffi.new("uint8_t[]", size)
    inputs = {name: of(case, name) if name in case else b"" for name in ("pass", "salt", "secret", "ad")}
    kept = {name: ffi.new("uint8_t[]", value) for name, value in inputs.items()}
    context = ffi.new(
        "argon2_context *",
        {
            "version": 0x13,
            "out": out,
            "outlen": size,
            "pwd": kept["pass"],
            "pwdlen": len(inputs["pass"]),
            "salt": kept["salt"],
            "saltlen": len(inputs["salt"]),
            "secret": kept["secret"],
            "secretlen": len(inputs["secret"]),
            "ad": kept["ad"],
            "adlen": len(inputs["ad"]),
            "t_cost": int(case["iter"]),
            "m_cost": int(case["memcost"]),
            "lanes": int(case["lanes"]),
            "threads": 1,
            "allocate_cbk": ffi.NULL,
            "free_cbk": ffi.NULL,
            "flags": 0,
        },
    )
    assert core(context, Type.ID.value) == 0
    return bytes(ffi.buffer(out, size))


def test_argon2id_of_rfc_9106() -> None:
    """RFC 9106 §5.3 and the cases beside it."""
    cases = [case for case in published("KDF/argon2id.txt") if int(case["memcost"]) <= 1 << 16]
    assert len(cases) >= 5
    for case in cases:
        assert argon2id(case).hex() == case["output"], case["COUNT"]


def test_x25519_of_rfc_7748() -> None:
    """RFC 7748 §5.2, single and after a thousand rounds."""
    once = [case for case in published("asymmetric/X25519/rfc7748.txt") if "INPUT_SCALAR" in case][:2]
    assert len(once) == 2
    for case in once:
        assert crypto_scalarmult(of(case, "INPUT_SCALAR"), of(case, "INPUT_U")) == of(case, "OUTPUT_U")
    scalar = point = b"\x09" + bytes(31)
    for _ in range(1000):
        scalar, point = crypto_scalarmult(scalar, point), scalar
    assert scalar.hex() == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"
