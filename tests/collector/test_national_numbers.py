"""Every scheme of identity numbers by itself, against its published rule written down once more, in another way.

Of a number without its check digits exactly one ending is right; what the rule excludes (months, days, first digits) is
no number of the scheme however right its check digits are.
"""

import random
from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from collector import check_digits
from collector.check_digits import is_card, is_corsican_number, is_fiscal_code, is_iban, is_isbn, is_spanish_number

Rule = Callable[[str], str]


class Scheme(NamedTuple):
    """One scheme: its function, the form of what stands before the check digits, and the rule for these.

    In a form `#` is any digit, `y` a year's two digits, `m` a month's, `d` a day's; else the sign itself.
    """

    name: str
    forms: tuple[str, ...]
    excluded: tuple[str, ...]
    ending: Rule


def total(digits: str, *weights: int) -> int:
    """The weighted sum."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def down(count: int) -> range:
    """count … 2."""
    return range(count, 1, -1)


def none_for_ten(check: int) -> str:
    """A check digit that can't be ten."""
    return str(check) if check < 10 else ""


def doubled(digits: str) -> str:
    """Luhn's digit: every second one from the right doubled, and its digits added up."""
    sums = [sum(map(int, str(int(digit) * (2 - place % 2)))) for place, digit in enumerate(reversed(digits))]
    return str(-sum(sums) % 10)


def hybrid(digits: str) -> str:
    """ISO 7064 MOD 11,10."""
    rest = 10
    for digit in digits:
        rest = (rest + int(digit)) % 10 or 10
        rest = rest * 2 % 11
    return str((11 - rest) % 10)


def brazil(digits: str) -> str:
    """Two digits, each 11 minus the remainder, 0 from ten on."""
    for top in (10, 11):
        digits += none_for_ten(11 - total(digits, *down(top)) % 11) or "0"
    return digits[9:]


def norway(digits: str) -> str:
    """Two digits."""
    first = none_for_ten(-total(digits, 3, 7, 6, 1, 8, 9, 4, 5, 2) % 11)
    return first and (
        (second := none_for_ten(-total(digits + first, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11)) and first + second
    )


def turkey(digits: str) -> str:
    """Seven times the odd places less the even ones; then all ten."""
    first = str((7 * sum(map(int, digits[::2])) - sum(map(int, digits[1::2]))) % 10)
    return first + str(sum(map(int, digits + first)) % 10)


def eleven(digits: str) -> str:
    """What makes the whole divisible by eleven."""
    return next((last for last in "0123456789" if int(digits + last) % 11 == 0), "")


SCHEMES: Final = (
    Scheme("_ahv", ("756#########",), ("755#########", "856#########"), lambda d: str(-total(d, *(1, 3) * 6) % 10)),
    Scheme("_steuer_id", ("1123456789", "9912345678", "1233456789"), ("0123456788", "1234567890"), hybrid),
    Scheme("_nir", ("1ym########", "2ym########", "7ym########"), ("5ym########", "1y00########"), lambda d: f"{97 - int(d) % 97:02}"),
    Scheme("_bsn", ("########",), (), lambda d: none_for_ten(total(d, *down(9)) % 11)),
    Scheme("_pesel", ("ymd####",), ("y13d####", "ym32####", "ym00####"), lambda d: str(-total(d, *(1, 3, 7, 9) * 2, 1, 3) % 10)),
    Scheme("_personnummer", ("ymd###",), ("y13d###", "ym32###", "y00d###"), doubled),
    Scheme("_cpf", ("#########",), ("111111111", "000000000"), brazil),
    Scheme("_norwegian", ("dmy###",), ("32my###", "d13y###"), norway),
    Scheme("_danish", ("dmy###",), ("32my###", "d13y###"), lambda d: none_for_ten(-total(d, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11)),
    Scheme("_turkish", ("1########", "9########"), ("0########",), turkey),
    Scheme("_portuguese", ("1#######", "2#######", "9#######"), ("4#######", "7#######"), lambda d: none_for_ten(11 - total(d, *down(9)) % 11) or "0"),
    Scheme("_canadian", ("1#######", "9#######"), ("0#######", "8#######"), doubled),
    Scheme("_israeli", ("########",), ("00000000",), doubled),
    Scheme("_finnish_or_czech", ("ymd###",), ("y13d###", "ym32###"), eleven),
    Scheme("_romanian", ("1ymd#####", "8ymd#####"), ("0ymd#####", "1y13d#####", "1ym32#####"), lambda d: str(total(d, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11).replace("10", "1")),
    Scheme("_nhs", ("#########",), (), lambda d: none_for_ten(-total(d, *down(10)) % 11)),
)  # fmt: skip


def filled(form: str, dice: random.Random) -> str:
    """A form with digits in it."""
    signs = {"y": lambda: f"{dice.randint(0, 99):02}", "m": lambda: f"{dice.randint(1, 12):02}", "d": lambda: f"{dice.randint(1, 31):02}"}  # fmt: skip
    return "".join(
        signs[sign]() if sign in signs else dice.choice("0123456789") if sign == "#" else sign for sign in form
    )


@pytest.mark.req("P8")
@pytest.mark.parametrize("scheme", SCHEMES, ids=[scheme.name for scheme in SCHEMES])
def test_exactly_one_ending_is_right(scheme: Scheme) -> None:
    """Of fifty numbers of each form, and none of what the scheme excludes."""
    check, dice = getattr(check_digits, scheme.name), random.Random(scheme.name)
    for form in scheme.forms * (50 // len(scheme.forms)):
        digits = filled(form, dice)
        right = scheme.ending(digits)
        size = len(right) or 1
        found = [end for end in range(10**size) if check(f"{digits}{end:0{size}}")]
        assert found == ([int(right)] if right else []), digits
    for form in scheme.excluded * 30:
        digits = filled(form, dice)
        assert not check(digits + (scheme.ending(digits) or "0")), digits


@pytest.mark.req("P8")
def test_the_forms_that_schemes_have_beside_their_usual_one() -> None:
    """Centuries in the month, days of coordination numbers, women's months, births since 2000, long forms."""
    for name, digits in {
        "_pesel": "0221010001",
        "_personnummer": "991261001",
        "_finnish_or_czech": "005102000",
        "_norwegian": "410150001",
    }.items():
        scheme = next(one for one in SCHEMES if one.name == name)
        assert getattr(check_digits, name)(digits + scheme.ending(digits)), name
    women = "9973" + "15000"
    assert check_digits._finnish_or_czech(women + eleven(women))
    assert not check_digits._finnish_or_czech("9963" + "15000" + eleven("996315000"))
    for digits in ("010203004", "936512345", "000000000"):
        right = {97 - int(century + digits) % 97 for century in "02"}
        assert [end for end in range(100) if check_digits._belgian(f"{digits}{end:02}")] == sorted(right)
    personal = "811218987"
    assert check_digits._long_personnummer(f"19{personal}{doubled(personal)}")
    assert check_digits._long_personnummer(f"20{personal}{doubled(personal)}")
    assert not check_digits._long_personnummer(f"17{personal}{doubled(personal)}")
    assert not check_digits._bsn("000000000")


@pytest.mark.req("P8")
@pytest.mark.parametrize(
    "text",
    ["", "RSSMRA85T10A562", "RSSMRA85T10A562S1", "RSSMRA85T10A56 S", "RSSMRA85T10A562É", "RSSMRA85T10A562-"],
)
def test_no_fiscal_codes(text: str) -> None:
    """Too short, too long, and with other signs."""
    assert is_fiscal_code(text) is False


@pytest.mark.req("P8")
def test_fiscal_codes_add_up_places_by_themselves() -> None:
    """The decree's table for odd places, letter by letter, against codes whose check letter was worked out from it."""
    odd = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", "1 0 5 7 9 13 15 17 19 21 1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23".split(), strict=True))  # fmt: skip
    for sign, value in odd.items():
        code = f"{sign}AAAAAAAAAAAAAA"
        last = chr(65 + (int(value) + 7 * int(odd["A"])) % 26)
        assert [end for end in map(chr, range(65, 91)) if is_fiscal_code(code + end)] == [last], sign
        code = f"A{sign}AAAAAAAAAAAAA"
        place = int(sign) if sign.isdigit() else ord(sign) - 65
        last = chr(65 + (place + 8 * int(odd["A"])) % 26)
        assert [end for end in map(chr, range(65, 91)) if is_fiscal_code(code + end)] == [last], sign


@pytest.mark.req("P8")
def test_forms_that_only_look_like_numbers() -> None:
    """Lengths and signs are part of every scheme."""
    assert [is_spanish_number(text) for text in ("1234567Z", "123456789Z", "A1234567L", "1234567AZ")] == [False] * 4
    assert [is_corsican_number(text) for text in ("18512A00411", "18512C004118" + "47", "185122A04118")] == [False] * 3
    assert [is_iban(text) for text in ("de89370400440532013000", "DE8937040044053201300é", "XX89370400440532013000")] == [False] * 3  # fmt: skip
    assert [is_isbn(text) for text in ("9770306406154", "97803064061571", "030640615", "X306406152", "0306406151")] == [False] * 5  # fmt: skip
    assert [is_isbn(text) for text in ("9780306406157", "080442957x", "080442957X")] == [True] * 3


ISSUED: Final = {
    "4": (13, 16, 19), "51": (16,), "55": (16,), "2221": (16,), "2720": (16,), "34": (15,), "37": (15,), "300": (14, 16), "305": (14, 16), "36": (14, 16, 19),
    "38": (14, 16, 19), "39": (14, 16, 19), "6011": (16, 19), "644": (16, 19), "659": (16, 19), "3528": (16, 19), "3589": (16, 19), "62": (16, 17, 18, 19),
    "81": (16, 17, 18, 19), "50": (12, 13, 14, 15, 16, 17, 18, 19), "56": (12, 13, 14, 15, 16, 17, 18, 19), "58": (12, 13, 14, 15, 16, 17, 18, 19), "60": (16,),
    "63": (16, 17, 18, 19), "67": (16, 17, 18, 19), "2200": (16, 17, 18, 19), "2204": (16, 17, 18, 19), "9792": (16,),
    "1": (), "2205": (), "2220": (), "2721": (), "306": (), "35": (), "3527": (), "3590": (), "33": (), "52": (16,), "59": (), "66": (), "61": (), "7": (), "82": (), "9791": (), "9793": (), "0": (),
}  # fmt: skip


@pytest.mark.req("P8")
@pytest.mark.parametrize("start", ISSUED)
def test_issuers_and_their_lengths(start: str) -> None:
    """The first and the last number of every range, and those beside it; no other length is a card's."""
    for length in range(11, 21):
        digits = start + "0" * (length - 1 - len(start))
        assert is_card(digits + doubled(digits)) is (length in ISSUED[start]), length
