"""The part of the keeper that backs the database up, and keeps the last few backups."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import StoreError, UsageError
from healthmon.failpoints import reach
from healthmon.store import backup
from healthmon.store.backup import Copying

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.log import Log

LOOK_EVERY_S = 60.0
FIRST_S = 300.0  # after the start: a backup of a demo serves nobody
AGAIN_S = 900.0  # after a failure
REST = 4.0  # how much longer than each step took the disk is left to others
VERIFY_S, COUNT_S = 12.0, 4.0  # together less than after which a silent process counts as hung
AHEAD = timedelta(hours=1)


class BackingUp:
    """Each step copies a mebibyte."""

    def __init__(self, config: Config, log: Log) -> None:
        self._settings = config.backup
        self._database, self._directory = config.paths.database, config.paths.backups
        self._log = log
        self._copying: Copying | None = None
        self._look_at = clock.monotonic() + FIRST_S
        self._problem = ""

    def step(self) -> float:
        """Go on with a backup, or begin one that is due; return the seconds until there is more to do."""
        if not self._settings.enabled:
            return LOOK_EVERY_S
        begun = clock.monotonic()
        if begun < self._look_at:
            return self._look_at - begun
        try:
            pause_s = self._go_on(begun)
        except (StoreError, UsageError) as error:
            self._copying = None
            self._say(str(error))
            pause_s = AGAIN_S
        self._look_at = clock.monotonic() + pause_s
        return pause_s

    def close(self) -> None:
        if self._copying is not None:
            self._copying.abandon()

    def _go_on(self, begun: float) -> float:
        if self._copying is None:
            now = clock.now()
            if not self._is_due(now):
                return LOOK_EVERY_S
            backup.sweep(self._directory, self._database)
            self._copying = Copying(self._database, self._directory / backup.name_at(self._database, now), count_s=COUNT_S)
        elif self._copied():
            copying, self._copying = self._copying, None
            self._keep(copying)
            return LOOK_EVERY_S
        return REST * (clock.monotonic() - begun)

    def _copied(self) -> bool:
        is_over = self._copying is not None and self._copying.step()
        reach("keeper.copying")
        return is_over

    def _is_due(self, now: datetime) -> bool:
        """Tell whether the newest backup is too old, or of a clock that was ahead."""
        made = [backup.made_at(path) for path in backup.backups(self._directory, self._database)]
        past = [at for at in made if at <= now + AHEAD]
        return not past or now - max(past) >= timedelta(hours=self._settings.every_hours)

    def _keep(self, copying: Copying) -> None:
        found = copying.finish(limit_s=VERIFY_S)
        reach("keeper.copied")
        for path in backup.backups(self._directory, self._database)[: -self._settings.keep]:
            path.unlink(missing_ok=True)
        self._problem = ""
        free = shutil.disk_usage(self._directory).free // 2**20
        self._log.info("backed_up", verified="all" if found.is_whole else "in part", checks=found.rows.get("checks", "not counted"), free_mib=free)

    def _say(self, problem: str) -> None:
        """Alert once, until a backup is made again."""
        if not self._problem:
            self._log.error("ALERT", type="backup_failed", message=f"the database could not be backed up: {problem}")
        self._problem = problem
