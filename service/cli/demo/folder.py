"""Where practice data lies, and what `demo` refuses before it touches anything.

1. Loopback only: practice passwords stand on the screen.
2. An older practice database is replaced; one that is real, damaged or of another root key is left as it is.
   What it is, is read in the log's first entries, and under the root key that lies beside it.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from service.cli.opening import check_database, read_root_key
from service.settings import SettingError, Settings, check_settings, read_settings

PRACTICE = Path("var/practice")
LOG = "service.log"


def practice_settings(environment: Mapping[str, str]) -> Settings:
    """The settings for practice: folders of its own where none are named; answers to its own address only.

    Raises SettingError, also for an address that is not loopback.
    """
    given = read_settings(environment)
    if not _is_loopback(given.host):
        raise SettingError("TSUNAGI_HOST", "is not loopback; practice data is shown on this machine only")
    bracketed = f"[{given.host}]" if ":" in given.host else given.host
    settings = replace(
        given,
        data=given.data if "TSUNAGI_DATA" in environment else PRACTICE / "data",
        keys=given.keys if "TSUNAGI_KEYS" in environment else PRACTICE / "keys",
        notary=given.notary if "TSUNAGI_NOTARY" in environment else PRACTICE / "notary",
        hosts=f"{bracketed}:{given.port},localhost:{given.port}",
        origin="practice.tsunagi.invalid",
    )
    check_settings(settings)
    return settings


def address_of(settings: Settings) -> str:
    """The server's address, as it is typed into a browser."""
    return f"http://{settings.hosts.partition(',')[0]}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def remove_old_practice(settings: Settings) -> None:
    """Removes an older practice database with its keys; nothing where there is none. Raises OpeningError."""
    database = settings.database
    if not (database.exists() or database.is_symlink()):
        return
    check_database(settings, read_root_key(settings.root_key), practice=True)
    for suffix in ("-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    for path in (database, database.with_suffix(".lock"), settings.root_key):
        path.unlink(missing_ok=True)
    if settings.log_key.exists():
        shutil.rmtree(settings.notary)
