"""An address has no text, and nobody but a trusted proxy can say whose a request is."""

import copy
import json
import logging
import pickle
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.address import NO_ADDRESS, ClientAddress, Hops, read_address, read_networks
from collector.request import RequestFacts, read_request

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
PROXIES: Final = (*LOOPBACK, "10.0.0.0/8", "2001:db8:ffff::/48")
SECRET: Final = "203.0.113.77"


def text_of(address: ClientAddress) -> str:
    """What only a test may do: the address as text, "" for none."""
    return str(ip_address(address.packed)) if address.packed else ""


@pytest.mark.req("C1")
def test_an_address_can_not_be_turned_into_text() -> None:
    """No way of printing, formatting or logging shows a digit of it."""
    address = ClientAddress(ip_address(SECRET).packed)
    facts = RequestFacts(address, user_agent="Marked/1.0", authorization="Bearer marked", referer="https://marked/")
    texts = [repr(address), str(address), f"{address}", f"{address:>40}", f"{address!r}", ascii(address)]
    texts += ["%s".__mod__(address), repr([address]), repr({"a": (address,)}), repr(facts), f"{facts}"]
    texts += [repr(vars(type(address))), str(dir(address)), repr(Exception(address))]
    for text in texts:
        for secret in ("203", "113.77", "xcb", "Marked", "marked"):
            assert secret not in text.replace("0x", "")


@pytest.mark.req("C1")
def test_an_address_in_a_log_line_is_not_one(caplog: pytest.LogCaptureFixture) -> None:
    """Not in the message, not in an exception's, not in the arguments of the record."""
    address = ClientAddress(ip_address(SECRET).packed)
    try:
        raise ValueError(address)  # noqa: TRY301
    except ValueError:
        logging.getLogger("test").exception("it was %s (%r)", address, [address])
    assert "it was <client address> ([<client address>])" in caplog.text
    assert "203" not in caplog.text
    assert "xcb" not in caplog.text


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    "way",
    [
        pickle.dumps,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        copy.copy,
        copy.deepcopy,
        hash,
        bytes,
        vars,
        lambda address: address == address,
        lambda address: address != address,
        lambda address: address == ClientAddress(b"1234"),
        lambda address: {address: 1},
        lambda address: "x" + address,
    ],
)
def test_an_address_can_not_be_carried_away(way: object) -> None:
    """It is not serialised, copied, hashed or compared: every such try is an error without its bytes."""
    with pytest.raises(TypeError) as caught:
        way(ClientAddress(ip_address(SECRET).packed))  # type: ignore[operator]
    assert "203" not in str(caught.value)
    assert "xcb" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.77", "203.0.113.77"),
        (" 203.0.113.77\t", "203.0.113.77"),
        ("203.0.113.77:49152", "203.0.113.77"),
        ('"203.0.113.77"', "203.0.113.77"),
        ('"203.0.113.77:80"', "203.0.113.77"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.77", "203.0.113.77"),
        ("[::ffff:203.0.113.77]:9", "203.0.113.77"),
        ("::", "::"),
        ("0.0.0.0", "0.0.0.0"),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        ("203.0.113", None),
        ("203.0.113.256", None),
        ("203.0.113.077", None),
        ("0xcb.0.113.77", None),
        ("3405803853", None),
        ("２０３.0.113.77", None),
        ("203.0.113.77.", None),
        ("203.0.113.77\0", None),
        ("203.0.113.77 203.0.113.78", None),
        ("[203.0.113.77", "203.0.113.77"),
        ("2001:db8::1::2", None),
        ("shop.example", None),
        ("\udc80", None),
        ("1" * 100_000, None),
    ],
)
def test_addresses_are_read_as_proxies_write_them(text: str, expected: str | None) -> None:
    """With ports, brackets, quotes and zones; anything else is none, and nothing raises."""
    found = read_address(text)
    assert (None if found is None else text_of(found)) == expected


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    """No text raises."""
    found = read_address(text)
    assert found is None or len(found.packed) in (4, 16)


@pytest.mark.req("O4")
def test_limits_count_by_network() -> None:
    """A /24 or a /48: changing the last octet, or the host part of an own prefix, is no new sender."""
    networks = [
        ClientAddress(ip_address(text).packed).network
        for text in (
            "203.0.113.1",
            "203.0.113.255",
            "203.0.112.1",
            "2001:db8:1::1",
            "2001:db8:1:ffff::9",
            "2001:db8:2::1",
        )
    ]
    assert [networks[0] == networks[1], networks[0] == networks[2]] == [True, False]
    assert [networks[3] == networks[4], networks[3] == networks[5]] == [True, False]


@pytest.mark.parametrize(
    ("peer", "forwarded", "x_forwarded_for", "client"),
    [
        ("203.0.113.1", [], [], "203.0.113.1"),
        ("203.0.113.1", ["for=198.51.100.1"], ["198.51.100.1"], "203.0.113.1"),
        ("127.0.0.1", [], [], "127.0.0.1"),
        ("127.0.0.1", [], ["198.51.100.1"], "198.51.100.1"),
        ("::1", [], ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:127.0.0.1", [], ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", [], ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", [], ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", [], ["6.6.6.6, 198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        ("127.0.0.1", [], ["198.51.100.1", "10.0.0.9,10.1.1.1"], "198.51.100.1"),
        ("127.0.0.1", [], ["2001:db8::5"], "2001:db8::5"),
        ("127.0.0.1", [], ["2001:db8::5, 2001:db8:ffff::1"], "2001:db8::5"),
        ("127.0.0.1", [], ["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        ("127.0.0.1", [], ["6.6.6.6, unknown"], "127.0.0.1"),
        ("127.0.0.1", [], ["6.6.6.6, unknown, 10.0.0.9"], "10.0.0.9"),
        ("127.0.0.1", [], ["6.6.6.6,,  ,198.51.100.1,"], "198.51.100.1"),
        ("127.0.0.1", [], [""], "127.0.0.1"),
        ("127.0.0.1", [], ["198.51.100.1:80"], "198.51.100.1"),
        ("127.0.0.1", ["for=198.51.100.1"], [], "198.51.100.1"),
        ("127.0.0.1", ['For="[2001:db8::5]:47"; proto=https'], [], "2001:db8::5"),
        ("127.0.0.1", ["for=6.6.6.6;by=x, proto=http;for=198.51.100.1"], [], "198.51.100.1"),
        ("127.0.0.1", ["for=198.51.100.1", "for=10.0.0.9"], [], "198.51.100.1"),
        ("127.0.0.1", ["for=_secret"], [], "127.0.0.1"),
        ("127.0.0.1", ["for=6.6.6.6, for=unknown"], [], "127.0.0.1"),
        ("127.0.0.1", ['for="6.6.6.6, for=198.51.100.1'], [], "198.51.100.1"),
        ("127.0.0.1", ["by=6.6.6.6"], ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["for=6.6.6.6"], ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["for=198.51.100.1"], ["198.51.100.1"], "198.51.100.1"),
        ("", [], ["198.51.100.1"], ""),
        ("unix", [], ["198.51.100.1"], ""),
    ],
)
@pytest.mark.req("C1", "O4")
def test_the_client_is_the_right_most_hop_that_is_no_proxy(
    peer: str, forwarded: list[str], x_forwarded_for: list[str], client: str
) -> None:
    """Headers count from a trusted peer only; what a visitor writes stands to the left and is not believed."""
    found = Hops(read_networks(PROXIES)).client(peer, forwarded, x_forwarded_for)
    assert text_of(found) == client


addresses = st.ip_addresses().map(str)


def unmapped(text: str) -> IPv4Address | IPv6Address:
    """The address itself: a v4 client of a v6 socket comes as ::ffff:192.0.2.1 (RFC 4291, 2.5.5.2)."""
    address = ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


strangers = addresses.filter(lambda text: not unmapped(text).is_loopback)
FORWARDING = (b"x-forwarded-for", b"X-Forwarded-For", b"forwarded", b"FORWARDED", b"x-real-ip", b"via", b"client-ip")
CLAIMS = (
    "127.0.0.1",
    "for=127.0.0.1",
    "for=192.0.2.60;proto=http;by=203.0.113.43",
    "198.51.100.9, 127.0.0.1",
    'for="[::1]"',
)
junk = st.text(alphabet='0123456789.:;,="[]for unkow_%', max_size=40)


@given(addresses, st.lists(junk | addresses, max_size=4), st.lists(junk | addresses, max_size=4))
@pytest.mark.req("C1")
def test_a_stranger_is_never_somebody_else(peer: str, forwarded: list[str], x_forwarded_for: list[str]) -> None:
    """Whatever headers an untrusted peer sends, the client is the peer."""
    hops = Hops(())
    found = hops.client(peer, forwarded, x_forwarded_for)
    expected = read_address(peer)
    assert expected is not None
    assert found.packed == expected.packed


outsiders = strangers.filter(lambda text: not any(unmapped(text) in network for network in read_networks(PROXIES)))


@given(
    outsiders, st.lists(st.tuples(st.sampled_from(FORWARDING), junk | addresses | st.sampled_from(CLAIMS)), max_size=6)
)
@example("::ffff:0:0", [])
@example("::ffff:192.0.2.1", [(b"forwarded", "for=127.0.0.1")])
@pytest.mark.req("C1", "O4")
def test_no_header_of_an_untrusted_peer_changes_the_client(peer: str, lines: list[tuple[bytes, str]]) -> None:
    """Through the reading of a whole request, where other peers are trusted: its address is the peer's."""
    hops = Hops(read_networks([*LOOPBACK, *PROXIES]))
    headers = [(name, value.encode("latin-1", "replace")) for name, value in lines]
    assert read_request(headers, peer, hops).address.packed == unmapped(peer).packed


@given(st.lists(junk | addresses, max_size=4), st.lists(junk | addresses, max_size=4), strangers)
@pytest.mark.req("C1")
def test_what_a_visitor_writes_changes_nothing_behind_a_proxy(
    left: list[str], forwarded: list[str], client: str
) -> None:
    """The proxy appends the visitor's address; lines and Forwarded headers that the visitor sent do not matter."""
    hops = Hops(read_networks(LOOPBACK))
    truth = hops.client("127.0.0.1", [], [client])
    assert hops.client("127.0.0.1", forwarded, [*left, client]).packed == truth.packed
    assert hops.client("127.0.0.1", forwarded, [", ".join([*left, client])]).packed == truth.packed


@pytest.mark.parametrize("text", ["10.0.0.0/33", "x", "10.0.0.0/8/8", "10.0.0.1-10.0.0.9"])
def test_a_network_that_is_none_is_named(text: str) -> None:
    """So that the operator can mend the setting."""
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 network"):
        read_networks(["127.0.0.1", text])


def test_networks_are_read_with_and_without_a_width() -> None:
    """A single address is a network of one; host bits and spaces do not matter; empty texts are none."""
    hops = Hops(read_networks([" 192.0.2.1 ", "", "10.1.2.3/8", "2001:db8::/32"]))
    trusted = ["192.0.2.1", "10.255.0.1", "2001:db8:5::1"]
    assert [text_of(hops.client(peer, [], ["198.51.100.1"])) for peer in trusted] == ["198.51.100.1"] * 3
    others = ["192.0.2.2", "11.0.0.1", "2001:db9::1", "::a00:1"]
    assert [text_of(hops.client(peer, [], ["198.51.100.1"])) for peer in others] == others


def test_no_address_is_nobodys() -> None:
    """The value for "not known" has no bytes, so it looks up no place and hashes like no client."""
    assert (NO_ADDRESS.packed, NO_ADDRESS.network) == (b"", b"")
