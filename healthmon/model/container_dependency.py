"""What does the container of a service depend on, as its Compose file declares it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerDependency:
    """One declared dependency. `trouble` is what goes on after its name, empty while the container is well."""

    service_id: int  # of the service that depends on it
    name: str  # as Compose calls it
    container: str  # the container's name; empty where there is none
    watched_by: int | None  # the service that watches the same container: then its checks speak of it, not `trouble`
    trouble: str
    since: datetime | None = None  # of the trouble, as we saw it

    @property
    def key(self) -> str:
        """What is the same for all that depend on it."""
        return self.container or self.name
