"""What the console is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Settings of the console process."""

    query_rate: float = 600.0
    """Questions a minute that one stats key may ask."""
    geo_attribution: str = "IP Geolocation by DB-IP"
    """Line of credit that the installed city database asks for, shown where places are; empty: there is no database."""
    geo_link: str = "https://db-ip.com"
    """Where that line leads."""
    collector_url: str = "http://127.0.0.1:8420"
    """Public address of the collector, as it stands in the line that sites embed."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Proxies whose X-Forwarded-Proto, -Host and -For are believed."""
