"""Brings new checkpoints to the witnesses that take them (C2SP tlog-witness, add-checkpoint), and their word back.

A witness that has a larger log than ours has seen what we have lost: nothing is appended any more. What a witness
answers is untrusted: a few kilobytes, a line that holds, or nothing.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from audit.checkpoint import MAX_NOTE, Checkpoint, open_checkpoint, with_lines
from audit.errors import AuditError
from audit.witness import AddCheckpoint, write_request
from service.flows.errors import FlowError
from service.flows.proven import growth_proof
from service.flows.watching import keep_cosignatures
from service.house import House
from service.logs import get_logger
from service.store import trees, witnesses
from service.store.engine import Transaction
from service.store.errors import StoreError
from service.store.trees import TreeRow
from service.store.witnesses import WitnessState

PATIENCE = 20.0
"""Seconds that a witness may take in all: one that says a letter each second holds nobody up."""
PATIENCE_AT_START = 5.0
"""The same, where the start waits for it."""
_PLAIN = {"Accept-Encoding": "identity"}  # what a few bytes unpack to may be without end
_SIZE = re.compile(r"(0|[1-9][0-9]{0,12})\n", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A checkpoint that a witness has not cosigned: where it goes, and the size that the witness cosigned last."""

    tree: TreeRow
    url: str
    note: str
    old: int


def new_client() -> httpx.AsyncClient:
    """What pushes: no redirects, no proxies of the environment, a short patience."""
    return httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False, trust_env=False)


async def push_all(
    house: House,
    connect: Callable[[], httpx.AsyncClient] = new_client,
    patience: float = PATIENCE,
    *,
    again: bool = False,
) -> int:
    """Pushes each log's newest checkpoint to its witnesses that have not cosigned it, to all of them at once; gives how
    many did now. ``again``: also to those that have, to hear whether they have seen more since.

    A witness that does not answer, or says nonsense, stops no other; nor does a log whose rows are damaged. A log that
    has ended is pushed no more: its witnesses have seen more of it than is left here.
    """
    waiting = []
    for tree in await house.look(trees.growing_trees):
        with _told(tree):
            waiting += await house.look(_due(house, tree, again))
    if not waiting:
        return 0
    async with connect() as client:
        return sum(await asyncio.gather(*(_try(house, client, due, patience) for due in waiting)))


async def ask_witnesses(house: House, connect: Callable[[], httpx.AsyncClient] = new_client) -> None:
    """Before the first entry after a start: whoever has seen more of a log than is here stops all appending.

    A machine that was rolled back took the notary's file along; its witnesses know better.
    """
    await push_all(house, connect, PATIENCE_AT_START, again=True)


async def _try(house: House, client: httpx.AsyncClient, due: _Due, patience: float) -> int:
    pushed = 0
    with _told(due.tree):
        async with asyncio.timeout(patience):
            pushed = await _push(house, client, due)
    return pushed


@contextmanager
def _told(tree: TreeRow) -> Iterator[None]:
    """What goes wrong with one witness, or one log, is told the operator and stops nothing else."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, FlowError, StoreError, AuditError) as error:
        get_logger().error("witness_failed", tree=tree.name, error=type(error).__name__)


def _due(house: House, tree: TreeRow, again: bool) -> Callable[[Transaction], Awaitable[list[_Due]]]:
    async def query(tx: Transaction) -> list[_Due]:
        note = await trees.newest_checkpoint(tx, tree.number)
        if note is None:
            return []
        size = open_checkpoint(note, house.notary.key(tree.origin)).size
        done = {one.name: one.size for one in await witnesses.largest_cosigned(tx, tree.number)}
        return [
            _Due(tree=tree, url=row.url, note=note, old=done.get(row.name, 0))
            for row in await witnesses.witnesses_of(tx, tree.number)
            if row.state is WitnessState.ACTIVE
            and row.url is not None
            and (again or done.get(row.name, 0) < size)
        ]

    return query


async def _push(house: House, client: httpx.AsyncClient, due: _Due) -> int:
    """One push; where the witness has another size than we thought, once more from there."""
    checkpoint = open_checkpoint(due.note, house.notary.key(due.tree.origin))
    status, text = await _send(house, client, due, checkpoint, due.old)
    if status == 409:
        had = _SIZE.fullmatch(text)
        if had is not None and int(had[1]) > checkpoint.size:
            return await _look_behind(house, due.tree, int(had[1]))
        if had is not None:
            status, text = await _send(house, client, due, checkpoint, int(had[1]))
    if status != 200:
        get_logger().error("witness_refused", tree=due.tree.name, status=status)
        return 0
    return await keep_cosignatures(house, due.tree, with_lines(due.note, text))


async def _look_behind(house: House, tree: TreeRow, size: int) -> int:
    """The witness has cosigned a larger log. If ours has not so many entries either, it was cut short."""
    head = await house.look(lambda tx: trees.head(tx, tree.number))
    if size > head.size:
        get_logger().error("log_behind_witness", tree=tree.name, size=size)
        house.stop_appending()
    return 0


async def _send(
    house: House, client: httpx.AsyncClient, due: _Due, checkpoint: Checkpoint, old: int
) -> tuple[int, str]:
    """Status and text of a witness's answer; a longer text than a note may be is none."""
    hashes = () if old == 0 else await house.look(lambda tx: growth_proof(tx, due.tree, old, checkpoint.size))
    body = write_request(AddCheckpoint(old=old, hashes=hashes, note=due.note)).encode("utf-8")
    data = b""
    address = f"{due.url.rstrip('/')}/add-checkpoint"
    async with client.stream("POST", address, content=body, headers=_PLAIN) as answer:
        async for piece in answer.aiter_raw():
            data += piece
            if len(data) > MAX_NOTE:
                return answer.status_code, ""
    return answer.status_code, data.decode("utf-8", "replace")
