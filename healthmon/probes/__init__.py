"""Asks one service one question. KINDS names every kind there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.probes.command import CommandProbe
from healthmon.probes.handshake import TlsProbe
from healthmon.probes.http import HttpProbe
from healthmon.probes.tcp import TcpProbe

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.probes.base import Probe
    from healthmon.probes.settings import ProbeSettings

KINDS: dict[str, Callable[[ProbeSettings], Probe]] = {"http": HttpProbe, "tcp": TcpProbe, "tls": TlsProbe, "command": CommandProbe}


def make(settings: ProbeSettings) -> Probe:
    """Make the probe that these settings describe."""
    return KINDS[settings.type](settings)
