"""How is healthmon taken away? What it wrote about the services stays, unless that is asked for as well."""

from __future__ import annotations

import pwd
from pathlib import Path

from installer.layout import HEALER_UNIT, UNIT, Layout
from installer.machine import Machine, Trouble, ask, has_systemd

from healthmon import installation
from healthmon.installation import FILE_NAME


def uninstall(machine: Machine, layout: Layout, *, purge: bool) -> None:
    installed = installation.read(layout.prefix)
    if installed is None:
        raise Trouble(f"nothing is installed in {layout.prefix}: name the right one with --prefix")
    _stop(machine)
    for path in map(Path, installed.files):
        machine.remove(path)
    for unit in (UNIT, HEALER_UNIT):
        folder = layout.units / f"{unit}.d"
        if folder.is_dir() and not any(folder.iterdir()):
            machine.remove(folder)
    if has_systemd():
        machine.run("systemctl", "daemon-reload")
    if not layout.in_place:
        machine.remove(layout.environment)
        machine.remove(layout.versions)
    machine.remove(layout.prefix / FILE_NAME)
    if purge:
        machine.remove(layout.data)
        machine.remove(layout.etc)
        _remove_account(machine, installed.user)
    else:
        machine.say(f"kept: {layout.etc}, {layout.data} and the account {installed.user} (with --purge they would go, too)")


def _stop(machine: Machine) -> None:
    for unit in (UNIT, HEALER_UNIT) if has_systemd() else ():
        if ask("systemctl", "show", "-p", "LoadState", "--value", unit) == "loaded":
            machine.run("systemctl", "disable", "--now", unit, about=f"stop {unit}")


def _remove_account(machine: Machine, user: str) -> None:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return
    machine.run("userdel", user, about=f"remove the account {user}")
