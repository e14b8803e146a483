"""Style sheet, scripts and icon, from our own origin, kept for a year under an address that changes with them."""

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

_FOLDER: Final = Path(__file__).parent.parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class _File(NamedTuple):
    mark: str
    body: bytes
    media_type: str


class Assets:
    """All static files, read once; nothing of a request reaches the file system."""

    def __init__(self) -> None:
        self._files = {path.name: _read(path) for path in _FOLDER.iterdir() if path.suffix in _TYPES}

    def address(self, name: str) -> str:
        """Where a file is served."""
        return f"/static/{self._files[name].mark}/{name}"

    async def serve(self, request: Request) -> Response:
        """A file, whatever the mark: an old page that is still open finds the new one."""
        file = self._files.get(request.path_params["name"])
        if file is None:
            return Response("There is no such file.", 404, {"x-content-type-options": "nosniff"})
        fresh = request.path_params["mark"] == file.mark
        headers = {
            "cache-control": "max-age=31536000, immutable" if fresh else "no-cache",
            "x-content-type-options": "nosniff",
            "cross-origin-resource-policy": "same-origin",
        }
        return Response(file.body, 200, headers, media_type=file.media_type)


def _read(path: Path) -> _File:
    body = path.read_bytes()
    return _File(hashlib.sha256(body).hexdigest()[:12], body, _TYPES[path.suffix])
