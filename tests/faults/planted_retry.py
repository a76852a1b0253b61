"""healthmon with a bug planted in it: a restart whose answer does not come is asked for again, as naive clients do.

Run as `python -m tests.faults.planted_retry`. Nothing in the product knows of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.cli.main import main
from healthmon.errors import EngineUnknownError
from healthmon.heal.docker_engine import DockerEngine

if TYPE_CHECKING:
    from healthmon.model.heal import HealAction

_carry_out = DockerEngine.carry_out


def _retrying(self: DockerEngine, action: HealAction, target_id: str, stop_timeout_s: int) -> None:
    try:
        _carry_out(self, action, target_id, stop_timeout_s)
    except EngineUnknownError:
        _carry_out(self, action, target_id, stop_timeout_s)


DockerEngine.carry_out = _retrying  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
