"""The two hashes: what makes them equal, what makes them differ, and that nobody has them without the key."""

import hashlib
import hmac
from ipaddress import ip_address
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.address import NO_ADDRESS, ClientAddress
from collector.visitor import NOBODY, returning_hash, visitor_hash

SALT: Final = bytes(range(32))
ADDRESS: Final = ClientAddress(ip_address("203.0.113.77").packed)


@pytest.mark.req("C1", "P12")
def test_a_visitor_is_a_site_an_address_an_agent_and_a_salt() -> None:
    """Change any of the four and it is another visitor; change none and it is the same."""
    same = visitor_hash(1, ADDRESS, "Marked/1.0", SALT)
    others = [
        visitor_hash(2, ADDRESS, "Marked/1.0", SALT),
        visitor_hash(1, ClientAddress(ip_address("203.0.113.78").packed), "Marked/1.0", SALT),
        visitor_hash(1, ClientAddress(ip_address("2001:db8::1").packed), "Marked/1.0", SALT),
        visitor_hash(1, NO_ADDRESS, "Marked/1.0", SALT),
        visitor_hash(1, ADDRESS, "Marked/1.1", SALT),
        visitor_hash(1, ADDRESS, "Marked/1.0", SALT[::-1]),
    ]
    assert visitor_hash(1, ClientAddress(ip_address("203.0.113.77").packed), "Marked/1.0", SALT) == same
    assert len({same, *others}) == 7
    assert {len(one) for one in (same, *others)} == {16}


@given(st.binary(max_size=20), st.text(max_size=20), st.binary(max_size=20), st.text(max_size=20))
def test_address_and_agent_can_not_run_into_each_other(packed: bytes, agent: str, other: bytes, second: str) -> None:
    """What ends the address and what begins the agent is never ambiguous, and no agent raises."""
    first = visitor_hash(1, ClientAddress(packed), agent, SALT)
    again = visitor_hash(1, ClientAddress(other), second, SALT)
    same = packed == other and agent.encode("utf-8", "replace") == second.encode("utf-8", "replace")
    assert (first == again) is same


@pytest.mark.req("P2")
def test_returning_is_the_device_id_under_the_sites_key() -> None:
    """However the id is spelt; another site's key gives another hash, and without a key nobody gets either."""
    device = UUID("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")
    found = returning_hash(device, SALT)
    assert found == returning_hash(UUID("0A1B2C3D4E5F4A6B8C7D9E0F1A2B3C4D"), SALT)
    assert found != returning_hash(device, SALT[::-1])
    assert found != returning_hash(UUID(int=device.int + 1), SALT)
    assert found not in {hashlib.blake2b(device.bytes, digest_size=16).digest(), NOBODY}


def test_the_hash_is_keyed_blake2b_of_128_bits() -> None:
    """As the design names it, so that an auditor can compute it again while the salt lives."""
    content = (1).to_bytes(4) + b"\4" + ADDRESS.packed + b"Marked/1.0"
    expected = hashlib.blake2b(content, digest_size=16, key=SALT).digest()
    assert hmac.compare_digest(visitor_hash(1, ADDRESS, "Marked/1.0", SALT), expected)
