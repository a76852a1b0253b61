"""Where does everything that one agent writes lie? All of it under `data_dir`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The files of one agent. `database` may lie elsewhere; the rest is always under `data_dir`."""

    data_dir: Path
    database: Path

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def backups(self) -> Path:
        return self.data_dir / "backups"

    @property
    def runtime(self) -> Path:
        """Sockets, locks and generated files, readable by the owner alone (0700)."""
        return self.data_dir / ".healthmon"

    @property
    def programs(self) -> Path:
        """One generated supervisord file a program."""
        return self.runtime / "programs"

    @property
    def applied(self) -> Path:
        """The configuration that all processes work with, whatever became of its file since."""
        return self.runtime / "applied.json"

    @property
    def reload_socket(self) -> Path:
        """Where the watchdog is asked to apply the file anew."""
        return self.runtime / "reload.sock"

    @property
    def sentinel(self) -> Path:
        """What is known of the database while there is none, or another one."""
        return self.runtime / "database"

    @property
    def marks(self) -> Path:
        """Which marks of the keeper's the database may have."""
        return self.runtime / "marks"

    @property
    def supervisor_socket(self) -> Path:
        return self.runtime / "supervisor.sock"

    @property
    def web_token(self) -> Path:
        """What lets a person write through the page, where the configuration sets no token."""
        return self.runtime / "web-token"

    def lock(self, role: str) -> Path:
        return self.runtime / "locks" / f"{role}.lock"

    @property
    def doorbells(self) -> Path:
        return self.runtime / "doorbells"

    def doorbell(self, program: str) -> Path:
        return self.doorbells / f"{program}.sock"

    @property
    def console(self) -> Path:
        """Where processes send the records that a person in front of `healthmon run` sees."""
        return self.runtime / "console.sock"

    @property
    def heartbeats(self) -> Path:
        """Where processes tell the watchdog that their work goes on."""
        return self.runtime / "heartbeats.sock"

    @property
    def log_level(self) -> Path:
        """What a person set the level of all records to, for a while."""
        return self.runtime / "log-level"

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"
