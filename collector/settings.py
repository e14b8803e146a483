"""What a collector process is told: where things lie and how much it takes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """Settings of one collector process."""

    snapshot: Path
    salts: Path
    snippets: Path
    notices: Path
    geo: tuple[Path, ...] = ()
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    network_rate: float = 500.0
    """Events a second from one client network; 0: no limit."""
    site_rate: float = 5000.0
    """Events a second of one site; 0: no limit."""
