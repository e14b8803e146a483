"""What the console is told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Settings of the console process."""

    collector_url: str
    """Public address of the collector, as it stands in the line that sites embed."""
    is_public: bool
    """Whether that address was set on purpose. Otherwise it is where the collector listens, which may be this machine
    alone."""
    credit: tuple[str, str] | None
    """Line that the installed city database asks for where places are shown, and where it leads; None: there is no
    database, and places come from time zones."""
    snippets: Path | None = None
    """Where the published scripts lie: what beacons tell of their build is compared with them."""
    place_names: Path | None = None
    """File with the names of places in several languages, where the databases have any (place_names.py)."""
    query_rate: float = 600.0
    """Questions a minute that one stats key may ask."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Proxies whose X-Forwarded-Proto, -Host and -For are believed."""
