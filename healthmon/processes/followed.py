"""How does a process come to work with another configuration while it runs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.errors import HealthmonError

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.config import Config
    from healthmon.log_level import Follower
    from healthmon.processes.following import Following
    from healthmon.processes.trouble import Trouble
    from healthmon.processes.worker import Worker


class Followed:
    """A worker that works with the newest configuration that is applied."""

    def __init__(
        self, worker: Worker, following: Following, made: Callable[[Config], Worker | None], trouble: Trouble, verbosity: Follower
    ) -> None:
        self._worker: Worker | None = worker  # None when we were told to stop while a new one could not be made
        self._following = following
        self._made = made
        self._records = trouble.records
        self._verbosity = verbosity

    @property
    def number(self) -> int:
        """The number of the configuration that it works with."""
        return self._following.number

    def step(self) -> float:
        news = self._following.news(self._records)
        if news is not None:
            self._follow(news)
            return 0.0
        return 0.0 if self._worker is None else self._worker.step()

    def is_busy(self) -> bool:
        return self._worker is not None and self._worker.is_busy()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def _follow(self, config: Config) -> None:
        """Work with another configuration from now on; with the old one as long as something that passes stands in the way."""
        try:
            in_place = self._worker is not None and self._worker.follow(config)
        except HealthmonError as error:
            if error.permanent:
                raise
            self._following.later()
            self._records.warning("configuration_waits", error=str(error))
            return
        except Exception:  # noqa: BLE001  nobody knows how far it came: a new worker begins with it
            self._records.exception("following_failed")
            in_place = False
        self._following.followed()
        self._verbosity.configure(config.log_level)
        if not in_place:
            self._begin_anew(config)
        self._records.info("configuration_followed", number=self.number)

    def _begin_anew(self, config: Config) -> None:
        self.close()
        self._worker = None
        self._worker = self._made(config)
