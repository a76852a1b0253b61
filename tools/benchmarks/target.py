"""A target that costs little: one process, one port, any path, counting what arrives.

`python target.py` prints its port and serves until its standard input closes. A path that begins with /hang is
accepted and never answered. Every answer closes its connection, as a health check's should.
"""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n" + b'{"status":"ok"}'


class Answering(asyncio.Protocol):
    """One connection, one answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        transport = self._transport
        if b"\r\n\r\n" not in self._received or not isinstance(transport, asyncio.Transport):
            return
        if not self._received.startswith(b"GET /hang"):
            transport.write(ANSWER)
            transport.close()


async def serve() -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
