"""Check digits against numbers that the issuing offices or the standards themselves print as examples."""

import random

import pytest

from collector.check_digits import (
    IBAN_LENGTHS,
    is_card,
    is_corsican_number,
    is_fiscal_code,
    is_iban,
    is_isbn,
    is_national_number,
    is_spanish_number,
    luhn,
)

CARDS = (
    "4111111111111111", "5555555555554444", "2223003122003222", "378282246310005", "6011111111111117", "30569309025904",
    "3530111333300000", "6200000000000005", "4222222222222", "6304000000000000",
)  # fmt: skip
IBANS = (
    "DE89370400440532013000", "GB82WEST12345698765432", "CH9300762011623852957", "FR1420041010050500013M02606", "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S", "BR1800360305000010009795493C1", "SA0380000000608010167519", "NL91ABNA0417164300", "PL61109010140000071219812874",
)  # fmt: skip
NATIONAL = {
    "CH AHV": "7569217076985", "DE Steuer-ID": "86095742719", "FR NIR": "255081416802538", "NL BSN": "111222333", "PL PESEL": "44051401359",
    "SE personnummer": "8112189876", "SE long": "198112189876", "BE": "93051822361", "BR CPF": "11144477735", "NO": "15108695088", "DK CPR": "0707614285",
    "TR": "10000000146", "PT NIF": "123456789", "CA SIN": "130692544", "CZ": "7103192745", "RO CNP": "1630615123457", "UK NHS": "9434765919", "IL": "123456782",
}  # fmt: skip


@pytest.mark.parametrize("number", CARDS)
def test_cards(number: str) -> None:
    """Test numbers of the card networks are cards; with any other last digit they are not."""
    assert is_card(number)
    assert not any(is_card(number[:-1] + digit) for digit in "0123456789" if digit != number[-1])


@pytest.mark.parametrize(
    "number", ["4111111111111112", "1234567890123", "0000000000000000", "79927398713", "20240517123045", ""]
)
def test_no_cards(number: str) -> None:
    """A wrong check digit, an unknown issuer, a time."""
    assert not is_card(number)


def test_luhn_on_the_example_of_the_standard() -> None:
    """79927398713 is the usual example; of its ten siblings only it is right."""
    assert [digit for digit in "0123456789" if luhn("7992739871" + digit)] == ["3"]


@pytest.mark.parametrize("iban", IBANS)
def test_ibans(iban: str) -> None:
    """Examples of the registry are right; with two signs changed places, one sign more or one less they are not."""
    assert is_iban(iban)
    assert not is_iban(iban + "0")
    assert not is_iban(iban[:-1])
    assert not is_iban(iban[:2] + str((int(iban[2:4]) + 1) % 100).zfill(2) + iban[4:])


def test_iban_lengths_are_those_of_the_registry() -> None:
    """15 is the shortest and 33 the longest national form; every country has one."""
    assert (min(IBAN_LENGTHS.values()), max(IBAN_LENGTHS.values())) == (15, 33)
    assert len(IBAN_LENGTHS) >= 80


@pytest.mark.parametrize("number", ["9780306406157", "0306406152", "080442957X", "9791090636071"])
def test_isbns(number: str) -> None:
    """Both lengths; X is ten."""
    assert is_isbn(number)
    assert not is_isbn(number[:-1] + ("1" if number[-1] != "1" else "2"))


@pytest.mark.parametrize("scheme", NATIONAL)
def test_national_numbers(scheme: str) -> None:
    """The published example of each scheme is known; of its nine neighbours at most five are, by other schemes."""
    number = NATIONAL[scheme]
    assert is_national_number(number)
    neighbours = [number[:-1] + digit for digit in "0123456789" if digit != number[-1]]
    assert sum(map(is_national_number, neighbours)) <= 5


def test_few_random_numbers_are_national_numbers() -> None:
    """Check digits thin out: under half of random numbers of the crowded lengths pass any scheme, of others few."""
    rng = random.Random(7)
    for length, most in ((9, 0.5), (10, 0.45), (11, 0.45), (12, 0.01), (13, 0.05), (15, 0.02)):
        hits = sum(is_national_number("".join(rng.choices("0123456789", k=length))) for _ in range(2000))
        assert hits <= most * 2000, length


@pytest.mark.parametrize("code", ["RSSMRA85T10A562S", "RCCMNL83S18D969H"])
def test_fiscal_codes(code: str) -> None:
    """Codes of the usual invented people; with another check letter they are none."""
    valid = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if is_fiscal_code(code[:-1] + letter)]
    assert valid == [code[-1]]


@pytest.mark.parametrize("number", ["12345678Z", "00000000T", "X1234567L", "Y0000000Z", "54362315K"])
def test_spanish_numbers(number: str) -> None:
    """DNI and NIE, one letter each."""
    valid = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if is_spanish_number(number[:-1] + letter)]
    assert valid == [number[-1]]


def test_corsican_numbers() -> None:
    """2A counts as 19 and 2B as 18 in the key's sum (decree 82-103)."""
    for letters, stands_for in (("2A", "19"), ("2B", "18")):
        key = 97 - int(f"18512{stands_for}004118") % 97
        assert is_corsican_number(f"18512{letters}004118{key:02}")
        assert not is_corsican_number(f"18512{letters}004118{(key % 97) + 1:02}")


@pytest.mark.parametrize("text", ["", "1", "000000000", "00000000000", "000000000000000", "9" * 15])
def test_degenerate_digits_raise_nothing(text: str) -> None:
    """Whatever the digits, each check answers."""
    for check in (is_card, is_isbn, is_national_number):
        assert check(text) in (True, False)
