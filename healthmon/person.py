"""Who types? What people do is kept with their names."""

from __future__ import annotations

import getpass
import os


def person() -> str:
    """Return the name of who runs this process, behind sudo too."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a uid without a name
        return f"uid {os.getuid()}"
