"""How does systemd hear that we are ready, well, or ending? Datagrams to the socket that it names to who it starts."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

READY = "READY=1"
ALIVE = "WATCHDOG=1"


def status(words: str) -> str:
    """Return the message with which `systemctl status` shows a line of ours."""
    return f"STATUS={words}"


class Manager(Protocol):
    """Who started the agent, and may want to hear of it."""

    def tell(self, *messages: str) -> None:
        """Say these, without ever waiting; what cannot be said is lost, as it would be with a manager that is away."""


class Systemd:
    """`Type=notify`, and `NotifyAccess=all`, for we are not the process that systemd started."""

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address  # an abstract socket

    def tell(self, *messages: str) -> None:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            sender.sendto("\n".join(messages).encode(), self._address)


class Nobody:
    """Where nobody wants to hear: in a terminal, or under a stock supervisord."""

    def tell(self, *messages: str) -> None:
        pass


def manager(environment: Mapping[str, str] = os.environ) -> Manager:
    """Return who started the agent that this process belongs to."""
    address = environment.get("NOTIFY_SOCKET", "")
    return Systemd(address) if address[:1] in {"/", "@"} else Nobody()


def is_watched_itself(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether systemd waits for signs of life of this very process, as of a healer in a unit of its own."""
    return environment.get("WATCHDOG_PID") == str(os.getpid())
