"""Who signs in, with what, and where they are signed in now."""

import warnings

from piccolo.columns import Bytea, Integer, Text
from piccolo.table import Table

with warnings.catch_warnings():  # Piccolo warns of the word, which SQLite does not reserve
    warnings.simplefilter("ignore", UserWarning)

    class User(Table, tablename="user"):
        """Role, state and public key give power: the row carries a MAC (formats.md, row MAC)."""

        id = Bytea(primary_key=True)
        organisation = Bytea()
        login = Text()
        name = Text()
        role = Text()
        state = Text()
        sections = Bytea()
        public_key = Bytea()
        created = Integer()
        version = Integer()
        mac = Bytea()


class Unlock(Table, tablename="unlock"):
    """The user's seed under the password (formats.md, unlock)."""

    user = Bytea(primary_key=True)
    salt = Bytea()
    memory = Integer()
    passes = Integer()
    lanes = Integer()
    root_key = Integer()
    blob = Bytea()


class SecondFactor(Table, tablename="second_factor"):
    user = Bytea(primary_key=True)
    root_key = Integer()
    blob = Bytea()
    last_step = Integer()


class Session(Table, tablename="session"):
    """Only a hash of the token; the seed is sealed under the token itself. ``version``: the rights it was made for."""

    id = Bytea(primary_key=True)
    user = Bytea()
    transport = Text()
    blob = Bytea()
    created = Integer()
    seen = Integer()
    expires = Integer()
    version = Integer()
    mac = Bytea()


class Device(Table, tablename="device"):
    """A browser that has signed in before: its delay does not grow with strangers' failures."""

    id = Bytea(primary_key=True)
    user = Bytea()
    created = Integer()


class Throttle(Table, tablename="throttle"):
    """Failures of one login name or one address, under a keyed hash."""

    id = Bytea(primary_key=True)
    failures = Integer()
    until = Integer()


class Denial(Table, tablename="denial"):
    """How many refusals one user met in the running minute, for the count that replaces single entries."""

    user = Bytea(primary_key=True)
    since = Integer()
    logged = Integer()
    suppressed = Integer()


class Idempotency(Table, tablename="idempotency"):
    """A create that was done: never its body, only a keyed hash of it."""

    id = Bytea(primary_key=True)
    request_hash = Bytea()
    status = Integer()
    object = Text()
    created = Integer()
