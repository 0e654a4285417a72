"""The second factor: the standard's codes, each once."""

import os
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import OpenError
from crypto.totp import accept, base32, code_at, new_secret, open_totp, otpauth, seal_totp, step_at
from tests.crypto import known as k

NOW = 1_779_000_014


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(second: int, code: str) -> None:
    """RFC 6238 appendix B, SHA-1: the last six of its eight digits."""
    assert code_at(k.SECRET, step_at(second)) == code


@settings(max_examples=100)
@given(st.integers(0, 2**40), st.integers(-5, 5))
def test_one_step_aside_counts_and_no_more(now: int, offset: int) -> None:
    """A clock that is half a minute off still signs in; a code a minute old does not."""
    step = step_at(now) + offset
    if step >= 0:
        near = {code_at(k.SECRET, s) for s in range(max(0, step_at(now) - 1), step_at(now) + 2)}
        code = code_at(k.SECRET, step)
        assert (accept(k.SECRET, code, now, None) is not None) == (code in near)


def test_a_code_counts_once() -> None:
    """The same code again, and any earlier one, is refused."""
    step = step_at(NOW)
    code, earlier = code_at(k.SECRET, step), code_at(k.SECRET, step - 1)
    assert accept(k.SECRET, code, NOW, None) == step
    assert accept(k.SECRET, code, NOW, step) is None
    assert accept(k.SECRET, earlier, NOW, step) is None
    assert accept(k.SECRET, earlier, NOW, step - 2) == step - 1
    assert accept(k.SECRET, code_at(k.SECRET, step + 1), NOW, step) == step + 1


@pytest.mark.parametrize(
    "bad", ["", "12345", "1234567", "２８７０８２", "28708²", " 287082", "287082\n", "+87082"]
)
def test_only_six_plain_digits_are_a_code(bad: str) -> None:
    """What merely looks like a number is refused."""
    assert accept(k.SECRET, bad, 59, None) is None


def test_the_secret_opens_for_its_user_only() -> None:
    """Root key, user's seed and user together, or nothing."""
    secret = new_secret(os.urandom)
    blob = seal_totp(k.ROOT, k.STAFF.seed, secret, k.USER, os.urandom)
    assert len(secret) == 20
    assert open_totp(k.ROOT, k.STAFF.seed, blob, k.USER) == secret
    for root, seed, user in (
        (k.OTHER_ROOT, k.STAFF.seed, k.USER),
        (k.ROOT, k.COLLEAGUE.seed, k.USER),
        (k.ROOT, k.STAFF.seed, k.CASE),
    ):
        with pytest.raises(OpenError):
            open_totp(root, seed, blob, user)


def test_an_authenticator_understands_the_address() -> None:
    """Whatever the city is called, the address has one path and the standard's parameters."""
    address = urlsplit(otpauth(k.SECRET, "つなぎ: A/B?", "u&1"))
    asked = parse_qs(address.query)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path) == "/つなぎ: A/B?:u&1"
    assert asked["secret"] == [base32(k.SECRET)] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
    assert asked["issuer"] == ["つなぎ: A/B?"]
    assert (asked["algorithm"], asked["digits"], asked["period"]) == (["SHA1"], ["6"], ["30"])
