"""Promise 1 when nothing is killed: the warehouse is away, the spool's disk is full."""

import json
import os
import subprocess
import time

import pytest

from tests.crash.test_product_kills import settle
from tests.crash.traffic import Traffic
from tests.product import Product, beacon
from tests.warehouse.engine import Server

pytestmark = [pytest.mark.req("O3", "O4", "O1"), pytest.mark.timeout(600)]


@pytest.fixture
def server(tmp_path):
    """A ClickHouse server's HTTP interface with switches for trouble."""
    one = Server(tmp_path / "server")
    yield one
    one.stop()


def _outage(product: Product, server: Server, seconds: float) -> None:
    site = product.site()["key"]
    product.start()
    with Traffic(product.collector, site, clients=16, pause=0.1) as traffic:
        time.sleep(2)
        server.trouble(refuse=True, times=10**9)
        before = len(traffic.acknowledged)
        time.sleep(seconds)
        during = len(traffic.acknowledged) - before
        assert product.status(product.console, "/readyz") == 503
        assert product.status(product.console, "/healthz") == 200
        server.trouble(times=0)
        product.wait_ready(60)
    assert during > 20 * seconds, "collectors acknowledge while the warehouse is away"
    assert traffic.answers.keys() == {202}
    settle(product, traffic.acknowledged)


def test_a_warehouse_that_refuses_for_seconds_loses_nothing(tmp_path, server):
    """A short outage of a ClickHouse server: everything acknowledged meanwhile is loaded once afterwards."""
    product = Product(tmp_path / "data", {"clickhouse": server.settings().dsn})
    try:
        _outage(product, server, 4)
    finally:
        product.kill()


@pytest.mark.long
def test_a_warehouse_that_refuses_for_a_minute_loses_nothing(tmp_path, server):
    """An outage of 60 s, several back-offs long."""
    product = Product(tmp_path / "data", {"clickhouse": server.settings().dsn})
    try:
        _outage(product, server, 60)
    finally:
        product.kill()


@pytest.fixture
def small_disk(tmp_path):
    """A data directory whose spool lies on a file system of its own of 24 MiB."""
    spool = tmp_path / "data" / "spool"
    spool.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(spool)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not permitted here")
    yield spool
    subprocess.run(["umount", "--lazy", str(spool)], check=True)


def test_a_full_spool_disk_answers_503_and_recovers_by_itself(tmp_path, small_disk):
    """With the disk full a beacon is refused with Retry-After, and taken again once there is room."""
    product = Product(tmp_path / "data", {"spool_min_free_mb": "4", "spool_segment_kb": "256"})
    site = product.site()["key"]
    try:
        product.start()
        time.sleep(1)
        assert product.send(beacon(site)) == 202
        ballast = small_disk / "ballast"
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        ballast.write_bytes(b"x" * (free - (300 << 10)))  # below 2 % of this disk
        _, headers, body = _until(product, site, 503)
        assert int(headers["retry-after"]) > 0
        assert json.loads(body)["status"] == 503
        assert product.status(product.collector, "/readyz") == 503
        assert product.send(b"{") == 400, "a refusal is answered even then"
        ballast.unlink()
        _until(product, site, 202)
        time.sleep(3)
        assert product.stop() < 8
        report = product.status_report()
        assert report["balanced"] is True
        assert sum(day["rejected"] for day in report["days"]) == 1, "what was counted while it was full is not lost"
    finally:
        product.kill()


def _until(product: Product, site: str, wanted: int) -> tuple[int, dict[str, str], bytes]:
    end = time.monotonic() + 40
    while True:
        answer = product.request(product.collector, "POST", "/e", json.dumps(beacon(site)).encode())
        if answer[0] == wanted:
            return answer
        assert answer[0] in (202, 503)
        assert time.monotonic() < end, f"no {wanted} in 40 s"
        time.sleep(0.1)
