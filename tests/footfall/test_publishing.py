"""What collectors read: the snapshot, and the snippets in every form."""

import gzip
import json
import os
import time

import brotli
import pytest

from control_store.site_settings import SiteSettings, changed
from control_store.snapshot import Site
from footfall.composing import configuration
from footfall.publishing import publish_snippets
from tests.product import running

pytestmark = pytest.mark.req("C21")
MANIFEST = {"build": "abc", "defaults": {"downloads": "pdf|zip", "query": "q"}}
DAY_MS = 86_400_000
PINNED = "*." + "[0-9a-f]" * 16 + ".js"


def _site(*settings: str) -> Site:
    return Site(1, "4f8a2c7e91d04b3f", "shop.example", "UTC", b"", changed(SiteSettings(), list(settings)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((), {"query": "q|s|query|search|keyword"}),
        (("localhost=true",), {"allow": ["localhost"]}),
        (("gpc=cookieless",), {"allow": ["GPC", "DNT"]}),
        (("dnt=false",), {"allow": ["DNT"]}),
        (("hash_routes=true",), {"hash": True}),
        (("query_keys=a.b,size",), {"query": r"q|s|query|search|keyword|a\.b|size"}),
    ],
)
def test_the_configuration_follows_the_settings(settings, expected):
    """A snippet is compiled with what saves its site requests; nothing else of the settings is told to browsers."""
    config = configuration(_site(*settings), MANIFEST, "https://stats.example")
    assert config["endpoint"] == "https://stats.example/e"
    assert {key: config[key] for key in expected} == expected
    assert set(config) <= {"endpoint", "site", "build", "downloads", "query", "allow", "hash"}


def test_a_pinned_copy_stays_for_400_days_after_it_was_current(tmp_path):
    """A change makes a new pinned file; the old one stays until nobody can depend on it."""
    publish_snippets([_site()], tmp_path, origin="https://one.example", now=0)
    if not list(tmp_path.iterdir()):
        pytest.skip("the snippet is not built here: make snippet")
    first = next(tmp_path.glob(PINNED))
    now = int(time.time() * 1000)
    publish_snippets([_site()], tmp_path, origin="https://two.example", now=now)
    assert len(list(tmp_path.glob(PINNED))) == 2
    os.utime(first, (time.time() - 399 * 86400,) * 2)
    publish_snippets([_site()], tmp_path, origin="https://two.example", now=now)
    assert first.exists()
    os.utime(first, (time.time() - 401 * 86400,) * 2)
    publish_snippets([_site()], tmp_path, origin="https://two.example", now=now)
    assert not first.exists()
    assert not first.with_name(first.name + ".br").exists()


def test_the_snippet_is_served_in_every_form(tmp_path):
    """Plain, gzip and brotli are the same text; the site's file is fresh for an hour, the pinned one for ever."""
    with running(tmp_path / "data") as product:
        site = product.site()
        path = f"/js/{site['key']}.js"
        end = time.monotonic() + 5
        while product.status(product.collector, path) != 200:
            assert time.monotonic() < end
            time.sleep(0.1)
        _, headers, plain = product.request(product.collector, "GET", path)
        assert headers["cache-control"] == "public, max-age=3600, stale-while-revalidate=86400"
        assert headers["content-type"] == "text/javascript; charset=utf-8"
        assert f'"site":"{site["key"]}"'.encode() in plain
        _, zipped, body = product.request(product.collector, "GET", path, headers={"Accept-Encoding": "gzip"})
        assert (zipped["content-encoding"], gzip.decompress(body)) == ("gzip", plain)
        _, small, body = product.request(product.collector, "GET", path, headers={"Accept-Encoding": "gzip, br"})
        assert (small["content-encoding"], brotli.decompress(body)) == ("br", plain)
        assert len(body) <= 1900
        status, _, body = product.request(product.collector, "GET", path, headers={"If-None-Match": headers["etag"]})
        assert (status, body) == (304, b"")
        pinned = next(p.name for p in (product.data / "collector" / "js").glob(f"{site['key']}{PINNED[1:]}"))
        status, headers, body = product.request(product.collector, "GET", f"/js/{pinned}")
        assert (status, body) == (200, plain)
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert product.status(product.collector, f"/js/{site['id']}.js") == 200
        status, headers, body = product.request(product.collector, "GET", "/js/..%2Fsnapshot")
        assert status == 404
        assert json.loads(body)["status"] == 404
