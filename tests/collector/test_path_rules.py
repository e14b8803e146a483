"""Rules about pages hold for every spelling of a page, and for no other page."""

import string
from fnmatch import fnmatchcase
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.path_rules import PathRules, host_of


@pytest.mark.req("C22", "P6")
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/kids/*", "/kids"),
        ("/kids/*", "/kids/"),
        ("/kids/*", "/kids/games/1"),
        ("/kids/*", "/KIDS/Games"),
        ("/kids/*", "/k%69ds/x"),
        ("/kids/*", "/k%2569ds/x"),
        ("/kids/*", "//kids//x"),
        ("/kids/*", "/shop/../kids/x"),
        ("/kids/*", "/./kids/x"),
        ("/kids/*", "/kids%2Fx"),
        ("/kids/*", "\\kids\\x"),
        ("/kids/*", "/kids;v=1/x"),
        ("/kids/*", "/kids/x?utm_source=a#b"),
        ("/Kids/*", "/kids/x"),
        ("/kinder/spaß", "/kinder/spa%C3%9F"),
        ("/café", "/cafe%CC%81"),
        ("/*/kids", "/de/kids/"),
        ("/*/kids/*", "/de/kids/x"),
        ("/a*b*c", "/axxbxxc"),
        ("/admin", "/admin/"),
        ("/", ""),
        ("/", "/"),
        ("/*", ""),
        ("/*", "/any/thing"),
        ("/*.pdf", "/a/b.PDF"),
        ("/ab*ba", "/abba"),
        ("/a*/b/", "/ax/b"),
        ("/kids/*", "/%5Ckids%5Cx"),
    ],
)
def test_a_rule_holds(pattern: str, path: str) -> None:
    """However the page's address is written."""
    assert PathRules([pattern]).match(f"https://shop.example{path}") == pattern


@pytest.mark.req("C22", "P6")
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/kids/*", "/kidswear"),
        ("/kids/*", "/shop/kids/x"),
        ("/kids/*", "/?kids/x"),
        ("/kids/*", "/kids/../shop"),
        ("/admin", "/admin/x"),
        ("/admin", "/administration"),
        ("/a*b*c", "/acb"),
        ("/a*b*c", "/axc"),
        ("/ab*", "/a"),
        ("/ab*ba", "/aba"),
        ("/", "/x"),
        ("/*.pdf", "/a.pdf.html"),
        ("/kids/*", "#/kids/x"),
    ],
)
def test_a_rule_does_not_hold(pattern: str, path: str) -> None:
    """What only looks alike is another page."""
    assert PathRules([pattern]).match(f"https://shop.example{path}") == ""


def test_hash_routes_are_pages_where_the_site_has_them() -> None:
    """And nowhere else; both the path and the route are looked at."""
    rules = PathRules(["/kids/*"], hash_routes=True)
    for url in ("https://a.example/#/kids/x?y", "https://a.example/app#!/Kids/x", "https://a.example/kids/#/shop"):
        assert rules.match(url) == "/kids/*"
    assert rules.match("https://a.example/#kids/x") == ""


def test_the_first_rule_counts() -> None:
    """In the order in which the site has written them; no rules hold for nothing."""
    assert not PathRules([])
    assert PathRules(["/b"])
    assert PathRules(["/b", "/a/*", "/a/b"]).match("https://a.example/a/b") == "/a/*"


@given(st.text(alphabet="/ab*.", max_size=8), st.text(alphabet="/ab.", max_size=10))
def test_wildcards_are_what_shells_take_them_for(pattern: str, path: str) -> None:
    """Compared with the standard library's matching over the spelt-out path; a folder's own page is the one addition."""
    pattern = f"/x{pattern.replace('.', 'c').replace('//', '/')}"
    path = f"/x{path.replace('.', 'c')}".rstrip("/")
    while "//" in path:
        path = path.replace("//", "/")
    ours = bool(PathRules([pattern]).match(f"https://a.example{path}"))
    stripped = pattern if pattern.endswith("*") else pattern.rstrip("/")
    folder = stripped.endswith("/*") and stripped.count("*") == 1 and path == stripped[:-2]
    assert ours == (fnmatchcase(path, stripped) or folder)


@given(st.text(max_size=60), st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=5))
def test_nothing_raises_and_encoding_hides_nothing(noise: str, name: str) -> None:
    """Any text is an address that is looked at; a page under the folder is found however often it is encoded."""
    PathRules([f"/{name}/*"], hash_routes=True).match(noise)
    host_of(noise)
    page = quote(noise.encode("utf-8", "replace"), safe="").replace(".", "x")
    for _ in range(3):
        assert PathRules([f"/{name}/*"]).match(f"https://a.example/{name}/{page}")
        page = quote(page, safe="")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Shop.Example:8443/a", "shop.example"),
        ("https://user:pass@shop.example./a", "shop.example"),
        ("http://[2001:db8::1]/a", "[2001:db8::1]"),
        ("shop.example/a", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    """In lower case, without port, credentials and the last dot."""
    assert host_of(url) == host
