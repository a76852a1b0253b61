"""How is the app served? By uvicorn, in a thread with an event loop of its own, on sockets that are bound already."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from healthmon.web.patience import PatientProtocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp

MAX_CONNECTIONS = 512
STOP_S = 2  # live viewers never end by themselves
JOIN_S = 5.0
BACKLOG = 128


class _Server(uvicorn.Server):
    """uvicorn wakes ten times a second to look whether it should stop: told instead, it sleeps."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()

    async def main_loop(self) -> None:
        await self.told.wait()


class Serving:
    """Serves from construction until `stop`."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket]) -> None:
        settings = uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,  # it is made once a second by the loop that we do without
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=STOP_S,
        )
        self._server = _Server(settings)
        self._sockets = list(sockets)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="serving", daemon=True)
        self._thread.start()

    def answers(self, *, within_s: float) -> bool:
        """Tell whether the event loop goes round: a thread that lives may still be stuck."""
        if not self._thread.is_alive():
            return False
        turned = threading.Event()
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(turned.set)
        return turned.wait(within_s)

    def stop(self, let_go: Callable[[], None]) -> None:
        """Take no more requests, `let_go` those who look on, give what is under way a little time, and end."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(let_go)
            self._loop.call_soon_threadsafe(self._server.told.set)
        self._thread.join(JOIN_S)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._server.serve(sockets=self._sockets))
        finally:
            self._loop.close()


def listen(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address of `host`. Raises OSError when one cannot be had."""
    made: list[socket.socket] = []
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
            made.append(_listening(family, kind, address))
    except OSError:
        for one in made:
            one.close()
        raise
    return made


def _listening(family: int, kind: int, address: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, kind)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made
