"""A witness's desk in a folder of its own: its configuration, its key, its store, and its command as a function."""

from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from audit.layout import tile_path
from audit.tiles import Tile
from audit.tree import consistency_proof, hashes_from
from audit.witness import AddCheckpoint
from crypto.notes import SignerKey, read_vkey
from service.cli.witness.command import witness
from service.cli.witness.keeping import Store
from tests.audit.bundles import WITNESS
from tests.audit.examples import ORIGIN, VKEY
from tests.cli.witness.city import TOKEN, City, log_of

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
LOG_KEY = read_vkey(VKEY)
OUR_KEY = WITNESS.verifier()
FILE = sha256(ORIGIN.encode()).hexdigest()


class Desk:
    """The folder, and what is done there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "witness.toml"
        self.key = folder / "keys" / "witness.key"
        self.folder_of_store = folder / "store"
        self.out = folder / "out"
        self.now = NOW
        self.write()

    def write(self, *logs: str, serve: str = "") -> None:
        """The configuration, with these tables; without any it names one log that is not asked."""
        tables = "".join(logs) or f'[[log]]\nvkey = "{VKEY}"\n'
        self.config.write_text(
            f'name = "{WITNESS.name}"\nkey = "keys/witness.key"\nstore = "store"\nout = "out"\n{tables}{serve}',
            "utf-8",
        )

    def write_log(self, city: City, more: str = "", vkey: str = VKEY) -> str:
        """A table for a log of that city, with the token's file."""
        token = self.folder / "token"
        if not token.exists():
            token.write_text(f"{TOKEN}\n")
            token.chmod(0o400)
        return f'[[log]]\nvkey = "{vkey}"\nurl = "{city.url}"\ntoken_file = "token"\n{more}'

    def watch(self, city: City, more: str = "") -> "Desk":
        """Watches the city's log, with a key and a store that are there."""
        self.write(self.write_log(city, more))
        self.begin()
        return self

    def run(self, *, init: bool = False, once: bool = False) -> int:
        """The command's exit code, with the key of the known answer."""
        given = Namespace(config=self.config, init=init, once=once)
        return witness(given, clock=lambda: self.now, random=lambda count: b"\x02" * count)

    def begin(self) -> None:
        assert self.run(init=True) == 0

    def once(self) -> int:
        """One round."""
        return self.run(once=True)

    def store(self, clock: Callable[[], datetime] | None = None, signer: SignerKey = WITNESS) -> Store:
        """The store, as one process sees it."""
        return Store(self.folder_of_store, signer, clock or (lambda: self.now))

    @property
    def note(self) -> Path:
        """The file of the log's kept note."""
        return self.folder_of_store / f"{FILE}.note"

    def evidence(self) -> list[dict[str, str]]:
        """What was kept as evidence: of each folder its files."""
        folders = sorted((self.folder_of_store / "evidence").iterdir())
        return [{file.name: file.read_text("utf-8") for file in folder.iterdir()} for folder in folders]


def request_of(old: int, new: int, other: int | None = None) -> AddCheckpoint:
    """The request of a log that grew from ``old`` to ``new``; with ``other`` its entries differ from there on."""
    log = log_of(new, other)
    hashes = consistency_proof(old, new, hashes_from(log.all_hashes)) if 0 < old < new else ()
    return AddCheckpoint(old=old, hashes=hashes, note=log.note())


def grown(city: City, desk: Desk) -> str:
    """A log that grew from 200 to 300 since the last round; the path of a tile that its proof needs."""
    city.show(log_of(200))
    desk.watch(city).once()
    city.show(log_of(300))
    return tile_path(Tile(0, 0))
