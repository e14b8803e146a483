"""The built snippet, composed as the server composes it: a site's configuration and parts in place of one token."""

import json
from pathlib import Path
from typing import Any, Final

DIST: Final = Path(__file__).parents[2] / "js" / "dist"
SITE: Final = "4f8a2c7e91d04b3f"
STUB: Final = "window.footfall=window.footfall||function(){(footfall.q=footfall.q||[]).push(arguments)};"


def missing() -> str:
    """Why there is nothing to test; empty if there is."""
    return "" if (DIST / "manifest.json").exists() else "the snippet is not built (cd js && npm ci && npm run build)"


def manifest() -> dict[str, Any]:
    """What the build says of itself."""
    content: dict[str, Any] = json.loads((DIST / "manifest.json").read_text())
    return content


def part(name: str) -> str:
    """A built part: an expression."""
    return (DIST / f"part.{name}.js").read_text()


def parts(*names: str) -> tuple[str, ...]:
    """Built parts and those that they need, in the build's order."""
    built = manifest()
    wanted = {*names, *(one for name in names for one in built["needs"].get(name, ()))}
    assert wanted <= set(built["order"])
    return tuple(part(name) for name in built["order"] if name in wanted)


def compose(endpoint: str, *, site: str = SITE, parts: tuple[str, ...] = (), **settings: Any) -> str:
    """The script of one site; `parts` are expressions."""
    built = manifest()
    config = {"url": endpoint, "site": site, "build": built["build"], **built["defaults"], **settings}
    whole = parts or {"hash", "unchosen", "exclude", "quiet"} & settings.keys()
    template = (DIST / ("whole.js" if whole else "default.js")).read_text()
    assert template.count(built["token"]) == 1
    return template.replace(built["token"], ",".join([json.dumps(config), *parts]))


def document(body: str = "", *, title: str = "A page", head: str = "", script: str = "/js/site.js") -> str:
    """A page that embeds the snippet by the one line that sites copy."""
    embedded = f'<script async src="{script}"></script>' if script else ""
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>{head}{embedded}<p>{body}'
