"""How does healthmon come onto a machine, or up to date? In steps that may be done twice.

What can be refused is refused before anything that runs is touched: the environment is made beside the one in use, the
configuration is checked with it, the database is looked at and copied, and only then is the link turned.
"""

from __future__ import annotations

import pwd
from dataclasses import dataclass

from installer import configuration, database, environment, units
from installer.earlier import Earlier, find
from installer.layout import HEALER_UNIT, UNIT, Layout
from installer.machine import Machine, Trouble, agree, ask, has_systemd

from healthmon import installation
from healthmon.installation import FILE_NAME, Installation

DOCKER = """
Docker: healthmon needs the Docker socket to know containers' states, and to restart what is ill. Who may use that socket is
as good as root on this host. Either the whole unit may (--docker), or only the healer, in a unit of its own without a network
(--split-healer), or nobody: then services are watched and alerts are sent, and nothing is restarted (--no-docker)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was said on the command line. None: not said."""

    docker: str | None
    replace_earlier: bool | None
    start: bool
    older: bool


def install(machine: Machine, layout: Layout, choices: Choices) -> None:
    before = installation.read(layout.prefix)
    if not choices.older:
        _refuse_downgrade(layout, before)
    earlier = find(layout.unit, layout.prefix)
    if earlier is not None:
        _agree_to_replace(machine, earlier, choices)
    docker = _docker(machine, choices, before)
    _account(machine, layout)
    environment.make(machine, layout)
    configuration.put(machine, layout, earlier)
    database.look_after(machine, layout, before)
    if earlier is not None:
        _replace(machine, layout, earlier)
    changed = _put_in_place(machine, layout, docker)
    files = tuple(str(path) for path in [layout.command, *units.placed(layout, docker), *layout.completions.values()])
    machine.file(
        layout.prefix / FILE_NAME,
        installation.text(
            Installation(
                version=layout.version,
                stamp=layout.stamp,
                source=str(layout.checkout),
                prefix=str(layout.prefix),
                user=layout.user,
                docker=docker,
                config=str(layout.config),
                data_dir=str(layout.data),
                files=files,
            ),
        ),
    )
    _start(machine, layout, choices, docker, changed=changed)
    environment.forget_old(machine, layout)
    _sum_up(machine, layout, docker)


def _refuse_downgrade(layout: Layout, before: Installation | None) -> None:
    if before is not None and _numbers(before.version) > _numbers(layout.version):
        newer = f"{layout.data}.of-{before.version}"
        as_user = f"-o {layout.user} -g {layout.user}"
        raise Trouble(
            f"healthmon {before.version} is installed in {layout.prefix}, and this checkout is {layout.version}: an older one may not"
            f""" understand what the newer one wrote. Nothing was changed. Take a newer checkout; or go back to how it was before the upgrade:
  systemctl stop {UNIT}
  mv {layout.data} {newer}
  install -d -m 0750 {as_user} {layout.data}
  install -m 0600 {as_user} "$(ls -t {newer}/backups/before-{before.version}-*.db | head -n 1)" {layout.database}
  {layout.checkout}/tools/install --older""",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _agree_to_replace(machine: Machine, earlier: Earlier, choices: Choices) -> None:
    machine.say(f"{earlier.unit} is the earlier script's, in {earlier.directory}: configuration {earlier.config}, database {earlier.database}")
    question = "Stop it, and have healthmon take over what it has?"
    if machine.dry_run:
        return
    if not agree(question, flag="--replace-earlier", yes=choices.replace_earlier):
        raise Trouble("nothing was changed: the earlier script keeps running")


def _docker(machine: Machine, choices: Choices, before: Installation | None) -> str:
    if choices.docker is not None:
        return choices.docker
    if before is not None:
        return before.docker
    machine.say(DOCKER)
    if machine.dry_run:
        machine.say("A dry run asks nobody. What follows is without it; --docker and --split-healer show the other ways.")
        return "no"
    if units.docker_group() is None:
        machine.say("There is no Docker socket here: without it, for now. `sudo tools/install --docker` or --split-healer changes that.")
        return "no"
    if agree("May only the healer use it, in a unit of its own?", flag="--docker, --split-healer or --no-docker", yes=None):
        return "healer"
    return "unit" if agree("May the whole unit use it?", flag="--docker or --no-docker", yes=None) else "no"


def _account(machine: Machine, layout: Layout) -> None:
    machine.file(layout.sysusers, layout.shipped("healthmon-sysusers.conf"))
    try:
        pwd.getpwnam(layout.user)
    except KeyError:
        machine.run("systemd-sysusers", str(layout.sysusers), about=f"make the account {layout.user}")
    machine.directory(layout.prefix, mode=0o755)
    if not layout.in_place:
        machine.directory(layout.versions, mode=0o755)
    machine.directory(layout.data, mode=0o750, user=layout.user, group=layout.user)
    machine.directory(layout.etc, mode=0o750, group=layout.user)
    machine.directory(layout.etc / "credentials", mode=0o700)
    machine.file(layout.tmpfiles, layout.shipped("healthmon-tmpfiles.conf"))


def _replace(machine: Machine, layout: Layout, earlier: Earlier) -> None:
    machine.run("systemctl", "stop", UNIT, about="stop the earlier script")
    if earlier.database is not None:
        database.take_over(machine, layout, earlier.database)
    machine.move(earlier.unit, earlier.unit.with_name(f"{UNIT}.before-healthmon"))


def _put_in_place(machine: Machine, layout: Layout, docker: str) -> bool:
    """Write units and what goes with them; return whether the agent has to be started anew."""
    changed = environment.turn(machine, layout)
    wanted = units.wanted(layout, docker)
    for path, text in wanted.items():
        changed = machine.file(path, text) or changed
    for unit in (UNIT, HEALER_UNIT):  # what an earlier choice left
        for path in sorted((layout.units / f"{unit}.d").glob("*.conf")):
            if path not in wanted and path.read_text(encoding="utf-8", errors="replace").startswith("# Written by tools/install"):
                machine.remove(path)
                changed = True
    if docker != "healer" and layout.healer_unit.exists():
        machine.run("systemctl", "disable", "--now", HEALER_UNIT, about=f"stop {HEALER_UNIT}")
        machine.remove(layout.healer_unit)
        changed = True
    machine.file(layout.logrotate, layout.shipped("health-monitor.logrotate"))
    machine.link(layout.command, layout.environment / "bin" / "healthmon")
    for shell, path in layout.completions.items():
        if machine.dry_run:
            machine.file(path, "")
        else:
            machine.file(path, environment.completion(layout, shell))
    return changed


def _start(machine: Machine, layout: Layout, choices: Choices, docker: str, *, changed: bool) -> None:
    if not has_systemd():
        machine.say(f"There is no systemd here: `healthmon run` as {layout.user} watches in the foreground")
        return
    if changed:
        machine.run("systemctl", "daemon-reload")
    if not choices.start:
        return
    if ask("systemctl", "is-enabled", UNIT) != "enabled":
        machine.run("systemctl", "enable", UNIT)
    if docker == "healer" and ask("systemctl", "is-enabled", HEALER_UNIT) != "enabled":
        machine.run("systemctl", "enable", HEALER_UNIT)
    if changed or ask("systemctl", "is-active", UNIT) != "active":
        machine.run("systemctl", "restart", UNIT, about=f"start {UNIT}")
    _say_how_it_is(machine)


def _say_how_it_is(machine: Machine) -> None:
    status = ask("systemctl", "show", UNIT, "--property=StatusText", "--value")
    if not machine.dry_run and "all well" not in status:
        machine.say(f"It has started, and not all is well: {status or 'it says nothing'}. `sudo healthmon doctor` says what to do.")


def _sum_up(machine: Machine, layout: Layout, docker: str) -> None:
    if machine.dry_run:
        machine.say("Nothing was changed: this was a dry run.")
        return
    if machine.changes == 0:
        machine.say(f"healthmon {layout.version} is installed in {layout.prefix} already, and up to date.")
        return
    who = {"no": "nobody", "unit": f"the whole unit ({UNIT})", "healer": f"the healer alone ({HEALER_UNIT})"}[docker]
    machine.say(f"""
healthmon {layout.version} is installed.
  configuration  {layout.config}   (sudo nano …, then: sudo systemctl reload health-monitor)
  data, logs     {layout.data}
  Docker socket  {who}
  see            sudo healthmon status · systemctl status health-monitor · sudo healthmon doctor""")
