"""``tsunagi log export|verify|receipt|witness|cosign``: what leaves a log, and what comes back to it."""

import argparse
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from audit import verify as verifier
from audit.checkpoint import MAX_NOTE
from service.cli.running import in_house
from service.cli.saying import counter, refuse, say
from service.flows.export import Wanted, case_to_export, export_log, tree_to_export
from service.flows.receipts import find_receipt, read_number
from service.flows.watching import keep_cosignatures
from service.flows.witnesses import add_witness, remove_witness
from service.house import House
from service.settings import Settings
from service.store import trees


def export(settings: Settings, arguments: argparse.Namespace) -> int:
    """Writes the bundle to a new folder or zip, whole or not at all; prints its receipt and the key that checks it."""
    target: Path = arguments.target
    if target.exists() or target.is_symlink():
        return refuse(f"{target}: is there already; nothing was overwritten")

    async def work(house: House) -> int:
        with _new_bundle(target) as new:
            wanted = await _wanted(house, arguments)
            found = await export_log(house, wanted, new, counter("Entries written"))
        point = found.checkpoint
        say(f"{target}: {point.size} entries of {point.origin} ({wanted.scope})")
        say(f"receipt {found.receipt.number}")
        say(f"key {house.notary.vkey(point.origin)}")
        return 0

    return in_house(settings, work)


async def _wanted(house: House, arguments: argparse.Namespace) -> Wanted:
    if arguments.case is not None:
        case, tree = await case_to_export(house, arguments.case, arguments.tree)
        return Wanted(tree=tree, case=case, cosigned=arguments.cosigned)
    tree = await tree_to_export(house, arguments.tree)
    return Wanted(tree=tree, since=arguments.since, cosigned=arguments.cosigned)


@contextmanager
def _new_bundle(target: Path) -> Iterator[Callable[[str], AbstractContextManager[BinaryIO]]]:
    """Opens the bundle's files beside ``target``, which gets its name once all is written, and is gone otherwise."""
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
        part = Path(name) / "bundle"
        if target.suffix == ".zip":
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
                yield lambda name: file.open(name, "w")  # type: ignore[misc, return-value]  # an IO[bytes] that is one
        else:
            part.mkdir()
            yield lambda name: _new_file(part / name)
        if target.suffix == ".zip":
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(target)
        else:
            shutil.move(part, target)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def verify(_settings: Settings, arguments: argparse.Namespace) -> int:
    """Checks a bundle with the verifier that also stands alone (``tsunagi-verify``)."""
    since = [] if arguments.since is None else ["--since", str(arguments.since)]
    return verifier.main([str(arguments.bundle), "--policy", str(arguments.policy), *since])


def receipt(settings: Settings, arguments: argparse.Namespace) -> int:
    """Says whether the entry of a receipt is in a log, and writes its proof where it was asked for."""
    number = read_number(arguments.number)

    async def work(house: House) -> int:
        found = await find_receipt(house, number)
        if found.leaf_hash is None:
            return refuse(
                f"{found.number}: no log of this house has this entry; keep the receipt and call the auditors"
            )
        say(f"{found.number}: entry {found.index} of {found.origin}")
        say("signed" if found.proof is not None else "recorded, not signed yet")
        for one in found.cosigned:
            say(f"cosigned by {one.witness} at {one.time.isoformat()}")
        if arguments.proof is not None and found.proof is None:
            return refuse(
                "nothing was written: the proof is there when the log is signed again, within a minute"
            )
        if arguments.proof is not None and found.proof is not None:
            with arguments.proof.open("x", encoding="utf-8", newline="") as file:
                file.write(found.proof)
        elif found.proof is not None:
            say(found.proof)
        return 0

    return in_house(settings, work)


def witness(settings: Settings, arguments: argparse.Namespace) -> int:
    """Lets a witness of a log in and prints its token once; or takes it out again."""

    async def work(house: House) -> int:
        if arguments.remove is not None:
            await remove_witness(house, arguments.tree, arguments.remove)
            return 0
        added = await add_witness(house, arguments.tree, arguments.vkey, arguments.url)
        say(f"witness {added.name}")
        say(f"token {added.token}")
        return 0

    if (arguments.vkey is None) == (arguments.remove is None):
        return refuse("say either VKEY or --remove NAME")
    return in_house(settings, work)


def read_note(path: Path) -> str:
    """A note that came as a file, up to one byte more than one may have."""
    with path.open("rb") as file:
        return file.read(MAX_NOTE + 1).decode("utf-8", "replace")


def cosign(settings: Settings, arguments: argparse.Namespace) -> int:
    """Takes in checkpoints with cosignatures that came back as files."""
    notes = [(path, read_note(path)) for path in arguments.file]

    async def work(house: House) -> int:
        by_origin = {tree.origin: tree for tree in await house.look(trees.trees)}
        for path, note in notes:
            tree = by_origin.get(note.partition("\n")[0])
            if tree is None:
                return refuse(f"{path}: is a checkpoint of no log of this house")
            say(f"{path}: {await keep_cosignatures(house, tree, note)} cosignatures kept")
        return 0

    return in_house(settings, work)
