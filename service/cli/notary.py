"""``tsunagi notary``: signs checkpoints under another user than the service, which then has no key.

It opens the database for reading only, believes its own state and the entries' text, and lays the notes where the
service finds them. Run it beside `serve` with TSUNAGI_SIGNING=apart; the head of docs/notary.md says how.
"""

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from os import urandom

from audit.checkpoint import open_checkpoint
from audit.errors import NotaryError, NoteError
from crypto.keys import RootKey, RootKeys
from service.cli.opening import OpeningError, read_log_key
from service.cli.saying import refuse, say, tell
from service.flows.notary import sign_tree
from service.notary import Notary
from service.settings import Settings
from service.store import trees
from service.store.engine import Transaction, open_read_only
from service.store.errors import UnavailableError
from service.store.macs import Macs
from service.store.reader import Reader
from service.store.trees import HeadRow, TreeRow

SECONDS = 60


def notary(settings: Settings, arguments: argparse.Namespace) -> int:
    """Signs every log that grew, once or each minute; 1 where one was refused."""
    if not settings.database.is_file():
        raise OpeningError(settings.database, "there is no database; run `tsunagi init`")
    signer = Notary.signing(settings.notary, read_log_key(settings.log_key).seed)
    return asyncio.run(_run(settings, signer, once=arguments.once))


async def _run(settings: Settings, signer: Notary, *, once: bool) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    nobody = Macs(
        RootKeys(current=RootKey(number=1, key=urandom(32)))
    )  # marks nothing: no marked row is read here
    reader = Reader(open_read_only(settings.database), nobody)
    refused = 0
    try:
        while not stop.is_set():
            refused = await sign_all(signer, reader)
            if once:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SECONDS)
    finally:
        reader.close()
    return 1 if refused else 0


async def sign_all(signer: Notary, reader: Reader) -> int:
    """Signs every log that grew since it was signed last; gives back how many were refused."""
    refused = 0
    try:
        state = signer.read()
        for tree in await reader.look(trees.growing_trees):
            head = await reader.look(_head(tree.number))
            before = state.get(tree.origin)
            if before is not None and before.frontier.size == head.size and _is_laid_down(signer, tree, head):
                continue
            try:
                note, found = await sign_tree(signer, reader.look, tree)
            except NotaryError as error:
                refuse(f"{tree.origin}: not signed ({error.fault}); stop the service and call the auditors")
                refused += 1
            else:
                signer.hand_over(tree.origin, note)
                say(f"{tree.origin}: {found.size} entries signed")
    except NotaryError as error:
        refuse(f"the notary's own file cannot be read ({error.fault}); nothing was signed")
        return 1
    except (UnavailableError, OSError):
        tell("the database or the notary's folder does not answer now; the next minute tries again")
        return 1
    return refused


def _is_laid_down(signer: Notary, tree: TreeRow, head: HeadRow) -> bool:
    """Whether the note over this head lies where the service finds it: a notary that ended before is made up for."""
    note = signer.handed_over(tree.origin)
    try:
        return note is not None and open_checkpoint(note, signer.key(tree.origin)).size == head.size
    except NoteError:
        return False


def _head(tree: int) -> Callable[[Transaction], Awaitable[HeadRow]]:
    async def query(tx: Transaction) -> HeadRow:
        return await trees.head(tx, tree)

    return query
