"""Promise 1 on the whole product: whatever is killed, every acknowledged event is there exactly once."""

import json
import random
import time
from collections import Counter

import psutil
import pytest

from loader.loop import LOADER_POINTS
from spool.crash import WRITER_POINTS
from tests.crash.traffic import Traffic
from tests.product import Product

pytestmark = [pytest.mark.req("O3", "C23", "C20"), pytest.mark.timeout(900)]

_SEEDED = {"loader.split"}
"""Points that healthy traffic never passes; tests/loader kills there with a poison row."""


@pytest.fixture
def product(tmp_path):
    """An installation that is not started yet, with small segments so that rotation happens all the time."""
    one = Product(tmp_path / "data", {"spool_segment_kb": "64"})
    yield one
    if one.process is not None:
        one.kill()


def _views_by_page(product: Product, key: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    question = {"metrics": ["pageviews"], "dimensions": ["event:page"], "order_by": [["event:page", "asc"]]}
    while True:
        answer = product.ask(key, **question, pagination={"limit": 10000, "offset": len(counts)})
        counts.update({row["dimensions"][0]: row["metrics"][0] for row in answer["results"]})
        if len(answer["results"]) < 10000:
            return counts


def settle(product: Product, seen: set[str]) -> None:
    """Wait until all is loaded, then compare: acknowledged pages once, nothing twice, the accounting to the unit."""
    key = product.key()
    end = time.monotonic() + 60
    while True:
        counts = _views_by_page(product, key)
        missing = [page for page in seen if counts[page] != 1]
        if not missing or time.monotonic() > end:
            break
        time.sleep(0.5)
    assert not missing, f"{len(missing)} of {len(seen)} acknowledged events are not there once: {missing[:5]}"
    assert not [page for page, count in counts.items() if count != 1]
    product.stop()
    report = product.status_report()
    assert report["balanced"] is True
    assert report["pending"] == 0
    assert sum(day["stored"] for day in report["days"]) == sum(counts.values())
    assert report["received"] == sum(day["received"] for day in report["days"])


def test_a_kill_at_every_numbered_step_loses_and_doubles_nothing(product):
    """Collector and core kill themselves at each step of spool and loader in turn, under 64 clients."""
    site = product.site()["key"]
    seen: set[str] = set()
    first = 0
    for point in (*WRITER_POINTS, *LOADER_POINTS):
        if point in _SEEDED:
            continue
        # The points of opening are passed once a start; the second one only by a spool that is not there yet.
        opening = point.startswith("spool.open")
        workers = 2 if point == "spool.open.first_segment_made" else 1
        product.start(crash=f"{point}:{1 if opening else 2}", wait=False, workers=workers)
        with Traffic(product.collector, site, first=first, pause=0.15) as traffic:
            _until_someone_died(product, point)
        seen |= traffic.acknowledged
        first += 10_000
        product.stop()
    product.start()
    assert len(seen) > 1000
    settle(product, seen)


def _until_someone_died(product: Product, point: str) -> None:
    """Wait for the supervisor's word that a process was killed by signal 9, and then half a second more."""
    before = product.log.read_text().count("killed by signal 9")
    end = time.monotonic() + 20
    while product.log.read_text().count("killed by signal 9") == before:
        if time.monotonic() > end:
            raise AssertionError(f"nothing died at {point}:\n{product.log.read_text()[-2000:]}")
        time.sleep(0.05)
    time.sleep(0.5)


def _random_kills(product: Product, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    site = product.site()["key"]
    seen: set[str] = set()
    product.start()
    with Traffic(product.collector, site) as traffic:
        for _ in range(kills):
            time.sleep(chance.uniform(0.05, 1.2))
            victims = product.processes()
            name = chance.choice(sorted(victims) or ["none"])
            if name in victims:
                victims[name].kill()
            if name in ("supervisor", "none"):
                _restart(product)
        product.wait_ready()
    seen |= traffic.acknowledged
    print(f"{kills} kills, {len(seen)} acknowledged, answers {dict(traffic.answers)}")
    assert len(seen) > 20 * kills
    settle(product, seen)


def _restart(product: Product) -> None:
    """Start anew as an operator would, while children of the killed supervisor may still be leaving."""
    if product.process is not None:
        product.process.wait(timeout=10)
    for _ in range(20):
        product.start(wait=False)
        time.sleep(0.3)
        if product.process is not None and product.process.poll() is None:
            return
    raise AssertionError(f"it does not start again:\n{product.log.read_text()[-2000:]}")


def test_random_kills_of_any_process_lose_and_double_nothing(product):
    """Collectors, core and supervisor are killed at random moments; the short form."""
    _random_kills(product, 12, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("fast_lane", ["true", "false"])
def test_two_hundred_random_kills_lose_and_double_nothing(product, fast_lane):
    """The long form: at least 200 kills of random processes at random moments, by either way of answering."""
    product.settings["fast_lane"] = fast_lane
    _random_kills(product, 210, seed=random.randrange(2**32))


def test_a_beacon_that_reaches_two_workers_counts_once(product):
    """The loader drops the repeated beacon, whichever worker it reached."""
    site = product.site()["key"]
    product.start(workers=2)
    time.sleep(1)
    bodies = [json.dumps(b).encode() for b in _beacons(site, 50)]
    names = {name for name in product.processes() if name.startswith("collector")}
    assert len(names) == 2
    for _ in range(6):
        for body in bodies:
            assert product.send(body) == 202
    time.sleep(3)
    product.stop()
    used = [p for p in (product.data / "spool").iterdir() if p.is_dir()]
    assert len(used) == 2
    report = product.status_report()
    assert report["balanced"] is True
    assert [(d["stored"], d["repeated"]) for d in report["days"]] == [(50, 250)]


def _beacons(site: str, count: int) -> list[dict[str, object]]:
    from tests.product import beacon

    return [beacon(site) for _ in range(count)]


def test_children_of_a_killed_supervisor_leave_within_five_seconds(product):
    """Nothing is left half alive when the supervisor is killed."""
    product.site()
    product.start()
    processes = product.processes()
    children = [process for name, process in processes.items() if name != "supervisor"]
    processes["supervisor"].kill()
    _, alive = psutil.wait_procs(children, timeout=6)
    assert not alive
