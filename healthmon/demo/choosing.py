"""Where do services live that are made ill: as programs of our own supervisord, or as containers?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.demo.local import LocalEcosystem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.demo.ecosystem import Ecosystem


def an_ecosystem(names: Sequence[str], *, docker: bool) -> Ecosystem:
    """Prepare services of these names. Raises EngineError when Docker is wanted and does not do its part."""
    if not docker:
        return LocalEcosystem(names)
    from healthmon.demo.containers import ContainerEcosystem  # noqa: PLC0415  loads the Docker SDK

    return ContainerEcosystem(names)
