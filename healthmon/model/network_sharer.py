"""Which container lives in another one's network, and would be deaf if that one started anew?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.target import Incarnation


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSharer:
    """One that runs and may be restarted. `service_id` is the service that watches it, None where none does."""

    provider_id: str
    incarnation: Incarnation
    name: str
    started_at: datetime
    stop_timeout_s: int
    service_id: int | None
