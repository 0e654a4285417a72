"""Answers about the log: trees, entries, checkpoints, proofs, receipts; each says how far it is proven."""

import msgspec

from service.api.answers import Answer, ReceiptAnswer, moment, receipt
from service.flows.beside import Beside, Kept
from service.flows.log import LogLine, LogPage
from service.flows.proven import Cosigned, Proof, TreeState
from service.flows.receipts import Asked


class CosignatureAnswer(Answer, frozen=True, kw_only=True):
    """A witness said at ``time`` that it saw the log at ``size`` entries."""

    witness: str
    size: int
    time: str


def _cosigned(found: tuple[Cosigned, ...]) -> tuple[CosignatureAnswer, ...]:
    return tuple(
        CosignatureAnswer(witness=one.witness, size=one.size, time=moment(one.time)) for one in found
    )


class TreeAnswer(Answer, frozen=True, kw_only=True):
    """A log tree that the caller is appointed to: its name for the other routes, its C2SP origin, and how far it is
    proven. ``late``: no witness has cosigned it for a day."""

    name: str
    origin: str
    size: int
    signed: int
    cosigned: tuple[CosignatureAnswer, ...]
    late: bool


class TreesAnswer(Answer, frozen=True, kw_only=True):
    """The trees."""

    trees: tuple[TreeAnswer, ...]


def trees(found: tuple[TreeState, ...]) -> TreesAnswer:
    """The trees."""
    return TreesAnswer(
        trees=tuple(
            TreeAnswer(
                name=one.tree.name,
                origin=one.tree.origin,
                size=one.size,
                signed=one.signed,
                cosigned=_cosigned(one.cosigned),
                late=one.late,
            )
            for one in found
        )
    )


class DetailAnswer(Answer, frozen=True, kw_only=True):
    """What stands beside an entry, for auditors, until it is erased: a typed reason, where a sign-in came from.

    ``state``: ``kept``, ``erased``, or ``damaged`` where it is not the one that the entry commits to.
    """

    state: Kept
    said: dict[str, str]


class EntryAnswer(Answer, frozen=True, kw_only=True):
    """An entry: index, leaf hash (hex), and the leaf; ``text`` is what was hashed, byte for byte.

    It is recorded; ``signed``: a checkpoint covers it; ``cosigned``: by whom first, and when. ``detail``: where the
    leaf has a ``det``.
    """

    index: int
    leaf_hash: str
    text: str | None
    leaf: msgspec.Raw
    signed: bool
    cosigned: tuple[CosignatureAnswer, ...]
    detail: DetailAnswer | None


class EntriesAnswer(Answer, frozen=True, kw_only=True):
    """Entries, newest first; ``next`` is sent as ``before`` for the next page; ``receipt`` is that of the look."""

    entries: tuple[EntryAnswer, ...]
    next: int | None
    receipt: ReceiptAnswer | None


def entries(page: LogPage) -> EntriesAnswer:
    """A page of entries."""
    return EntriesAnswer(
        entries=tuple(_entry(line) for line in page.lines), next=page.next, receipt=receipt(page.receipt)
    )


def _entry(line: LogLine) -> EntryAnswer:
    row = line.row
    leaf = b"null" if row.leaf is None else row.leaf.encode("ascii")
    return EntryAnswer(
        index=row.index,
        leaf_hash=row.leaf_hash.hex(),
        text=row.leaf,
        leaf=msgspec.Raw(leaf),
        signed=line.signed,
        cosigned=_cosigned(line.cosigned),
        detail=_detail(line.beside),
    )


def _detail(beside: Beside | None) -> DetailAnswer | None:
    return None if beside is None else DetailAnswer(state=beside.kept, said=dict(beside.said))


class CheckpointAnswer(Answer, frozen=True, kw_only=True):
    """The signed checkpoint, a C2SP note."""

    note: str


class ProofAnswer(Answer, frozen=True, kw_only=True):
    """A proof of inclusion; ``proof`` is the C2SP tlog-proof text with the signed checkpoint in it."""

    index: int
    size: int
    leaf_hash: str
    hashes: tuple[str, ...]
    proof: str


def proof(found: Proof) -> ProofAnswer:
    """The proof."""
    return ProofAnswer(
        index=found.index,
        size=found.size,
        leaf_hash=found.leaf_hash.hex(),
        hashes=tuple(one.hex() for one in found.hashes),
        proof=found.text,
    )


class CosignedAnswer(Answer, frozen=True, kw_only=True):
    """How many cosignatures were kept."""

    kept: int


class ReceiptStandingAnswer(Answer, frozen=True, kw_only=True):
    """Whether the entry of a receipt is in a log: if so which, how far it is proven, and the proof to hand on.

    ``proof`` (C2SP tlog-proof) is there once the entry is signed.
    """

    number: str
    in_log: bool
    origin: str | None
    index: int | None
    leaf_hash: str | None
    signed: bool
    cosigned: tuple[CosignatureAnswer, ...]
    proof: str | None


def receipt_standing(found: Asked) -> ReceiptStandingAnswer:
    """What was found for a receipt."""
    return ReceiptStandingAnswer(
        number=found.number,
        in_log=found.leaf_hash is not None,
        origin=found.origin,
        index=found.index,
        leaf_hash=None if found.leaf_hash is None else found.leaf_hash.hex(),
        signed=found.proof is not None,
        cosigned=_cosigned(found.cosigned),
        proof=found.proof,
    )
