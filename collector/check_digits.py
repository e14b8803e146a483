"""Numbers that prove themselves: check digits of cards, accounts, books and national identity numbers.

Promises: each function answers for one published scheme, from digits alone, without a table of real numbers. A True
says "formed as such a number", never "belongs to someone". Refuses: separators and other noise; the caller strips them.
"""

from collections.abc import Callable
from typing import Final

IBAN_LENGTHS: Final[dict[str, int]] = {
    code: length
    for length, codes in (
        (15, "NO"),
        (16, "BE BI"),
        (18, "DK FI FK FO GL NL SD"),
        (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH CR HR LI LV"),
        (22, "BG BH DE GB GE IE ME RS VA"),
        (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
        (25, "LY PT ST"),
        (26, "IS TR"),
        (27, "BY DJ FR GR IT MC MR SM"),
        (28, "AL AZ CY DO GT HN HU LB NI PL SV"),
        (29, "BR EG PS QA UA"),
        (30, "JO KW MU YE"),
        (31, "MT SC"),
        (33, "RU"),
    )
    for code in codes.split()
}
"""Length of an IBAN by country, from the IBAN registry (ISO 13616)."""


def luhn(digits: str) -> bool:
    """ISO/IEC 7812 check over all digits, the last one being the check digit."""
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """A payment card: an issuer's prefix, a length that the issuer uses, and Luhn."""
    length = len(digits)
    if not 12 <= length <= 19 or not luhn(digits):
        return False
    return any(length in lengths and low <= int(digits[: len(str(low))]) <= high for low, high, lengths in _ISSUERS)


def is_iban(text: str) -> bool:
    """ISO 13616: two letters and two digits, the country's length, remainder 1 after division by 97. Capitals only."""
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not text.isalnum() or not text.isascii():
        return False
    return int((text[4:] + text[:4]).translate(_LETTERS)) % 97 == 1


def is_isbn(text: str) -> bool:
    """ISBN-10 (the last sign may be X) or ISBN-13 (978, 979)."""
    if len(text) == 13:
        return text.isdigit() and text[:3] in ("978", "979") and _weighted(text, (1, 3) * 6 + (1,)) % 10 == 0
    if len(text) != 10 or not text[:9].isdigit() or text[9] not in "0123456789Xx":
        return False
    last = 10 if text[9] in "Xx" else int(text[9])
    return (_weighted(text[:9], range(10, 1, -1)) + last) % 11 == 0


def is_national_number(digits: str) -> bool:
    """An all-digit identity, tax or insurance number of one of the countries in `_NATIONAL`, check digits right."""
    return any(check(digits) for check in _NATIONAL.get(len(digits), ()))


def is_fiscal_code(text: str) -> bool:
    """Italy's codice fiscale: 16 capitals and digits in its form (omocodia letters too), check letter right."""
    if len(text) != 16 or not text.isascii() or not text.isalnum():
        return False
    odd = sum(_FISCAL_ODD[int(sign, 36) - 10 if sign.isalpha() else int(sign)] for sign in text[:15:2])
    even = sum(int(sign, 36) - 10 if sign.isalpha() else int(sign) for sign in text[1:15:2])
    return chr(65 + (odd + even) % 26) == text[15]


def is_spanish_number(text: str) -> bool:
    """Spain's DNI (8 digits, letter) and NIE (X, Y or Z, 7 digits, letter), in capitals."""
    digits = text[:-1].translate(_NIE)
    return len(digits) == 8 and digits.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == text[-1]


def is_corsican_number(text: str) -> bool:
    """France's NIR of someone born in Corsica: 2A or 2B as the department, in capitals."""
    digits = text.replace("2A", "19", 1) if text[5:7] == "2A" else text.replace("2B", "18", 1)
    return len(digits) == 15 and digits.isdigit() and _nir(digits)


_LETTERS: Final = str.maketrans({chr(55 + value): str(value) for value in range(10, 36)})
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_NIE: Final = str.maketrans("XYZ", "012")
# Odd places of a codice fiscale (decree of 23 December 1976): values of 0–9, the same as of A–J, then K–Z.
_FISCAL_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_ISSUERS: Final[tuple[tuple[int, int, tuple[int, ...]], ...]] = (
    (4, 4, (13, 16, 19)),  # Visa
    (51, 55, (16,)),  # Mastercard
    (2221, 2720, (16,)),
    (34, 34, (15,)),  # American Express
    (37, 37, (15,)),
    (300, 305, (14, 16)),  # Diners
    (36, 36, (14, 16, 19)),
    (38, 39, (14, 16, 19)),
    (6011, 6011, (16, 19)),  # Discover
    (644, 659, (16, 19)),
    (3528, 3589, (16, 19)),  # JCB
    (62, 62, (16, 17, 18, 19)),  # UnionPay
    (81, 81, (16, 17, 18, 19)),
    (50, 50, (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (56, 58, (12, 13, 14, 15, 16, 17, 18, 19)),
    (60, 60, (16,)),  # RuPay
    (63, 63, (16, 17, 18, 19)),
    (67, 67, (16, 17, 18, 19)),
    (2200, 2204, (16, 17, 18, 19)),  # Mir
    (9792, 9792, (16,)),  # Troy
)


def _weighted(digits: str, weights: range | tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _is_day(month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def _ahv(digits: str) -> bool:
    """Switzerland: 756, then an EAN-13."""
    return digits.startswith("756") and _weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def _steuer_id(digits: str) -> bool:
    """Germany: ISO 7064 MOD 11,10; first digit not 0, one digit repeats among the first ten."""
    if digits[0] == "0" or len(set(digits[:10])) == 10:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def _nir(digits: str) -> bool:
    """France: sex, month of birth, key = 97 − number mod 97."""
    return digits[0] in "123478" and digits[3:5] != "00" and 97 - int(digits[:13]) % 97 == int(digits[13:])


def _bsn(digits: str) -> bool:
    """The Netherlands: the eleven test with −1 for the last digit."""
    return (_weighted(digits[:8], range(9, 1, -1)) - int(digits[8])) % 11 == 0 and digits != "000000000"


def _pesel(digits: str) -> bool:
    """Poland: month carries the century (+20, +40 …)."""
    return (
        _is_day(str(int(digits[2:4]) % 20), digits[4:6])
        and _weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0
    )


def _personnummer(digits: str) -> bool:
    """Sweden: YYMMDD (day + 60 for coordination numbers), Luhn."""
    return _is_day(digits[2:4], str(int(digits[4:6]) % 60)) and luhn(digits)


def _long_personnummer(digits: str) -> bool:
    return digits[:2] in ("18", "19", "20") and _personnummer(digits[2:])


def _belgian(digits: str) -> bool:
    """Belgium: 97 − number mod 97; a 2 is put before for births since 2000."""
    key = int(digits[9:])
    return any(97 - int(century + digits[:9]) % 97 == key for century in ("", "2"))


def _cpf(digits: str) -> bool:
    """Brazil, people: two digits mod 11."""
    if len(set(digits)) == 1:
        return False
    first = _weighted(digits[:9], range(10, 1, -1)) * 10 % 11 % 10
    second = _weighted(digits[:10], range(11, 1, -1)) * 10 % 11 % 10
    return digits[9:] == f"{first}{second}"


def _norwegian(digits: str) -> bool:
    """Norway: DDMMYY (day + 40 for D numbers), two digits mod 11."""
    if not _is_day(digits[2:4], str(int(digits[:2]) % 40)):
        return False
    first = _weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1))
    return first % 11 == 0 and _weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _danish(digits: str) -> bool:
    """Denmark: DDMMYY and mod 11 (numbers since 2007 may lack the check and are then taken as ids by length)."""
    return _is_day(digits[2:4], digits[:2]) and _weighted(digits, (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _turkish(digits: str) -> bool:
    """Türkiye: two digits mod 10, no leading 0."""
    odd, even = sum(map(int, digits[0:9:2])), sum(map(int, digits[1:8:2]))
    return (
        digits[0] != "0"
        and (odd * 7 - even) % 10 == int(digits[9])
        and sum(map(int, digits[:10])) % 10 == int(digits[10])
    )


def _portuguese(digits: str) -> bool:
    """Portugal (NIF): mod 11."""
    return digits[0] in "1235689" and _weighted(digits[:8], range(9, 1, -1)) * 10 % 11 % 10 == int(digits[8])


def _canadian(digits: str) -> bool:
    """Canada (SIN): Luhn, first digit not 0 or 8."""
    return digits[0] not in "08" and luhn(digits)


def _israeli(digits: str) -> bool:
    """Israel: the same sum as Luhn."""
    return luhn(digits) and digits != "000000000"


def _finnish_or_czech(digits: str) -> bool:
    """Czechia and Slovakia (rodné číslo): divisible by 11, month + 50 for women, + 20 when numbers ran out."""
    month = int(digits[2:4]) % 50
    return int(digits) % 11 == 0 and _is_day(str(month - 20 if month > 20 else month), digits[4:6])


def _romanian(digits: str) -> bool:
    """Romania (CNP): weights 279146358279, mod 11, 10 becomes 1."""
    rest = _weighted(digits[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return digits[0] != "0" and _is_day(digits[3:5], digits[5:7]) and (1 if rest == 10 else rest) == int(digits[12])


def _nhs(digits: str) -> bool:
    """United Kingdom (NHS number): mod 11."""
    return (11 - _weighted(digits[:9], range(10, 1, -1)) % 11) % 11 == int(digits[9])


_NATIONAL: Final[dict[int, tuple[Callable[[str], bool], ...]]] = {
    9: (_bsn, _portuguese, _canadian, _israeli),
    10: (_personnummer, _danish, _finnish_or_czech, _nhs),
    11: (_steuer_id, _pesel, _belgian, _cpf, _norwegian, _turkish),
    12: (_long_personnummer,),
    13: (_ahv, _romanian),
    15: (_nir,),
}
