"""Sessions: only the token opens them, and it stands nowhere in the database."""

import os

import pytest

from crypto.errors import OpenError
from crypto.session import (
    form_token,
    is_form_token,
    log_mark,
    new_token,
    open_session,
    read_token,
    seal_session,
    session_id,
    write_token,
)
from tests.crypto import known as k


def test_the_token_opens_the_session() -> None:
    """Any worker that is handed the token serves the session."""
    token = new_token(os.urandom)
    blob = seal_session(token, k.STAFF.seed, k.USER, k.EXPIRY, os.urandom)
    assert open_session(token, blob, k.USER, k.EXPIRY) == k.STAFF.seed
    assert read_token(write_token(token)) == token


def test_nothing_stored_opens_the_session() -> None:
    """Neither the stored id nor another token is a key to it."""
    blob = seal_session(k.TOKEN, k.STAFF.seed, k.USER, k.EXPIRY, os.urandom)
    for token in (session_id(k.TOKEN), new_token(os.urandom), bytes(32), b""):
        with pytest.raises(OpenError):
            open_session(token, blob, k.USER, k.EXPIRY)


def test_a_session_keeps_its_user_and_its_end() -> None:
    """A row whose user or expiry was changed does not open."""
    blob = seal_session(k.TOKEN, k.STAFF.seed, k.USER, k.EXPIRY, os.urandom)
    for user, expiry in ((k.CASE, k.EXPIRY), (k.USER, k.EXPIRY + 1), (k.USER, -1), (k.USER, 2**64)):
        with pytest.raises(OpenError):
            open_session(k.TOKEN, blob, user, expiry)


def test_a_form_token_is_worth_nothing_elsewhere() -> None:
    """It is bound to its session, and tells nothing of the session's token or id."""
    other = new_token(os.urandom)
    assert is_form_token(k.TOKEN, form_token(k.TOKEN))
    for text in (form_token(other), "", "é", "\ud800", write_token(k.TOKEN), form_token(k.TOKEN) + "="):
        assert not is_form_token(k.TOKEN, text)


def test_what_a_token_gives_is_different_for_each_use() -> None:
    """Id, form token and log mark do not lead to each other."""
    parts = {k.TOKEN.hex(), session_id(k.TOKEN).hex(), read_token(form_token(k.TOKEN)).hex()}
    assert len(parts) == 3
    assert not any(log_mark(k.TOKEN).hex() in part for part in parts)
