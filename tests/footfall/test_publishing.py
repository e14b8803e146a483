"""What collectors read: the snapshot, and the snippets in every form."""

import gzip
import json
import os
import re
import time
from pathlib import Path

import brotli
import pytest

import collector
from control_store.setting_items import BadSetting
from control_store.site_settings import SiteSettings, changed
from control_store.snapshot import Site
from control_store.snippet_settings import MODULES
from footfall.composing import BuiltSnippet, configuration
from footfall.publishing import publish_snippets
from tests.product import running

pytestmark = pytest.mark.req("C21")
MANIFEST = {"build": "abc", "defaults": {"download": "pdf|zip", "search": "q"}}
DAY_MS = 86_400_000
SOURCE = "[?&](utm_source|ref|source|via)=Letter(&|$)"
EVERYTHING = (
    "ads,api,calls,clicks,copy,errors,exits,forms,hover,load_errors,media,print,tags",
    "call_numbers=usual=044 11,paid=044 22",
)
SIZES = {
    "default": ((), 1843),
    "everything but Web Vitals": ((f"modules={EVERYTHING[0]}", EVERYTHING[1]), 5120 + 120),
    "everything": (("modules=all", EVERYTHING[1]), 8192),
}
"""1.8, 5 and 8 KB. The numbers of a site (120 bytes with a pattern) are its own."""
PINNED = "*." + "[0-9a-f]" * 16 + ".js"


def _site(*settings: str) -> Site:
    return Site(1, "4f8a2c7e91d04b3f", "shop.example", "UTC", b"", changed(SiteSettings(), list(settings)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((), {"search": "q|s|query|search|keyword"}),
        (("localhost=true",), {"allow": ["localhost"]}),
        (("gpc=cookieless",), {"allow": ["GPC", "DNT"]}),
        (("dnt=false",), {"allow": ["DNT"]}),
        (("hash_routes=true",), {"hash": True}),
        (("exclude_paths=/admin/*,/a*b",), {"exclude": r"^\/admin(\/.*)?$|^\/a.*b$"}),
        (("policy=opt_in",), {"unchosen": "hold", "version": "1"}),
        (("policy=cookieless", "region_policies=EEA=opt_in"), {"unchosen": "hold"}),
        (("policy=opt_out", "modules=clicks"), {"unchosen": "open"}),
        (("download_extensions=.DWG,step",), {"download": "dwg|step"}),
        (("frames=true",), {"allow": ["iframe"]}),
        (("quiet=true",), {"quiet": True}),
        (
            ("modules=calls", "call_numbers=usual=+41 44 1,source:Letter=044 22"),
            {"numbers": ["+41 44 1", [SOURCE, "044 22"]]},
        ),
        (("query_keys=a.b,size",), {"search": r"q|s|query|search|keyword|a\.b|size"}),
    ],
)
def test_the_configuration_follows_the_settings(settings, expected):
    """A snippet is compiled with what saves its site requests; nothing else of the settings is told to browsers."""
    config = configuration(_site(*settings), MANIFEST, "https://stats.example")
    assert config["url"] == "https://stats.example/e"
    assert {key: config[key] for key in expected} == expected
    usual = {"url", "site", "build", "download", "search"}
    assert set(config) - usual - {"version"} == set(expected) - usual - {"version"}, "what is not set is not told"


def test_a_site_gets_the_modules_that_it_turned_on_after_those_that_they_need():
    """`all` is every module but calls, which need numbers; policies bring what they need."""
    built = BuiltSnippet(Path(collector.__file__).parent / "static" / "snippet")
    if not built.is_there:
        pytest.skip("the snippet is not built here: make snippet")

    def parts(*settings):
        return built.parts(_site(*settings).settings)

    assert parts() == []
    assert parts("modules=clicks,print") == ["element", "print", "clicks"]
    assert set(parts("modules=all")) == {*MODULES, "element"} - {"calls"}
    assert "calls" in parts("modules=all", "call_numbers=usual=044 11,paid=044 22")
    assert parts("policy=opt_in") == ["api"]
    assert parts("region_policies=EEA=opt_in") == ["api", "region"]
    assert parts("plugins=true") == ["api", "plugins"]
    for settings in ((), ("modules=all",), ("hash_routes=true",)):
        text = built.compose(_site(*settings), "https://stats.example")
        assert built.manifest["token"] not in text
        assert text.count('"site":"4f8a2c7e91d04b3f"') == 1


@pytest.mark.parametrize(
    "setting",
    [
        "modules=klicks",
        "call_numbers=paid",
        "call_numbers=usual=abc",
        "call_numbers=campaign=044 22",
        "download_extensions=p-d",
    ],
)
def test_a_setting_of_the_snippet_that_can_not_be_gets_one_sentence(setting):
    """It names what is wrong or what would be right."""
    with pytest.raises(BadSetting, match=r"\A[^\n]+\.\Z"):
        _site(setting)


@pytest.mark.parametrize("minute", SIZES)
def test_the_snippet_is_as_small_as_promised(minute):
    """Brotli of what browsers are served: the default, everything but Web Vitals, everything."""
    built = BuiltSnippet(Path(collector.__file__).parent / "static" / "snippet")
    if not built.is_there:
        pytest.skip("the snippet is not built here: make snippet")
    settings, most = SIZES[minute]
    body = built.compose(_site(*settings), "https://stats.shop.example").encode()
    size = len(brotli.compress(body, mode=brotli.MODE_TEXT))
    print(f"{minute}: {size} bytes")  # noqa: T201
    assert size <= most


def test_each_change_of_a_sites_script_is_another_build():
    """So that beacons of an older copy are known by theirs; the same settings are the same build."""
    built = BuiltSnippet(Path(collector.__file__).parent / "static" / "snippet")
    if not built.is_there:
        pytest.skip("the snippet is not built here: make snippet")
    told = [_site(), _site("quiet=true"), _site("modules=clicks"), _site("modules=copy"), _site("banner=true"), _site()]
    origins = ["https://one.example"] * len(told) + ["https://two.example"]
    texts = [built.compose(site, origin) for site, origin in zip([*told, _site()], origins, strict=True)]
    builds = [re.search('"build":"([0-9a-f]{8})"', text)[1] for text in texts]
    assert builds[0] == builds[5]
    assert len(set(builds)) == len(builds) - 1


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


def test_the_sizes_in_the_docs_are_those_of_the_build():
    """`npm run sizes` tells them; docs/snippet.md repeats three."""
    built = BuiltSnippet(Path(collector.__file__).parent / "static" / "snippet")
    if not built.is_there:
        pytest.skip("the snippet is not built here: make snippet")
    told = (Path(__file__).parents[2] / "docs" / "snippet.md").read_text()
    for composed in ("served", "all without vitals", "all"):
        assert f"| {built.manifest['composed'][composed]['brotli']:,} |" in told, composed
