"""A target that costs little: one process, any number of ports, any path, every arrival counted and timed.

`python target.py PORTS` prints its ports and serves until its standard input closes. Whose arrival it is stands first in
the path, how it is answered second: `/monit/s/17` is answered, `/monit/hang/17` is taken and never answered, `/monit/fail/17`
is a 503, and `/monit/refuse/17` is cut off. Every answer closes its connection, as a health check's should.

The line `arrivals NAME` on standard input is answered by one of JSON, `{path: [monotonic seconds]}`, of what has arrived
for NAME since it was last asked.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict

HEAD = b"Content-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
ANSWERS = {b"s": b"HTTP/1.1 200 OK\r\n" + HEAD + b'{"status":"ok"}', b"fail": b"HTTP/1.1 503 Down\r\n" + HEAD + b'{"status":"no"}'}
BACKLOG = 4096

arrivals: dict[bytes, dict[bytes, list[float]]] = defaultdict(lambda: defaultdict(list))


class Answering(asyncio.Protocol):
    """One connection, one answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._at = time.monotonic()
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        transport = self._transport
        if b"\r\n\r\n" not in self._received or not isinstance(transport, asyncio.Transport):
            return
        path = self._received.split(b" ", 2)[1]
        _, name, kind, *_ = (*path.split(b"/", 3), b"", b"", b"")
        arrivals[name][path].append(self._at)
        if kind == b"refuse":
            transport.abort()
        elif kind != b"hang":
            transport.write(ANSWERS.get(kind, ANSWERS[b"fail"]))
            transport.close()


async def serve(ports: int) -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Answering, "127.0.0.1", 0, backlog=BACKLOG) for _ in range(ports)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        _, name = line.split()
        print(json.dumps({path.decode(): times for path, times in arrivals.pop(name.encode(), {}).items()}), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
