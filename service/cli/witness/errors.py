"""Why the witness does not start, does not keep, or does not get from the log what it needs."""

from enum import Enum, auto
from pathlib import Path

from audit.errors import WitnessFault


class StartError(Exception):
    """Why the witness does not start: the file that it is about, and a plain sentence for the technician."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class StoreFault(Enum):
    """Why the store is not used."""

    MISSING = auto()  # the folder or its marker is not there: that is not an empty store
    OTHER_KEY = auto()  # the marker is of another witness's key
    DAMAGED = auto()  # a kept note is not one that this witness cosigned
    OLDER = auto()  # the log shows a larger checkpoint that this witness cosigned and the store does not have


class StoreError(Exception):
    """The store cannot be believed, and nothing is cosigned with it."""

    def __init__(self, fault: StoreFault) -> None:
        super().__init__(fault)
        self.fault = fault


class LogFault(Enum):
    """Why an answer of the log's server is of no use."""

    SILENT = auto()  # not reached, or not done within the time
    STATUS = auto()  # another status than the one that was waited for
    ENCODED = auto()  # compressed, though nobody asked for it
    LONG = auto()  # longer than what was asked for may be
    SHORT = auto()  # a tile of another length than its width
    TEXT = auto()  # a checkpoint that is not UTF-8


class LogError(Exception):
    """The log's server did not give what was asked for: the fault, the path, and the status where there was one."""

    def __init__(self, fault: LogFault, path: str, status: int = 0) -> None:
        super().__init__(fault, path, status)
        self.fault = fault
        self.path = path
        self.status = status


class ContradictionError(Exception):
    """The log shows what contradicts what was cosigned: the fault, both sizes, and where both notes are kept."""

    def __init__(self, fault: WitnessFault, shown: int, cosigned: int, folder: Path) -> None:
        super().__init__(fault, shown, cosigned, folder)
        self.fault = fault
        self.shown = shown
        self.cosigned = cosigned
        self.folder = folder
