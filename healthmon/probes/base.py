"""What is a probe? One service's question, made ready once and asked many times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from healthmon.model.check import Outcome


class Probe(Protocol):
    """Asks one service. It is never asked twice at the same time."""

    def ask(self) -> Outcome:
        """Ask now, and wait for the answer; return within the service's timeout and half a second.

        What the service does wrong is an outcome. What is raised is a bug of ours.
        """
