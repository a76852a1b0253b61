"""Where does everything of an installation lie, and what stands in its files?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

UNIT = "health-monitor.service"
HEALER_UNIT = "health-monitor-healer.service"
SHIPPED_PREFIX, SHIPPED_USER = "/opt/llm-ecosystem", "llm-ecosystem"
CONFIG_NAME = "health_monitoring_config.json"
MARK = "healthmon"  # stands in every unit file of ours, and in none of the earlier script's


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The paths of one installation."""

    checkout: Path
    prefix: Path
    user: str
    version: str
    stamp: str

    @property
    def in_place(self) -> bool:
        """Whether the checkout is where it is to be installed: its own environment is used then."""
        return self.checkout == self.prefix

    @property
    def environment(self) -> Path:
        """What the unit and the command use, whichever version that is."""
        return self.prefix / ".venv"

    @property
    def versions(self) -> Path:
        return self.prefix / "versions"

    @property
    def version_environment(self) -> Path:
        return self.environment if self.in_place else self.versions / f"{self.version}-{self.stamp}"

    @property
    def data(self) -> Path:
        return self.prefix / "data"

    @property
    def database(self) -> Path:
        return self.data / "health_monitoring.db"

    etc = Path("/etc/healthmon")
    units = Path("/etc/systemd/system")
    command = Path("/usr/local/bin/healthmon")
    logrotate = Path("/etc/logrotate.d/health-monitor")
    sysusers = Path("/etc/sysusers.d/healthmon.conf")
    tmpfiles = Path("/etc/tmpfiles.d/healthmon.conf")

    @property
    def config(self) -> Path:
        return self.etc / CONFIG_NAME

    @property
    def unit(self) -> Path:
        return self.units / UNIT

    @property
    def healer_unit(self) -> Path:
        return self.units / HEALER_UNIT

    def drop_in(self, name: str, unit: str = UNIT) -> Path:
        return self.units / f"{unit}.d" / f"{name}.conf"

    @property
    def completions(self) -> dict[str, Path]:
        share = Path("/usr/local/share")
        return {
            "bash": share / "bash-completion" / "completions" / "healthmon",
            "zsh": share / "zsh" / "site-functions" / "_healthmon",
            "fish": Path("/etc/fish/completions/healthmon.fish"),  # Debian's fish looks nowhere below /usr/local
        }

    def shipped(self, name: str) -> str:
        """Return a file of systemd/, with this prefix and user in place of the usual ones."""
        text = (self.checkout / "systemd" / name).read_text(encoding="utf-8")
        return text.replace(SHIPPED_PREFIX, "\0").replace(SHIPPED_USER, self.user).replace("\0", str(self.prefix))

    def installed_drop_in(self) -> str:
        """Return what an installed unit has beside the one that is copied by hand."""
        return f"""# Written by tools/install. {self.config} counts, whatever lies in {self.prefix}/config.
[Service]
Environment=HEALTHMON_CONFIG={self.config}
ExecStartPre=-+{self.environment}/bin/python -P -m healthmon.installation
"""


def docker_drop_in(group: str) -> str:
    """Return what lets a unit use the Docker socket."""
    return f"""# Written by tools/install: who may use the Docker socket is as good as root on this host.
[Service]
SupplementaryGroups={group}
"""


def split_drop_in(environment: Path) -> str:
    """Return what takes the healer out of the main unit."""
    return f"""# Written by tools/install --split-healer: {HEALER_UNIT} runs the healer, alone with the Docker socket.
[Unit]
Wants={HEALER_UNIT}

[Service]
ExecStart=
ExecStart={environment}/bin/healthmon run --last-good --without healer
"""
