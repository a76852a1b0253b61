"""How long may a client take to say what it wants? Who sends a byte a minute must not keep a connection for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_S = 10.0  # for the head of a request, from its first byte or from the start of the connection


class PatientProtocol(H11Protocol):
    """uvicorn waits for ever for the first request of a connection, and for the rest of one that has begun."""

    _impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._be_content()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_content()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._impatience is None:
            self._impatience = self.loop.call_later(HEAD_S, self.transport.close)

    def _be_content(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
