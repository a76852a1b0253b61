"""Asks one service one question. KINDS names every kind of ours; packages add theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.check import CheckReason
from healthmon.probes import kinds
from healthmon.probes.classify import outcome
from healthmon.probes.command import CommandProbe
from healthmon.probes.handshake import TlsProbe
from healthmon.probes.host import HostProbe
from healthmon.probes.http import HttpProbe
from healthmon.probes.process import ProcessProbe
from healthmon.probes.tcp import TcpProbe

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.model.check import Outcome
    from healthmon.probes.base import Probe
    from healthmon.probes.settings import ProbeSettings

KINDS: dict[str, Callable[[ProbeSettings], Probe]] = {
    "http": HttpProbe,
    "tcp": TcpProbe,
    "tls": TlsProbe,
    "command": CommandProbe,
    "process": ProcessProbe,
    "host": HostProbe,
}


def make(settings: ProbeSettings) -> Probe:
    """Make the probe that these settings describe."""
    ours = KINDS.get(settings.type)
    return ours(settings) if ours is not None else _added(settings)


def _added(settings: ProbeSettings) -> Probe:
    """Make a probe of a package's. One that cannot be made fails its own service alone, not all of its group."""
    found = kinds.added(settings.type)
    if found is None:
        return _Unusable(f"the package that adds probes of type {settings.type} is not installed any more")
    try:
        made: Probe = found.load()(settings)
    except Exception as error:  # noqa: BLE001  whatever a stranger's code raises
        return _Unusable(f"{found.value}, which adds probes of type {settings.type}, fails: {type(error).__name__}: {error}")
    return made


class _Unusable:
    """Says why nothing can be asked."""

    def __init__(self, why: str) -> None:
        self._why = why

    def ask(self) -> Outcome:
        return outcome(CheckReason.INTERNAL, self._why)
