"""The import of a real access log: the same numbers as an independent count, once, whatever interrupts it."""

import gzip
import json
import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.product import Product, command
from tests.whole.reference import LOG, Reference, lines

pytestmark = [
    pytest.mark.req("C19", "O8", "C9", "D7"),
    pytest.mark.skipif(not LOG.is_file(), reason=f"the labelled data is not here: {LOG.name}"),
]
SITE = "semicomplete.com"
RANGE = ["2015-05-17", "2015-05-20"]


def _rows(data) -> list[dict[str, object]]:
    """Every stored row, machines' too, read from the warehouse by a process of its own (one engine a process)."""
    script = (
        "import json,sys; from warehouse.client import Warehouse; from warehouse.settings import WarehouseSettings\n"
        "w = Warehouse(WarehouseSettings(dsn=f'chdb://{sys.argv[1]}/warehouse'))\n"
        "sql = 'SELECT name, toString(day), path, browser, bot, hex(visitor) FROM events'\n"
        "print(json.dumps(w.select(sql, {}, 'control')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(data)], capture_output=True, text=True, timeout=120, check=True
    )
    names = ("name", "day", "path", "browser", "bot", "visitor")
    return [dict(zip(names, row, strict=True)) for row in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """An installation that imported the log with the server stopped and loaded it at the next start."""
    product = Product(tmp_path_factory.mktemp("import") / "data")
    product.site(SITE)
    key = product.key(site=SITE)
    command(product.data, "import", "accesslog", str(LOG), "--site", SITE)
    product.start()
    _wait_loaded(product)
    yield product, key
    product.kill()


def _wait_loaded(product: Product) -> None:
    end = time.monotonic() + 30
    while json.loads(command(product.data, "spool", "status", "--json").stdout)[0]["pending"]:
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.fixture(scope="module")
def stored(imported):
    """The rows of that installation, after its end."""
    product, _key = imported
    product.stop()
    rows = _rows(product.data)
    product.start()
    return rows


def test_views_visitors_and_missing_pages_equal_an_independent_count(stored):
    """Machines included: page views and visitors a day, top pages and 404s are what plain Python counts."""
    reference = Reference(lines())
    views = [row for row in stored if row["name"] == "pageview"]
    assert Counter(row["day"] for row in views) == reference.views
    assert Counter(row["day"] for row in stored if row["name"] == "not_found") == reference.not_found
    assert sum(reference.not_found.values()) > 100
    people: dict[str, set[object]] = {}
    for row in stored:
        people.setdefault(str(row["day"]), set()).add(row["visitor"])
    assert {day: len(ids) for day, ids in people.items()} == {d: len(ids) for d, ids in reference.visitors.items()}
    found = Counter(row["path"] for row in views)
    assert [found[path] for path, _ in reference.pages.most_common(20)] == [
        n for _, n in reference.pages.most_common(20)
    ]


def test_the_stats_api_tells_the_same_without_machines(imported, stored):
    """Visitors, views and top pages of the API are those of the rows that no rule took for a machine."""
    product, key = imported
    people = [row for row in stored if not row["bot"]]
    views = [row for row in people if row["name"] == "pageview"]
    answer = product.ask(
        key, site_id=SITE, metrics=["visitors", "pageviews"], date_range=RANGE, dimensions=["time:day"]
    )
    told = {row["dimensions"][0][:10]: row["metrics"] for row in answer["results"]}
    days = {str(row["day"]) for row in people}
    expected = {
        day: [len({r["visitor"] for r in people if r["day"] == day}), sum(r["day"] == day for r in views)]
        for day in days
    }
    assert told == expected
    pages = product.ask(
        key, site_id=SITE, metrics=["pageviews"], date_range=RANGE, dimensions=["event:page"], pagination={"limit": 20}
    )
    top = Counter(row["path"] for row in views)
    assert [row["metrics"][0] for row in pages["results"]] == [count for _, count in top.most_common(20)]


def test_browsers_equal_an_independent_reading(stored):
    """Page views by browser agree with token rules that know nothing of the product, for people's agents."""
    reference = Counter()
    for text, count in Reference(lines()).agents.items():
        reference[_browser_by_tokens(text)] += count
    told = Counter(row["browser"] for row in stored if row["name"] == "pageview")
    for name in ("Chrome", "Firefox", "Safari", "Internet Explorer", "Opera"):
        assert reference[name] > 10, name
        assert abs(told[name] - reference[name]) <= 0.02 * reference[name] + 2, name


_TOKENS = (
    *(
        ("bot", "machine"),
        ("spider", "machine"),
        ("crawl", "machine"),
        ("favicon", "machine"),
        ("appengine", "machine"),
    ),
    *(
        ("iceweasel", "other"),
        ("seamonkey", "other"),
        ("palemoon", "other"),
        ("chromium/", "other"),
        ("coolnovo", "other"),
        ("chromeframe", "other"),
    ),
    *(
        ("opr/", "Opera"),
        ("opera", "Opera"),
        ("edge/", "Edge"),
        ("msie", "Internet Explorer"),
        ("trident/", "Internet Explorer"),
        ("crios/", "Chrome"),
    ),
    *(("firefox/", "Firefox"), ("android", "other"), ("chrome/", "Chrome")),
)
"""The first token found in the lower-cased agent names the browser."""


def _browser_by_tokens(agent: str) -> str:
    found = next((name for token, name in _TOKENS if token in agent.lower()), "")
    return found or ("Safari" if "Safari/" in agent and "Version/" in agent else "other")


def test_the_same_log_again_changes_nothing(imported):
    """A known log is a no-op, under another name and packed otherwise too; one that has grown goes on at its end."""
    product, key = imported
    before = product.numbers(key, "pageviews", "visitors", site_id=SITE, date_range=RANGE)
    again = command(product.data, "import", "accesslog", str(LOG), "--site", SITE, "--json")
    assert json.loads(again.stdout)["known"] is True
    plain = product.data.parent / "renamed.log"
    plain.write_bytes(gzip.decompress(LOG.read_bytes()))
    assert json.loads(command(product.data, "import", "accesslog", str(plain), "--site", SITE, "--json").stdout)[
        "known"
    ]
    assert product.numbers(key, "pageviews", "visitors", site_id=SITE, date_range=RANGE) == before
    line = '8.8.8.8 - - [21/May/2015:10:00:00 +0000] "GET /grown HTTP/1.1" 200 1 "-" "Mozilla/5.0 Firefox/40.0"\n'
    with plain.open("a") as log:
        log.write(line)
    grown = json.loads(command(product.data, "import", "accesslog", str(plain), "--site", SITE, "--json").stdout)
    assert (grown["skipped"], grown["events"]) == (10_000, 1)
    assert product.numbers(key, "pageviews", "visitors", site_id=SITE, date_range=RANGE) == before


@pytest.mark.long
@pytest.mark.parametrize("point", ["import.staged_chunk:3", "import.before_commit:1", "import.after_commit:1"])
def test_an_interrupted_import_run_again_gives_the_same(tmp_path, point):
    """Killed at half, before or after its commit and run again: every line counts once."""
    product = Product(tmp_path / "data")
    product.site(SITE)
    call = [
        sys.executable,
        "-m",
        "footfall",
        "import",
        "accesslog",
        str(LOG),
        "--site",
        SITE,
        "--data",
        str(product.data),
    ]
    killed = subprocess.run(
        call, env={**os.environ, "FOOTFALL_CRASH": point}, capture_output=True, timeout=120, check=False
    )
    assert killed.returncode == -9
    command(product.data, "import", "accesslog", str(LOG), "--site", SITE)
    key = product.key(site=SITE)
    product.start()
    try:
        _wait_loaded(product)
        time.sleep(1)
        product.stop()
        names = Counter(str(row["name"]) for row in _rows(product.data))
        reference = Reference(lines())
        assert names == {"pageview": sum(reference.views.values()), "not_found": sum(reference.not_found.values())}
        assert json.loads(command(product.data, "status", "--json").stdout)["balanced"] is True
        assert key
    finally:
        if product.process is not None:
            product.kill()


def test_a_log_from_standard_input_is_the_same_log(tmp_path):
    """`-` reads standard input; its content is known by its digest like a file's."""
    product = Product(tmp_path / "data")
    product.site(SITE)
    plain = tmp_path / "log"
    plain.write_bytes(gzip.decompress(LOG.read_bytes()))
    with plain.open("rb") as file:
        first = command(product.data, "import", "accesslog", "-", "--site", SITE, "--json", stdin=file)
    assert json.loads(first.stdout)["events"] > 4000
    assert json.loads(command(product.data, "import", "accesslog", str(LOG), "--site", SITE, "--json").stdout)["known"]
