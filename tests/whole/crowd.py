"""A history of one site, large enough that a question about it can run away: `python -m tests.whole.crowd DATA SITE ROWS`.

Written into the warehouse of a stopped installation by a statement of its own, because a million beacons take minutes.
"""

import sys
from pathlib import Path
from typing import Final

from warehouse.client import Warehouse
from warehouse.migrate import migrate
from warehouse.settings import WarehouseSettings

_ROWS: Final = """
INSERT INTO events (site, day, keep, batch, beacon, page, name, at, received, stored_on, tier, visitor, hostname, path,
                    source, country, browser)
SELECT {site:UInt32}, yesterday(), 35, 4000000000000000000, MD5(toString(number)), MD5(toString(number)), 'pageview',
       toDateTime64(yesterday(), 3, 'UTC') + number % 86000, toDateTime64(yesterday(), 3, 'UTC') + number % 86000,
       yesterday(), 'cookieless', MD5(toString(number % 400000)), 'shop.example',
       concat('/crowd/', toString(number % 50000), '/', hex(MD5(toString(number % 90000)))),
       concat('source ', toString(number % 300)), 'CH', 'Firefox'
FROM numbers({rows:UInt64})
SETTINGS max_insert_block_size = 1000000
"""


def main(data: str, site: str, rows: str) -> None:
    """Write the rows."""
    warehouse = Warehouse(WarehouseSettings(f"chdb://{Path(data) / 'warehouse'}"))
    try:
        migrate(warehouse)
        warehouse.command(_ROWS, {"site": int(site), "rows": int(rows)}, slot="loader")
    finally:
        warehouse.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
