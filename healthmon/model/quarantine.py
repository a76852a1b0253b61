"""What has healing given up on, and what lets it try again?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.target import Incarnation


class Rearm(StrEnum):
    """Why healing tries again what it had given up on."""

    IMAGE = "image"  # it runs another image
    CONFIGURATION = "configuration"  # Compose gave it another configuration
    STARTED = "started"  # a person started it
    RELEASED = "released"  # a person said so
    ACKNOWLEDGED = "acknowledged"  # a person knows of it
    DEPENDENCY = "dependency"  # what it depends on was ill, and came back


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The last of one service; it lasts until `rearmed_by` says why it does not.

    Of the ledger, rows up to `last_heal_id` are not held against the service any more once it is over. What ran then is
    kept to be compared with what runs later: by what it is, for a clock may be set.
    """

    service_id: int
    since: datetime
    last_heal_id: int
    incarnation: Incarnation | None
    image_id: str
    config_hash: str
    awaits_dependency: bool = False
    rearmed_by: Rearm | None = None
    rearmed_at: datetime | None = None
