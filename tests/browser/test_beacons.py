"""The bridge to the server: one recorded beacon for each event name that the snippet can send.

`tests/contract/beacons/*.json` are these recordings, with ids, times and places of the test replaced by fixed ones. A
beacon that looks different from its recording fails here; `--write-beacons` records anew:
`pytest tests/browser/test_beacons.py --write-beacons`.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser import snippet
from tests.browser.web import Beacon, Collector, Page, Site

pytestmark = pytest.mark.req("C21")

RECORDED: Final = Path(__file__).parents[1] / "contract" / "beacons"
AT: Final = 1_764_000_000_000
CLICKABLE: Final = """
<a id="outbound" href="http://other.example/path?x=1">out</a>
<a id="download" href="/price.pdf">price</a>
<a id="tel" href="tel:+41441234567">call</a>
<a id="mailto" href="mailto:info@shop.example?subject=x">mail</a>
<script>addEventListener("click", event => event.preventDefault())</script>
"""
CUSTOM: Final = "footfall('signup', {props: {plan: 'pro', seats: 3, trial: true, revenue: 4900, currency: 'EUR'}})"
ACTIONS: Final = {
    "pageview": "",
    "engagement": "dispatchEvent(new Event('pagehide'))",
    "outbound": "document.querySelector('#outbound').click()",
    "download": "document.querySelector('#download').click()",
    "tel": "document.querySelector('#tel').click()",
    "mailto": "document.querySelector('#mailto').click()",
    "print": "dispatchEvent(new Event('beforeprint'))",
    "custom": CUSTOM,
}
"""By the recording's name: what a page does to make the event."""


def normal(beacon: Beacon, site: Site) -> Beacon:
    """Without what differs from run to run: ids, times, ports, the build, how long the test took."""
    text = json.dumps(beacon).replace(f":{site.port}/", "/").replace("http://", "https://")
    fixed: Beacon = json.loads(text)
    fixed.update(id="00000000-0000-4000-8000-000000000001", page="00000000-0000-4000-8000-000000000002")
    fixed.update(sent=AT + 250, build="00000000")
    for event in fixed["events"]:
        event["at"] = AT
        if "ms" in event.get("props", {}):
            event["props"]["ms"] = 5000
    return fixed


@pytest.mark.parametrize("name", ACTIONS)
def test_a_beacon_looks_as_it_was_recorded(
    page: Any, install: Any, site: Site, collector: Collector, request: pytest.FixtureRequest, name: str
) -> None:
    """Every key and every kind of value."""
    install(parts=(snippet.part("print"),))
    site.pages["/a"] = Page(snippet.document(CLICKABLE, title="Page A"))
    page.goto(site.address("/a?utm_source=newsletter"))
    collector.wait_for("pageview")
    page.evaluate(ACTIONS[name])
    (event, *_) = collector.wait_for("signup" if name == "custom" else name)
    recorded = normal(event["beacon"], site)
    file = RECORDED / f"{name}.json"
    if request.config.getoption("--write-beacons", default=False):
        file.write_text(json.dumps(recorded, indent=2, ensure_ascii=False) + "\n")
    assert recorded == json.loads(file.read_text())


def test_there_is_one_recording_for_each_event_and_no_other() -> None:
    """A recording without its action would never be checked again."""
    assert sorted(file.stem for file in RECORDED.glob("*.json")) == sorted(ACTIONS)
