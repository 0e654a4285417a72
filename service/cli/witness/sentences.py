"""What the witness says of an error: one plain line, with nothing in it that the log's server wrote."""

from audit.errors import NoteError, NoteFault, WitnessError, WitnessFault
from service.cli.witness.errors import (
    ContradictionError,
    LogError,
    LogFault,
    StartError,
    StoreError,
    StoreFault,
)

_STORE = {
    StoreFault.MISSING: "the store is missing; a witness that lost its store must be retired (docs/witness.md)",
    StoreFault.OTHER_KEY: "the store is of another key; a witness keeps its key and its store together",
    StoreFault.DAMAGED: "a kept note is damaged; a witness that lost its store must be retired (docs/witness.md)",
    StoreFault.OLDER: "the log has a larger cosignature of this witness than the store: the store went back, or "
    "somebody else has the key; this witness must be retired (docs/witness.md)",
}

_LOG = {
    LogFault.SILENT: "the log's server was not reached, or was too slow",
    LogFault.STATUS: "the log's server answered another status",
    LogFault.ENCODED: "the log's server compressed its answer",
    LogFault.LONG: "the log's server sent more than was asked for",
    LogFault.SHORT: "the log's server sent less than was asked for",
    LogFault.TEXT: "the log's server sent no text",
}

_NOTE = {
    NoteFault.OTHER_KEY: "its checkpoint is signed with another key than the configured one",
    NoteFault.UNSIGNED: "its checkpoint is not signed by the log",
    NoteFault.SIGNATURE: "the signature of its checkpoint does not hold",
    NoteFault.ORIGIN: "its checkpoint is of another log",
}

_WITNESS = {
    WitnessFault.BEHIND: "another request was cosigned meanwhile",
    WitnessFault.TEXT: "its checkpoint has no room for a cosignature",
}


def say_error(error: Exception) -> str:
    """A plain line for whatever may go wrong in a round or a request."""
    match error:
        case ContradictionError():
            return f"REFUSED, {_contradiction(error)}; both notes are in {error.folder}"
        case StoreError():
            return _STORE[error.fault]
        case LogError():
            status = f" {error.status}" if error.status else ""
            return f"{_LOG[error.fault]}{status} ({error.path})"
        case NoteError():
            return f"REFUSED, {_NOTE.get(error.fault, 'what it shows is no checkpoint')}"
        case WitnessError():
            return f"not cosigned, {_WITNESS.get(error.fault, error.fault.value)}"
        case StartError():
            return str(error)
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
        case _:
            return f"failed: {type(error).__name__}"


def _contradiction(error: ContradictionError) -> str:
    match error.fault:
        case WitnessFault.SIZE:
            return (
                f"the log shows {error.shown} entries, and {error.cosigned} were cosigned: entries are gone"
            )
        case WitnessFault.FORK:
            return f"the log shows other entries than those cosigned, {error.cosigned} of them both times"
        case _:
            return f"the log does not prove that its {error.shown} entries begin with the {error.cosigned} cosigned"
