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
    OTHER_KEY = "other_key"  # a line bears a known name, of a key that is not the known one
    KEY = "key"  # not the text form of a verifier key, or a key of another kind
    BODY = "body"  # signed, but not a checkpoint
    ORIGIN = "origin"  # a checkpoint of another log
    QUORUM = "quorum"  # not enough of the policy's witnesses have cosigned


class PolicyFault(enum.StrEnum):
    """Why a policy file is refused."""

    SIZE = "size"  # longer than the cap
    TEXT = "text"  # not UTF-8 lines that end in a newline, or control characters
    LINE = "line"  # a line that is none of the four kinds
    NAME = "name"  # a name that is not defined before, defined twice, or a member twice
    KEY = "key"  # not a verifier key of the right kind, or one that stands there already
    QUORUM = "quorum"  # no quorum line, a second one, or one that names nothing


class WitnessFault(enum.StrEnum):
    """Why a witness does not cosign (C2SP tlog-witness, add-checkpoint)."""

    TEXT = "text"  # 400: not the text form of a request
    SIZE = "size"  # 400: the old size is above the checkpoint's
    ORIGIN = "origin"  # 404: a log that this witness does not know
    SIGNATURE = "signature"  # 403: not signed by the log's key
    BEHIND = "behind"  # 409: the old size is not that of the newest checkpoint cosigned
    FORK = "fork"  # 409: another root for the same size
    PROOF = "proof"  # 422: the consistency proof does not hold


class NotaryFault(enum.StrEnum):
    """Why the notary does not sign."""

    SHRANK = "shrank"  # the log has fewer entries than were signed
    CHANGED = "changed"  # the entries do not lead from what was signed to the head
    ABSENT = "absent"  # an entry that was not signed yet has no text
    ENDED = "ended"  # the log has ended; another one goes on after it
    STATE = "state"  # the notary's own file is damaged


class AuditError(Exception):
    """Base of every error of this package."""


class EntryError(AuditError):
    """An entry or leaf is refused; ``key`` is the leaf's key at fault where one is known, else empty."""

    def __init__(self, fault: EntryFault, key: str = "") -> None:
        """Carry the fault and the key of the leaf, never its value."""
        super().__init__(fault, key)
        self.fault = fault
        self.key = key


class LayoutError(AuditError):
    """A path or an entry bundle is not in the form of tlog-tiles."""


class PolicyError(AuditError):
    """A trust policy is refused; ``line`` is the line's number from 1 where one is at fault."""

    def __init__(self, fault: PolicyFault, line: int | None = None) -> None:
        """Carry the fault and the line."""
        super().__init__(fault, line)
        self.fault = fault
        self.line = line


class WitnessError(AuditError):
    """A witness does not cosign; ``size`` is that of the newest checkpoint it cosigned, where that is the answer."""

    def __init__(self, fault: WitnessFault, size: int | None = None) -> None:
        """Carry the fault and the size."""
        super().__init__(fault, size)
        self.fault = fault
        self.size = size


class NotaryError(AuditError):
    """The notary does not sign: the fault, and the size that it signed last."""

    def __init__(self, fault: NotaryFault, signed: int = 0) -> None:
        """Carry the fault and the size."""
        super().__init__(fault, signed)
        self.fault = fault
        self.signed = signed


class ReceiptError(AuditError):
    """A text is not the number of a receipt."""


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
