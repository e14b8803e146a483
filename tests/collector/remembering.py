"""A collector that sees only strangers: every agent, address, page, title, language and size is new.

Run by itself, so that nothing else of a test run is in the memory that it prints: resident MiB after each of the given
numbers of beacons.
"""

import json
import struct
import sys
import tempfile
from pathlib import Path

import psutil

from collector.address import Hops
from collector.app import make_tools
from collector.limits import Limits
from collector.place import Places
from collector.registry import ServedSite
from collector.request import RequestFacts
from collector.steps import Draft, walk
from event_catalogue.decode import decode_beacon
from tests.collector import mmdb
from tests.collector.world import NOW, beacon, salt_for, site

SHAPES = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-{0} Build/UP1A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "Strange{0}/1.0 (machine; +https://strange{0}.example)",
)


def main(marks: list[int]) -> None:
    """Walk through the strangers."""
    with tempfile.TemporaryDirectory() as folder:
        record = {"country": {"iso_code": "CH"}, "city": {"geoname_id": 2657896, "names": {"en": "Zurich"}}}
        everywhere = {(bytes([first]), 8): record for first in range(1, 224)}
        path = mmdb.write(Path(folder) / "all.mmdb", everywhere, kind="GeoLite2-City", ip_version=4)
        tools = make_tools(Places([path]), salt_for)
        served, hops = ServedSite(site()), Hops(())
        now = NOW
        limits = Limits(network_rate=500, site_rate=1e9, clock=lambda: now)
        process = psutil.Process()
        number = 0
        for mark in marks:
            while number < mark:
                number += 1
                now += number % 2
                packed = struct.pack("!I", 0x01000000 + number * 2654435761 % 0xDE000000)
                address = hops.client(".".join(map(str, packed)), [], [])
                facts = RequestFacts(address, SHAPES[number % 4].format(number), language=f"de-{number}")
                limits.network(address, 1)
                body = beacon(
                    served.site.key,
                    id=f"{number:032x}",
                    url=f"https://shop.example/page-{number}?utm_source=source{number}&utm_campaign={number}",
                    referrer=f"https://host{number}.example/",
                    title=f"Title {number}",
                    tz=f"Europe/Place{number}",
                    screen=[number % 9999 + 1, number % 7777 + 1],
                    sent=now,
                )
                taken, _ = decode_beacon(json.dumps(body).encode())
                assert walk(Draft(taken, facts, served, now=now), tools) is None
            print(round(process.memory_info().rss / 2**20, 1), flush=True)


if __name__ == "__main__":
    main([int(mark) for mark in sys.argv[1:]])
