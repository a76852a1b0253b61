"""How is the power cut, to one file system only? An ext4 of its own in a file, which is shut down by an ioctl.

What had not reached the disk at that moment is lost, as in a power cut: the journal is not flushed either. Whoever writes
to it gets errors from then on and has to be killed; the next mount finds what a computer would find that starts again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.harness import CannotRunError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
WITHOUT_FLUSHING = 2  # EXT4_GOING_FLAGS_NOLOGFLUSH
SIZE_BYTES = 96 * 2**20


class Disk:
    """A disk of which the power can be cut, mounted at `point`."""

    def __init__(self, folder: Path) -> None:
        self.point = folder / "disk"
        self.point.mkdir()
        self._image = folder / "image"
        with self._image.open("wb") as image:
            image.truncate(SIZE_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self.mount()

    def mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.point))

    def cut(self) -> None:
        """Lose what is not on the disk by now, and let nobody write any more."""
        descriptor = os.open(self.point, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        except OSError as error:
            raise CannotRunError(f"this kernel does not shut an ext4 down: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def revive(self) -> None:
        """Mount it as the next boot would. Nobody may have a file open on it.

        What is mounted is a copy: somebody's new mount namespace may hold the old one for a while, and with it what was shut down.
        """
        _run("umount", str(self.point))
        after = self._image.with_name("after")
        _run("cp", "--sparse=always", str(self._image), str(after))
        after.replace(self._image)
        self.mount()


@contextmanager
def disk() -> Iterator[Disk]:
    """Lend a disk for the length of a block. Raises CannotRunError where none can be made."""
    _require_means()
    with tempfile.TemporaryDirectory(prefix="hm-power-", ignore_cleanup_errors=True) as folder:
        lent = Disk(Path(folder))
        try:
            yield lent
        finally:
            subprocess.run(["umount", "--lazy", str(lent.point)], capture_output=True, check=False)


def _require_means() -> None:
    if os.geteuid() != 0:
        raise CannotRunError("only root can mount a disk")
    for name, package in (("mkfs.ext4", "e2fsprogs"), ("mount", "mount")):
        if shutil.which(name) is None:
            raise CannotRunError(f"there is no {name}: apt install {package}")


def _run(*words: str) -> None:
    try:
        subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    except subprocess.CalledProcessError as error:
        raise CannotRunError(f"{words[0]}: {error.stderr.strip()}") from error
