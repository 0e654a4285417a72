"""Files of the witness: closed ones read, whole ones written, durably.

Rules kept here:
- A file with a secret is refused where others can read or change it.
- A file is there whole or not at all, and stays after a power cut, before the writer returns.
"""

import os
import stat
from pathlib import Path

from service.cli.witness.errors import StartError

_OPEN_TO_OTHERS = stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
_LONGEST = 4096


def read_closed(path: Path, what: str) -> str:
    """The line of a file that is its owner's alone; ``what`` names it. Raises StartError."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise StartError(path, "is no file")
            if mode & _OPEN_TO_OTHERS:
                raise StartError(path, f"the {what} can be read or changed by others; use chmod 0400")
            return file.read(_LONGEST).decode("ascii").rstrip("\n")
    except FileNotFoundError:
        raise StartError(path, f"the {what} is missing") from None
    except UnicodeDecodeError:
        raise StartError(path, f"is no {what}") from None
    except OSError as error:
        raise StartError(path, f"the {what} cannot be read: {error.strerror}") from None


def write_whole(path: Path, text: str) -> None:
    """Puts the text in the file's place, whole or not at all, durably. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    _write(os.open(part, flags, 0o600), text)
    part.replace(path)
    sync_folder(path.parent)


def write_new(path: Path, text: str, mode: int) -> None:
    """Makes a file that was not there, durably. Raises FileExistsError and other OSError."""
    _write(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), text)
    sync_folder(path.parent)


def _write(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Makes durable which files the folder has. Raises OSError."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
