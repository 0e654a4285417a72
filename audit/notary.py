"""What the notary knows and decides: it signs a tree only if it is the one signed before, grown by its entries.

Rules:
1. The notary believes its own state and the entries' text, never the head or the hashes of the database.
2. It does not sign a tree that shrank, or one whose entries lead to another root than the head's.
3. Its state moves before its signature leaves; the same tree is signed with the same bytes again.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.checkpoint import Checkpoint
from audit.errors import NotaryError, NotaryFault, TreeError
from audit.text import read_base64, write_base64
from audit.tree import EMPTY, Frontier, append, leaf_hash
from crypto.notes import is_key_name

MAX_STATE = 1 << 20  # characters
_HEAD = "tsunagi-notary/v1"
_LINE = re.compile(r"([^\n ]{1,255}) (open|ended) ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was signed last of one log: its frontier, and whether the log has ended (`tsunagi log continue`)."""

    frontier: Frontier
    ended: bool = False


State = Mapping[str, Signed]
"""What the notary has signed, by origin."""


def write_state(state: State) -> str:
    """The text of the notary's file: a line a log, sorted by origin."""
    lines = [
        f"{origin} {'ended' if one.ended else 'open'} {write_base64(one.frontier.encode())}"
        for origin, one in sorted(state.items())
    ]
    return "".join(f"{line}\n" for line in (_HEAD, *lines))


def read_state(text: str) -> State:
    """The state that a file's text says; raises NotaryError(STATE) for any text that `write_state` does not write."""
    lines = text.split("\n") if len(text) <= MAX_STATE else []
    found = [_LINE.fullmatch(line) for line in lines[1:-1]]
    try:
        state = {
            one[1]: Signed(frontier=Frontier.decode(read_base64(one[3]) or b""), ended=one[2] == "ended")
            for one in found
            if one is not None and is_key_name(one[1])
        }
    except TreeError:
        raise NotaryError(NotaryFault.STATE) from None
    if write_state(state) != text:
        raise NotaryError(NotaryFault.STATE)
    return state


def signed(state: State, origin: str) -> Frontier:
    """What was signed last of a log; the empty tree where nothing was."""
    found = state.get(origin)
    return EMPTY if found is None else found.frontier


def grow(frontier: Frontier, leaves: Iterable[bytes | None]) -> Frontier:
    """The frontier after these leaves, by their texts; raises NotaryError(ABSENT) for one without."""
    hashes: list[bytes] = []
    for leaf in leaves:
        if leaf is None:
            raise NotaryError(NotaryFault.ABSENT, frontier.size)
        hashes.append(leaf_hash(leaf))
    return append(frontier, hashes)


def check_grown(before: Frontier, after: Frontier, claimed: Checkpoint) -> None:
    """Return only if ``after``, grown from what was signed ``before``, is the checkpoint that is claimed.

    Raises NotaryError: SHRANK, CHANGED.
    """
    if claimed.size < before.size:
        raise NotaryError(NotaryFault.SHRANK, before.size)
    if (after.size, after.root) != (claimed.size, claimed.root):
        raise NotaryError(NotaryFault.CHANGED, before.size)
