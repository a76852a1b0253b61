"""Which unit files does an installation have, and who may use the Docker socket in them?"""

from __future__ import annotations

import grp
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from installer.layout import HEALER_UNIT, UNIT, docker_drop_in, split_drop_in

if TYPE_CHECKING:
    from installer.layout import Layout

SOCKETS = (Path("/var/run/docker.sock"), Path("/run/docker.sock"))


def docker_group() -> str | None:
    """Return the group that may use the Docker socket."""
    for socket in SOCKETS:
        if socket.exists() and stat.S_ISSOCK(socket.stat().st_mode):
            return grp.getgrgid(socket.stat().st_gid).gr_name
    return "docker" if any(one.gr_name == "docker" for one in grp.getgrall()) else None


def wanted(layout: Layout, docker: str) -> dict[Path, str]:
    """Return the unit files, and what stands in them."""
    found = {layout.unit: layout.shipped(UNIT), layout.drop_in("installed"): layout.installed_drop_in()}
    credentials = sorted(path.name for path in (layout.etc / "credentials").glob("*") if path.is_file())
    if credentials:
        lines = "".join(f"LoadCredential={name}:{layout.etc}/credentials/{name}\n" for name in credentials)
        found[layout.drop_in("credentials")] = f"# Written by tools/install: what the configuration names as ${{cred:NAME}}.\n[Service]\n{lines}"
    if docker == "unit":
        found[layout.drop_in("docker")] = docker_drop_in(docker_group() or "docker")
    if docker == "healer":
        found[layout.drop_in("split")] = split_drop_in(layout.environment)
        found[layout.healer_unit] = layout.shipped(HEALER_UNIT)
        found[layout.drop_in("docker", HEALER_UNIT)] = docker_drop_in(docker_group() or "docker")
        for name in ("installed", "credentials"):
            if layout.drop_in(name) in found:
                text = found[layout.drop_in(name)]
                found[layout.drop_in(name, HEALER_UNIT)] = "\n".join(line for line in text.splitlines() if "ExecStartPre" not in line) + "\n"
    return found


def placed(layout: Layout, docker: str) -> list[Path]:
    return [layout.sysusers, layout.tmpfiles, layout.logrotate, *wanted(layout, docker)]
