"""What a request's header lines say: signals by the letter of their standards, and nothing of cookies."""

from ipaddress import ip_address
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from collector.address import Hops, read_networks
from collector.request import RequestFacts, read_request

HOPS: Final = Hops(read_networks(["127.0.0.0/8"]))
PEER: Final = "203.0.113.77"


def read(*lines: tuple[bytes, bytes], peer: str = PEER) -> RequestFacts:
    """The facts of these raw header lines."""
    return read_request(list(lines), peer, HOPS)


@pytest.mark.req("P3")
@pytest.mark.parametrize(
    ("lines", "present"),
    [
        ([], False),
        ([b"1"], True),
        ([b"0"], False),
        ([b""], False),
        ([b"true"], False),
        ([b"1x"], False),
        ([b"11"], False),
        ([b"01"], False),
        ([b"1, 1"], False),
        ([b"1,1"], False),
        ([b" 1"], True),
        ([b"1 \t"], True),
        ([b"1\x0b"], False),
        ([b"1\xa0"], False),
        ([b" 1x"], False),
        ([b"\xb9"], False),
        ([b'"1"'], False),
        ([b"?1"], False),
        ([b"0", b"1"], True),
        ([b"1", b"0"], True),
        ([b"1", b"1"], True),
        ([b"1, 1", b"1"], True),
        ([b"0", b"0"], False),
        ([b"true", b"1, 1"], False),
    ],
)
def test_the_privacy_signal_counts_if_one_of_its_lines_is_exactly_one(lines: list[bytes], present: bool) -> None:
    """W3C Global Privacy Control: any other value is as if the line were not there. Blanks around a value are not it."""
    assert read(*[(b"sec-gpc", value) for value in lines]).gpc is present


@pytest.mark.req("P3")
@pytest.mark.parametrize(
    ("lines", "present"),
    [([], False), ([b"1"], True), ([b"0"], False), ([b"null"], False), ([b"unspecified"], False), ([b"0", b"1"], True)],
)
def test_do_not_track_counts_if_it_is_one(lines: list[bytes], present: bool) -> None:
    """The last form of the tracking preference: `1` is the wish, nothing else is."""
    assert read(*[(b"dnt", value) for value in lines]).dnt is present


def test_each_fact_comes_from_its_header() -> None:
    """Agent, language, referrer, purpose, key and hints, each from the line of its name."""
    facts = read(
        (b"host", b"collector.example"),
        (b"user-agent", b"Marked/1.0"),
        (b"accept-language", b"de-CH,de;q=0.9"),
        (b"referer", b"https://shop.example/a"),
        (b"sec-purpose", b"prefetch;prerender"),
        (b"authorization", b"Bearer k"),
        (b"content-length", b"586"),
        (b"sec-ch-ua", b'"Chromium";v="142"'),
        (b"sec-ch-ua-platform", b'"Windows"'),
        (b"sec-ch-ua-mobile", b"?0"),
        (b"x-requested-with", b"com.example.app"),
    )
    told = astuple(facts)
    assert told[1:2] + told[3:] == (
        *("Marked/1.0", "de-CH,de;q=0.9", False, False, "prefetch;prerender"),
        *("https://shop.example/a", "Bearer k", 586, False),
    )
    assert (facts.hints.brands, facts.hints.platform) == ('"Chromium";v="142"', '"Windows"')
    assert (facts.hints.mobile, facts.hints.app) == ("?0", "com.example.app")
    assert facts.address.packed == ip_address(PEER).packed


@pytest.mark.parametrize(
    "spell", [bytes.lower, bytes.upper, bytes.title, bytes.swapcase, lambda name: b"sEC" + name[3:]]
)
def test_names_of_headers_are_read_in_any_case(spell: Any) -> None:
    """As clients, proxies and mischief spell them; the application is given them in lower case, a connection is not."""
    lines = [(b"sec-gpc", b"1"), (b"sec-ch-ua", b"x"), (b"sec-purpose", b"prefetch")]
    assert astuple(read(*[(spell(name), value) for name, value in lines]))[2:7] == astuple(read(*lines))[2:7]
    assert read((spell(b"sec-gpc"), b"1"), (b"cONTENT-lENGTH", b"7")).length == 7
    assert (
        read((b"User-Agent", b"Marked/1.0"), (b"X-FORWARDED-FOR", b"192.0.2.1"), peer="127.0.0.1").user_agent
        == "Marked/1.0"
    )
    assert read((b"eXpEcT", b"100-Continue")).waits


@pytest.mark.req("P2", "C1")
def test_a_cookie_is_not_looked_at() -> None:
    """A request with a cookie leaves the same facts as one without."""
    lines = [(b"user-agent", b"Marked/1.0"), (b"sec-gpc", b"1")]
    without, with_cookie = read(*lines), read(*lines, (b"cookie", b"footfall=0123456789abcdef"))
    assert astuple(without)[1:] == astuple(with_cookie)[1:]


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (b"0", 0),
        (b"65537", 65_537),
        (b"", -1),
        (b"-1", -1),
        (b"+5", -1),
        (b"5, 5", -1),
        (b"0x10", -1),
        (b"\xb2", -1),
        (b"9" * 18, 10**18 - 1),
        (b"9" * 5000, -1),
    ],
)
def test_a_length_is_a_number_or_unknown(value: bytes, length: int) -> None:
    """A length that is no plain number is taken for none; the body is cut at the limit all the same."""
    assert read((b"content-length", value)).length == length


def test_forwarded_headers_are_the_hops_business() -> None:
    """Lines are handed on in the order received, all of them."""
    lines = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"198.51.100.1")]
    assert read(*lines, peer="127.0.0.1").address.packed == ip_address("198.51.100.1").packed
    assert read((b"forwarded", b"for=198.51.100.1"), peer="127.0.0.1").address.packed == bytes([198, 51, 100, 1])
    assert read(*lines).address.packed == ip_address(PEER).packed


NAMES: Final = [b"user-agent", b"accept-language", b"sec-gpc", b"dnt", b"forwarded", b"x-forwarded-for", b"referer"]


@given(
    st.lists(st.tuples(st.sampled_from([*NAMES, b"content-length", b"sec-ch-ua", b"cookie", b"x"]), st.binary())),
    st.text(max_size=20),
)
def test_no_bytes_in_headers_raise(lines: list[tuple[bytes, bytes]], peer: str) -> None:
    """Whatever the lines hold, there are facts; a signal is there only if a line was exactly `1`."""
    facts = read_request(lines, peer, HOPS)
    for name, found in ((b"sec-gpc", facts.gpc), (b"dnt", facts.dnt)):
        assert found is any(value.strip(b" \t") == b"1" for one, value in lines if one == name)
    assert facts.length >= -1
