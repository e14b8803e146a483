"""A sieve never denies an id that it holds, and seldom suspects one that it does not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spool.sieve import Sieve

pytestmark = pytest.mark.req("O3")


@given(st.lists(st.binary(min_size=16, max_size=16)), st.lists(st.binary(min_size=16, max_size=16)))
def test_what_it_holds_it_never_denies(held: list[bytes], others: list[bytes]) -> None:
    """Whatever else is asked, in whatever order; and an empty one suspects nobody."""
    assert Sieve(0).perhaps(held + others) == []
    asked = others + held
    assert [one for one in asked if one in held] == [
        one for one in Sieve.of(b"".join(held), len(held)).perhaps(asked) if one in held
    ]


def test_it_seldom_suspects_in_vain() -> None:
    """As full as it gets, it suspects some 1.4 % of ids that it does not hold; then it asks for a larger one."""
    scattered = random.Random(5)
    sieve = Sieve(70_000)
    while not sieve.full:
        sieve.add(scattered.randbytes(16 * 5_000))
    suspected = len(sieve.perhaps([scattered.randbytes(16) for _ in range(20_000)]))
    assert 0.007 < suspected / 20_000 < 0.025
    assert not Sieve.of(b"x" * 16, 70_000).full
