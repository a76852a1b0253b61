"""As whom does a command act, and what does one do who may not?

Root that opens the agent's database, or starts a round, would leave files there that the agent may not touch. So root
becomes who owns the directory of all that, as soon as it is known.
"""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from contextlib import suppress
from pathlib import Path

DOCKER_SOCKET = Path("/var/run/docker.sock")


def become_owner(directory: Path) -> None:
    """Go on as the owner of `directory`, for good, if we are root and there is another owner. Docker stays in reach."""
    if os.geteuid() != 0 or not directory.exists():
        return
    found = directory.stat()
    if found.st_uid == 0:
        return
    groups = {found.st_gid}
    with suppress(KeyError):
        groups.update(os.getgrouplist(pwd.getpwuid(found.st_uid).pw_name, found.st_gid))
    with suppress(OSError):
        groups.add(DOCKER_SOCKET.stat().st_gid)
    os.setgroups(sorted(groups - {0}))
    os.setgid(found.st_gid)
    os.setuid(found.st_uid)


def remedy(error: BaseException | None) -> str:
    """Return the command that root would have to type, when rights are what an error came from; else nothing."""
    while error is not None and not isinstance(error, PermissionError):
        error = error.__cause__
    if error is None or os.geteuid() == 0:
        return ""
    return f"your account may not do that here: {shlex.join(['sudo', 'healthmon', *sys.argv[1:]])}"
