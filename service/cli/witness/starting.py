"""What must hold before the witness starts; and what ``--init`` makes, once.

1. The configuration says what there is to do.
2. The key's file is there, whole, closed to others, and of this witness.
3. The store is there, and of this key; every note that it keeps of a log holds.
4. Each token's file is there and closed to others.
"""

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from crypto.context import Random
from crypto.errors import OpenError
from crypto.notes import COSIGNATURE, SignerKey
from service.cli.witness.config import Config, Pull, WatchedLog
from service.cli.witness.errors import StartError
from service.cli.witness.files import read_closed, write_new
from service.cli.witness.keeping import Clock, Store, vkey_of
from service.cli.witness.pulling import read_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A witness that may start: what its file says, and its store, which is there."""

    config: Config
    store: Store

    @property
    def pulled(self) -> tuple[tuple[WatchedLog, Pull], ...]:
        """The logs that are asked, with how."""
        return tuple((log, log.pull) for log in self.config.logs if log.pull is not None)


def begin(config: Config, clock: Clock, random: Random) -> str:
    """Makes the key and an empty store; the verifier key's text. Raises StartError, OSError."""
    for path in (config.key, config.store):
        if os.path.lexists(path):
            raise StartError(path, "is there already; nothing was overwritten")
    signer = SignerKey(name=config.name, algorithm=COSIGNATURE, seed=random(32))
    with ExitStack() as undo:
        config.key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(config.key, f"{signer.write_unsafe_text()}\n", 0o400)
        undo.callback(config.key.unlink)
        undo.callback(shutil.rmtree, config.store, ignore_errors=True)
        Store(config.store, signer, clock).begin()
        if config.out is not None:
            config.out.mkdir(mode=0o700, parents=True, exist_ok=True)
        undo.pop_all()
    return vkey_of(signer)


def open_witness(path: Path, config: Config, clock: Clock) -> Witness:
    """The witness of a configuration, with every file looked at. Raises StartError, StoreError, OSError."""
    if not config.logs:
        raise StartError(path, "names no [[log]]")
    signer = read_signer(config)
    store = Store(config.store, signer, clock)
    store.check()
    ready = Witness(config=config, store=store)
    for log in config.logs:
        store.kept(log.key.name)
    for _, how in ready.pulled:
        read_token(how.token)
    if not ready.pulled and config.serve is None:
        raise StartError(path, "has neither a `url` of a log to ask nor a [serve] to be asked at")
    return ready


def read_signer(config: Config) -> SignerKey:
    """The witness's key. Raises StartError."""
    try:
        signer = SignerKey.read_text(read_closed(config.key, "witness's key"))
    except OpenError:
        raise StartError(config.key, "is no witness's key, or a part of it is missing") from None
    if signer.algorithm != COSIGNATURE or signer.name != config.name:
        raise StartError(config.key, f"is not the key of {config.name}")
    return signer
