"""Which files do pages load? All from this package, each under a name with its hash, so that browsers keep it for good."""

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
    path: str
    media_type: str
    packed: bytes  # gzip
    plain: bytes


class Assets:
    """All files of `static/`, in memory: they are few and small, and what is not there cannot be reached."""

    def __init__(self, directory: Path = STATIC) -> None:
        found = {str(file.relative_to(directory)): _asset(file, directory) for file in directory.rglob("*") if file.suffix in TYPES}
        self._paths = {name: asset.path for name, asset in found.items()}
        self._by_path = {asset.path: asset for asset in found.values()}

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


def _asset(file: Path, directory: Path) -> Asset:
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    path = PREFIX + str(file.relative_to(directory).with_suffix(f".{digest}{file.suffix}"))
    return Asset(path=path, media_type=TYPES[file.suffix], packed=gzip.compress(content, mtime=0), plain=content)
