"""A disk of a few megabytes: a file system in memory, mounted on a folder, which can be filled and freed."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PIECES = (1 << 20, 1 << 16, 1 << 12, 1 << 8, 1)


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """What is mounted there."""

    folder: Path

    def fill(self) -> None:
        """Takes every byte that is left."""
        with (self.folder / "ballast").open("ab", buffering=0) as file:
            for piece in PIECES:
                while _written(file.fileno(), bytes(piece)):
                    pass

    def free(self) -> None:
        """Gives all of it back."""
        (self.folder / "ballast").unlink()


def _written(descriptor: int, data: bytes) -> bool:
    """Whether all of it found its place."""
    try:
        return os.write(descriptor, data) == len(data)
    except OSError as error:
        assert error.errno == errno.ENOSPC
        return False


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """Moves what is in the folder onto a disk of that size; skips the test where nothing may be mounted."""
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no full disk here: there is no mount command")
    if done.returncode:
        pytest.skip(f"no full disk here: mounting needs root (CAP_SYS_ADMIN); {done.stderr.strip()}")
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", str(folder)], check=True)
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
