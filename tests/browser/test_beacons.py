"""The bridge to the server: one recorded beacon for each event name that the snippet can send.

`tests/contract/beacons/*.json` are these recordings, with ids, times and places of the test replaced by fixed ones. A
beacon that looks different from its recording fails here; `--write-beacons` records anew:
`pytest tests/browser/test_beacons.py --write-beacons`.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from control_store.snippet_settings import MODULES
from event_catalogue.events import EVENTS
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
<main><button id="click" aria-label="Add to basket">+</button><p id="hover" data-footfall-hover="offer">Offer</p>
<form aria-label="Order"><input name="name"></form></main>
<div data-footfall-ad="top" data-footfall-creative="spring" style="width: 300px; height: 250px">Ad</div>
<audio title="The jingle"></audio>
<script>addEventListener("click", event => event.preventDefault())</script>
"""
PLAIN: Final = ("outbound", "download", "tel", "mailto")
CUSTOM: Final = "footfall('signup', {props: {plan: 'pro', seats: 3, trial: true, revenue: 4900, currency: 'EUR'}})"
CONSENT: Final = (
    "footfall.consent({statistics: true, ads: true, sale: false, visitor: '3f2504e0-4f89-41d3-9a0c-0305e82c3301'})"
)
LEAVE: Final = "dispatchEvent(new Event('pagehide'))"
FORM: Final = "document.querySelector('form')"
ACTIONS: Final = {
    "pageview": "",
    "engagement": LEAVE,
    **{name: f"document.querySelector('#{name}').click()" for name in PLAIN},
    "click": "document.querySelector('#click').click()",
    "hover": f"""async () => {{
      {CONSENT}
      document.querySelector('#hover').dispatchEvent(new MouseEvent('mouseover', {{bubbles: true}}))
      await new Promise(resolve => setTimeout(resolve, 600))
      document.body.dispatchEvent(new MouseEvent('mouseover', {{bubbles: true}}))
    }}""",
    "form_submit": f"{FORM}.dispatchEvent(new Event('submit', {{bubbles: true, cancelable: true}}))",
    "form_abandon": f"{CONSENT}; {FORM}.elements[0].dispatchEvent(new Event('input', {{bubbles: true}})); {LEAVE}",
    "search": "footfall('search', {props: {term: 'boots', results: 0}})",
    "copy": f"{CONSENT}; document.querySelector('#hover').dispatchEvent(new Event('copy', {{bubbles: true}}))",
    "print": "dispatchEvent(new Event('beforeprint'))",
    "video": "document.querySelector('audio').dispatchEvent(new Event('play'))",
    "exit": LEAVE,
    "js_error": "setTimeout(() => { throw new Error('Basket is empty') })",
    "load_error": "document.body.append(Object.assign(new Image(), {src: '/gone.png?x=1'}))",
    "not_found": "footfall('not_found')",
    "vitals": LEAVE,
    "ad_impression": f"async () => {{ {CONSENT}; await new Promise(resolve => setTimeout(resolve, 300)); {LEAVE} }}",
    "custom": CUSTOM,
}
"""By the recording's name: what a page does to make the event."""
DEFAULT: Final = ("pageview", "engagement", *PLAIN, "custom")
"""Recorded from the default snippet, the others from one with every module."""
MEASURED: Final = ("ttfb", "fcp", "lcp", "inp", "cls", "dom_ready", "load")


def normal(beacon: Beacon, site: Site) -> Beacon:
    """Without what differs from run to run: ids, times, ports, the build, how long the test took."""
    text = json.dumps(beacon).replace(f":{site.port}/", "/").replace("http://", "https://")
    fixed: Beacon = json.loads(text)
    fixed.update(id="00000000-0000-4000-8000-000000000001", page="00000000-0000-4000-8000-000000000002")
    fixed.update(sent=AT + 250, build="00000000")
    for event in fixed["events"]:
        event["at"] = AT
        props = event.get("props", {})
        props.update({name: 5000 for name in ("ms",) if name in props})
        if event["name"] == "vitals":
            event["props"] = dict.fromkeys(MEASURED, 100)
        if event["name"] == "js_error":
            props.update(source="https://shop.example/a:1", stack="1k2m3n4")
    return fixed


@pytest.mark.parametrize("name", ACTIONS)
def test_a_beacon_looks_as_it_was_recorded(
    page: Any, install: Any, site: Site, collector: Collector, request: pytest.FixtureRequest, name: str
) -> None:
    """Every key and every kind of value."""
    modules = () if name in DEFAULT else tuple(one for one in MODULES if one not in ("calls", "api"))
    install(parts=snippet.parts("api", *modules) if modules else (), version="3")
    site.pages["/a"] = Page(snippet.document(CLICKABLE, title="Page A"))
    page.goto(site.address("/a?utm_source=newsletter"))
    collector.wait_for("pageview")
    if name == "js_error":
        page.evaluate("addEventListener('error', event => event.preventDefault())")
    page.evaluate(ACTIONS[name])
    (event, *_) = collector.wait_for("signup" if name == "custom" else name)
    # Whatever else happened in the same moment has a recording of its own.
    alone = {key: value for key, value in event.items() if key != "beacon"}
    recorded = normal({**event["beacon"], "events": [alone]}, site)
    file = RECORDED / f"{name}.json"
    if request.config.getoption("--write-beacons", default=False):
        file.write_text(json.dumps(recorded, indent=2, ensure_ascii=False) + "\n")
    assert recorded == json.loads(file.read_text())


def test_there_is_one_recording_for_each_event_and_no_other() -> None:
    """A recording without its action would never be checked again."""
    assert sorted(file.stem for file in RECORDED.glob("*.json")) == sorted(ACTIONS)
    by_server = {"open", "call"}
    assert set(ACTIONS) - {"custom"} == {kind.name for kind in EVENTS} - by_server
