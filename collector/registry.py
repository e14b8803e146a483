"""The sites that this collector serves, as the last published snapshot has them; looked at again twice a second."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from collector.exclusions import Exclusions
from collector.path_rules import PathRules
from control_store.policies import Policy, policies_at, read_region_policies
from control_store.site_channels import SiteChannels
from control_store.snapshot import ApiKey, Site, key_digest, read_snapshot

_LOCAL: Final = frozenset(("localhost", "127.0.0.1", "[::1]", "::1", "0.0.0.0"))  # noqa: S104 - names to recognise


class ServedSite:
    """One site with what a beacon needs at hand."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.settings = site.settings
        exact = {site.domain, f"www.{site.domain}", *(h for h in site.settings.hostnames if not h.startswith("*."))}
        self._exact = frozenset(exact)
        self._suffixes = _suffixes(site.settings.hostnames)
        self._ignored = frozenset(site.settings.ignored_hostnames), _suffixes(site.settings.ignored_hostnames)
        self.query_keys = frozenset(site.settings.query_keys)
        self.channels = SiteChannels(site.settings.channels)
        exclusions = Exclusions(site.settings)
        self.exclusions = exclusions if exclusions else None
        """None where the site leaves nothing out, as most do: a beacon then asks nothing."""
        self._for_children = PathRules(site.settings.under_16_paths, hash_routes=site.settings.hash_routes)
        self._by_region = read_region_policies(site.settings.region_policies)
        settings = site.settings
        self.asks_place = bool(self._by_region) or (settings.policy == "opt_out" and not settings.opt_out_in_europe)
        """Whether the policy depends on where the visitor is."""
        self._everywhere: tuple[Policy, ...] = (settings.policy,)
        self.one_policy = None if self.asks_place or self._for_children else self._everywhere
        """The policy of a site that has the same for every place and page."""

    def policies(
        self, place: tuple[str, str] | None, url: str = "", *, own_network: bool = False
    ) -> tuple[Policy, ...]:
        """The policies that may hold for a page and a place (country, region), of which the strictest counts.

        `place` is needed only where `asks_place`; `own_network` as in `policies_at`.
        """
        settings = self.settings
        found = self._everywhere
        if place is not None:
            insisted = settings.opt_out_in_europe
            found = policies_at(settings.policy, self._by_region, place, insisted=insisted, own_network=own_network)
        if self._for_children and "under_16" not in found and self._for_children.match(url):
            found += ("under_16",)
        return found

    def owns(self, hostname: str) -> bool:
        """Whether a page on this host belongs to the site."""
        return hostname in self._exact or (bool(self._suffixes) and hostname.endswith(self._suffixes))

    def names(self, hostname: str) -> bool:
        """Whether the site's settings have this very host, and no wildcard for it."""
        return hostname in self._exact

    def ignores(self, hostname: str) -> bool:
        """Whether the owner knows of this host and wants no mention of it."""
        exact, suffixes = self._ignored
        return hostname in exact or hostname.endswith(suffixes)

    @staticmethod
    def is_loopback(hostname: str) -> bool:
        """Whether this is the name of the machine itself."""
        return hostname in _LOCAL

    def is_local(self, hostname: str) -> bool:
        """Whether this is a developer's machine, which is not counted unless the site says so."""
        return self.is_loopback(hostname) and hostname not in self._exact and not self.settings.localhost


def _suffixes(hosts: Sequence[str]) -> tuple[str, ...]:
    return tuple(host[1:] for host in hosts if host.startswith("*."))


class Registry:
    """Sites and keys by what requests name them with."""

    def __init__(self, snapshot: Path) -> None:
        self._path = snapshot
        self._stamp: tuple[int, int, int] | None = None
        self.by_key: dict[str, ServedSite] = {}
        self._by_id: dict[int, ServedSite] = {}
        self._by_id_text: dict[str, ServedSite] = {}
        self._api_keys: dict[bytes, ApiKey] = {}

    @property
    def ready(self) -> bool:
        """Whether a snapshot was ever read."""
        return self._stamp is not None

    def refresh(self) -> bool:
        """Read the snapshot if it was published anew; the last good one stays when it can't be read."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp == self._stamp:
                return False
            snapshot = read_snapshot(self._path)
        except (OSError, msgspec.DecodeError):
            return False
        served = [ServedSite(site) for site in snapshot.sites]
        self.by_key = {one.site.key: one for one in served}
        self._by_id = {one.site.id: one for one in served}
        self._by_id_text = {str(one.site.id): one for one in served}
        self._api_keys = {key.digest: key for key in snapshot.keys}
        self._stamp = stamp
        return True

    def in_path(self, name: str) -> ServedSite | None:
        """The site that a path names by its key; its id works too."""
        return self.by_key.get(name) or self._by_id_text.get(name)

    def by_id(self, site: int) -> ServedSite | None:
        """The site with this id."""
        return self._by_id.get(site)

    def api_key(self, authorization: str) -> ApiKey | None:
        """The key that this Authorization header bears (`Bearer …`), or None."""
        scheme, _, key = authorization.partition(" ")
        return self._api_keys.get(key_digest(key.strip())) if scheme.lower() == "bearer" else None
