"""Receipts: whoever kept one asks whether its entry is still in the log, and gets the proof that convinces others.

Anybody who may sign in may ask: the number has 130 bits, so that who knows it was given it. The answer shows where
the entry stands and nothing of what it says.
"""

from dataclasses import dataclass

from audit.errors import ReceiptError
from audit.event import Event
from audit.receipt import ReceiptNumber, read_receipt, write_receipt
from service.flows.entries import Refusal, entry, settle, tree_of_organisation
from service.flows.errors import InvalidError, NotSignedError, NotSignedInError
from service.flows.notary import publish
from service.flows.proven import Cosigned, best_note, proof_of, proven
from service.house import House, Who
from service.store import sessions, trees
from service.store.engine import Transaction
from service.store.log import Record
from service.store.trees import TreeRow
from service.store.writer import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was found for a receipt's number; everything but the number is None or empty where no log has it."""

    number: str
    origin: str | None = None
    index: int | None = None
    leaf_hash: bytes | None = None
    proof: str | None = None
    cosigned: tuple[Cosigned, ...] = ()


def read_number(text: str) -> ReceiptNumber:
    """The number that was typed. Raises InvalidError."""
    try:
        return read_receipt(text)
    except ReceiptError:
        raise InvalidError("number", "form") from None


async def ask_receipt(house: House, who: Who, text: str) -> Asked:
    """Whether the entry of a receipt is in a log of this house. Raises InvalidError, NotSignedInError."""
    number = read_number(text)

    async def job(tx: Transaction) -> Done[None] | Done[Refusal]:
        if not await sessions.session_lives(tx, who.session, who.principal.version):
            return Done(outcome=Refusal(NotSignedInError()))
        tree = await tree_of_organisation(tx, who.principal.organisation)
        return Done(
            outcome=None, records=(Record(tree=tree, entry=entry(house, who, Event.LOG_VERIFY, count=1)),)
        )

    await settle(house, job)
    return await find_receipt(house, number)


async def find_receipt(house: House, number: ReceiptNumber) -> Asked:
    """The entry of the receipt, with its proof; where it is not signed yet, the notary signs it now if it can."""
    found = await house.look(lambda tx: _find(tx, number))
    if found is None:
        return Asked(number=f"{number.index}-{number.mark}")
    tree, leaf_hash = found
    note = await house.look(lambda tx: best_note(tx, house, tree, number.index))
    if note is None:
        note = await _sign(house, tree, number.index)
    return await house.look(lambda tx: _answer(tx, house, tree, number, leaf_hash, note))


async def _sign(house: House, tree: TreeRow, index: int) -> str | None:
    """The newest checkpoint, signed now if it can be; None where it does not cover the entry."""
    try:
        note, checkpoint = await publish(house, tree)
    except NotSignedError:
        return None
    return note if checkpoint.size > index else None


async def _answer(
    tx: Transaction, house: House, tree: TreeRow, number: ReceiptNumber, leaf_hash: bytes, note: str | None
) -> Asked:
    standing = await proven(tx, house, tree, (number.index,))
    proof = None if note is None else await proof_of(tx, house, tree, number.index, note)
    return Asked(
        number=write_receipt(number.index, leaf_hash),
        origin=tree.origin,
        index=number.index,
        leaf_hash=leaf_hash,
        proof=None if proof is None else proof.text,
        cosigned=standing.cosigned.get(number.index, ()),
    )


async def _find(tx: Transaction, number: ReceiptNumber) -> tuple[TreeRow, bytes] | None:
    """The tree whose entry of that index has the receipt's hash."""
    for tree in await trees.trees(tx):
        row = await trees.entry(tx, tree.number, number.index)
        if row is not None and number.fits(row.leaf_hash):
            return tree, row.leaf_hash
    return None
