"""What the installed city databases ask to be named by, where places are shown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import maxminddb

_MAXMIND: Final = ("This product includes GeoLite Data created by MaxMind", "https://www.maxmind.com")
_DB_IP: Final = ("IP Geolocation by DB-IP", "https://db-ip.com")


def credit_of(databases: Sequence[Path]) -> tuple[str, str] | None:
    """Line of credit and where it leads (licences: DB-IP Lite CC BY 4.0; MaxMind GeoLite End User Licence); None
    without a database. What was fetched says it itself, in attribution.json beside it; others by their kind."""
    if not databases:
        return None
    told = databases[0].parent / "attribution.json"
    try:
        content = json.loads(told.read_text(encoding="utf-8"))
        return str(content["attribution"]), str(content["url"])
    except (OSError, ValueError, LookupError, TypeError):
        pass
    with maxminddb.open_database(databases[0]) as reader:
        kind = reader.metadata().database_type
    if kind.startswith(("GeoLite", "GeoIP")):
        return _MAXMIND
    return _DB_IP if kind.startswith("DBIP") else (f"Places by {kind}", "")
