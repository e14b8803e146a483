"""Serves the published snippets: `/js/<site>.js`, an hour fresh, and the immutable `/js/<site>.<hash>.js`.

Beside them `/js/<site>.debug.js` and `/js/<site>.show.js`, which a snippet loads when somebody asks what it sends;
`/js/<site>.choices.js`, which it loads where visitors are asked; and `/js/stub.js`, the queue for calls that come
before the snippet, where a page may have no inline script.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from collector.answers import problem

_NAME: Final = re.compile(r"(?P<site>[0-9A-Za-z]{1,32})(?P<form>\.[0-9a-f]{16}|\.debug|\.show|\.choices)?\.js\Z")
_STUB: Final = "stub.js"
_FORMS: Final = (("br", ".br"), ("gzip", ".gz"), ("", ""))
_PINNED: Final = len(".0123456789abcdef")
_MOST_KEPT: Final = 1000


class _File(NamedTuple):
    stamp: int
    bodies: dict[str, bytes]


class Snippets:
    """Reads published files once and again when they change."""

    def __init__(self, directory: Path, key_of: Callable[[str], str | None]) -> None:
        self._directory = directory
        self._key_of = key_of
        self._files: dict[str, _File] = {}

    async def serve(self, request: Request) -> Response:
        """One snippet in the best form that the browser takes."""
        match = _NAME.match(request.path_params["name"])
        form = (match["form"] or "") if match else ""
        key = self._key_of(match["site"]) if match else None
        found = self._file(f"{key}{form}.js") if key else None
        if match and match[0] == _STUB:
            found = self._file(_STUB)
        if found is None:
            answer = problem(404, "No snippet has this name; copy the line to embed from the console again.")
            return Response(answer.body, answer.status, {k.decode(): v.decode() for k, v in answer.headers})
        accepted = request.headers.get("accept-encoding", "")
        encoding = next(name for name, _ in _FORMS if not name or name in accepted)
        headers = _headers(pinned=len(form) == _PINNED) | {"etag": f'"{found.stamp:x}-{encoding or "plain"}"'}
        if encoding:
            headers["content-encoding"] = encoding
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(found.bodies[encoding], headers=headers, media_type="text/javascript")

    def _file(self, name: str) -> _File | None:
        path = self._directory / name
        try:
            stamp = path.stat().st_mtime_ns
            known = self._files.get(name)
            if known is None or known.stamp != stamp:
                bodies = {form: path.with_name(name + suffix).read_bytes() for form, suffix in _FORMS}
                known = self._files[name] = _File(stamp, bodies)
        except OSError:
            return None
        if len(self._files) > _MOST_KEPT:
            self._files.pop(next(iter(self._files)))
        return known


def _headers(*, pinned: bool) -> dict[str, str]:
    """Cacheable by all: a snippet holds no visitor's decision, it decides at run time (PRIVACY_RULES SIG-1)."""
    fresh = "public, max-age=31536000, immutable" if pinned else "public, max-age=3600, stale-while-revalidate=86400"
    return {
        "cache-control": fresh,
        "vary": "Accept-Encoding",
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
    }
