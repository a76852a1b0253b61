"""Which directories does an agent need before anything of it starts?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from healthmon.errors import UsageError

if TYPE_CHECKING:
    from healthmon.paths import Paths


def prepare_directories(paths: Paths) -> None:
    """Make the directories of an agent. Raises UsageError when one cannot be made or written."""
    for directory in (paths.data_dir, paths.runtime, paths.programs, paths.runtime / "locks", paths.doorbells, paths.logs):
        try:
            mode = 0o755 if directory == paths.data_dir else 0o700
            directory.mkdir(mode=mode, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the directory {directory}: {error.strerror}; set data_dir to one that is yours") from error
        if not os.access(directory, os.W_OK | os.X_OK):
            raise UsageError(f"cannot write into {directory}: check its owner and mode, or set data_dir to another")
    paths.runtime.chmod(0o700)  # whoever can reach the sockets in it can stop everything
