"""What is remembered of pages: a short time, a bounded number, and the same answer as without a memory."""

from typing import Any, Final

import pytest

from collector.page_url import read_page_url
from collector.pages import Pages
from collector.referrer import SourceReader
from collector.registry import ServedSite
from collector.scrub import Scrubber
from event_catalogue.decode import Beacon, decode_beacon
from event_catalogue.fields import PLACE_IN_SITE, SOURCE
from tests.collector.world import NOW, beacon, body, site

NAMES: Final = [field.name for field in (*PLACE_IN_SITE, *SOURCE)]
SERVED: Final = ServedSite(site())


def sent(url: str, **fields: Any) -> Beacon:
    """A beacon of this page."""
    return decode_beacon(body(beacon(SERVED.site.key, url=url, **fields)))[0]


@pytest.fixture
def pages() -> Pages:
    """Pages that nobody has seen."""
    return Pages(SourceReader(), Scrubber(), lambda host: host.startswith("spam"))


def test_a_page_is_its_address_its_source_and_its_title(pages: Pages) -> None:
    """As their readers have them, in catalogue order, the second time too; another site's page is another page."""
    one = sent(
        "https://shop.example/a?utm_source=flyer&gclid=1&q=fern", referrer="https://www.google.com/", title="A b@c.de"
    )
    for _ in range(2):
        seen = pages.read(SERVED, one, NOW)
        told = dict(zip(NAMES, seen.fields, strict=True))
        assert (told["hostname"], told["path"], told["title"]) == ("shop.example", "/a", "A [email]")
        assert (told["source"], told["utm_source"], told["click_network"]) == ("flyer", "flyer", "Google Ads")
        assert (seen.search_term, seen.is_spam, seen.verdict) == ("fern", False, None)
    assert pages.read(SERVED, sent("https://shop.example/", referrer="https://spam.example/"), NOW).is_spam
    other = ServedSite(site(2, hostnames=("shop.example",), search_keys=()))
    assert pages.read(other, one, NOW).search_term is None


@pytest.mark.req("P6", "P7")
def test_where_no_search_may_be_kept_the_address_keeps_none(pages: Pages) -> None:
    """Not even where the site keeps the key of its search in addresses; other keys stay. One page is two, then."""
    served = ServedSite(site(query_keys=("q", "page")))
    one = sent("https://shop.example/find?q=fern&page=2")
    for _ in range(2):
        paths = [pages.read(served, one, NOW, terms=terms).fields[1] for terms in (True, False)]
        assert paths == ["/find?page=2&q=fern", "/find?page=2"]


@pytest.mark.req("P8")
def test_a_host_under_a_wildcard_is_a_text_like_any_other(pages: Pages) -> None:
    """A customer's own host keeps no number, token or digest; one that the site has by name stays as it is."""
    served = ServedSite(site(hostnames=("*.shop.example", "0791234567.example")))
    hosts = {
        "blog.shop.example": "blog.shop.example",
        "4111111111111111.shop.example": "[card].shop.example",
        "b1946ac92492d2347c6235b4d2611184.shop.example": "[hash].shop.example",
        "0791234567.example": "0791234567.example",
    }
    seen = {host: pages.read(served, sent(f"https://{host}/"), NOW).fields[0] for host in hosts}
    assert seen == hosts


@pytest.mark.parametrize(
    ("url", "reason"),
    [("about:blank", "bad_url"), ("https://evil.example/", "hostname"), ("http://localhost/", "localhost")],
)
def test_a_page_that_does_not_count_says_why(pages: Pages, url: str, reason: str) -> None:
    """And it is remembered like any other."""
    for _ in range(2):
        verdict = pages.read(SERVED, sent(url), NOW).verdict
        assert verdict is not None
        assert verdict.reason == reason


@pytest.mark.parametrize("name", ["path", "title", "utm_campaign"])
def test_texts_are_cut_to_the_catalogues_limit(pages: Pages, name: str) -> None:
    """Whatever their readers let through."""
    long = "é" * 3000
    one = sent(f"https://shop.example/{long}?utm_campaign={long}", title="é" * 2000)
    told = dict(zip(NAMES, pages.read(SERVED, one, NOW).fields, strict=True))
    limit = next(field.limit for field in (*PLACE_IN_SITE, *SOURCE) if field.name == name)
    assert len(told[name]) == limit or (name == "path" and len(told[name]) <= limit)


@pytest.mark.req("P8")
def test_what_was_read_is_gone_after_two_minutes(pages: Pages) -> None:
    """Whether more comes or not: the minute's tick drops it from memory."""
    secret = sent("https://shop.example/?token=quintessa")
    pages.read(SERVED, secret, NOW)
    assert "quintessa" in repr([*pages._new, *pages._old])
    pages.forget(NOW + 60_000)
    assert pages.read(SERVED, secret, NOW + 60_001).fields
    pages.forget(NOW + 120_000)
    pages.forget(NOW + 180_000)
    assert not pages._new
    assert not pages._old


def test_the_memory_is_bounded(pages: Pages) -> None:
    """In entries and in the length of what stands in one."""
    for number in range(6_000):
        pages.read(SERVED, sent(f"https://shop.example/{number}"), NOW)
    assert len(pages._new) + len(pages._old) <= 4096
    pages.read(SERVED, sent("https://shop.example/" + "x" * 3000), NOW)
    assert max(len(key[1]) for key in (*pages._new, *pages._old)) < 2048  # type: ignore[index]  # keys are tuples


def test_a_path_is_read_as_by_its_reader_alone(pages: Pages) -> None:
    """No memory comes between."""
    for path in ("/x/7654321", "/u/ann@example.org", "/plain"):
        url = f"https://shop.example{path}"
        expected = read_page_url(url, allowed=frozenset(), search_keys=(), hash_routes=False).path
        assert pages.read(SERVED, sent(url), NOW).fields[1] == expected
