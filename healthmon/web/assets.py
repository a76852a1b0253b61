"""Which files do pages load? All from this package, under an address with a hash over all, so that browsers keep them for good."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from healthmon.web.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

STATIC = Path(__file__).parent / "static"
PREFIX = "/static/"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    media_type: str
    packed: bytes  # gzip
    plain: bytes


class Assets:
    """All files of `static/`, in memory: they are few and small, and what is not there cannot be reached."""

    def __init__(self, directory: Path = STATIC) -> None:
        files = {str(file.relative_to(directory)): file for file in sorted(directory.rglob("*")) if file.suffix in TYPES}
        contents = {name: file.read_bytes() for name, file in files.items()}
        digest = hashlib.sha256(repr(contents).encode()).hexdigest()[:12]  # one for all: modules import each other by name
        self._paths = {name: f"{PREFIX}{digest}/{name}" for name in files}
        self._by_path = {self._paths[name]: _asset(content, files[name].suffix) for name, content in contents.items()}

    def url(self, name: str) -> str:
        """Return the address of a file, by its name in `static/`."""
        return self._paths[name]

    async def serve(self, request: Request) -> Response:
        """Answer a request for one."""
        asset = self._by_path.get(request.url.path)
        if asset is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no such file: a page of another version asks; load it again")
        headers = {"Cache-Control": FOR_GOOD, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(asset.plain, media_type=asset.media_type, headers=headers)


def _asset(content: bytes, suffix: str) -> Asset:
    return Asset(media_type=TYPES[suffix], packed=gzip.compress(content, mtime=0), plain=content)
