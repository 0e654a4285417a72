"""Log details: what may be erased from beside the log, under the root key; search words under the searcher's.

The log's leaf holds only a commitment to a detail, so that the detail can go and the leaf stays.
Format: docs/formats.md, Log detail.
"""

from crypto import aead, context
from crypto.context import Random
from crypto.envelope import root_open, root_wrap
from crypto.errors import Blob
from crypto.keys import GroupKeys, RootKey


def seal_detail(root: RootKey, detail: bytes, tree: bytes, index: int, random: Random) -> bytes:
    """The detail of entry ``index`` of the tree with that 16-byte id."""
    return root_wrap(root, context.ROOT_DETAIL, detail, context.detail_context(tree, index), random)


def open_detail(root: RootKey, blob: bytes, tree: bytes, index: int) -> bytes:
    """The detail; OpenError(ROOT) for another tree, entry or root key, or any changed byte."""
    return root_open(root, context.ROOT_DETAIL, blob, context.detail_context(tree, index))


def seal_words(group: GroupKeys, words: bytes, request: bytes, random: Random) -> bytes:
    """Search words, for the searcher's own group only; ``request`` is the request's 16-byte id."""
    return aead.seal(group.index, words, context.DOMAIN_WORDS + context.ids(request), random)


def open_words(group: GroupKeys, blob: bytes, request: bytes) -> bytes:
    """The search words; OpenError(DETAIL) for another group or request, or any changed byte."""
    return aead.unseal(group.index, blob, context.DOMAIN_WORDS + context.ids(request), Blob.DETAIL)
