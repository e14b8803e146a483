"""Token buckets against a simulation that counts tokens one by one, and who may take from whose bucket."""

from fractions import Fraction
from ipaddress import ip_address
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.address import NO_ADDRESS, ClientAddress
from collector.limits import Buckets, Limits
from tests.collector.world import Clock

steps = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 60)), max_size=40)
"""Milliseconds that pass, and tokens that are then asked for."""
BURST: Final = 2
"""Seconds of its rate that a bucket holds."""


class Simulated:
    """The textbook: a bucket fills with `rate` tokens a second up to two seconds' worth; who asks for more than a full
    bucket is served when it is full, and the debt is worked off."""

    def __init__(self, rate: int, now: int) -> None:
        self.rate = Fraction(rate)
        self.level = self.full = self.rate * BURST
        self.then = now

    def take(self, now: int, tokens: int) -> Fraction:
        """0 if they were there, else the seconds until they would be."""
        self.level = min(self.full, self.level + self.rate * (now - self.then) / 1000)
        self.then = now
        needed = min(Fraction(tokens), self.full)
        if self.level >= needed:
            self.level -= tokens
            return Fraction(0)
        return (needed - self.level) / self.rate


@pytest.mark.req("O4")
@given(st.integers(1, 50), steps)
def test_a_bucket_does_what_the_textbook_says(rate: int, asked: list[tuple[int, int]]) -> None:
    """Taken or not is the same at every step, and the wait that is told is enough and at most a second too long."""
    clock = Clock()
    bucket, simulated = Buckets(rate, clock), Simulated(rate, clock.now)
    for passed, tokens in asked:
        clock.now += passed
        foreseen = bucket.wait("k", tokens)
        wait, needed = bucket.take("k", tokens), simulated.take(clock.now, tokens)
        assert foreseen == wait
        if abs(simulated.level - min(Fraction(tokens), simulated.full)) < Fraction(1, 10**6) and bool(wait) != bool(
            needed
        ):
            return  # within a millionth of a token either answer is right, and from there on the two differ
        assert bool(wait) is (needed > 0)
        assert needed <= wait <= max(1, needed + 1)
        assert wait == int(wait)


@given(st.integers(1, 50), steps, st.integers(1, 60))
def test_who_waits_as_told_is_served(rate: int, asked: list[tuple[int, int]], tokens: int) -> None:
    """Retry-After is no guess: after that time, and nothing else taken, the same tokens are there."""
    clock = Clock()
    bucket = Buckets(rate, clock)
    for passed, some in asked:
        clock.now += passed
        bucket.take("k", some)
    wait = bucket.take("k", tokens)
    clock.now += wait * 1000
    assert wait == 0 or bucket.take("k", tokens) == 0


def test_no_rate_is_no_limit() -> None:
    """0 switches a limit off."""
    bucket = Buckets(0, Clock())
    assert [bucket.take("k", 10**9) for _ in range(3)] == [0, 0, 0]


@pytest.mark.req("O4")
def test_buckets_are_bounded_and_the_idlest_goes_first() -> None:
    """A flood of senders does not fill the memory; whoever is still sending keeps their bucket."""
    clock = Clock()
    bucket = Buckets(1, clock)
    for sender in range(150_000):
        bucket.take(sender, 2)
        if sender % 20_000 == 0:
            assert bucket.take(0, 1) > 0
        assert len(bucket) <= 100_001
    assert bucket.take(0, 1) > 0
    assert bucket.take(1, 2) == 0


@pytest.mark.req("O4")
def test_networks_sites_and_keys_have_buckets_of_their_own() -> None:
    """One network, site or key that has taken everything leaves the others all they have."""
    limits = Limits(network_rate=10, site_rate=10, clock=Clock())
    addresses = [ClientAddress(ip_address(text).packed) for text in ("203.0.113.1", "203.0.113.200", "198.51.100.1")]
    assert limits.network(addresses[0], 20) == 0
    assert [limits.network(address, 20) > 0 for address in addresses] == [True, True, False]
    assert [limits.site(1, 20), limits.site(2, 20), limits.site(1, 1)] == [0, 0, 1]
    assert [limits.api_key(b"a", 20), limits.api_key(b"b", 20), limits.api_key(b"a", 1)] == [0, 0, 1]
    assert limits.network(NO_ADDRESS, 20) == 0


@pytest.mark.req("C1")
def test_a_network_is_not_known_by_its_digits() -> None:
    """In memory a network is a keyed hash, under another key in every process."""
    address = ClientAddress(ip_address("203.0.113.77").packed)
    keys = set()
    for _ in range(2):
        limits = Limits(network_rate=10, site_rate=10, clock=Clock())
        limits.network(address, 1)
        keys |= set(limits._networks._full_at)
    assert len(keys) == 2
    digits = {int.from_bytes(address.packed), int.from_bytes(address.network), hash(address.network)}
    assert not keys & digits
