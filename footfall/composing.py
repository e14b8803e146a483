"""Composes a site's snippet from the built template and the parts that its settings turn on.

`js/README.md` describes what is built; nothing here needs Node. A site that turns nothing on gets the default template,
which has no room for parts and is smaller for it.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from control_store.policies import read_region_policies, strictest_first
from control_store.site_settings import SiteSettings
from control_store.snapshot import Site
from control_store.snippet_settings import call_numbers, module_names
from event_catalogue.choice import COOKIES

_PREVIEW: Final = "api/v1/events?preview=true"
_REASONS: Final = ("GPC", "DNT", "opt-out", "iframe", "localhost", "path")


class BuiltSnippet:
    """What `js/` was built to: templates, parts and tools, read when they are needed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def is_there(self) -> bool:
        """Whether it was built at all."""
        return (self._directory / "manifest.json").is_file()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the build says of itself: `build`, `token`, `defaults`, `needs`, `order`."""
        content: dict[str, Any] = json.loads(self.text("manifest.json"))
        return content

    def text(self, name: str) -> str:
        """One built file."""
        return (self._directory / name).read_text(encoding="utf-8")

    def compose(self, site: Site, origin: str) -> str:
        """The site's script. Its build is a digest of all of it: a copy from before a setting was changed is an older
        one."""
        config = configuration(site, self.manifest, origin)
        script = self._asking(site, config) + self._filled(config, self.parts(site.settings))
        build = hashlib.sha256(script.encode()).hexdigest()[: len(config["build"])]
        return script.replace(f'"build":"{config["build"]}"', f'"build":"{build}"', 1)

    def compose_debug(self, site: Site, origin: str) -> str:
        """The script that takes its place under `?footfall=debug`: it counts nowhere and shows what it would send."""
        config = configuration(site, self.manifest, origin) | {
            "url": f"{origin}/{_PREVIEW}",
            "allow": list(_REASONS),
            "debug": True,
        }
        return self._filled(config, ["debug", *self.parts(site.settings)])

    def parts(self, settings: SiteSettings) -> list[str]:
        """The parts that the settings ask for and those that they need, in the build's order."""
        wanted = list(module_names(settings.modules))
        if _unchosen(settings) == "hold":
            wanted.append("api" if settings.policy == "opt_in" and not settings.region_policies else "region")
        if settings.banner:
            wanted.append("api")
        if settings.consent_managers:
            wanted.append("managers")
        if settings.plugins:
            wanted.append("plugins")
        if not settings.call_numbers:
            wanted = [name for name in wanted if name != "calls"]
        needs = self.manifest["needs"]
        all_wanted = {*wanted, *(name for one in wanted for name in needs.get(one, ()))}
        return [name for name in self.manifest["order"] if name in all_wanted]

    def _asking(self, site: Site, config: dict[str, Any]) -> str:
        """What stands before the snippet of a site that asks: it tells it the choice that the device remembers."""
        if not site.settings.banner:
            return ""
        keys = ("url", "site", "allow", "version", "exclude")
        told = {key: config[key] for key in keys if key in config}
        days = {one.name: one.days for one in COOKIES}
        told["choices"] = {"days": days, **({"children": True} if site.settings.under_16_paths else {})}
        return self.text("tool.asking.js").replace(self.manifest["token"], json.dumps(told, separators=(",", ":")))

    def _filled(self, config: dict[str, Any], parts: list[str]) -> str:
        whole = bool(parts) or bool(config.keys() & {"hash", "unchosen", "exclude", "quiet"})
        template = self.text("whole.js" if whole else "default.js")
        told = json.dumps(config, separators=(",", ":"))
        return template.replace(self.manifest["token"], ",".join((told, *(self.text(f"part.{p}.js") for p in parts))))


def configuration(site: Site, manifest: dict[str, Any], origin: str) -> dict[str, Any]:
    """What is compiled into a site's snippet. It saves requests; the server obeys the settings whatever is sent."""
    settings = site.settings
    keys = dict.fromkeys((*settings.search_keys, *settings.query_keys))
    config: dict[str, Any] = {
        "url": f"{origin}/e",
        "site": site.key,
        "build": manifest["build"],
        "download": "|".join(settings.download_extensions) or manifest["defaults"]["download"],
        "search": "|".join(_escaped(key) for key in keys),
        "allow": [reason for reason, minded in _minded(settings).items() if not minded],
        "hash": settings.hash_routes,
        "quiet": settings.quiet,
        **_for_parts(settings),
    }
    return {key: value for key, value in config.items() if value}


def _for_parts(settings: SiteSettings) -> dict[str, Any]:
    usual, shown = call_numbers(settings.call_numbers)
    unchosen = _unchosen(settings)
    asks = bool(settings.modules or settings.consent_managers) or settings.banner or unchosen == "hold"
    return {
        "managers": list(settings.consent_managers),
        "unchosen": unchosen if asks else None,
        "version": settings.policy_version if asks else None,
        "exclude": "|".join(_path_pattern(path) for path in settings.exclude_paths),
        "numbers": [usual, *([one.pattern, one.number] for one in shown)] if shown else None,
    }


def _unchosen(settings: SiteSettings) -> str:
    """What the snippet does before a choice is known: `hold` its events, record in the `open`, or what any tier may."""
    strictest = strictest_first((settings.policy, *read_region_policies(settings.region_policies).values()))[0]
    return {"opt_in": "hold", "opt_out": "open"}.get(strictest, "")


def _path_pattern(path: str) -> str:
    """A path with wildcards as a regular expression. It only tells the console; the server's rules decide."""
    folder, text = path.endswith("/*"), ".*".join(_escaped(part) for part in path.removesuffix("/*").split("*"))
    return f"^{text}(\\/.*)?$" if folder else f"^{text}$"


def _minded(settings: SiteSettings) -> dict[str, bool]:
    """Reasons for which the snippet sends nothing at all, and whether this site minds them."""
    return {
        "localhost": not settings.localhost,
        "GPC": settings.gpc == "drop",
        "DNT": settings.dnt and settings.gpc == "drop",
        "iframe": not settings.frames,
    }


def _escaped(key: str) -> str:
    return "".join(character if character.isalnum() or character == "_" else f"\\{character}" for character in key)
