"""The password opens the seed, costs what it should, and nothing a row says makes it cost more."""

import os
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

import pytest

from crypto.context import ROOT_UNLOCK, unlock_context
from crypto.envelope import root_wrap
from crypto.errors import OpenError
from crypto.password import DEFAULT, ArgonCost, Method, Unlock, burn, lock_seed, open_seed
from tests.crypto import known as k

METHOD = Method.PASSWORD


def locked(password: str = k.PASSWORD) -> Unlock:
    return lock_seed(password, k.STAFF.seed, k.USER, METHOD, k.WEAK, k.ROOT, os.urandom)


class Called(Exception):
    """Argon2 was about to run with parameters that it must not see."""


def wrapped(m_kib: int, t: int, p: int) -> Unlock:
    """A row with these parameters whose root layer opens: only the bounds stand between it and Argon2."""
    place = unlock_context(METHOD, k.USER, bytes(16), (m_kib, t, p))
    return Unlock(
        salt=bytes(16), cost=k.WEAK, blob=root_wrap(k.ROOT, ROOT_UNLOCK, bytes(73), place, os.urandom)
    )


def kdf_calls(work: Callable[[], object], *, stop: bool = False) -> int:
    """How often Argon2 was called while ``work`` ran, seen from the interpreter's own profile hook.

    With ``stop`` the first call is ended before it does anything.
    """
    calls = 0

    def watch(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        called = event == "call" and frame.f_code.co_name == "hash_secret_raw"
        calls += called
        if called and stop:
            raise Called

    sys.setprofile(watch)
    try:
        work()
    except (OpenError, Called):
        pass
    finally:
        sys.setprofile(None)
    return calls


def test_the_password_opens_the_seed() -> None:
    """Opening it is the password check."""
    assert open_seed(k.PASSWORD, locked(), k.USER, METHOD, k.ROOT) == k.STAFF.seed


@pytest.mark.parametrize("wrong", ["", "x", k.PASSWORD + " ", k.PASSWORD.upper(), k.PASSWORD[:-1]])
def test_a_wrong_password_opens_nothing(wrong: str) -> None:
    """Wrong is wrong, however near."""
    with pytest.raises(OpenError):
        open_seed(wrong, locked(), k.USER, METHOD, k.ROOT)


def test_another_users_row_does_not_open() -> None:
    """A row with a known password put in another user's place lets nobody in."""
    with pytest.raises(OpenError):
        open_seed(k.PASSWORD, locked(), k.CASE, METHOD, k.ROOT)
    with pytest.raises(OpenError):
        open_seed(k.PASSWORD, locked(), k.USER, METHOD, k.OTHER_ROOT)
    with pytest.raises(OpenError):
        open_seed(k.PASSWORD, replace(locked(), salt=bytes(16)), k.USER, METHOD, k.ROOT)


def test_two_ways_of_typing_one_password_are_one() -> None:
    """NFC: が as one character and as か with its mark are the same password."""
    apart = unicodedata.normalize("NFD", k.PASSWORD)
    assert apart != k.PASSWORD
    assert open_seed(apart, locked(), k.USER, METHOD, k.ROOT) == k.STAFF.seed


def test_a_password_keeps_what_nfkc_would_lose() -> None:
    """Full-width and half-width are different passwords: only NFC is applied."""
    with pytest.raises(OpenError):
        open_seed("ｐａｓｓ", locked("pass"), k.USER, METHOD, k.ROOT)


def test_a_string_that_is_no_text_is_a_wrong_password() -> None:
    """A lone surrogate is wrong, and costs the same as any other."""
    assert kdf_calls(lambda: open_seed("\ud800", locked(), k.USER, METHOD, k.ROOT)) == 2
    with pytest.raises(OpenError):
        open_seed("\ud800", locked(), k.USER, METHOD, k.ROOT)


@pytest.mark.parametrize(
    ("m_kib", "t", "p"),
    [
        (2**32 - 1, 3, 1),
        ((256 << 10) + 1, 3, 1),
        (64 << 10, 11, 1),
        (64 << 10, 2**32 - 1, 1),
        (64 << 10, 3, 2),
        (64 << 10, 3, 0),
        (64 << 10, 0, 1),
        ((8 << 10) - 1, 3, 1),
    ],
)
def test_a_cost_out_of_bounds_never_reaches_the_kdf(m_kib: int, t: int, p: int) -> None:
    """Trap 8: huge parameters in a row stop neither the server nor its memory."""
    row = wrapped(m_kib, t, p)

    def sign_in() -> object:
        cost = ArgonCost.read(m_kib, t, p, house=DEFAULT)
        return open_seed(k.PASSWORD, replace(row, cost=cost), k.USER, METHOD, k.ROOT)

    assert kdf_calls(sign_in, stop=True) == 0
    with pytest.raises(OpenError):
        sign_in()


def test_a_cost_that_was_changed_never_reaches_the_kdf() -> None:
    """Trap 8: a cost within bounds but not the one that was written is refused by the root layer."""
    row = replace(locked(), cost=ArgonCost(m_kib=256 << 10, t=10))
    assert kdf_calls(lambda: open_seed(k.PASSWORD, row, k.USER, METHOD, k.ROOT), stop=True) == 0


def test_the_watch_sees_the_kdf() -> None:
    """The two tests above can fail: a proper sign-in is seen to call Argon2 once."""
    row = locked()
    assert kdf_calls(lambda: open_seed(k.PASSWORD, row, k.USER, METHOD, k.ROOT)) == 1
    assert kdf_calls(lambda: burn(k.PASSWORD, k.WEAK)) == 1


def test_a_weak_cost_is_only_for_a_weak_house() -> None:
    """A row that asks for a cheap guess is refused wherever the house itself is not a practice one."""
    assert ArgonCost.read(8, 1, 1, house=k.WEAK) == k.WEAK
    with pytest.raises(OpenError):
        ArgonCost.read(8, 1, 1, house=DEFAULT)
    for m_kib in (8, -1):
        with pytest.raises(OpenError):
            ArgonCost(m_kib=m_kib, t=1)


def test_every_change_draws_a_fresh_salt() -> None:
    """Two rows of one password have nothing in common."""
    assert len({locked().salt for _ in range(8)}) == 8


def test_the_default_cost_is_64_mib() -> None:
    """The one test that pays the real price: 64 MiB, three passes, and it opens."""
    assert (DEFAULT.m_kib, DEFAULT.t, DEFAULT.p) == (65536, 3, 1)
    row = lock_seed(k.PASSWORD, k.STAFF.seed, k.USER, METHOD, DEFAULT, k.ROOT, os.urandom)
    assert open_seed(k.PASSWORD, row, k.USER, METHOD, k.ROOT) == k.STAFF.seed
