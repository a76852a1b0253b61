"""Who types? What people do is kept with their names."""

from __future__ import annotations

import getpass
import os

from healthmon.log import clean

MAX_CHARS = 64


def person() -> str:
    """Return the name of who runs this process, behind sudo too."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a uid without a name
        name = f"uid {os.getuid()}"
    return clean(name)[:MAX_CHARS]  # whoever types it may set these variables
