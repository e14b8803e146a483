"""Publishes what collectors read: the snapshot of sites and keys, and each site's snippet, plain and compressed.

`<key>.js` follows the site's settings; `<key>.<hash>.js` never changes and is kept for 400 days after it was last the
current one, so that a page that pins it by Subresource Integrity goes on counting.
"""

import gzip
import hashlib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Final

import brotli

from control_store.sites import list_sites, publish_snapshot
from control_store.snapshot import Site
from control_store.tables import ControlStore
from footfall.composing import BuiltSnippet
from footfall.environment import Environment
from footfall.noticing import publish_notices, renew_notices

_KEPT_MS: Final = 400 * 86_400_000


def publish(store: ControlStore, environment: Environment, now: int) -> None:
    """Show collectors the control store as it is: sites and keys, each site's notice and snippet."""
    renew_notices(store, now, environment.receipt_days)
    publish_snapshot(store, environment.snapshot)
    publish_notices(store, environment.notices)
    publish_snippets(list_sites(store), environment.snippets, origin=public_url(environment), now=now)


def public_url(environment: Environment) -> str:
    """The collector's address as browsers see it, without a slash at the end; as this machine does where it listens
    on every interface and nobody has said by which name it is reached."""
    host, port = environment.collector
    host = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104  # names of "every interface"
    return (environment.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}").rstrip("/")


def publish_snippets(sites: Iterable[Site], directory: Path, *, origin: str, now: int) -> None:
    """Write what differs, and remove pinned copies that nobody can have fetched for 400 days."""
    built = BuiltSnippet(Path(str(resources.files("collector"))) / "static" / "snippet")
    if not built.is_there:
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    _write(directory / "stub.js", built.text("tool.stub.js").encode())
    current: set[str] = set()
    for site in sites:
        body = built.compose(site, origin).encode()
        named = {
            f"{site.key}.{hashlib.sha256(body).hexdigest()[:16]}.js": body,
            f"{site.key}.debug.js": built.compose_debug(site, origin).encode(),
            f"{site.key}.show.js": built.text("tool.show.js").encode(),
        }
        if site.settings.banner:
            named[f"{site.key}.choices.js"] = built.text("tool.choices.js").encode()
        current.update(named)
        for name, content in (*named.items(), (f"{site.key}.js", body)):
            _write(directory / name, content)
    _prune(directory, current, now)


def _write(path: Path, body: bytes) -> None:
    """Replace the three forms of a file, each whole; the plain one last, because it is what readers look for."""
    if path.is_file() and path.read_bytes() == body:
        return
    forms = {".br": brotli.compress(body, mode=brotli.MODE_TEXT), ".gz": gzip.compress(body, 9, mtime=0), "": body}
    for suffix, content in forms.items():
        draft = path.with_name(f"{path.name}{suffix}.new")
        draft.write_bytes(content)
        draft.replace(path.with_name(path.name + suffix))


def _prune(directory: Path, current: set[str], now: int) -> None:
    for path in directory.glob("*.*.js"):
        if path.name in current:
            path.touch()
        elif now - path.stat().st_mtime * 1000 > _KEPT_MS:
            for suffix in (".br", ".gz", ""):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
