"""Money as a reader wants it: revenue is stored in minor units, and how many make one is the currency's affair."""

from typing import Final

_DIGITS: Final[dict[str, int]] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
"""ISO 4217: digits behind the point, where these are not two."""
_STEPS: Final = ((1e9, "B"), (1e6, "M"), (1e3, "K"))


def in_units(amount: float, currency: str) -> float:
    """An amount of minor units in the currency itself, to its digits."""
    digits = _DIGITS.get(currency, 2)
    return round(amount / float(10**digits), digits)


def long_money(value: float, currency: str) -> str:
    """To the last digit: EUR 1,234.50."""
    return f"{currency} {value:,.{_DIGITS.get(currency, 2)}f}"


def short_money(value: float, currency: str) -> str:
    """In three digits or so: EUR 1.2K."""
    for step, letter in _STEPS:
        if abs(value) >= step:
            return f"{currency} {value / step:.1f}{letter}"
    return f"{currency} {value:,.1f}"
