"""In which container do we run ourselves, if in any? That one is never restarted."""

from __future__ import annotations

import re
import socket
from pathlib import Path

_FULL_ID = re.compile(r"[0-9a-f]{64}")
_HOSTNAME_ID = re.compile(r"[0-9a-f]{12,64}")


def read_own_container_ids() -> frozenset[str]:
    """Ask this host what `own_container_ids` needs to know."""
    texts = []
    for name in ("cgroup", "mountinfo"):
        try:
            texts.append(Path("/proc/self", name).read_text())
        except OSError:
            texts.append("")
    return own_container_ids(hostname=socket.gethostname(), cgroup=texts[0], mountinfo=texts[1])


def own_container_ids(*, hostname: str, cgroup: str, mountinfo: str) -> frozenset[str]:
    """Return prefixes of the id of the container that we run in; none on a plain host.

    From /proc/self/cgroup, from the mount of /etc/hostname (all that is left of the id under cgroup v2), and from the
    hostname, which is the short id unless somebody chose another. Other mounts say nothing: a host sees those of
    every container.
    """
    ids = set(_FULL_ID.findall(cgroup))
    for line in mountinfo.splitlines():
        fields = line.split()
        if fields[4:5] == ["/etc/hostname"]:
            ids.update(_FULL_ID.findall(fields[3]))
    if _HOSTNAME_ID.fullmatch(hostname):
        ids.add(hostname)
    return frozenset(ids)
