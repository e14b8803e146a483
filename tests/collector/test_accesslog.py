"""Lines of access logs: which are page views, which are pages not found, and why the others are neither."""

import time
from datetime import datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.importers.accesslog import Hit, is_asset, read_line

AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
WHEN: Final = "24/Nov/2025:17:00:00 +0100"
AT: Final = 1_764_000_000_000


def line(
    request: str = "GET /a HTTP/1.1",
    status: str = "200",
    *,
    when: str = WHEN,
    tail: str = f' "-" "{AGENT}"',
    host: str = "203.0.113.77",
) -> str:
    """A line of the combined format."""
    return f'{host} - - [{when}] "{request}" {status} 1234{tail}'


def word(text: str) -> str:
    """What a line is: the event's name, or why it is none."""
    found = read_line(text)
    return found.name if isinstance(found, Hit) else found


@pytest.mark.req("C19", "O8")
def test_a_line_is_read_whole() -> None:
    """Time, target, referrer, agent and client, each from its place."""
    found = read_line(line("GET /a?b=c HTTP/1.1", tail=f' "https://heron.example/x" "{AGENT}"'))
    assert found == Hit("pageview", AT, "/a?b=c", "https://heron.example/x", AGENT, "203.0.113.77")


@pytest.mark.req("C19", "C9")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (line(), "pageview"),
        (line(status="304"), "pageview"),
        (line(status="404"), "not_found"),
        (line("GET /logo.png HTTP/1.1", "404"), "not_found"),
        (line(status="206"), "status"),
        (line(status="301"), "status"),
        (line(status="403"), "status"),
        (line(status="500"), "status"),
        (line("POST /a HTTP/1.1"), "method"),
        (line("HEAD /a HTTP/1.1"), "method"),
        (line("OPTIONS * HTTP/1.1"), "method"),
        (line("get /a HTTP/1.1"), "method"),
        (line("HEAD /a HTTP/1.1", "404"), "method"),
        (line("GET /logo.PNG HTTP/1.1"), "asset"),
        (line("GET /app.js?v=1 HTTP/1.1"), "asset"),
        (line("GET /robots.txt HTTP/1.1"), "asset"),
        (line("GET /price.pdf HTTP/1.1", "304"), "asset"),
        (line("GET /a.html HTTP/1.1"), "pageview"),
        (line("GET /a.php?f=b.png HTTP/1.1"), "pageview"),
        (line("GET /v1.2/page HTTP/1.1"), "pageview"),
        (line("GET /a HTTP/2.0", tail=""), "pageview"),
        (line("GET /a"), "pageview"),
        (line("GET /a b HTTP/1.1"), "pageview"),
        (line(tail=' "-" "quoted \\"agent\\" \\\\"'), "pageview"),
        (line(tail=' "-" "agent" "more" 0.001 "203.0.113.9"'), "pageview"),
        (line(host="2001:db8::1"), "pageview"),
        (line(host="client.example"), "pageview"),
        ('203.0.113.77 - Ann [Lee] [24/Nov/2025:17:00:00 +0100] "GET / HTTP/1.1" 200 5', "pageview"),
        (line("-"), "unreadable"),
        (line(""), "unreadable"),
        (line("GET"), "unreadable"),
        (line("GET "), "unreadable"),
        (line("\\x16\\x03\\x01"), "unreadable"),
        (line(when="24/Nov/2025:17:00:00"), "unreadable"),
        (line(when="31/Feb/2025:17:00:00 +0100"), "unreadable"),
        (line(when="24/Foo/2025:17:00:00 +0100"), "unreadable"),
        (line(when="24/Nov/2025:25:00:00 +0100"), "unreadable"),
        (line(when="24/Nov/2025:17:00:00 +9900"), "unreadable"),
        (line(status="20"), "unreadable"),
        (line(status="٢٠٠"), "status"),
        ("", "unreadable"),
        ("# a comment", "unreadable"),
        ("\0\0\0", "unreadable"),
        (line()[:50], "unreadable"),
    ],
)
def test_a_line_is_a_page_view_a_page_not_found_or_has_a_reason(text: str, expected: str) -> None:
    """A GET answered 200 or 304 that is no asset; a GET answered 404; anything else by why it is none."""
    assert word(text) == expected


@pytest.mark.parametrize(
    ("tail", "referrer", "agent"),
    [
        ("", "", ""),
        (' "-" "-"', "", ""),
        (' "" ""', "", ""),
        (' "https://heron.example/" "-"', "https://heron.example/", ""),
        (' "-" "say \\"hello\\""', "", 'say "hello"'),
    ],
)
def test_what_a_line_does_not_tell_is_empty(tail: str, referrer: str, agent: str) -> None:
    """A hyphen is nothing; escaped quotes are quotes."""
    found = read_line(line(tail=tail))
    assert isinstance(found, Hit)
    assert (found.referrer, found.agent) == (referrer, agent)


@given(st.integers(631_152_000, 3_786_912_000), st.integers(-14 * 60, 14 * 60))
def test_the_time_is_what_the_line_says_in_its_own_zone(second: int, minutes: int) -> None:
    """In milliseconds UTC, whatever the locale of this machine."""
    local = datetime.fromtimestamp(second, timezone(timedelta(minutes=minutes)))
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    sign, rest = "-" if minutes < 0 else "+", abs(minutes)
    when = f"{local:%d}/{months[local.month - 1]}/{local:%Y:%H:%M:%S} {sign}{rest // 60:02}{rest % 60:02}"
    found = read_line(line(when=when))
    assert isinstance(found, Hit)
    assert found.at == second * 1000


@given(st.text(max_size=200) | st.text(alphabet='abc /"\\[]:-+0123456789GETHTP', max_size=300))
def test_no_line_raises(text: str) -> None:
    """Whatever stands in a log."""
    assert word(text) in ("pageview", "not_found", "unreadable", "method", "status", "asset")


@given(st.integers(0, 9999), st.sampled_from(["+0000", "+1400", "-1200", "-2359"]))
def test_no_year_raises(year: int, offset: str) -> None:
    """The first and the last years there are have no moment in some zones."""
    assert word(line(when=f"01/Jan/{year:04}:00:00:00 {offset}")) in ("pageview", "unreadable")


@pytest.mark.parametrize(
    "text",
    [
        "a b " + "[" * 65_000,
        "a b " + "[xxxxxxxxxxxxxxxxxxxx] " * 2500,
        "a b " + '[xxxxxxxxxxxxxxxxxxxx] "' * 2500,
        "a b " + '[xxxxxxxxxxxxxxxxxxxx] "' + "\\a" * 32_000,
        "a " * 32_000,
        "a" * 65_000,
        line() + '"' * 65_000,
        line("GET /" + "a" * 65_000),
        line("GET /" + "." * 65_000 + " HTTP/1.1"),
    ],
    ids=range(9),
)
def test_a_line_made_to_be_slow_is_not(text: str) -> None:
    """A log holds what attackers wrote: 64 KiB take milliseconds, whatever they are."""
    began = time.perf_counter()
    read_line(text)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("target", "asset"),
    [
        ("/a.png", True),
        ("/a.PnG?x", True),
        ("/a.png#x", True),
        ("/a/.gif", True),
        ("/a", False),
        ("/", False),
        ("", False),
        ("/a.png/", False),
        ("/a.html", False),
        ("/a?b.png", False),
        ("/a.b", False),
        ("/a.", False),
    ],
)
def test_an_asset_is_told_by_the_extension_of_its_path(target: str, asset: bool) -> None:
    """Of its last part alone, whatever the case."""
    assert is_asset(target) is asset


@pytest.mark.req("C1")
def test_a_hit_is_printed_without_its_client() -> None:
    """Nor its page or agent."""
    text = repr([read_line(line())])
    assert "203.0.113" not in text
    assert "Mozilla" not in text
