"""Errors of the log: what was refused, as enum values, ids and numbers; never a sentence, never a value.

The value that was refused is not in the error: it could be a name.
"""

import enum


class EntryFault(enum.StrEnum):
    """Why an entry is not one that the log takes."""

    FORM = "form"  # not the canonical bytes of version 1: key, order, character or value form
    SIZE = "size"  # more than 2,048 bytes
    CODE = "code"  # an event, role, reason, purpose, channel or flag that is not on its list
    FIELDS = "fields"  # codes not sorted, doubled, or both released and withheld
    SUBJECT = "subject"  # the case is missing where it must stand, or stands where it must not
    REASON = "reason"  # a refusal without its reason
    PURPOSE = "purpose"  # fields released without a purpose
    TIME = "time"  # no such day, or a time without a zone


class ProofFault(enum.StrEnum):
    """Why a proof proves nothing."""

    SIZE = "size"  # index or sizes that no tree has
    HASH = "hash"  # a hash that is not 32 bytes
    LENGTH = "length"  # more or fewer hashes than the sizes ask for
    ROOT = "root"  # the hashes lead to another root
    TEXT = "text"  # not the text form of a proof


class NoteFault(enum.StrEnum):
    """Why a note or a checkpoint is refused."""

    SIZE = "size"  # longer than the cap
    TEXT = "text"  # not the text form of a signed note
    SIGNATURE = "signature"  # a known key's line does not verify, or stands twice
    UNSIGNED = "unsigned"  # no line of a known key
    KEY = "key"  # not the text form of a verifier key, or a key of another kind
    BODY = "body"  # signed, but not a checkpoint
    ORIGIN = "origin"  # a checkpoint of another log


class AuditError(Exception):
    """Base of every error of this package."""


class EntryError(AuditError):
    """An entry or leaf is refused; ``key`` is the leaf's key at fault where one is known, else empty."""

    def __init__(self, fault: EntryFault, key: str = "") -> None:
        """Carry the fault and the key of the leaf, never its value."""
        super().__init__(fault, key)
        self.fault = fault
        self.key = key


class TreeError(AuditError):
    """A stored frontier or tile is not one that any tree has."""


class ProofError(AuditError):
    """A proof does not prove what it was shown for."""

    def __init__(self, fault: ProofFault) -> None:
        """Carry the fault."""
        super().__init__(fault)
        self.fault = fault


class NoteError(AuditError):
    """A signed note or checkpoint is refused."""

    def __init__(self, fault: NoteFault) -> None:
        """Carry the fault."""
        super().__init__(fault)
        self.fault = fault
