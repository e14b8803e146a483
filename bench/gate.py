"""What the gate costs a beacon: policy, signals and choice, exclusions, and a page's address that is scrubbed.

CPU microseconds of this process, the best of several rounds, so that a busy machine disturbs little. A beacon of one
event takes about 50 µs in all (`python -m bench beacon`); what all steps together take of it stands in the first line.
"""

import json
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import msgspec

from collector.registry import ServedSite
from collector.steps import Draft, exclude, gate, walk
from event_catalogue.decode import Beacon, decode_beacon
from tests.collector.test_steps import draft_of
from tests.collector.world import NOW, beacon, site, tools

URL: Final = "https://shop.example/blog/how-to-choose-hiking-boots?utm_source=newsletter"
KEY: Final = f"{1:016x}"
PATHS: Final = tuple(f"/area-{n}/*" for n in range(10))
SITES: Final[dict[str, dict[str, Any]]] = {
    "a site as it is added": {},
    "opt_in, with a choice": {"policy": "opt_in"},
    "policies of four regions": {"region_policies": ("EEA=opt_in", "UK=cookieless", "US=opt_out", "US-CA=opt_in")},
    "ten paths for children": {"under_16_paths": PATHS},
    "ten excluded paths, a host, a network": {
        "exclude_paths": PATHS,
        "exclude_hostnames": ("stage.example",),
        "exclude_networks": ("198.51.100.0/24",),
    },
}


def main() -> None:
    """Measure and print."""
    made = beacon(KEY, url=URL, consent={"statistics": True, "version": "1"}, title="How to choose hiking boots")
    body, plain = json.dumps(made).encode(), ServedSite(site())
    draft = draft_of(made, plain)
    print(f"{_us(lambda: decode_beacon(body)):6.2f} µs  to decode a beacon")
    print(f"{_us(lambda: walk(_again(draft, plain), tools())):6.2f} µs  all steps, the page being remembered")
    numbers = count()
    print(f"{_us(lambda: _look(numbers)):6.2f} µs  to read and scrub a new page's address and title")
    for name, settings in SITES.items():
        served = ServedSite(site(**settings))
        one = _again(draft, served)
        print(f"{_us(lambda one=one: _gated(one)):6.2f} µs  gate and exclusions: {name}")  # type: ignore[misc]


def _again(draft: Draft, served: ServedSite) -> Draft:
    return Draft(draft.beacon, draft.facts, served, now=draft.now)


def _gated(draft: Draft) -> object:
    return gate(draft, tools()) or exclude(draft, tools())


def _look(numbers: "count[int]") -> object:
    made = beacon(KEY, url=f"{URL}&utm_content=banner-{next(numbers)}", title="How to choose hiking boots | Shop")
    return tools().pages.read(_SITE, msgspec.convert(made, Beacon), NOW)


_SITE: Final = ServedSite(site())


def _us(call: Callable[[], object], calls: int = 5000) -> float:
    """CPU microseconds of one call, the best of seven rounds."""
    best = float("inf")
    for _ in range(7):
        start = time.process_time_ns()
        for _ in range(calls):
            call()
        best = min(best, (time.process_time_ns() - start) / calls / 1000)
    return best


if __name__ == "__main__":
    main()
