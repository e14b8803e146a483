"""Other consent managers, played by stubs: granted, refused, late, never there, revoked; and who goes before whom."""

from typing import Any, Final

import pytest

from tests.browser import snippet
from tests.browser.web import Collector, Page, Site

pytestmark = pytest.mark.req("P10")

STRING: Final = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
TCF: Final = """window.heard = []
window.come = () => { window.__tcfapi = (command, version, callback) => { heard.push([command, version]);
  window.tell = (eventStatus, consents, gdprApplies = true) => callback({eventStatus, gdprApplies,
    tcString: "%s", purpose: {consents}}, true) } }"""
GPP: Final = """window.__gpp = (command, callback) => {
  window.tell = (signalStatus, parsedSections) => callback({eventName: "signalStatus",
    pingData: {signalStatus, parsedSections, gppString: "%s"}}, true) }"""
LAYER: Final = "window.dataLayer = []; window.gtag = function () { dataLayer.push(arguments) }"


class Opened:
    """A page whose snippet reads managers."""

    def __init__(self, page: Any, collector: Collector) -> None:
        self.page = page
        self.collector = collector

    def do(self, script: str) -> None:
        """Something happens on the page, and there is time for a beacon."""
        self.page.evaluate(f"{{ {script} }}")
        self.page.wait_for_timeout(450)

    def told(self) -> list[Any]:
        """What was said of statistics with each beacon that was sent."""
        assert not any(STRING in one.body.decode() for one in self.collector.tries), "no consent string is sent"
        return [(beacon.get("consent") or {}).get("statistics") for beacon in self.collector.beacons]

    def wait(self, count: int) -> list[Any]:
        """The same, once there are so many."""
        self.collector.wait(lambda: len(self.told()) >= count, f"{count} beacons")
        return self.told()


@pytest.fixture
def opened(page: Any, site: Site, collector: Collector, install: Any) -> Any:
    """Opens a page with these managers."""

    def visit(managers: str, head: str, **settings: Any) -> Opened:
        install(parts=snippet.parts("managers"), managers=managers.split(), **settings)
        text = head.replace("%s", STRING)
        site.pages["/a"] = Page(snippet.document(head=f"<script>{text}</script>"))
        page.goto(site.address("/a"))
        page.wait_for_function("!!window.footfall?.consent")
        return Opened(page, collector)

    return visit


def test_tcf_late_granted_revoked_granted_again(opened: Any) -> None:
    """Nothing goes without purposes 1 and 8, nor after a revocation."""
    there = opened("tcf", TCF, unchosen="hold")
    there.do("footfall('early')")
    assert there.told() == []
    there.do("come()")
    there.page.wait_for_function("!!window.tell")
    assert there.page.evaluate("heard") == [["addEventListener", 2]]
    for status, consents in (
        ("cmpuishown", "{1: true, 8: true}"),
        ("tcloaded", "{1: true, 7: true}"),
        ("tcloaded", "{8: true}"),
    ):
        there.do(f"tell('{status}', {consents})")
        assert there.told() == []
    # What was refused is gone, whatever is chosen later.
    there.do("tell('useractioncomplete', {1: true, 7: true, 8: true}); footfall('now')")
    assert there.wait(1) == [True]
    assert [event["name"] for event in there.collector.events()] == ["now"]
    assert there.collector.beacons[-1]["consent"]["ads"] is True
    there.do("tell('useractioncomplete', {1: true})")
    before = len(there.told())
    there.do("footfall('after')")
    assert len(there.told()) == before


def test_what_a_manager_said_holds_from_page_to_page_without_a_load(opened: Any) -> None:
    """Each page that waited goes with its own address; a revocation stops the pages after it; what was dropped then does
    not come back with the next grant."""
    there = opened("tcf", f"{TCF}; come()", unchosen="hold")
    there.page.wait_for_function("!!window.tell")
    there.do("history.pushState(0, '', '/b')")
    there.do("history.pushState(0, '', '/c')")
    assert there.told() == []

    def pages() -> list[str]:
        return [one["beacon"]["url"].rpartition("/")[2] for one in there.collector.events("pageview")]

    there.do("tell('useractioncomplete', {1: true, 8: true})")
    there.collector.wait(lambda: len(pages()) == 3, "the pages that waited")
    there.do("history.pushState(0, '', '/d')")
    there.do("tell('useractioncomplete', {1: true, 8: false})")
    there.do("history.pushState(0, '', '/e')")
    there.do("tell('useractioncomplete', {1: true, 8: true})")
    there.do("history.pushState(0, '', '/f')")
    there.collector.wait(lambda: len(pages()) >= 5, "the page after the second grant")
    # Two requests at once can overtake each other on the way.
    assert sorted(pages()) == ["a", "b", "c", "d", "f"]
    assert set(there.told()) == {True}


def test_tcf_where_the_law_does_not_apply_or_nobody_comes(opened: Any) -> None:
    """The site's own policy holds, as if nothing were said."""
    there = opened("tcf", TCF)
    there.do("come()")
    there.page.wait_for_function("!!window.tell")
    there.do("tell('tcloaded', {1: true, 8: true}, false); footfall('x')")
    assert set(there.wait(2)) == {None}


def test_gpp_says_no_and_nothing_went_before(opened: Any) -> None:
    """Until the manager is ready events wait; an opt-out goes with each of them."""
    there = opened("gpp", GPP)
    there.do("tell('not ready', {}); footfall('x')")
    there.page.wait_for_timeout(2200)
    assert there.told() == [], "it is there and has not said anything"
    there.do("tell('ready', {usca: [{SaleOptOut: 2, SharingOptOut: 1}, {Gpc: false}]})")
    there.wait(2)
    assert {beacon["gpp"] for beacon in there.collector.beacons} == {True}
    there.do("tell('ready', {usnat: {SaleOptOut: 2, SharingOptOut: 2, TargetedAdvertisingOptOut: 0}}); footfall('y')")
    there.wait(3)
    assert there.collector.beacons[-1]["gpp"] is False
    there.do("tell('ready', {usnat: [{SaleOptOut: 2}, {Gpc: true}]}); footfall('z')")
    there.wait(4)
    assert there.collector.beacons[-1]["gpp"] is True
    for value in "N-Y":
        there.do(f"tell('ready', {{uspv1: {{Version: 1, Notice: 'Y', OptOutSale: '{value}'}}}}); footfall('usp')")
    there.wait(7)
    assert [one["gpp"] for one in there.collector.beacons[-3:]] == [False, False, True]


def test_gpp_that_never_comes_holds_nobody_up(opened: Any) -> None:
    """Two seconds, then the site's own policy."""
    there = opened("gpp", "")
    assert set(there.wait(1)) == {None}
    assert "gpp" not in there.collector.beacons[0]


def test_consent_mode_default_update_revoke(opened: Any) -> None:
    """`analytics_storage` alone counts; denied until it is granted; late pushes are heard."""
    there = opened(
        "consent_mode",
        LAYER + "; gtag('consent', 'default', {analytics_storage: 'denied', ad_storage: 'granted'})",
        unchosen="hold",
    )
    there.do("footfall('early')")
    assert there.told() == []
    there.do("gtag('js', new Date()); dataLayer.push({event: 'x'}); gtag('consent', 'update', {ad_storage: 'granted'})")
    assert there.told() == []
    there.do("gtag('consent', 'update', {analytics_storage: 'granted'}); footfall('now')")
    assert set(there.wait(1)) == {True}
    assert "ads" not in there.collector.beacons[-1]["consent"]
    there.do("gtag('consent', 'update', {analytics_storage: 'denied'})")
    before = len(there.told())
    there.do("footfall('after')")
    assert len(there.told()) == before


def test_consent_mode_waits_for_the_update_and_takes_the_strictest_default(opened: Any) -> None:
    """A default that holds in some region may be this visitor's."""
    head = (
        LAYER
        + """; gtag('consent', 'default', {analytics_storage: 'granted'})
      gtag('consent', 'default', {analytics_storage: 'denied', region: ['DE'], wait_for_update: 600})"""
    )
    there = opened("consent_mode", head)
    there.do("footfall('x')")
    there.page.wait_for_timeout(600)
    there.do("footfall('y')")
    told = there.wait(3)
    assert told[0] is None
    assert told[-1] is False
    assert True not in told


def test_what_the_visitor_said_on_this_site_goes_before_every_manager(opened: Any) -> None:
    """Before and after the manager speaks; and of two managers both must agree."""
    there = opened("tcf consent_mode", f"{TCF}; {LAYER}; come()")
    there.page.wait_for_function("!!window.tell")
    there.do(
        "tell('tcloaded', {1: true, 8: true}); gtag('consent', 'update', {analytics_storage: 'denied'}); footfall('x')"
    )
    assert there.wait(2)[-1] is False
    there.do("gtag('consent', 'update', {analytics_storage: 'granted'}); footfall('y')")
    assert there.wait(3)[-1] is True
    there.do("footfall.consent({statistics: false}); tell('useractioncomplete', {1: true, 8: true}); footfall('z')")
    assert there.wait(4)[-1] is False


@pytest.mark.parametrize("manager", ["tcf", "consent_mode"])
def test_a_manager_that_never_speaks_is_no_consent(opened: Any, manager: str) -> None:
    """Neither while the page is open nor when it is left; an interface that is there and says nothing is the same."""
    head = f"{TCF}; come()" if manager == "tcf" else f"{LAYER}; gtag('consent', 'update', {{ad_storage: 'granted'}})"
    for told in ("", head):
        there = opened(manager, told, unchosen="hold")
        there.do("footfall('x')")
        there.page.wait_for_timeout(600)
        there.page.goto("about:blank")
        there.page.wait_for_timeout(300)
        assert there.told() == []


def test_managers_that_come_late_are_heard_and_must_agree(opened: Any) -> None:
    """All three come after the page: one that has spoken is heard, one that denies stops what the others grant."""
    there = opened("tcf gpp consent_mode", "", unchosen="hold")
    there.page.wait_for_timeout(600)
    there.do(f"{GPP % STRING}; window.gppTell = null")
    there.page.wait_for_function("!!window.tell")
    there.do("tell('ready', {usnat: {SaleOptOut: 2}}); delete window.tell")
    late = "window.dataLayer = window.dataLayer || []; window.gtag = function () { dataLayer.push(arguments) }"
    there.do(f"{late}; gtag('consent', 'update', {{analytics_storage: 'denied'}})")
    there.do(f"{TCF % STRING}; come()")
    there.page.wait_for_function("!!window.tell")
    there.do("tell('tcloaded', {1: true, 8: true}); footfall('one_denies')")
    assert there.told() == []
    there.do("gtag('consent', 'update', {analytics_storage: 'granted'}); footfall('all_agree')")
    assert set(there.wait(1)) == {True}
    assert [(one["name"], one["beacon"]["gpp"]) for one in there.collector.events()] == [("all_agree", False)]


STUB: Final = "window.footfall = (...call) => (footfall.q = footfall.q || []).push(call)"
EAGER: Final = """window.__tcfapi = (command, version, callback) =>
  callback({eventStatus: "tcloaded", gdprApplies: true, purpose: {consents: {1: true, 7: true, 8: true}}}, true)"""


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ("{statistics: false, ads: false}", []),
        ("{sale: false}", [{"statistics": True, "ads": True, "sale": False}]),
        ("{statistics: true, ads: false}", [{"statistics": True, "ads": False}]),
    ],
)
def test_a_choice_from_before_the_script_goes_before_a_manager_that_answers_at_once(
    opened: Any, own: str, sent: list[dict[str, bool]]
) -> None:
    """What the device remembers is told by a call that waits: not one event goes by the manager's word against it. Of
    what the visitor has not chosen here the manager may speak."""
    there = opened("tcf", f"{STUB}; footfall('$consent', {own}); {EAGER}", unchosen="hold", version="1")
    if sent:
        there.wait(1)
    there.page.wait_for_timeout(500)
    assert [beacon["consent"] for beacon in there.collector.beacons] == [{"version": "1", **one} for one in sent]
