"""Which ids are surely not in a large set: a bitmap in memory that saves nearly every look into the tree.

Two bytes an id and 0.1 µs, where a look costs 3 µs a run. It may say "perhaps" of an id that is not there (1.4 % when
it is as full as it gets), never "no" of one that is; so adding too much is no harm.
"""

from collections.abc import Iterable
from typing import Final, Self

_BITS_AN_ID: Final = 16
_SMALLEST: Final = 1 << 20
_BIT: Final = tuple(1 << place for place in range(8))


class Sieve:
    """A bitmap for some number of ids, two places each, by Python's own keyed hash: nobody outside can choose them."""

    def __init__(self, ids: int) -> None:
        """Room for `ids` ids."""
        bits = _SMALLEST
        while bits < ids * _BITS_AN_ID:
            bits *= 2
        self._mask = bits - 1
        self._bits = bytearray(bits // 8)
        self._held = 0

    @classmethod
    def of(cls, ids: Iterable[bytes], room: int) -> Self:
        """A sieve with room for `room` ids that holds these."""
        sieve = cls(room)
        sieve.add(ids)
        return sieve

    @property
    def full(self) -> bool:
        """Whether it is time for a larger one."""
        return self._held * _BITS_AN_ID > self._mask

    def add(self, ids: Iterable[bytes]) -> None:
        """Hold these too."""
        bits, mask, held = self._bits, self._mask, 0
        for id_ in ids:
            number = hash(id_)
            place, other = number & mask, number >> 32 & mask
            bits[place >> 3] |= _BIT[place & 7]
            bits[other >> 3] |= _BIT[other & 7]
            held += 1
        self._held += held

    def perhaps(self, ids: Iterable[bytes]) -> list[bytes]:
        """Those of the ids that may be held; the others are not."""
        bits, mask = self._bits, self._mask
        return [
            id_
            for id_ in ids
            if bits[(place := (number := hash(id_)) & mask) >> 3] & _BIT[place & 7]
            and bits[(place := number >> 32 & mask) >> 3] & _BIT[place & 7]
        ]
