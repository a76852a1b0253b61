"""Which service is not to be restarted, because a person says so?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """At most one of a service stands at a time. `author` and `reason` are a person's own words."""

    hold_id: int
    service_id: int
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
