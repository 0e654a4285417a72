"""Settings: one frozen value, read once from ``TSUNAGI_*``, safe by default.

Rules kept here:
- A name that starts with ``TSUNAGI_`` and is not known refuses to start: a misspelt setting is a missing one.
- Secrets never come by value, only as the path of a file.
- The root key's file may not lie in the database's folder, for a copy of that folder would hold both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path


class SettingError(Exception):
    """A setting that cannot be used; ``name`` is its name, ``why`` a plain sentence for the operator."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name
        self.why = why


SIGNING = ("inside", "apart")
"""Whether the service signs its log itself, or `tsunagi notary` does under another user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are and how the service listens. Paths are as given; hosts are lower-case names.

    ``proxies`` are the addresses, with commas, of reverse proxies whose X-Forwarded-For is believed; none by default.
    ``staff_names``: the sheet of who looked names people, not departments alone.
    """

    data: Path = Path("var/data")
    keys: Path = Path("var/keys")
    notary: Path = Path("var/notary")
    signing: str = "inside"
    retention: int = 7
    host: str = "127.0.0.1"
    port: int = 8000
    hosts: str = ""
    proxies: str = ""
    origin: str = "tsunagi.invalid"
    fields: Path | None = None
    roles: Path | None = None
    workers: int = 2
    staff_names: bool = False

    @property
    def database(self) -> Path:
        return self.data / "tsunagi.sqlite"

    @property
    def root_key(self) -> Path:
        return self.keys / "root.key"

    @property
    def log_key(self) -> Path:
        return self.notary / "log.key"

    @property
    def log_public(self) -> Path:
        return self.notary / "log.pub"

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The Host values that are answered: those set, else the address listened on with its port."""
        named = frozenset(part.strip().lower() for part in self.hosts.split(",") if part.strip())
        host = f"[{self.host}]" if ":" in self.host else self.host
        return named or frozenset({f"{host}:{self.port}", f"localhost:{self.port}"})


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that ``environment`` asks for.

    Raises SettingError for a name that is not known, a value that cannot be read, and a root key that
    would lie in the database's folder.
    """
    known = {f"TSUNAGI_{field.name.upper()}": field.name for field in fields(Settings)}
    given: dict[str, str] = {}
    for name, value in environment.items():
        if not name.startswith("TSUNAGI_"):
            continue
        if name not in known:
            raise SettingError(name, "is not a setting of Tsunagi; check the spelling")
        given[known[name]] = value
    settings = Settings(
        data=Path(given.get("data", "var/data")),
        keys=Path(given.get("keys", "var/keys")),
        notary=Path(given.get("notary", "var/notary")),
        signing=given.get("signing", "inside"),
        retention=_number("TSUNAGI_RETENTION", given.get("retention", "7"), 1, 100),
        host=given.get("host", "127.0.0.1"),
        port=_number("TSUNAGI_PORT", given.get("port", "8000"), 1, 65535),
        hosts=given.get("hosts", ""),
        proxies=given.get("proxies", ""),
        origin=given.get("origin", "tsunagi.invalid"),
        fields=Path(given["fields"]) if "fields" in given else None,
        roles=Path(given["roles"]) if "roles" in given else None,
        workers=_number("TSUNAGI_WORKERS", given.get("workers", "2"), 1, 64),
        staff_names=_number("TSUNAGI_STAFF_NAMES", given.get("staff_names", "0"), 0, 1) == 1,
    )
    check_settings(settings)
    return settings


def check_settings(settings: Settings) -> None:
    """Raises SettingError where the parts do not fit together."""
    if settings.keys.resolve().is_relative_to(settings.data.resolve()):
        raise SettingError("TSUNAGI_KEYS", "must not lie in TSUNAGI_DATA: a copy of that would hold both")
    if settings.notary.resolve().is_relative_to(settings.data.resolve()):
        raise SettingError(
            "TSUNAGI_NOTARY", "must not lie in TSUNAGI_DATA: what was signed must not go back with it"
        )
    if settings.signing not in SIGNING:
        raise SettingError("TSUNAGI_SIGNING", "is inside or apart")
    if (settings.fields is None) != (settings.roles is None):
        raise SettingError("TSUNAGI_FIELDS", "goes with TSUNAGI_ROLES: both files are put in place together")
    if not settings.origin or any(letter.isspace() or letter == "+" for letter in settings.origin):
        raise SettingError(
            "TSUNAGI_ORIGIN", "is a host name such as tsunagi.city.example, without + and spaces"
        )


def _number(name: str, text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
        raise SettingError(name, f"is a whole number from {low} to {high}")
    return int(text)
