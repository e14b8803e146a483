"""What is kept of a page's URL, against the standard library's slower reading of the same URL."""

import contextlib
import json
import tomllib
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import collector.page_url
from collector.page_url import CLICK_IDS, TAGS, BadUrl, PageUrl, read_page_url
from collector.scrub import Scrubber

DATA: Final = Path(__file__).parents[3] / "shared" / "data"
SEARCH: Final = ("q", "s", "query", "search", "keyword")


def read(url: str, *allowed: str, hash_routes: bool = False) -> PageUrl:
    """The URL as a site with these keys of its own reads it."""
    return read_page_url(url, allowed=frozenset(allowed), search_keys=SEARCH, hash_routes=hash_routes)


@pytest.mark.req("P8", "C6")
@pytest.mark.parametrize(
    ("url", "hostname", "path"),
    [
        ("https://shop.example/a/b", "shop.example", "/a/b"),
        ("https://shop.example", "shop.example", "/"),
        ("https://shop.example?x=1", "shop.example", "/"),
        ("https://shop.example#x", "shop.example", "/"),
        ("HTTPS://Shop.EXAMPLE:8443/A", "shop.example", "/A"),
        ("http://shop.example.:80/", "shop.example", "/"),
        ("  https://shop.example/a \n", "shop.example", "/a"),
        ("https://user:secret@shop.example/", "shop.example", "/"),
        ("https://user@evil.example:x@shop.example/", "shop.example", "/"),
        ("https://shop.example\\@evil.example/", "shop.example", "/@evil.example/"),
        ("https://xn--mller-kva.example/", "xn--mller-kva.example", "/"),
        ("https://MÜLLER.example/", "müller.example", "/"),
        ("http://[2001:DB8::1]:80/a", "[2001:db8::1]", "/a"),
        ("http://localhost:3000/", "localhost", "/"),
        ("https://shop.example/?/a", "shop.example", "/"),
        ("https://shop.example/a#b?c", "shop.example", "/a"),
        ("https://shop.example/path ", "shop.example", "/path"),
        ("https://shop.example/caf%C3%A9", "shop.example", "/café"),
        ("https://shop.example/a%3Fb", "shop.example", "/a%3Fb"),
        ("https://shop.example//a//b", "shop.example", "//a//b"),
        ("https://shop.example/u/a@b.example", "shop.example", "/u/[email]"),
    ],
)
def test_host_and_path(url: str, hostname: str, path: str) -> None:
    """Port, credentials, query and fragment go; the host is in lower case; the path is decoded and clean."""
    assert read(url)[:2] == (hostname, path)


@pytest.mark.req("P7")
@pytest.mark.parametrize(
    "url",
    [
        "", "/a", "//shop.example/a", "shop.example", "ftp://shop.example/", "javascript:alert(1)", "data:text/html,<script>", "file:///etc/passwd",
        "android-app://com.example/", "https://", "https:///a", "https://:80/", "https://shop.example:8x/", "https://a b/", "https://a\tb/", "https://<a>/",
        "https://%61/", "https://[::1", "https://[x]/", "https://a]b/", "https://.", "about:blank", "https:/shop.example/", "https://shop.example:８０/",
    ],
)  # fmt: skip
def test_what_is_no_page_is_refused_without_repeating_it(url: str) -> None:
    """The reason says what is wrong and holds nothing of the URL."""
    with pytest.raises(BadUrl) as caught:
        read(url)
    assert str(caught.value) in (
        "must begin with http:// or https://",
        "has no valid host name",
        "has a port that is no number",
    )


@pytest.mark.req("C17", "P8")
@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("utm_source=x&utm_medium=mail&a=b", {"utm_source": "x", "utm_medium": "mail"}),
        ("UTM_Source=X", {"utm_source": "X"}),
        ("utm%5Fsource=x", {"utm_source": "x"}),
        ("amp;utm_source=x", {"utm_source": "x"}),
        ("ref=producthunt&source=a&via=b", {"ref": "producthunt", "source": "a", "via": "b"}),
        ("utm_campaign=spring+sale%20%26%20more", {"utm_campaign": "spring sale & more"}),
        ("utm_source=&utm_source=second&utm_source=third", {"utm_source": "second"}),
        ("utm_source", {}),
        ("utm_content=anna%40example.org", {"utm_content": "[email]"}),
        ("utm_content=anna%2540example.org", {"utm_content": "[email]"}),
        ("utm_id=120208541234567890&utm_term=1202085412345", {"utm_id": "120208541234567890", "utm_term": "[id]"}),
        ("utm_source=" + "x y " * 200, {"utm_source": ("x y " * 200)[:300]}),
        ("utm_unknown=1&utmsource=1&xutm_source=1", {}),
        ("=utm_source&&&", {}),
    ],
)
def test_tags(query: str, kept: dict[str, str]) -> None:
    """Campaign tags are kept, decoded and clean; the first value that says something counts."""
    assert read(f"https://shop.example/?{query}").kept == kept


@pytest.mark.req("P7", "P8")
def test_unlisted_keys_are_gone_and_the_sites_own_stay() -> None:
    """A key is kept where the site lists it, in the path, in order, and nowhere else."""
    url = "https://shop.example/p?session=1&size=L&id=7&mail=a%40example.org&ID=8"
    assert read(url) == PageUrl("shop.example", "/p", {}, (), None)
    page = read(url, "id", "size")
    assert (page.path, page.kept) == ("/p?id=7&size=L", {"id": "7", "size": "L"})
    assert read(url, "mail").path == "/p?mail=[email]"
    assert read("https://shop.example/p?id=a%26b%3Dc%23d", "id").path == "/p?id=a%26b%3Dc%23d"


@pytest.mark.req("C17", "P8")
def test_click_ids_are_named_and_never_kept() -> None:
    """Only that a click id was there is known, even where a site has listed it; so is its spelling."""
    page = read("https://shop.example/?GCLID=Cj0KCQ&fbclid=IwAR1&utm_source=x&wbraid=", "gclid", "fbclid")
    assert page == PageUrl("shop.example", "/", {"utm_source": "x"}, ("fbclid", "gclid", "wbraid"), None)


@pytest.mark.req("C17")
def test_every_click_id_of_the_source_table_is_known() -> None:
    """The table that names networks and the reader of URLs know the same parameters."""
    table = Path(collector.page_url.__file__).parent / "tables" / "sources.toml"
    assert set(tomllib.loads(table.read_text(encoding="utf-8"))["clicks"]) <= CLICK_IDS


@pytest.mark.req("C7", "P8")
@pytest.mark.parametrize(
    ("query", "term"),
    [
        ("q=red+shoes", "red shoes"),
        ("s=a&q=b", "b"),
        ("s=a&q=", "a"),
        ("q=%20", None),
        ("p=x", None),
        ("q=anna%40example.org", "[email]"),
        ("q=079+123+45+67", "[phone]"),
        ("Search=Caf%C3%A9", "Café"),
    ],
)
def test_search_terms(query: str, term: str | None) -> None:
    """The first search key that says something, clean; it is no tag."""
    page = read(f"https://shop.example/s?{query}")
    assert (page.search_term, page.kept) == (term, {})


@pytest.mark.req("C6", "P8")
@pytest.mark.parametrize(
    ("fragment", "path"),
    [
        ("/cart", "/app#/cart"),
        ("!/cart", "/app#!/cart"),
        ("/user/1234567?utm_source=x&t=1", "/app#/user/[id]"),
        ("/u/a@example.org", "/app#/u/[email]"),
        ("section", "/app"),
        ("access_token=abc", "/app"),
        ("", "/app"),
    ],
)
def test_hash_routes(fragment: str, path: str) -> None:
    """A route in the fragment is part of the name where the site says so; any other fragment goes."""
    assert read(f"https://shop.example/app#{fragment}", hash_routes=True).path == path
    assert read(f"https://shop.example/app#{fragment}").path == "/app"


@pytest.mark.req("C17", "P8")
@pytest.mark.parametrize(
    "fragment", ["utm_source=x&id=1", "top?utm_source=x", "?utm_source=x", "/route?utm_source=x", "a&utm_source=x"]
)
def test_tags_in_the_fragment(fragment: str) -> None:
    """Two habits put tags after #: they count; the query's own win."""
    assert read(f"https://shop.example/#{fragment}").kept == {"utm_source": "x"}
    assert read(f"https://shop.example/?utm_source=first#{fragment}").kept == {"utm_source": "first"}


HOSTS: Final = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,6}){1,2}", fullmatch=True)
PLAIN: Final = st.text(alphabet="abcdefghij-._~ éß日%&=+/", max_size=12)
KEYS: Final = st.sampled_from([*sorted(TAGS), "gclid", "fbclid", "x", "q", "id", "session"])


@pytest.mark.req("P7")
@given(
    host=HOSTS,
    path=st.lists(st.sampled_from(["a", "shop", "schön", "b-c", "2024", "%20x", "x.html", "~u"]), max_size=4),
    pairs=st.lists(st.tuples(KEYS, PLAIN), max_size=6),
    fragment=st.sampled_from(["", "#top", "#/x", "#a=b"]),
    port=st.sampled_from(["", ":80", ":8443", ":"]),
    user=st.sampled_from(["", "u@", "u:p@", "u%40v:p@"]),
    plus=st.booleans(),
)
def test_the_fast_reading_agrees_with_the_library(
    *, host: str, path: list[str], pairs: list[tuple[str, str]], fragment: str, port: str, user: str, plus: bool
) -> None:
    """Host, path and values are those that urllib finds in the same URL, however it is written."""
    escape = quote_plus if plus else quote
    query = "&".join(f"{key}={escape(value)}" for key, value in pairs)
    url = f"https://{user}{host.upper()}{port}/{'/'.join(map(quote, path))}?{query}{fragment}"
    parts, scrubber = urlsplit(url), Scrubber()
    page = read(url, "id")
    expected: dict[str, str] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=False):
        if (key in TAGS or key == "id") and key not in expected:
            expected[key] = scrubber.scrub_text(value.strip())
    assert page.hostname == parts.hostname
    assert page.path.partition("?")[0] == (scrubber.scrub_path(parts.path) or "/")
    assert page.kept == expected
    assert set(page.click_ids) == {key for key, _ in pairs if key in CLICK_IDS}


@pytest.mark.req("P7", "P8")
@given(st.text(max_size=200), st.booleans())
def test_no_url_raises_anything_else(text: str, hash_routes: bool) -> None:
    """Whatever the text, the answer is a page or BadUrl."""
    for url in (
        text,
        f"https://shop.example/{text}",
        f"https://{text}",
        f"https://shop.example/?{text}",
        f"https://shop.example/#{text}",
    ):
        with contextlib.suppress(BadUrl):
            page = read(url, "id", hash_routes=hash_routes)
            assert page.path
            assert not set(page.hostname) & set(" /?#@\\")


@pytest.mark.req("P8")
@given(
    st.sampled_from(["gclid", "mc_eid", "token", "email", "phpsessid", "x", "utm_foo", "page"]),
    st.text(alphabet="XYZ", min_size=8, max_size=20),
)
def test_a_parameter_off_the_list_leaves_no_trace(key: str, secret: str) -> None:
    """No value of an unlisted key is in anything that is kept, in query or fragment."""
    assume(secret not in key)
    for mark in ("?", "#", "?a=b&", "#utm_source=x&", "#/r?"):
        page = read(f"https://shop.example/p{mark}{key}={secret}", hash_routes=not mark.startswith("#") or "/" in mark)
        assert secret not in repr(page)


def labelled() -> list[tuple[str, Any]]:
    """Parameters that others know to stand for a click or a person: name or pattern, and how it is meant."""
    rows = []
    for name in ("params_brave", "params_clearurls", "params_matomo"):
        file = DATA / f"{name}.jsonl"
        if not file.exists():
            pytest.skip("the labelled data is not here")
        for line in file.read_text(encoding="utf-8").splitlines():
            expected = json.loads(line)["expected"]
            rows.append((expected["kind"], expected))
    return rows


@pytest.mark.req("P8", "C17")
def test_labelled_parameters_of_clicks_and_persons_are_never_stored() -> None:
    """None of them is kept, on any host, in query or fragment, not even where a site has listed it."""
    kept, names = [], set()
    for kind, expected in labelled():
        name = expected["param"]
        if kind != "click_or_person_id" or expected.get("regex"):
            continue
        names.add(name)
        for form in (name, name.upper(), quote(name, safe="")):
            for mark in ("?", "#", "?utm_source=x&", "#utm_source=x&"):
                page = read(f"https://shop.example/a{mark}{form}=Canary7Value", name.lower(), hash_routes=True)
                if "Canary7Value" in repr(page):
                    kept.append((form, mark))
    assert len(names) >= 20
    assert not kept


@pytest.mark.req("P8")
def test_labelled_tracking_parameters_are_dropped() -> None:
    """Of the others that trackers add, only names that sites and campaigns use themselves are on a list."""
    names = {
        row["param"]
        for kind, row in labelled()
        if kind == "other_tracking" and not row.get("regex") and row["scope"] == "global"
    }
    kept = {
        name for name in names if "Canary7Value" in repr(read(f"https://shop.example/a?{quote(name)}=Canary7Value"))
    }
    assert len(names) >= 60
    assert kept <= TAGS | set(SEARCH)
