"""Which witnesses a log has: named at the console by the operator, let in by a token of their own.

A witness's verifier key comes from the agreement's annex, never from the witness's request.
"""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from audit.checkpoint import read_key
from audit.errors import NoteError
from audit.event import Event
from crypto.context import LABEL_WITNESS
from crypto.errors import OpenError
from crypto.notes import COSIGNATURE, VerifierKey
from crypto.rowmac import keyed_hash
from crypto.session import new_token, read_token, write_token
from service.flows.console import AdministrationError, Problem, record
from service.flows.people import tree_called
from service.house import House
from service.store import organisations, witnesses
from service.store.engine import Transaction
from service.store.log import Record
from service.store.organisations import InstanceRow
from service.store.witnesses import WitnessRow, WitnessState
from service.store.writer import Done

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
TOKEN = "w."  # what a witness's token begins with, and no session's does


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AddedWitness:
    """A new witness's name, and its token, which is shown once."""

    name: str
    token: str


def hash_token(house: House, text: str) -> bytes | None:
    """What the database keeps of a witness's token; None for a text that is none."""
    try:
        return keyed_hash(house.root, LABEL_WITNESS, read_token(text.removeprefix(TOKEN)))
    except OpenError:
        return None


async def add_witness(house: House, tree: str, vkey: str, url: str | None) -> AddedWitness:
    """Lets a witness of a log in, and believes what its key signs.

    Raises AdministrationError: NO_TREE, BAD_VKEY for a text that is no cosignature key, NAME_TAKEN, BAD_URL.
    """
    key = _read_key(vkey)
    if url is not None and not _is_closed(url):
        raise AdministrationError(Problem.BAD_URL)
    token = TOKEN + write_token(new_token(house.random))

    async def job(tx: Transaction) -> Done[None]:
        number = await tree_called(tx, tree)
        operated = await organisations.instance(tx)
        if operated is None:
            raise AdministrationError(Problem.NO_TREE)
        if any(key.name == one.name for one in await witnesses.witnesses_of(tx, number)):
            raise AdministrationError(Problem.NAME_TAKEN)
        await witnesses.add_witness(
            tx,
            WitnessRow(
                tree=number,
                name=key.name,
                vkey=vkey,
                token=hash_token(house, token) or b"",
                url=url,
                state=WitnessState.ACTIVE,
                version=1,
            ),
        )
        return Done(outcome=None, records=(_record(house, operated, number, Event.WITNESS_ADD, vkey),))

    await house.commit(job)
    return AddedWitness(name=key.name, token=token)


def _read_key(vkey: str) -> VerifierKey:
    """The key that makes cosignatures. Raises AdministrationError(BAD_VKEY)."""
    try:
        key = read_key(vkey)
    except NoteError:
        raise AdministrationError(Problem.BAD_VKEY) from None
    if key.algorithm != COSIGNATURE:
        raise AdministrationError(Problem.BAD_VKEY)
    return key


def _is_closed(url: str) -> bool:
    """Whether nobody on the way reads or changes what goes there: TLS, or this machine."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or parts.query or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _HERE)


def _record(house: House, operated: InstanceRow, tree: int, event: Event, vkey: str) -> Record:
    digest = sha256(vkey.encode("utf-8")).digest()
    return record(house, tree, event, operated.operator, digest=digest)


async def remove_witness(house: House, tree: str, name: str) -> None:
    """From here on the witness is not let in and not counted. Raises AdministrationError: NO_TREE, NO_WITNESS."""

    async def job(tx: Transaction) -> Done[None]:
        number = await tree_called(tx, tree)
        mine = (one for one in await witnesses.witnesses_of(tx, number) if one.state is WitnessState.ACTIVE)
        row = next((one for one in mine if one.name == name), None)
        operated = await organisations.instance(tx)
        if row is None or operated is None:
            raise AdministrationError(Problem.NO_WITNESS)
        await witnesses.remove_witness(tx, row)
        made = _record(house, operated, number, Event.WITNESS_REMOVE, row.vkey)
        return Done(outcome=None, records=(made,))

    await house.commit(job)
