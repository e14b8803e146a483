"""The first minute of an installation: start, site, beacon, answer, stop."""

import time

import pytest

from tests.product import beacon, running

TRIES = 5
"""One that is in time is enough: other work on the machine makes an answer later, nothing makes it sooner."""
pytestmark = pytest.mark.req("O1", "C23", "D7")


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """One installation for the tests of this module."""
    with running(tmp_path_factory.mktemp("first") / "data") as one:
        yield one


def test_a_beacon_is_in_the_answer_three_seconds_after_its_202(product):
    """What was acknowledged is visible within three seconds, in every metric that counts it."""
    site = product.site("shop.example", "--timezone", "Europe/Zurich")
    key = product.key()
    time.sleep(2)  # a new site is known within two seconds
    took = []
    for count in range(1, TRIES + 1):
        assert product.send(beacon(site["key"])) == 202
        acknowledged = time.monotonic()
        while product.numbers(key, "visitors", "visits", "pageviews") != [1, 1, count]:
            assert time.monotonic() - acknowledged < 20
            time.sleep(0.1)
        took.append(time.monotonic() - acknowledged)
        if took[-1] < 3:
            break
    assert took[-1] < 3, took


def test_a_site_that_is_added_while_it_runs_is_served_within_two_seconds(product):
    """The registry follows a change of the control store."""
    site = product.site("new.example")
    added = time.monotonic()
    while product.send(beacon(site["key"], url="https://new.example/")) != 202:
        assert time.monotonic() - added < 2.5
        time.sleep(0.1)


def test_both_ports_tell_their_health_and_the_console_its_metrics(product):
    """Liveness, readiness and Prometheus's text are served where the documentation says."""
    assert product.status(product.collector, "/healthz") == 200
    assert product.status(product.collector, "/readyz") == 200
    assert product.status(product.console, "/healthz") == 200
    status, _, text = product.request(product.console, "GET", "/metrics")
    assert status == 200
    assert b"footfall_loader_well 1.0" in text


def test_a_repeated_beacon_is_acknowledged_again_and_counted_once(product):
    """The same beacon id within 26 hours changes no number and is counted as repeated."""
    site = product.site("twice.example")
    key = product.key(site="twice.example")
    time.sleep(2)
    once = beacon(site["key"], url="https://twice.example/")
    assert [product.send(once) for _ in range(3)] == [202, 202, 202]
    time.sleep(3)
    assert product.numbers(key, "pageviews", site_id="twice.example") == [1]


def test_sigterm_stops_everything_within_five_seconds(tmp_path):
    """SIGTERM drains and stops all processes in at most five seconds, and a second start finds what was stored."""
    with running(tmp_path / "data") as product:
        site = product.site()
        key = product.key()
        time.sleep(2)
        assert product.send(beacon(site["key"])) == 202
        children = [p for name, p in product.processes().items() if name != "supervisor"]
        assert product.stop() < 5
        assert not [child for child in children if child.is_running()]
        product.start()
        time.sleep(2)
        assert product.numbers(key, "pageviews") == [1]
