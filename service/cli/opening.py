"""Opens the house for a command: every check that must hold first, in order, and before any write.

1. The root key's file and the log key's file are there, whole, and closed to others.
2. The database is there, and ours.
3. Its root key is this one.
4. It holds the kind of data that the command is for: practice data or real.
5. Only then is its schema brought up to date, and the house opened.
"""

import asyncio
import stat
from hmac import compare_digest
from os import urandom
from pathlib import Path

from audit.errors import NotaryError
from crypto.context import Random
from crypto.errors import OpenError
from crypto.keys import RootKey, RootKeys
from crypto.notes import SignerKey, read_vkey
from crypto.password import DEFAULT, ArgonCost
from policies.errors import PolicyError
from service.flows.notary import find_behind
from service.house import Clock, House, open_house, system_clock
from service.notary import Notary
from service.settings import Settings
from service.store.check import DatabaseError, Found, NotOursError, look_over
from service.store.engine import PragmaError
from service.store.errors import TamperedError
from service.store.migrate import MigrationError, migrate

_OPEN_TO_OTHERS = stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
_LONGEST_KEY = 4096


class OpeningError(Exception):
    """Why the house is not opened: the file that it is about, and a plain sentence for the operator."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


def load_house(
    settings: Settings,
    *,
    practice: bool | None = None,
    behind: bool = False,
    clock: Clock = system_clock,
    random: Random = urandom,
    cost: ArgonCost = DEFAULT,
) -> House:
    """The house that the settings name, not yet started. Call it outside an event loop.

    ``practice`` demands practice data (True) or refuses it (False). ``behind``: a log that is older than what the
    notary signed, or that begins with a text that is no entry, is let pass: for `tsunagi log continue` and
    `tsunagi fsck` alone. Raises OpeningError.
    """
    root = read_root_key(settings.root_key)
    notary = open_notary(settings)
    check_database(settings, root, practice, damaged=behind)
    try:
        migrate(settings.database)
        roots = RootKeys(current=root)
        house = open_house(settings, roots, notary, clock=clock, random=random, cost=cost)
    except MigrationError:
        raise OpeningError(settings.database, "its schema could not be brought up to date") from None
    except DatabaseError:
        raise OpeningError(settings.database, "cannot be opened for writing now") from None
    except PragmaError as error:
        raise OpeningError(settings.database, f"does not keep the setting {error.pragma}") from None
    except PolicyError as error:
        path = settings.fields if error.file == "fields.toml" else settings.roles
        raise OpeningError(path or Path(error.file), f"line {error.line}: {error.what.value}") from None
    if not behind:
        _check_not_behind(house)
    return house


def _check_not_behind(house: House) -> None:
    """Lets pass a house whose logs hold at least what the notary signed: a restored backup is a log cut short."""
    try:
        found = asyncio.run(find_behind(house))
    except NotaryError:
        raise _closed(
            house, house.settings.notary / "state", "is missing or damaged; take it from the backup"
        ) from None
    if found:
        logs = "; ".join(
            f"the log {log.origin} has {log.size} entries, and {log.signed} were signed" for log in found
        )
        raise _closed(
            house,
            house.settings.database,
            f"{logs}: this database is older than its log, or its past was changed; bring the newer one back, or "
            "`tsunagi log continue`",
        )


def _closed(house: House, path: Path, why: str) -> OpeningError:
    asyncio.run(house.stop())
    return OpeningError(path, why)


def open_notary(settings: Settings) -> Notary:
    """The notary's folder as the settings say: with the signing key, or with its public half alone.

    Raises OpeningError.
    """
    if settings.signing == "inside":
        return Notary.signing(settings.notary, read_log_key(settings.log_key).seed)
    try:
        with settings.log_public.open("rb") as file:
            key = read_vkey(file.read(_LONGEST_KEY).decode("ascii").rstrip("\n"))
    except (OpenError, UnicodeDecodeError):
        raise OpeningError(settings.log_public, "is no verifier key") from None
    except OSError as error:
        raise OpeningError(
            settings.log_public, f"the notary's public key cannot be read: {error.strerror}"
        ) from None
    return Notary(settings.notary, public=key.public, seed=None)


def read_root_key(path: Path) -> RootKey:
    """The root key of a file. Raises OpeningError."""
    try:
        return RootKey.read_text(_read_closed(path, "root key"))
    except OpenError:
        raise OpeningError(path, "is no root key, or a part of it is missing") from None


def read_log_key(path: Path) -> SignerKey:
    """The log's signing key of a file. Raises OpeningError."""
    try:
        return SignerKey.read_text(_read_closed(path, "log signing key").rstrip("\n"))
    except OpenError:
        raise OpeningError(path, "is no log signing key, or a part of it is missing") from None


def _read_closed(path: Path, what: str) -> str:
    try:
        if path.stat().st_mode & _OPEN_TO_OTHERS:
            raise OpeningError(path, f"the {what} can be read or changed by others; use chmod 0400")
        with path.open("rb") as file:
            return file.read(_LONGEST_KEY).decode("ascii")
    except FileNotFoundError:
        raise OpeningError(path, f"the {what} is missing; `tsunagi init` makes a new house") from None
    except UnicodeDecodeError:
        raise OpeningError(path, f"is no {what}") from None
    except OSError as error:
        raise OpeningError(path, f"the {what} cannot be read: {error.strerror}") from None


def check_database(
    settings: Settings, root: RootKey, practice: bool | None, *, damaged: bool = False
) -> None:
    """Lets pass a database of this root key and this kind of data, and writes nothing. Raises OpeningError.

    ``damaged``: one of whose logs the first entry cannot be read is let pass too.
    """
    path = settings.database
    if not path.is_file():
        raise OpeningError(path, "there is no database; run `tsunagi init`")
    try:
        found = look_over(path)
    except (NotOursError, TamperedError):
        raise OpeningError(path, "is no database that `tsunagi init` made") from None
    if found.root_key != root.number or not compare_digest(found.proof, root.proof()):
        raise OpeningError(settings.root_key, f"is not the root key of {path}")
    if found.unreadable and not damaged:
        raise OpeningError(path, "has a log whose first entry cannot be read; run `tsunagi fsck`")
    _check_practice(path, found, practice)


def _check_practice(path: Path, found: Found, practice: bool | None) -> None:
    said = found.practice_log | {found.practice_row}
    if len(said) != 1:
        raise OpeningError(path, "its log and its own row disagree about practice data; do not use it")
    if practice is False and True in said:
        raise OpeningError(path, "holds practice data; it is never served")
    if practice is True and False in said:
        raise OpeningError(path, "holds real data; it is never used for practice")
