"""``tsunagi log export|verify``: a tree as a file that anybody checks offline, and the check."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from audit import verify as verifier
from service.cli.running import in_house
from service.cli.saying import counter, refuse, say
from service.flows.export import export_log, tree_to_export, vkey_of
from service.house import House
from service.settings import Settings


def export(settings: Settings, arguments: argparse.Namespace) -> int:
    """Writes the tree to a new file, whole or not at all, and prints the key that checks it."""
    target: Path = arguments.file
    if target.exists() or target.is_symlink():
        return refuse(f"{target}: is there already; nothing was overwritten")
    with _whole_file(target) as file:

        async def work(house: House) -> int:
            tree = await tree_to_export(house, arguments.tree)
            found = await export_log(house, tree, file.write, progress=counter("Entries written"))
            say(f"{target}: {found.size} entries of {found.origin}")
            say(f"key {vkey_of(house, found.origin)}")
            return 0

        return in_house(settings, work)


@contextmanager
def _whole_file(target: Path) -> Iterator[BinaryIO]:
    """A file beside ``target`` that takes its name once it is written and durable, and is gone otherwise."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def verify(_settings: Settings, arguments: argparse.Namespace) -> int:
    """Checks a file with the verifier that also stands alone (``tsunagi-verify``)."""
    return verifier.main([str(arguments.file), "--key", arguments.key])
