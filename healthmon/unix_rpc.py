"""How is supervisord asked? XML-RPC over its Unix socket, with a timeout, which supervisor's own transport lacks."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client  # what it reads comes from our own supervisord, on a socket that is ours alone
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

if TYPE_CHECKING:
    from pathlib import Path

RPC_TIMEOUT_S = 3.0
CUT = (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError)  # a call that came to no answer


class Transport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket, with a timeout, and without the library's silent second attempt."""

    def __init__(self, socket_path: Path, timeout_s: float) -> None:
        super().__init__()
        self._http = _Connection(socket_path, timeout_s)

    @property
    def connected(self) -> bool:
        """Say whether anything can have been sent."""
        return self._http.was_connected

    def make_connection(self, host: object) -> http.client.HTTPConnection:  # noqa: ARG002  there is only one
        return self._http

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:  # noqa: FBT001, FBT002  the library's
        return self.single_request(host, handler, request_body, verbose)

    def close(self) -> None:
        self._http.close()


class _Connection(http.client.HTTPConnection):
    def __init__(self, socket_path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._socket_path = socket_path
        self.was_connected = False

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._socket_path))
        self.was_connected = True


def supervisor(transport: Transport) -> Any:
    """Return supervisord's methods: `supervisor(t).getAllProcessInfo()`. A fault is an `xmlrpc.client.Fault`."""
    return xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport).supervisor


def remedy(error: Exception, path: Path) -> str:
    """Say what is wrong with the way to supervisord, and what to do about it."""
    if isinstance(error, FileNotFoundError):
        return f"no supervisord socket at {path}: is healthmon running?"
    if isinstance(error, PermissionError):
        return f"no permission for the supervisord socket at {path}: use the account that healthmon runs as"
    if isinstance(error, ConnectionRefusedError):
        return f"supervisord left its socket at {path} behind and does not run: start healthmon again"
    return f"supervisord at {path} does not answer ({error or type(error).__name__}): it is frozen or stopping"
